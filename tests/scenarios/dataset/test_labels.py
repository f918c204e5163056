"""Labels of every shipped specification against the truth of the runs that they label.

Runs of one seed, machine, duty and weather differ in nothing but what goes wrong with them. So a fault is proven on
three of them: the run without it, with it at severity 1, and with it at severity 0.
"""

import io
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from typing import NamedTuple

import h5py
import numpy as np
import pytest

from scenarios.dataset.drawing import Draws, Lot
from scenarios.dataset.library import names
from scenarios.dataset.loading import load
from scenarios.dataset.shard import made
from scenarios.dataset.simulating import FAULT, MODE, Rows, Simulation
from scenarios.dataset.spec import Between, Fault, Spec
from twin import declare
from twin.engine import Simulation as Engine
from twin.plant import Solver
from twin.runs import Scale

SPECS = {name: load(path) for name, path in names().items()}
OPERATED = [name for name, spec in SPECS.items() if spec.modes]
SHIPPED = [(name, fault.name) for name, spec in SPECS.items() for fault in spec.faults]


def others(spec: Spec) -> tuple[Fault, ...]:
    """Return the faults of the plant's assets that a specification doesn't name, a tenth of their range far."""
    moved, found = {path for fault in spec.faults for path in fault.to}, []
    for path in spec.plant.paths(declare.Fault):
        low, high = spec.plant.quantity(path).bounds
        value = spec.plant.value(path)
        to = value + 0.1 * (high - value) if high > value else value + 0.1 * (low - value)
        if path not in moved:
            name = path.replace(".", "-")
            found.append(Fault(name, "", {path: to}, 1.0, Between(1, 1), None, Between(0, 0), "ramp", Between(60, 60)))
    return tuple(found)


OTHERS = [(name, fault.name) for name, spec in SPECS.items() for fault in others(spec)]


class Case(NamedTuple):
    """A run's class, severity and duty."""

    fault: int
    severity: float
    duty: int


class Proof(NamedTuple):
    """Runs of a specification that differ in their case only."""

    spec: Spec
    draws: Draws
    rows: Rows
    cases: list[Case]

    def run(self, name: str, severity: float, duty: int = 0) -> int:
        """Return the position of a run."""
        return self.cases.index(Case(self.spec.classes.index(name), severity, duty))


@cache
def proof(name: str) -> Proof:
    """Return all runs that prove the labels of a specification's faults."""
    said = SPECS[name]
    spec = replace(said, faults=(*said.faults, *others(said)), horizon=0.0, sensor_faulty=0.0)
    spec = replace(spec, truth=tuple(dict.fromkeys([*spec.truth, *(path for f in spec.faults for path in f.to)])))
    duties = range(max(len(spec.duties), 1))
    cases = [Case(0, 0.0, duty) for duty in duties]
    cases += [Case(code, 1.0, duty) for code in range(1, len(said.faults) + 1) for duty in duties]
    cases += [Case(code, 1.0, 0) for code in range(len(said.faults) + 1, len(spec.faults) + 1)]
    cases += [Case(code, 0.0, 0) for code in range(1, len(spec.faults) + 1)]
    draws = planned(spec, cases)
    rows, failures = finished(Simulation(spec, Lot(spec, 100, 5), draws))
    assert failures == {}
    return Proof(spec, draws, rows, cases)


def planned(spec: Spec, cases: list[Case]) -> Draws:
    """Return what is drawn for cases of the data set's first run: the same but for what goes wrong."""
    first, one = Lot(spec, 100, 5).draws(0, 1), np.zeros(len(cases), int)
    changed = {
        "fault": np.array([case.fault for case in cases], np.uint8),
        "duty": np.array([case.duty for case in cases], np.uint8),
        "severity": np.array([case.severity for case in cases]),
        "onset": np.where([case.fault > 0 for case in cases], round(0.4 * spec.length / spec.hold) * spec.hold, np.inf),
        "over": np.array([spec.faults[case.fault - 1].over.low if case.fault else 1.0 for case in cases]),
        "sensor_fault": np.zeros(len(cases), np.uint8), "sensor_size": np.zeros(len(cases)),
        "sensor_onset": np.full(len(cases), np.inf), "sensor_end": np.full(len(cases), np.inf),
    }  # fmt: skip
    return Draws(**({field.name: getattr(first, field.name)[one] for field in fields(first)} | changed))


