"""A recording and a plant drafted from a file of readings, for a person to finish."""

import re
import shutil
import tempfile
from pathlib import Path

import numpy as np

from twin.clean.match import Match, Model, closest, tag_names
from twin.clean.recording import Recording
from twin.clean.recording_file import FormatEntry
from twin.clean.supposed import measured, noise, section, section_of, size
from twin.clean.survey import Survey, mode_numbers, survey
from twin.errors import DataError
from twin.plant import Plant

MAX_COPIED = 1 << 30
"""A larger file is not copied beside its recording."""
REACH = 20.0
"""How many times what most readings span the drafted range reaches beyond: for what is impossible, not for faults."""
ENOUGH = 50
"""Numbers from which a range and a spike are guessed."""

_NEVER_NEGATIVE = ("pressure", "flow", "level", "vibration", "speed", "current", "voltage", "power")


def draft(source: Path, folder: Path, how: FormatEntry | None = None) -> list[str]:
    """Write ``recording.yaml`` and ``plant.yaml`` into a folder and return what was and wasn't guessed, line by line.

    All files appear, or none.

    Parameters
    ----------
    how : FormatEntry, optional
        How the file is written, as far as it can't be found out.

    Raises
    ------
    DataError
        If the file can't be read or holds no readings, or one of the drafts is already there.
    """
    for name in ("recording.yaml", "plant.yaml"):
        if (folder / name).exists() or (folder / name).is_symlink():
            raise DataError(f"{folder / name}: exists; name another folder, or remove it")
    found = survey(source, how)
    model = closest(found.columns)
    tags = tag_names(model.matches)
    read = [(match, tag) for match, tag in zip(model.matches, tags, strict=True) if match.reads]
    if not read:
        heads = ", ".join(repr(column.header) for column in found.columns[:8])
        raise DataError(f"{source}: no column says what it measures ({heads:.200}); name them like 'pressure (bar)'")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".init-", dir=folder) as place:
            made = Path(place)
            data = _beside(source, folder, made)
            name = re.sub(r"[^A-Za-z0-9_]+", "_", folder.resolve().name).strip("_") or "draft"
            (made / "plant.yaml").write_text(_plant(name, found, model, read), encoding="utf-8")
            (made / "recording.yaml").write_text(_recording(name, data, found, how, model, tags), encoding="utf-8")
            Plant.load(made / "plant.yaml")
            Recording.load(made / "recording.yaml")
            for path in sorted(made.iterdir()):
                path.rename(folder / path.name)
    except OSError as err:
        raise DataError(f"{folder}: can't be written: {err.strerror or err}; check the folder and the disk") from None
    copied = [] if source.resolve().is_relative_to(folder.resolve()) else [f"copied {source} to {folder / data}"]
    return [*copied, *_told(folder, found, model, tags)]


def _beside(source: Path, folder: Path, made: Path) -> str:
    """Return the path of the file below the folder; one from elsewhere is copied to what is `made` for it."""
    inside = source.resolve()
    if inside.is_relative_to(folder.resolve()):
        return str(inside.relative_to(folder.resolve()))
    plain = source.name.isprintable() and not source.name.startswith((".", "-"))
    name = source.name if plain else f"data{source.suffix if source.suffix.isascii() else ''}"
    if source.stat().st_size > MAX_COPIED:
        raise DataError(f"{source}: is too large to be copied; move it into {folder} first")
    if (folder / name).exists():
        raise DataError(f"{folder / name}: exists; name another folder, or remove it")
    shutil.copyfile(source, made / name)
    return name


