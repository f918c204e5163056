"""Distributions, weekdays and shifts as people write them."""

import math
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from twin.errors import PlantError, unknown
from twin.flow import laws
from twin.flow.blocks import Shift
from twin.flow.laws import Distribution
from twin.units import to_si

DAY, WEEK = 86400.0, 7 * 86400.0
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LONGEST = 1e9
"""No time in a flow is longer than some thirty years [s]."""
SHORTEST = 1e-6
"""Nor shorter, but 0: what happens that often never gets anywhere [s]."""
_CALL = re.compile(r"\s*([A-Za-z]+)\s*\((.*)\)\s*")
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")


class _Law(NamedTuple):
    make: Callable[..., Distribution]
    units: tuple[str, ...]
    """Of its parameters; one that is 1 is a number."""


_LAWS = {
    "constant": _Law(laws.constant, ("s",)),
    "exponential": _Law(laws.exponential, ("s",)),
    "uniform": _Law(laws.uniform, ("s", "s")),
    "triangular": _Law(laws.triangular, ("s", "s", "s")),
    "weibull": _Law(laws.weibull, ("s", "1")),
    "erlang": _Law(lambda mean, phases: laws.erlang(mean, int(min(phases, 1e9))), ("s", "1")),
    "normal": _Law(laws.normal, ("s", "s")),
    "lognormal": _Law(laws.lognormal, ("s", "s")),
}


def whole(text: str, least: int, most: int) -> int:
    """Return a whole number.

    Raises
    ------
    PlantError
        If it is none, or out of range.
    """
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20 and least <= int(digits) <= most):
        raise PlantError(f"{text!r:.80}: give a whole number from {least} to {most}")
    return int(digits)


def seconds(text: str) -> float:
    """Return a time [s] that isn't negative.

    Raises
    ------
    TwinError
        If it is no time, negative or longer than thirty years.
    """
    value = to_si(text, "s")
    if not 0.0 <= value <= LONGEST:
        raise PlantError(f"{text}: is not a time from 0 to {LONGEST:g} s; mend it")
    return value


def span(text: str) -> float:
    """Return a time [s] that is 0 or long enough for time to go on.

    Raises
    ------
    TwinError
        If it is neither.
    """
    return _long_enough(text, seconds(text))


def _long_enough(text: str, value: float) -> float:
    if 0.0 < value < SHORTEST:
        raise PlantError(f"{text}: is shorter than {SHORTEST:g} s; give a longer time, or 0 s")
    return value


def distribution(text: str) -> Distribution:
    """Return the distribution of a time: ``90 s``, or a law with its parameters in parentheses.

    Raises
    ------
    TwinError
        If there is no such law, or its parameters don't make one.
    """
    call = _CALL.fullmatch(text)
    if call is None:
        return laws.constant(span(text))
    name, given = call[1].lower(), [part.strip() for part in call[2].split(",")]
    found = laws.empirical([seconds(part) for part in given]) if name == "empirical" else _called(text, name, given)
    _long_enough(text, found.mean)
    return found


def _called(text: str, name: str, given: Sequence[str]) -> Distribution:
    """Return the distribution of a law and its parameters."""
    if name not in _LAWS:
        raise PlantError(f"{text}: {unknown('distribution', name, [*_LAWS, 'empirical'])}")
    law = _LAWS[name]
    if len(given) != len(law.units):
        raise PlantError(f"{text}: {name} takes {len(law.units)} numbers, not {len(given)}; see `twin schema`")
    values = [seconds(part) if unit == "s" else to_si(part, unit) for part, unit in zip(given, law.units, strict=True)]
    if name == "erlang" and values[1] != int(values[1]):
        raise PlantError(f"{text}: {given[1]} phases; give a whole number")
    try:
        found = law.make(*values)
        mean = found.mean
    except OverflowError:
        mean = math.inf
    if not mean <= LONGEST:
        raise PlantError(f"{text}: its mean or spread is longer than {LONGEST:g} s; mend its parameters")
    return found


def clock(text: str) -> float:
    """Return the time of day [s] of HH:MM."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None or (value := 3600.0 * int(found[1]) + 60.0 * int(found[2])) > DAY:
        raise PlantError(f"{text!r} is no time of day; write it as 06:00")
    return value


def weekday(text: str) -> int:
    """Return 0 for Monday."""
    name = text.strip().lower()
    found = [day for day, whole in enumerate(_NAMES) if len(name) > 2 and whole.startswith(name)]
    if not found:
        raise PlantError(unknown("weekday", text.strip(), DAYS))
    return found[0]


def moment(text: str) -> float:
    """Return the time since Monday 00:00 of ``Tue 06:00`` [s]."""
    day, _, time = text.strip().partition(" ")
    return weekday(day) * DAY + clock(time)


def instant(text: str, begins: float) -> float:
    """Return a time since a start at `begins` in the week [s]: a duration, or the next ``Fri 14:00``."""
    if text.strip()[:3].capitalize() in DAYS:
        found = (moment(text) - begins) % WEEK
        return found or WEEK
    return seconds(text)


def days_of(text: str) -> list[int]:
    """Return weekdays of ``Mon-Fri``, ``Mon, Wed`` or ``daily``."""
    if text.strip().lower() == "daily":
        return list(range(7))
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        a = weekday(first)
        b = weekday(last) if dash else a
        found += [(a + i) % 7 for i in range((b - a) % 7 + 1)]
    if len(set(found)) < len(found):
        raise PlantError(f"{text}: a day is there twice; keep one of them")
    return sorted(found)


def shift(name: str, days: str, hours: tuple[str, str], breaks: Sequence[str], begins: float) -> Shift:
    """Return a shift in time since the start, of a start at `begins` in the week [s].

    Raises
    ------
    PlantError
        If its hours or breaks make no sense.
    """
    start, end = clock(hours[0]), clock(hours[1])
    length = (end - start) % DAY or DAY
    spans = [(0.0, length)]
    for text in breaks:
        first, _, last = text.partition("-")
        a, b = (clock(first) - start) % DAY, (clock(last) - start) % DAY
        open_ = [span for span in spans if span[0] < a < b < span[1]]
        if not open_:
            raise PlantError(f"break {text}: lies not within {hours[0]} to {hours[1]}, or in another break; mend it")
        spans.remove(open_[0])
        spans += [(open_[0][0], a), (b, open_[0][1])]
    worked = sorted(((day * DAY + start + a - begins) % WEEK, b - a) for day in days_of(days) for a, b in spans)
    return _switched(name, _merged(worked))


def _merged(worked: Sequence[tuple[float, float]]) -> list[list[float]]:
    """Return spans from their begin to their end within one week round, those that touch as one."""
    found: list[list[float]] = []
    for begin, length in worked:
        if found and found[-1][1] >= begin:
            found[-1][1] = max(found[-1][1], begin + length)
        else:
            found.append([begin, begin + length])
    if len(found) > 1 and found[-1][1] - WEEK >= found[0][0]:
        found[-1][1] = found[0][1] + WEEK
        del found[0]
    return found


def _switched(name: str, spans: list[list[float]]) -> Shift:
    if len(spans) == 1 and spans[0][1] - spans[0][0] >= WEEK:
        raise PlantError(f"shift {name}: it never ends; leave it out where it is named")
    times = sorted((t % WEEK or WEEK, ends) for span in spans for ends, t in enumerate(span))
    return Shift(name=name, switches=tuple(t for t, _ in times), period=WEEK, on=bool(times[0][1]))
