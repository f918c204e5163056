"""A score: how far a plant's free run is from a record whose beginning alone it has seen."""

from typing import Any, NamedTuple

import numpy as np

from twin import unknowns
from twin.calibrate.levenberg import solve
from twin.calibrate.noise import FINE
from twin.calibrate.record import Record
from twin.calibrate.study import Study, rows_of
from twin.calibrate.uncertainty import covariance, information, root
from twin.calibrate.wanted import Wanted, Window
from twin.errors import DataError, SimulationError
from twin.plant import Plant
from twin.seeds import member_seeds
from twin.streams import normal

DRAWS = 64
SEED = 1
LEAST = 1e-9
SHARP = 1e-2
"""Share of the noise with which first rows outweigh what is known of the beginning: how near a run can come to them."""
"""No run scatters less than this share of how its tag moves."""
NORMAL_95 = 1.959963984540054


class TagScore(NamedTuple):
    """Errors of a tag's free run, SI; `coverage` is the share of readings inside the predicted 95 % band."""

    rmse: float
    nrmse: float
    bias: float
    max: float
    coverage: float
    band: float


class Score(NamedTuple):
    """A score and what it was made from.

    Attributes
    ----------
    tags : dict
        Scores by tag.
    initialised, scored : int
        Rows that estimated the initial state, and rows behind them.
    predicted, halfwidth : dict
        By tag, shape (rows,): the free run and half the width of its 95 % band, SI.
    start : dict
        Initial states that were estimated, SI.
    notes : tuple of str
        What was done about rows that aren't as a run needs them.
    """

    tags: dict[str, TagScore]
    initialised: int
    scored: int
    predicted: dict[str, np.ndarray]
    halfwidth: dict[str, np.ndarray]
    start: dict[str, float]
    notes: tuple[str, ...]


class Beginning(NamedTuple):
    """Initial states as the first rows tell them: values and their covariance, SI."""

    values: np.ndarray
    covariance: np.ndarray


def beginning(plant: Plant, record: Record, wanted: Wanted, rows: int) -> Beginning:
    """Return the initial states that a record's first rows and the plant's own values tell.

    Where no beginning brings the plant as near to those rows as the fit brought it to its own, they are believed less.

    Raises
    ------
    SimulationError
        If the plant can't run through them.
    """
    reached = max(rows, 2)  # a run goes from one row to another, whether or not the second is looked at
    shown = {t: np.where((np.arange(reached) < rows) | (t not in wanted.score), c[:reached], np.nan)
             for t, c in record.values.items()}  # fmt: skip
    first = record._replace(times=record.times[:reached], values=shown)
    study = Study(plant, [first], wanted, (), least=0)
    noise = np.array([_noise(plant, record, tag) for tag in wanted.score])
    sharp = study.weight(SHARP * noise)
    closest = solve(study, study.box, study.problems(study.start()[None], sharp))
    noise = np.fmax(noise, _missed(study, closest.residual[0] / sharp, rows))
    solved = solve(study, study.box, study.problems(study.start()[None], study.weight(noise)))
    if not np.isfinite(solved.cost[0]):
        raise SimulationError(
            f"{plant.name}: can't run through the first {rows} rows of {record.name}: the physics goes wrong; check "
            "units of the inputs and the plant's initial values"
        )
    info = information(solved.jacobian[0], study.box.prior)
    return Beginning(solved.found[0], covariance(info, study.box.spread))


def _missed(study: Study, residual: np.ndarray, rows: int) -> np.ndarray:
    """Return how far the first rows were missed, SI, by tag; errors of a model are alike: they are worth two rows."""
    there = np.isfinite(study.data)
    mine = [residual[(study.tag == tag) & there] for tag in range(len(study.wanted.score))]
    return np.array([np.sqrt((each**2).sum() / max(each.size, 1) * rows / 2.0) for each in mine])


def _noise(plant: Plant, record: Record, tag: str) -> float:
    """Return how far a run may scatter about the first rows, SI: as the fit found it, else a share of how it moves."""
    if plant.fitted is not None and tag in plant.fitted.tags:
        return max(plant.fitted.tags[tag].noise, LEAST * float(np.nanstd(record.values[tag])))
    return FINE * float(np.nanstd(record.values[tag]))


