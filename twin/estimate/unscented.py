"""The unscented filter of a plant: joint states and parameters, with a bank of hypotheses about faults beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.declare import Input, Memory, State
from twin.ensemble import Ensemble, compile_plant
from twin.errors import PlantError, SimulationError, SnapshotError
from twin.estimate.bank import Hypotheses, Suspicions, unsuspecting
from twin.estimate.cycle import Moments, Trace, Tuning, assimilate
from twin.estimate.sigma import LINEAR, LOGARITHMIC, Places
from twin.estimate.trial import Trial, remembered, roomy, tried
from twin.plant import Estimation, Plant, Solver, Tag, Unknown

STATE_SPREAD = 1.0
"""A state's first uncertainty, as a multiple of its nominal size."""
STATE_WANDER = 3e-4
"""What the model leaves unsaid of a state in a second, as a multiple of its nominal size."""
NOISE_ROOM = 100.0
"""The adaptive noise may grow to this many times an instrument's own variance."""
UNIT_SECONDS = 200.0
"""A fault may come to its unit severity in this time [s]."""
HEAT, COOLING = 1e4, 4.0
"""See `twin.estimate.cycle.Tuning`: gone after some 40 s."""
LEAST_SHARE = 1e-4
"""Where no noise is declared, what is learnt may be as small as this share of the variance taken at first."""
STEADY = 1e-9
"""An unknown that gains less variance a second, of its spread's square, doesn't move by itself."""
LEAST_NOISE = 1e-3
"""An instrument without declared noise is taken to be off by this share of its reading."""


class Settings(NamedTuple):
    """How the filter is tuned: shares of the newest innovation in noise and test, weight of evidence."""

    adapt: float = 1.0 / 1000.0
    memory: float = 1.0 / 60.0
    temper: float = 0.25