def _told(folder: Path, found: Survey, model: Model, tags: list[str]) -> list[str]:
    timing = found.timing
    lines = [f"{key}: {value}" for key, value in found.facts.items()]
    lines.append(f"time: {', '.join(timing.columns)} as {timing.format}, every {timing.period:g} s")
    if timing.others:
        lines.append(f"  it would read as {', '.join(timing.others)} too: check a day above the 12th")
    if timing.format.startswith("elapsed"):
        lines.append("  the start is a guess: the file counts from its own")
    elif not timing.zoned:
        lines.append(f"  the zone is a guess: {_zone(found)}")
    if found.ragged:
        lines.append(f"{found.ragged} lines have too many or too few cells: skipped and counted, see format.broken")
    lines.append(f"plant: begun from {model.plant.name}, a guess: of the shipped plants it can read most columns")
    for match, tag in zip(model.matches, tags, strict=True):
        head = quoted(match.column.header)
        if match.column.absent:
            odd = ", ".join(f"{number:g}" for number in match.column.absent)
            lines.append(f"{head}: {odd} looks like 'no value' and is left out of what is guessed")
        if match.reads:
            guess = "a guess" if match.column.unit else "a guess, so is the unit"
            lines.append(f"{head}: tag {tag} reads {match.reads} in {match.unit or '1'}: {guess}")
        else:
            lines.append(f"{head}: not guessed: {_why_not(match)}")
    lines.append(f"edit {folder / 'plant.yaml'} and {folder / 'recording.yaml'}; then:")
    lines.append(f"  twin check {folder / 'plant.yaml'}")
    lines.append(f"  twin clean {folder / 'recording.yaml'}")
    lines.append(f"  twin observe {folder / 'plant.yaml'}")
    lines.append(f"  twin demo --recording {folder / 'recording.yaml'}")
    return lines


def _why_not(match: Match) -> str:
    column = match.column
    if column.role == "empty":
        return "the column is empty"
    if column.role == "label":
        return "it looks like a label: kept for scores"
    if column.role == "text":
        return "it holds text"
    if not column.kind:
        return "its header names no quantity that is known"
    return f"the plant has no {column.kind} measured in {match.unit or 'such a unit'}"


def quoted(text: str) -> str:
    """Return text as YAML reads it back, whatever it holds; on one line."""
    escaped = "".join(_escaped(character) for character in text)
    return f'"{escaped}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    return "?" if "\ud800" <= character <= "\udfff" else f"\\U{ord(character):08x}"


def _zone(found: Survey) -> str:
    return "Asia/Seoul" if found.korean else "UTC"


def _plant(name: str, found: Survey, model: Model, read: list[tuple[Match, str]]) -> str:
    lines = [
        f"# A draft, made from the columns of {quoted(found.path.name)}. Every line marked `guess` needs a person.",
        f"# The equipment is that of the shipped plant {model.plant.name}. Put data sheets' numbers in place of its",
        "# own, and drop or add pieces (`twin assets` lists what there is).",
        f"plant: {name}",
        "about: (fill in what this plant is)",
        section_of(model.plant.text, "solver").rstrip(),
        "# guess: every number below",
        section_of(model.plant.text, "assets").rstrip(),
        section_of(model.plant.text, "wires").rstrip() or "wires: {}",
        "tags:",
    ]
    period = found.timing.period or 1.0
    for match, tag in read:
        error = f", noise: {size(noise(match.column.values), match.unit)}" if measured(match, model.plant) else ""
        why = f"{match.column.kind} of column {quoted(match.column.header)}"
        unit = "" if match.column.unit else "; so is the unit, the header says none"
        lines.append(f"  # guess: {why} is {match.reads}{unit}")
        lines.append(
            f"  {tag}: {{reads: {match.reads}, unit: {quoted(match.unit or '1')}, every: {period:g} s{error}}}"
        )
    lines += section(model, read, period)
    return "\n".join(line for line in lines if line) + "\n"


