"""The twin's state is a function of the journal: taken up anywhere, in any process, it goes on bit for bit."""

import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.twin.live.story import SECOND, T0, Reading, Story, chunked, readings, station, units
from twin.errors import SnapshotError
from twin.live import snapshots
from twin.live.instant import Instant
from twin.live.snapshots import Snapshot
from twin.live.twin import ForeignError, LiveTwin, identity_of
from twin.pack import pack, unpack
from twin.quality import BAD, UNCERTAIN


@pytest.fixture(scope="module")
def built() -> tuple[LiveTwin, bytes]:
    """Return the one twin of this module, and what it is before it has seen anything."""
    twin = LiveTwin(station())
    return twin, twin.packed()


@pytest.fixture
def twin(built: tuple[LiveTwin, bytes]) -> LiveTwin:
    """Return the twin, new."""
    built[0].unpack(built[1])
    return built[0]


@pytest.fixture(scope="module")
def shown(built: tuple[LiveTwin, bytes]) -> dict[str, float]:
    """Return what each tag reads at rest, SI."""
    found = built[0].filter
    return dict(zip((t.name for t in found.tags), found.shown.tolist(), strict=True))


def told(twin: LiveTwin, story: Story) -> list[Instant]:
    return list(twin.put(story.take()))


def codes(twin: LiveTwin) -> set[str]:
    """Return the codes of what stands."""
    return {advisory.code for advisory in twin.advisories.standing()}


def calm(shown: dict[str, float], seconds: int, first: int = 1) -> list[Reading]:
    return readings(station(), shown, seconds, seed=first, first=first)


def eventful(shown: dict[str, float]) -> Story:
    """Return a story with a fault, actions, a gap, late readings, silence and a return."""
    story = Story().hello("gw", units(station())).stream("gw", calm(shown, 312))
    off = [(n, t, v + 4.0 * (n == "TI-102"), q) for n, t, v, q in calm(shown, 30, 313)]
    story.stream("gw", off).action("comment", "TI-102", "it was dropped")
    story.gap("gw", 3).data("gw", [("TI-101", T0 + 300 * SECOND, 30.0, 0)])
    for _ in range(14):
        story.tick()
    story.action("maintenance", "TI-102", "replaced").tick().hello("gw", units(station()))
    return story.stream("gw", calm(shown, 20, 370)).bye("gw").tick()


def test_the_same_readings_in_a_hundred_chunkings_give_the_same_digest(
    twin: LiveTwin, built: tuple[LiveTwin, bytes], shown: dict[str, float]
) -> None:
    rows, digests = calm(shown, 6), set()
    for seed in range(100):
        stream = random.Random(seed)
        cuts = [*sorted(T0 + round(stream.uniform(0.2, 8.9) * SECOND) for _ in range(10)), T0 + 9 * SECOND]
        story = Story().hello("gw", units(station()))
        for cut, batch in zip(cuts, chunked(rows, cuts, stream, 2.0), strict=True):
            story.time = cut
            story.data("gw", batch)
        twin.unpack(built[1])
        assert len(told(twin, story.tick("gw"))) == 4
        digests.add(twin.digest())
    assert len(digests) == 1


def test_taken_up_anywhere_it_goes_on_bit_for_bit(twin: LiveTwin, shown: dict[str, float]) -> None:
    entries, states, causes = eventful(shown).take(), dict[int, bytes](), set[str]()
    for entry in entries:
        instants = list(twin.put([entry]))
        causes |= {change.cause for instant in instants for change in instant.changes}
        if entry.id % 25 == 0 or entry.id > 610:
            states[entry.id] = pack([twin.state(), [_bits(instant) for instant in instants]])
    assert {"raised", "comment", "maintenance", "returned"} <= causes
    assert any(unpack(state)[0]["diagnosis"]["suspicious"] for state in states.values())
    for before, after in ((n, n + 1) for n in states if n + 1 in states):
        twin.restore(unpack(states[before])[0])
        assert pack(twin.state()) == pack(unpack(states[before])[0])
        instants = list(twin.put(entries[before:after]))
        assert pack([twin.state(), [_bits(instant) for instant in instants]]) == states[after], f"entry {after}"
    twin.restore(unpack(states[25])[0])
    assert [_bits(i) for i in twin.put(entries[25:])]
    assert pack(twin.state()) == pack(unpack(states[entries[-1].id])[0])


def _bits(instant: Instant) -> list[object]:
    return [instant.time, instant.expected, instant.deviation, instant.fit, [list(c) for c in instant.changes]]


