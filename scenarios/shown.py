"""Numbers as people read them: in units that are in use, with the digits that their interval allows."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from scenarios.answer import Difference, Number, Told
from scenarios.measures import STATION
from scenarios.words import Language, word
from twin.monitor import words as monitor

NONE = "—"
"""Where there is no value."""
MOST_DECIMALS = 6
TINY = 1e-4
"""What is smaller keeps too few digits of `MOST_DECIMALS`."""
LARGEST = 1e12
"""Numbers are written in full up to here."""
_SPACE = "\N{NO-BREAK SPACE}"
_FIXED = {
    "K": ("degC", 1.0, -273.15), "1/s": ("1/h", 3600.0, 0.0), "m3/s": ("m3/h", 3600.0, 0.0),
    "rad/s": ("rpm", 30.0 / math.pi, 0.0),
}  # fmt: skip
# By size: unit, how many of the SI unit it is, and from which magnitude on it is used.
_SIZES = {
    "s": (("s", 1.0, 0.0), ("min", 60.0, 120.0), ("h", 3600.0, 7200.0), ("d", 86400.0, 15 * 86400.0)),
    "J": (("J", 1.0, 0.0), ("Wh", 3600.0, 3600.0), ("kWh", 3.6e6, 3.6e6)),
    "W": (("W", 1.0, 0.0), ("kW", 1e3, 1e3)),
    "Pa": (("Pa", 1.0, 0.0), ("kPa", 1e3, 1e3), ("bar", 1e5, 1e5)),
    "m": (("um", 1e-6, 0.0), ("mm", 1e-3, 1e-4), ("m", 1.0, 0.5)),
}
_SPOKEN = {"s": ("s", "초"), "min": ("min", "분"), "h": ("h", "시간"), "d": ("days", "일")}


class Scale(NamedTuple):
    """How SI values come to a unit that people use, ``factor * value + offset``.

    Attributes
    ----------
    unit : str
        In the project's spelling, ``degC``, ``m3/h``; ``%`` of shares.
    points : bool
        Whether differences are told in percentage points.
    coarse : bool
        Whether a digit less is shown, as of probabilities.
    """

    unit: str
    factor: float = 1.0
    offset: float = 0.0
    points: bool = False
    coarse: bool = False

    def of(self, value: float) -> float:
        """Return a value in this unit."""
        return self.factor * value + self.offset

    def span(self, value: float) -> float:
        """Return a difference of values in this unit."""
        return self.factor * value

    @property
    def symbol(self) -> str:
        """Return the unit as people write it."""
        return _symbol(self.unit)

    @property
    def difference_symbol(self) -> str:
        """Return the unit of differences: percentage points of shares, kelvins of temperatures."""
        return "%p" if self.points else "K" if self.unit == "degC" else self.symbol


def _symbol(unit: str) -> str:
    return "/h" if unit == "1/h" else monitor.unit(unit)


def scale(unit: str, values: Iterable[float | None] = ()) -> Scale:
    """Return the unit that people use for SI values of this size."""
    if unit in _FIXED:
        return Scale(*_FIXED[unit])
    if unit not in _SIZES:
        return Scale(unit)
    size = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    if size == 0.0:
        return Scale(unit)
    name, one, _ = next(each for each in reversed(_SIZES[unit]) if size >= each[2])
    return Scale(name, 1.0 / one)


def time_said(seconds: float, language: Language) -> str:
    """Return a length of time in one unit, not rounded to what is usual in speech."""
    by = scale("s", [seconds])
    return with_unit(shown(by.of(seconds)), by.symbol, language)


def is_share(told: Told) -> bool:
    """Return whether a number is a probability or a ratio, which people read in per cent."""
    return told.probability or (told.unit == "1" and told.name.rpartition(".")[2] in STATION)


def scale_of(told: Told, numbers: Iterable[Number]) -> Scale:
    """Return the one unit in which a reported number is shown for all variants."""
    if is_share(told):
        return Scale("%", 100.0, 0.0, True, told.probability)
    return scale(told.unit, [value for each in numbers for value in (each.middle, each.low, each.high)])


def decimals(value: float, half: float | None, coarse: bool = False) -> int:
    """Return how many decimals are sensible: one or two digits of half the interval's width, four without one."""
    if half is None or not math.isfinite(half) or half <= 0.0:
        exact = float(f"{value:.4g}")
        return next((d for d in range(MOST_DECIMALS) if round(exact, d) == exact), MOST_DECIMALS)
    exponent = math.floor(math.log10(half))
    fine = half / 10.0**exponent < 3.0 and not coarse
    return min(max(-exponent + fine, 0), MOST_DECIMALS)


