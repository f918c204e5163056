"""Names of tags on their way through EQT/1."""

import re

from hypothesis import given
from hypothesis import strategies as st

from twin.clean.names import wire_names

WIRE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}")


def test_a_name_that_may_travel_does_so_as_it_is() -> None:
    assert wire_names(["TI-101", "a/b:c.d_e"]) == {"TI-101": "TI-101", "a/b:c.d_e": "a/b:c.d_e"}


def test_a_name_with_blanks_is_written_with_underscores() -> None:
    assert wire_names(["Volume Flow RateRMS"]) == {"Volume Flow RateRMS": "Volume_Flow_RateRMS"}


def test_a_name_of_other_letters_gets_one_of_its_own() -> None:
    found = wire_names(["온도", "압력"])
    assert len(set(found.values())) == 2


@given(st.lists(st.text(min_size=1, max_size=150), unique=True, max_size=20))
def test_every_tag_travels_by_a_name_of_its_own(tags: list[str]) -> None:
    found = wire_names(tags)
    assert len(set(found.values())) == len(tags)
    assert all(WIRE.fullmatch(name) for name in found.values())
    assert wire_names(tags) == found
