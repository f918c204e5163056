"""A small plant's conditions and actions, for the tests of the monitor."""

from typing import Any, NamedTuple

from twin.monitor.advisories import Advisories
from twin.monitor.condition import Condition
from twin.monitor.life import Change
from twin.monitor.rules import Rule, Rules

ASSETS = ("pump_1", "pump_2", "tank")
TAGS = ("TI-101", "PI-101")
RULE = Rule(on=4.0, off=3.0, fraction=0.5, on_delay=10.0, off_delay=60.0)
RULES = Rules(codes={"fault": RULE, "unknown": RULE, "sensor": RULE, "stale": Rule(1.0, 1.0, 1.0, 0.0, 10.0)})
RUNNING = {"pump_1": True, "pump_2": True}


class Do(NamedTuple):
    """An action, as `twin.service.Action` is one."""

    kind: str
    target: str = "adv-1"
    minutes: float = 0.0
    text: str = ""
    who: str = "kim"


def wear(size: float = 6.0, **changes: Any) -> Condition:
    plain = Condition("pump_1.wear", "fault", size, 0.9, 0.0, {"within": 3600.0})
    return plain._replace(**changes)


class Shift:
    """Advisories with a clock: every call of `wait` is an instant a second until `seconds` have passed."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.advisories, self.time, self.log = Advisories(ASSETS, TAGS, rules), 0.0, list[Change]()
        self.running = dict(RUNNING)
        self.wait(1)

    def wait(self, seconds: int, *conditions: Condition) -> list[Change]:
        """Let `conditions` hold for `seconds`; return the changes."""
        changes: list[Change] = []
        for _ in range(seconds):
            self.time += 1.0
            changes += self.advisories.update(self.time, conditions, self.running)
        self.log += changes
        return changes

    def do(self, kind: str, target: str = "adv-1", minutes: float = 0.0, text: str = "") -> list[Change]:
        """Do something; return the changes."""
        changes = self.advisories.act(self.time, Do(kind, target, minutes, text))
        self.log += changes
        return changes

    def states(self) -> dict[str, str]:
        """Return the state of every advisory, by key."""
        return {advisory.key: advisory.state for advisory in self.advisories.standing()}


def steps(changes: list[Change]) -> list[tuple[str, str, str]]:
    """Return what changed of advisories: before, after, cause."""
    return [(c.before, c.after, c.cause) for c in changes if c.advisory]
