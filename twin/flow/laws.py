"""Distributions as people declare them: a law, its parameters, its mean."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from twin.errors import PlantError
from twin.flow.records import Law


class Distribution(NamedTuple):
    """How a time or a number is distributed; `table` holds an empirical one's quantiles.

    The parameters are those of `twin.flow.draws.draw`; make one with the functions below.
    """

    law: Law
    a: float = 0.0
    b: float = 0.0
    c: float = 0.0
    table: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        """Return the mean; of a normal law that of the law before it is cut."""
        a, b, c = self.a, self.b, self.c
        match self.law:
            case Law.UNIFORM:
                return 0.5 * (a + b)
            case Law.TRIANGULAR:
                return (a + b + c) / 3.0
            case Law.WEIBULL:
                return a * math.gamma(1.0 + 1.0 / b)
            case Law.LOGNORMAL:
                return math.exp(a + 0.5 * b * b)
            case Law.EMPIRICAL:
                return (0.5 * (self.table[0] + self.table[-1]) + sum(self.table[1:-1])) / (len(self.table) - 1)
            case _:
                return a


def constant(value: float) -> Distribution:
    """Return what is always the same."""
    return Distribution(Law.CONSTANT, _checked("value", value, 0.0))


def exponential(mean: float) -> Distribution:
    """Return an exponential distribution of this mean."""
    return Distribution(Law.EXPONENTIAL, _checked("mean", mean))


def uniform(low: float, high: float) -> Distribution:
    """Return what is as likely anywhere between two values."""
    if not low < high:
        raise PlantError(f"uniform: low {low:g} is not below high {high:g}; exchange them, or write a constant")
    return Distribution(Law.UNIFORM, _checked("low", low, 0.0), high)


def triangular(low: float, mode: float, high: float) -> Distribution:
    """Return a triangular distribution with its top at the mode."""
    if not (low <= mode <= high and low < high):
        raise PlantError(f"triangular: {low:g}, {mode:g}, {high:g} don't ascend; give low, mode, high")
    return Distribution(Law.TRIANGULAR, _checked("low", low, 0.0), mode, high)


def weibull(scale: float, shape: float) -> Distribution:
    """Return a Weibull distribution: early failures with a shape below 1, wear-out with one above."""
    return Distribution(Law.WEIBULL, _checked("scale", scale), _checked("shape", shape))


def erlang(mean: float, phases: int) -> Distribution:
    """Return the sum of so many exponential phases, of this mean altogether."""
    if not 1 <= phases <= 1000:
        raise PlantError(f"erlang: {phases} phases; give 1 to 1000")
    return Distribution(Law.ERLANG, _checked("mean", mean), float(phases))


def normal(mean: float, deviation: float, least: float = 0.0) -> Distribution:
    """Return a normal distribution, below `least` cut to it."""
    return Distribution(Law.NORMAL, _checked("mean", mean), _checked("deviation", deviation), least)


def lognormal(mean: float, deviation: float) -> Distribution:
    """Return a lognormal distribution of this mean and standard deviation."""
    spread = math.log1p((_checked("deviation", deviation) / _checked("mean", mean)) ** 2)
    return Distribution(Law.LOGNORMAL, math.log(mean) - 0.5 * spread, math.sqrt(spread))


def empirical(values: Sequence[float]) -> Distribution:
    """Return the distribution of what was observed, with lines between neighbours."""
    table = tuple(sorted(_checked("value", value, 0.0) for value in values))
    if len(table) < 2:
        raise PlantError(f"empirical: {len(table)} values; give two at least")
    return Distribution(Law.EMPIRICAL, table=table)


def _checked(name: str, value: float, least: float | None = None) -> float:
    """Return a finite number that is positive, or at least `least`."""
    if not math.isfinite(value) or (value <= 0.0 if least is None else value < least):
        what = "positive" if least is None else f"at least {least:g}"
        raise PlantError(f"{name}: {value:g}; give a finite number that is {what}")
    return float(value)
