"""The ensemble filter of a plant: members with modes of their own, for plants whose modes no instrument shows."""

from collections.abc import Mapping, Sequence

import numpy as np

from twin.declare import State
from twin.ensemble import Ensemble
from twin.errors import PlantError, SimulationError, SnapshotError
from twin.estimate.bank import Hypotheses, Suspicions, unsuspecting
from twin.estimate.cycle import Moments, Trace
from twin.estimate.ground import Ground, ground
from twin.estimate.intake import Settings, first_noise, held, laid_out, spreads, traced, tuned
from twin.estimate.members import belief_of, redraw
from twin.estimate.scatter import Belief, assimilate
from twin.estimate.sigma import Places
from twin.plant import Plant, Solver
from twin.streams import member_seeds, normal, normal_at

MEMBERS = 100
"""Members, where a plant doesn't need more of them."""
MICRO = 1e6
"""Numbers are drawn for an instant by the microsecond at which it is."""
BATCH = 256
"""Instants for which numbers are drawn at once."""


class EnsembleFilter:
    """Belief about a running plant as a crowd of plants, each with its own states, parameters and modes.

    It keeps no hypotheses about faults: `suspicions` tells only how much the readings disagree.

    Parameters
    ----------
    plant : Plant
        With a section `estimate`.
    watched : sequence of str
        Further quantities whose expected value and spread each instant shows.
    settings : Settings, optional
    solver : Solver, optional
        What forecasts, instead of `rodas4` with the estimation's tolerance.
    members : int, optional
        How many; by default a hundred, or as many as it takes to tell the unknowns apart.
    seed : int
        What is drawn is a function of seed, member, unknown and instant.

    Raises
    ------
    PlantError
        If the plant says nothing of its estimation, no tag sees any unknown, or members are too few.
    """

    def __init__(
        self,
        plant: Plant,
        watched: Sequence[str] = (),
        *,
        settings: Settings | None = None,
        solver: Solver | None = None,
        members: int | None = None,
        seed: int = 0,
    ) -> None:
        self._ground: Ground = ground(plant, watched, solver=solver)
        start = self._ground
        self.plant, self.estimation, self.settings = start.plant, start.estimation, settings or Settings()
        self.commands, self.tags, self.outputs = start.commands, start.tags, start.outputs
        self.compiled, self.shown, self.noise = start.compiled, start.shown, start.noise
        self.trial, self.unknowns, self.suspects = start.trial, start.unknowns, ()
        self.names = tuple(u.name for u in self.unknowns)
        self._tuning, self._size = tuned(start, self.settings), len(self.unknowns) + start.places.biases
        self._walkers = np.flatnonzero(self._tuning.wander).astype(np.int64)
        self._steady = np.array([not self._is_state(i) for i in range(self._size)])
        least = 2 + self._size + self._ground.places.followers.size + self._walkers.size
        if members is not None and members < least:
            raise PlantError(f"{plant.name}: {members} members can't tell its unknowns apart; take {least} or more")
        self.members = members or max(MEMBERS, least)
        self._seeds = member_seeds(seed, self.members)
        self._ensemble = Ensemble(self.plant, self.members, self.compiled)
        self.start()

    def _is_state(self, i: int) -> bool:
        return i < len(self.unknowns) and isinstance(self.plant.quantity(self.unknowns[i].paths[0]), State)

    def start(self) -> None:
        """Believe what the plant's file says: members are drawn about it."""
        m = len(self.outputs)
        self._tuning, self._holding = tuned(self._ground, self.settings), False
        none = np.zeros(0, np.int64)
        self._hypotheses = Hypotheses(none, none, np.zeros(0), np.zeros(0), np.zeros(0))
        self._suspicions = unsuspecting(0, self._size, m)
        biases = np.zeros((self._ground.places.biases, self.members))
        self._belief = Belief(biases, first_noise(self._ground), np.zeros(m, np.int64))
        self._ensemble.restore(*self._ground.begin)
        self._draw(np.arange(self._size), np.zeros(self._size), "start", 0)

    def _draw(self, chosen: np.ndarray, centres: np.ndarray, purpose: str, instant: int) -> None:
        """Draw unknowns and biases anew."""
        names = (*self.names, *(f"bias of {t.name}" for t in self.tags))
        draws = np.array([normal(self._seeds, names[i], purpose, instant, 1)[:, 0] for i in chosen])
        e, comp = self._ensemble, self.compiled
        redraw(
            e._z, comp.shape.width, self._ground.places, comp.program.bounds, self._belief.biases,
            chosen.astype(np.int64), spreads(self._ground)[chosen], centres, draws,
        )  # fmt: skip

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
            If all members but one stop meaning anything; the message says where the first did.
        """
        count, trace = len(times), traced(len(times), self._ground)
        padded = laid_out(readings, count, self._ground, np.nan)
        swollen = laid_out(inflation, count, self._ground, 1.0)
        times = np.ascontiguousarray(times, float)
        for first in range(0, count, BATCH):
            part = slice(first, first + BATCH)
            self._take(times[part], padded[part], swollen[part], Trace(*(array[part] for array in trace)))
        return trace

    def _take(self, times: np.ndarray, readings: np.ndarray, inflation: np.ndarray, trace: Trace) -> None:
        e, comp = self._ensemble, self.compiled
        done = assimilate(
            comp.kernel.address, comp.kernel.tables, comp.constants, e._z, e._c, comp.shape, comp.program,
            self._ground.places, self._hypotheses, self._tuning, self._steady, self._belief, self._suspicions,
            self._walkers, self._steps(times), self.estimation.settle, times, readings, inflation, trace,
        )  # fmt: skip
        if done < len(times):
            first = next(iter(e.failures().values()), self.plant.name)
            raise SimulationError(f"{first}; so did the other members: the twin has lost its plant: start it anew")

    def _steps(self, times: np.ndarray) -> np.ndarray:
        """Return what each unknown that wanders draws at these instants, (K, walkers, members)."""
        instants = np.round(times * MICRO).astype(np.int64)
        draws = np.empty((len(times), len(self._walkers), self.members))
        for w, i in enumerate(self._walkers):
            draws[:, w] = normal_at(self._seeds, self.names[i], "wander", instants).T
        return draws

    def tune(self, settings: Settings) -> None:
        """Change how the filter learns; an `adapt` of 0 holds the noise."""
        self.settings = settings
        self._tuning = self._tuning._replace(adapt=settings.adapt, temper=settings.temper, memory=settings.memory)

    def hold(self, on: bool) -> None:
        """Learn no noise, and correct only what moves by itself (states and what wanders); or all again."""
        self._tuning, self._holding = held(self._tuning, self.settings, self.unknowns, on), on

    @property
    def holding(self) -> bool:
        """Return whether what is steady is held."""
        return self._holding

    def command(self, readings: Mapping[str, float]) -> None:
        """Hold inputs and modes of every member at what tags of commands and set points say, SI."""
        for tag in self.commands:
            if tag.name in readings:
                self._ensemble.set(tag.reads, readings[tag.name])

    @property
    def suspicions(self) -> Suspicions:
        """What is left of the innovations; there are no hypotheses."""
        return self._suspicions

    def severity(self, suspect: int) -> float:
        """Refuse: there are no hypotheses."""
        raise IndexError(f"{self.plant.name}: an ensemble filter has no hypothesis {suspect}")

    unit = deviation = severity

    @property
    def places(self) -> Places:
        """How unknowns are standardised, and where they stand in a member."""
        return self._ground.places

    def forget(self) -> None:
        """Let the evidence that something is wrong start anew."""
        for array in self._suspicions:
            array[:] = 0.0

    def renew(self, subject: str) -> None:
        """Believe anew what the plant's file says of an asset or a tag: it was replaced or repaired."""
        n = len(self.unknowns)
        fresh = [i for i, u in enumerate(self.unknowns) if any(p.partition(".")[0] == subject for p in u.paths)]
        fresh += [n + j for j, t in enumerate(self.tags[: self._ground.places.biases]) if t.name == subject]
        if fresh:
            chosen = np.array(fresh)
            centres = np.where(self._steady[chosen], 0.0, np.nan)
            self._draw(chosen, centres, "renew", round(self._ensemble.time * MICRO))
        self.forget()

    @property
    def moments(self) -> Moments:
        """Mean and covariance of the members, standardised; noise and outliers."""
        places, e = self._ground.places, self._ensemble
        x = np.empty((self._size + places.followers.size, self.members))
        mean = np.empty(len(x))
        belief_of(e._z, self.compiled.shape.width, places, self._belief.biases, x, mean)
        covariance = x[: self._size] @ x.T / (self.members - 1)
        return Moments(mean[: self._size], covariance, self._belief.noise, self._belief.outliers)

    def get(self, path: str) -> np.ndarray:
        """Return ``asset.quantity`` of every member, SI, shape (members,)."""
        return self._ensemble.get(path)

    def state(self) -> dict[str, np.ndarray]:
        """Return everything that the next instant depends on, as plain arrays."""
        z, c = self._ensemble.member_state()
        own = {"z": z, "c": c, "holding": np.array([self._holding])}
        return {k: v.copy() for k, v in {**own, **self._parts()}.items()}

    def _parts(self) -> dict[str, np.ndarray]:
        named = {f"belief.{k}": v for k, v in self._belief._asdict().items()}
        return named | {f"suspicions.{k}": v for k, v in self._suspicions._asdict().items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what `state` returned, bit for bit."""
        mine = self.state()
        if state.keys() != mine.keys() or any(state[k].shape != v.shape for k, v in mine.items()):
            raise SnapshotError(f"{self.plant.name}: the belief is of another plant or estimation; start anew")
        self._ensemble.restore(state["z"], state["c"])
        self.hold(bool(state["holding"][0]))
        for name, array in self._parts().items():
            array[...] = state[name]
