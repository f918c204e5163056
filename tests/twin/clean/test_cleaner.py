"""The engine of recipes: each test of a reading, and that cuts, saves and order leave no trace."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.clean.bench import FI, LI, PI, SECOND, TI, XI, cleaner, found, mixed, plant, recipe, series
from twin.clean.block import BAD, GOOD, STATUSES, UNCERTAIN, Block, joined
from twin.clean.cleaner import Cleaner
from twin.errors import DataError, PlantError, SnapshotError
from twin.plant import Plant

NOT_ACCURATE = STATUSES["UncertainSensorNotAccurate"]
FAILURE = STATUSES["BadSensorFailure"]
CONFIGURATION = STATUSES["BadConfigurationError"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return plant(tmp_path_factory.mktemp("bench"))


def test_readings_are_converted_from_the_sources_unit_to_si(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {FI: {unit: m3/h}}", PI="kPa")
    out = engine.put(mixed(series(PI, [101.325]), series(TI, [20.0]), series(FI, [3.6]), series(LI, [80.0])))
    assert dict(zip(out.tag.tolist(), out.value.tolist(), strict=True)) == {
        PI: pytest.approx(101325.0, rel=1e-12),
        TI: pytest.approx(293.15, rel=1e-12),
        FI: pytest.approx(1e-3, rel=1e-12),
        LI: pytest.approx(0.8, rel=1e-12),
    }
    assert (out.quality == GOOD).all()
    assert engine.tally.findings() == ()


def test_a_unit_that_measures_something_else_is_refused(bench: Plant) -> None:
    with pytest.raises(PlantError, match=r"^PI: the source says 'degC': 'degC' is not a value in Pa; degC measures"):
        cleaner(bench, "tags: {}", PI="degC")


def test_a_source_that_contradicts_the_recipes_unit_is_refused(bench: Plant) -> None:
    with pytest.raises(PlantError, match="FI: the source gives it in 'l/s', the recipe in 'm3/h'; mend"):
        cleaner(bench, "tags: {FI: {unit: m3/h}}", FI="l/s")
    assert cleaner(bench, "tags: {FI: {unit: l/min}}", FI="L/min").find("FI") == FI


def test_a_source_may_call_a_tag_by_another_name(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {TI: {names: [온도, T-7]}}")
    assert (engine.find("온도"), engine.find("T-7"), engine.find("T-8")) == (TI, TI, None)
    with pytest.raises(PlantError, match="'T-8': no tag 'T-8'"):
        engine.declare("T-8")


def test_a_reading_of_no_tag_is_refused(bench: Plant) -> None:
    for number in (-1, 5):
        with pytest.raises(DataError, match="a reading is of tag number"):
            cleaner(bench, "tags: {}").put(Block.of([number], [1], [1.0]))


def test_what_is_no_finite_number_is_bad_and_never_filled(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {}")
    out = engine.put(series(PI, [1.0, np.nan, np.inf, -np.inf, 1e308, 2.0]))
    assert out.quality.tolist() == [GOOD, BAD, BAD, BAD, BAD, GOOD]
    assert np.isnan(out.value[1])
    (finding,) = found(engine, "not_a_number")
    assert (finding.tag, finding.times, finding.first, finding.last) == ("PI", 4, 1001 * SECOND, 1004 * SECOND)
    assert [time for time, _ in finding.examples] == [1001 * SECOND, 1002 * SECOND, 1003 * SECOND]


def test_a_status_that_opc_ua_keeps_free_is_bad(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {}")
    assert engine.put(series(PI, [1.0], quality=[0xC0000000])).quality.tolist() == [BAD]
    assert found(engine, "quality_unknown")[0].times == 1


def test_a_sources_own_quality_codes_are_mapped(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {PI: {quality: {192: good, 64: uncertain, 0: BadCommunicationError}}}")
    out = engine.put(series(PI, [1.0, 1.0, 1.0, 1.0, 1.0], quality=[192, 64, 0, 7, 0x80000000]))
    communication = STATUSES["BadCommunicationError"]
    assert out.quality.tolist() == [GOOD, UNCERTAIN, communication, CONFIGURATION, BAD]
    assert found(engine, "quality_mapped")[0].times == 3
    assert found(engine, "quality_unknown")[0].times == 1


def test_a_value_outside_its_range_is_flagged_and_not_clipped(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {PI: {unit: bar, range: {low: 0, high: 600 kPa}}}")
    out = engine.put(series(PI, [-0.1, 0.0, 6.0, 6.1]))
    assert out.quality.tolist() == [FAILURE, GOOD, GOOD, FAILURE]
    np.testing.assert_allclose(out.value, [-1e4, 0.0, 6e5, 6.1e5])
    softer = cleaner(bench, "tags: {PI: {range: {high: 6, outside: UncertainEngineeringUnitsExceeded}}}")
    assert softer.put(series(PI, [6.1])).quality.tolist() == [STATUSES["UncertainEngineeringUnitsExceeded"]]


def test_a_sensor_is_stuck_after_enough_equal_readings_over_long_enough(bench: Plant) -> None:
    text = "tags: {PI: {stuck: {count: 3, over: 4 s}}}"
    engine = cleaner(bench, text)
    out = engine.put(series(PI, [1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 3.0]))
    assert np.flatnonzero(out.quality == NOT_ACCURATE).tolist() == [5, 6]
    slow = cleaner(bench, text).put(series(PI, [2.0, 2.0, 2.0], every=10.0))
    assert np.flatnonzero(slow.quality).tolist() == [2]


def test_a_tag_may_stand_at_an_allowed_value(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {FI: {stuck: {count: 2, allow: [0]}}}")
    assert np.flatnonzero(engine.put(series(FI, [0.0, 0.0, 0.0, 1.0, 1.0])).quality).tolist() == [4]


def test_a_spike_is_far_from_the_median_of_the_readings_until_then(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {PI: {spike: {window: 5, k: 3, least: 0.5}}}")
    out = engine.put(series(PI, [1.0, 1.1, 0.9, 1.0, 9.0, 1.0, 1.1, 1.4, 1.0]))
    assert np.flatnonzero(out.quality == NOT_ACCURATE).tolist() == [4]
    assert out.value[4] == 9e5
    few = cleaner(bench, "tags: {PI: {spike: {window: 5, least: 0.5}}}").put(series(PI, [1.0, 1.0, 9.0, 1.0]))
    assert not few.quality.any(), "too few readings to judge"


def test_hampels_test_agrees_with_its_definition(bench: Plant) -> None:
    rng = np.random.default_rng(5)
    values = np.round(rng.normal(3.0, 0.2, 400), 2)
    values[rng.integers(0, 400, 20)] += 3.0
    out = cleaner(bench, "tags: {PI: {spike: {window: 9, k: 2.5, least: 0.01}}}").put(series(PI, values))
    expected = []
    for n in range(8, 400):
        window = values[n - 8 : n + 1] * 1e5
        median = np.median(window)
        scale = 1.4826 * np.median(np.abs(window - median))
        expected.append(abs(window[-1] - median) > max(2.5 * scale, 0.01 * 1e5))
    assert (out.quality[8:] == NOT_ACCURATE).tolist() == expected
    assert any(expected)


def test_after_a_gap_a_reading_is_not_held_against_those_before(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {PI: {gap: 10 s, spike: {window: 3, least: 0.1}}}")
    engine.put(series(PI, [1.0, 1.0, 1.0, 1.0]))
    out = engine.put(series(PI, [5.0, 5.0, 5.0, 9.0], start=1014.0))
    assert np.flatnonzero(out.quality).tolist() == [3]
    (gap,) = found(engine, "gap")
    assert (gap.times, gap.examples) == (1, ((1014 * SECOND, 11.0),))


def test_a_tag_is_silent_once_its_gap_has_passed(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {PI: {gap: 10 s}, TI: {gap: 10 s}}")
    engine.put(series(PI, [1.0]))
    assert not engine.silent(1010 * SECOND).any()
    assert np.flatnonzero(engine.silent(1011 * SECOND)).tolist() == [PI], "a tag never heard of is not yet silent"


def test_of_one_instant_the_same_again_is_left_out_and_another_value_is_bad(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {}")
    time = [1, 1, 1, 2, 2, 2]
    out = engine.put(Block.of([PI] * 6, time, [1.0, 1.0, 3.0, np.nan, np.nan, 4.0]))
    assert out.time.tolist() == [1, 1, 2, 2]
    assert out.quality.tolist() == [GOOD, BAD, BAD, BAD]
    np.testing.assert_array_equal(out.value, [1e5, 3e5, np.nan, 4e5])
    assert (found(engine, "duplicate")[0].times, found(engine, "conflict")[0].times) == (2, 2)


def test_a_late_reading_is_passed_on_counted_and_teaches_nothing(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {PI: {stuck: {count: 3}, range: {high: 5}}}")
    out = engine.put(Block.of([PI] * 5, [10, 11, 5, 6, 12], [1.0, 1.0, 2.0, 9.0, 1.0]))
    assert out.time.tolist() == [10, 11, 5, 6, 12]
    assert out.quality.tolist() == [GOOD, GOOD, GOOD, FAILURE, NOT_ACCURATE]
    assert found(engine, "late")[0].times == 2


def test_mode_numbers_become_values_and_an_unknown_one_is_bad(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {XI: {codes: {17: 1, 0: 0, 3: 2}}}")
    out = engine.put(series(XI, [0.0, 17.0, 3.0, 4.0, np.nan]))
    np.testing.assert_array_equal(out.value, [0.0, 1.0, 2.0, 4.0, np.nan])
    assert out.quality.tolist() == [GOOD, GOOD, GOOD, CONFIGURATION, BAD]
    assert found(engine, "unknown_code")[0].examples == ((1003 * SECOND, 4.0),)


def test_a_counters_total_goes_on_over_rollover_and_reset(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {XI: {counter: {modulus: 100}}}")
    out = engine.put(series(XI, [10.0, 90.0, 20.0, 30.0, 5.0, 8.0, 250.0, np.nan, 9.0]))
    np.testing.assert_array_equal(out.value, [10.0, 90.0, 120.0, 130.0, 135.0, 138.0, 250.0, np.nan, 139.0])
    assert out.quality.tolist() == [GOOD, GOOD, GOOD, GOOD, UNCERTAIN, GOOD, CONFIGURATION, BAD, GOOD]
    assert [found(engine, cause)[0].times for cause in ("rollover", "reset", "not_a_count")] == [1, 1, 1]


def test_a_counter_that_steps_further_than_it_can_is_uncertain(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {XI: {counter: {largest: 10}}}")
    out = engine.put(series(XI, [0.0, 10.0, 21.0, 22.0, 3.0]))
    np.testing.assert_array_equal(out.value, [0.0, 10.0, 21.0, 22.0, 25.0])
    assert out.quality.tolist() == [GOOD, GOOD, UNCERTAIN, GOOD, UNCERTAIN]


def test_a_late_number_of_a_counter_is_counted_back(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {XI: {counter: {modulus: 100}}}")
    out = engine.put(Block.of([XI] * 4, [1, 3, 5, 2], [90.0, 98.0, 7.0, 95.0]))
    assert out.value.tolist() == [90.0, 98.0, 107.0, 95.0]


def test_a_calibration_by_points_is_straight_between_and_flagged_beyond(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {PI: {unit: bar, calibration: {points: [[4, 0], [12, 4], [20, 10]]}}}")
    out = engine.put(series(PI, [4.0, 8.0, 12.0, 16.0, 20.0, 21.0, 3.0]))
    np.testing.assert_allclose(out.value, np.array([0.0, 2.0, 4.0, 7.0, 10.0, 10.75, -0.5]) * 1e5)
    assert out.quality.tolist() == [GOOD] * 5 + [UNCERTAIN] * 2
    assert found(engine, "extrapolated")[0].times == 2


def test_a_replaced_sensor_is_read_by_its_own_calibration_from_its_first_instant(bench: Plant) -> None:
    text = """
