"""How much the operator is told: rates, floods and chatter, as alarm systems are judged."""

from collections import Counter
from typing import NamedTuple

from twin.monitor.life import HIDDEN, State

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
SPAN = 600.0
"""Rates are counted over ten minutes [s]."""

FLOOD_BEGINS = 10
"""A flood begins with more than so many within `SPAN` [prosys-flood]."""
FLOOD_ENDS = 5
"""A flood ends with fewer than so many within `SPAN` [prosys-flood]."""
CHATTER = 3
"""What comes so often within a minute chatters [pas-chatter]."""
MOST = 10
"""How many are named that came most often."""


class Rates(NamedTuple):
    """How much the operator is told, by EEMUA 191.

    Attributes
    ----------
    last_10_min, last_hour : int
        How many advisories were announced.
    standing : int
        How many are active and listed as such.
    hidden : int
        How many are shelved, suppressed or out of service.
    chattering : tuple of str
        Keys that went over their limit `CHATTER` times within a minute, in the last hour; the delays kept most from
        being announced.
    top : tuple of (str, int)
        Keys announced most often within a day, with how often.
    flood : bool
        More came than an operator can follow.
    """

    last_10_min: int
    last_hour: int
    standing: int
    hidden: int
    chattering: tuple[str, ...]
    top: tuple[tuple[str, int], ...]
    flood: bool


def rates(state: State) -> Rates:
    """Return how much the operator was told until now."""
    counts = Counter(key for _, key in state.raised)
    lives = [item.life for item in state.items.values()]
    return Rates(
        told_within(state, SPAN),
        told_within(state, HOUR),
        sum(life in ("unacknowledged", "acknowledged") for life in lives),
        sum(life in HIDDEN for life in lives),
        tuple(sorted(state.chattering)),
        tuple(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:MOST]),
        state.flood,
    )


def told_within(state: State, span: float, key: str = "") -> int:
    """Return how many advisories were announced in the last `span` [s]; of one key, or of all."""
    return sum(t > state.time - span and (not key or k == key) for t, k in state.raised)


def note_crossing(state: State, key: str) -> None:
    """Remember that a key went over its limit, and whether it chatters."""
    state.crossings.append((state.time, key))
    if sum(k == key for _, k in state.crossings) >= CHATTER:
        state.chattering[key] = state.time


def note_flood(state: State) -> bool:
    """Return whether a flood began or ended."""
    count = told_within(state, SPAN)
    before, state.flood = state.flood, count >= FLOOD_ENDS if state.flood else count > FLOOD_BEGINS
    return before != state.flood


def forget(state: State) -> None:
    """Let go of what no rate is computed from any more."""
    state.raised = [entry for entry in state.raised if entry[0] > state.time - DAY]
    state.crossings = [entry for entry in state.crossings if entry[0] > state.time - MINUTE]
    state.chattering = {key: t for key, t in state.chattering.items() if t > state.time - HOUR}
