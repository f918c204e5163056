"""Members of one plant, advanced together by one compiled kernel; to fork them is to copy arrays."""

import hashlib
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from twin import families, flat
from twin.behaviour import module_of, tabulated
from twin.declare import State
from twin.drive import DONE, WATCHED, advance, warm
from twin.errors import PlantError, SimulationError, SnapshotError, unknown
from twin.explain import explained
from twin.kernel import Kernel, Program, Shape
from twin.layout import Control, Flag, Layout
from twin.module import compile_aside
from twin.plant import METHODS, Plant, setting
from twin.stops import COUNTERS

if TYPE_CHECKING:
    from twin.flow.joined import Joined

Form = Literal["families", "flat"]

LANES = {"rk4": 64, "dp5": 16, "rodas4": 16}
"""Block width by method: adaptive lanes wait for each other, so theirs are narrower."""

_SLOTS = 4096
_MOST_SAMPLES = 4_000_000
_LOG_SLOTS = 4096


class Happening(NamedTuple):
    """A transition that took place: when [s], in which member, what (``asset.guard`` or ``asset.due``)."""

    time: float
    member: int
    name: str


class Samples(NamedTuple):
    """What tags with one period read: times [s] of shape (n,), SI values of shape (tags, members, n)."""

    tags: tuple[str, ...]
    times: np.ndarray
    values: np.ndarray


class Compiled(NamedTuple):
    """A plant's kernel with its tables; members of any number share it."""

    layout: Layout
    kernel: Kernel
    program: Program
    shape: Shape
    constants: np.ndarray
    keep: tuple[Any, ...]


