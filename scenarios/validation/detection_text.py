"""What a page says of detection: scores pooled and by folder, beside detectors that look at no reading."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from scenarios.dataset.card_text import table
from scenarios.shown import NONE
from scenarios.validation.detecting import TEACH, Detected, Watched, pooled
from twin.live.pointwise import HABIT

BASELINES = {
    "always": "always alarming",
    "rows_573_973": f"alarming rows {HABIT[0]} to {HABIT[1]} of every file",
}
HEAD = ("", "F1", "false alarms", "missed", "labelled rows", "healthy rows", "files")


def scores(found: Detected) -> Iterator[str]:
    """Yield scores over all files, by folder and by file."""
    yield (
        f"The live monitor runs over each file by itself, row by row: the first {TEACH} rows teach it and aren't "
        "scored, and what it says at a row depends on that row and those before it alone. Rows are counted one by one "
        "and pooled: false alarms are a share of the healthy rows, missed ones of the labelled rows."
    )
    if found.labelled:
        total = pooled(found.labelled)
        yield table(HEAD, [
            _row("twin, all files", total), *(_row(f"twin, {name}", pooled(part)) for name, part in found.folders()),
            *(_row(BASELINES.get(name, name), {**each, "files": total["files"]})
              for name, each in total["baselines"].items()),
        ])  # fmt: skip
        yield table(
            ("file", "F1", "false alarms", "missed", "delay [s]"),
            [(each.file, *_shares(each.scores), _delay(each.scores)) for each in found.labelled],
        )
    for each in found.healthy:
        yield (
            f"`{each.file}`, in which nothing is wrong: an advisory stands at {_percent(_alarmed(each))} of its "
            f"{max(each.time.size - TEACH, 0)} rows behind those that teach."
        )


def limits(found: Detected) -> Iterator[str]:
    """Yield what the numbers themselves say against trusting them further."""
    if found.labelled:
        total = pooled(found.labelled)
        best = max((each["f1"] or 0.0 for each in total["baselines"].values()), default=0.0)
        if (total["f1"] or 0.0) < best:
            yield f"A detector that looks at no reading scores F1 {best:.3f} on these files, more than the twin does."
    for each in found.labelled:
        if each.scores["tp"] == 0 and each.scores["fn"]:
            yield f"Nothing of what is labelled in {each.file} was found."
    for file, why in found.unread:
        yield f"{file} was not scored: {why}"


def _row(name: str, said: dict[str, Any]) -> tuple[str, ...]:
    labelled, well = said["tp"] + said["fn"], said["fp"] + said["tn"]
    return (name, *_shares(said), str(labelled), str(well), str(said["files"]))


def _shares(said: dict[str, Any]) -> tuple[str, str, str]:
    return NONE if said["f1"] is None else f"{said['f1']:.3f}", _percent(said["far"]), _percent(said["mar"])


def _percent(share: float | None) -> str:
    return NONE if share is None else f"{100.0 * share:.1f} %"


def _delay(said: dict[str, Any]) -> str:
    return NONE if said["delay_s"] is None else f"{said['delay_s']:.0f}"


def _alarmed(each: Watched) -> float | None:
    behind = each.advised[TEACH:]
    return float(np.mean(behind)) if behind.size else None
