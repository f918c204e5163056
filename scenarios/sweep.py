"""From a scenario to its answer: branches, their execution, and what they say together."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from scenarios.branch import Branch, Common, evaluate
from scenarios.changes import change, written
from scenarios.designs import Factor, check_factors, grid, latin_hypercube, one_at_a_time, sobol_points
from scenarios.execution import Outcome, execute
from scenarios.results import Result
from scenarios.scenario import Precision, Scenario, Variant
from scenarios.search import Optimum, optimise, optimise_with_optuna
from scenarios.sensitivity import saltelli_cases
from scenarios.statistics import precise, replications_needed
from scenarios.varying import Vary
from twin import __version__
from twin.errors import PlantError, SimulationError
from twin.snapshot import Snapshot, identity

BATCH = 32
FIRST = 2
"""Replications of the first variants that are run before all others, so that there is something to see."""
FIRST_VARIANTS = 4
SEARCHED = 16
"""Replications of each case of an optimisation, if nothing else is said."""
Progress = Callable[[int, int, int, float | None], None]
Found = Callable[[Mapping[str, Result]], None]


def _ignored(*_: object) -> None:
    """Take no notice."""


@dataclass(frozen=True)
class Settings:
    """How branches are run.

    Attributes
    ----------
    folder : Path
        Where results are kept, to be gone on with.
    workers, dask : int or None, str or None
        As `execute` takes them.
    start : Snapshot or None
        Where branches begin, of one machine or several; at rest if None.
    start_said : str
        What that is, in words.
    """

    folder: Path
    workers: int | None = None
    dask: str | None = None
    start: Snapshot | None = None
    start_said: str = "rest"
    start_time: float | None = None
    patience: float = 600.0
    progress: Progress = _ignored
    found: Found = _ignored


@dataclass(frozen=True)
class Swept:
    """What a sweep came to: its variants in their order, results by branch key, and how it ended."""

    variants: tuple[Variant, ...]
    replications: int
    outcome: Outcome
    cases: tuple[Mapping[str, float], ...] = ()
    optimum: Optimum | None = None
    keys: Mapping[str, str] = field(default_factory=dict)


def sweep(scenario: Scenario, settings: Settings) -> Swept:
    """Run a scenario's branches, as many as it asks for.

    Raises
    ------
    PlantError, DataError, SnapshotError
        As `execute` says.
    """
    if scenario.vary is not None:
        return _varied(scenario, scenario.vary, settings)
    if scenario.precision is not None:
        return _precise(scenario, scenario.precision, settings)
    return _run(scenario, settings, scenario.variants, scenario.replications)


def common_of(scenario: Scenario, start: Snapshot | None) -> Common:
    """Return what all branches of a scenario share."""
    return Common(
        scenario.tree, scenario.text, scenario.extra, start, scenario.length, scenario.warm_up, scenario.rtol,
        scenario.seed, scenario.report, scenario.curves, scenario.assume, scenario.uncertain, scenario.money,
    )  # fmt: skip


def branches_of(variants: Sequence[Variant], replications: int) -> list[Branch]:
    """Return branches in an order in which all variants come along together, block by block of replications."""
    found = []
    for first in range(0, replications, BATCH // 2):
        for variant in variants:
            for r in range(first, min(first + BATCH // 2, replications)):
                found.append(Branch(f"{variant.name}/{r}", variant.changes, variant.schedule, r))
    return found


def _identity(scenario: Scenario, start: Snapshot | None) -> str:
    """Return the hash of everything that a branch's result depends on but its key."""
    s = scenario
    parts = [
        __version__, identity(s.plant), s.text, start.digest if start else "", s.length, s.warm_up, s.rtol, s.seed,
        s.report, s.curves, [c[:3] for c in s.assume], s.uncertain, s.money, [_plain(v) for v in s.variants], s.vary,
    ]  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _plain(variant: Variant) -> object:
    """Return a variant without the places where it was written."""
    steps = [(step.at, [c[:3] for c in step.changes]) for step in variant.schedule]
    return variant.name, [c[:3] for c in variant.changes], steps


def _run(scenario: Scenario, settings: Settings, variants: Sequence[Variant], replications: int) -> Swept:
    branches = branches_of(variants, replications)
    early = [f"{v.name}/{r}" for v in variants[:FIRST_VARIANTS] for r in range(min(FIRST, replications))]
    outcome = execute(
        evaluate, common_of(scenario, settings.start), branches, folder=settings.folder,
        identity=_identity(scenario, settings.start), workers=settings.workers, dask=settings.dask, batch=BATCH,
        patience=settings.patience, first=early if len(branches) > 2 * BATCH else (), progress=settings.progress,
        found=settings.found,
    )  # fmt: skip
    return Swept(tuple(variants), replications, outcome)


