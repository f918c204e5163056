"""What any plant should beat: the last reading held, and linear state-space models identified from the same record."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from twin.calibrate.identification import MOST_STATES, StateSpace, state_space
from twin.calibrate.record import FEWEST_ROWS, MOST_ROWS, Record
from twin.errors import DataError, PlantError

MOST_STEPS = 2000
"""Longer records are identified on a coarser grid of steps."""
MOST_TAGS = 64
LARGEST, LEAST = 1e30, 1e-30
"""Numbers of a stored model are smaller, and its period and noise larger than this."""
GROWTH = 1e-6
"""What the eigenvalues of an integrator may be above 1, by rounding."""


class Linear(NamedTuple):
    """Linear models of the compared tags, which the same inputs drive.

    Attributes
    ----------
    period : float
        Time between steps [s]; an input counts with its mean from one step to the next.
    drives : tuple of str
        Tags of the inputs.
    models : dict
        By compared tag, in SI.
    """

    period: float
    drives: tuple[str, ...]
    models: dict[str, StateSpace]

    def run(self, record: Record, rows: int) -> dict[str, np.ndarray]:
        """Return free runs through a record.

        The initial state is the likeliest one after the first readings, from what states the training record had.

        Parameters
        ----------
        record : Record
        rows : int
            How many rows at first may initialise.

        Returns
        -------
        dict
            By compared tag, shape (rows of the record,), SI.

        Raises
        ------
        DataError
            If a tag is missing or has no usable reading where it is needed, the record is too long, or a model's
            numbers leave the range of floats.
        """
        _check_rows(record, rows)
        steps = int(min(record.times[-1] / self.period, MOST_ROWS)) + 2
        if steps > MOST_ROWS:
            raise DataError(
                f"{record.name}: lasts longer than {MOST_ROWS} steps of {self.period:.4g} s, the most that can be run; "
                "give a part of it"
            )
        inputs = _means(record, self.drives, self.period, steps)
        grid = self.period * np.arange(steps)
        found = {}
        for tag, model in self.models.items():
            there = _usable(record, tag, rows)
            with np.errstate(over="ignore", invalid="ignore"):
                responses = model.responses(inputs)
            if not (np.abs(responses) < LARGEST).all():
                raise DataError(f"{record.name}: {tag}: its linear model runs out of bounds; fit it to a longer record")
            answers = [np.interp(record.times, grid, each) for each in responses.T]
            found[tag] = model.begun(np.stack(answers, axis=1), np.where(there, record.values[tag][:rows], np.nan))
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return plain numbers, texts, lists and mappings of them, from which `from_dict` restores the models."""
        return {
            "period": self.period, "drives": list(self.drives),
            "models": {
                tag: {name: np.asarray(value).tolist() for name, value in model._asdict().items()}
                for tag, model in self.models.items()
            },
        }  # fmt: skip


def persistence(record: Record, compared: Sequence[str], rows: int) -> dict[str, np.ndarray]:
    """Return the last usable reading of the first rows, held throughout.

    Parameters
    ----------
    record : Record
    compared : sequence of str
        Tags.
    rows : int
        How many rows at first may initialise.

    Returns
    -------
    dict
        By tag, shape (rows of the record,), SI.

    Raises
    ------
    DataError
        If a tag is missing or has no usable reading in these rows.
    """
    _check_rows(record, rows)
    last = {tag: record.values[tag][np.flatnonzero(_usable(record, tag, rows))[-1]] for tag in compared}
    return {tag: np.full(len(record.times), value) for tag, value in last.items()}


