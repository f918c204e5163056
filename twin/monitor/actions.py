"""What people do to advisories: acknowledge, shelve, comment, maintain, bypass, suppress, restore."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple, Protocol

from twin.monitor.life import HIDDEN, Change, Hold, Item, State
from twin.monitor.listing import end, hide, is_about
from twin.monitor.rules import Rules


class Act(Protocol):
    """What a person does; `twin.service.Action` is one."""

    @property
    def kind(self) -> str:
        """What is done."""

    @property
    def who(self) -> str:
        """By whom."""

    @property
    def target(self) -> str:
        """To which advisory, asset or tag."""

    @property
    def minutes(self) -> float:
        """For how long; 0 until it is undone."""

    @property
    def text(self) -> str:
        """Why."""


class Scene(NamedTuple):
    """What an action meets: the state it changes, the plant's names, its rules."""

    state: State
    assets: frozenset[str]
    tags: frozenset[str]
    rules: Rules


def acted(scene: Scene, time: float, action: Act) -> Iterator[Change]:
    """Yield what an action changes beside the states of advisories, and what of it can't be done."""
    if action.kind not in _DOES:
        yield _refused(time, action, "refused_kind")
    elif not _is_known(scene, action):
        yield _refused(time, action, "refused_target")
    else:
        yield from _DOES[action.kind](scene, time, action)


def _is_known(scene: Scene, action: Act) -> bool:
    """Return whether there is what an action is about."""
    plant = scene.assets | scene.tags
    found = bool(_targets(scene, action))
    return {
        "maintenance": action.target in plant,
        "bypass": action.target in scene.tags,
        "suppress": found or action.target in plant,
        "comment": found or action.target in plant,
        "restore": any(hold.target == action.target for hold in scene.state.holds),
    }.get(action.kind, found)


def _targets(scene: Scene, action: Act) -> list[Item]:
    """Return the advisories that an action is about: one by its id, or all about an asset or a tag."""
    items = [item for item in scene.state.items.values() if item.life != "normal"]
    return [i for i in items if i.id == action.target] or [i for i in items if is_about(i, action.target)]


def _acknowledge(scene: Scene, time: float, action: Act) -> Iterator[Change]:
    items = _targets(scene, action)
    if not any(item.unseen for item in items):
        yield _refused(time, action, "refused_state")
    for item in items:
        if item.unseen and item.life in HIDDEN:
            yield _unchanged(time, item, action)
        item.unseen = False


def _shelve(scene: Scene, time: float, action: Act) -> Iterator[Change]:
    if not 0.0 < action.minutes * 60.0 <= scene.rules.longest_shelf:
        yield _refused(time, action, "refused_minutes")
    elif not action.text.strip():
        yield _refused(time, action, "refused_reason")
    else:
        for item in _targets(scene, action):
            item.shelf = Hold("shelve", item.id, time, time + action.minutes * 60.0, action.who, action.text)
            if item.life in HIDDEN:
                yield _unchanged(time, item, action)


def _unshelve(scene: Scene, time: float, action: Act) -> Iterator[Change]:
    items = [item for item in _targets(scene, action) if item.shelf]
    if not items:
        yield _refused(time, action, "refused_state")
    for item in items:
        item.shelf, item.told = None, False
        if item.life != "shelved":
            yield _unchanged(time, item, action)


def _comment(scene: Scene, time: float, action: Act) -> Iterator[Change]:
    items = _targets(scene, action)
    for item in items:
        item.note = action.text
        yield _unchanged(time, item, action)
    if not items:
        yield Change(time, "", "normal", "normal", action.who, action.text, action.kind, action.target)


def _maintain(scene: Scene, time: float, action: Act) -> Iterator[Change]:
    """Close what is known about an asset or a tag: it is another one now."""
    until = time + max(scene.rules.settling_of(action.target), action.minutes * 60.0)
    yield from hide(scene.state, Hold("maintenance", action.target, time, until, action.who, action.text))
    for item in [item for item in scene.state.items.values() if is_about(item, action.target)]:
        del scene.state.items[item.key]
        if item.life != "normal":
            yield Change(time, item.id, item.life, "normal", action.who, action.text, action.kind, item.key)


def _hold(scene: Scene, time: float, action: Act) -> Iterator[Change]:
    """Suppress an asset, a tag or one advisory, or put a tag out of service."""
    until = time + action.minutes * 60.0 if action.minutes > 0.0 else math.inf
    kind: Literal["bypass", "suppress"] = "bypass" if action.kind == "bypass" else "suppress"
    yield from hide(scene.state, Hold(kind, action.target, time, until, action.who, action.text))


def _restore(scene: Scene, time: float, action: Act) -> Iterator[Change]:
    """End what holds for a tag, an asset or one advisory, but for what ends by itself."""
    held = [h for h in scene.state.holds if h.target == action.target and h.kind in ("bypass", "suppress")]
    if not held:
        yield _refused(time, action, "refused_state")
    for hold in held:
        yield from end(scene.state, hold, time, "restore", action.who, action.text)


_DOES: Mapping[str, Callable[[Scene, float, Act], Iterator[Change]]] = {
    "acknowledge": _acknowledge,
    "shelve": _shelve,
    "unshelve": _unshelve,
    "comment": _comment,
    "maintenance": _maintain,
    "bypass": _hold,
    "suppress": _hold,
    "restore": _restore,
}


def _unchanged(time: float, item: Item, action: Act) -> Change:
    return Change(time, item.id, item.life, item.life, action.who, action.text, action.kind, item.key)


def _refused(time: float, action: Act, cause: str) -> Change:
    return Change(time, "", "normal", "normal", action.who, action.text, cause, action.target)
