"""Readings settle to the same bits however they arrive, and what can't be used is counted."""

import math
import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.live.story import SECOND, T0, Reading, Story, chunked, readings, units
from tests.twin.live.story import station as plant
from twin.clean.recipe import Align, Range, Recipe, Spike, Stuck, plain
from twin.errors import SnapshotError
from twin.live.arrivals import UNCERTAIN_FACTOR, Arrivals, Bin
from twin.pack import pack, unpack
from twin.quality import BAD, BAD_SENSOR_FAILURE, GOOD_LOCAL_OVERRIDE, UNCERTAIN, UNCERTAIN_LAST_USABLE_VALUE

LAG = 2.0


def strict() -> Recipe:
    """Return a recipe whose tests look back, and with a grid that the intervals stand for."""
    stuck, spike = Stuck(3, 2 * SECOND, UNCERTAIN, ()), Spike(5, 3.0, 0.05, UNCERTAIN)
    align = Align(SECOND, "linear", 5 * SECOND)
    first, *rest = plain(plant()).tags
    return Recipe((first._replace(stuck=stuck, spike=spike, align=align, range=Range(0.0, 2.0)), *rest))


def new(recipe: Recipe | None = None, every: float = 1.0, lag: float = LAG) -> Arrivals:
    return Arrivals(recipe or plain(plant()), every, lag)


def told(arrivals: Arrivals, story: Story) -> list[Bin]:
    """Return the bins that a story's next entries settle."""
    found: list[Bin] = []
    for entry in story.take():
        arrivals.put(entry)
        found += arrivals.due()
    return found


def bits(bins: list[Bin]) -> list[tuple[object, ...]]:
    return [(b.end, *(column.tobytes() for column in b[1:])) for b in bins]


def seconds(bins: list[Bin]) -> list[float]:
    """Return the ends of bins [s] after the beginning."""
    return [(b.end - T0) / SECOND for b in bins]


def rows(name: str, *pairs: tuple[float, float], quality: int = 0) -> list[Reading]:
    """Return readings of a tag: seconds after the beginning, value."""
    return [(name, T0 + round(at * SECOND), value, quality) for at, value in pairs]


def column(bins: list[Bin], name: str) -> list[float]:
    at = list(plant().tags).index(name)
    return [float(b.value[at]) for b in bins]


LEVEL = {"LI-101": "m"}


def level(*pairs: tuple[float, float], quality: int = 0) -> list[Reading]:
    return rows("LI-101", *pairs, quality=quality)


@pytest.mark.parametrize("recipe", [lambda: plain(plant()), strict])
def test_the_same_readings_in_a_hundred_chunkings_settle_to_the_same_bits(recipe: Callable[[], Recipe]) -> None:
    every_tag = readings(plant(), {"LI-101": 0.8}, 12)
    fast = level(*((k / 7, 0.8 + 0.1 * math.sin(k)) for k in range(1, 80)))
    seen = set()
    for seed in range(100):
        stream = random.Random(seed)
        cuts = sorted(T0 + round(stream.uniform(0.3, 14.9) * SECOND) for _ in range(stream.randint(3, 60)))
        story = Story().hello("gw", units(plant()))
        for cut, batch in zip([*cuts, T0 + 15 * SECOND], chunked(every_tag + fast, [*cuts, T0 + 15 * SECOND], stream, LAG), strict=True):  # fmt: skip # noqa: E501
            story.time = cut
            story.data("gw", batch)
        story.tick("gw")
        arrivals = new(recipe())
        seen.add((tuple(bits(told(arrivals, story))), pack(arrivals.state())))
    assert len(seen) == 1
    assert len(next(iter(seen))[0]) == 10


def test_a_reading_counts_for_the_interval_that_ends_with_it() -> None:
    story = Story().hello("gw", LEVEL).wait(9)
    bins = told(new(), story.data("gw", level((0.5, 1.0), (1.0, 3.0), (1.000001, 5.0), (2.0, 7.0), (8.0, 0.0))))
    assert (seconds(bins), column(bins, "LI-101")) == ([1.0, 2.0], [2.0, 6.0])
    assert [b.readings.sum() for b in bins] == [2, 2]


def test_nothing_is_settled_before_the_lag_has_passed() -> None:
    story = Story().hello("gw", LEVEL).wait(9)
    arrivals = new()
    assert seconds(told(arrivals, story.data("gw", level((0.5, 1.0), (2.999999, 1.0))))) == []
    assert seconds(told(arrivals, story.data("gw", level((3.0, 1.0))))) == [1.0]


