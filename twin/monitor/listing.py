"""How what is remembered becomes what is listed: states, what hides them, and their changes."""

import math
from collections.abc import Iterator

from twin.documents import Advisory
from twin.monitor.condition import keyed_on
from twin.monitor.life import HIDDEN, Change, Hold, Item, Life, State
from twin.monitor.rules import Rules


def listed(state: State, time: float, cause: str = "", by: str = "twin", text: str = "") -> Iterator[Change]:
    """Yield the changes of all states since they were listed last; announce what must be.

    Parameters
    ----------
    cause, by, text : str
        Why, where a person did it; else it is told from the states.
    """
    for item in list(state.items.values()):
        life, hold = life_of(state, item)
        if item.active and not item.told and life not in HIDDEN:
            item.told = item.unseen = True
            life = "unacknowledged"
            state.raised.append((state.time, item.key))
        before, item.life = item.life, life
        if life == before:
            continue
        if not item.id:
            state.count += 1
            item.id = f"adv-{state.count}"
        item.changed = time
        if cause or not hold:
            yield Change(time, item.id, before, life, by, text, cause or _cause(before, life), item.key)
        else:
            yield Change(time, item.id, before, life, hold.by, hold.text, hold.kind, item.key)
    state.items = {k: item for k, item in state.items.items() if item.life != "normal" or item.over or item.active}


def life_of(state: State, item: Item) -> tuple[Life, Hold | None]:
    """Return the state of a condition, and what hides it."""
    if not (item.active or item.unseen or item.shelf):
        return "normal", None
    holds = [hold for hold in state.holds if state.time < hold.until and _hides(hold, item)]
    if bypasses := [hold for hold in holds if hold.kind == "bypass"]:
        return "out_of_service", max(bypasses, key=lambda hold: hold.until)
    if holds:
        return "suppressed", max(holds, key=lambda hold: hold.until)
    if item.shelf:
        return "shelved", item.shelf
    if item.active:
        return "unacknowledged" if item.unseen else "acknowledged", None
    return "returned", None


def is_about(item: Item, name: str) -> bool:
    """Return whether a condition is about the asset or tag `name`."""
    return keyed_on(item.key, name) or name in item.about


def hide(state: State, hold: Hold) -> Iterator[Change]:
    """Yield the begin of a hold; one of the same kind and target is replaced."""
    before = _held(state, hold)
    state.holds = [old for old in state.holds if (old.kind, old.target) != (hold.kind, hold.target)]
    state.holds.append(hold)
    yield Change(hold.since, "", before, _held(state, hold), hold.by, hold.text, hold.kind, hold.target)


def end(state: State, hold: Hold, time: float, cause: str, by: str = "twin", text: str = "") -> Iterator[Change]:
    """Yield the end of a hold; others of the same target go on."""
    before = _held(state, hold)
    state.holds.remove(hold)
    yield Change(time, "", before, _held(state, hold), by, text, cause, hold.target)


def document(state: State, item: Item, rules: Rules) -> Advisory:
    """Return what a view is told of a condition."""
    hold = life_of(state, item)[1]
    return Advisory(
        id=item.id,
        key=item.key,
        code=item.code,
        state=item.life,
        priority=rules.priority(item.code, item.values),
        size=item.size,
        peak=item.peak,
        probability=item.probability,
        since=item.since,
        raised=item.raised,
        changed=item.changed,
        values=dict(item.values),
        about=item.about,
        hidden_by=hold.kind if hold else "",
        by=hold.by if hold else "",
        reason=hold.text if hold else "",
        until=hold.until if hold else math.inf,
        note=item.note,
    )


def _hides(hold: Hold, item: Item) -> bool:
    """Return whether a hold hides a condition: a bypass only what is keyed on the tag."""
    if hold.kind == "bypass":
        return keyed_on(item.key, hold.target)
    return hold.target == item.id or is_about(item, hold.target)


def _held(state: State, hold: Hold) -> Life:
    """Return the state in which the holds of its target put what is about it."""
    kinds = [other.kind for other in state.holds if other.target == hold.target]
    return "out_of_service" if "bypass" in kinds else "suppressed" if kinds else "normal"


def _cause(before: Life, after: Life) -> str:
    """Return why a state changed that no person has changed and nothing hides."""
    over = {"shelved": "shelf_over", "suppressed": "suppression_over", "out_of_service": "bypass_over"}
    return over.get(before) or ("raised" if after == "unacknowledged" else "returned")
