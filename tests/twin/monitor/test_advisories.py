"""The life of advisories: every transition of ISA-18.2, delays, deadband, suppression, and the same bytes again."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.monitor.steps import ASSETS, RULES, RUNNING, TAGS, Do, Shift, steps, wear
from twin.errors import SimulationError, SnapshotError, TwinError
from twin.monitor.advisories import Advisories, resets
from twin.monitor.condition import Condition
from twin.monitor.life import Change

WEAR = wear()
SENSOR = Condition("TI-101", "sensor", 9.0, 0.9, 0.0, {}, ("tank",))


@pytest.fixture
def shift() -> Shift:
    return Shift()


@pytest.fixture
def raised(shift: Shift) -> Shift:
    """A worn pump that was announced and not acknowledged."""
    shift.wait(11, WEAR)
    assert shift.states() == {"pump_1.wear": "unacknowledged"}
    return shift


# Delays and deadband


def test_a_condition_is_told_only_after_the_on_delay(shift: Shift) -> None:
    assert shift.wait(10, WEAR) == []
    assert shift.advisories.standing() == ()
    told = shift.wait(1, WEAR)
    assert steps(told) == [("normal", "unacknowledged", "raised")]
    assert told[0] == Change(12.0, "adv-1", "normal", "unacknowledged", "twin", "", "raised", "pump_1.wear")


def test_a_condition_shorter_than_the_on_delay_is_never_told(shift: Shift) -> None:
    for _ in range(20):
        shift.wait(10, WEAR)
        shift.wait(1)
    assert shift.log == []


def test_an_advisory_returns_only_after_the_off_delay(raised: Shift) -> None:
    assert raised.wait(60) == []
    assert steps(raised.wait(1)) == [("unacknowledged", "returned", "returned")]


def test_a_return_shorter_than_the_off_delay_is_not_told(raised: Shift) -> None:
    for _ in range(20):
        raised.wait(50)
        raised.wait(10, WEAR)
    assert len(raised.log) == 1


@pytest.mark.parametrize(("peak", "ends"), [(4.0, 2.0), (5.0, 2.5), (6.0, 3.0), (20.0, 3.0)])
@pytest.mark.parametrize("sign", [1, -1])
def test_an_excursion_ends_below_half_its_own_peak_and_below_the_off_limit(peak: float, ends: float, sign: int) -> None:
    shift = Shift()
    shift.wait(11, wear(sign * peak))
    shift.wait(300, wear(sign * ends))
    assert shift.states() == {"pump_1.wear": "unacknowledged"}
    shift.wait(61, wear(sign * (ends - 0.01)))
    assert shift.states() == {"pump_1.wear": "returned"}


def test_a_condition_that_only_nearly_holds_is_not_told(shift: Shift) -> None:
    shift.wait(1000, wear(3.99))
    assert shift.log == []


def test_an_advisory_says_the_largest_and_the_latest_size(shift: Shift) -> None:
    shift.wait(6, wear(-9.0))
    shift.wait(6, wear(-5.0))
    (advisory,) = shift.advisories.standing()
    assert (advisory.size, advisory.peak, advisory.priority, advisory.raised) == (-5.0, 9.0, 2, 12.0)


def test_what_comes_again_within_the_off_delay_is_the_same_excursion_with_its_peak(shift: Shift) -> None:
    shift.wait(11, wear(9.0))
    shift.wait(30)
    shift.wait(1, wear(4.0))
    assert shift.advisories.standing()[0].peak == 9.0
    shift.wait(61)
    shift.wait(11, wear(4.0))
    assert shift.advisories.standing()[0].peak == 4.0


# Acknowledge and return


def test_acknowledged_then_returned_is_normal(raised: Shift) -> None:
    assert steps(raised.do("acknowledge", text="seen")) == [("unacknowledged", "acknowledged", "acknowledge")]
    assert raised.log[-1].by == "kim"
    assert raised.log[-1].text == "seen"
    assert steps(raised.wait(61)) == [("acknowledged", "normal", "returned")]
    assert raised.advisories.standing() == ()


def test_returned_then_acknowledged_is_normal(raised: Shift) -> None:
    raised.wait(61)
    assert steps(raised.do("acknowledge")) == [("returned", "normal", "acknowledge")]
    assert raised.advisories.standing() == ()


def test_what_comes_again_before_it_is_acknowledged_keeps_its_id(raised: Shift) -> None:
    raised.wait(61)
    assert steps(raised.wait(11, WEAR)) == [("returned", "unacknowledged", "raised")]
    assert [advisory.id for advisory in raised.advisories.standing()] == ["adv-1"]


def test_what_comes_again_after_it_was_normal_has_another_id(raised: Shift) -> None:
    raised.do("acknowledge")
    raised.wait(61)
    raised.wait(11, WEAR)
    assert [advisory.id for advisory in raised.advisories.standing()] == ["adv-2"]


def test_an_asset_or_a_tag_acknowledges_all_about_it(shift: Shift) -> None:
    other = Condition("unknown:x", "unknown", 8.0, 0.5, 0.0, {}, ("pump_1", "PI-101"))
    shift.wait(11, WEAR, other, SENSOR)
    shift.do("acknowledge", "pump_1")
    assert shift.states() == {"pump_1.wear": "acknowledged", "unknown:x": "acknowledged", "TI-101": "unacknowledged"}
    shift.do("acknowledge", "TI-101")
    assert shift.states()["TI-101"] == "acknowledged"


# What is told becomes something else


def test_an_acknowledged_advisory_that_gets_another_cause_is_told_again(raised: Shift) -> None:
    raised.do("acknowledge")
    named = wear(code="unknown", values={})
    assert raised.wait(60, named) == []
    assert raised.advisories.standing()[0].code == "fault"
    assert steps(raised.wait(1, named)) == [
        ("acknowledged", "acknowledged", "renamed"),
        ("acknowledged", "unacknowledged", "raised"),
    ]
    assert raised.advisories.standing()[0].code == "unknown"


def test_a_cause_that_changes_to_and_fro_is_not_told_again(raised: Shift) -> None:
    raised.do("acknowledge")
    before = len(raised.log)
    for _ in range(10):
        raised.wait(50, wear(code="unknown", values={}))
        raised.wait(5, WEAR)
    assert len(raised.log) == before
    assert raised.advisories.standing()[0].values == WEAR.values


# Shelving


def test_shelving_ends_by_itself_and_tells_again_what_still_holds(raised: Shift) -> None:
    raised.do("acknowledge")
    assert steps(raised.do("shelve", minutes=2.0, text="known")) == [("acknowledged", "shelved", "shelve")]
    (advisory,) = raised.advisories.standing()
    assert (advisory.hidden_by, advisory.by, advisory.reason, advisory.until) == ("shelve", "kim", "known", 132.0)
    assert raised.wait(119, WEAR) == []
    assert steps(raised.wait(1, WEAR)) == [("shelved", "unacknowledged", "shelf_over")]


def test_shelving_outlasts_a_return_and_then_ends_in_normal(raised: Shift) -> None:
    raised.do("acknowledge")
    raised.do("shelve", minutes=5.0, text="known")
    assert raised.wait(299) == []
    assert raised.states() == {"pump_1.wear": "shelved"}
    assert steps(raised.wait(1)) == [("shelved", "normal", "shelf_over")]


def test_what_returned_unacknowledged_while_shelved_is_still_to_be_acknowledged(raised: Shift) -> None:
    raised.do("shelve", minutes=5.0, text="known")
    raised.wait(299)
    assert steps(raised.wait(1)) == [("shelved", "returned", "shelf_over")]


def test_unshelving_tells_at_once(raised: Shift) -> None:
    raised.do("shelve", minutes=60.0, text="known")
    assert steps(raised.do("unshelve")) == [("shelved", "unacknowledged", "unshelve")]


def test_unshelving_what_was_acknowledged_tells_it_again(raised: Shift) -> None:
    raised.do("acknowledge")
    raised.do("shelve", minutes=60.0, text="known")
    assert steps(raised.do("unshelve")) == [("shelved", "unacknowledged", "unshelve")]


# Suppression


@pytest.mark.parametrize(("runs", "kind"), [(False, "stop"), (True, "start")])
def test_a_start_or_a_stop_suppresses_visibly_for_the_settling_time(raised: Shift, runs: bool, kind: str) -> None:
    raised.running["pump_1"] = not runs
    raised.wait(1, WEAR)
    raised.wait(200, WEAR)
    raised.running["pump_1"] = runs
    changes = raised.wait(1, WEAR)
    assert steps(changes) == [("unacknowledged", "suppressed", kind)]
    assert [(c.subject, c.after, c.cause) for c in changes if not c.advisory] == [("pump_1", "suppressed", kind)]
    (advisory,) = raised.advisories.standing()
    assert (advisory.state, advisory.hidden_by, advisory.until) == ("suppressed", kind, raised.time + 120.0)
    assert raised.wait(119, WEAR) == []
    assert steps(raised.wait(1, WEAR)) == [("suppressed", "unacknowledged", "suppression_over")]


def test_a_condition_that_begins_and_ends_during_a_start_is_listed_but_never_announced(shift: Shift) -> None:
    shift.running["pump_1"] = False
    shift.wait(1)
    assert steps(shift.wait(11, WEAR)) == [("normal", "suppressed", "stop")]
    assert steps(shift.wait(61)) == [("suppressed", "normal", "suppression_over")]
    assert shift.advisories.rates.last_hour == 0


def test_a_condition_that_outlasts_a_start_is_announced(shift: Shift) -> None:
    shift.running["pump_1"] = False
    shift.wait(119, WEAR)
    assert shift.states() == {"pump_1.wear": "suppressed"}
    shift.wait(2, WEAR)
    assert shift.states() == {"pump_1.wear": "unacknowledged"}


def test_what_was_acknowledged_before_a_start_stays_acknowledged(raised: Shift) -> None:
    raised.do("acknowledge")
    raised.running["pump_1"] = False
    raised.wait(120, WEAR)
    assert raised.states() == {"pump_1.wear": "suppressed"}
    raised.wait(1, WEAR)
    assert raised.states() == {"pump_1.wear": "acknowledged"}


def test_the_start_of_one_asset_does_not_suppress_another(raised: Shift) -> None:
    raised.running["pump_2"] = False
    assert steps(raised.wait(1, WEAR)) == []


def test_the_first_instant_is_no_start() -> None:
    advisories = Advisories(ASSETS, TAGS, RULES)
    assert advisories.update(0.0, [], {"pump_1": True, "pump_2": False}) == []


def test_an_engineer_suppresses_until_it_is_restored(raised: Shift) -> None:
    raised.do("suppress", "pump_1", text="test run")
    assert raised.advisories.standing()[0].until == math.inf
    raised.wait(10_000, WEAR)
    assert raised.states() == {"pump_1.wear": "suppressed"}
    assert steps(raised.do("restore", "pump_1")) == [("suppressed", "unacknowledged", "restore")]


def test_one_advisory_can_be_suppressed_alone(shift: Shift) -> None:
    shift.wait(11, WEAR, SENSOR)
    shift.do("suppress", "adv-1", minutes=1.0, text="test run")
    assert shift.states() == {"pump_1.wear": "suppressed", "TI-101": "unacknowledged"}
    shift.wait(61, WEAR, SENSOR)
    assert shift.states() == {"pump_1.wear": "unacknowledged", "TI-101": "unacknowledged"}


def test_two_suppressions_of_an_asset_last_as_long_as_the_longer(raised: Shift) -> None:
    raised.do("suppress", "pump_1", minutes=10.0, text="test run")
    raised.running["pump_1"] = False
    raised.wait(1, WEAR)
    assert raised.advisories.standing()[0].until == 612.0
    raised.wait(300, WEAR)
    ends = [c for c in raised.log if c.cause == "suppression_over"]
    assert [(c.before, c.after) for c in ends] == [("suppressed", "suppressed")]
    assert raised.states() == {"pump_1.wear": "suppressed"}


def test_a_suppression_that_is_asked_for_again_replaces_the_one_before(raised: Shift) -> None:
    raised.do("suppress", "pump_1", minutes=10.0, text="test run")
    raised.do("suppress", "pump_1", minutes=1.0, text="shorter")
    assert [(hold.until, hold.text) for hold in raised.advisories.holds] == [(72.0, "shorter")]


# Bypass


def test_a_bypassed_tag_puts_only_what_is_keyed_on_it_out_of_service(shift: Shift) -> None:
    limit = Condition("stale:TI-101", "stale", 1.0, 1.0, 0.0, {})
    other = Condition("tank.leak", "fault", 8.0, 1.0, 0.0, {}, ("TI-101",))
    shift.wait(11, SENSOR, limit, other)
    changes = shift.do("bypass", "TI-101", text="calibration")
    assert [(c.subject, c.after) for c in changes if not c.advisory] == [("TI-101", "out_of_service")]
    assert shift.states() == {
        "TI-101": "out_of_service",
        "stale:TI-101": "out_of_service",
        "tank.leak": "unacknowledged",
    }
    assert [(hold.kind, hold.target, hold.until) for hold in shift.advisories.holds] == [("bypass", "TI-101", math.inf)]
    shift.do("restore", "TI-101")
    assert shift.states()["TI-101"] == "unacknowledged"
    assert shift.advisories.holds == ()


def test_a_bypass_with_a_time_ends_by_itself(shift: Shift) -> None:
    shift.wait(11, SENSOR)
    shift.do("bypass", "TI-101", minutes=1.0, text="calibration")
    changes = shift.wait(60, SENSOR)
    assert steps(changes) == [("out_of_service", "unacknowledged", "bypass_over")]
    assert [(c.subject, c.after) for c in changes if not c.advisory] == [("TI-101", "normal")]


def test_out_of_service_goes_before_suppressed_and_that_before_shelved(shift: Shift) -> None:
    shift.wait(11, SENSOR)
    seen = []
    for kind, target, minutes in (("shelve", "adv-1", 9.0), ("suppress", "tank", 9.0), ("bypass", "TI-101", 9.0)):
        shift.do(kind, target, minutes, "why")
        seen += shift.states().values()
    assert seen == ["shelved", "suppressed", "out_of_service"]


# Maintenance


def test_a_replaced_pump_closes_its_advisories_and_says_whose_beliefs_to_reset(shift: Shift) -> None:
    limit = Condition("limit:TI-101", "unknown", 8.0, 0.9, 0.0, {}, ("pump_1",))
    shift.wait(11, WEAR, limit, SENSOR)
    changes = shift.do("maintenance", "pump_1", text="pump replaced")
    assert steps(changes) == [("unacknowledged", "normal", "maintenance")] * 2
    assert {c.subject for c in changes if c.advisory} == {"pump_1.wear", "limit:TI-101"}
    assert resets(changes) == ("pump_1",)
    assert shift.states() == {"TI-101": "unacknowledged"}
    shift.wait(61, WEAR)
    assert shift.states()["pump_1.wear"] == "suppressed"
    assert [a.reason for a in shift.advisories.standing() if a.state == "suppressed"] == ["pump replaced"]
    shift.wait(60, WEAR)
    assert shift.states()["pump_1.wear"] == "unacknowledged"


def test_a_condition_on_its_way_to_be_told_is_forgotten_with_the_old_pump(shift: Shift) -> None:
    shift.wait(9, WEAR)
    shift.do("maintenance", "pump_1", text="pump replaced")
    shift.wait(9, WEAR)
    assert shift.advisories.standing() == ()


def test_maintenance_that_takes_longer_suppresses_longer(shift: Shift) -> None:
    shift.do("maintenance", "pump_1", minutes=30.0, text="pump replaced")
    shift.wait(1799, WEAR)
    assert shift.states() == {"pump_1.wear": "suppressed"}
    shift.wait(1, WEAR)
    assert shift.states() == {"pump_1.wear": "unacknowledged"}


def test_only_maintenance_resets_beliefs(raised: Shift) -> None:
    for kind in ("acknowledge", "suppress", "comment"):
        assert resets(raised.do(kind, "pump_1", text="pump replaced")) == ()


# Comments, and what can't be done


def test_a_comment_is_logged_and_kept(raised: Shift) -> None:
    (change,) = raised.do("comment", text="bearing is warm")
    assert (change.before, change.after, change.text) == ("unacknowledged", "unacknowledged", "bearing is warm")
    assert raised.advisories.standing()[0].note == "bearing is warm"
    (change,) = raised.do("comment", "tank", text="cleaned")
    assert (change.advisory, change.subject, change.cause) == ("", "tank", "comment")


@pytest.mark.parametrize(
    ("act", "cause"),
    [
        (Do("fly"), "refused_kind"),
        (Do("acknowledge", "adv-9"), "refused_target"),
        (Do("comment", "pump_9", text="?"), "refused_target"),
        (Do("maintenance", "adv-1", text="?"), "refused_target"),
        (Do("bypass", "pump_1", text="?"), "refused_target"),
        (Do("suppress", "pump_9", text="?"), "refused_target"),
        (Do("restore", "TI-101"), "refused_target"),
        (Do("shelve", text="?"), "refused_minutes"),
        (Do("shelve", minutes=math.nan, text="?"), "refused_minutes"),
        (Do("shelve", minutes=8 * 60.0 + 1.0, text="?"), "refused_minutes"),
        (Do("shelve", minutes=9.0, text=" "), "refused_reason"),
        (Do("unshelve"), "refused_state"),
    ],
)
def test_what_can_not_be_done_changes_nothing_and_is_logged(raised: Shift, act: Do, cause: str) -> None:
    before = raised.advisories.encode()
    (change,) = raised.advisories.act(raised.time, act)
    assert (change.cause, change.by, change.before, change.after) == (cause, "kim", "normal", "normal")
    assert raised.advisories.encode() == before


def test_acknowledging_twice_is_refused(raised: Shift) -> None:
    raised.do("acknowledge")
    assert [c.cause for c in raised.do("acknowledge")] == ["refused_state"]


def test_the_end_of_a_start_can_not_be_asked_for(shift: Shift) -> None:
    shift.running["pump_1"] = False
    shift.wait(1)
    assert [c.cause for c in shift.do("restore", "pump_1")] == ["refused_state"]


# What the diagnosis must not give


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (wear(math.nan), "monitor: pump_1.wear: size is nan; leave out what can't be computed"),
        (wear(since=math.inf), "monitor: pump_1.wear: since is inf; leave out what can't be computed"),
        (wear(probability=1.5), "monitor: pump_1.wear: probability 1.5 is outside [0, 1]"),
        (wear(key=""), "monitor: a condition 'fault' without a key; give it a stable identity"),
        (wear(code="falt"), "monitor: no message code 'falt'; did you mean 'fault'?"),
    ],
)
def test_a_condition_that_means_nothing_is_refused_and_changes_nothing(raised: Shift, wrong: Any, said: str) -> None:
    before = raised.advisories.encode()
    with pytest.raises(TwinError) as refused:
        raised.advisories.update(raised.time + 1.0, [wrong], RUNNING)
    assert str(refused.value) == said
    assert raised.advisories.encode() == before


def test_a_key_that_comes_twice_is_refused(shift: Shift) -> None:
    with pytest.raises(SimulationError, match="a key comes twice at t = 5"):
        shift.advisories.update(5.0, [WEAR, WEAR], RUNNING)


@pytest.mark.parametrize("time", [0.5, math.nan, math.inf])
def test_time_that_does_not_go_on_is_refused(shift: Shift, time: float) -> None:
    with pytest.raises(SimulationError, match="time goes on, never back"):
        shift.advisories.update(time, [], RUNNING)


def test_foreign_bytes_are_no_advisories() -> None:
    for data in (b"", b"\xc1", b"\x80" * 3, b"\x81\xa5items\x01"):
        with pytest.raises(SnapshotError, match="monitor: these are no advisories"):
            Advisories.decode(data, ASSETS, TAGS)


def test_a_snapshot_with_a_code_without_a_rule_is_refused() -> None:
    shift = Shift()
    shift.wait(1, WEAR)
    lacking = type(RULES)(codes={"unknown": RULES.codes["unknown"]})
    with pytest.raises(SnapshotError, match=r"pump_1\.wear: no message code 'fault'"):
        Advisories.decode(shift.advisories.encode(), ASSETS, TAGS, lacking)


# The same history gives the same bytes

_CONDITIONS = st.builds(
    Condition,
    st.sampled_from(["pump_1.wear", "pump_2.clog", "TI-101", "stale:PI-101", "unknown:a"]),
    st.sampled_from(["fault", "unknown"]),
    st.floats(-9.0, 9.0).map(lambda size: round(size, 1)),
    st.sampled_from([0.25, 1]),
    st.integers(0, 5),
    st.dictionaries(st.sampled_from("abc"), st.one_of(st.integers(0, 9), st.text(max_size=3)), max_size=2),
    st.sampled_from([(), ("tank",), ("pump_1", "TI-101")]),
)
_ACTIONS = st.builds(
    Do,
    st.sampled_from(["acknowledge", "shelve", "unshelve", "comment", "maintenance", "bypass", "restore", "suppress"]),
    st.sampled_from(["adv-1", "adv-2", "pump_1", "TI-101", "nobody"]),
    st.sampled_from([0.0, 0.2, 3]),
    st.sampled_from(["", "why"]),
)
_INSTANTS = st.tuples(
    st.integers(1, 40),
    st.lists(_CONDITIONS, max_size=4, unique_by=lambda condition: condition.key),
    st.dictionaries(st.sampled_from(ASSETS), st.booleans(), max_size=2),
    st.lists(_ACTIONS, max_size=2),
)


def follow(advisories: Advisories, time: int, instant: Any) -> list[Change]:
    _, conditions, running, actions = instant
    changes = [change for action in actions for change in advisories.act(time, action)]
    return changes + advisories.update(time, conditions, running)


@given(st.lists(_INSTANTS, max_size=25), st.integers(0, 24))
def test_a_restart_anywhere_ends_in_the_same_changes_and_the_same_bytes(history: Any, restart: int) -> None:
    straight, restarted, time = Advisories(ASSETS, TAGS, RULES), Advisories(ASSETS, TAGS, RULES), 0
    for number, instant in enumerate(history):
        time += instant[0]
        if number == restart:
            restarted = Advisories.decode(restarted.encode(), ASSETS, TAGS, RULES)
        assert follow(straight, time, instant) == follow(restarted, time, instant)
    assert straight.encode() == restarted.encode()


def test_the_order_in_which_assets_are_named_changes_no_byte() -> None:
    written = []
    for order in (ASSETS, ASSETS[::-1]):
        advisories = Advisories(order, TAGS, RULES)
        advisories.update(0.0, [], dict.fromkeys(order, True))
        changes = advisories.update(1.0, [WEAR], dict.fromkeys(order, False))
        written.append((changes, advisories.encode()))
    assert written[0] == written[1]


@given(st.lists(_INSTANTS, max_size=25))
def test_the_log_tells_every_state(history: Any) -> None:
    advisories, time, told = Advisories(ASSETS, TAGS, RULES), 0, {}
    for instant in history:
        time += instant[0]
        for change in follow(advisories, time, instant):
            if change.advisory:
                assert change.before == told.get(change.advisory, "normal")
                told[change.advisory] = change.after
    listed = {advisory.id: advisory.state for advisory in advisories.standing()}
    assert {id_: state for id_, state in told.items() if state != "normal"} == listed


@given(st.lists(_INSTANTS, max_size=25))
def test_what_is_hidden_says_by_what_and_what_is_not_says_nothing(history: Any) -> None:
    advisories, time = Advisories(ASSETS, TAGS, RULES), 0
    for instant in history:
        time += instant[0]
        follow(advisories, time, instant)
        for advisory in advisories.standing():
            hidden = advisory.state in ("shelved", "suppressed", "out_of_service")
            assert hidden == bool(advisory.hidden_by)
            assert advisory.until > time
