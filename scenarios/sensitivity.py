"""What an answer depends on: Sobol' indices, tornado and main effects, from cases that were evaluated elsewhere."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import sobol_indices as indices_of

from scenarios.designs import Case, Factor, cases_at, check_count, check_factors, check_power, unit_sobol
from scenarios.statistics import Interval, finite
from twin.errors import PlantError
from twin.streams import member_seeds, uniform

_AT_ONCE = 2**21  # numbers resampled together: some 16 MB


class Indices(NamedTuple):
    """A factor's shares of the variance: by itself, and with all its interactions."""

    first: Interval
    total: Interval


class Swing(NamedTuple):
    """What a factor's low and high bound change, each against the base."""

    name: str
    low: float
    high: float

    @property
    def width(self) -> float:
        """Return the distance between the least and the greatest of low, base and high."""
        return max(self.low, self.high, 0.0) - min(self.low, self.high, 0.0)


def saltelli_cases(factors: Sequence[Factor], count: int, seed: int) -> list[Case]:
    """Return the cases that `sobol_indices` needs the values of.

    In order: `count` cases A; as many cases B; for each factor in order, the cases A with this factor's values of B.

    Parameters
    ----------
    factors : sequence of Factor
        Names must differ; the factors are taken as independent, and any value as likely as another.
    count : int
        A power of 2; there will be ``count * (factors + 2)`` cases.
    seed : int
        The same seed gives the same cases, on any machine.

    Raises
    ------
    PlantError
        If there is no factor, a name comes twice, there are too many cases, or the count is no power of 2.

    References
    ----------
    Saltelli, Annoni, Azzini, Campolongo, Ratto and Tarantola (2010), Computer Physics Communications 181, 259-270.
    """
    names = check_factors(factors)
    check_count(count * (len(names) + 2))
    both = unit_sobol([*names, *(f"{name} again" for name in names)], count, seed)
    a, b = both[:, : len(names)], both[:, len(names) :]
    pages = [np.where(np.arange(len(names)) == j, b, a) for j in range(len(names))]
    return cases_at(factors, np.concatenate([a, b, *pages]))


def sobol_indices(
    factors: Sequence[Factor],
    values: Sequence[float] | np.ndarray,
    *,
    seed: int = 1,
    confidence: float = 0.95,
    resamples: int = 999,
) -> dict[str, Indices]:
    """Return each factor's first-order and total Sobol' indices from the values of `saltelli_cases`.

    Where the values don't vary, all indices are 0. An estimate may be a little below 0 or above 1. The intervals are
    bootstrap percentiles over the rows of the design, which take its points as independent: for smooth answers, of
    which a Sobol' sequence knows more than so many random points would, they are wider than need be.

    Parameters
    ----------
    factors : sequence of Factor
        Those of the cases, in the same order.
    values : sequence of float
        One for each case, shape (count * (factors + 2),).
    seed : int
        Of the bootstrap.
    confidence : float
        Of the intervals.
    resamples : int
        Of the bootstrap.

    Raises
    ------
    SimulationError
        If a value isn't finite.
    PlantError
        If the number of values is not that of a design, or confidence or resamples are out of range.
    """
    names = check_factors(factors)
    table = _table(names, finite(values))
    count = table.shape[1]
    if not 0.0 < confidence < 1.0 or resamples < 100:
        what = f"confidence {confidence:g} from {resamples} resamples"
        raise PlantError(f"bootstrap: {what}; give a confidence between 0 and 1, and 100 resamples or more")
    drawn = uniform(member_seeds(seed, resamples), "bootstrap", "row", 0, count)
    rows = np.concatenate([np.arange(count)[None, :], (drawn * count).astype(np.intp)])  # the sample itself first
    parts = np.array_split(rows, math.ceil(rows.size * len(names) / _AT_ONCE))
    first, total = np.concatenate([_indices(table, part) for part in parts], axis=1)

    def interval(found: np.ndarray) -> Interval:
        low, high = np.quantile(found[1:], [0.5 - 0.5 * confidence, 0.5 + 0.5 * confidence])
        return Interval(float(found[0]), float(low), float(high), count)

    return {name: Indices(interval(first[:, j]), interval(total[:, j])) for j, name in enumerate(names)}


def _table(names: Sequence[str], numbers: np.ndarray) -> np.ndarray:
    """Return values of `saltelli_cases` by page of the design, shape (factors + 2, count)."""
    count, rest = divmod(numbers.size, len(names) + 2)
    if rest or not count:
        raise PlantError(f"values: {numbers.size} for {len(names)} factors; give those of saltelli_cases, all of them")
    check_power(count)
    return numbers.reshape(len(names) + 2, count)


def tornado(base: Mapping[str, float], cases: Sequence[Case], values: Sequence[float]) -> list[Swing]:
    """Return what each factor's bounds change, from the values of `one_at_a_time`, the widest first.

    Raises
    ------
    SimulationError
        If a value isn't finite.
    PlantError
        If the cases aren't those of `one_at_a_time` for this base, or there aren't as many values.
    """
    numbers = finite(values).tolist()
    if len(numbers) != len(cases) or len(cases) % 2 == 0 or cases[0] != base:
        raise PlantError(
            f"tornado: {len(cases)} cases, {len(numbers)} values; give those of one_at_a_time, all of them"
        )
    swings = []
    for i in range(1, len(cases), 2):
        moved = {name for case in cases[i : i + 2] for name in case if case[name] != base.get(name)}
        if len(moved) != 1:
            raise PlantError(f"tornado: cases {i} and {i + 1} move {len(moved)} factors; give those of one_at_a_time")
        swings.append(Swing(moved.pop(), numbers[i] - numbers[0], numbers[i + 1] - numbers[0]))
    return sorted(swings, key=lambda swing: -swing.width)


def main_effects(levels: Mapping[str, Sequence[float]], values: Sequence[float]) -> dict[str, dict[float, float]]:
    """Return for each factor and level the mean of a grid's values there, less the mean of all.

    Parameters
    ----------
    levels : mapping
        Those of `grid`.
    values : sequence of float
        One for each case, in the grid's order.

    Raises
    ------
    SimulationError
        If a value isn't finite.
    PlantError
        If there aren't as many values as cases.
    """
    numbers = finite(values)
    shape = [len(chosen) for chosen in levels.values()]
    if numbers.size != math.prod(shape):
        raise PlantError(f"values: {numbers.size} for {math.prod(shape)} cases; give those of the grid, all of them")
    table = numbers.reshape(shape) - numbers.mean()
    axes = range(len(shape))
    means = [table.mean(axis=tuple(other for other in axes if other != axis)) for axis in axes]
    return {
        name: dict(zip(map(float, chosen), mean.tolist(), strict=True))
        for (name, chosen), mean in zip(levels.items(), means, strict=True)
    }


def _indices(table: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return first-order and total indices of so many resamples, shape (2, resamples, factors)."""
    # SciPy takes the resamples as outputs of their own, and drops axes of length one.
    func = {"f_A": table[0][rows], "f_B": table[1][rows], "f_AB": table[2:][:, rows]}
    found = indices_of(func=func, n=rows.shape[1])
    return np.reshape([found.first_order, found.total_order], (2, len(rows), len(table) - 2))
