"""The shape of a recipe: what is done to the readings of each tag, in the order in which it is written here."""

from pydantic import Field

from twin.shape import Section


class CounterEntry(Section):
    """A meter that only counts up, made into a total that goes on over a rollover or a reset."""

    modulus: str = Field("", description="where it rolls over, e.g. 65536; omitted: it doesn't")
    largest: str = Field("", description="largest step between two readings; omitted: half the modulus")


class CalibrationEntry(Section):
    """What the instrument shows into what it should: gain and offset, or points."""

    gain: str = Field("1", description="factor on the reading")
    offset: str = Field("0", description="added afterwards, in the tag's unit")
    points: list[list[str]] = Field(
        [], description="pairs [shown, true] instead of gain and offset, straight between them; beyond: Uncertain"
    )


class ChangeEntry(CalibrationEntry):
    """A sensor that was replaced or re-scaled: another calibration from an instant on."""

    since: str = Field(description="first instant of the new calibration, e.g. 2024-05-01T08:00:00+09:00")
    about: str = Field("", description="what was done, for the report")


class RangeEntry(Section):
    """What the tag can be at all; a bare number is in the tag's unit."""

    low: str = Field("", description="lowest believable value; omitted: none")
    high: str = Field("", description="highest believable value; omitted: none")
    outside: str = Field("BadSensorFailure", description="status of a reading outside; the value stays")


class StuckEntry(Section):
    """A sensor that no longer moves."""

    count: str = Field(description="equal readings in a row, at least 2")
    over: str = Field("0 s", description="and for at least this long")
    quality: str = Field("UncertainSensorNotAccurate", description="status from then on, until it moves")
    allow: list[str] = Field([], description="values at which it may stand, e.g. [0]")


class SpikeEntry(Section):
    """Hampel's test: how far a reading is from the median of the last ones, itself among them."""

    window: str = Field("7", description="readings, an odd number from 3 to 301")
    k: str = Field("3", description="how many scaled median absolute deviations are too far")
    least: str = Field(description="smallest deviation that is called a spike; a quiet signal has no scale of its own")
    quality: str = Field("UncertainSensorNotAccurate", description="status of a spike; the value stays")


class AlignEntry(Section):
    """Readings on a grid of whole periods since 1970 instead of as they come."""

    every: str = Field(description="period of the grid")
    by: str = Field("mean", description="mean (of the period before), last (held) or linear (between neighbours)")
    over: str = Field("", description="longest silence that last and linear bridge; omitted: the gap, or 10 periods")


class TagEntry(Section):
    """What is done to one tag of the plant, from top to bottom."""

    names: list[str] = Field([], description="what sources call the tag, where not by its own name")
    unit: str = Field("", description="unit of the calibrated reading; omitted: as the source says, else the plant's")
    quality: dict[str, str] = Field(
        {}, description="what the source says of a reading, as words or as whole numbers: status"
    )
    codes: dict[str, str] = Field({}, description="mode numbers: value in the tag's unit; any other is Bad")
    counter: CounterEntry | None = Field(None, description="for a meter that counts up")
    calibration: CalibrationEntry = Field(CalibrationEntry(), description="what it shows into what it should")
    changes: list[ChangeEntry] = Field([], description="calibrations from given instants on, in order of time")
    range: RangeEntry | None = Field(None, description="what the tag can be at all")
    stuck: StuckEntry | None = Field(None, description="when it counts as stuck")
    spike: SpikeEntry | None = Field(None, description="when a reading counts as a spike")
    gap: str = Field("", description="silence longer than this is reported; omitted: none is")
    align: AlignEntry | None = Field(None, description="resample on a grid")


class RecipeFile(Section):
    """A recipe: what is done to the readings of a plant's tags, live or recorded."""

    about: str = Field("", description="a sentence for people")
    tags: dict[str, TagEntry] = Field({}, description="by tag of the plant; a tag that isn't named is only converted")
