"""A fit: multi-start, robust or plain, with what can't be told held, intervals, and blocks left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student
from scipy.stats.qmc import Sobol

from twin import unknowns
from twin.calibrate import uncertainty
from twin.calibrate.levenberg import Box, Known, Solved, solve
from twin.calibrate.noise import Noise, first_noise, memories, restless, scatter
from twin.calibrate.study import Study, rows_of
from twin.calibrate.uncertainty import CONFIDENCE, Held
from twin.calibrate.wanted import Free
from twin.errors import SimulationError

STARTS = 8
FEWEST_STARTS = 3
ROWS_OF_STARTS = 100_000
"""Rows that all starts together run through in an iteration: long records have fewer starts."""
SHORT = 4
"""Iterations of every start before the best go on."""
KEPT = 2
USUAL_ITERATIONS = 15
POOR = 0.9
"""Where residuals move this share of what readings do, nothing is explained."""
AROUND = 2.0
"""Starts lie up to this many spreads from the plant's own values."""
BLOCKS = 5
BEST = 1e-4
"""The same of the best instruments: what can't be told even by them is held before anything is fitted."""
SEED = 7

Progress = Callable[[str, float], None]


class Estimate(NamedTuple):
    """An unknown as it was found, SI; `low` and `high` bound its 95 % interval."""

    name: str
    value: float
    deviation: float
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True)
class Fit:
    """What a fit found.

    Attributes
    ----------
    study : Study
        With the unknowns that were not held.
    found : (unknowns,)
    covariance : (unknowns, unknowns)
    estimates : tuple of Estimate
    held : tuple of Held
        Parameters that the data can't tell, at the plant's values.
    sigma : (tags,)
        Root mean square of residuals, SI.
    memory : (tags,)
        How many neighbouring rows count as one.
    restless : (tags,)
        How residuals scatter within stretches as long as what initialises a run, SI.
    left_out : (tags,) or None
        Root mean square of residuals in blocks that were left out.
    cost, aic, bic : float
        For residuals as many as count.
    converged : bool
    iterations : int
    starts : tuple of float
        Costs of all starts after their first iterations, relative to the best.
    """

    study: Study
    found: np.ndarray
    covariance: np.ndarray
    estimates: tuple[Estimate, ...]
    held: tuple[Held, ...]
    sigma: np.ndarray
    memory: np.ndarray
    restless: np.ndarray
    left_out: np.ndarray | None
    aic: float
    bic: float
    converged: bool
    iterations: int
    starts: tuple[float, ...]

    def notes(self) -> list[str]:
        """Return what was done about rows that aren't as a run needs them."""
        return [note for run in self.study.runs for note in run.notes()]

    def warnings(self) -> list[str]:
        """Return what speaks against the fit, with what to do."""
        found = [] if self.converged else ["has not converged; begin nearer, free fewer, or give more starts"]
        found += [
            f"{each.name}: stands {each.note}; widen the asset's bounds, or compare another structure"
            for each in self.estimates
            if each.note
        ]
        share = self.sigma / self.study.spread_of_data()
        return found + [
            f"{tag}: the run explains next to nothing of it; check units and what drives the plant"
            for tag, left in zip(self.study.wanted.score, share, strict=True)
            if left > POOR
        ]


class Ways(NamedTuple):
    """How a fit is made."""

    starts: int = STARTS
    blocks: int = BLOCKS
    robust: bool = False


def fit(study: Study, ways: Ways | None = None, progress: Progress = lambda stage, share: None) -> Fit:
    """Return the fit of a study.

    Raises
    ------
    SimulationError
        If no start can be simulated, or nothing that was to be estimated can be told from the data.
    """
    ways = ways or Ways()
    held: list[Held] = []
    everything = study.free
    study, dropped = _told_apart(study, study.start(), first_noise(study, BEST), held)
    held += dropped
    known: Known | None
    begun, known, costs = _begun(study, ways.starts, progress)
    while True:
        solved, sigma = _best(study, begun, known, progress, robust=ways.robust)
        memory = memories(study, solved.residual[0])
        narrowed, dropped = _told_apart(study, solved.found[0], sigma * np.sqrt(memory), held)
        if not dropped:
            break
        held += dropped
        begun, known = solved.found[:1, [study.names.index(name) for name in narrowed.names]], None
        study = narrowed
    progress("blocks left out", 0.0)
    left_out = blocks_left_out(study, solved.found[0], Noise(sigma, memory), ways) if ways.blocks > 1 else None
    return _concluded(study, solved, Noise(sigma, memory), tuple(held), everything, left_out, costs)


