"""Which case is best: the Pareto front of what was evaluated, and searches that keep to a budget of evaluations."""

import importlib
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, differential_evolution, minimize

from scenarios.designs import Case, Factor, cases_at, check_factors, latin_hypercube
from scenarios.statistics import finite
from twin.errors import PlantError, SimulationError

LEAST_BUDGET = 10
"""Fewer evaluations than this are no search."""
LEAST_BATCH = 5
"""Differential evolution needs so many cases in a generation."""

Evaluate = Callable[[list[Case]], Sequence[float]]
"""Returns the value of each case, in their order."""


class Trial(NamedTuple):
    """A case and its value."""

    case: Case
    value: float


class Optimum(NamedTuple):
    """The best case found, its value, how many were evaluated, and all of them in order."""

    case: Case
    value: float
    evaluations: int
    history: tuple[Trial, ...]


def pareto_front(values: Sequence[Sequence[float]] | np.ndarray, maximise: Sequence[bool]) -> list[int]:
    """Return the indices, ascending, of the rows that no other row dominates.

    A row dominates another if it is as good in every column and better in one; rows that are alike are kept together.

    Parameters
    ----------
    values : array_like
        Shape (cases, answers), two answers at least.
    maximise : sequence of bool
        For each answer, whether more is better.

    Raises
    ------
    SimulationError
        If a value isn't finite.
    PlantError
        If the shapes don't fit.
    """
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or table.shape[1] < 2 or table.shape[1] != len(maximise):
        raise PlantError(f"front: values of shape {table.shape} for {len(maximise)} flags; give two columns or more")
    finite(table.ravel(), "front")
    costs = np.where(maximise, -table, table) + 0.0  # -0.0 becomes 0.0, or equal rows would be sorted apart
    # In lexicographic order a row is dominated by earlier ones only, and by one of the front if by any.
    distinct, which = np.unique(costs, axis=0, return_inverse=True)
    front: list[int] = []
    for i, row in enumerate(distinct):
        if not (distinct[front] <= row).all(axis=1).any():
            front.append(i)
    return np.flatnonzero(np.isin(which.ravel(), front)).tolist()


