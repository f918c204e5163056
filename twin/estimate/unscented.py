"""The unscented filter of a plant: joint states and parameters, with a bank of hypotheses about faults beside it."""

from collections.abc import Mapping, Sequence

import numpy as np

from twin.declare import State
from twin.ensemble import Ensemble
from twin.errors import SimulationError, SnapshotError
from twin.estimate.bank import Hypotheses, Suspicions, unsuspecting
from twin.estimate.cycle import Moments, Trace, assimilate
from twin.estimate.ground import ground
from twin.estimate.intake import Settings, first_noise, held, laid_out, spreads, traced, tuned
from twin.estimate.sigma import Places
from twin.plant import Plant, Solver

UNIT_SECONDS = 200.0
"""A fault may come to its unit severity in this time [s]."""


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
        self._ground = start = ground(plant, watched, solver=solver)
        self.plant, self.estimation, self.settings = start.plant, start.estimation, settings or Settings.of(plant)
        self.commands, self.tags, self.outputs = start.commands, start.tags, start.outputs
        self.compiled, self._begin, self.shown, self.noise = start.compiled, start.begin, start.shown, start.noise
        self.trial, self.unknowns, self._places = start.trial, start.unknowns, start.places
        self.names = tuple(u.name for u in self.unknowns)
        self._hypotheses, self.suspects = self._supposed(suspect)
        self._size = len(self.unknowns) + self._places.biases
        members = 1 + 2 * len(self.unknowns) + len(self.suspects)
        self._ensemble = Ensemble(self.plant, members, self.compiled)
        self.start()

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
        m, h, followers = len(self.outputs), len(self.suspects), self._places.followers.size
        self._ensemble.restore(*self._begin)
        self._tuning, self._holding = tuned(self._ground, self.settings), False
        covariance = np.hstack([np.diag(spreads(self._ground) ** 2), np.zeros((self._size, followers))])
        self._moments = Moments(np.zeros(self._size), covariance, first_noise(self._ground), np.zeros(m, np.int64))
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
        count, trace = len(times), traced(len(times), self._ground)
        padded = laid_out(readings, count, self._ground, np.nan)
        swollen = laid_out(inflation, count, self._ground, 1.0)
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
        self._tuning, self._holding = held(self._tuning, self.settings, self.unknowns, on), on

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
        return self._holding

    def severity(self, suspect: int) -> float:
        """Return the estimated severity of a fault, or error of an instrument, SI."""
        s = self._suspicions
        return float((s.before[suspect] + s.size[suspect]) * self._hypotheses.unit[suspect])

    def renew(self, subject: str) -> None:
        """Believe anew what the plant's file says of an asset or a tag: it was replaced or repaired."""
        n = len(self.unknowns)
        fresh = [i for i, u in enumerate(self.unknowns) if any(p.partition(".")[0] == subject for p in u.paths)]
        fresh += [n + j for j, t in enumerate(self.tags[: self._places.biases]) if t.name == subject]
        m, own = self._moments, spreads(self._ground)
        for i in fresh:
            m.covariance[i, :], m.covariance[:, i] = 0.0, 0.0  # its followers' columns too
            m.covariance[i, i] = own[i] ** 2
            if i >= n or not isinstance(self.plant.quantity(self.unknowns[i].paths[0]), State):
                m.mean[i] = 0.0
        self.forget()

    @property
    def places(self) -> Places:
        """How unknowns are standardised, and where they stand in a member."""
        return self._places

    @property
    def wander(self) -> np.ndarray:
        """Return by which variance a second what is estimated wanders, as the filter counts it, (n,)."""
        return self._tuning.wander

    def unit(self, suspect: int) -> float:
        """Return the severity, SI, in which a hypothesis counts."""
        return float(self._hypotheses.unit[suspect])

    def deviation(self, suspect: int) -> float:
        """Return the standard deviation of `severity`, SI."""
        return float(np.sqrt(self._suspicions.variance[suspect]) * abs(self._hypotheses.unit[suspect]))

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
        one = {"z": z[:, :1], "c": c[:, :1], "holding": np.array([self._holding])}
        return {k: v.copy() for k, v in {**one, **named}.items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what `state` returned, bit for bit."""
        mine = self.state()
        if state.keys() != mine.keys() or any(state[k].shape != v.shape for k, v in mine.items()):
            raise SnapshotError(f"{self.plant.name}: the belief is of another plant or estimation; start anew")
        self._ensemble.restore(state["z"], state["c"])
        self._holding = bool(state["holding"][0])
        self._tuning = held(self._tuning, self.settings, self.unknowns, self._holding)
        for kind in (self._moments, self._suspicions):
            label = "moments" if kind is self._moments else "suspicions"
            for name, array in kind._asdict().items():
                array[...] = state[f"{label}.{name}"]