def identified(record: Record, drives: Sequence[str], compared: Sequence[str], rows: int) -> Linear:
    """Return linear models whose free runs agree best with a record.

    Each compared tag has a model of its own, of up to four states. An input that is missing is held.

    Parameters
    ----------
    record : Record
    drives, compared : sequence of str
        Tags.
    rows : int
        How many rows at first will initialise free runs.

    Raises
    ------
    DataError
        If a tag is missing, an input has no usable first reading, or a compared tag has too few readings.
    """
    _check_rows(record, rows)
    coarser = -(-len(record.times) // MOST_STEPS)
    period = record.period * coarser
    steps = int(record.times[-1] / period) + 1
    inputs = _means(record, drives, period, steps)
    models = {}
    for tag in compared:
        there = _usable(record, tag, len(record.times))
        if there.sum() < FEWEST_ROWS:
            raise DataError(
                f"{record.name}: {tag}: {there.sum()} usable readings, a linear model needs {FEWEST_ROWS}; "
                "give a longer part"
            )
        output = _at(period * np.arange(steps), record, tag, there)
        models[tag] = state_space(inputs, output, -(-rows // coarser))
    return Linear(period, tuple(drives), models)


def from_dict(stored: Any, where: str) -> Linear:
    """Return models that `Linear.as_dict` wrote.

    Parameters
    ----------
    stored : dict
        As read from a file: numbers may be text.
    where : str
        Stands before what is wrong.

    Raises
    ------
    PlantError
        If it isn't such a dictionary: a part is missing, has another shape, isn't finite, or would not settle.
    """
    parts = _parts(stored, ("period", "drives", "models"), where)
    drives, models = parts["drives"], parts["models"]
    if not isinstance(drives, list) or len(drives) > MOST_TAGS or not all(isinstance(tag, str) for tag in drives):
        raise PlantError(f"{where}: drives: expected a list of up to {MOST_TAGS} tags; fit the plant again")
    if not isinstance(models, dict) or len(models) > MOST_TAGS or not all(isinstance(tag, str) for tag in models):
        raise PlantError(f"{where}: models: expected models of up to {MOST_TAGS} tags; fit the plant again")
    period = float(_numbers(parts["period"], (), f"{where}: period"))
    if not period > LEAST:
        raise PlantError(f"{where}: period: {period:g} s between steps; it must be above 0, fit the plant again")
    inputs = len(drives)
    return Linear(period, tuple(drives), {t: _model(m, inputs, f"{where}: models: {t}") for t, m in models.items()})


def _model(stored: Any, inputs: int, where: str) -> StateSpace:
    parts = _parts(stored, StateSpace._fields, where)
    states = len(parts["output"]) if isinstance(parts["output"], list) else -1
    if not 0 <= states <= MOST_STATES:
        raise PlantError(f"{where}: output: expected a list of up to {MOST_STATES} numbers; fit the plant again")

    def numbers(name: str, *shape: int) -> np.ndarray:
        return _numbers(parts[name], shape, f"{where}: {name}")

    model = StateSpace(
        numbers("transition", states, states), numbers("entry", states, inputs), numbers("drift", states),
        numbers("output", states), numbers("direct", inputs), float(numbers("offset")), float(numbers("noise")),
    )  # fmt: skip
    if not model.noise > LEAST:
        raise PlantError(f"{where}: noise: {model.noise:g}; it must be above 0, fit the plant again")
    largest = max(np.abs(np.linalg.eigvals(model.transition)), default=0.0)
    if not largest <= 1.0 + GROWTH:
        raise PlantError(f"{where}: transition: has an eigenvalue of {largest:.9g}: it would grow; fit the plant again")
    return model


def _parts(stored: Any, names: Sequence[str], where: str) -> dict[str, Any]:
    if not isinstance(stored, dict) or sorted(map(str, stored)) != sorted(names):
        raise PlantError(f"{where}: expected {', '.join(names)}, and nothing else; fit the plant again")
    return stored


def _numbers(stored: Any, shape: tuple[int, ...], where: str) -> np.ndarray:
    """Return nested lists as an array of this shape."""
    flat = [stored]
    for length in shape:
        if not all(isinstance(each, list) and len(each) == length for each in flat):
            raise PlantError(f"{where}: expected {' x '.join(map(str, shape))} numbers; fit the plant again")
        flat = [each for row in flat for each in row]
    try:
        if any(isinstance(each, bool) for each in flat):
            raise TypeError
        found = np.array([float(each) for each in flat]).reshape(shape)
    except (TypeError, ValueError):
        raise PlantError(f"{where}: something in it is no number; fit the plant again") from None
    if not (np.abs(found) < LARGEST).all():
        raise PlantError(f"{where}: its numbers must be finite and below {LARGEST:g}; fit the plant again")
    return found


def _check_rows(record: Record, rows: int) -> None:
    if not 0 < rows <= len(record.times):
        raise DataError(
            f"{record.name}: {rows} of {len(record.times)} rows to initialise; give at least 1, and no more"
        )


def _usable(record: Record, tag: str, rows: int) -> np.ndarray:
    """Return which of the first rows have a usable reading: at least one has."""
    if tag not in record.values:
        raise DataError(f"{record.name}: {tag}: isn't recorded; give a file that has it")
    there = np.isfinite(record.values[tag][:rows])
    if not there.any():
        raise DataError(
            f"{record.name}: {tag}: no usable reading in the first {rows} rows; begin elsewhere with --from"
        )
    return np.asarray(there)


def _means(record: Record, drives: Sequence[str], period: float, steps: int) -> np.ndarray:
    """Return the mean of inputs from each step to the next, each held until its next reading; (steps, inputs), SI."""
    grid = period * np.arange(steps + 1)
    found = np.zeros((steps, len(drives)))
    for k, tag in enumerate(drives):
        there = np.flatnonzero(_usable(record, tag, len(record.times)))
        if there[0] > 0:
            raise DataError(
                f"{record.name}: {tag}: is an input without a usable first reading; begin later with --from"
            )
        times, held = record.times[there], record.values[tag][there]
        # Behind the last reading it stays as it is.
        times = np.append(times, max(grid[-1], record.times[-1] + period))
        middle = held.mean()
        total = np.append(0.0, np.cumsum((held - middle) * np.diff(times)))
        found[:, k] = middle + np.diff(np.interp(grid, times, total)) / period
    return found


def _at(grid: np.ndarray, record: Record, tag: str, there: np.ndarray) -> np.ndarray:
    """Return a tag's readings between rows, NaN where the next one is farther than a step and a row."""
    times = record.times[there]
    behind = np.clip(np.searchsorted(times, grid), 1, len(times) - 1)
    away = np.minimum(np.abs(times[behind] - grid), np.abs(times[behind - 1] - grid))
    read = np.interp(grid, times, record.values[tag][there])
    return np.where(away <= 0.5 * record.period + 0.5 * float(grid[1] - grid[0]), read, np.nan)
