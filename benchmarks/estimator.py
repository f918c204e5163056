"""How fast and how right the filters are, beside filterpy's and ProgPy's on the same model, measured in one run.

``python -m benchmarks.estimator``; the last line is one JSON object. All take the same fixed Runge-Kutta steps of the
same equations and the same data. Ratios are of CPU time, contenders in turns. filterpy's model is one compiled
function; ProgPy's is written as ProgPy's own are, and once more (``_compiled``) goes around them by that function.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from benchmarks.measures.truths import Truths, drawn, errors_squared, share_inside
from benchmarks.peers import filters
from benchmarks.peers.figures import installed
from benchmarks.peers.timing import alternate
from benchmarks.report import REPOSITORY, report
from twin.estimate.ensemble_filter import EnsembleFilter
from twin.estimate.unscented import Settings, UnscentedFilter
from twin.plant import Plant

PLANT = REPOSITORY / "benchmarks" / "plants" / "cooler_train.yaml"
TARGETS = {
    "ukf_vs_filterpy": (">=", 5.0),
    "ukf_vs_progpy": (">=", 80.0),
    "enkf_vs_filterpy": (">=", 3.0),
    "nees_consistent": ("is", True),
    "hidden_rmse_vs_progpy": ("<=", 1.0),
}
PLAIN = Settings(adapt=0.0, heat=0.0)
"""As the peers filter: noise as declared, and from the first reading on."""
RUNS, INSTANTS = 200, 300
INSIDE = 0.97
SAME = 1e-9
ALIKE = 60
"""Instants over which ProgPy's filter is compared with filterpy's."""


def main() -> None:
    """Measure and print."""
    plant = Plant.load(PLANT)
    given = filters.joint(plant)
    forward = filters.compiled(given)
    ours = UnscentedFilter(plant, suspect=False, settings=PLAIN, solver=plant.solver)
    crowd = EnsembleFilter(plant, settings=PLAIN, solver=plant.solver)
    check_same(plant, given, forward)
    truths = drawn(plant, RUNS, INSTANTS, seed=1)
    errors = errors_squared(ours, truths)
    inside = share_inside(errors, len(ours.unknowns), RUNS)
    print(f"NEES over {RUNS} runs: {errors.mean() / len(ours.unknowns):.3f} per unknown; in bounds at {inside:.1%}")
    hidden, by_filter = hidden_errors(ours, given, forward, truths)
    print("hidden states, RMSE over first spread:", ", ".join(f"{k} {v:.4f}" for k, v in by_filter.items()))
    rates = alternate(contenders(ours, crowd, given, forward, truths))
    for name, rate in rates.items():
        print(f"{name:40} {rate.median:10.0f} updates per CPU second (best {rate.best:.0f})")
    figures = {
        "ukf_vs_filterpy": rates["unscented"].over(rates["filterpy unscented"]),
        "ukf_vs_progpy": rates["unscented"].over(rates["ProgPy unscented"]),
        "ukf_vs_progpy_compiled": rates["unscented"].over(rates["ProgPy unscented, compiled model"]),
        "enkf_vs_filterpy": rates["ensemble"].over(rates["filterpy ensemble"]),
        "nees_consistent": inside >= INSIDE,
        "nees_inside": inside,
        "hidden_rmse_vs_progpy": hidden,
        "updates_per_second": {name: round(rate.median) for name, rate in rates.items()},
        "peers": {name: installed(name) for name in ("filterpy", "progpy")},
    }
    report(figures, TARGETS)


def check_same(plant: Plant, given: filters.Joint, forward: Callable[..., np.ndarray]) -> None:
    """Refuse to compare if the peers' equations aren't ours."""
    from twin.ensemble import Ensemble

    one = Ensemble(replace(plant, tags={}), 1)
    one.advance(given.every)
    theirs = forward(given.mean, given.every)
    mine = np.array([one.get(path)[0] for path in given.equations.states])
    progpy = filters.ProgPyFilter(given)
    x = progpy.model.StateContainer(dict(zip(given.equations.states, given.mean, strict=True)))
    written = progpy.model.next_state(x, progpy.model.InputContainer({}), given.every).matrix[:, 0].astype(float)
    gap = max(np.abs(theirs / mine - 1.0).max(), np.abs(written / mine - 1.0).max())
    if gap > SAME:
        raise RuntimeError(f"{plant.name}: peers are {gap:.2g} away from our states: not the same equations")


def hidden_errors(
    ours: UnscentedFilter, given: filters.Joint, forward: Callable[..., np.ndarray], truths: Truths
) -> tuple[float, dict[str, float]]:
    """Return the error of states that no tag reads, over ProgPy's; and what it is for each filter.

    ProgPy's filter is filterpy's in ProgPy's clothes: where their beliefs agree, the faster one stands for it.
    """
    check_progpy(given, forward, truths.readings[0])
    seen = {given.equations.states[i] for i in given.seen}
    states = [p for p in given.equations.states[: -_still(given)] if p not in seen]
    mine = [i for i, u in enumerate(ours.unknowns) if u.paths[0] in states]
    theirs = [given.equations.states.index(ours.unknowns[i].paths[0]) for i in mine]
    spread = np.array([ours.unknowns[i].spread for i in mine])
    base = np.array([ours.plant.value(ours.unknowns[i].paths[0]) for i in mine])
    squares = np.empty((2, len(truths.readings)))
    for run, readings in enumerate(truths.readings):
        true = (truths.unknowns[run][:, mine] - base) / spread
        ours.start()
        squares[0, run] = np.mean((ours.assimilate(truths.times, readings).mean[:, mine] - true) ** 2)
        peer = filters.unscented(given, forward)
        means = np.array([_updated(peer, reading) for reading in readings])[:, theirs]
        squares[1, run] = np.mean(((means - base) / spread - true) ** 2)
    found = np.sqrt(squares.mean(axis=1))
    error = (squares[0] - squares[1]).std() / np.sqrt(len(truths.readings)) / squares[1].mean() / 2.0
    return float(found[0] / found[1]), {"ours": found[0], "ProgPy": found[1], "standard error of the ratio": error}


def check_progpy(given: filters.Joint, forward: Callable[..., np.ndarray], readings: np.ndarray) -> None:
    """Refuse to let filterpy's filter stand for ProgPy's where they believe differently."""
    progpy, peer = filters.ProgPyFilter(given, forward), filters.unscented(given, forward)
    for reading in readings[:ALIKE]:
        progpy.update(reading)
        gap = np.abs((progpy.mean - _updated(peer, reading)) / np.sqrt(given.variance)).max()
        if gap > SAME:
            raise RuntimeError(f"ProgPy and filterpy are {gap:.2g} of a first spread apart: compare with both")


def _still(given: filters.Joint) -> int:
    return sum(rate.startswith("still_") for rate in given.equations.rates)


def _updated(peer: filters.UnscentedKalmanFilter, reading: np.ndarray) -> np.ndarray:
    peer.predict()
    peer.update(reading)
    return np.asarray(peer.x)


def contenders(
    ours: UnscentedFilter,
    crowd: EnsembleFilter,
    given: filters.Joint,
    forward: Callable[..., np.ndarray],
    truths: Truths,
) -> dict[str, Callable[[], float]]:
    """Return the work of each contender: from the start through one run of data, or its first part."""
    return {
        "unscented": partial(_whole, ours, truths),
        "ensemble": partial(_whole, crowd, truths),
        "filterpy unscented": partial(_filterpy, lambda: filters.unscented(given, forward), truths, 100),
        "filterpy ensemble": partial(_filterpy, lambda: filters.ensemble(given, forward, crowd.members), truths, 50),
        "ProgPy unscented": partial(_progpy, lambda: filters.ProgPyFilter(given), truths, 4),
        "ProgPy unscented, compiled model": partial(_progpy, lambda: filters.ProgPyFilter(given, forward), truths, 20),
    }


def _whole(filter_: UnscentedFilter | EnsembleFilter, truths: Truths) -> float:
    filter_.start()
    filter_.assimilate(truths.times, truths.readings[0])
    return float(len(truths.times))


def _filterpy(make: Callable[[], filters.UnscentedKalmanFilter], truths: Truths, instants: int) -> float:
    made = make()
    for reading in truths.readings[0][:instants]:
        made.predict()
        made.update(reading)
    return float(instants)


def _progpy(make: Callable[[], filters.ProgPyFilter], truths: Truths, instants: int) -> float:
    made = make()
    for reading in truths.readings[0][:instants]:
        made.update(reading)
    return float(instants)


if __name__ == "__main__":
    main()