def _recording(name: str, data: str, found: Survey, how: FormatEntry | None, model: Model, tags: list[str]) -> str:
    timing = found.timing
    columns = ", ".join(quoted(column) for column in timing.columns)
    time = f"columns: [{columns}], format: {quoted(timing.format)}"
    if timing.format.startswith("elapsed"):
        time += ", start: 2000-01-01T00:00:00Z"
    elif not timing.zoned:
        time += f", zone: {_zone(found)}"
    lines = [
        f"# A draft, made from {quoted(found.path.name)}. Every line marked `guess` needs a person.",
        f"recording: {name}",
        "about: (fill in what was recorded, where and when)",
        "plant: plant.yaml",
        f"file: {quoted(data)}",
        *_format(found, how),
        *([f"# guess: these formats read the times too: {', '.join(timing.others)}"] if timing.others else []),
        *(["# guess: the start; the file counts from its own"] if timing.format.startswith("elapsed") else []),
        *(["# guess: the zone; the file says none"] if not timing.zoned and "elapsed" not in timing.format else []),
        f"time: {{{time}}}",
        "columns:",
    ]
    pairs = list(zip(model.matches, tags, strict=True))
    for match, tag in pairs:
        lines += _column_lines(match, tag)
    marks = [match.column for match, _ in pairs if match.column.role == "label"]
    if marks:
        lines.append("# guess: what marks anomalies; it never reaches the twin")
        lines += ["labels:", *(f"  {quoted(mark.header)}: {quoted(mark.key)}" for mark in marks)]
    steps = [line for match, tag in pairs if match.reads for line in _steps(match, tag, timing.period)]
    return "\n".join([*lines, "recipe:", "  tags:", *steps]) + "\n"


def _format(found: Survey, how: FormatEntry | None) -> list[str]:
    """Return how the file is written, as it was said and found, so that it stays so."""
    facts, said = found.facts, []
    if "encoding" in facts:
        separator = {"tab": "tab", "semicolon": ";", "comma": ",", "bar": "|", "space": "space"}[facts["separator"]]
        thousands = "" if facts["thousands"] == "none" else facts["thousands"]
        header = facts["header"].removeprefix("line ") if facts["header"] != "none" else "no"
        said = [
            f"encoding: {facts['encoding']}",
            f"separator: {quoted(separator)}",
            f"decimal: {quoted(facts['decimal sign'])}",
            f"thousands: {quoted(thousands)}",
            f"header: {header}",
        ]
    for key in ("type", "units_row", "sheet", "group", "missing"):
        if how is not None and key in how.model_fields_set:
            value = getattr(how, key)
            words = f"[{', '.join(map(quoted, value))}]" if isinstance(value, list) else quoted(value)
            said.append(f"{key}: {words}")
    why = []
    if found.ragged:
        said.append("broken: skip")
        why = ["# guess: lines of odd lengths are skipped and counted; `broken: refuse` stops at them"]
    return [*why, f"format: {{{', '.join(said)}}}"] if said else []


def _column_lines(match: Match, tag: str) -> list[str]:
    column = match.column
    if not match.reads:
        return [] if column.role == "label" else [f"  # not guessed: {quoted(column.header)}: {_why_not(match)}"]
    words = ", ".join(f"{quoted(word)}: {number}" for word, number in mode_numbers(column.words).items())
    entry = f"tag: {tag}, unit: {quoted(match.unit or '1')}" + (f", words: {{{words}}}" if words else "")
    mark = "" if column.unit and not words else "  # guess: " + ("the numbers" if words else "the unit")
    return [f"  {quoted(column.key)}: {{{entry}}}{mark}"]


def _steps(match: Match, tag: str, period: float) -> list[str]:
    """Return the steps of a tag: a range by robust quantiles, a spike by how the readings usually differ."""
    values, kind = match.column.values, match.column.kind
    head = [f"    {tag}:", f"      gap: {max(10.0 * period, 1e-3):g} s"]
    if values.size < ENOUGH or kind == "state":
        return head
    low, high = np.quantile(values, (0.01, 0.99))
    reach = REACH * (high - low) or max(abs(high), 1.0)
    floor = 0.0 if kind in _NEVER_NEGATIVE and low >= 0.0 else low - reach
    lowest, highest = max(low - reach, floor), high + reach
    lines = [*head, "      # guess: from the quantiles of this file, widened; put the instrument's own range"]
    lines.append(f"      range: {{low: {_short(lowest)}, high: {_short(highest)}}}")
    least = 3.0 * float(np.quantile(np.abs(np.diff(values)), 0.995))
    if least > 0.0:
        lines.append("      # guess: three times what the largest steps of this file are")
        lines.append(f"      spike: {{window: 7, k: 5, least: {_short(least)}}}")
    return lines


def _short(value: float) -> str:
    return f"{value:.4g}" if value else "0"