def test_the_first_reading_to_arrive_need_not_be_the_first_that_was_taken() -> None:
    story = Story().hello("gw", LEVEL).wait(9).data("gw", level((3.5, 1.0))).data("gw", level((1.6, 2.0), (6.0, 3.0)))
    arrivals = new()
    assert seconds(told(arrivals, story)) == [2.0, 4.0]
    assert arrivals.counts["late"] == 0


def test_a_late_reading_is_counted_and_not_used() -> None:
    story = Story().hello("gw", LEVEL).wait(9).data("gw", level((1.0, 1.0), (5.0, 1.0)))
    arrivals = new()
    bins = told(arrivals, story.data("gw", level((2.5, 9.0), (3.0, 9.0), (3.5, 2.0), (7.0, 1.0))))
    assert column(bins, "LI-101") == [1.0, 2.0, 1.0]
    assert arrivals.counts["late"] == 2
    assert arrivals.sources["gw"].late == (2, 500_000, T0 + 3 * SECOND)


def test_an_instant_waits_for_every_gateway_that_keeps_coming() -> None:
    story = Story().hello("a", LEVEL).hello("b", {"TI-101": "degC"}).wait(20)
    story.data("a", level((1.0, 1.0))).data("b", rows("TI-101", (1.0, 20.0)))
    story.data("a", level(*((k, 1.0) for k in range(2, 10))))
    arrivals = new()
    assert seconds(told(arrivals, story)) == []
    bins = told(arrivals, story.data("b", rows("TI-101", *((k, 21.0) for k in range(2, 8)))))
    assert seconds(bins) == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert column(bins, "TI-101") == pytest.approx([293.15, *[294.15] * 4])


@pytest.mark.parametrize("heard", [True, False], ids=["connected", "gone"])
def test_a_silent_gateway_holds_the_others_back_for_three_ticks(heard: bool) -> None:
    story = Story().hello("a", LEVEL).hello("b", {"TI-101": "degC"}).wait(20)
    story.data("a", level((1.0, 1.0))).data("b", rows("TI-101", (1.0, 20.0)))
    alive = ("a", "b") if heard else ("a",)
    story.data("a", level((6.0, 1.0))).tick(*alive).data("a", level((7.0, 1.0))).tick(*alive)
    arrivals = new()
    assert seconds(told(arrivals, story)) == []
    assert seconds(told(arrivals, story.tick(*alive))) == [1.0]
    assert arrivals.settled == T0 + 5 * SECOND
    assert arrivals.sources["b"].alive == heard


def test_a_gateway_that_says_goodbye_holds_nobody_back() -> None:
    story = Story().hello("a", LEVEL).hello("b", {"TI-101": "degC"}).wait(20)
    story.data("b", rows("TI-101", (1.0, 20.0))).data("a", level((1.0, 1.0), (4.0, 2.0)))
    arrivals = new()
    assert told(arrivals, story) == []
    assert seconds(told(arrivals, story.bye("b"))) == [1.0]


def test_a_gateway_that_is_always_a_little_behind_is_waited_for() -> None:
    arrivals, story = new(), Story().hello("a", LEVEL).hello("b", {"TI-101": "degC"})
    for k in range(1, 31):
        story.wait(1).data("a", level((k, 1.0)))
        if k > 7:
            story.data("b", rows("TI-101", (k - 7, 20.0)))
        story.tick("a", "b", seconds=0)
    bins = told(arrivals, story)
    assert arrivals.counts["late"] <= 7  # it was not heard of yet
    assert np.isfinite(column(bins, "TI-101")[7:]).all()


def test_a_gateway_with_an_hour_of_backlog_holds_nobody_back() -> None:
    arrivals, story = new(), Story().hello("a", LEVEL).hello("b", {"TI-101": "degC"})
    story.wait(1).data("a", level((1.0, 1.0)))
    for k in range(2, 20):
        story.wait(1).data("a", level((k, 1.0))).data("b", rows("TI-101", (k * 10 - 3600.0, 20.0))).tick("a", "b")
    assert seconds(told(arrivals, story)) == [-3580.0, *(float(k) for k in range(1, 18))]
    assert arrivals.counts["late"] == 17  # but for the one that came before anything was settled