tags:
  PI:
    calibration: {gain: 2}
    changes:
      - {since: "1970-01-01T00:16:42Z", gain: 3, offset: 1, about: sensor replaced}
      - {since: "1970-01-01T09:16:44+09:00", points: [[0, 0], [10, 5]]}
"""
    engine = cleaner(bench, text)
    out = engine.put(series(PI, [1.0] * 5))
    np.testing.assert_allclose(out.value, np.array([2.0, 2.0, 4.0, 4.0, 0.5]) * 1e5)
    (seen,) = found(engine, "recalibrated")
    assert (seen.times, [time for time, _ in seen.examples]) == (2, [1002 * SECOND, 1004 * SECOND])


def test_means_are_of_the_period_before_and_empty_periods_stay_empty(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {PI: {align: {every: 10 s}}, TI: {align: {every: 10 s}}}")
    out = engine.put(series(PI, [1.0, 3.0, 2.0, 6.0, 5.0], every=5.0))
    assert out.time.tolist() == [1010 * SECOND, 1020 * SECOND]
    np.testing.assert_allclose(out.value, [2e5, 4e5])
    assert engine.put(series(PI, [7.0], start=1050.0)).time.tolist() == [1030 * SECOND]
    assert engine.finish().time.tolist() == [1060 * SECOND]
    assert engine.finish().time.size == 0


def test_a_mean_of_partly_bad_readings_is_uncertain_and_of_bad_ones_bad(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {PI: {range: {high: 10}, align: {every: 10 s}}}")
    out = engine.put(series(PI, [1.0, 99.0, 98.0, 97.0, 0.0], every=5.0))
    assert out.quality.tolist() == [UNCERTAIN, FAILURE]
    np.testing.assert_allclose(out.value, [1e5, 97e5])


def test_readings_are_held_and_joined_on_the_grid_but_not_over_a_silence(bench: Plant) -> None:
    held = cleaner(bench, "tags: {PI: {align: {every: 2 s, by: last, over: 5 s}}}")
    block = Block.of([PI] * 4, np.array([1001, 1004, 1005, 1020]) * SECOND, [1.0, 4.0, 5.0, 20.0])
    out = joined([held.put(block), held.finish()])
    assert [(t // SECOND, v) for t, v in zip(out.time, out.value, strict=True)] == [
        (1002, 1e5),
        (1004, 4e5),
        (1006, 5e5),
        (1008, 5e5),
        (1010, 5e5),
        (1020, 20e5),
    ]
    straight = cleaner(bench, "tags: {PI: {align: {every: 2 s, by: linear, over: 5 s}}}")
    out = joined([straight.put(block), straight.finish()])
    assert [t // SECOND for t in out.time] == [1002, 1004, 1020]
    np.testing.assert_allclose(out.value, [2e5, 4e5, 20e5])
    assert found(straight, "unbridged")[0].times == 1


def test_a_reading_too_late_for_the_grid_is_counted(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {PI: {align: {every: 10 s}}}")
    engine.put(Block.of([PI] * 3, np.array([1000, 1011, 1001]) * SECOND, [1.0, 2.0, 3.0]))
    assert found(engine, "missed")[0].times == 1


def test_every_reading_is_accounted_for(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {PI: {range: {high: 5}}}")
    engine.put(mixed(series(PI, [1.0, 9.0, np.nan]), series(TI, [1.0], quality=[UNCERTAIN]), series(PI, [1.0])))
    totals = {total.tag: total for total in engine.tally.totals()}
    assert totals["PI"][1:] == (4, 1, 0, 2)
    assert totals["TI"][1:] == (1, 0, 1, 0)
    assert found(engine, "duplicate")[0].times == 1


EVERYTHING = """
tags:
  LI: {range: {low: 0, high: 6}, stuck: {count: 3, over: 2 s}, spike: {window: 5, k: 2, least: 0.5}, gap: 3 s}
  PI: {quality: {192: good, 0: bad}, spike: {window: 3, least: 0.5}, align: {every: 2 s, by: mean}}
  TI: {calibration: {points: [[0, 0], [3, 4], [9, 9]]}, changes: [{since: "1970-01-01T00:16:50Z", gain: 2}], gap: 2 s}
  FI: {stuck: {count: 2}, spike: {window: 7, least: 0.1}, align: {every: 3 s, by: linear, over: 4 s}}
  XI: {counter: {modulus: 10, largest: 6}, align: {every: 2 s, by: last}}