SCRIPT = """
import sys
from pathlib import Path
from twin.journal import Reader
from twin.live import snapshots
from twin.live.twin import LiveTwin
from twin.plant import Plant
from twin.shipped import path_of
twin = LiveTwin(Plant.load(path_of("cooling_station")))
folder = Path(sys.argv[1])
twin.unpack(snapshots.load(folder, int(sys.argv[2])).state)
reader = Reader.open(folder)
while entries := reader.entries(twin.entry, int(sys.argv[3])):
    list(twin.put(entries))
print(twin.digest())
"""


def test_another_process_in_another_place_goes_on_to_the_same_bits(
    twin: LiveTwin, shown: dict[str, float], tmp_path: Path
) -> None:
    story = Story().hello("gw", units(station())).stream("gw", calm(shown, 30))
    entries = list(story.entries)
    story.journal(tmp_path)
    list(twin.put(entries[:20]))
    snapshots.save(tmp_path, 20, Snapshot(bytes(32), twin.packed()))
    list(twin.put(entries[20:]))
    places = [
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Seoul", "LANG": "C", "NUMBA_NUM_THREADS": "1"},
        {"PYTHONHASHSEED": "77", "TZ": "America/New_York", "LC_ALL": "C.UTF-8", "NUMBA_NUM_THREADS": "2"},
    ]
    found = []
    for most, place in zip(("3", "1000"), places, strict=True):
        said = [sys.executable, "-c", SCRIPT, tmp_path, "20", most]
        found.append(subprocess.Popen(said, env={**os.environ, **place}, stdout=subprocess.PIPE, text=True))
    assert [process.communicate()[0].strip() for process in found] == [twin.digest()] * 2


@pytest.mark.parametrize("missing", [1, 2, 4])
def test_an_entry_that_is_missing_is_refused(twin: LiveTwin, missing: int) -> None:
    entries = [e for e in Story().hello("gw", units(station())).tick().tick().tick().tick().take() if e.id != missing]
    with pytest.raises(SnapshotError, match=rf"^journal: entry {missing + 1} after {missing - 1}: some are missing"):
        list(twin.put(entries))


def test_what_a_person_does_is_taken_from_the_journal(twin: LiveTwin, shown: dict[str, float]) -> None:
    story = Story().hello("gw", units(station())).stream("gw", calm(shown, 5))
    told(twin, story)
    before = twin.digest()
    (instant,) = told(twin, story.action("comment", "TI-102", "looks dirty"))
    (change,) = instant.changes
    assert (change.cause, change.by, change.text, change.subject) == ("comment", "Kim", "looks dirty", "TI-102")
    assert twin.digest() != before
    (instant,) = told(twin, story.action("comment", "nowhere"))
    assert [c.cause for c in instant.changes] == ["refused_target"]


def test_maintenance_lets_the_twin_believe_the_plants_file_again(twin: LiveTwin, shown: dict[str, float]) -> None:
    def biased(seconds: int, first: int) -> list[Reading]:
        return [(n, t, v + 0.6 * (n == "TI-102"), q) for n, t, v, q in calm(shown, seconds, first)]

    story = Story().hello("gw", units(station())).stream("gw", biased(60, 1))
    told(twin, story)
    bias = len(twin.filter.names) + list(twin.tags).index("TI-102")
    learnt = twin.filter.moments.covariance[bias, bias]
    told(twin, story.action("maintenance", "TI-102"))
    assert twin.filter.moments.mean[bias] == 0.0
    assert twin.filter.moments.covariance[bias, bias] > 2.0 * learnt


@pytest.mark.parametrize("what", ["value", "estimation", "recipe", "format", "nothing", "torn"])
def test_a_snapshot_of_something_else_is_refused_and_changes_nothing(
    twin: LiveTwin, shown: dict[str, float], what: str
) -> None:
    told(twin, Story().hello("gw", units(station())).stream("gw", calm(shown, 4)))
    state, before = twin.state(), twin.digest()
    plant, recipe = twin.plant, twin.recipe
    assert plant.estimation is not None
    others = {
        "value": (plant.with_values({"tank.T": "33 degC"}), recipe),
        "estimation": (replace(plant, estimation=plant.estimation._replace(lag=3.0)), recipe),
        "recipe": (plant, recipe._replace(tags=recipe.tags[1:])),
    }
    torn = {**state, "arrivals": {**state["arrivals"], "last": []}}
    if what in others:
        state["identity"] = identity_of(*others[what], twin.filter.outputs)
    else:
        state = {"format": {**state, "format": 0}, "nothing": [], "torn": torn}[what]
    with pytest.raises(SnapshotError) as told_why:
        twin.unpack(pack(state))
    assert isinstance(told_why.value, ForeignError) == (what in others)
    assert twin.digest() == before


