"""Coherent SI inside; every other unit is converted at the edges, by pint."""

import math
import re
from functools import cache
from typing import Any

from twin.errors import TwinError, unknown

Dimensions = tuple[int, ...]
"""Exponents of m, kg, s, K, A."""

# Coherent SI only: a declaration's number is the number the equations see.
_SYMBOLS: dict[str, Dimensions] = {
    "1": (0, 0, 0, 0, 0),
    "m": (1, 0, 0, 0, 0),
    "kg": (0, 1, 0, 0, 0),
    "s": (0, 0, 1, 0, 0),
    "K": (0, 0, 0, 1, 0),
    "A": (0, 0, 0, 0, 1),
    "rad": (0, 0, 0, 0, 0),
    "Hz": (0, 0, -1, 0, 0),
    "N": (1, 1, -2, 0, 0),
    "J": (2, 1, -2, 0, 0),
    "W": (2, 1, -3, 0, 0),
    "Pa": (-1, 1, -2, 0, 0),
    "C": (0, 0, 1, 0, 1),
    "V": (2, 1, -3, 0, -1),
    "ohm": (2, 1, -3, 0, -2),
    "Wb": (2, 1, -2, 0, -1),
    "T": (0, 1, -2, 0, -1),
    "H": (2, 1, -2, 0, -2),
    "F": (-2, -1, 4, 0, 2),
}
# What nearly every plant file writes, with the coherent unit, factor and offset: pint takes 0.4 s to import.
_COMMON: dict[str, tuple[str, float, float]] = {
    "ms": ("s", 1e-3, 0.0),
    "min": ("s", 60.0, 0.0),
    "h": ("s", 3600.0, 0.0),
    "mm": ("m", 1e-3, 0.0),
    "cm": ("m", 1e-2, 0.0),
    "um": ("m", 1e-6, 0.0),
    "mm2": ("m2", 1e-6, 0.0),
    "cm2": ("m2", 1e-4, 0.0),
    "mbar": ("Pa", 1e2, 0.0),
    "kPa": ("Pa", 1e3, 0.0),
    "bar": ("Pa", 1e5, 0.0),
    "kW": ("W", 1e3, 0.0),
    "kW/K": ("W/K", 1e3, 0.0),
    "mV": ("V", 1e-3, 0.0),
    "degC": ("K", 1.0, 273.15),
    "rpm": ("rad/s", math.pi / 30.0, 0.0),
    "m3/h": ("m3/s", 1.0 / 3600.0, 0.0),
    "l/s": ("m3/s", 1e-3, 0.0),
    "l/min": ("m3/s", 1e-3 / 60.0, 0.0),
}
# Plain ASCII; what Python's float takes beyond that (1_0, full-width digits) is a slip of the pen here.
_NUMBER = re.compile(
    r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?|[+-]?(?:nan|inf|infinity)", re.ASCII | re.IGNORECASE
)
_UNIT = re.compile(r"[A-Za-z_%µ°Ω0-9/.()·*^ -]{1,40}")
# A power of a power, or of brackets, or a long exponent: pint would work at `m**9**9**9` for ever.
_ENDLESS = re.compile(r"(?:\*\*|\^)\s*-?\d+\s*(?:\*\*|\^)|\)\s*(?:\*\*|\^)|(?:\*\*|\^)\s*\(|\d{3}|\*{3}|\^{2}")
_FACTOR = re.compile(r"([A-Za-z]+|1)(-?\d+)?")
_ANGLES = frozenset({"rad", "deg", "degree", "rpm", "rps", "turn", "revolution"})
_BASE = ("m", "kg", "s", "K", "A")


@cache
def dimensions(text: str) -> Dimensions:
    """Return the exponents of m, kg, s, K and A of a coherent SI unit such as ``W/(m2.K)``.

    Raises
    ------
    TwinError
        If the text is not a product of coherent SI symbols.
    """
    top, slash, bottom = text.replace(" ", "").partition("/")
    if bottom.startswith("(") and bottom.endswith(")"):
        bottom = bottom[1:-1]
    elif "." in bottom:
        raise TwinError(f"{text!r} can be read two ways; put what divides in brackets: '{top}/({bottom})'")
    total = [0] * len(_BASE)
    for part, sign in ((top, 1), (bottom, -1)) if slash else ((top, 1),):
        for factor in part.split("."):
            found = _FACTOR.fullmatch(factor)
            if not found or found[1] not in _SYMBOLS:
                raise TwinError(f"{unknown('coherent SI unit', factor, _SYMBOLS)} (in {text!r})")
            power = sign * int(found[2] or 1)
            total = [d + power * e for d, e in zip(total, _SYMBOLS[found[1]], strict=True)]
    return tuple(total)


