"""The shape of a recording: a file of readings, how it is written, and whose tags its columns are."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from twin.clean.recipe_file import RecipeFile
from twin.shape import Section


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _tag(value: Any) -> Any:
    return {"tag": value} if isinstance(value, str) else value


def _file(value: Any) -> Any:
    return {"file": value} if isinstance(value, str) else value


class FormatEntry(Section):
    """How the file is written; what is omitted is found out, and the report says what was found."""

    type: Literal["auto", "csv", "parquet", "hdf5", "matlab", "xlsx"] = Field(
        "auto", description="omitted: by the file's name"
    )
    encoding: str = Field("auto", description="of text: utf-8, utf-16, cp949, euc-kr, cp1252, latin-1, ascii")
    separator: str = Field("auto", description="of cells: one character, or the words tab, space")
    decimal: Literal["auto", ".", ","] = Field("auto", description="decimal sign")
    thousands: Literal["auto", "", ".", ",", " ", "'"] = Field(
        "auto", description="separator of thousands; '' for none"
    )
    header: str = Field("auto", description="line of the column names, or no: columns are then #1, #2, ...")
    units_row: Literal["auto", "yes", "no"] = Field("auto", description="whether a line of units follows the header")
    broken: Literal["refuse", "skip"] = Field(
        "refuse",
        description="lines with too many or too few cells, or a time that can't be read; skipped ones are counted",
    )
    missing: list[str] | None = Field(
        None, description="words for a missing reading; omitted: NaN, null, N/A, -, 결측, ..."
    )
    group: str = Field("/", description="group of the datasets in an HDF5 file")
    sheet: str = Field("", description="sheet of an Excel file; omitted: the first")


class TimeEntry(Section):
    """When the readings were taken."""

    columns: Annotated[list[str], BeforeValidator(_list)] = Field(
        min_length=1, description="one column, or several joined with a space: [date, time]"
    )
    format: str = Field(
        "iso",
        description="iso, unix (s, ms, us or ns by its size), unix_s, unix_ms, unix_us, unix_ns, elapsed_s, "
        "elapsed_ms, or directives: %d.%m.%Y %H:%M:%S",
    )
    zone: str = Field("", description="of local times: UTC, +09:00, Asia/Seoul; needed unless the times say it")
    start: str = Field("", description="instant that elapsed times count from, e.g. 2024-05-01T08:00:00Z")


class ColumnEntry(Section):
    """Whose readings a column holds; a bare name is the tag's."""

    tag: str = Field(description="tag of the plant")
    unit: str = Field("", description="unit of the numbers in the file; omitted: the recipe's, else the plant's")
    words: dict[str, str] = Field({}, description="modes written out: the number that stands for each")
    quality: str = Field("", description="column that says how good each reading is")
    mean: list[str] = Field([], description="columns whose mean stands in where the file lacks this one, in its unit")


class LongEntry(Section):
    """A file with one reading a line: the columns of tag, value and quality."""

    tag: str = Field(description="column of the tags' names")
    value: str = Field(description="column of the values")
    quality: str = Field("", description="column that says how good each reading is")


class RecipeEntry(RecipeFile):
    """The recipe itself, or the file that holds it, beside the recording."""

    file: str = Field("", description="file of the recipe instead")


class StartEntry(Section):
    """An initial state that nobody knows."""

    spread: str = Field(description="standard deviation of what it may be off by: 20 mm, or 5 %")
    like: str = Field("", description="tag whose first readings it is near; omitted: the plant's value")
    rate_of: str = Field("", description="tag near whose rate of change at first it is, instead")


def _spread(value: Any) -> Any:
    return {"spread": value} if isinstance(value, str) else value


class FitEntry(Section):
    """How a plant is calibrated on the recording, and scored."""

    score: list[str] = Field(min_length=1, description="tags that the free run is compared with")
    initialise: str = Field("0", description="what comes first and estimates the initial state: 20 (rows) or 300 s")
    free: dict[str, str] = Field({}, description="asset.quantity, or tag.bias: how far it may be off, 20 % or 5 mm")
    start: dict[str, Annotated[StartEntry, BeforeValidator(_spread, json_schema_input_type=str | StartEntry)]] = Field(
        {}, description="asset.state: spread, or spread and the tag that it is like or the rate of"
    )


class RecordingFile(Section):
    """A recording: a file of readings, how it is written, whose tags its columns are, and what is done to them."""

    recording: str = Field(description="name of the recording")
    about: str = Field("", description="what it is and where it comes from")
    plant: str = Field(description="name of a shipped plant, or a plant file beside the recording")
    file: str = Field(description="the file, beside the recording or in ${TWIN_DATA}/")
    format: FormatEntry = Field(FormatEntry(), description="how the file is written")
    time: TimeEntry = Field(description="when the readings were taken")
    columns: dict[str, Annotated[ColumnEntry, BeforeValidator(_tag)]] = Field(
        min_length=1, description="column: tag; in a file with one reading a line, what it calls the tag: tag"
    )
    long: LongEntry | None = Field(None, description="for a file with one reading a line")
    labels: dict[str, str] = Field(
        {}, description="name: column that marks anomalies; for scores only, the twin never sees it"
    )
    recipe: Annotated[RecipeEntry, BeforeValidator(_file)] = Field(
        RecipeEntry(), description="what is done to the readings"
    )
    fit: FitEntry | None = Field(None, description="how a plant is calibrated on it, and scored")
