"""What a scenario's branches say together: numbers with intervals, differences, and what they rest on.

Written as ``answer.json`` beside the report; the report, tables and pages are made of nothing else.
"""

from collections.abc import Mapping

import msgspec

FORMAT = 1


class Number(msgspec.Struct, frozen=True):
    """A mean or probability with its 95 % interval; nothing where no replication has a value.

    Attributes
    ----------
    p5, p95 : float or None
        Between which nine of ten replications lie; of no probability, nor of fewer than twenty.
    """

    middle: float | None
    low: float | None
    high: float | None
    size: int
    p5: float | None = None
    p95: float | None = None


class Difference(msgspec.Struct, frozen=True):
    """What a variant has more than the first, paired by replication, and by how much pairing narrowed the interval."""

    middle: float | None
    low: float | None
    high: float | None
    size: int
    reduction: float | None


class Told(msgspec.Struct, frozen=True):
    """A reported number: its name in the scenario, words, SI unit, which way is better, whether it is a probability."""

    name: str
    english: str
    korean: str
    unit: str
    better: str
    probability: bool


class Curve(msgspec.Struct, frozen=True):
    """A quantity over time [s from the start]: median and the middle 90 % of replications."""

    path: str
    unit: str
    times: list[float]
    low: list[float]
    middle: list[float]
    high: list[float]


class Span(msgspec.Struct, frozen=True):
    """What a block did from one time to another [s from the start], in the first replication."""

    block: str
    state: str
    begin: float
    end: float


class Level(msgspec.Struct, frozen=True):
    """How many parts a buffer held from each time on, in the first replication."""

    block: str
    times: list[float]
    held: list[int]


class Range(msgspec.Struct, frozen=True):
    """Where a changed quantity stands to what was calibrated: ``inside``, ``outside`` or ``never calibrated``.

    Attributes
    ----------
    low, high : float or None
        What was calibrated: the interval of an estimate, or between which values an input was recorded.
    at : str
        When it is changed, as the schedule tells it; empty at the start.
    """

    path: str
    value: float
    unit: str
    verdict: str
    low: float | None = None
    high: float | None = None
    at: str = ""


class Variant(msgspec.Struct, frozen=True):
    """A variant, or a case of a design: what was changed, and what came of it."""

    name: str
    english: str
    korean: str
    changes: dict[str, str]
    schedule: list[dict[str, str]]
    replications: int
    failures: dict[str, str]
    numbers: dict[str, Number]
    differences: dict[str, Difference]
    ranges: list[Range]
    curves: list[Curve]
    gantt: list[Span]
    levels: list[Level]


class Swing(msgspec.Struct, frozen=True):
    """How far a reported number moves from where it was as one factor goes to its low end, and to its high one."""

    factor: str
    number: str
    low: float
    high: float


class Index(msgspec.Struct, frozen=True):
    """Share of a number's variance that is due to a factor: alone, and with its interactions."""

    factor: str
    number: str
    first: Number
    total: Number


class Best(msgspec.Struct, frozen=True):
    """What an optimisation found, after how many evaluations."""

    variant: str
    number: str
    maximise: bool
    evaluations: int


class Basis(msgspec.Struct, frozen=True):
    """What an answer rests on; two with the same basis are the same, byte for byte."""

    plant: str
    plant_sha256: str
    scenario_sha256: str
    start: str
    start_digest: str
    seed: int
    rtol: float
    version: str
    results: str
    guesses: int
    parameters: int
    start_time: float | None = None


class Answer(msgspec.Struct, frozen=True):
    """A scenario's answer.

    Attributes
    ----------
    ending : str
        ``done``, or ``interrupted``: the answer is of what was finished.
    """

    format: int
    scenario: str
    question: dict[str, str]
    ending: str
    length: float
    warm_up: float
    replications: int
    currency: str
    measures: list[Told]
    variants: list[Variant]
    pareto: list[str]
    pareto_of: list[str]
    swings: list[Swing]
    indices: list[Index]
    best: Best | None
    basis: Basis
    assumptions: dict[str, str]
    source: str

    def told(self, name: str) -> Told:
        """Return what a reported number is."""
        return next(each for each in self.measures if each.name == name)


def encoded(answer: Answer) -> bytes:
    """Return an answer as JSON."""
    return msgspec.json.format(msgspec.json.encode(answer), indent=1)


def decoded(data: bytes) -> Answer:
    """Return the answer that `encoded` wrote."""
    return msgspec.json.decode(data, type=Answer)


def texts(words: Mapping[str, str] | None, name: str) -> tuple[str, str]:
    """Return words in English and Korean, or a name for both."""
    return (words["en"], words["ko"]) if words else (name, name)
