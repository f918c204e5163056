"""What came of a what-if run, of `answer.json` as much as a page shows; and numbers in units that people read."""

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from twin.errors import DataError
from twin.monitor.words import unit
from viz.jobs import read

FURTHEST = ("outside", "never calibrated", "inside")
"""Where what was changed can stand to what was calibrated, the furthest first."""
Verdict = Literal["better", "worse", "other", "unclear"]


class Number(Struct, frozen=True):
    """A mean or a probability, or a difference, with its 95 % interval."""

    middle: float | None = None
    low: float | None = None
    high: float | None = None
    size: int = 0
    p5: float | None = None
    p95: float | None = None


class Told(Struct, frozen=True):
    """A reported number: its words, unit (SI), and which way is better: ``more``, ``less`` or nothing."""

    name: str
    english: str
    korean: str
    unit: str = "1"
    better: str = ""
    probability: bool = False

    def said(self, language: str) -> str:
        """Return its words."""
        return self.korean if language == "ko" else self.english


class Range(Struct, frozen=True):
    """Where a changed quantity stands to what was calibrated."""

    verdict: str = ""


class Variant(Struct, frozen=True):
    """A variant or a case: what was changed, what failed and why, and what came of it."""

    name: str
    english: str = ""
    korean: str = ""
    changes: dict[str, str] = {}
    replications: int = 0
    failures: dict[str, str] = {}
    numbers: dict[str, Number] = {}
    differences: dict[str, Number] = {}
    ranges: list[Range] = []

    @property
    def calibration(self) -> str:
        """Return where its changes stand to what was calibrated, the furthest of them; empty where nothing changes."""
        found = {each.verdict for each in self.ranges}
        return next((each for each in FURTHEST if each in found), "")

    def said(self, language: str) -> str:
        """Return its words."""
        return (self.korean if language == "ko" else self.english) or self.name


class Basis(Struct, frozen=True):
    """What an answer rests on."""

    start: str = ""
    seed: int = 0


class Answer(Struct, frozen=True):
    """What came of a run."""

    ending: str
    measures: list[Told]
    variants: list[Variant]
    length: float = 0.0
    replications: int = 0
    currency: str = ""
    basis: Basis = Basis()
    assumptions: dict[str, str] = {}


class Scale(NamedTuple):
    """In what a number is shown: its unit, the factor and the offset from SI; differences have no offset."""

    unit: str
    factor: float
    offset: float = 0.0


_SCALES: Mapping[str, tuple[tuple[float, Scale], ...]] = {
    "s": ((7200.0, Scale("h", 3600.0)), (120.0, Scale("min", 60.0))),
    "J": ((1e9, Scale("MWh", 3.6e9)), (1e5, Scale("kWh", 3.6e6)), (1e3, Scale("kJ", 1e3))),
    "W": ((1e6, Scale("MW", 1e6)), (1e3, Scale("kW", 1e3))),
    "Pa": ((1e4, Scale("bar", 1e5)),),
    "K": ((-math.inf, Scale("degC", 1.0, 273.15)),),
    "1/s": ((-math.inf, Scale("1/h", 1.0 / 3600.0)),),
    "rad/s": ((-math.inf, Scale("rpm", math.pi / 30.0)),),
    "m3/s": ((-math.inf, Scale("m3/h", 1.0 / 3600.0)),),
}
"""From which size on [SI] a unit is shown as another, the largest first."""


def answer_of(path: Path) -> Answer | None:
    """Return what came of a run; nothing where it has no answer yet.

    Raises
    ------
    DataError
        If the file can't be read as an answer.
    """
    try:
        entry = path.stat()
    except OSError:
        return None
    return _decoded(path, entry.st_mtime_ns, entry.st_size)


@lru_cache(maxsize=8)
def _decoded(path: Path, changed: int, size: int) -> Answer:
    try:
        return msgspec.json.decode(read(path), type=Answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise DataError(f"{path.name}: is not understood: {str(err)[:200]}; run it again") from None


def scale_of(told: Told, numbers: Iterable[Number], currency: str = "") -> Scale:
    """Return in what a reported number is shown, alike for every variant."""
    if told.probability:
        return Scale("%", 0.01)
    if not told.unit:
        return Scale(currency, 1.0)
    largest = max((abs(n.middle) for n in numbers if n.middle is not None), default=0.0)
    for least, scale in _SCALES.get(told.unit, ()):
        if largest >= least:
            return scale._replace(unit=unit(scale.unit))
    return Scale(unit(told.unit), 1.0)


def verdict(told: Told, difference: Number) -> Verdict:
    """Return whether a difference is for the better; unclear where its interval holds none at all."""
    if difference.middle is None or difference.low is None or difference.high is None:
        return "unclear"
    if difference.low <= 0.0 <= difference.high:
        return "unclear"
    return judged(told, difference.middle)


def judged(told: Told, difference: float) -> Verdict:
    """Return what a difference that is certain is."""
    if told.better not in ("more", "less"):
        return "other"
    return "better" if (difference > 0.0) == (told.better == "more") else "worse"


def apart(one: Number, other: Number) -> bool:
    """Return whether the intervals of two runs have nothing in common, so that they differ."""
    bounds = (one.low, one.high, other.low, other.high)
    if any(bound is None for bound in bounds):
        return False
    low, high, lower, higher = (float(bound) for bound in bounds if bound is not None)
    return high < lower or higher < low