def test_unknown_tags_and_wrong_units_are_counted_and_the_others_used() -> None:
    declared = {"nobody's": "bar", "LI-101": "kg", "TI-101": "K", "FI-101": "l/min"}
    declared = {name.replace("'", ""): unit for name, unit in declared.items()}
    story = Story().hello("gw", declared).wait(9)
    for at in (1.0, 5.0):
        story.data("gw", [(name, T0 + round(at * SECOND), 300.0, 0) for name in declared])
    arrivals = new()
    bins = told(arrivals, story)
    known = [name for name, value in zip(plant().tags, bins[0].value, strict=True) if np.isfinite(value)]
    assert known == ["TI-101", "FI-101"]
    assert column(bins, "FI-101") == pytest.approx([0.005])
    assert (arrivals.counts["unknown_tag"], arrivals.counts["wrong_unit"]) == (1, 1)


def test_a_unit_that_changes_leaves_what_came_before_in_its_own() -> None:
    story = Story().hello("gw", {"LI-101": "m"}).wait(9).data("gw", level((1.0, 1.5), (2.0, 1.5)))
    story.hello("gw", {"LI-101": "cm"}).data("gw", level((3.0, 150.0), (9.0, 150.0)))
    assert column(told(new(), story), "LI-101") == pytest.approx([1.5, 1.5, 1.5])


def test_another_hello_may_name_other_tags() -> None:
    story = Story().hello("gw", {"TI-101": "degC", "LI-101": "m"}).wait(9).data("gw", level((1.0, 1.0)))
    story.hello("gw", {"LI-101": "m", "TI-102": "degC"}).data("gw", level((2.0, 2.0), (5.0, 3.0)))
    assert column(told(new(), story), "LI-101") == [1.0, 2.0]


def test_a_gateway_may_speak_json() -> None:
    def story(*, json: bool) -> Story:
        found = Story()
        found.json = json
        found.hello("gw", units(plant())).wait(9)
        return found.data("gw", [*readings(plant(), {}, 6), *level((1.1, math.inf), (1.2, math.nan))])

    assert bits(told(new(), story(json=True)))[1:] == bits(told(new(), story(json=False)))[1:]
    assert len(told(new(), story(json=True))) == 4


def test_a_reading_sent_twice_counts_once() -> None:
    story = Story().hello("gw", LEVEL).wait(9).data("gw", level((0.4, 1.0), (0.8, 4.0)))
    bins = told(new(), story.data("gw", level((0.4, 1.0), (0.4, 1.0), (9.0, 1.0))))
    assert column(bins, "LI-101") == [2.5]


def test_of_two_readings_of_one_instant_one_is_bad() -> None:
    one = Story().hello("gw", LEVEL).wait(9).data("gw", level((0.4, 1.0), (0.4, 4.0), (9.0, 1.0)))
    other = Story().hello("gw", LEVEL).wait(9).data("gw", level((0.4, 4.0))).data("gw", level((0.4, 1.0), (9.0, 1.0)))
    bins = told(new(), one)
    assert bits(bins) == bits(told(new(), other))
    assert column(bins, "LI-101") == [1.0]


@pytest.mark.parametrize("offset", [6.0, 3600.0, 86_400.0, 12 * 365.25 * 86_400.0])
def test_readings_of_the_future_are_counted_and_not_used(offset: float) -> None:
    story = Story().hello("gw", LEVEL, ahead=offset).wait(9)
    arrivals = new()
    bins = told(arrivals, story.data("gw", level((1.0, 1.0), (9.0 + offset, 2.0), (8.0, 3.0))))
    assert column(bins, "LI-101") == [1.0]
    assert arrivals.counts["future"] == 1
    assert arrivals.settled == T0 + 6 * SECOND
    assert arrivals.sources["gw"].offset == pytest.approx(offset * SECOND)


JUMPS = {"1 h on": 3600, "1 h back": -3600, "1 d on": 86_400, "1 d back": -86_400}
ABSOLUTE = {"1970": 0, "2038": 2**31}


