"""What is foreseen is as sure as it can be, doesn't come and go, and names the fault that it was foreseen of."""

from typing import Any

import numpy as np
import pytest

from tests.twin.live.story import station
from twin.estimate.ahead import MEMBERS, Crossing, Outlook, _crossing, _durations
from twin.live import foresight
from twin.live.foresight import FORGOTTEN, LOOK, STALE, Foresight

FAULT, OTHER = "pump_2.rough", "pump_2.wear"


class Belief:
    """A filter whose fault grows by a thousandth a second, until it rests."""

    suspects = (FAULT, OTHER)
    now, rest = 0.0, np.inf

    def severity(self, suspect: int) -> float:
        return 1e-3 * min(self.now, self.rest)

    def deviation(self, suspect: int) -> float:
        return 1e-3

    def unit(self, suspect: int) -> float:
        return 1.0


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what sees a fault for a while, with what an outlook finds, and tells what is foreseen."""
    belief = Belief()
    looked = Foresight(station(), belief)  # type: ignore[arg-type]
    monkeypatch.setattr(foresight, "UnscentedFilter", Belief)

    def see(path: str, since: float, seconds: range, *probabilities: float) -> list[bool]:
        crossings = tuple(Crossing("TI-112", 353.15, True, 60.0, 600.0, 6000.0, p) for p in probabilities)
        found = Outlook(np.zeros(1), np.zeros((3, 1, 1)), crossings)
        monkeypatch.setattr(foresight, "outlook", lambda *_, **__: found)
        told = []
        for now in seconds:
            belief.now = float(now)
            looked.see(float(now), path, since)
            told.append(bool(looked.conditions(0.0)))
        return told

    see.foresight, see.belief = looked, belief  # type: ignore[attr-defined]
    return see


@pytest.mark.parametrize("ahead", [0.1, 1.0, 3.0, 10.0])
def test_what_was_seen_for_a_while_goes_on_with_the_probability_of_a_duration_that_nothing_is_known_of(
    ahead: float,
) -> None:
    random = np.random.default_rng(1)
    durations = _durations(900.0, random.normal(size=MEMBERS))
    assert np.mean(durations > ahead * 900.0) == pytest.approx(1.0 / (1.0 + ahead), abs=0.5 / MEMBERS + 1e-9)


def test_times_are_those_of_members_that_pass_and_how_many_do_is_told_beside() -> None:
    first = np.array([np.inf] * 24 + [100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0])
    (crossing,) = _crossing("TI-112", 353.15, True, first)
    assert (crossing.early, crossing.middle, crossing.late) == (100.0, 500.0, 800.0)
    assert crossing.probability == 0.25
    assert _crossing("TI-112", 353.15, True, np.full(32, np.inf)) == []


def test_what_can_not_stop_goes_on_for_ever() -> None:
    assert np.isinf(_durations(np.inf, np.zeros(MEMBERS))).all()


def test_growth_counts_from_when_the_fault_began(seen: Any) -> None:
    seen(FAULT, 400.0, range(1000, 1200), 0.9)
    assert seen.foresight.trend().seen == pytest.approx(800.0, abs=15.0)
    assert seen.foresight.trend().rate == pytest.approx(1e-3)


def test_once_told_it_stays_until_it_is_unlikely(seen: Any) -> None:
    step = int(LOOK) + 15
    assert not any(seen(FAULT, 0.0, range(1000, 1200), 0.49))
    assert seen(FAULT, 0.0, range(1200, 1200 + step), 0.51)[-1]
    assert all(seen(FAULT, 0.0, range(1400, 1400 + 3 * step), 0.26))
    assert not seen(FAULT, 0.0, range(2400, 2400 + step), 0.24)[-1]


def test_what_was_withdrawn_is_told_again_only_of_a_fault_that_has_grown_since(seen: Any) -> None:
    step = int(LOOK) + 15
    assert seen(FAULT, 0.0, range(1000, 1000 + step), 0.9)[-1]
    seen.belief.rest = 1500.0
    assert not seen(FAULT, 0.0, range(1500, 1500 + step), 0.1)[-1]
    assert not any(seen(FAULT, 0.0, range(2000, 2000 + 5 * step), 0.9))
    assert "horizon" in seen.foresight.values(0.0)
    seen("", 0.0, range(4000, 4300))
    assert not any(seen(FAULT, 0.0, range(4300, 4300 + 2 * step), 0.9))
    seen.belief.rest = np.inf
    assert seen(FAULT, 0.0, range(5000, 5000 + step), 0.9)[-1]


def test_a_fault_that_was_not_named_for_an_hour_is_foreseen_as_if_it_were_new(seen: Any) -> None:
    step = int(LOOK) + 15
    seen(FAULT, 0.0, range(1000, 1000 + step), 0.9)
    seen.belief.rest = 1500.0
    seen(FAULT, 0.0, range(1500, 1500 + step), 0.1)
    seen("", 0.0, range(2000, 2000 + int(FORGOTTEN) + 10))
    assert seen(FAULT, 0.0, range(6000, 6000 + step), 0.9)[-1]


def test_a_fault_that_is_called_something_else_for_a_while_leaves_what_was_foreseen(seen: Any) -> None:
    assert seen(FAULT, 0.0, range(1000, 1200), 0.9)[-1]
    looked = seen.foresight.crossing[0]
    told = seen("", 0.0, range(1200, 2000), 0.9)
    assert told == [now - looked <= STALE for now in range(1200, 2000)]


def test_what_was_foreseen_of_one_fault_is_not_told_of_another(seen: Any) -> None:
    seen(FAULT, 0.0, range(1000, 1200), 0.9)
    seen(OTHER, 0.0, range(1200, 1210), 0.9)
    assert seen.foresight.values(0.0) == {}
    (told,) = seen.foresight.conditions(0.0)
    assert "rough" in str(told.values["cause"])


def test_it_goes_on_where_it_was(seen: Any) -> None:
    seen(FAULT, 0.0, range(1000, 1250), 0.9)
    other = Foresight(station(), Belief())  # type: ignore[arg-type]
    other.restore(seen.foresight.state())
    assert other.state() == seen.foresight.state()
    assert other.conditions(5.0) == seen.foresight.conditions(5.0)