def finished(simulation: Simulation) -> tuple[Rows, dict[int, str]]:
    """Return all rows in one piece, and what failed."""
    blocks = list(simulation.rows())
    pieces = zip(*(block[1:] for block in blocks), strict=True)
    return Rows(0, *(np.concatenate(piece, axis=1) for piece in pieces)), simulation.end().failures


def law(fault: Fault, since: float, over: float) -> float:
    """Return how far a fault has come; written down again, from the documentation."""
    if since <= 0.0:
        return 0.0
    share = min(since / over, 1.0)
    return {"step": 1.0, "ramp": share, "exponential": 1.0 - np.exp(-since / over), "accelerating": share**2}[
        fault.growth
    ]


@pytest.mark.parametrize(("name", "fault"), SHIPPED + OTHERS)
def test_the_truth_moves_as_far_as_the_severity_says_in_every_row(name: str, fault: str) -> None:
    spec, draws, rows, _ = found = proof(name)
    run, said = found.run(fault, 1.0), spec.faults[spec.classes.index(fault) - 1]
    ends = np.ceil(np.arange(spec.rows) * spec.every / spec.hold - 1e-9) * spec.hold  # of the step that a row ends
    expected = np.array([law(said, end - draws.onset[run], draws.over[run]) for end in ends])
    np.testing.assert_allclose(rows.severity[run], expected, rtol=1e-6, atol=1e-9)
    assert rows.severity[run, -1] > 0.5
    for path, to in said.to.items():
        before = spec.plant.value(path)
        moved = before + rows.severity[run].astype(float) * (to - before)
        np.testing.assert_allclose(rows.truth[run, :, spec.truth.index(path)], moved, rtol=3e-7, atol=1e-7 * abs(to))
    np.testing.assert_array_equal(rows.anomaly[run], ends > draws.onset[run])
    np.testing.assert_array_equal(rows.fault[run], np.where(ends > draws.onset[run], draws.fault[run], 0))


@pytest.mark.parametrize(("name", "fault"), SHIPPED + OTHERS)
def test_nothing_differs_before_the_onset_nor_at_severity_zero(name: str, fault: str) -> None:
    spec, draws, rows, _ = found = proof(name)
    healthy, faulty, idle = found.run("healthy", 0.0), found.run(fault, 1.0), found.run(fault, 0.0)
    onset = np.count_nonzero(np.arange(spec.rows) * spec.every <= draws.onset[faulty])
    for series in ("signals", "quality", "truth", "clean", "mode"):
        values = getattr(rows, series)
        assert values[faulty, :onset].tobytes() == values[healthy, :onset].tobytes()
        assert values[idle].tobytes() == values[healthy].tobytes()
    assert not rows.anomaly[idle].any()
    points = rows.changepoint[faulty] & FAULT
    assert points.nonzero()[0].tolist() == [onset]


@pytest.mark.parametrize(("name", "fault"), SHIPPED)
def test_an_instrument_sees_every_fault_of_a_shipped_specification(name: str, fault: str) -> None:
    found = proof(name)
    assert max(visibility(found, fault, duty) for duty in {case.duty for case in found.cases}) > 3.0


def visibility(found: Proof, fault: str, duty: int) -> float:
    """Return how far a fault moves what an instrument measures, in deviations of its noise.

    An instrument without noise is as good as its resolution, or as a thousandth of what it measures anyway.
    """
    spec, _, rows, _ = found
    healthy, faulty = rows.clean[found.run("healthy", 0.0, duty)], rows.clean[found.run(fault, 1.0, duty)]
    seen = 0.0
    for channel, tag in enumerate(spec.plant.tags.values()):
        noise = max(tag.noise, tag.quantum) * Scale.of(spec.plant.quantity(tag.reads).unit, tag.unit).factor
        blur = max(noise, 1e-3 * np.ptp(healthy[:, channel]), 1e-12)
        seen = max(seen, float(np.abs(faulty[:, channel] - healthy[:, channel]).max()) / blur)
    return seen


