"""How much the operator is told: rates, floods, chatter, and that what chatters doesn't flood."""

import math

import pytest

from tests.twin.monitor.steps import Shift, wear
from twin.monitor.condition import Condition
from twin.monitor.rules import DEFAULT, Rule, Rules

QUICK = Rules(codes={"fault": Rule(on_delay=0.0, off_delay=0.0)}, longest_off_delay=0.0)


def many(count: int) -> list[Condition]:
    return [wear(key=f"pump_1.fault_{i}") for i in range(count)]


def test_rates_count_what_was_announced() -> None:
    shift = Shift(QUICK)
    shift.wait(1, *many(3))
    shift.wait(1)
    assert shift.advisories.rates[:4] == (3, 3, 0, 0)
    shift.wait(598)
    assert shift.advisories.rates.last_10_min == 3
    shift.wait(1)
    assert shift.advisories.rates[:2] == (0, 3)
    shift.wait(3000)
    assert shift.advisories.rates[:2] == (0, 0)


def test_standing_leaves_out_what_is_hidden() -> None:
    shift = Shift(QUICK)
    shift.wait(1, *many(3))
    shift.do("acknowledge", "adv-2")
    shift.do("shelve", "adv-3", minutes=1.0, text="known")
    assert shift.advisories.rates[2:4] == (2, 1)


def test_a_flood_begins_with_more_than_ten_in_ten_minutes_and_ends_with_fewer_than_five() -> None:
    shift = Shift(QUICK)
    conditions = many(11)
    shift.wait(1, *conditions[:7])
    shift.wait(300, *conditions[:10])
    assert not shift.advisories.rates.flood
    assert [c.cause for c in shift.wait(1, *conditions)] == ["raised", "flood"]
    assert shift.advisories.rates.flood
    more = [wear(key=f"tank.fault_{i}") for i in range(5)]
    shift.wait(100, *conditions)
    changes = shift.wait(599, *conditions, *more)
    assert {c.cause for c in changes} == {"raised"}
    assert shift.advisories.rates.last_10_min == 5
    changes = shift.wait(2, *conditions, *more)
    assert [c.cause for c in changes] == ["flood_over"]
    assert not shift.advisories.rates.flood


def test_the_top_ten_are_those_that_came_most_often() -> None:
    shift = Shift(QUICK)
    conditions = many(12)
    for i in range(12):
        shift.wait(1, *conditions[: i + 1])
        shift.wait(1)
    top = shift.advisories.rates.top
    assert len(top) == 10
    assert top[0] == ("pump_1.fault_0", 12)
    assert [count for _, count in top] == sorted((count for _, count in top), reverse=True)


def test_three_times_in_a_minute_chatters_and_twice_does_not() -> None:
    shift = Shift()
    for _ in range(2):
        shift.wait(1, wear())
        shift.wait(28)
    assert shift.advisories.rates.chattering == ()
    shift.wait(1, wear())
    assert shift.advisories.rates.chattering == ("pump_1.wear",)
    shift.wait(3600)
    assert shift.advisories.rates.chattering == ()


@pytest.mark.parametrize("code", sorted({rule: code for code, rule in sorted(DEFAULT.items())}.values()))
@pytest.mark.parametrize("period", [2, 130, 1300])
def test_a_chattering_condition_is_announced_ever_less_often(code: str, period: int) -> None:
    shift, told = Shift(Rules()), []
    for _ in range(4000 // period):
        told += [c.time for c in shift.wait(period // 2, wear(9.0, code=code, values={})) if c.cause == "raised"]
        for advisory in shift.advisories.standing():
            shift.do("acknowledge", advisory.id)
        told += [c.time for c in shift.wait(period - period // 2) if c.cause == "raised"]
    # Ends must last d, 2 d, 4 d, ...: n of them fit into an hour while d (2^n - 1) does.
    most = 1 + math.floor(math.log2(3600.0 / DEFAULT[code].off_delay + 1.0))
    assert max((sum(t - 3600.0 < other <= t for other in told) for t in told), default=0) <= most
    assert not shift.advisories.rates.flood
