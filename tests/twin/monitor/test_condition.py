"""Conditions: what their keys are about, and that their numbers encode the same before and after a restart."""

import numpy as np
import pytest

from twin.monitor.condition import Condition, checked, keyed_on


@pytest.mark.parametrize(
    ("key", "name", "is_keyed"),
    [
        ("pump_1.wear", "pump_1", True),
        ("pump_1.wear", "pump", False),
        ("pump_1.wear", "wear", False),
        ("pump_10.wear", "pump_1", False),
        ("limit:pump_1.T_b", "pump_1", True),
        ("TI-101", "TI-101", True),
        ("limit:TI-101", "TI-101", True),
        ("TI-1011", "TI-101", False),
        ("unit:1", "unit:1", True),
        ("unknown:pump_1", "pump_1", True),
        ("pump_1", "", False),
    ],
)
def test_a_key_names_its_asset_or_tag(key: str, name: str, is_keyed: bool) -> None:
    assert keyed_on(key, name) is is_keyed


def test_numbers_of_numpy_and_whole_numbers_become_floats() -> None:
    given = Condition("k", "fault", np.float32(4.5), 1, 3, {"a": np.float64(1.0), "b": 2, "c": "x"})  # type: ignore[arg-type]
    got = checked(given)
    assert {type(x) for x in (got.size, got.probability, got.since, got.values["a"], got.values["b"])} == {float}
    assert got.values == {"a": 1.0, "b": 2.0, "c": "x"}