def _precise(scenario: Scenario, wanted: Precision, settings: Settings) -> Swept:
    """Run more and more replications until every variant's number is precise enough, or there are too many."""
    count = min(BATCH // 2, wanted.most)
    while True:
        swept = _run(scenario, settings, scenario.variants, count)
        if swept.outcome.ending == "interrupted" or count >= wanted.most:
            return swept
        values = [series(swept.outcome, variant.name, count, wanted.of) for variant in scenario.variants]
        # What has no value by now, as it fails every time, has none later.
        open_ = [
            v for v in values
            if len(v) == 1 or (len(v) > 1 and not precise(v, wanted.within, relative=wanted.relative))
        ]  # fmt: skip
        if not open_:
            return swept
        needed = [replications_needed(v, wanted.within, relative=wanted.relative) for v in open_ if len(v) > 1]
        count = min(wanted.most, max(count + BATCH // 2, *needed) if needed else wanted.most)


def series(outcome: Outcome, variant: str, replications: int, name: str) -> np.ndarray:
    """Return a number of a variant's finished replications, without those where it has no value, shape (n,)."""
    keys = [f"{variant}/{r}" for r in range(replications)]
    values = [float(np.asarray(outcome.results[key][name])) for key in keys if key in outcome.results]
    found = np.array(values, float)
    return np.asarray(found[np.isfinite(found)])


def factors_of(vary: Vary) -> list[Factor]:
    """Return the factors of a design that go between two numbers."""
    found = []
    for path, given in vary.over.items():
        low, high = given
        found.append(Factor(path, float(low), float(high)))
    return found


def _variant(vary: Vary, name: str, case: Mapping[str, float]) -> Variant:
    changes = []
    for path, value in case.items():
        given = vary.over[path]
        level = isinstance(given[0], str)
        text = str(given[int(value)]) if level else written(path, value, vary.units[path])
        changes.append(change(path, text if level else f"= {text}", "vary.over"))
    return Variant(name, tuple(changes))


def cases_of(scenario: Scenario, vary: Vary) -> list[Mapping[str, float]]:
    """Return the cases of a design; of a grid's levels their numbers."""
    if vary.design == "grid":
        return list(grid({path: [float(i) for i in range(len(levels))] for path, levels in vary.over.items()}))
    factors = factors_of(vary)
    check_factors(factors)
    if vary.design == "latin_hypercube":
        return list(latin_hypercube(factors, vary.count, scenario.seed))
    if vary.design == "sobol":
        return list(sobol_points(factors, vary.count, scenario.seed))
    if vary.design == "sensitivity":
        return list(saltelli_cases(factors, vary.count, scenario.seed))
    return list(one_at_a_time(_base(scenario, factors), factors))


def _base(scenario: Scenario, factors: Sequence[Factor]) -> dict[str, float]:
    """Return where factors stand in the plant, or the middle for those of the flow."""
    return {
        f.name: 0.5 * (f.low + f.high) if f.name.startswith("flow.") else scenario.plant.value(f.name) for f in factors
    }


def variants_of(vary: Vary, cases: Sequence[Mapping[str, float]]) -> list[Variant]:
    """Return the cases of a design as variants, in their order."""
    width = len(str(len(cases)))
    return [_variant(vary, f"case-{k + 1:0{width}d}", case) for k, case in enumerate(cases)]


def _varied(scenario: Scenario, vary: Vary, settings: Settings) -> Swept:
    if vary.design == "optimise":
        return _optimised(scenario, vary, settings)
    cases = cases_of(scenario, vary)
    variants = variants_of(vary, cases)
    for variant in variants:
        scenario.check(variant)
    return replace(_run(scenario, settings, variants, scenario.replications), cases=tuple(cases))


def _optimised(scenario: Scenario, vary: Vary, settings: Settings) -> Swept:
    factors, tried = factors_of(vary), list[Variant]()
    known: dict[tuple[float, ...], Variant] = {}
    last: list[Swept] = []

    def values(cases: Sequence[Mapping[str, float]]) -> list[float]:
        names = []
        for case in cases:
            place = tuple(case.values())
            if place not in known:
                known[place] = _variant(vary, f"case-{len(known) + 1:04d}", case)
                tried.append(known[place])
            names.append(known[place].name)
        last[:] = [_run(scenario, settings, tried, scenario.replications)]
        if last[0].outcome.ending == "interrupted":
            raise _StoppedError
        found = [series(last[0].outcome, name, scenario.replications, vary.goal) for name in names]
        if any(not len(each) for each in found):
            raise SimulationError(
                "vary: every replication of a case failed; narrow the factors to where the plant runs"
            )
        return [float(each.mean()) for each in found]

    search = optimise_with_optuna if vary.search == "optuna" else optimise
    try:
        best = search(values, factors, vary.count, scenario.seed, maximise=vary.maximise)
    except _StoppedError:
        return replace(last[0], cases=tuple(dict(zip(vary.over, place, strict=True)) for place in known))
    if not last:
        raise PlantError("vary: nothing was tried; give a larger count")
    return replace(last[0], optimum=best, cases=tuple(dict(zip(vary.over, place, strict=True)) for place in known))


class _StoppedError(Exception):
    """A search was interrupted."""