@cache
def operated(name: str) -> tuple[Spec, Rows]:
    """Return sound runs, some of each duty, with the truth of all that modes set and no weather about it."""
    said = SPECS[name]
    paths = dict.fromkeys(path for mode in said.modes for path in mode.values)
    spec = replace(said, environment=(), horizon=0.0, truth=tuple(paths))
    cases = [Case(0, 0.0, duty) for duty in range(len(spec.duties))]
    return spec, finished(Simulation(spec, Lot(spec, 100, 5), planned(spec, cases)))[0]


@pytest.mark.parametrize("name", OPERATED)
def test_a_mode_label_says_what_the_truth_is_set_to(name: str) -> None:
    spec, rows = operated(name)
    for run in range(len(rows.mode)):
        for code in np.unique(rows.mode[run]):
            for path, (low, high) in spec.modes[code].values.items():
                values = np.unique(rows.truth[run, rows.mode[run] == code, spec.truth.index(path)])
                assert len(values) == 1, f"{path} is not the same wherever {spec.modes[code].name} rules"
                assert low * (1 - 1e-6) <= values[0] <= high * (1 + 1e-6)


@pytest.mark.parametrize("name", OPERATED)
def test_modes_last_as_long_as_their_duty_says(name: str) -> None:
    spec, rows = operated(name)
    for duty, modes, points in zip(spec.duties, rows.mode, rows.changepoint, strict=True):
        changes = np.flatnonzero(np.diff(modes)) + 1
        np.testing.assert_array_equal(np.flatnonzero(points & MODE), changes)
        lasts = np.round(np.diff(changes) * spec.every, 9)
        order = list(zip(modes[changes], lasts, strict=False))
        if duty.cycle:
            phase = next(k for k, (mode, time) in enumerate(duty.cycle) if (mode, time) == order[0])
            assert order == [duty.cycle[(phase + k) % len(duty.cycle)] for k in range(len(order))]
        else:
            assert set(modes) <= set(duty.modes)
            assert all(time >= duty.each.low - 0.5 * spec.hold for _, time in order)


@pytest.mark.parametrize("name", [name for name, spec in SPECS.items() if spec.ends])
def test_the_remaining_life_ends_where_another_solver_finds_the_end(name: str) -> None:
    """A run once more, by the classical Runge-Kutta method in the discrete-event engine; one mode, no weather."""
    spec = replace(SPECS[name], environment=(), modes=(), duties=(), faults=(), sensor_faulty=0.0, length=600.0)
    body = made(spec, Lot(spec, 100, 5), 0, 1, "gzip", "a test")
    with h5py.File(io.BytesIO(body.data)) as file:
        remaining, parameters = file["labels/rul"][0], file["runs/parameters"]
        machine = dict(zip(parameters.attrs["names"], parameters[0], strict=True))
    times, ends = np.arange(spec.rows) * spec.every, ends_of_life(spec, machine, spec.length + spec.horizon)
    # The specification's tolerance, 1e-4, of some 1000 s of wear.
    np.testing.assert_allclose(remaining, ends[np.searchsorted(ends, times)] - times, atol=0.1)
    assert (remaining >= 0.0).all()


def ends_of_life(spec: Spec, machine: dict[str, float], until: float) -> np.ndarray:
    """Return when a machine's lives end [s], counted from a run's first row."""
    plant, found = spec.plant.with_values(machine), []

    def watch(engine: Engine) -> Iterator[object]:
        while True:
            yield engine.when(spec.ends[0])
            found.append(engine.now - spec.settle)

    Engine(replace(plant, tags={}, solver=Solver("rk4", 5e-3, 1e-6)), behaviours=[watch]).run(spec.settle + until)
    return np.array(found)
