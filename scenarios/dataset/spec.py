"""A data set to be made: what is drawn for each run, in SI and seconds, checked against the plant."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from scenarios.dataset.contract import Contract
from twin.factory.truth import Disturbance
from twin.plant import Plant

HEALTHY = "healthy"
"""Class of a run in which no equipment goes wrong; its code is 0."""
SPLITS = ("train", "validation", "test", "unseen_machine", "unseen_severity", "unseen_fault")
KINDS = ("offset", "drift", "gain", "stuck", "noise", "spikes", "gap")
CONTENTS = ("truth", "parameters", "plant")
"""What may be written beside signals and labels; a contract may forbid it."""
SPIKY = 0.02
"""Share of the readings that spikes hit."""

Growth = Literal["step", "ramp", "exponential", "accelerating"]
GROWTHS: tuple[Growth, ...] = get_args(Growth)


class Between(NamedTuple):
    """A range from which a number is drawn evenly."""

    low: float
    high: float


class Mode(NamedTuple):
    """A way of operating: values of quantities, drawn for each run."""

    name: str
    about: str
    values: dict[str, Between]


class Duty(NamedTuple):
    """Modes one after the other: a cycle of (mode, time [s]), or some at random that last `each` [s]."""

    name: str
    share: float
    cycle: tuple[tuple[int, float], ...]
    modes: tuple[int, ...]
    each: Between


class Surrounding(NamedTuple):
    """Inputs that come from outside: their value in a run, and how they move about it."""

    disturbance: Disturbance
    between: Between | None


class Fault(NamedTuple):
    """What goes wrong: where it takes quantities at severity 1 (SI), how far, when and how fast [s], in which shape."""

    name: str
    about: str
    to: dict[str, float]
    share: float
    severity: Between
    unseen: Between | None
    onset: Between
    growth: Growth
    over: Between


class SensorFault(NamedTuple):
    """What goes wrong in the instrument of `channel`; sizes are SI differences, shares for a gain; times in s."""

    name: str
    tag: str
    channel: int
    kind: str
    share: float
    size: Between
    onset: Between
    lasts: Between


class Missing(NamedTuple):
    """Readings that don't arrive: each with a probability, and all of them in `gaps` [1/s] that last for a time [s]."""

    each: float
    gaps: float
    lasts: Between


class Machines(NamedTuple):
    """How many machines, and how they differ: standard deviations and ranges by path, of constant errors by tag; SI."""

    number: int
    spread: dict[str, float]
    within: dict[str, Between]
    instruments: dict[str, float]


class Splits(NamedTuple):
    """Shares of runs in the order of `SPLITS`; which machines and faults are held out."""

    shares: tuple[float, ...]
    by: Literal["run", "machine"]
    machines: float
    faults: tuple[str, ...]


class Channel(NamedTuple):
    """A column of the measured signals, in its own unit."""

    name: str
    unit: str
    reads: str
    doc: str


@dataclass(frozen=True)
class Spec:
    """A data set to be made.

    Attributes
    ----------
    plants : tuple of Plant
        Alike but for values; tags are those that are recorded, each sampled every `every` [s].
    length, settle, hold, every, horizon : float
        [s]; all but the horizon are whole numbers of `every`.
    ends : tuple of str
        Guards that end a life.
    truth : tuple of str
        ``asset.quantity`` that is recorded as it is.
    text : str
        The file.
    extra : Path or None
        Folder of asset files beside those that come with the project.
    """

    name: str
    about: str
    plants: tuple[Plant, ...]
    length: float
    settle: float
    hold: float
    every: float
    runs: int
    seed: int
    truth: tuple[str, ...]
    machines: Machines
    begin: dict[str, Between]
    modes: tuple[Mode, ...]
    duties: tuple[Duty, ...]
    environment: tuple[Surrounding, ...]
    healthy: float
    faults: tuple[Fault, ...]
    sensor_faults: tuple[SensorFault, ...]
    sensor_faulty: float
    missing: Missing
    ends: tuple[str, ...]
    horizon: float
    splits: Splits
    contents: tuple[str, ...]
    purpose: str
    license: str
    contract: Contract | None
    text: str
    extra: Path | None = None

    @property
    def plant(self) -> Plant:
        """The first plant; the others differ in numbers only."""
        return self.plants[0]

    @property
    def rows(self) -> int:
        """Rows of a run."""
        return round(self.length / self.every)

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The columns of the measured signals."""
        plant = self.plant
        return tuple(Channel(t.name, t.unit, t.reads, plant.quantity(t.reads).doc) for t in plant.tags.values())

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes by their codes."""
        return (HEALTHY, *(fault.name for fault in self.faults))
