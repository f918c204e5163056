"""What replications say: intervals for means, differences and probabilities, and how many replications are enough."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit
from scipy.stats import binomtest

from twin.errors import PlantError, SimulationError

LEAST_REPLICATIONS = 10
"""Before so many replications a sequential rule doesn't stop: the spread of fewer is too often far too small."""
MOST_REPLICATIONS = 1_000_000
"""Where the expected number of replications ends: what needs so many isn't reached by replicating."""


class Interval(NamedTuple):
    """An estimate, its confidence interval, and the number of independent values behind it, the sample's size."""

    middle: float
    low: float
    high: float
    size: int

    @property
    def half(self) -> float:
        """Return half the interval's width."""
        return 0.5 * (self.high - self.low)


class Difference(NamedTuple):
    """What one variant has more than another, and the share of the half width that pairing saved."""

    interval: Interval
    reduction: float


def finite(values: Sequence[float] | np.ndarray, name: str = "values") -> np.ndarray:
    """Return one or more numbers as an array of shape (n,).

    Raises
    ------
    SimulationError
        If there is none, or one isn't finite: leaving it out would bias every answer.
    """
    numbers = np.asarray(values, np.float64)
    if numbers.ndim != 1 or not numbers.size:
        raise SimulationError(f"{name}: shape {numbers.shape}; give one number for each replication or case")
    bad = np.flatnonzero(~np.isfinite(numbers))
    if bad.size:
        which = f"value {bad[0] + 1} of {numbers.size} is {numbers[bad[0]]}"
        raise SimulationError(f"{name}: {which}; mend what gave it, it is not left out")
    return numbers


def mean_interval(values: Sequence[float] | np.ndarray, confidence: float = 0.95, *, name: str = "values") -> Interval:
    """Return the mean of independent replications with its interval by Student's t.

    One replication has a mean but no interval: its bounds are infinite. Replications that are all alike have an
    interval of no width; that is right where nothing is random, and says nothing of what is rare. An event that
    never happened in n replications is a case for `wilson`.

    Parameters
    ----------
    values : sequence of float
        One for each replication, shape (n,).
    confidence : float
        Probability with which the interval holds the true mean, for normal values or many of them.
    name : str
        What the values are, for messages.

    Raises
    ------
    SimulationError
        If there is no value or one isn't finite.
    PlantError
        If the confidence isn't between 0 and 1.
    """
    numbers = finite(values, name)
    level = _level(confidence)
    mean, deviation = _moments(numbers)
    count = numbers.size
    half = float(stdtrit(count - 1, level)) * deviation / math.sqrt(count) if count > 1 else math.inf
    return Interval(mean, mean - half, mean + half, count)


def difference(
    ones: Sequence[float] | np.ndarray,
    others: Sequence[float] | np.ndarray,
    confidence: float = 0.95,
    *,
    name: str = "values",
) -> Difference:
    """Return by how much `ones` exceed `others`, run with common random numbers, with a paired t interval.

    The reduction is the share by which the paired interval is narrower than Welch's interval from the same values
    taken as independent samples; it is negative where pairing made it wider, and nan for a single pair or where
    neither variant varies.

    Parameters
    ----------
    ones, others : sequence of float
        Shape (n,) both; those of the same index ran with the same random numbers.
    confidence : float
        As of `mean_interval`.
    name : str
        What the values are, for messages.

    Raises
    ------
    SimulationError
        If there is no value or one isn't finite.
    PlantError
        If there aren't as many of either, or the confidence isn't between 0 and 1.

    References
    ----------
    Law (2015), Simulation Modeling and Analysis, on comparing two systems: the paired-t interval under common random
    numbers. Welch (1938), Biometrika 29, 350-362, for the interval from independent samples.
    """
    first, second = finite(ones, name), finite(others, name)
    if first.size != second.size:
        raise PlantError(f"{name}: {first.size} replications against {second.size}; pairs need as many of both")
    interval = mean_interval(first - second, confidence, name=name)
    count = first.size
    one, other = _moments(first)[1] ** 2, _moments(second)[1] ** 2
    if count == 1 or one + other == 0.0:
        return Difference(interval, math.nan)
    freedom = (count - 1) * (one + other) ** 2 / (one**2 + other**2)
    independent = float(stdtrit(freedom, _level(confidence))) * math.sqrt((one + other) / count)
    return Difference(interval, 1.0 - interval.half / independent)


def wilson(successes: int, count: int, confidence: float = 0.95, *, name: str = "events") -> Interval:
    """Return Wilson's score interval for the probability of what happened in some of `count` trials.

    The middle is the share observed; the interval isn't centred on it, and stays within 0 and 1.

    Raises
    ------
    PlantError
        If there is no trial, the successes aren't 0 to `count`, or the confidence isn't between 0 and 1.

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22, 209-212.
    """
    _level(confidence)
    if not 0 <= successes <= count or count < 1:
        raise PlantError(f"{name}: {successes} of {count} trials; give one trial or more, and 0 to all of them")
    bounds = binomtest(successes, count).proportion_ci(confidence, method="wilson")
    return Interval(successes / count, float(bounds.low), float(bounds.high), count)