"""
ROWS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(0, 30),
        st.sampled_from([0.0, 1.0, 2.0, 5.0, 9.0, 50.0, np.nan, np.inf]),
        st.sampled_from([0, 0, 0, 192, UNCERTAIN, BAD]),
    ),
    max_size=60,
)


def block_of(rows: list[tuple[int, int, float, int]], jitter: bool) -> Block:
    """Return rows at rising times, but for those that come late."""
    now, times = 1000, []
    for _, step, _, _ in rows:
        now += step // 4
        times.append(now - (3 if jitter and step % 7 == 3 else 0))
    return Block.of(
        [r[0] for r in rows], np.array(times, np.int64) * SECOND, [r[2] for r in rows], [r[3] for r in rows]
    )


def same(one: Block, other: Block) -> bool:
    return all(a.tobytes() == b.tobytes() and a.dtype == b.dtype for a, b in zip(one, other, strict=True))


def frozen(state: Any) -> Any:
    """Return a state as what compares equal where every bit is equal."""
    if isinstance(state, dict):
        return {name: frozen(part) for name, part in state.items()}
    return (state.dtype.str, state.shape, state.tobytes()) if isinstance(state, np.ndarray) else state


@given(rows=ROWS, cuts=st.lists(st.integers(0, 60), max_size=8), jitter=st.booleans(), saved=st.integers(0, 60))
def test_where_a_stream_is_cut_saved_and_restored_leaves_no_trace(
    bench: Plant, rows: list[tuple[int, int, float, int]], cuts: list[int], jitter: bool, saved: int
) -> None:
    block, by = block_of(rows, jitter), recipe(bench, EVERYTHING)
    whole = Cleaner(by)
    expected = joined([whole.put(block), whole.finish()])
    edges = sorted({0, len(rows), *(min(c, len(rows)) for c in (*cuts, saved))})
    engine, parts = Cleaner(by), []
    for first, last in pairwise(edges):
        if first == min(saved, len(rows)):
            fresh = Cleaner(by)
            fresh.restore(engine.state())
            engine = fresh
        parts.append(engine.put(block.part(slice(first, last))))
    assert same(joined([*parts, engine.finish()]), expected)
    assert repr(engine.tally.findings()) == repr(whole.tally.findings())
    assert frozen(engine.state()) == frozen(whole.state())


def test_one_reading_at_a_time_gives_what_a_long_block_gives(bench: Plant) -> None:
    rng = np.random.default_rng(1)
    rows = [(int(rng.integers(5)), int(rng.integers(8)), float(rng.choice([1, 2, 7, 8.5])), 0) for _ in range(600)]
    block, by = block_of(rows, True), recipe(bench, EVERYTHING)
    whole, engine = Cleaner(by), Cleaner(by)
    parts = [engine.put(block.part(slice(n, n + 1))) for n in range(600)]
    assert same(joined(parts), whole.put(block))


def test_another_tags_readings_change_nothing(bench: Plant) -> None:
    rng = np.random.default_rng(2)
    rows = [(int(rng.integers(5)), int(rng.integers(8)), float(rng.choice([1, 2, 7, 8.5])), 0) for _ in range(300)]
    block, by = block_of(rows, False), recipe(bench, EVERYTHING)
    out, alone = Cleaner(by).put(block), Cleaner(by).put(block.part(block.tag == LI))
    assert same(out.part(out.tag == LI), alone)


def test_the_state_of_another_recipe_is_refused(bench: Plant) -> None:
    state = cleaner(bench, "tags: {PI: {gap: 1 s}}").state()
    with pytest.raises(SnapshotError, match="the state is that of another recipe"):
        cleaner(bench, "tags: {PI: {gap: 2 s}}").restore(state)


def test_declared_units_are_part_of_the_state(bench: Plant) -> None:
    engine = cleaner(bench, "tags: {}", PI="kPa")
    other = cleaner(bench, "tags: {}")
    other.restore(engine.state())
    assert other.put(series(PI, [100.0])).value.tolist() == [1e5]
