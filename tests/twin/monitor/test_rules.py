"""Rules: off delays that grow, settling times, priorities."""

import pytest

from twin.errors import TwinError
from twin.monitor.rules import DEFAULT, Rule, Rules, confirmed

RULES = Rules(codes={"fault": Rule(off_delay=60.0), "slow": Rule(off_delay=7200.0)}, settlings={"pump_1": 300.0})


@pytest.mark.parametrize(
    ("told", "delay"), [(0, 60.0), (1, 60.0), (2, 120.0), (3, 240.0), (6, 1920.0), (7, 3600.0), (5000, 3600.0)]
)
def test_the_off_delay_doubles_with_each_time_up_to_the_longest(told: int, delay: float) -> None:
    assert RULES.off_delay("fault", told) == delay


def test_an_off_delay_beyond_the_longest_stays_what_it_is() -> None:
    assert [RULES.off_delay("slow", told) for told in (1, 9)] == [7200.0, 7200.0]


@pytest.mark.parametrize(
    ("within", "priority"), [(60.0, 1), (600.0, 1), (601.0, 2), (8 * 3600.0, 2), (86400.0, 3), ("soon", 2)]
)
def test_what_must_be_done_sooner_goes_first(within: float | str, priority: int) -> None:
    assert RULES.priority("fault", {"within": within}) == priority
    assert RULES.priority("fault", {}) == 2


def test_an_asset_can_settle_slower_than_others() -> None:
    assert (RULES.settling_of("pump_1"), RULES.settling_of("pump_2")) == (300.0, 120.0)


def test_a_code_without_a_rule_is_refused() -> None:
    with pytest.raises(TwinError, match="monitor: no message code 'falt'; did you mean 'fault'"):
        RULES.of("falt")


def test_a_plant_says_how_soon_deviations_are_told_and_nothing_else_changes() -> None:
    found = confirmed(2.0, 30.0)
    for code in ("fault", "fault_candidates", "sensor"):
        assert (found.of(code).on_delay, found.of(code).off_delay) == (2.0, 30.0)
    assert (found.of("unknown").on_delay, found.of("unknown").off_delay) == (4.0, 30.0)
    for code in DEFAULT.keys() - {"fault", "fault_candidates", "sensor", "unknown"}:
        assert found.of(code) == DEFAULT[code]
    assert confirmed(10.0, 60.0) == Rules()