def precise(
    values: Sequence[float] | np.ndarray,
    within: float,
    *,
    relative: bool = True,
    confidence: float = 0.95,
    least: int = LEAST_REPLICATIONS,
) -> bool:
    """Return whether the replications so far may be the last: the half width of their mean's interval is small enough.

    Asked after every replication, this is a sequential rule, and it favours samples whose spread happens to be small:
    the interval then covers the mean less often than its confidence says. With 10 replications at least and 5 to 30 %
    of the mean allowed, a nominal 95 % came to 92 % or more for normal and for exponential replications; the more
    skewed the values and the wider the precision, the less. It tends to the nominal value as the precision is
    tightened (Chow and Robbins). A larger `least` helps where the rule would stop near it.

    Replications that are all alike are precise once there are enough of them.

    Parameters
    ----------
    values : sequence of float
        Shape (n,).
    within : float
        Half width that is small enough: a share of the mean's magnitude, or in the values' unit if not `relative`.
    relative : bool
        Whether `within` is a share of the mean; a mean of 0 is then never met.
    confidence : float
        As of `mean_interval`.
    least : int
        Fewer replications are never enough.

    Raises
    ------
    SimulationError
        If there is no value or one isn't finite.
    PlantError
        If `within` isn't positive, a share isn't below 1, the confidence isn't between 0 and 1, or `least` is below 2.

    References
    ----------
    Law (2015), Simulation Modeling and Analysis, on obtaining a specified precision. Chow and Robbins (1965), On the
    asymptotic theory of fixed-width sequential confidence intervals for the mean, Annals of Mathematical Statistics
    36, 457-462.
    """
    interval = mean_interval(values, confidence)
    allowed = _allowed(interval.middle, within, relative)
    return interval.size >= _least(least) and interval.half <= allowed


def replications_needed(
    values: Sequence[float] | np.ndarray,
    within: float,
    *,
    relative: bool = True,
    confidence: float = 0.95,
    least: int = LEAST_REPLICATIONS,
) -> int:
    """Return how many replications in total `precise` is expected to need, if mean and spread stay as they are.

    Never fewer than there are values or than `least`, and `MOST_REPLICATIONS` where more would be needed or nothing
    can be said: one value, or a mean of 0 of which a share is asked for. After ten replications the spread is
    uncertain by a quarter, and so this number by a half; ask again as values come in.

    Parameters and errors are those of `precise`.
    """
    numbers = finite(values)
    level = _level(confidence)
    mean, deviation = _moments(numbers)
    allowed = _allowed(mean, within, relative)

    def enough(count: int) -> bool:
        return float(stdtrit(count - 1, level)) * deviation <= allowed * math.sqrt(count)

    low = max(numbers.size, _least(least))
    if numbers.size == 1 or not enough(MOST_REPLICATIONS):
        return max(low, MOST_REPLICATIONS)
    high = max(low, MOST_REPLICATIONS)
    while low < high:  # t falls and the root grows with the count: once enough, always enough
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def batch_interval(
    series: Sequence[float] | np.ndarray, batches: int = 20, confidence: float = 0.95, *, name: str = "series"
) -> Interval:
    """Return the mean of one long run in steady state, with an interval by batch means.

    The series is cut into batches of the same length, whose means are taken as independent. They are so only if a
    batch lasts many times as long as the series remembers; with shorter ones the interval is too narrow. The warm-up
    is to be taken off before; of what doesn't fill the batches, the first values are left out.

    Parameters
    ----------
    series : sequence of float
        Values at equal distances in time, shape (n,).
    batches : int
        How many; 10 to 30 are usual.
    confidence : float
        As of `mean_interval`.
    name : str
        What the values are, for messages.

    Returns
    -------
    Interval
        Its size is the number of batches.

    Raises
    ------
    SimulationError
        If there is no value or one isn't finite.
    PlantError
        If there are fewer than two batches, or fewer than two values for each.

    References
    ----------
    Schmeiser (1982), Batch size effects in the analysis of simulation output, Operations Research 30, 556-568, for
    the number of batches.
    """
    numbers = finite(series, name)
    length = numbers.size // batches if batches >= 2 else 0
    if length < 2:
        raise PlantError(
            f"{name}: {numbers.size} values in {batches} batches; give 2 batches or more of 2 values or more"
        )
    return mean_interval(numbers[-batches * length :].reshape(batches, length).mean(axis=1), confidence, name=name)


def _moments(numbers: np.ndarray) -> tuple[float, float]:
    """Return the mean and the standard deviation of a sample."""
    if (numbers == numbers[0]).all():  # rounding in the mean would give a spread to what has none
        return float(numbers[0]), 0.0
    return float(numbers.mean()), float(numbers.std(ddof=1))


def _level(confidence: float) -> float:
    """Return the probability below the upper bound of a two-sided interval."""
    if not 0.0 < confidence < 1.0:
        raise PlantError(f"confidence: {confidence:g}; give a number between 0 and 1, such as 0.95")
    return 0.5 + 0.5 * confidence


def _allowed(mean: float, within: float, relative: bool) -> float:
    """Return the half width that is small enough."""
    if not 0.0 < within < (1.0 if relative else math.inf):
        what = "a share of the mean between 0 and 1, such as 0.05" if relative else "a positive half width"
        raise PlantError(f"precision: {within:g}; give {what}")
    return within * abs(mean) if relative else within


def _least(least: int) -> int:
    if least < 2:
        raise PlantError(f"precision: {least} replications at least; give 2 or more, one has no spread")
    return least