def score(plant: Plant, record: Record, wanted: Wanted, initialise: Window | None = None) -> Score:
    """Return how a plant's free run agrees with a record.

    Parameters
    ----------
    initialise : Window, optional
        Instead of what the recording says. These rows estimate the initial state and aren't scored; with none of
        them the run begins at the plant's own values.

    Raises
    ------
    DataError, SimulationError
        If the record doesn't suit the plant, or the run fails.
    """
    rows = rows_of(initialise if initialise is not None else wanted.initialise, record)
    study = Study(plant, [record], wanted._replace(start=()), ())  # which refuses what nothing can be learnt from
    states = tuple(b.path for b in wanted.start) if rows else ()
    begun = beginning(plant, record, wanted, rows) if states else Beginning(np.zeros(0), np.zeros((0, 0)))
    paths = [*(plant.fitted.numbers if plant.fitted else ()), *states]
    draws = _draws(plant, begun, paths)
    read = study.runs[0](paths, draws)
    if not np.isfinite(read[0]).all():
        raise SimulationError(
            f"{plant.name}: can't run freely through {record.name}: the physics goes wrong; fit it again, or begin "
            "elsewhere with --from"
        )
    ran = np.isfinite(read[1:]).all(axis=(1, 2))
    if ran.sum() < len(ran) / 2:
        raise SimulationError(
            f"{plant.name}: {len(ran) - ran.sum()} of {len(ran)} runs that the fit can't tell from the best one go "
            f"wrong on {record.name}, so there is no band; fit fewer parameters, or to more data"
        )
    spread = np.std(read[1:][ran], axis=0)
    predicted = dict(zip(wanted.score, read[0], strict=True))
    halfwidth = {
        tag: NORMAL_95 * np.sqrt(spread[k] ** 2 + _unexplained(plant, tag) ** 2) for k, tag in enumerate(wanted.score)
    }
    for tag in wanted.score:
        if not np.isfinite(record.values[tag][rows:]).any():
            raise DataError(f"{record.name}: {tag}: no usable reading behind the first {rows} rows; give a longer part")
    tags = {
        tag: tag_score(record.values[tag][rows:], predicted[tag][rows:], halfwidth[tag][rows:]) for tag in wanted.score
    }
    return Score(
        tags, rows, len(record.times) - rows, predicted, halfwidth,
        dict(zip(states, begun.values.tolist(), strict=True)), tuple(study.runs[0].notes()),
    )  # fmt: skip


def _draws(plant: Plant, begun: Beginning, paths: list[str]) -> np.ndarray:
    """Return the machine as it was fitted, and others that the data don't tell from it, shape (1 + draws, numbers)."""
    known = plant.fitted
    numbers = [n.value for n in known.numbers.values()] if known else []
    middle = np.array([*numbers, *begun.values])
    count = len(numbers)
    cov = np.zeros((len(middle), len(middle)))
    if known:
        cov[:count, :count] = known.covariance
    cov[count:, count:] = begun.covariance
    if not len(middle):
        return np.zeros((2, 0))
    drawn = normal(member_seeds(SEED, DRAWS), "calibrate", "draw", 0, len(middle))
    return np.vstack([middle, _inside(plant, paths, middle + drawn @ root(cov).T)])


def _inside(plant: Plant, paths: list[str], drawn: np.ndarray) -> np.ndarray:
    for k, path in enumerate(paths):
        drawn[:, k] = np.clip(drawn[:, k], *unknowns.bounds(plant, path))
    return drawn


def _unexplained(plant: Plant, tag: str) -> float:
    """Return the error that the plant had where it was not fitted, SI; 0 where it never was."""
    if plant.fitted is None or tag not in plant.fitted.tags:
        return 0.0
    found = plant.fitted.tags[tag]
    return max(found.rmse, found.left_out if np.isfinite(found.left_out) else 0.0)


def tag_score(read: np.ndarray, predicted: np.ndarray, halfwidth: np.ndarray | None = None) -> TagScore:
    """Return the errors of one tag, over rows that have a reading.

    NRMSE is the root mean square error over the standard deviation of the readings.
    """
    error = predicted - read
    there = np.isfinite(error)
    rmse = float(np.sqrt(np.mean(error[there] ** 2)))
    moved = float(np.std(read[there]))
    covered = float(np.mean(np.abs(error[there]) <= halfwidth[there])) if halfwidth is not None else np.nan
    return TagScore(
        rmse, rmse / moved if moved else np.nan, float(np.mean(error[there])), float(np.max(np.abs(error[there]))),
        covered, float(np.mean(halfwidth[there])) if halfwidth is not None else np.nan,
    )  # fmt: skip


def as_dict(found: TagScore, factor: float, unit: str) -> dict[str, Any]:
    """Return a tag's errors in a unit of which one SI unit is `factor`."""
    return {
        "rmse": found.rmse * factor, "nrmse": found.nrmse, "bias": found.bias * factor, "max": found.max * factor,
        "unit": unit, "coverage": found.coverage, "band": found.band * factor,
    }  # fmt: skip