def spell(exponents: Dimensions) -> str:
    """Return exponents as text, ``m2.kg.s-2``, for error messages."""
    return ".".join(f"{n}{e if e != 1 else ''}" for n, e in zip(_BASE, exponents, strict=True) if e) or "1"


def to_si(text: str | float, declared: str) -> float:
    """Return ``'34 m'``, ``'60 degC'`` or a bare SI number as a number in the `declared` unit.

    Raises
    ------
    TwinError
        If it is no finite number, or its unit is unknown or measures something else.
    """
    if not isinstance(text, str):
        try:
            return _finite(float(text), str(text))
        except (TypeError, ValueError, OverflowError):
            raise TwinError(f"{text!r:.80} is not a number; give one in {declared}") from None
    number, _, written = text.strip().partition(" ")
    if not _NUMBER.fullmatch(number):
        raise TwinError(f"{text!r:.80} is not a number with a unit; write it like '1.5 {declared}'")
    value, written = float(number), written.strip()
    if written in ("", declared):
        return _finite(value, text)
    if written in _COMMON:
        _, factor, offset = _common(written, text, declared)
        return _finite(value * factor + offset, text)
    return _finite(
        float(_registry().Quantity(value, _parsed(written, text, declared)).to(_pint(declared)).magnitude), text
    )


def difference_to_si(text: str, declared: str) -> float:
    """Return a difference, such as an instrument's error, in the `declared` unit: `0.2 degC` of noise is 0.2 K."""
    _, _, written = text.strip().partition(" ")
    return to_si(text, declared) - to_si(f"0 {written}".strip(), declared)


def from_si(value: float, declared: str, wanted: str) -> float:
    """Return a number in the `declared` unit as a number in the `wanted` one, e.g. ``degC``."""
    if wanted == declared:
        return value
    if wanted in _COMMON:
        _, factor, offset = _common(wanted, wanted, declared)
        return (value - offset) / factor
    return float(_registry().Quantity(value, _pint(declared)).to(_parsed(wanted, wanted, declared)).magnitude)


def scale(written: str, declared: str) -> tuple[float, float]:
    """Return factor and offset that turn numbers in the unit `written` into the `declared` one.

    Raises
    ------
    TwinError
        If the unit is unknown, measures something else, counts cycles where the other counts angles, or has
        no steps of one size, as dBm.
    """
    if written == declared:
        return 1.0, 0.0
    words = re.findall("[A-Za-z]+", f"{written} {declared}")
    if any(word.endswith("Hz") for word in words) and _ANGLES & set(words):
        raise TwinError(f"{written!r} and {declared} are 2 pi apart, one counting cycles; convert the readings before")
    if written in _COMMON:
        return _common(written, written, declared)[1:]
    check_convertible(written, declared)
    offset, one, two = (to_si(f"{n} {written}", declared) for n in (0, 1, 2))
    if not math.isclose(two - one, one - offset, rel_tol=1e-9):
        raise TwinError(f"{written!r} has no steps of one size; convert the readings to {declared} before")
    return (to_si(f"{2**20} {written}", declared) - offset) / 2**20, offset  # a power of two: the division is exact


def check_convertible(wanted: str, declared: str) -> None:
    """Refuse a unit that does not measure what `declared` measures."""
    if wanted in _COMMON:
        _common(wanted, wanted, declared)
    elif wanted != declared:
        _parsed(wanted, wanted, declared)


def _finite(value: float, text: str) -> float:
    if not math.isfinite(value):
        raise TwinError(f"{text!r} is not a finite number")
    return value


def _common(written: str, text: str, declared: str) -> tuple[str, float, float]:
    """Return a common unit, refusing one that measures something else than `declared`."""
    if dimensions(_COMMON[written][0]) != dimensions(declared):
        raise TwinError(f"{text!r} is not a value in {declared}; {written} measures something else")
    return _COMMON[written]


def _parsed(written: str, text: str, declared: str) -> Any:
    """Return pint's unit for `written`, refusing what is unknown or measures something else than `declared`."""
    try:
        if not _UNIT.fullmatch(written) or _ENDLESS.search(written):
            raise ValueError(written)
        unit = _registry().Unit(_pint(written))
    except Exception:  # pint raises tokenizer, attribute and its own errors for bad text
        raise TwinError(f"unknown unit {written!r} in {text!r}; the value is in {declared}") from None
    if not unit.is_compatible_with(_registry().Unit(_pint(declared))):
        raise TwinError(f"{text!r} is not a value in {declared}; {written} measures something else")
    return unit


def _pint(text: str) -> str:
    """Return our spelling, ``W/(m2.K)``, in pint's, ``W/(m**2*K)``."""
    spaced = re.sub(r"\b([A-Za-z]+)(-?\d+)", r"\1**\2", text.replace(".", "*"))
    return "dimensionless" if spaced == "1" else spaced


@cache
def _registry() -> Any:
    import pint  # a second to import: only where a unit differs from the declared one

    return pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
