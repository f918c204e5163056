"""What was predicted beside what came: curves of an answer against the readings recorded since."""

from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from scenarios.answer import Answer, Curve, Variant, decoded
from scenarios.live_start import SAID
from twin.errors import DataError, PlantError, SnapshotError, unknown
from twin.history.reader import History
from twin.plant import Plant
from twin.plant_loader import built
from twin.read import parse

FEWEST = 3
"""Instants of a curve for which there have to be readings."""


class Compared(NamedTuple):
    """How a predicted curve stood the test.

    Attributes
    ----------
    path, tag, unit : str
        SI unit.
    instants : int
        Of the curve, for which readings have come.
    inside : float
        Share of these at which the mean of what was read lay within the predicted 90 % band.
    bias, error : float
        Mean of what was read less the predicted median, and the root of its mean square.
    """

    path: str
    tag: str
    unit: str
    instants: int
    inside: float
    bias: float
    error: float


class Review(NamedTuple):
    """A review: of which scenario and variant, from when on, over how long [s], and each curve's result."""

    scenario: str
    variant: str
    since: float
    covered: float
    curves: tuple[Compared, ...]


def review(out: Path, folder: Path, variant: str = "") -> Review:
    """Compare an answer's curves with what the twin of a data folder has recorded since.

    Parameters
    ----------
    out : Path
        Of a run that started from a live twin.
    variant : str
        What was really done; the first one if empty.

    Raises
    ------
    DataError, SnapshotError, PlantError
        If the run can't be compared, or nothing has come yet.
    """
    try:
        answer = decoded((out / "answer.json").read_bytes())
        text = msgspec.json.decode((out / SAID).read_bytes())["plant"] if (out / SAID).exists() else ""
    except (OSError, msgspec.DecodeError, LookupError) as err:
        raise DataError(f"{out}: holds no whole answer ({err}); run the scenario first") from None
    since = answer.basis.start_time
    if since is None or not text:
        raise SnapshotError(f"{out}: did not start from a live twin; run the scenario with --from DATA")
    chosen = _chosen(answer, variant)
    if not chosen.curves:
        raise PlantError(f"{answer.scenario}: it draws no curves; name quantities that tags read in `curves`")
    plant = built(parse(text, "plant"), text, None)
    times, readings, tags = _recorded(folder, since + answer.warm_up, answer.length)
    found = [_compared(plant, curve, answer.length, times, readings, tags) for curve in chosen.curves]
    return Review(answer.scenario, chosen.name, since, float(times[-1]), tuple(each for each in found if each))


def _chosen(answer: Answer, name: str) -> Variant:
    if not name:
        return answer.variants[0]
    found = {variant.name: variant for variant in answer.variants}
    if name not in found:
        raise PlantError(f"{answer.scenario}: {unknown('variant', name, found)}")
    return found[name]


def _recorded(folder: Path, since: float, length: float) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return times from the start [s], readings (tags, times) and the tags' names."""
    with History(folder) as history:
        tags = list(history.about("tags") or [])
        rows = list(history.rows(since, since + length))
    if not rows:
        raise DataError(f"{folder}: nothing is recorded since the answer was given; ask again when time has passed")
    return np.array([row.time - since for row in rows]), np.array([row.reading for row in rows]).T, tags


def _compared(
    plant: Plant, curve: Curve, length: float, times: np.ndarray, readings: np.ndarray, tags: list[str]
) -> Compared | None:
    path = plant.tags[curve.path].reads if curve.path in plant.tags else curve.path
    reading = [tag for tag in tags if plant.tags[tag].reads == path]
    if not reading:
        return None
    values = readings[tags.index(reading[0])]
    half = 0.5 * length / max(len(curve.times) - 1, 1)
    means = [_mean(values, np.abs(times - at) <= half) if at <= times[-1] else np.nan for at in curve.times]
    came = np.isfinite(means)
    if came.sum() < FEWEST:
        return None
    low, middle, high, seen = (np.array(row)[came] for row in (curve.low, curve.middle, curve.high, means))
    away = seen - middle
    return Compared(
        path, reading[0], curve.unit, int(came.sum()), float(((low <= seen) & (seen <= high)).mean()),
        float(away.mean()), float(np.sqrt((away**2).mean())),
    )  # fmt: skip


def _mean(values: np.ndarray, near: np.ndarray) -> float:
    """Return the mean of what was read near an instant: single readings are noisy, and a curve is not."""
    chosen = values[near & np.isfinite(values)]
    return float(chosen.mean()) if chosen.size else np.nan