def test_a_gateway_that_falls_silent_is_told_though_nothing_is_settled(twin: LiveTwin, shown: dict[str, float]) -> None:
    story = Story().hello("gw", units(station())).stream("gw", calm(shown, 6))
    assert "stale" not in {c.code for i in told(twin, story) for c in i.conditions}
    told(twin, story.tick().tick())
    assert "stale" not in codes(twin)
    (instant,) = told(twin, story.tick())
    assert [(c.key, c.values["last"]) for c in instant.conditions if c.code == "stale"] == [("source:gw", T0 / 1e6 + 6)]
    assert "stale" in codes(twin)
    told(twin, story.wait(20).hello("gw", units(station())).stream("gw", calm(shown, 25, 30)))
    assert {a.state for a in twin.advisories.standing() if a.code == "stale"} == {"returned"}


def test_a_gateway_that_is_connected_but_sends_nothing_new_is_told(twin: LiveTwin, shown: dict[str, float]) -> None:
    story = Story().hello("gw", units(station())).stream("gw", calm(shown, 6))
    for _ in range(9):
        story.tick("gw")
    told(twin, story)
    assert "stale" not in codes(twin)
    told(twin, story.tick("gw").tick("gw"))
    assert "stale" in codes(twin)


def test_a_tag_that_falls_silent_is_told_and_its_gateway_is_not(twin: LiveTwin, shown: dict[str, float]) -> None:
    rows = [row for row in calm(shown, 20) if row[0] != "TI-102" or row[1] < T0 + 5 * SECOND]
    instants = told(twin, Story().hello("TI-102", units(station())).stream("TI-102", rows))
    keys = {c.key for i in instants for c in i.conditions if c.code == "stale"}
    assert keys == {"stale:TI-102"}


def test_a_gateway_and_a_tag_of_one_name_may_both_be_silent(twin: LiveTwin, shown: dict[str, float]) -> None:
    rows = [row for row in calm(shown, 20) if row[0] != "TI-102" or row[1] < T0 + 5 * SECOND]
    story = Story().hello("TI-102", units(station())).stream("TI-102", rows)
    instants = told(twin, story.tick().tick().tick().tick())
    assert {c.key for c in instants[-1].conditions if c.code == "stale"} == {"source:TI-102", "stale:TI-102"}


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_a_clock_that_is_off_is_told_even_where_nothing_of_it_can_be_used(
    twin: LiveTwin, shown: dict[str, float], ahead: float
) -> None:
    story = Story().hello("gw", units(station()), ahead=ahead)
    for k in range(1, 12):
        moved = [(n, t + round(ahead * SECOND), v, q) for n, t, v, q in calm(shown, 1, k)]
        story.wait(1).data("gw", moved).tick("gw", seconds=0)
    told(twin, story)
    (advisory,) = (a for a in twin.advisories.standing() if a.code == "clock")
    assert (advisory.values["source"], advisory.values["offset"]) == ("gw", pytest.approx(3600.0))
    assert (twin.arrivals.begin == 0) == (ahead > 0)


@pytest.mark.parametrize("jump", [86_400, -86_400, 375_117_248, -1_772_366_400])
def test_after_the_clock_of_ingest_jumped_and_came_back_advisories_are_told_as_before(
    twin: LiveTwin, shown: dict[str, float], jump: int
) -> None:
    story = Story().hello("gw", units(station())).stream("gw", calm(shown, 6))
    story.time = story.received = story.time + jump * SECOND
    for _ in range(5):
        story.tick()
    story.action("comment", "TI-101")
    story.time = story.received = T0 + 20 * SECOND
    told(twin, story.hello("gw", units(station())).stream("gw", calm(shown, 20, 20)))
    assert twin.advisories.state.time == T0 / 1e6 + 37
    assert {a.state for a in twin.advisories.standing() if a.code == "stale"} == {"returned"}


def test_readings_too_late_and_batches_lost_are_told(twin: LiveTwin, shown: dict[str, float]) -> None:
    story = Story().hello("gw", units(station())).stream("gw", calm(shown, 8)).gap("gw", 12)
    story.stream("gw", calm(shown, 10, 12)).data("gw", calm(shown, 1, 3))
    instants = told(twin, story.stream("gw", calm(shown, 70, 23)))
    gap = {"source": "gw", "first": T0 / 1e6 + 8, "last": T0 / 1e6 + 12, "count": 12}
    late = {"source": "gw", "count": 28, "delay": 18.0, "window": 2.0}
    found = {c.code: c.values for i in instants for c in i.conditions}
    assert (found["gap"], found["late"]) == (gap, late)
    assert {"gap", "late"}.isdisjoint(c.code for c in instants[-1].conditions)
    assert {"gap", "late"} <= codes(twin)