def shown(value: float | None, digits: int | None = None, *, signed: bool = False) -> str:
    """Return a number with so many decimals, or four significant digits; what isn't there is a dash."""
    if value is None or not math.isfinite(value):
        return NONE
    digits = decimals(value, None) if digits is None else digits
    if abs(value) >= LARGEST or (0.0 < abs(value) < TINY and digits == MOST_DECIMALS):
        text = f"{value:{'+' if signed else ''}.2e}"
    else:
        text = f"{value:{'+' if signed else ''},.{digits}f}"
    if not any(c in "123456789" for c in text):
        text = text.lstrip("+-")
    return text.replace("-", "\N{MINUS SIGN}")


def with_unit(text: str, symbol: str, language: Language) -> str:
    """Return a number beside its unit, as the language writes it."""
    if text == NONE or not symbol:
        return text
    if symbol == "%p":
        return word("points", language, text)
    if symbol == "%":
        return f"{text}%" if language == "ko" else f"{text}{_SPACE}%"
    if symbol in _SPOKEN:
        return f"{text}{_SPOKEN[symbol][1]}" if language == "ko" else f"{text}{_SPACE}{_SPOKEN[symbol][0]}"
    return f"{text}{_SPACE}{symbol}"


class Said(NamedTuple):
    """A number in words: middle and interval, with unit."""

    middle: str
    interval: str


def number_said(number: Number, by: Scale, language: Language) -> Said:
    """Return a number with its unit, and its interval, empty where there is none."""
    if number.middle is None:
        return Said(NONE, "")
    half = _half(number.low, number.high)
    digits = decimals(by.of(number.middle), None if half is None else by.span(half), by.coarse)
    middle = with_unit(shown(by.of(number.middle), digits), by.symbol, language)
    if number.low is None or number.high is None:
        return Said(middle, "")
    if number.low == number.high and number.size > 1:
        return Said(middle, word("always", language))
    negative = "_signed" if by.of(number.low) < 0.0 else ""
    ends = [shown(by.of(value), digits) for value in (number.low, number.high)]
    return Said(middle, with_unit(word(f"between{negative}", language, *ends), by.symbol, language))


def spread_said(number: Number, by: Scale, language: Language) -> str:
    """Return between which values nine of ten replications lie; empty where that isn't known, or they are all alike."""
    if number.p5 is None or number.p95 is None or number.p5 == number.p95:
        return ""
    ends = (by.of(number.p5), by.of(number.p95))
    digits = decimals(ends[1], 0.5 * (ends[1] - ends[0]), by.coarse)
    between = word("between_signed" if ends[0] < 0.0 else "between", language, *(shown(end, digits) for end in ends))
    return word("nine_in_ten", language, with_unit(between, by.symbol, language))


def difference_said(found: Difference, by: Scale, language: Language, *, signed: bool = True) -> Said:
    """Return a difference with its sign, and its interval; without `signed` as the magnitudes, smaller first."""
    if found.middle is None:
        return Said(NONE, "")
    half = _half(found.low, found.high)
    digits = decimals(by.span(found.middle), None if half is None else by.span(half), by.coarse)
    numbers = [None if value is None else by.span(value) for value in (found.middle, found.low, found.high)]
    if not signed:
        numbers = [None if value is None else abs(value) for value in numbers]
    middle = with_unit(shown(numbers[0], digits, signed=signed), by.difference_symbol, language)
    if numbers[1] is None or numbers[2] is None:
        return Said(middle, "")
    ends = [numbers[1], numbers[2]] if signed else sorted([numbers[1], numbers[2]])
    texts = [shown(value, digits, signed=signed) for value in ends]
    interval = word("between_signed" if signed else "between", language, *texts)
    return Said(middle, with_unit(interval, by.difference_symbol, language))


def _half(low: float | None, high: float | None) -> float | None:
    return None if low is None or high is None else 0.5 * (high - low)


def verdict(found: Difference, better: str) -> str:
    """Return ``better``, ``worse``, ``differs`` where neither way is, ``same``, ``none`` shown, or ``unknown``."""
    if found.middle is None or found.low is None or found.high is None:
        return "unknown"
    if found.low == found.high == 0.0:
        return "same"
    if found.low <= 0.0 <= found.high:
        return "none"
    if better not in ("more", "less"):
        return "differs"
    return "better" if (found.middle > 0.0) == (better == "more") else "worse"
