"""Which cases to run: designs over named factors, every one a list of cases whose order is part of the contract."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.stats import qmc

from twin.errors import PlantError, unknown
from twin.streams import bits, member_seeds, uniform

MOST_CASES = 100_000
"""More cases than this are refused."""

_DIGITS = 52  # of a Sobol' coordinate: with the half that is added below, all that a float holds

Case = dict[str, float]


@dataclass(frozen=True, slots=True)
class Factor:
    """Something that is varied between two bounds, in its own unit."""

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.low) or not math.isfinite(self.high):
            raise PlantError(f"{self.name}: {self.low:g} to {self.high:g}; give finite bounds")
        if not self.low < self.high:
            raise PlantError(f"{self.name}: low {self.low:g} is not below high {self.high:g}; exchange or part them")


def grid(levels: Mapping[str, Sequence[float]]) -> list[Case]:
    """Return every combination of the factors' levels, in their order, the last factor changing fastest.

    Raises
    ------
    PlantError
        If there is no factor, one has no level, an infinite one or the same twice, or there are too many cases.
    """
    if not levels:
        raise PlantError("design: no factor; name one at least")
    for name, values in levels.items():
        if not values:
            raise PlantError(f"{name}: no level; give one at least")
        if not all(math.isfinite(value) for value in values):
            raise PlantError(f"{name}: levels {_listed(values)}; give finite ones")
        if len(set(values)) < len(values):
            raise PlantError(f"{name}: levels {_listed(values)}; give each once")
    check_count(math.prod(map(len, levels.values())))
    return [dict(zip(levels, map(float, row), strict=True)) for row in product(*levels.values())]


def latin_hypercube(factors: Sequence[Factor], count: int, seed: int) -> list[Case]:
    """Return cases of which, for every factor, exactly one lies in each of `count` equal parts of its range.

    A factor's values depend on seed, count and its own name alone: other factors may come and go. The first cases of
    a design are no design: nothing is promised of them. SciPy's sampler would draw from one stream for all factors.

    Parameters
    ----------
    factors : sequence of Factor
        Names must differ.
    count : int
        Number of cases.
    seed : int
        The same seed gives the same cases, on any machine.

    Raises
    ------
    PlantError
        If there is no factor, a name comes twice, or the count is out of range.

    References
    ----------
    McKay, Beckman and Conover (1979), Technometrics 21, 239-245.
    """
    names = check_factors(factors)
    check_count(count)
    seeds = member_seeds(seed, 1)
    unit = np.empty((count, len(names)))
    for j, name in enumerate(names):
        strata = np.argsort(uniform(seeds, name, "latin order", 0, count)[0], kind="stable")
        unit[:, j] = (strata + uniform(seeds, name, "latin place", 0, count)[0]) / count
    return cases_at(factors, unit)


def sobol_points(factors: Sequence[Factor], count: int, seed: int) -> list[Case]:
    """Return cases at the points of a Sobol' sequence, shifted at random.

    For every factor exactly one lies in each of `count` equal parts of its range, and pairs of factors are filled
    evenly as well. The first 2^k cases of a larger design are the design of 2^k; a factor that is added at the end
    leaves the others' values as they are.

    Parameters
    ----------
    factors : sequence of Factor
        Names must differ.
    count : int
        Number of cases, a power of 2.
    seed : int
        The same seed gives the same cases, on any machine.

    Raises
    ------
    PlantError
        If there is no factor, a name comes twice, or the count is out of range or no power of 2.

    References
    ----------
    Joe and Kuo (2008), SIAM Journal on Scientific Computing 30, 2635-2654, for the sequence, which is SciPy's;
    L'Ecuyer and Lemieux (2002), in Modeling Uncertainty, 419-474, for the random digital shift.
    """
    return cases_at(factors, unit_sobol(check_factors(factors), count, seed))


def one_at_a_time(base: Mapping[str, float], factors: Sequence[Factor]) -> list[Case]:
    """Return the base, then for each factor in order the base with it at its low and at its high bound.

    Parameters
    ----------
    base : mapping
        The value of every factor, and of whatever else is the same in all cases.
    factors : sequence of Factor
        Names must differ, and be in the base.

    Returns
    -------
    list of dict
        1 + 2 n cases for n factors.

    Raises
    ------
    PlantError
        If there is no factor, a name comes twice or isn't in the base, or the base is outside a factor's bounds.
    """
    check_factors(factors)
    check_count(1 + 2 * len(factors))
    start = {name: float(value) for name, value in base.items()}
    cases = [start]
    for factor in factors:
        if factor.name not in start:
            raise PlantError(f"base: {unknown('factor', factor.name, start)}")
        if not factor.low <= start[factor.name] <= factor.high:
            where = f"base {start[factor.name]:g} is outside {factor.low:g} to {factor.high:g}"
            raise PlantError(f"{factor.name}: {where}; widen the bounds or move the base")
        cases += [start | {factor.name: float(value)} for value in (factor.low, factor.high)]
    return cases


def unit_sobol(names: Sequence[str], count: int, seed: int) -> np.ndarray:
    """Return the first `count` points of a shifted Sobol' sequence, each coordinate in (0, 1), shape (count, names).

    The shift flips the same digits of all points, so that what the sequence promises of its parts stays true.

    Raises
    ------
    PlantError
        If the count is out of range or no power of 2, or there are more names than the sequence has dimensions.
    """
    check_count(count)
    check_power(count)
    if len(names) > qmc.Sobol.MAXDIM:
        raise PlantError(f"design: {len(names)} dimensions; a Sobol' sequence has {qmc.Sobol.MAXDIM} at most")
    points = qmc.Sobol(len(names), scramble=False, bits=_DIGITS).random_base2(count.bit_length() - 1)
    seeds = member_seeds(seed, 1)
    shifts = np.array([bits(seeds, name, "sobol shift", 0, 1)[0, 0] >> np.uint64(64 - _DIGITS) for name in names])
    shifted = (points * 2.0**_DIGITS).astype(np.uint64) ^ shifts
    return np.asarray((shifted + 0.5) * 2.0**-_DIGITS)


def cases_at(factors: Sequence[Factor], unit: np.ndarray) -> list[Case]:
    """Return the cases at points of the unit cube, shape (cases, factors); 0 is a low bound, 1 a high one."""
    low, high = np.array([(factor.low, factor.high) for factor in factors]).T
    # Rounding may step over a bound by one unit in the last place.
    placed = np.clip((1.0 - unit) * low + unit * high, low, high)
    names = [factor.name for factor in factors]
    return [dict(zip(names, row, strict=True)) for row in placed.tolist()]


def check_factors(factors: Sequence[Factor]) -> list[str]:
    """Return the factors' names; refuse none, and any that comes twice."""
    names = [factor.name for factor in factors]
    if not names:
        raise PlantError("design: no factor; name one at least")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PlantError(f"design: factor {_listed(map(repr, twice))} comes twice; name each once")
    return names


def check_count(count: int) -> None:
    """Refuse a design without cases or with too many."""
    if not 1 <= count <= MOST_CASES:
        raise PlantError(f"design: {count} cases; give 1 to {MOST_CASES}")


def check_power(count: int) -> None:
    """Refuse a positive count that is no power of 2, and name its neighbours."""
    below = 1 << (count.bit_length() - 1)
    if count != below:
        raise PlantError(f"design: {count} points are no power of 2; give {below} or {2 * below}")


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))
