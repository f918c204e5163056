"""What a plant tolerates: deviations that don't matter, single readings that don't count, and the way back."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.twin.live.story import Reading, Story, readings, units
from twin.errors import SnapshotError
from twin.live.diagnosis import SUSPECT, TOLERANT
from twin.live.excursion import BACK, MEMORY, RELEARN, Excursion
from twin.live.instant import Instant
from twin.live.twin import LiveTwin
from twin.plant import Plant, Tolerance
from twin.shipped import path_of

SHARE, BELOW, STEP = Tolerance(0.1, 0.1, True), Tolerance(0.1, math.inf, True), Tolerance(2.0, 2.0, False)
TAGS = {"a": SHARE, "b": BELOW, "c": STEP}
EXPECTED = np.array([100.0, 100.0, 1.0, 5.0])
"""The last tag has no tolerance."""


def made() -> Excursion:
    return Excursion(["a", "b", "c", "d"], TAGS)


def off(found: Excursion, deviation: list[float], seconds: int, expected: np.ndarray = EXPECTED) -> Excursion:
    """Let readings be off for some seconds."""
    for now in range(seconds):
        found.see(found.time + 1.0 if now or found.time else 1.0, expected + np.array(deviation), expected)
    return found


@pytest.mark.parametrize(
    ("deviation", "size"),
    [([9.0, 0, 0, 0], 0.9), ([-9.0, 0, 0, 0], 0.9), ([0, -15.0, 0, 0], 1.5), ([0, 15.0, 0, 0], 0.0),
     ([0, 0, 3.0, 0], 1.5), ([0, 0, 0, 99.0], 0.0)],
)  # fmt: skip
def test_a_deviation_is_measured_by_what_is_tolerated_of_it(deviation: list[float], size: float) -> None:
    found = off(made(), deviation, 100)
    assert found.size == pytest.approx(size, abs=1e-6)
    assert found.begins() == (size >= 1.0)


def test_noise_about_what_is_expected_is_no_deviation_even_where_one_way_alone_counts() -> None:
    found, stream = made(), np.random.default_rng(1)
    sizes = []
    for now in range(1, 2001):
        found.see(float(now), EXPECTED + np.array([0.0, 5.0, 0.0, 0.0]) * stream.standard_normal(4), EXPECTED)
        sizes.append(found.size)
    # White noise of half the tolerance, smoothed over six seconds, has a deviation of 0.5 / sqrt(2 * 6) = 0.14; were
    # what counts smoothed alone, it would stand 0.2 off on average. Of 170 independent values the mean is off by 12 %.
    assert max(sizes) < 0.14 * 4.5
    assert np.mean(sizes) == pytest.approx(0.14 / math.sqrt(2.0 * math.pi), rel=0.4)


@pytest.mark.parametrize("spike", [-1e9, -100.0, 1e9])
def test_one_reading_makes_no_excursion(spike: float) -> None:
    found = off(made(), [spike, min(spike, 0.0), spike, 0.0], 1)
    assert found.size < 1.0
    assert off(found, [spike, 0.0, 0.0, 0.0], 3).size > 1.0


def test_a_reading_after_a_long_silence_counts_as_two_at_most() -> None:
    found = made()
    found.see(1.0, EXPECTED, EXPECTED)
    found.see(1000.0, EXPECTED - np.array([12.0, 0.0, 0.0, 0.0]), EXPECTED)
    assert found.size == pytest.approx(1.2 * (1.0 - math.exp(-2.0 / MEMORY)))


def test_what_is_not_read_keeps_its_deviation() -> None:
    found = off(made(), [15.0, 0.0, 0.0, 0.0], 100)
    off(found, [math.nan, 0.0, 0.0, 0.0], 100)
    assert found.size == pytest.approx(1.5)


def test_of_what_is_expected_to_be_nothing_no_share_is_a_limit() -> None:
    assert off(made(), [5.0, -5.0, 0.0, 0.0], 50, np.zeros(4)).size == 0.0


def test_an_excursion_is_over_when_readings_are_most_of_the_way_back_for_a_while() -> None:
    found = off(made(), [0.0, -80.0, 0.0, 0.0], 60)
    assert found.begins()
    assert found.lasts()
    for _ in range(60):
        off(found, [0.0, -80.0, 0.0, 0.0], 1)
        assert found.lasts()
    assert found.peak == pytest.approx(8.0, rel=1e-3)
    for _ in range(100):
        off(found, [0.0, -30.0, 0.0, 0.0], 1)
        assert found.lasts()
    lasted = 0
    while found.lasts() and lasted < 1000:
        off(found, [0.0, -20.0, 0.0, 0.0], 1)  # beyond what is tolerated, and three quarters of the way back
        lasted += 1
    # From 30 to a third of 80, towards 20, and then for a while.
    assert lasted == pytest.approx(MEMORY * math.log(10.0 / (80.0 / 3.0 - 20.0)) + BACK, abs=2.0)


def test_what_readings_came_back_to_is_usual_from_then_on() -> None:
    found = off(made(), [0.0, -80.0, 0.0, 0.0], 60)
    assert found.begins()
    off(found, [0.0, -20.0, 0.0, 0.0], 60)
    found.end()
    found.settle()
    assert found.size == 0.0
    assert found.usual.tolist() == pytest.approx([0.0, -20.0, 0.0, 0.0], abs=0.01)
    off(found, [0.0, -20.0, 0.0, 0.0], 60)
    assert not found.begins()
    off(found, [0.0, -37.0, 0.0, 0.0], 30)  # of the 80 that are usual a fifth less: tolerated is a tenth
    assert found.begins()


def test_what_is_usual_follows_what_the_twin_learns_of_it_but_not_an_excursion() -> None:
    found = off(made(), [0.0, -20.0, 0.0, 0.0], 60)
    found.settle()
    off(found, [0.0, -18.0, 0.0, 0.0], 900)
    assert found.usual[1] == pytest.approx(-18.0 - 2.0 * math.exp(-900.0 / RELEARN), abs=0.01)
    off(found, [0.0, -60.0, 0.0, 0.0], 30)
    assert found.begins()
    before = found.usual.copy()
    off(found, [0.0, -60.0, 0.0, 0.0], 30)
    assert found.usual.tolist() == before.tolist()


def test_a_small_deviation_does_not_become_usual() -> None:
    found = off(made(), [4.9, -4.9, 0.9, 99.0], 100)
    found.settle()
    assert found.usual.tolist() == [0.0] * 4
    assert found.size == pytest.approx(0.49)


def test_an_excursion_that_turns_again_goes_on() -> None:
    found = off(made(), [0.0, -40.0, 0.0, 0.0], 60)
    assert found.begins()
    for _ in range(5):
        assert off(found, [0.0, 0.0, 0.0, 0.0], 25).lasts()
        assert off(found, [0.0, -40.0, 0.0, 0.0], 30).lasts()


def test_a_plant_that_tolerates_nothing_leaves_it_to_the_evidence() -> None:
    found = Excursion(["a"], {})
    assert found.begins()
    for now in range(100):
        found.see(float(now), np.array([1.0]), np.array([1.0]))
        assert found.lasts()


def test_a_state_goes_on_bit_for_bit_and_another_plants_is_refused() -> None:
    found, other = off(made(), [12.0, -20.0, 1.0, 0.0], 20), made()
    assert found.begins()
    other.restore(found.state())
    for each in (found, other):
        off(each, [3.0, -8.0, 0.0, 1.0], 7).lasts()
    assert found.size == other.size
    assert found.state()["numbers"] == other.state()["numbers"]
    with pytest.raises(SnapshotError, match="excursion: of other tags; start anew"):
        Excursion(["a"], TAGS).restore(found.state())


@pytest.mark.parametrize(("declared", "enough"), [(True, TOLERANT * SUSPECT), (False, SUSPECT)])
def test_less_evidence_is_enough_where_a_plant_says_what_it_tolerates(declared: bool, enough: float) -> None:
    plant = Plant.load(path_of("water_loop"))
    assert plant.estimation is not None
    tolerance = plant.estimation.tolerance if declared else {}
    twin = LiveTwin(replace(plant, estimation=plant.estimation._replace(tolerance=tolerance)))
    found, later = twin.diagnosis, plant.estimation.commission + 1.0
    expected = np.array(found.newest)
    for now in range(60):  # far beyond what is tolerated of any tag
        found.excursion.see(later + now, 0.5 * expected, expected)
    evidence = found.judged.suspicions.evidence
    evidence[:] = 0.0
    evidence[0] = 0.99 * enough
    assert not found.verdict(later + 60.0).suspicious
    evidence[0] = 1.01 * enough
    assert found.strength == pytest.approx(1.01)
    assert found.verdict(later + 61.0).suspicious


@pytest.fixture(scope="module")
def loop() -> tuple[LiveTwin, bytes, list[Reading]]:
    """Return the twin of the water loop, what it is at first, and 15 minutes of readings at rest."""
    twin = LiveTwin(Plant.load(path_of("water_loop")))
    shown = dict(zip((t.name for t in twin.filter.tags), twin.filter.shown.tolist(), strict=True))
    return twin, twin.packed(), readings(twin.plant, shown, 900, seed=4)


def watched(loop: tuple[LiveTwin, bytes, list[Reading]], flow: dict[range, float]) -> dict[str, list[float]]:
    """Return when an advisory about a deviation was raised and returned, with a changed flow in some seconds."""
    twin, fresh, rows = loop
    twin.unpack(fresh)
    begin, name = rows[0][1], "VolumeFlowRateRMS"
    changed: list[Reading] = []
    for tag, time, value, status in rows:
        second = (time - begin) // 1_000_000
        factor = next((f for span, f in flow.items() if second in span), 1.0) if tag == name else 1.0
        changed.append((tag, time, value * factor, status))
    found: dict[str, list[float]] = {}
    for instant in twin.put(Story().hello("gw", units(twin.plant)).stream("gw", changed).take()):
        _note(found, instant, begin / 1e6)
    return found


def _note(found: dict[str, list[float]], instant: Instant, begin: float) -> None:
    for change in instant.changes:
        if change.subject == "deviation":
            found.setdefault(change.cause, []).append(instant.time - begin)


def test_a_fall_that_matters_is_told_and_its_end_too(loop: tuple[LiveTwin, bytes, list[Reading]]) -> None:
    found = watched(loop, {range(500, 700): 0.93})
    assert len(found["raised"]) == len(found["returned"]) == 1
    assert 500.0 < found["raised"][0] < 515.0
    assert 700.0 < found["returned"][0] < 760.0


@pytest.mark.parametrize("flow", [{range(400, 900): 0.992}, {range(400, 900): 1.1}, {range(500, 501): 0.0}])
def test_what_does_not_matter_is_not_told(
    loop: tuple[LiveTwin, bytes, list[Reading]], flow: dict[range, float]
) -> None:
    assert watched(loop, flow) == {}
