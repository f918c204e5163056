"""The simulated factory: the same bytes however it is asked, and faults that show where they are said to."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.plants import SHIPPED, shipped
from twin.declare import Fault
from twin.documents import BAD, GOOD
from twin.errors import PlantError, SimulationError
from twin.factory.factory import START, Block, Factory
from twin.factory.forcing import Member
from twin.factory.truth import Truth
from twin.runs import Scale

FROM_THE_START = 0.0
MINUTES = 60.0


@pytest.fixture(scope="module")
def truth() -> Truth:
    return loaded("cooling_station")


@pytest.fixture(scope="module")
def brief(truth: Truth) -> Truth:
    """Return the cooling station without its hour of settling."""
    return replace(truth, settle=0.0)


def loaded(name: str) -> Truth:
    return Truth.load(SHIPPED.parent / "truths" / f"{name}.yaml", shipped(name))


def bytes_of(block: Block, member: int = 0) -> bytes:
    parts = (block.tag, block.time[member], block.value[member], block.quality[member])
    return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)


def test_the_same_seed_gives_the_same_bytes_and_another_other_ones(brief: Truth) -> None:
    first, again, other = (bytes_of(Factory(brief, [Member(seed)]).advance(30.0)) for seed in (5, 5, 6))
    assert first == again
    assert first != other


@pytest.mark.parametrize("settle", [0.0, 60.0])
def test_readings_are_the_same_however_time_is_cut(brief: Truth, settle: float) -> None:
    members = [Member(3, "impeller_wear", 7.0)]
    truth = replace(brief, settle=settle, jitter=0.003)
    whole, parts = Factory(truth, members), Factory(truth, members)
    expected = whole.advance(60.0)
    cuts = [parts.advance(t) for t in (0.0, 0.4, 1.0, 4.9999, 5.0, 5.0, 23.3, 60.0)]
    assert b"".join(b.value.tobytes() for b in cuts) == expected.value.tobytes()
    assert b"".join(b.time.tobytes() for b in cuts) == expected.time.tobytes()
    assert parts._ensemble.digest() == whole._ensemble.digest()


def test_a_factory_among_several_is_the_one_it_is_alone_bit_for_bit(brief: Truth) -> None:
    members = [Member(1), Member(8, "bearing_hot", 20.0), Member(9), Member(8, "thermometer_creeps", 30.0)]
    members += [Member(seed, "gasket_leaks", 10.0) for seed in range(20, 34)]  # more than one block of lanes
    together = Factory(brief, members)
    block = together.advance(90.0)
    for i in (0, 1, 3, len(members) - 1):
        alone = Factory(brief, [members[i]])
        assert bytes_of(block, i) == bytes_of(alone.advance(90.0)), members[i]
        assert together.truth("pump_2.T_b")[i] == alone.truth("pump_2.T_b")[0]


def test_readings_come_by_instant_and_tag_in_the_tags_units(truth: Truth) -> None:
    factory = Factory(truth, start=5_000_000)
    block = factory.advance(2.0)
    names = [name for name, _ in factory.tags]
    assert names == list(truth.twin.tags)
    assert block.tag.tolist() == list(range(len(names))) * 3
    assert block.time[0].tolist() == [5_000_000 + s * 1_000_000 for s in range(3) for _ in names]
    level, temperature = (block.value[0, names.index(name)] for name in ("LI-101", "TI-101"))
    assert level == pytest.approx(0.8, abs=0.05)
    assert temperature == pytest.approx(32.0, abs=1.0)
    assert block.rows()[0] == (0, 5_000_000, level, GOOD)
    assert factory.time == 2.0


def test_tags_of_several_periods_are_merged_in_time() -> None:
    plant = shipped("two_tanks")
    names = list(plant.tags)
    tags = {n: t._replace(every=0.5 if i % 2 else 2.0) for i, (n, t) in enumerate(plant.tags.items())}
    block = Factory(replace(Truth.bare(replace(plant, tags=tags)), jitter=0.01)).advance(4.0)
    nominal = (block.time[0] - START) // 500_000
    assert nominal.tolist() == sorted(nominal.tolist())
    for i, name in enumerate(names):
        own = block.time[0][block.tag == i] - START
        every = round(tags[name].every * 1e6)
        assert np.all((own % every) < 10_000)
        assert (own // every).tolist() == list(range(round(4.0 / tags[name].every) + 1))


def test_the_factory_has_settled_before_its_first_reading(truth: Truth) -> None:
    factory = Factory(truth)
    block = factory.advance(300.0)
    index = [name for name, _ in factory.tags].index("SI-101")
    speed = block.value[0, block.tag == index]
    assert speed.min() > 2700.0
    assert not [h for h in factory.happenings() if h.time > 0.0]


def test_hidden_numbers_differ_from_the_plants(truth: Truth) -> None:
    factory = Factory(truth, [Member(1), Member(2)])
    hidden = factory.truth("exchanger.G_hot")
    assert len({truth.twin.value("exchanger.G_hot"), *hidden}) == 3


def test_a_missing_reading_is_bad_and_repeats_the_last(brief: Truth) -> None:
    tags = dict(brief.plant.tags)
    tags["FI-102"] = tags["FI-102"]._replace(dropout=0.3)
    factory = Factory(replace(brief, plant=replace(brief.plant, tags=tags)))
    block = factory.advance(200.0)
    own = block.tag == list(tags).index("FI-102")
    missing = block.quality[0, own] == BAD
    assert 30 < missing.sum() < 90
    at = np.flatnonzero(missing)
    assert np.all(block.value[0, own][at[at > 0]] == block.value[0, own][at[at > 0] - 1])


def test_a_plant_without_instruments_is_refused() -> None:
    with pytest.raises(PlantError, match="gives no readings"):
        Factory(Truth.bare(replace(shipped("two_tanks"), tags={}, limits={})))


@pytest.mark.parametrize("until", [3.0, -1.0, float("nan")])
def test_a_factory_does_not_go_back(brief: Truth, until: float) -> None:
    factory = Factory(brief)
    factory.advance(5.0)
    with pytest.raises(SimulationError, match="can't go to"):
        factory.advance(until)


# What each fault must show after 15 minutes, in deviations of the tag's noise, and which way; with the size of half of
# what docs/faults-of-the-demo.md says of seed 1.
SHOWS = {
    "cooling_station": {
        "impeller_wear": {"FI-101": -5, "FI-102": 5, "JI-101": -2},
        "exchanger_fouling": {"ZI-101": 10, "TI-102": 4},
        "bearing_hot": {"TI-112": 15},
        "strainer_clogs": {"FI-101": -6, "FI-102": 6},
        "valve_deposit": {"ZI-101": 10},
        "cold_water_starves": {"TI-103": 4, "ZI-101": 10},
        "gasket_leaks": {"TI-102": 4, "ZI-101": 10},
        "thermometer_creeps": {"TI-102": 3},
    },
    "water_loop": {
        "impeller_wear": {"VolumeFlowRateRMS": -5},
        "valve_closes": {"VolumeFlowRateRMS": -6},
        "motor_fan_lost": {"Temperature": 7},
        "thick_liquid": {"VolumeFlowRateRMS": -7},
    },
}


@pytest.fixture(scope="module", params=SHOWS)
def story(request: pytest.FixtureRequest) -> tuple[Truth, Factory, dict[str, Block]]:
    """Return a factory of a healthy member and one for each fault, and readings before it and after 15 minutes."""
    truth = loaded(request.param)
    factory = Factory(truth, [Member(1), *(Member(1, name, 60.0) for name in truth.mishaps)])
    blocks = {"before": factory.advance(60.0)}
    factory.advance(15 * MINUTES)
    return truth, factory, blocks | {"after": factory.advance(16 * MINUTES)}


def test_every_fault_of_a_truth_is_told_what_it_shows(story: tuple[Truth, Factory, dict[str, Block]]) -> None:
    truth, _, _ = story
    assert set(SHOWS[truth.plant.name]) == set(truth.mishaps)


def test_before_it_begins_a_fault_changes_no_bit(story: tuple[Truth, Factory, dict[str, Block]]) -> None:
    _, factory, blocks = story
    for i in range(len(factory.members)):
        assert bytes_of(blocks["before"], i) == bytes_of(blocks["before"], 0)


def test_a_fault_moves_the_tags_that_it_is_said_to(story: tuple[Truth, Factory, dict[str, Block]]) -> None:
    truth, factory, blocks = story
    names, after = [name for name, _ in factory.tags], blocks["after"]
    for i, member in enumerate(factory.members):
        for name, least in SHOWS[truth.plant.name].get(member.fault, {}).items():
            tag = truth.twin.tags[name]
            sigma = tag.noise * Scale.of(truth.twin.quantity(tag.reads).unit, tag.unit).factor
            shown = after.value[:, after.tag == names.index(name)].mean(axis=1)
            moved = (shown[i] - shown[0]) / sigma
            assert moved / least > 1.0, f"{member.fault}: {name} moves by {moved:.1f} deviations, not by {least}"


def test_a_fault_is_in_the_equipment_as_far_as_it_has_come(story: tuple[Truth, Factory, dict[str, Block]]) -> None:
    truth, factory, _ = story
    for i, member in enumerate(factory.members):
        for path, target in (truth.mishap(member.fault).to if member.fault else {}).items():
            if isinstance(truth.plant.quantity(path), Fault):
                # Set at the beginning of a step of `hold`, read at its end.
                expected = truth.mishap(member.fault).progress(np.array([15 * MINUTES - truth.hold]))[0] * target
                assert factory.truth(path)[i] == pytest.approx(expected, rel=1e-9), path
    assert factory.progress()[0] == 0.0
    assert np.all(factory.progress()[1:] > 0.2)


def test_no_limit_of_the_plant_is_crossed_half_an_hour_into_any_fault() -> None:
    truth = loaded("cooling_station")
    factory = Factory(truth, [Member(1, name, FROM_THE_START) for name in truth.mishaps])
    block = factory.advance(30 * MINUTES)
    for i, (name, unit) in enumerate(factory.tags):
        low, high = truth.twin.limits.get(name, (-np.inf, np.inf))
        scale = Scale.of(truth.twin.quantity(truth.twin.tags[name].reads).unit, unit)
        own = block.value[:, block.tag == i]
        assert scale(low) <= own.min(), name
        assert own.max() <= scale(high), name


def test_a_truth_file_beside_no_equipment_folder_needs_none(tmp_path: Path) -> None:
    file = tmp_path / "two_tanks.yaml"
    file.write_text("truth: two_tanks\nspread: {assets: []}\n")
    assert Factory(Truth.load(file, shipped("two_tanks"))).advance(1.0).tag.size