class UnscentedFilter:
    """Belief about a running plant, corrected by its tags.

    Parameters
    ----------
    plant : Plant
        With a section `estimate`.
    watched : sequence of str
        Further quantities whose expected value and spread each instant shows.
    suspect : bool
        Whether to keep a bank of hypotheses about declared faults and instruments.
    solver : Solver, optional
        What forecasts, instead of `rodas4` with the estimation's tolerance.

    Raises
    ------
    PlantError
        If the plant says nothing of its estimation, or no tag sees any unknown.
    """

    def __init__(
        self,
        plant: Plant,
        watched: Sequence[str] = (),
        *,
        suspect: bool = True,
        settings: Settings | None = None,
        solver: Solver | None = None,
    ) -> None:
        if plant.estimation is None:
            raise PlantError(f"{plant.name}: has no section 'estimate'; say in its file what isn't known for certain")
        self.estimation: Estimation = plant.estimation
        self.settings = settings or Settings()
        solver = solver or Solver("rodas4", 1e-3, self.estimation.rtol)
        self.plant = replace(plant, solver=solver, tags={}, schedule=(), limits={})
        named = {path for u in self.estimation.unknowns for path in u.paths}
        self.commands = tuple(t for t in plant.tags.values() if _is_command(plant, t) and t.reads not in named)
        self.tags = tuple(t for t in plant.tags.values() if t not in self.commands)
        self.outputs = (*(t.reads for t in self.tags), *watched)
        self.compiled = compile_plant(self.plant, 64)
        centre = Ensemble(self.plant, 1, self.compiled)
        centre.advance(self.estimation.settle)
        self._begin = centre.member_state()
        self.shown = np.array([float(centre.get(path)[0]) for path in self.outputs])
        self.noise = np.array([_noise(t, y) for t, y in zip(self.tags, self.shown, strict=False)])
        self.trial = self._tried(centre)
        self.unknowns = self._chosen(centre)
        self.names = tuple(u.name for u in self.unknowns)
        self._places = self._placed(centre)
        self._hypotheses, self.suspects = self._supposed(suspect)
        self._size = len(self.unknowns) + len(self.tags)
        members = 1 + 2 * len(self.unknowns) + len(self.suspects)
        self._ensemble = Ensemble(self.plant, members, self.compiled)
        self.start()

    def _tried(self, centre: Ensemble) -> Trial:
        every, plant = self.estimation.every, self.plant
        states = remembered(self.compiled, plant, self._begin, every)
        named = {path for u in self.estimation.unknowns for path in u.paths}
        states = tuple(p for p in states if p not in named and roomy(plant, p, float(centre.get(p)[0])))
        reads = list(self.outputs[: len(self.tags)])
        return tried(
            self.compiled, plant, self._begin, self.estimation.unknowns, states, np.sqrt(self.noise), every, reads
        )

    def _chosen(self, centre: Ensemble) -> tuple[Unknown, ...]:
        states = tuple(
            Unknown(p, (p,), STATE_SPREAD * self.plant.nominal(p), STATE_WANDER * self.plant.nominal(p) * 60.0, False)
            for p in self.trial.remembered
        )
        chosen = (*states, *self.trial.kept)
        if not chosen:
            raise PlantError(f"{self.plant.name}: estimate: no tag sees any unknown; add a tag or widen a spread")
        return chosen

    def _placed(self, centre: Ensemble) -> Places:
        layout, n = self.compiled.layout, len(self.unknowns)
        values = np.array([float(centre.get(u.paths[0])[0]) for u in self.unknowns])
        kind = np.array([LOGARITHMIC if u.relative else LINEAR for u in self.unknowns], np.int64)
        cells = [(i, layout.rows[path]) for i, u in enumerate(self.unknowns) for path in u.paths]
        first = np.array([next(k for k, (j, _) in enumerate(cells) if j == i) for i in range(n)], np.int64)
        taken = {row for _, row in cells}
        followers = [r for r in range(layout.nx) if r not in taken]
        return Places(
            kind,
            values,
            np.array([u.spread for u in self.unknowns]),
            np.full(n, -np.inf),
            np.full(n, np.inf),
            np.array(cells, np.int64),
            first,
            np.array([layout.rows[path] for path in self.outputs], np.int64),
            len(self.tags),
            np.array(followers, np.int64),
            layout.nx,
            layout.xp,
            layout.persistent,
        )

    def _supposed(self, suspect: bool) -> tuple[Hypotheses, tuple[str, ...]]:
        """Return the hypotheses and what they are called: a fault's path, or a tag's name."""
        faults = list(self.trial.faults) if suspect else []
        tags = self.tags if suspect else ()
        rows = [self.compiled.layout.rows[path] for path in faults] + [-1] * len(tags)
        units = [self.trial.faults[path] for path in faults] + list(5.0 * np.sqrt(self.noise[: len(tags)]))
        signed = [self.plant.quantity(p).bounds[0] < 0.0 for p in faults] + [True] * len(tags)
        supposed = Hypotheses(
            np.array(rows, np.int64),
            np.array([-1] * len(faults) + list(range(len(tags))), np.int64),
            np.array(units, float),
            np.where(np.array(signed, bool), -np.inf, 0.0),
            np.full(len(rows), 1.0 / UNIT_SECONDS),
        )
        return supposed, (*faults, *(t.name for t in tags))

    def start(self) -> None:
        """Believe what the plant's file says."""
        n, m, h = len(self.unknowns), len(self.outputs), len(self.suspects)
        self._ensemble.restore(*self._begin)
        accuracy = [self.estimation.accuracy[t.name] for t in self.tags]
        wander = [(u.wander / u.spread) ** 2 / 3600.0 for u in self.unknowns]
        hidden = [np.inf] * (m - len(self.tags))
        least = np.array([*self.noise, *hidden])
        silent = [t.noise == 0.0 and t.quantum == 0.0 for t in self.tags]
        floor = np.where(np.array([*silent, *(False for _ in hidden)]), LEAST_SHARE * least, least)
        self._tuning = Tuning(
            np.array([*wander, *([0.0] * len(self.tags))]), floor, NOISE_ROOM * least,
            self.settings.adapt, self.settings.temper, self.settings.memory, np.ones(self._size),
            HEAT, COOLING,
        )  # fmt: skip
        own = np.diag([1.0] * n + [a * a for a in accuracy])
        covariance = np.hstack([own, np.zeros((self._size, self._places.followers.size))])
        self._moments = Moments(np.zeros(self._size), covariance, least.copy(), np.zeros(m, np.int64))
        followers = self._places.followers.size
        self._suspicions = unsuspecting(h, self._size + followers, m)

    def assimilate(self, times: np.ndarray, readings: np.ndarray, inflation: np.ndarray | None = None) -> Trace:
        """Take in the readings of K instants.

        Parameters
        ----------
        times : (K,)
            Ascending, since the first reading [s].
        readings : (K, tags)
            SI; NaN where there is none that counts.
        inflation : (K, tags), optional
            By how much each reading's variance is larger than that of a good one.

        Raises
        ------
        SimulationError
            If the believed plant itself stops meaning anything; the message says where.
        """
        count, m = len(times), len(self.outputs)
        trace = Trace(
            np.zeros((count, m)), np.zeros((count, m)), np.zeros((count, self._size)), np.zeros((count, self._size)),
            np.zeros((count, 3)), np.zeros(count, np.int64),
        )  # fmt: skip
        padded = np.full((count, m), np.nan)
        padded[:, : len(self.tags)] = readings
        swollen = np.ones((count, m))
        if inflation is not None:
            swollen[:, : len(self.tags)] = inflation
        e, comp = self._ensemble, self.compiled
        done = assimilate(
            comp.kernel.address, comp.kernel.tables, comp.constants, e._z, e._c, comp.shape, comp.program, self._places,
            self._hypotheses, self._tuning, self._moments, self._suspicions, self.estimation.settle,
            np.ascontiguousarray(times, float), padded, swollen, trace,
        )  # fmt: skip
        if done < count:
            raise SimulationError(f"{e.failures().get(0, self.plant.name)}; the twin has lost its plant: start it anew")
        return trace

    def tune(self, settings: Settings) -> None:
        """Change how the filter learns; an `adapt` of 0 holds the noise."""
        self.settings = settings
        self._tuning = self._tuning._replace(adapt=settings.adapt, temper=settings.temper, memory=settings.memory)

    def hold(self, on: bool) -> None:
        """Learn no noise, and correct only what moves by itself (states and what wanders); or all again.

        From then on nothing learns a fault away: what it does to the readings is counted from here.
        """
        if on and not self.holding:
            s = self._suspicions
            s.before[:] += s.size
            s.size[:], s.trail[:, :] = 0.0, 0.0
        steady = self._tuning.wander <= STEADY
        self._tuning.held[:] = np.where(steady & on, 0.0, 1.0)
        self._tuning = self._tuning._replace(adapt=0.0 if on else self.settings.adapt)

    def command(self, readings: Mapping[str, float]) -> None:
        """Hold inputs at what tags of commands and set points say, SI."""
        for tag in self.commands:
            if tag.name in readings:
                self._ensemble.set(tag.reads, readings[tag.name], [0])

    @property
    def suspicions(self) -> Suspicions:
        """What is believed of each of `suspects`."""
        return self._suspicions

    @property
    def holding(self) -> bool:
        """Return whether what is steady is held."""
        return not self._tuning.held.all()

    def severity(self, suspect: int) -> float:
        """Return the estimated severity of a fault, or error of an instrument, SI."""
        s = self._suspicions
        return float((s.before[suspect] + s.size[suspect]) * self._hypotheses.unit[suspect])

    def renew(self, subject: str) -> None:
        """Believe anew what the plant's file says of an asset or a tag: it was replaced or repaired."""
        n = len(self.unknowns)
        fresh = [i for i, u in enumerate(self.unknowns) if any(p.partition(".")[0] == subject for p in u.paths)]
        fresh += [n + j for j, t in enumerate(self.tags) if t.name == subject]
        m = self._moments
        for i in fresh:
            m.covariance[i, :], m.covariance[:, i] = 0.0, 0.0  # its followers' columns too
            m.covariance[i, i] = 1.0 if i < n else self.estimation.accuracy[self.tags[i - n].name] ** 2
            if i >= n or not isinstance(self.plant.quantity(self.unknowns[i].paths[0]), State):
                m.mean[i] = 0.0
        self.forget()

    def forget(self) -> None:
        """Let every hypothesis start anew."""
        for array in self._suspicions:
            array[:] = 0.0

    @property
    def moments(self) -> Moments:
        """Mean and covariance, standardised."""
        return self._moments

    def state(self) -> dict[str, np.ndarray]:
        """Return everything that the next instant depends on, as plain arrays."""
        z, c = self._ensemble.member_state()
        named = {f"moments.{k}": v for k, v in self._moments._asdict().items()}
        named |= {f"suspicions.{k}": v for k, v in self._suspicions._asdict().items()}
        return {"z": z[:, :1].copy(), "c": c[:, :1].copy(), **{k: v.copy() for k, v in named.items()}}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what `state` returned, bit for bit."""
        mine = self.state()
        if state.keys() != mine.keys() or any(state[k].shape != v.shape for k, v in mine.items()):
            raise SnapshotError(f"{self.plant.name}: the belief is of another plant or estimation; start anew")
        self._ensemble.restore(state["z"], state["c"])
        for kind in (self._moments, self._suspicions):
            label = "moments" if kind is self._moments else "suspicions"
            for name, array in kind._asdict().items():
                array[...] = state[f"{label}.{name}"]


def _is_command(plant: Plant, tag: Tag) -> bool:
    return isinstance(plant.quantity(tag.reads), Input | Memory) and tag.reads not in plant.wires


def _noise(tag: Tag, reading: float) -> float:
    """Return the variance that an instrument declares, or a small share of its reading where it declares none."""
    declared = tag.noise**2 + tag.quantum**2 / 12.0
    return declared or (LEAST_NOISE * abs(reading)) ** 2 or LEAST_NOISE**2
