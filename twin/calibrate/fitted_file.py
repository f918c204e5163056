"""A fitted plant as a plant file: the numbers that were found, with their source and intervals beside them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from twin import unknowns
from twin.calibrate.fitting import Fit
from twin.calibrate.record import MICRO, Record
from twin.calibrate.uncertainty import correlations
from twin.errors import DataError
from twin.plant import Plant
from twin.read import Node, parse

DIGITS = 6
FLOOR = 1e-6


def written(fit: Fit, recording: str, linear: str) -> str:
    """Return the text of the fitted plant's file.

    Parameters
    ----------
    recording : str
        Name of the recording.
    linear : str
        JSON of the linear model that it is compared with, or empty.
    """
    study = fit.study
    tree = _plain(parse(study.plant.text, study.plant.name))
    tree.pop("fitted", None)
    values = dict(zip(study.names, fit.found, strict=True))
    for path in (path for path in values if " of " not in path):  # a state at the start of one record is nobody else's
        asset, _, name = path.partition(".")
        tag = unknowns.biased(study.plant, path)
        place = tree["tags"][tag] if tag else tree["assets"][asset].setdefault("with", {})
        place[unknowns.BIAS if tag else name] = f"{float(values[path])!r} {unknowns.unit(study.plant, path)}"
    tree["fitted"] = _section(fit, recording, linear)
    head = f"# {study.plant.name} fitted to {recording} by `twin fit`; how sure each number is stands under `fitted`.\n"
    return head + yaml.safe_dump(tree, allow_unicode=True, sort_keys=False, width=120)


def _section(fit: Fit, recording: str, linear: str) -> dict[str, Any]:
    study, count = fit.study, fit.study.shared
    score = ", ".join(
        f"{tag} {sigma:.4g} {study.plant.quantity(study.plant.tags[tag].reads).unit}"
        for tag, sigma in zip(study.wanted.score, fit.sigma, strict=True)
    )
    section: dict[str, Any] = {
        "recording": recording,
        "source": f"fit: free run of {', '.join(r.name for r in study.records)}, root mean square error {score}",
        "files": [_file(record) for record in study.records],
        "numbers": {
            each.name: {
                "value": repr(each.value), "deviation": f"{each.deviation:.{DIGITS}g}", "low": f"{each.low:.{DIGITS}g}",
                "high": f"{each.high:.{DIGITS}g}", "unit": unknowns.unit(study.plant, each.name),
                **({"note": each.note} if each.note else {}),
            }
            for each in fit.estimates[:count]
        },
        "correlation": [[f"{x:.{DIGITS}f}" for x in row] for row in correlations(fit.covariance[:count, :count])],
        "held": {each.name: each.why for each in fit.held},
        "tags": {
            tag: {
                "rmse": f"{fit.sigma[k]:.{DIGITS}g}", "memory": f"{fit.memory[k]:.{DIGITS}g}",
                "noise": f"{max(fit.restless[k], FLOOR * fit.sigma[k]):.{DIGITS}g}",
                **({} if fit.left_out is None else {"left_out": f"{fit.left_out[k]:.{DIGITS}g}"}),
            }
            for k, tag in enumerate(study.wanted.score)
        },
        "ranges": _ranges(fit),
    }  # fmt: skip
    return section | ({"linear": linear} if linear else {})


def _ranges(fit: Fit) -> dict[str, dict[str, str]]:
    """Return between which values each input was recorded, by quantity; SI."""
    plant, found = fit.study.plant, {}
    for tag in sorted({tag for run in fit.study.runs for tag in run.tags.drives}):
        read = np.concatenate([r.values[tag] for r in fit.study.records if tag in r.values])
        low, high = float(np.nanmin(read)), float(np.nanmax(read))
        path = plant.tags[tag].reads
        found[path] = {"low": repr(low), "high": repr(high), "unit": plant.quantity(path).unit}
    return found


def _file(record: Record) -> dict[str, str]:
    begin = datetime.fromtimestamp(record.epoch * MICRO, UTC).isoformat()
    return {"name": record.name, "sha256": record.sha256, "rows": str(len(record.times)), "begin": begin,
            "seconds": f"{record.times[-1]:.10g}"}  # fmt: skip


def _plain(node: Any) -> Any:
    """Return a tree of plain dictionaries and lists."""
    if isinstance(node, Node | dict):
        return {key: _plain(value) for key, value in node.items()}
    return [_plain(each) for each in node] if isinstance(node, list) else node


def save(path: Path, text: str, plant: Plant) -> None:
    """Write a new file, whole or not at all.

    Raises
    ------
    DataError
        If it exists or can't be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            try:
                file.write(text)
                file.flush()
            except BaseException:
                path.unlink()
                raise
    except FileExistsError:
        raise DataError(f"{path}: exists; name another file, or remove it") from None
    except OSError as err:
        raise DataError(f"{path}: {plant.name} can't be written: {err.strerror}; name another file") from None