@pytest.mark.parametrize("value", [1e308, -1.0, 0.5, 5.0])
def test_a_command_that_says_what_cannot_be_is_no_end_of_the_twin(
    twin: LiveTwin, shown: dict[str, float], value: float
) -> None:
    rows = [(n, t, value if n == "XS-111" else v, q) for n, t, v, q in calm(shown, 8)]
    assert len(told(twin, Story().hello("gw", units(station())).stream("gw", rows))) == 6
    assert twin.arrivals.counts["impossible"] == (0 if value == 0.5 else 6)


def test_a_twin_that_loses_its_plant_begins_anew_and_tells(
    twin: LiveTwin, shown: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story().hello("gw", units(station())).stream("gw", calm(shown, 10))
    told(twin, story)
    monkeypatch.setattr(twin.arrivals, "_high", np.full_like(twin.arrivals._high, np.inf))
    poison = twin.filter.moments.mean
    poison[:] = np.nan
    instants = told(twin, story.stream("gw", calm(shown, 10, 11)))
    assert "diverged" in {c.code for c in instants[0].conditions}
    assert twin.age == 9 * SECOND
    assert np.isfinite(twin.filter.moments.mean).all()


@pytest.mark.parametrize("hours", [1, 24, 24 * 365])
def test_after_a_silence_of_hours_or_a_year_the_twin_goes_on_at_once(
    twin: LiveTwin, shown: dict[str, float], hours: int
) -> None:
    story = Story().hello("gw", units(station())).stream("gw", calm(shown, 10)).wait(3600 * hours)
    later = [(n, t + 3600 * hours * SECOND, v, q) for n, t, v, q in calm(shown, 10, 11)]
    instants = told(twin, story.hello("gw", units(station())).stream("gw", later))
    settled = [i for i in instants if np.isfinite(i.expected).all()]
    assert settled[-1].time == T0 / 1e6 + 3600 * hours + 18
    assert twin.age <= 3620 * SECOND
    assert abs(settled[-1].expected[0] - shown["LI-101"]) < 0.05


def test_uncertain_readings_weigh_less_and_bad_ones_nothing(
    twin: LiveTwin, built: tuple[LiveTwin, bytes], shown: dict[str, float]
) -> None:
    def moved(quality: int) -> float:
        twin.unpack(built[1])
        rows = [(n, t, v + 0.2 * (n == "TI-102"), quality * (n == "TI-102")) for n, t, v, _ in calm(shown, 40)]
        (*_, last) = told(twin, Story().hello("gw", units(station())).stream("gw", rows))
        return float(last.expected[list(twin.tags).index("TI-102")]) - shown["TI-102"]

    good, uncertain, bad = moved(0), moved(UNCERTAIN), moved(BAD)
    assert abs(bad) < abs(uncertain) < abs(good)
    assert good > 0.1


@pytest.fixture(scope="module")
def experienced(built: tuple[LiveTwin, bytes], shown: dict[str, float]) -> bytes:
    """Return a twin that judges its plant already."""
    built[0].unpack(built[1])
    told(built[0], Story().hello("gw", units(station())).stream("gw", calm(shown, 310)))
    return built[0].packed()


@pytest.mark.parametrize("value", [-273.15, 40.0, 1e6])
@pytest.mark.parametrize("length", [1, 2])
def test_a_spike_is_no_advisory(
    built: tuple[LiveTwin, bytes], experienced: bytes, shown: dict[str, float], value: float, length: int
) -> None:
    twin = built[0]
    twin.unpack(experienced)
    story = Story(T0 + 311 * SECOND)
    story.number = twin.entry
    spikes = {T0 + (first + k) * SECOND for first in (315, 325) for k in range(length)}
    rows = [(n, t, value if n == "TI-102" and t in spikes else v, q) for n, t, v, q in calm(shown, 30, 311)]
    instants = told(twin, story.hello("gw", units(station())).stream("gw", rows))
    assert not any(instant.verdict.suspicious for instant in instants)


def test_a_look_at_the_head_leaves_no_trace(twin: LiveTwin, shown: dict[str, float]) -> None:
    story = Story().hello("gw", units(station())).stream("gw", calm(shown, 12))
    told(twin, story)
    before = twin.digest()
    first, head = twin.head()
    assert first.time == T0 / 1e6 + 11
    assert head.believed.shape == (2, len(twin.filter.unknowns))
    assert (head.time, twin.reached) == (T0 / 1e6 + 12, T0 + 10 * SECOND)
    assert twin.digest() == before