def _told_apart(study: Study, at: np.ndarray, sigma: np.ndarray, held: Sequence[Held]) -> tuple[Study, list[Held]]:
    """Return the study without parameters that its data can't tell at this point, and those."""
    look = solve(study, study.box, study.problems(at[None], study.weight(sigma)), iterations=0)
    if not np.isfinite(look.cost[0]):
        return study, []
    box = study.box
    info = uncertainty.information(look.jacobian[0], study.told)
    dropped = uncertainty.unidentified(info, box.spread, study.names, study.shared)
    if not dropped:
        return study, []
    names = {each.name for each in (*dropped, *held)}
    left = [free for free in study.free if free.path not in names]
    if not left:
        raise SimulationError(
            f"{study.plant.name}: nothing can be told from these data: "
            + "; ".join(f"{each.name}: {each.why}" for each in dropped)
            + "; give a record in which the inputs move more, or free other parameters"
        )
    return study.freeing(left), dropped


def _begun(study: Study, count: int, progress: Progress) -> tuple[np.ndarray, Known, tuple[float, ...]]:
    """Return the best points that some iterations from several starts lead to, and how all starts compare."""
    fewer = max(FEWEST_STARTS, ROWS_OF_STARTS // len(study.data))
    begun = solve(
        study, study.box, study.problems(starts_of(study, min(count, fewer)), study.weight(first_noise(study))),
        iterations=SHORT, progress=lambda done, _: progress("starts", done / SHORT),
    )  # fmt: skip
    if not np.isfinite(begun.cost).any():
        raise SimulationError(
            f"{study.plant.name}: no start can be simulated over {study.records[0].name}: the physics goes wrong with "
            "the plant's own values and those near; check units of the inputs and the plant's numbers"
        )
    order = np.argsort(begun.cost)
    costs = tuple(float(c) for c in begun.cost[order] / max(begun.cost[order[0]], 1e-300))
    return begun.found[order[:KEPT]], begun.known.of(order[:KEPT]), costs


def _best(
    study: Study, at: np.ndarray, known: Known | None, progress: Progress, *, robust: bool
) -> tuple[Solved, np.ndarray]:
    """Return the best solution from some points, alone, and the noise of each tag [SI]."""
    sigma, box = first_noise(study), study.box
    for huber in (False, robust, robust):
        solved = solve(
            study, box, study.problems(at, study.weight(sigma)), robust=huber, known=known,
            progress=lambda done, _: progress("descent", min(done / USUAL_ITERATIONS, 1.0)),
        )  # fmt: skip
        best = int(np.argmin(solved.cost))
        sigma = scatter(study, solved.residual[best] / study.weight(sigma), robust=robust)
        box = _tempered(study.box, memories(study, solved.residual[best]))
        at, known = solved.found[best : best + 1], solved.known.of(np.array([best]))
    return solved, sigma


def _tempered(box: Box, memory: np.ndarray) -> Box:
    """Return a box whose prior counts beside all rows as it should beside those that count."""
    return box._replace(prior=box.prior / np.sqrt(memory.mean()))


def starts_of(study: Study, count: int) -> np.ndarray:
    """Return the plant's own values and others around them, shape (count, unknowns)."""
    middle, box = study.start(), study.box
    if count < 2:
        return middle[None]
    drawn = Sobol(len(middle), rng=np.random.default_rng(SEED)).random(2 ** int(np.ceil(np.log2(count - 1))))
    wide = np.where(np.arange(len(middle)) < study.shared, AROUND, 1.0) * box.spread
    around = middle + (2.0 * drawn[: count - 1] - 1.0) * wide
    return np.vstack([middle, np.clip(around, box.low, box.high)])


def blocks_left_out(study: Study, at: np.ndarray, noise: Noise, ways: Ways) -> np.ndarray:
    """Return the root mean square of residuals in blocks of time that were not fitted, SI, by tag.

    Each block is left out once; the run is free through it, so what it shows is how an error grows.
    """
    weights = np.tile(study.weight(noise.sigma), (ways.blocks, 1))
    box = _tempered(study.box, noise.memory)
    spans = np.array([r.times[-1] for r in study.records])[study.record]
    block = np.minimum((study.time / spans * ways.blocks).astype(int), ways.blocks - 1)
    rows = np.array([rows_of(study.wanted.initialise, r) for r in study.records])[study.record]
    begins = study.row < rows  # which a score sees too
    for k in range(ways.blocks):
        weights[k, (block == k) & ~begins] = 0.0
    problems = study.problems(np.tile(at, (ways.blocks, 1)), weights)
    left = solve(study, box, problems, robust=ways.robust, iterations=USUAL_ITERATIONS)
    predicted = study(left.found)
    error = np.where(begins, np.nan, predicted[block, np.arange(len(block))] - study.data)
    return np.array([np.sqrt(np.nanmean(error[study.tag == tag] ** 2)) for tag in range(len(noise.sigma))])


def _covariance(study: Study, solved: Solved, noise: Noise, everything: Sequence[Free]) -> np.ndarray:
    """Return the covariance of the unknowns; that of what is held adds to it, as far as its spread says."""
    found, chosen = solved.found[0], [free.path for free in study.free]
    held = [free for free in everything if free.path not in chosen]
    if not held:
        weight = np.where(np.isfinite(study.data), study.weight(noise.sigma), 0.0)
        return covariance(study, solved.known.slopes[0] * weight[:, None], noise)
    whole = study.freeing([*study.free, *held])
    count = study.shared
    at = np.concatenate([found[:count], [unknowns.value(study.plant, free.path) for free in held], found[count:]])
    look = solve(whole, whole.box, whole.problems(at[None], whole.weight(noise.sigma)), iterations=0)
    mine = [*range(count), *range(count + len(held), len(at))]
    return covariance(whole, look.jacobian[0], noise)[np.ix_(mine, mine)]


def covariance(study: Study, jacobian: np.ndarray, noise: Noise) -> np.ndarray:
    """Return the covariance of unknowns, from predictions in standard deviations differentiated by them."""
    counting = jacobian / np.sqrt(noise.memory)[study.tag][:, None]
    return uncertainty.covariance(uncertainty.information(counting, study.box.prior), study.box.spread)


class Intervals(NamedTuple):
    """How far unknowns may be off, each of shape (unknowns,): standard deviation, bounds of the 95 % interval."""

    deviation: np.ndarray
    low: np.ndarray
    high: np.ndarray


def intervals(study: Study, found: np.ndarray, cov: np.ndarray, noise: Noise) -> Intervals:
    """Return how far a study's unknowns may be off where they have this covariance."""
    freedom = max(float(_counting(study, noise).sum()) - len(found), 1.0)
    deviation = np.sqrt(np.diag(cov))
    reach = float(student.ppf(0.5 + CONFIDENCE / 2.0, freedom)) * deviation
    return Intervals(deviation, np.maximum(found - reach, study.box.low), np.minimum(found + reach, study.box.high))


def _counting(study: Study, noise: Noise) -> np.ndarray:
    """Return how many independent readings each tag has."""
    readings = [np.isfinite(study.data[study.tag == k]).sum() for k in range(len(noise.sigma))]
    return np.asarray(readings / noise.memory)


def _concluded(
    study: Study, solved: Solved, noise: Noise, held: tuple[Held, ...], everything: Sequence[Free],
    left_out: np.ndarray | None, costs: tuple[float, ...],
) -> Fit:  # fmt: skip
    box, found = study.box, solved.found[0]
    cov = _covariance(study, solved, noise, everything)
    columns = (study.names, found, *intervals(study, found, cov, noise), box.low, box.high)
    estimates = tuple(
        Estimate(name, float(x), float(s), float(low), float(high), _at_bound(float(x), float(least), float(most)))
        for name, x, s, low, high, least, most in zip(*columns, strict=True)
    )
    counting = _counting(study, noise)
    likelihood = float((counting * np.log(noise.sigma**2)).sum())
    return Fit(
        study, found, cov, estimates, held, noise.sigma, noise.memory,
        restless(study, solved.residual[0] / study.weight(noise.sigma)), left_out,
        likelihood + 2.0 * len(found), likelihood + float(np.log(counting.sum())) * len(found),
        bool(solved.converged[0]), solved.iterations, costs,
    )  # fmt: skip


def _at_bound(value: float, low: float, high: float) -> str:
    if value <= low:
        return "at its lower bound"
    return "at its upper bound" if value >= high else ""
