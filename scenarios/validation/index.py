"""The index of validation pages: what each recording came to, from the results beside the pages."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scenarios.dataset.card_text import cell, table
from scenarios.validation.calibrating import OTHER, SEEN
from scenarios.validation.calibration_text import WHAT, in_use
from scenarios.validation.detection_text import BASELINES
from twin.errors import DataError

README = "README.md"
HEAD = """# Validation

Twins fitted to recordings of real equipment, and what they are worth on rows that they were not fitted to. Each page
says whose recording it is, what was fitted, how far off the free run is, what others published, and what was not
validated. The recordings themselves are not part of this project: `TWIN_DATA` names the folder that holds them.

    twin validate"""

MANY = {
    SEEN: "{} other files, with which the values that the fit begins from were found",
    OTHER: "{} other files, nothing fitted to them",
}


def index(folder: Path, skipped: Mapping[str, str]) -> str:
    """Return the index of the pages in a folder.

    Parameters
    ----------
    skipped : dict
        Recordings that were not validated, and why.

    Raises
    ------
    DataError
        If a result in the folder can't be read.
    """
    results = {path.stem: _result(path) for path in sorted(folder.glob("*.json"))}
    rows = [row for name, result in results.items() for row in _rows(name, result)]
    parts = [HEAD, table(("page", "plant", "what", "result", "published"), rows)]
    left = {name: why for name, why in skipped.items() if name not in results}
    if left:
        parts += ["## Not validated", "\n".join(f"- `{cell(name)}`: {cell(why)}" for name, why in left.items())]
    return "\n\n".join(parts) + "\n"


def _result(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
        list(_rows(path.stem, found))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        raise DataError(f"{path}: is no result of twin validate: {err}; move it elsewhere") from None
    return dict(found)


def _rows(name: str, result: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    link = f"[{cell(result['title'])}]({name}.md)"
    published = result["published"][0] if result["published"] else None
    beside = f"{published['figure']}, {published['method']}, on {published['on']}" if published else ""
    fit = result["fit"]
    for kind in WHAT if fit else ():
        mine = [each for each in fit["scores"] if each["kind"] == kind]
        for tag in mine[0]["tags"] if mine else ():
            errors = sorted(each["tags"][tag]["rmse"] for each in mine)
            shown, unit = in_use((errors[-1], errors[0]), mine[0]["tags"][tag]["unit"])
            said = shown[0] if len(errors) == 1 else f"{shown[1]} to {shown[0]}"
            what = WHAT[kind] if len(mine) == 1 else MANY[kind].format(len(mine))
            yield (link, result["plant"], f"{tag}: {what}", f"RMSE {said} {unit}", beside)
            link, beside = "", ""
    detection = result["detection"]
    if detection and detection["pooled"]["files"]:
        total = detection["pooled"]
        what = f"detection over {total['files']} files, pooled"
        yield (link, result["plant"], what, _detected(total), beside)
        for key, each in total["baselines"].items():
            yield ("", "", BASELINES.get(key, key), _detected(each), "")
    if events := result["events"]:
        yield (link, result["plant"], f"events {events['event']!r} in {len(events['files'])} files", _told(events), "")


def _detected(said: dict[str, Any]) -> str:
    shares = [f"{100.0 * said[key]:.1f} %" if said[key] is not None else "-" for key in ("far", "mar")]
    f1 = "-" if said["f1"] is None else f"{said['f1']:.3f}"
    return f"F1 {f1}, false {shares[0]}, missed {shares[1]}"


def _told(events: dict[str, Any]) -> str:
    delays = [delay for each in events["files"].values() for delay in each["delays_s"]]
    found = [delay for delay in delays if delay is not None]
    soon = f" within {max(found):.0f} s" if found else ""
    count = sum(len(each["advisories"]) for each in events["files"].values())
    return f"{len(found)} of {len(delays)} found{soon}; {count} advisories in all"