@pytest.mark.parametrize("jump", [*JUMPS, *ABSOLUTE])
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "with another"])
def test_a_gateway_whose_clock_jumps_stalls_nobody_and_comes_back(jump: str, alone: bool) -> None:
    arrivals, story, ends = new(), Story().hello("a", LEVEL), list[float]()
    if not alone:
        story.hello("b", {"TI-101": "degC"})
    for k in range(1, 61):
        off = JUMPS.get(jump, ABSOLUTE.get(jump, 0) - T0 // SECOND) if 20 < k <= 40 else 0
        story.wait(1).data("a", level((max(k + off, -T0 / SECOND + k), 1.0)))
        if not alone:
            story.data("b", rows("TI-101", (k, 20.0)))
        story.tick("a", "b", seconds=0)
        ends.append((arrivals.settled - T0) / SECOND)
        found = told(arrivals, story)
        assert all(b.end > T0 - SECOND for b in found)
    wrong = arrivals.counts["future"] + arrivals.counts["late"]
    assert wrong == 20
    waited = [k - end for k, end in enumerate(ends) if k > 5 and (not alone or not 20 <= k <= 44)]
    assert max(waited) <= LAG + 4.0
    assert ends[-1] == 57.0


@pytest.mark.parametrize("jump", [3600, -3600, 86_400, -86_400, -1_772_366_400, 375_117_248])
def test_the_clock_of_ingest_may_jump_and_come_back_and_nothing_stalls(jump: int) -> None:
    arrivals, story, settled = new(), Story().hello("a", LEVEL), list[int]()
    for k in range(1, 31):
        at = T0 + k * SECOND + (jump * SECOND if 10 < k <= 20 else 0)
        story.time = story.received = at
        story.data("a", level((k, 1.0))).tick("a", seconds=0)
        told(arrivals, story)
        settled.append(round((arrivals.settled - T0) / SECOND))
        assert 0 <= arrivals.passed <= 2 * SECOND
    unaffected = [k for k in range(4, 30) if jump > 0 or not 10 <= k < 20]
    assert [settled[k] for k in unaffected] == [k - 1 for k in unaffected]
    assert arrivals.counts["late"] == 0


def test_a_replay_at_a_thousandfold_is_not_taken_for_the_future() -> None:
    story = Story().hello("gw", LEVEL, rate=1000.0)  # and a batch that was 20 ms underway
    arrivals = new()
    told(arrivals, story.data("gw", level((20.0, 1.0))))
    assert arrivals.counts["future"] == 0


def test_batches_that_are_lost_are_counted_and_noted() -> None:
    story = Story().hello("gw", LEVEL).wait(9).data("gw", level((1.0, 1.0))).gap("gw", 5)
    arrivals = new()
    told(arrivals, story.data("gw", level((6.0, 1.0), (7.0, 1.0))))
    assert arrivals.counts["lost"] == 5
    assert arrivals.sources["gw"].lost == (5, T0 + SECOND, T0 + 6 * SECOND)


def test_what_no_gateway_of_this_version_says_is_counted_as_unreadable() -> None:
    story = Story().add("hello", "gw", b"\xc1").add("hello", "gw", b'{"t":"hb","now":1}').add("data", "gw", b"{")
    arrivals = new()
    assert told(arrivals, story) == []
    assert arrivals.counts["unreadable"] == 3


def test_uncertain_readings_count_where_there_are_no_good_ones_with_more_variance_and_bad_ones_never() -> None:
    story = Story().hello("gw", LEVEL).wait(9)
    story.data("gw", level((0.2, 1.0)) + level((0.4, 50.0), quality=UNCERTAIN) + level((0.6, 99.0), quality=BAD))
    story.data("gw", level((1.2, 2.0), (1.4, 4.0), quality=UNCERTAIN_LAST_USABLE_VALUE))
    story.data("gw", level((1.3, 77.0), quality=BAD) + level((2.5, 99.0), quality=BAD_SENSOR_FAILURE))
    story.data("gw", level((3.1, 1.0), quality=GOOD_LOCAL_OVERRIDE) + level((3.2, 3.0)) + level((9.0, 0.0)))
    bins = told(new(), story)
    at = list(plant().tags).index("LI-101")
    assert column(bins, "LI-101") == pytest.approx([1.0, 3.0, math.nan, 2.0], nan_ok=True)
    assert [b.inflation[at] for b in bins] == [1.0, UNCERTAIN_FACTOR, 1.0, 1.0]
    kinds = [0, UNCERTAIN_LAST_USABLE_VALUE, BAD_SENSOR_FAILURE, GOOD_LOCAL_OVERRIDE]
    assert [b.quality[at] for b in bins] == kinds


HOSTILE = [math.nan, math.inf, -math.inf, 1e308, -1e308, 1.7976931348623157e308, 5e-324, -5e-324, 2.2e-308, -0.0]


def test_of_a_hundred_thousand_hostile_values_none_is_used_that_is_no_number_of_this_plant() -> None:
    stream = np.random.default_rng(3)
    values = np.concatenate(
        [stream.choice(HOSTILE, 60_000), stream.integers(0, 2**64, 40_000, np.uint64).view(np.float64)]
    )
    m = len(plant().tags)
    arrivals = Arrivals(plain(plant()), 1.0, LAG, (np.full(m, -1e6), np.full(m, 1e6)))
    story = Story().hello("gw", LEVEL).wait(100_000)
    for first in range(0, values.size, 5_000):
        part = values[first : first + 5_000].tolist()
        story.data("gw", level(*(((first + i) / 10 + 0.1, value) for i, value in enumerate(part))))
    bins = told(arrivals, story.data("gw", level((10_010.0, 1.0))))
    at = list(plant().tags).index("LI-101")
    used = np.array([b.value[at] for b in bins])
    assert len(bins) == 10_000
    assert not np.isinf(used).any()
    assert np.nanmax(np.abs(used)) <= 1e6
    believable = (np.abs(values) <= 1e6).reshape(-1, 10)
    assert (np.isfinite(used) == believable.any(axis=1)).all()
    assert all((b.quality[at] == 0) == bool(np.isfinite(b.value[at])) for b in bins)
    assert arrivals.counts["impossible"] == int((np.isfinite(values) & (np.abs(values) > 1e6)).sum())


def test_numbers_whose_sum_is_none_are_bad() -> None:
    story = Story().hello("gw", LEVEL).wait(9)
    bins = told(new(), story.data("gw", level((0.3, 1.7e308), (0.6, 1.7e308), (9.0, 1.0))))
    at = list(plant().tags).index("LI-101")
    assert math.isnan(bins[0].value[at])
    assert bins[0].quality[at] == BAD


def test_a_look_at_the_head_leaves_no_trace() -> None:
    story = Story().hello("gw", units(plant())).wait(20).data("gw", readings(plant(), {"LI-101": 0.8}, 9))
    arrivals = new(strict())
    told(arrivals, story)
    before = pack(arrivals.state())
    assert seconds(list(arrivals.provisional())) == [8.0, 9.0]
    assert pack(arrivals.state()) == before


def test_nothing_is_provisional_before_something_is_settled() -> None:
    arrivals = new()
    told(arrivals, Story().hello("gw", LEVEL).wait(9).data("gw", level((1.0, 1.0))))
    assert list(arrivals.provisional()) == []


def eventful() -> Story:
    story = Story().hello("a", units(plant())).hello("b", {"x": "bar"})
    for k in range(1, 9):
        story.wait(1).data("a", readings(plant(), {"LI-101": 0.8}, 1, seed=k, first=k)).tick("a", "b")
    story.hello("a", {**units(plant()), "LI-101": "cm"}).wait(1).gap("a", 3)
    story.data("a", level((9.0, 80.0), (5.0, 1.0), (30.0, 1.0))).bye("b").tick("a")
    return story.wait(2).data("a", level((12.0, 81.0), (15.0, 79.0))).tick("a")


def test_taken_up_anywhere_it_goes_on_bit_for_bit() -> None:
    story, whole = eventful(), new(strict())
    bins, states = [], []
    for entry in story.entries:
        whole.put(entry)
        bins.append(bits(list(whole.due())))
        states.append(pack(whole.state()))
    for at in range(len(states)):
        later = new(strict())
        later.restore(unpack(states[at]))
        assert pack(later.state()) == states[at]
        for i, entry in enumerate(story.entries[at + 1 :], at + 1):
            later.put(entry)
            assert (bits(list(later.due())), pack(later.state())) == (bins[i], states[i])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sources", {"a": [1]}), ("sources", []), ("numbers", [1, 2]), ("numbers", ["x", 2, 3, 4]), ("counts", {}),
        ("last", np.zeros(3, np.int64)), ("last", "x"), ("pending", [[], [], []]), ("cleaner", {}), ("cleaned", None),
    ],
)  # fmt: skip
def test_a_state_that_is_not_whole_is_refused_and_changes_nothing(key: str, value: object) -> None:
    arrivals = new()
    told(arrivals, eventful())
    before = pack(arrivals.state())
    with pytest.raises(SnapshotError):
        arrivals.restore({**arrivals.state(), key: value})
    assert pack(arrivals.state()) == before


@given(st.lists(st.floats(0.0, 30.0), max_size=60, unique_by=lambda at: round(at * SECOND)), st.floats(0.1, 9.0))
def test_every_reading_is_used_or_late_or_waits(times: list[float], lag: float) -> None:
    arrivals, story = new(lag=lag), Story().hello("gw", LEVEL).wait(100)
    for at in times:
        story.data("gw", level((at, 1.0)))
    bins = told(arrivals, story)
    assert [b.end for b in bins] == sorted({b.end for b in bins})
    bins += told(arrivals, story.wait(200).data("gw", level((200.0, 1.0))))
    assert sum(int(b.readings.sum()) for b in bins) + arrivals.counts["late"] == len(times)
