"""The engine of every recipe: blocks of readings in, cleaned blocks out, live or recorded.

Every test looks back only, and what a reading becomes depends on the readings before it, not on where
the stream was cut into blocks. Values are converted and calibrated; what looks wrong is flagged, never
altered; every finding is counted.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from twin.clean.block import BAD, NEVER, STATUSES, UNCERTAIN, Block, is_bad, joined, worse
from twin.clean.columns import Columns
from twin.clean.grid import Pending, Point, Reading, aligned, settled
from twin.clean.meter import Count, calibrated, counted, decoded, mapped
from twin.clean.names import wire_names
from twin.clean.recipe import Recipe
from twin.clean.sequence import Heads, Standing, Still, Window, deviation, run_starts, standing, still
from twin.clean.tally import Cause, Tally
from twin.errors import DataError, PlantError, SnapshotError, TwinError, unknown
from twin.units import scale

FORMAT = 1
_CONFIGURATION = np.uint32(STATUSES["BadConfigurationError"])


class Cleaner:
    """Turns readings as sources say them into readings a twin can use.

    Parameters
    ----------
    recipe : Recipe
        What is done to each tag.
    units : mapping of str to str, optional
        The unit in which a source gives a tag, by the tag's or the source's name, see `declare`; a tag that
        isn't named is in the recipe's unit, else in the one the plant shows it in.

    Raises
    ------
    PlantError
        If a unit measures something else than its tag.
    """

    def __init__(self, recipe: Recipe, units: Mapping[str, str] | None = None) -> None:
        self.recipe = recipe
        self.tags = tuple(steps.tag for steps in recipe.tags)
        self._names = {name: n for n, name in enumerate(wire_names(self.tags).values())}
        self._names |= {name: n for n, steps in enumerate(recipe.tags) for name in (steps.tag, *steps.names)}
        count = len(recipe.tags)
        self._units = [steps.unit or steps.shown for steps in recipe.tags]
        self._factor, self._zero = np.ones(count), np.zeros(count)
        for number in range(count):
            self._convert(number)
        self.tally = Tally(self.tags)
        self._limits = Columns.of(recipe.tags)
        longest = max(self._limits.windows, default=1)
        self._heads, self._still, self._window = Heads.new(count), Still.new(count), Window.new(count, longest)
        self._count, self._pending, self._piece = Count.new(count), Pending.new(count), np.full(count, -1)
        for name, unit in (units or {}).items():
            self.declare(name, unit)

    def _convert(self, number: int) -> None:
        steps = self.recipe.tags[number]
        try:
            self._factor[number], self._zero[number] = scale(self._units[number], steps.si)
        except TwinError as err:
            raise PlantError(f"{steps.tag}: {err}") from None

    def find(self, name: str) -> int | None:
        """Return the index of the tag that a source calls `name`, or None."""
        return self._names.get(name)

    def declare(self, name: str, unit: str = "") -> int:
        """Take note of the unit in which a source gives a tag, and return the tag's index.

        Raises
        ------
        PlantError
            If there is no such tag, the unit measures something else, or the recipe names another unit for it.
        """
        number = self.find(name)
        if number is None:
            raise PlantError(f"{name!r:.90}: {unknown('tag', name, self._names)}")
        steps = self.recipe.tags[number]
        if not unit or unit == self._units[number]:
            return number
        before = self._units[number]
        try:
            other = scale(unit, steps.si)
        except TwinError as err:
            raise PlantError(f"{steps.tag}: the source says {unit!r:.40}: {err}") from None
        if steps.unit and not np.allclose(other, (self._factor[number], self._zero[number]), rtol=1e-12, atol=0.0):
            raise PlantError(
                f"{steps.tag}: the source gives it in {unit!r}, the recipe in {before!r}; mend the one that is wrong"
            )
        self._units[number], (self._factor[number], self._zero[number]) = unit, other
        return number

    def put(self, block: Block) -> Block:
        """Return what the recipe makes of the next readings, in order of arrival.

        Repeated readings are left out; those of a tag on a grid are replaced by the grid's points, each where
        the reading arrived that settled it.

        Raises
        ------
        DataError
            If a reading is of no tag of the recipe.
        """
        if not block.tag.size:
            return block
        if int(block.tag.min()) < 0 or int(block.tag.max()) >= len(self.tags):
            raise DataError(f"a reading is of tag number {block.tag.max()}; there are {len(self.tags)}")
        order = np.argsort(block.tag, kind="stable")
        rows = block.part(order)
        self.tally.arrive(rows.tag)
        place = standing(rows, run_starts(rows.tag), self._heads)
        self._note_order(rows, place)
        quality = self._status(rows, place)
        value = self._metered_values(rows, quality, place)
        with np.errstate(over="ignore", invalid="ignore"):
            value = value * self._factor[rows.tag] + self._zero[rows.tag]
        self._flag("not_a_number", rows, quality, ~np.isfinite(value) & ~is_bad(quality), np.uint32(BAD))
        out = (value < self._limits.low[rows.tag]) | (value > self._limits.high[rows.tag])
        self._flag("range", rows, quality, out & ~is_bad(quality), self._limits.outside[rows.tag])
        usable = place.fresh & ~is_bad(quality)
        self._look_back(rows, value, quality, usable)
        return self._arranged(rows._replace(value=value, quality=quality), order, place)

    def finish(self) -> Block:
        """Return the points of the grids that only the end of the stream settles."""
        points: list[tuple[int, Point]] = []
        for number in np.flatnonzero(self._limits.on_grid):
            align = self.recipe.tags[number].align
            points += [(int(number), point) for point in settled(align, self._pending, int(number), 0)] if align else []
        return self._left(_block_of(points))

    def conversions(self) -> tuple[tuple[str, str, str], ...]:
        """Return the name, the unit given and the SI unit of every tag."""
        return tuple((s.tag, unit, s.si) for s, unit in zip(self.recipe.tags, self._units, strict=True))

    def silent(self, now: int) -> np.ndarray:
        """Return which tags have been silent for longer than their gap, at an instant [us UTC]; shape (tags,)."""
        heard = self._heads.time != NEVER
        return np.asarray(
            heard & (self._limits.gap > 0) & (now - np.where(heard, self._heads.time, now) > self._limits.gap)
        )

    def state(self) -> dict[str, Any]:
        """Return all that the next blocks depend on, as arrays, text and numbers in dicts."""
        arrays = {name: {k: v.copy() for k, v in part._asdict().items()} for name, part in self._memory().items()}
        return {
            "format": FORMAT,
            "recipe": self.recipe.digest,
            "units": list(self._units),
            "piece": self._piece.copy(),
            "tally": self.tally.state(),
            **arrays,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned.

        Raises
        ------
        SnapshotError
            If it is of another recipe or format.
        """
        if state.get("format") != FORMAT or state.get("recipe") != self.recipe.digest:
            raise SnapshotError("the state is that of another recipe; start anew, or take the recipe it was made with")
        self._units = list(state["units"])
        for number in range(len(self.tags)):
            self._convert(number)
        self._piece[...] = state["piece"]
        self.tally.restore(state["tally"])
        for name, part in self._memory().items():
            for field, array in part._asdict().items():
                array[...] = state[name][field]

    def _memory(self) -> dict[str, Any]:
        return {
            "heads": self._heads,
            "still": self._still,
            "window": self._window,
            "count": self._count,
            "pending": self._pending,
        }

    def _note(self, cause: Cause, rows: Block, where: np.ndarray, value: np.ndarray | None = None) -> None:
        if where.any():
            self.tally.found(cause, rows.tag[where], rows.time[where], (rows.value if value is None else value)[where])

    def _flag(self, cause: Cause, rows: Block, quality: np.ndarray, where: np.ndarray, code: Any) -> None:
        """Count readings and lower their status, in place."""
        if where.any():
            self._note(cause, rows, where)
            quality[where] = worse(quality, np.broadcast_to(code, quality.shape))[where]

    def _note_order(self, rows: Block, place: Standing) -> None:
        self._note("duplicate", rows, place.again)
        self._note("late", rows, place.late)
        gap = self._limits.gap[rows.tag]
        self._note("gap", rows, place.fresh & (gap > 0) & (place.silence > gap), place.silence * 1e-6)

    def _status(self, rows: Block, place: Standing) -> np.ndarray:
        """Return the statuses as OPC UA knows them; what is no number or contradicts itself is Bad."""
        quality = rows.quality.copy()
        for number, part in _runs(rows.tag, self._limits.mapped):
            here = np.zeros(quality.size, np.bool_)
            said = quality[part].copy()
            quality[part], foreign = mapped(self.recipe.tags[number].quality, said)
            here[part] = foreign
            self._flag("quality_unknown", rows, quality, here, _CONFIGURATION)
            here[part] = (quality[part] != said) & ~foreign
            self._note("quality_mapped", rows, here)
        reserved = quality >= np.uint32(0xC0000000)
        if reserved.any():
            self._note("quality_unknown", rows, reserved)
            quality[reserved] = BAD
        self._flag("not_a_number", rows, quality, ~np.isfinite(rows.value) & ~is_bad(quality), np.uint32(BAD))
        self._flag("conflict", rows, quality, place.conflict, np.uint32(BAD))
        return quality

    def _metered_values(self, rows: Block, quality: np.ndarray, place: Standing) -> np.ndarray:
        """Return values after codes, counters and calibrations; statuses are lowered in place."""
        if not self._limits.metered.size:
            return rows.value
        value = rows.value.copy()
        for number, part in _runs(rows.tag, self._limits.metered):
            self._meter(number, rows, part, value, quality, place)
        return value

    def _meter(
        self, number: int, rows: Block, part: slice, value: np.ndarray, quality: np.ndarray, place: Standing
    ) -> None:
        steps = self.recipe.tags[number]
        usable = np.flatnonzero(np.isfinite(value[part]) & ~is_bad(quality[part])) + part.start

        def flag(cause: Cause, which: np.ndarray, code: int) -> None:
            where = np.zeros(quality.size, np.bool_)
            where[usable] = which
            self._flag(cause, rows, quality, where, np.uint32(code))

        if steps.codes:
            value[usable], nameless = decoded(steps.codes, value[usable])
            flag("unknown_code", nameless, int(_CONFIGURATION))
        if steps.counter:
            fresh = place.fresh[usable] & ~is_bad(quality[usable])
            found = counted(steps.counter, value[usable], fresh, self._count, number)
            value[usable] = found.total
            flag("not_a_count", found.impossible, int(_CONFIGURATION))
            flag("rollover", found.rollover, 0)
            flag("reset", found.reset, UNCERTAIN)
            flag("jump", found.jump, UNCERTAIN)
        with np.errstate(over="ignore", invalid="ignore"):
            value[part], piece, beyond = calibrated(steps.calibrations, value[part], rows.time[part])
        flag("extrapolated", beyond[usable - part.start], UNCERTAIN)
        fresh_rows = np.flatnonzero(place.fresh[part])
        before = np.concatenate([self._piece[number, None], piece[fresh_rows]])
        where = np.zeros(quality.size, np.bool_)
        where[part.start + fresh_rows] = (before[1:] > before[:-1]) & (before[:-1] >= 0)
        self._note("recalibrated", rows, where)
        self._piece[number] = before[-1]

    def _look_back(self, rows: Block, value: np.ndarray, quality: np.ndarray, usable: np.ndarray) -> None:
        """Flag what stands still and what is far from its neighbours."""
        limits = self._limits
        at = np.flatnonzero(usable & limits.has_stuck[rows.tag])
        if at.size:
            fed = rows.part(at)._replace(value=value[at])
            count, since = still(fed, self._still)
            stands = (count >= limits.stuck_count[fed.tag]) & (since >= limits.stuck_over[fed.tag])
            for number, part in _runs(fed.tag, np.array(list(limits.may_stand), np.intp)):
                stands[part] &= ~np.isclose(fed.value[part, None], limits.may_stand[number], rtol=1e-9, atol=0).any(1)
            self._flag_at("stuck", rows, quality, at[stands], limits.stuck_code)
        for window in limits.windows:
            at = np.flatnonzero(usable & (limits.spike_window[rows.tag] == window))
            if not at.size:
                continue
            fed = rows.part(at)._replace(value=value[at])
            off, spread = deviation(fed, window, limits.gap, self._window)
            far = off > np.maximum(limits.spike_k[fed.tag] * spread, limits.spike_least[fed.tag])
            self._flag_at("spike", rows, quality, at[far], limits.spike_code)

    def _flag_at(self, cause: Cause, rows: Block, quality: np.ndarray, at: np.ndarray, codes: np.ndarray) -> None:
        where = np.zeros(quality.size, np.bool_)
        where[at] = True
        self._flag(cause, rows, quality, where, codes[rows.tag])

    def _arranged(self, rows: Block, order: np.ndarray, place: Standing) -> Block:
        """Return readings in order of arrival, those of tags on a grid replaced by its points."""
        kept = ~place.again & ~self._limits.on_grid[rows.tag]
        back = np.argsort(order[kept], kind="stable")
        plain = rows.part(np.flatnonzero(kept)[back])
        if not self._limits.on_grid.any():
            return self._left(plain)
        points: list[tuple[int, Point]] = []
        for number, part in _runs(rows.tag, np.flatnonzero(self._limits.on_grid)):
            points += [(number, point) for point in self._to_grid(number, rows, part, order, place)]
        points.sort(key=lambda each: each[1].by)  # stable: of one reading, in order of time
        gridded = _block_of(points)
        arrival = np.concatenate([2 * order[kept][back] + 1, [2 * point.by for _, point in points]])
        return self._left(joined([plain, gridded]).part(np.argsort(arrival, kind="stable")))

    def _to_grid(self, number: int, rows: Block, part: slice, order: np.ndarray, place: Standing) -> list[Point]:
        align = self.recipe.tags[number].align
        if align is None:
            return []
        here = np.zeros(rows.tag.size, np.bool_)
        here[part] = True
        self._note("missed", rows, here & (place.late | place.conflict))
        at = np.flatnonzero(here & place.fresh)
        columns = order[at], rows.time[at], rows.value[at], rows.quality[at]
        readings = [Reading(*each) for each in zip(*(column.tolist() for column in columns), strict=True)]
        points, broken = aligned(align, readings, self._pending, number)
        for reading in broken:
            self.tally.found("unbridged", *(np.array([x]) for x in (number, reading.time, reading.value)))
        return points

    def _left(self, block: Block) -> Block:
        if block.tag.size:
            self.tally.leave(block.tag, block.quality)
        return block


def _runs(tag: np.ndarray, numbers: np.ndarray) -> list[tuple[int, slice]]:
    """Return where the readings of some tags stand among sorted ones; tags without any are left out."""
    bounds = zip(
        numbers.tolist(),
        np.searchsorted(tag, numbers, "left").tolist(),
        np.searchsorted(tag, numbers, "right").tolist(),
        strict=True,
    )
    return [(number, slice(start, stop)) for number, start, stop in bounds if stop > start]


def _block_of(points: list[tuple[int, Point]]) -> Block:
    return Block.of(
        [tag for tag, _ in points],
        [point.time for _, point in points],
        [point.value for _, point in points],
        [point.quality for _, point in points],
    )