def compile_plant(
    plant: Plant,
    members: int = 1,
    *,
    form: Form = "families",
    real: type[np.floating] = np.float64,
    width: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Compiled:
    """Return the compiled kernel of `plant` for this many members.

    Parameters
    ----------
    form : {"families", "flat"}
        Class kernels driven by tables (a plant of known equipment compiles nothing), or one module for
        the whole plant (faster below some twenty assets, slow to compile). Both give the same bits in float64.
    real : numpy.float64 or numpy.float32
        float32 is for generating data; it needs rk4.
    """
    method = plant.solver.method
    if form not in ("families", "flat"):
        raise PlantError(f"{plant.name}: {unknown('form', form, ('families', 'flat'))}")
    if method not in METHODS or not plant.solver.step > 0.0 or not plant.solver.rtol > 0.0:
        raise PlantError(f"{plant.name}: solver {plant.solver}: method, step and rtol don't make sense; mend them")
    if real is np.float32 and method != "rk4":
        raise PlantError(f"{plant.name}: solver: float32 runs with rk4 only, not {method}; choose rk4 or float64")
    layout = Layout.of(plant, width or (1 if members == 1 else LANES[method]), real)
    if form == "families" and method == "rodas4":
        layout = families.stiff_layout(layout)
    _compile_in_parallel(layout, method, form, progress)
    program, keep = tabulated(layout)
    shape = Shape(layout.width, layout.nx, layout.ng, layout.gp, layout.g, layout.xp)
    nominal = [plant.nominal(p) for p in layout.states]
    tolerances = [plant.solver.rtol * n * 1e-3 for n in nominal]
    constants = np.array([plant.solver.rtol, plant.solver.max_step, *tolerances, *layout.constants])
    build = flat.build if form == "flat" else families.build
    return Compiled(layout, build(layout, method, progress=progress), program, shape, constants, keep)


def _compile_in_parallel(layout: Layout, method: str, form: Form, progress: Callable[[str], None]) -> None:
    """Compile what is new: equipment in another process, driver and stepper, which all plants share, in this one."""
    classes = [module_of(g.cls) for g in layout.groups if g.cls.transitions]
    classes += families.modules(layout, method) if form == "families" else []
    aside = compile_aside(classes)
    if aside:
        progress(f"{len(layout.groups)} kinds of equipment, in another process")
    warm(layout.real)
    if form == "families":
        families.stepper(method, layout.width, layout.real)
    if aside:
        aside.wait()


class Ensemble:
    """Members of a plant: the same equipment with other numbers, at the same time.

    Parameters
    ----------
    plant : Plant
    members : int
    compiled : Compiled, optional
        A kernel to share; compiled (or loaded) where omitted.
    seeds : numpy.ndarray, optional
        Of each member's flow, uint64; without, a plant's flow stands still.
    """

    def __init__(
        self, plant: Plant, members: int = 1, compiled: Compiled | None = None, *, seeds: np.ndarray | None = None,
        **options: Any,
    ) -> None:  # fmt: skip
        if members < 1:
            raise PlantError(f"{plant.name}: {members} members; an ensemble has at least one")
        self.plant, self.members = plant, members
        self.compiled = compiled or compile_plant(plant, members, **options)
        lay, blocks = self.layout, -(-members // self.layout.width)
        self._z = np.zeros((blocks, lay.nz, lay.width), lay.real)
        self._c = np.zeros((blocks, lay.nc, lay.width))
        self._samples: list[list[np.ndarray]] = [[] for _ in lay.periods]
        self._happenings: list[np.ndarray] = []
        self._log = np.empty((_LOG_SLOTS + len(lay.guards) + len(lay.dues), 3))
        self._rest()
        self.flow: Joined | None = None
        if plant.flow is not None and seeds is not None:
            from twin.flow import joined, laying  # which take seconds to compile: not for plants without a flow

            laid = laying.Laid(plant.flow)
            self.join(joined.Joined(self.layout, laid, laid.floor(seeds)))

    def join(self, flow: "Joined") -> None:
        """Let every member have a flow, which its equipment drives and is driven by."""
        self.flow = flow
        self.compiled = self.compiled._replace(program=flow.program(self.compiled.program))

    @property
    def layout(self) -> Layout:
        """Rows of the plant's quantities."""
        return self.compiled.layout

    def _rest(self) -> None:
        """Put every member at the plant's initial values."""
        lay = self.layout
        z, c = self._z, self._c
        for path, row in lay.rows.items():
            z[:, row] = self.plant.value(path)
        for i in range(lay.nx):
            z[:, lay.xp + i] = z[:, i]
        z[:, lay.gp : lay.gp + lay.ng] = -1.0  # armed: a guard already positive at the start fires once
        c[:, Control.H] = self.plant.solver.step
        c[:, Control.CAP] = c[:, Control.GAP] = math.inf
        c[:, Control.LAST_EVENT] = -math.inf
        for path, row in lay.dues.items():
            c[:, row] = self.plant.value(path)

    def rows(self, blocks: np.ndarray, row: int | np.ndarray) -> np.ndarray:
        """Return a copy of rows for every member, shape (..., members)."""
        if isinstance(row, int):
            return blocks[:, row].reshape(-1)[: self.members].copy()
        view = blocks[:, row]
        return np.moveaxis(view, 0, -2).reshape(*view.shape[1:-1], -1)[..., : self.members]

    @property
    def time(self) -> float:
        """Time of the slowest member that has not failed, or of the slowest where all have [s]."""
        times, failed = self.rows(self._c, int(Control.T)), self._failed()
        return float((times if failed.all() else times[~failed]).min())

    def _failed(self) -> np.ndarray:
        flags = self.rows(self._c, int(Control.FLAG))
        failed: np.ndarray = (flags > DONE) & (flags < WATCHED)
        return failed

    def steps(self) -> np.ndarray:
        """Return how many steps each member has taken, shape (members,)."""
        return self.rows(self._c, int(Control.STEPS))

    def get(self, path: str) -> np.ndarray:
        """Return ``asset.quantity`` of every member, SI, shape (members,).

        Outputs and wired inputs are those of the last instant at which the solver stopped.
        """
        lay = self.layout
        self.plant.quantity(path)
        if path in lay.dues:
            return self.rows(self._c, lay.dues[path])
        return self.rows(self._z, lay.rows[path]).astype(np.float64)

    def set(self, path: str, value: float | np.ndarray, members: Any = slice(None)) -> None:
        """Set ``asset.quantity`` of some members, SI; refused where unknown, computed, wired or out of bounds."""
        lay = self.layout
        try:
            chosen = np.atleast_1d(np.arange(self.members)[members])
            value = np.broadcast_to(np.asarray(value, float), chosen.shape)
        except (TypeError, ValueError, IndexError) as err:
            raise PlantError(
                f"{path}: {self.members} members can't be set to this: {err}; give numbers in SI"
            ) from None
        for number in (value.min(), value.max()) if value.size else ():  # what is between is in bounds too
            setting(self.plant, path, float(number))
        block, lane = np.divmod(chosen, lay.width)
        if path in lay.dues:
            self._c[block, lay.dues[path], lane] = value
        else:
            self._z[block, lay.rows[path], lane] = value
            if isinstance(self.plant.quantity(path), State):
                self._z[block, lay.xp + lay.rows[path], lane] = value

    def watch(self, name: str, on: bool = True) -> None:
        """Stop advancing whenever the guard or due ``asset.name`` happens."""
        codes = [*self.layout.guards, *self.layout.dues]
        if name not in codes:
            raise PlantError(f"{self.plant.name}: {unknown('guard or due', name, codes)}")
        watched = self.compiled.program.watched.copy()
        watched[codes.index(name)] = int(on)
        self.compiled = self.compiled._replace(program=self.compiled.program._replace(watched=watched))

    def advance(self, until: float) -> bool:
        """Advance every member to `until` [s]; return False where a watched event stopped one before.

        Raises
        ------
        SimulationError
            If `until` is not a finite time from now on; or if a member's numbers stop meaning anything:
            not finite, out of bounds, no step small enough, events without end. The message names time,
            asset, quantity and value. The other members have then reached `until`.
        """
        now, reached = self.time, True
        if not now <= until < math.inf:
            raise SimulationError(f"{self.plant.name}: t = {now:g} s: can't advance to {until:g} s; give a later time")
        while reached:
            end = self._window(now, until)
            reached = self._advance_window(now, end)
            if end >= until:
                break
            now = self.time
        if self._failed().any():
            self._refuse_failed()
        return reached

    def _window(self, now: float, until: float) -> float:
        """Return a time up to which no sample buffer overflows."""
        periods = self.layout.periods
        slots = min(_SLOTS, _MOST_SAMPLES // max(1, len(self.plant.tags) * self.members))
        return min(until, now + max(1, slots - 2) * periods[0]) if periods else until

    def _advance_window(self, now: float, until: float) -> bool:
        lay, comp = self.layout, self.compiled
        slots = [int(max(until - now, 0.0) / p) + 3 for p in lay.periods] or [1]
        samples = np.empty((len(comp.program.sample_rows), self.members, max(slots)))
        counts = np.zeros((len(lay.periods), self.members), np.int64)
        full = True
        while full:
            count, full = advance(
                comp.kernel.address, comp.kernel.tables, comp.constants, self._z, self._c,
                self.members, until, comp.shape, comp.program, samples, counts, self._log,
            )  # fmt: skip
            if count:
                self._happenings.append(self._log[:count].copy())
            if self.flow is not None and (self.rows(self._c, int(Control.FLAG)) == Flag.FULL).any():
                self.flow.grow()
                full = True
        failed = self._failed()
        if failed.all() or (failed.any() and self.members == 1):
            self._refuse_failed()
        for k in range(len(lay.periods)):
            n = int(counts[k][~failed].min())
            if n:
                rows = slice(comp.program.sample_starts[k], comp.program.sample_starts[k + 1])
                self._samples[k].append(samples[rows, :, :n].copy())
        return not (self.rows(self._c, int(Control.FLAG)) == WATCHED).any()

    def _refuse_failed(self) -> None:
        failures = self.failures()
        if failures:
            others = f" (and {len(failures) - 1} other members failed)" if len(failures) > 1 else ""
            raise SimulationError(next(iter(failures.values())) + others)

    def failures(self) -> dict[int, str]:
        """Return the reason why each failed member stands still; its numbers are those of that instant."""
        flags = self.rows(self._c, int(Control.FLAG))
        return {int(m): explained(self, int(m), Flag(int(flags[m]))) for m in np.flatnonzero(self._failed())}

    def take_samples(self) -> Iterator[Samples]:
        """Yield and forget what tags have read since the last call, a period at a time."""
        lay = self.layout
        for k, period in enumerate(lay.periods):
            tags = tuple(t.name for t in self.plant.tags.values() if t.every == period)
            taken = int(self.rows(self._c, COUNTERS + k)[~self._failed()].min(initial=2**53))
            chunks, self._samples[k] = self._samples[k], []
            if chunks:
                values = np.concatenate(chunks, axis=2)
                times = np.arange(taken - values.shape[2], taken) * period
                yield Samples(tags, times, values)

    def take_happenings(self) -> list[Happening]:
        """Return and forget the transitions since the last call, in the order of time and member."""
        names = [*self.layout.guards, *self.layout.dues]
        rows = [row for chunk in self._happenings for row in chunk.tolist()]
        self._happenings = []
        rows.sort(key=lambda row: (row[0], row[1]))
        return [Happening(t, int(m), names[int(code)]) for t, m, code in rows]

    def member_state(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the whole state of every member: rows of ``z`` and of control, each (rows, members)."""
        lay = self.layout
        return self.rows(self._z, lay.member_rows()), self.rows(self._c, lay.member_controls())

    def restore(self, z: np.ndarray, c: np.ndarray) -> None:
        """Put back what `member_state` returned; one member's state is copied to every member."""
        lay = self.layout
        rows = (len(lay.member_rows()), len(lay.member_controls()))
        if (len(z), len(c)) != rows or z.shape[1:] != c.shape[1:] or z.shape[1] not in (1, self.members):
            raise SnapshotError(
                f"{self.plant.name}: a state of {z.shape} and {c.shape} numbers doesn't fit {self.members} members "
                f"of {rows[0]} and {rows[1]}; restore one member, or as many as there are"
            )
        for blocks, chosen, values in ((self._z, lay.member_rows(), z), (self._c, lay.member_controls(), c)):
            spread = np.broadcast_to(values, (len(chosen), self.members))
            padded = np.repeat(spread[:, -1:], len(blocks) * lay.width, axis=1)
            padded[:, : self.members] = spread
            blocks[:, chosen] = np.moveaxis(padded.reshape(len(chosen), len(blocks), lay.width), 1, 0)
        self._z[:, lay.xp : lay.xp + lay.nx] = self._z[:, : lay.nx]
        self._c[:, Control.TP] = self._c[:, Control.T]
        self._c[:, Control.FLAG] = Flag.RUNNING

    def digest(self) -> str:
        """Return a hash of the whole state of every member."""
        z, c = self.member_state()
        flow = self.flow.floor.tobytes() if self.flow is not None else b""
        return hashlib.sha256(np.ascontiguousarray(z).tobytes() + np.ascontiguousarray(c).tobytes() + flow).hexdigest()
