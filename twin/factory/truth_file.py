"""The shape of a truth file: what the factory is and the twin doesn't know, checked before anything else."""

from pydantic import Field

from twin.plant_file import AssetEntry, ChangeEntry, SolverEntry
from twin.shape import Section


class SpreadEntry(Section):
    """How far the parameters of the real machines lie from their data sheets."""

    size: str = Field("0.03", description="standard deviation of the logarithm; no draw is beyond three of them")
    assets: list[str] = Field(description="whose parameters are spread")
    known: list[str] = Field([], description="parameters that are what they are: names, asset.names, patterns with *")
    closer: dict[str, str] = Field({}, description="such a pattern: another size for what it names")


class InstrumentEntry(Section):
    """What an instrument does beyond what the plant file says of it."""

    noise_times: str = Field("1", description="factor of the plant file's noise")
    bias: str = Field("0", description="constant error")
    drift: str = Field("0", description="error that grows, per second")
    dropout: str = Field("0", description="probability that a reading is missing")
    lag: str = Field("0 s", description="time constant of the pocket that the instrument sits in")


class DisturbanceEntry(Section):
    """An input that is not what the plant file holds it at: it wanders about that, or steps."""

    of: list[str] = Field(min_length=1, description="asset.input, or several that move together")
    wanders: str = Field("", description="standard deviation of a wandering about the plant's value")
    over: str = Field("30 min", description="how long the wandering remembers")
    levels: list[str] = Field(
        [], description="differences from the plant's value between which it steps, drawn at random"
    )
    every: str = Field("20 min", description="time between two steps")


class FaultEntry(Section):
    """Something that goes wrong in the factory when it is told to."""

    about: str = Field(description="one sentence: what happens")
    to: dict[str, str] = Field({}, description="asset.quantity: where the fault takes it")
    sensors: dict[str, str] = Field({}, description="tag: error that its instrument ends up with")
    at: str = Field("20 min", description="when it begins, unless something else is asked for")
    over: str = Field("20 min", description="how long a ramp takes; time constant of an exponential")
    shape: str = Field("ramp", description="ramp, step or exponential")


class TruthFile(Section):
    """A factory: how it differs from the plant that its twin was made of, and what may happen to it."""

    truth: str = Field(description="name of the plant")
    about: str = ""
    solver: SolverEntry | None = None
    settle: str = Field("0 s", description="how long the factory has run before its first reading")
    hold: str = Field("", description="step of disturbances and growing faults; 5 s, or the next whole sampling period")
    jitter: str = Field("0 s", description="largest delay of a time stamp behind its sampling instant")
    equipment: str = Field("", description="folder of more asset files, beside this file")
    replace: dict[str, AssetEntry] = Field({}, description="asset: what stands there in truth")
    spread: SpreadEntry | None = None
    values: dict[str, str] = Field({}, description="asset.quantity: what it is in truth")
    instruments: dict[str, InstrumentEntry] = Field({})
    plant_schedule: str = Field("dropped", description="kept or dropped: the plant file's own schedule")
    schedule: list[ChangeEntry] = Field([])
    disturbances: dict[str, DisturbanceEntry] = Field({})
    faults: dict[str, FaultEntry] = Field({})