def optimise(
    evaluate: Evaluate, factors: Sequence[Factor], budget: int, seed: int, *, maximise: bool = False, batch: int = 16
) -> Optimum:
    """Return the best case found with at most `budget` evaluations.

    Some three quarters go to differential evolution, whose generations are evaluated as batches; it starts from a
    Latin hypercube. The rest goes to COBYQA from the best case, one case at a time: it models the answer by a
    quadratic, uses no derivatives, and ends early when it can't improve. Values should not be noisy: run every case
    with the same random numbers. The same seed gives the same search with the same versions of NumPy and SciPy.

    Parameters
    ----------
    evaluate : callable
        Takes a list of cases, returns their values.
    factors : sequence of Factor
        Names must differ.
    budget : int
        Cases that may be evaluated, never exceeded.
    seed : int
        Of the search.
    maximise : bool
        Whether more is better.
    batch : int
        Cases to be evaluated together.

    Raises
    ------
    SimulationError
        If a value isn't finite, there aren't as many as cases, or `evaluate` raises a TypeError or a ValueError.
    PlantError
        If a name comes twice, or budget or batch is too small.

    References
    ----------
    Storn and Price (1997), Journal of Global Optimization 11, 341-359. Ragonneau (2022), Model-based derivative-free
    optimization methods and software, thesis, The Hong Kong Polytechnic University, for COBYQA.
    """
    ledger = _Ledger(evaluate, factors, budget, batch, maximise=maximise)
    bounds = Bounds(np.zeros(len(factors)), np.ones(len(factors)))
    start, known = _broadly(ledger, factors, 3 * budget // 4, batch, seed)

    def cost(x: np.ndarray) -> float:
        # COBYQA begins where the best case is already known.
        return float(known if np.array_equal(x, start) else ledger.costs(x[None, :])[0])

    options = {"maxfev": ledger.left, "initial_tr_radius": 0.1, "final_tr_radius": 1e-6}
    minimize(cost, start, method="COBYQA", bounds=bounds, options=options)
    return ledger.optimum()


def _broadly(
    ledger: "_Ledger", factors: Sequence[Factor], broad: int, batch: int, seed: int
) -> tuple[np.ndarray, float]:
    """Return the best place that differential evolution finds in the unit cube, and its cost."""
    size = min(batch, broad)
    unit = [Factor(factor.name, 0.0, 1.0) for factor in factors]
    found = differential_evolution(
        lambda x: ledger.costs(x.T), Bounds(np.zeros(len(factors)), np.ones(len(factors))), vectorized=True,
        updating="deferred", polish=False, tol=0.0, atol=0.0,
        init=np.array([list(case.values()) for case in latin_hypercube(unit, size, seed)]),
        maxiter=broad // size - 1, rng=np.random.default_rng(seed % 2**64),
    )  # fmt: skip
    return found.x, found.fun


def optimise_with_optuna(
    evaluate: Evaluate,
    factors: Sequence[Factor],
    budget: int,
    seed: int,
    *,
    maximise: bool = False,
    batch: int = 16,
) -> Optimum:
    """Return the best case found by Optuna's tree-structured Parzen estimator with `budget` evaluations.

    It suits answers that are noisy or jump. Parameters and errors are those of `optimise`, and a PlantError if Optuna
    isn't installed.

    References
    ----------
    Bergstra, Bardenet, Bengio and Kegl (2011), Algorithms for hyper-parameter optimization, NIPS 24. Akiba, Sano,
    Yanase, Ohta and Koyama (2019), Optuna, KDD 25.
    """
    ledger = _Ledger(evaluate, factors, budget, batch, maximise=maximise)
    optuna = _optuna()
    spoken = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed % 2**32))
        while ledger.left:
            trials = [study.ask() for _ in range(min(batch, ledger.left))]
            unit = np.array([[trial.suggest_float(factor.name, 0.0, 1.0) for factor in factors] for trial in trials])
            for trial, cost in zip(trials, ledger.costs(unit).tolist(), strict=True):
                study.tell(trial, cost)
    finally:
        optuna.logging.set_verbosity(spoken)
    return ledger.optimum()


class _Ledger:
    """What a search has evaluated, and what it may still."""

    def __init__(
        self, evaluate: Evaluate, factors: Sequence[Factor], budget: int, batch: int, *, maximise: bool
    ) -> None:
        check_factors(factors)
        if budget < LEAST_BUDGET or batch < LEAST_BATCH:
            asked = f"{budget} evaluations, {batch} at a time"
            raise PlantError(f"search: {asked}; give {LEAST_BUDGET} and {LEAST_BATCH} at least")
        self._evaluate, self._factors, self._budget = evaluate, factors, budget
        self._sign = -1.0 if maximise else 1.0
        self._history: list[Trial] = []

    @property
    def left(self) -> int:
        """Return how many evaluations are left."""
        return self._budget - len(self._history)

    def costs(self, unit: np.ndarray) -> np.ndarray:
        """Return what is to be minimised at points of the unit cube, shape (points, factors)."""
        cases = cases_at(self._factors, unit)
        if len(cases) > self.left:
            raise SimulationError(f"search: {len(cases)} cases with {self.left} left of the budget; report this")
        try:
            answers = self._evaluate([dict(case) for case in cases])
        except (TypeError, ValueError) as err:  # SciPy would take these for an error of its own map
            raise SimulationError(f"search: evaluating {len(cases)} cases failed: {err}; mend it") from err
        values = finite(answers, "search")
        if values.size != len(cases):
            raise SimulationError(f"search: {values.size} values for {len(cases)} cases; return one for each")
        self._history += map(Trial, cases, values.tolist())
        return np.asarray(self._sign * values)

    def optimum(self) -> Optimum:
        best = min(self._history, key=lambda trial: self._sign * trial.value)
        return Optimum(best.case, best.value, len(self._history), tuple(self._history))


def _optuna() -> ModuleType:
    try:
        return importlib.import_module("optuna")
    except ImportError:
        raise PlantError("optuna: not installed; pip install 'equipment-twin[optimise]', or use optimise") from None
