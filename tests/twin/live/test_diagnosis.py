from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.advisories import Feed
from twin.errors import PlantError
from twin.estimate.ahead import outlook
from twin.estimate.ensemble_filter import EnsembleFilter
from twin.factory.truth import Truth, beside
from twin.live.instant import Instant
from twin.live.twin import LiveTwin
from twin.monitor import texts
from twin.plant import Plant
from twin.shipped import path_of

ONSET = 400.0


class Station:
    def __init__(self) -> None:
        path = path_of("cooling_station")
        self.plant = Plant.load(path)
        truth = beside(path)
        assert isinstance(truth, Path)
        self.truth = Truth.load(truth, self.plant)
        self.twin = LiveTwin(self.plant)
        self.fresh = self.twin.packed()

    def run(self, fault: str, until: float, seed: int = 7) -> list[Instant]:
        self.twin.unpack(self.fresh)
        feed = Feed(self.twin, self.truth, seed, fault, onset=ONSET)
        return [self.twin._settle(part) for part in feed.bins(until)]


@pytest.fixture(scope="module")
def station() -> Station:
    return Station()


@pytest.fixture(scope="module")
def hot(station: Station) -> list[Instant]:
    return station.run("bearing_hot", 1300.0)


def test_a_bearing_that_runs_hot_is_named_and_before_its_onset_nothing_is(hot: list[Instant]) -> None:
    assert not any(i.verdict.suspicious for i in hot[: int(ONSET)])
    assert hot[-1].verdict.candidates[0][0] == "pump_2.rough"


def test_every_condition_can_be_told_in_both_languages(hot: list[Instant]) -> None:
    told = {(c.code, frozenset(c.values)): (i.time, c) for i in hot for c in i.conditions}
    assert {code for code, _ in told} >= {"starting", "unobservable", "fault"}
    for time, condition in told.values():
        for language in ("en", "ko"):
            said = texts.text(condition.code, condition.values, language, now=time)
            assert all(said)


def test_while_a_fault_is_suspected_nothing_learns_it_away(station: Station, hot: list[Instant]) -> None:
    state = station.twin.filter.moments.noise[: len(station.twin.tags)]
    assert hot[-1].verdict.suspicious
    assert station.twin.filter.holding
    # Without the hold TI-112, which is tens of sigma off, would have been taken for a noisy instrument.
    assert state[station.twin.tags.index("TI-112")] < 3.0 * station.twin.filter.noise[station.twin.tags.index("TI-112")]


def test_what_the_equipment_does_not_declare_is_called_unknown(station: Station) -> None:
    instants = station.run("gasket_leaks", 1000.0)
    assert instants[-1].verdict.suspicious
    assert instants[-1].verdict.candidates == ()
    assert any(c.code == "unknown" for c in instants[-1].conditions)


def test_the_same_key_draws_the_same_future_and_its_band_widens(station: Station, hot: list[Instant]) -> None:
    assert hot
    one, two = (outlook(station.twin.filter, {}, 600.0, key="t") for _ in range(2))
    assert one.bands.tobytes() == two.bands.tobytes()
    width = one.bands[2] - one.bands[0]
    slow = station.twin.tags.index("TI-101")
    assert width[slow, -1] > 0.0
    assert np.all(one.bands[0] <= one.bands[1])


def test_a_plant_that_asks_for_the_ensemble_filter_gets_it_and_goes_on_from_its_bytes(station: Station) -> None:
    asked = station.plant.estimation
    assert asked is not None
    plant = replace(station.plant, estimation=asked._replace(filter="ensemble"))
    twin = LiveTwin(plant)
    feed = Feed(twin, station.truth, 7, "")
    instants = [twin._settle(part) for part in feed.bins(60.0)]
    assert isinstance(twin.filter, EnsembleFilter)
    assert np.nanmax(np.abs(instants[-1].reading - instants[-1].expected[: len(twin.tags)])) > 0.0
    other = LiveTwin(plant)
    other.unpack(twin.packed())
    assert other.digest() == twin.digest()


def test_a_mode_that_no_tag_reads_is_refused_by_name_before_the_twin_starts(station: Station) -> None:
    asked = station.plant.estimation
    assert asked is not None
    with pytest.raises(PlantError, match="no tag reads 'tripped'"):
        LiveTwin(replace(station.plant, estimation=asked._replace(assumed=())))


def test_an_instrument_that_was_off_for_a_while_and_is_sound_again_is_suspected_no_more(station: Station) -> None:
    station.twin.unpack(station.fresh)
    tag = list(station.plant.tags).index("TI-103")
    suspected = []
    for k, part in enumerate(Feed(station.twin, station.truth, 7, "").bins(1500.0)):
        if 500 <= k < 520:
            part.value[tag] += 20.0
        suspected.append(station.twin._settle(part).verdict.suspicious)
    assert not any(suspected[:500])
    assert all(suspected[510:520])
    assert not any(suspected[1200:])
