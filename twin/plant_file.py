"""The shape of a plant file: what `twin schema` prints and what is checked before anything else."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from twin.flow.file import FlowEntry
from twin.shape import Section


class AssetEntry(Section):
    """One piece of equipment."""

    is_: str = Field(alias="is", description="kind of equipment, as `twin assets` lists it")
    with_: dict[str, str] = Field({}, alias="with", description="parameters, faults, initial states, held inputs")


class SolverEntry(Section):
    """How the physics is integrated."""

    method: str = Field("rk4", description="rk4, dp5 (adaptive) or rodas4 (adaptive, stiff)")
    step: str = Field("1 ms", description="step of rk4; first step of the adaptive methods")
    rtol: str = Field("1e-6", description="relative tolerance of the adaptive methods")
    max_step: str = Field("", description="longest step of the adaptive methods; unlimited if omitted")


class TagEntry(Section):
    """One instrument: what it reads, how often, and how badly."""

    reads: str = Field(description="asset.quantity, an output, state, memory or held input")
    unit: str = Field("", description="unit shown and recorded; SI if omitted")
    every: str = Field("1 s", description="sampling period")
    noise: str = Field("0", description="standard deviation of white noise")
    bias: str = Field("0", description="constant error")
    drift: str = Field("0", description="error that grows, per second")
    quantum: str = Field("0", description="resolution; readings are rounded to it")
    dropout: str = Field("0", description="probability that a reading is missing")
    delay: str = Field("0 s", description="whole sampling periods by which a reading lags")
    stuck_after: str = Field("", description="time from which the reading no longer moves")


class LimitEntry(Section):
    """Alarm limits of one tag, in its unit unless one is written."""

    low: str = ""
    high: str = ""


class ChangeEntry(Section):
    """Values that change at a known time."""

    at: str = Field(description="time from the start of the run")
    set: dict[str, str] = Field(description="asset.quantity: value")


class UnknownEntry(Section):
    """A number that nobody knows for certain."""

    of: str | list[str] = Field(
        "", description="asset.quantity, may hold *; several share one number. The key if omitted"
    )
    spread: str = Field(description="standard deviation of what it may be off by: 3 %, or 20 kW")
    wander: str = Field("0", description="by how much it changes in an hour, written as the spread is")
    held: bool = Field(False, description="whether it is held while something is suspected, though it wanders")


class ToleranceEntry(Section):
    """How far a reading may stand from what is expected of it before that matters."""

    low: str = Field("", description="below it: 2 % of what is expected, or 0.1 bar; however far if omitted")
    high: str = Field("", description="above it, written alike")


def _told(said: Any) -> Any:
    """Return an unknown of which only the spread is said as what it stands for."""
    return {"spread": said} if isinstance(said, str) else said


_Unknown = Annotated[UnknownEntry, BeforeValidator(_told, json_schema_input_type=str | UnknownEntry)]


class EstimateEntry(Section):
    """What a live twin estimates, and how."""

    filter: str = Field("unscented", description="unscented, or ensemble where modes aren't measured")
    every: str = Field("1 s", description="time between corrections")
    lag: str = Field("2 s", description="how late a reading may come and still count")
    settle: str = Field("10 min", description="how long the plant runs by itself before the first reading")
    rtol: str = Field("1e-4", description="relative tolerance of the forecast")
    unknown: dict[str, Annotated[UnknownEntry, BeforeValidator(_told, json_schema_input_type=str | UnknownEntry)]] = (
        Field({}, description="asset.quantity, may hold *: its spread; each parameter is an unknown of its own")
    )
    known: list[str] = Field([], description="asset.quantity, may hold *: what `unknown` doesn't mean")
    accuracy: dict[str, str] = Field({}, description="tag, may hold *: constant error of the instrument")
    tolerance: dict[str, str | ToleranceEntry] = Field(
        {}, description="tag, may hold *: 2 % or 0.1 bar either way, or low and high; any deviation matters if omitted"
    )
    commission: str = Field("5 min", description="how long the twin learns the plant before it judges it")
    confirm: str = Field("10 s", description="how long a deviation lasts before it is told")
    release: str = Field("60 s", description="how long it must be over before that is told")
    temper: str = Field("0.25", description="how much evidence counts: 1 where innovations are white")
    assume: list[str] = Field(
        [], description="asset.memory, may hold *: modes that no tag reads, as the twin's equations make them"
    )


class FittedFileEntry(Section):
    """A recorded file that a plant was fitted to."""

    name: str
    sha256: str
    rows: str
    begin: str = Field(description="instant of its first row that was used")
    seconds: str = Field(description="how long the part that was used lasts")


class FittedNumberEntry(Section):
    """A number that was estimated; all in SI."""

    value: str
    deviation: str = Field(description="standard deviation")
    low: str = Field(description="lower end of the 95 % interval")
    high: str = Field(description="upper end of it")
    unit: str
    note: str = ""


class FittedRangeEntry(Section):
    """Between which values a recorded input moved; SI."""

    low: str
    high: str
    unit: str


class FittedTagEntry(Section):
    """How a tag's free run agreed with its readings; SI."""

    rmse: str
    left_out: str = Field("", description="root mean square error in blocks of time that were not fitted")
    memory: str = Field(description="how many neighbouring rows count as one")
    noise: str = Field(description="how residuals scatter within what initialises a run")


class FittedEntry(Section):
    """Where a fitted plant's numbers come from; `twin fit` writes it."""

    recording: str
    source: str = Field(description="in words")
    files: list[FittedFileEntry] = Field(min_length=1)
    numbers: dict[str, FittedNumberEntry]
    correlation: list[list[str]] = Field([], description="of the numbers, in their order")
    held: dict[str, str] = Field({}, description="parameters that the data can't tell, and why")
    tags: dict[str, FittedTagEntry]
    ranges: dict[str, FittedRangeEntry] = Field({}, description="asset.input: between which values it was recorded")
    linear: str = Field("", description="linear state-space model identified on the same rows, for comparison; JSON")


class PlantFile(Section):
    """A plant: equipment, wires between it, instruments and known changes."""

    plant: str = Field(description="name of the plant")
    about: str = ""
    zone: str = Field("Asia/Seoul", description="time zone of the plant: UTC, an offset, or a name")
    solver: SolverEntry = SolverEntry()
    assets: dict[str, AssetEntry] = Field(min_length=1)
    wires: dict[str, str | list[str]] = Field({}, description="asset.input: asset.output, or a list that is summed")
    tags: dict[str, TagEntry] = Field({})
    limits: dict[str, LimitEntry] = Field({})
    schedule: list[ChangeEntry] = Field([])
    estimate: EstimateEntry | None = None
    flow: FlowEntry | None = Field(None, description="the factory around the equipment")
    fitted: FittedEntry | None = Field(None, description="where fitted numbers come from; written by `twin fit`")
