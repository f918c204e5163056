"""The comparison of a data set with a recording, written as JSON and as pages."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from scenarios.dataset.reading import Dataset
from scenarios.dataset.realism import Realism, Sample, View, measured
from scenarios.dataset.realism_page import MEASURES, number, realism_page, sentences
from scenarios.dataset.recorded import Compared, compared
from scenarios.words import LANGUAGES
from scenarios.writing import whole_file
from twin.cli.arguments import print_json
from twin.errors import DataError

FORMAT = 1
FOLDER, FILE = "realism", "realism.json"
DIGITS = 6
VIEWS = ("raw", "normalised", "itself")


def run(folder: Path, recording: str, files: Sequence[Path], out: Path | None, as_json: bool) -> int:
    """Compare a data set with a recording, write the report, and say what was found; return the exit code."""
    with Dataset(folder) as data:
        if out is None and data.manifest.contract:
            raise DataError(
                f"{folder}: is under the contract {data.manifest.contract}, and figures of a recording would travel "
                "with it; give --out elsewhere"
            )
        out = out or folder / FOLDER
        rows = compared(data, recording, files)
        found = measured(rows, data.manifest.seed)
        document = described(data, Path(recording).stem, rows, found)
        name = data.manifest.name
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise DataError(f"{out}: can't be made: {err.strerror}; give another --out") from None
    whole_file(out / FILE, (json.dumps(document, indent=1, allow_nan=False) + "\n").encode())
    for language in LANGUAGES:
        text = realism_page((name, document["recording"]), rows, found, language)
        whole_file(out / f"realism.{language}.html", text.encode())
    _say(rows, found)
    click.echo(str(out / "realism.en.html"))
    if as_json:
        print_json(document)
    return 0


def described(data: Dataset, recording: str, rows: Compared, found: Realism) -> dict[str, Any]:
    """Return all that was measured, as plain data."""
    views = {name: getattr(found, name) for name in VIEWS}
    return {
        "format": FORMAT, "dataset": data.manifest.name, "identity": data.manifest.identity, "recording": recording,
        "score": _rounded(found.score), "score_itself": _rounded(found.score_itself), "every": rows.every,
        "window": found.window, "rows": "not marked as anomalous" if rows.marked else "all",
        "files": [series.name for series in rows.real], "unmarked": list(rows.unmarked),
        "runs": [series.name for series in rows.made],
        "classifier": {
            name: view.told and {key: _rounded(value) for key, value in view.told._asdict().items()}
            for name, view in views.items()
        },
        "correlation": {
            name: {"distance": _rounded(view.correlation), "real": _rounded(view.correlation_real),
                   "made": _rounded(view.correlation_made)}
            for name, view in views.items()
        },
        "channels": [
            {"name": column.name, "unit": column.unit, **{name: _channel(view, k) for name, view in views.items()}}
            for k, column in enumerate(rows.channels)
        ],
    }  # fmt: skip


def _channel(view: View, k: int) -> dict[str, Any]:
    distances = {key: _rounded(value) for key, value in view.distances[k]._asdict().items()}
    return {**distances, "curves": {"real": _curves(view.real[k]), "made": _curves(view.made[k])}}


def _curves(sample: Sample) -> dict[str, Any]:
    return {key: _rounded(value) for key, value in sample._asdict().items()}


def _rounded(value: Any) -> Any:
    """Return numbers with as many digits as any computer agrees on; None where there is none."""
    if isinstance(value, np.ndarray):
        return [_rounded(each) for each in value]
    if isinstance(value, int | np.integer):
        return int(value)
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def _say(rows: Compared, found: Realism) -> None:
    """Print the sentences, and every channel's distances."""
    for sentence in sentences(rows, found, "en"):
        click.echo(sentence)
    wide = max(len(column.name) for column in rows.channels)
    click.echo(" " * wide + "".join(f"  {name:>24}" for name in MEASURES) + "   normalised | as they are | itself")
    for k, column in enumerate(rows.channels):
        three = [view.distances[k] for view in (found.normalised, found.raw, found.itself)]
        cells = [" | ".join(number(getattr(each, measure)) for each in three) for measure in MEASURES]
        click.echo(f"{column.name:>{wide}}" + "".join(f"  {each:>24}" for each in cells))
