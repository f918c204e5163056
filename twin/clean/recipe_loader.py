"""A recipe file into a `Recipe`, checked against the plant, with a line in front of every complaint."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf, isfinite
from pathlib import Path
from typing import get_args

from twin.clean.block import NEVER, STATUSES, UNCERTAIN
from twin.clean.encoding import read_yaml
from twin.clean.recipe import Align, By, Calibration, Counter, Range, Recipe, Spike, Steps, Stuck, bare
from twin.clean.recipe_file import CalibrationEntry, RecipeFile, TagEntry
from twin.errors import PlantError, TwinError, unknown
from twin.plant import Plant
from twin.read import Node
from twin.shape import validated
from twin.units import difference_to_si, scale, to_si

PAGE = "docs/recipes.md"
LONGEST = 1e9
"""No duration of a recipe is longer than some thirty years [s]."""
WINDOWS = (3, 301)
MOST_BRIDGED = 100_000
"""Grid points that one silence may be bridged with."""


def load(path: Path, plant: Plant) -> Recipe:
    """Return the recipe in a file, which is a recipe or a recording that holds or names one.

    Raises
    ------
    PlantError
        One message ``file:line: where: what; what to do`` for the first thing that is wrong.
    """
    tree = read_yaml(path)
    if "recording" in tree:
        from twin.clean.recording import recipe_in  # it builds on this module

        return recipe_in(tree, path, plant)
    return resolved(tree, validated(tree, RecipeFile, PAGE), plant)


def resolved(tree: Node, file: RecipeFile, plant: Plant) -> Recipe:
    """Return a validated recipe with every number in SI; `tree` knows the lines."""
    owners: dict[str, str] = {}
    found: dict[str, Steps] = {}
    for name, entry in file.tags.items():
        where = tree["tags"].at(name)
        if name not in plant.tags:
            raise PlantError(f"{where}: tags: {unknown('tag', name, plant.tags)} (of plant {plant.name})")
        for alias in (name, *entry.names):
            if owners.setdefault(alias, name) != name or (alias != name and alias in plant.tags):
                raise PlantError(f"{where}: {name}.names: {alias!r} is the name of another tag too; drop one")
        found[name] = _Loader(tree["tags"], name, entry, plant).steps()
    return Recipe(tuple(found.get(tag) or bare(plant, tag) for tag in plant.tags))


def status(text: str) -> int:
    """Return the code of a status: good, uncertain, bad, or one of the names in `STATUSES`, in any case."""
    known = {name.lower(): code for name, code in STATUSES.items()}
    if text.strip().lower() not in known:
        raise TwinError(unknown("status", text, STATUSES))
    return known[text.strip().lower()]


def instant(text: str) -> int:
    """Return an instant such as ``2024-05-01T08:00:00+09:00`` in microseconds UTC."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise TwinError(f"{text!r:.80} is no instant; write it like 2024-05-01T08:00:00+09:00") from None
    if found.tzinfo is None:
        raise TwinError(f"{text!r} names no zone; end it with Z for UTC, or like +09:00")
    return (found - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


class _Loader:
    """Turns the entry of one tag into `Steps`, with a line in front of every complaint."""

    def __init__(self, tags: Node, tag: str, entry: TagEntry, plant: Plant) -> None:
        self.node: Node = tags[tag]
        self.tag, self.entry = tag, entry
        self.si, self.shown = plant.quantity(plant.tags[tag].reads).unit, plant.tags[tag].unit
        self.unit = entry.unit or self.shown

    def steps(self) -> Steps:
        entry = self.entry
        with self._at(self.node, "unit"):
            scale(self.unit, self.si)
        numbers, words = self._quality()
        gap = self._duration(self.node, "gap", entry.gap) if entry.gap else 0
        return Steps(
            self.tag,
            self.si,
            self.shown,
            entry.unit,
            tuple(entry.names),
            numbers,
            words,
            self._codes(),
            self._counter(),
            self._calibrations(),
            self._range(),
            self._stuck(),
            self._spike(),
            gap,
            self._align(gap),
        )

    @contextmanager
    def _at(self, node: Node, *path: str) -> Iterator[None]:
        """Put line and place in front of what goes wrong inside."""
        try:
            yield
        except TwinError as err:
            raise PlantError(f"{node.at(path[-1])}: {'.'.join((self.tag, *path))}: {err}") from None

    def _below(self, key: str) -> Node:
        found = self.node.get(key)
        return found if isinstance(found, Node) else self.node

    def _bounded(self, node: Node, path: tuple[str, ...], text: str, low: float, high: float = inf) -> float:
        """Return a bare number between two bounds."""
        with self._at(node, *path):
            number = to_si(text, "1")
            if not low <= number <= high:
                raise TwinError(f"{text} is outside [{low:g}, {high:g}]; give a value inside")
            return number

    def _whole(self, node: Node, path: tuple[str, ...], text: str, low: int, high: int = 10**9) -> int:
        number = self._bounded(node, path, text, low, high)
        if number != int(number):
            raise PlantError(f"{node.at(path[-1])}: {'.'.join((self.tag, *path))}: {text} is no whole number")
        return int(number)

    def _duration(self, node: Node, key: str, text: str, *, least: int = 1, inside: str = "") -> int:
        """Return microseconds."""
        path = (inside, key) if inside else (key,)
        with self._at(node, *path):
            seconds = to_si(text, "s")
            if not least <= seconds * 1e6 <= LONGEST * 1e6:
                raise TwinError(f"{text} is outside [{least} us, {LONGEST:g} s]; give a duration inside")
            return round(seconds * 1e6)

    def _value(self, node: Node, path: tuple[str, ...], text: str, *, step: bool = False) -> float:
        """Return a value, or a difference, of the tag in SI; a bare number is in the tag's unit."""
        with self._at(node, *path):
            written = text if " " in text.strip() else f"{text.strip()} {self.unit}"
            return difference_to_si(written, self.si) if step else to_si(written, self.si)

    def _status(self, node: Node, path: tuple[str, ...], text: str) -> int:
        """Return a status that is not Good."""
        with self._at(node, *path):
            code = status(text)
            if code < UNCERTAIN:
                raise TwinError(f"{text} would hide what was found; name an uncertain or bad status")
            return code

    def _quality(self) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[str, int], ...]]:
        """Return statuses by the source's numbers, or by its words."""
        node = self._below("quality")
        numbers, words = {}, {}
        for text, meant in self.entry.quality.items():
            with self._at(node, "quality", text):
                if text.strip().isdecimal() and len(text.strip()) <= 10 and int(text) < 2**32:
                    numbers[int(text)] = status(meant)
                else:
                    words[text.strip()] = status(meant)
                if numbers and words:
                    raise TwinError("words and numbers are mixed; a source says either")
        return tuple(numbers.items()), tuple(words.items())

    def _codes(self) -> tuple[tuple[float, float], ...]:
        node, found = self._below("codes"), {}
        for text, value in self.entry.codes.items():
            code = self._bounded(node, ("codes", text), text, -inf)
            if code in found:
                raise PlantError(f"{node.at(text)}: {self.tag}.codes: {text} stands twice; keep one of them")
            with self._at(node, "codes", text):
                number = to_si(value, self.unit) if " " in value.strip() else to_si(value, "1")
            found[code] = number
        return tuple(sorted(found.items()))

    def _counter(self) -> Counter | None:
        entry, node = self.entry.counter, self._below("counter")
        if entry is None:
            return None
        modulus = self._bounded(node, ("counter", "modulus"), entry.modulus, 1.0, 2.0**53) if entry.modulus else inf
        largest = self._bounded(node, ("counter", "largest"), entry.largest, 0.0, modulus) if entry.largest else inf
        return Counter(modulus, min(largest, modulus / 2) if not entry.largest else largest, bool(entry.largest))

    def _calibrations(self) -> tuple[Calibration, ...]:
        node = self._below("calibration")
        found = [self._calibration(node, ("calibration",), self.entry.calibration, NEVER)]
        for number, entry in enumerate(self.entry.changes):
            each: Node = self.node["changes"][number]
            path = (f"changes[{number}]",)
            with self._at(each, *path, "since"):
                since = instant(entry.since)
                if since <= found[-1].since:
                    raise TwinError(f"{entry.since} is not after the change before; put them in order of time")
            found.append(self._calibration(each, path, entry, since)._replace(about=entry.about.strip()))
        return tuple(found)

    def _calibration(self, node: Node, path: tuple[str, ...], entry: CalibrationEntry, since: int) -> Calibration:
        gain = self._bounded(node, (*path, "gain"), entry.gain, -inf)
        offset = self._bounded(node, (*path, "offset"), entry.offset, -inf)
        with self._at(node, *path, "gain"):
            if gain == 0.0:
                raise TwinError("a gain of 0 leaves nothing of the reading; give another")
        if not entry.points:
            return Calibration(since, gain, offset)
        with self._at(node, *path, "points"):
            if (gain, offset) != (1.0, 0.0):
                raise TwinError("gain and offset are given too; keep one way of calibrating")
            if any(len(pair) != 2 for pair in entry.points) or len(entry.points) < 2:
                raise TwinError("needs at least two pairs [shown, true]; add what is missing")
            pairs = [(to_si(shown, "1"), to_si(true, "1")) for shown, true in entry.points]
            if any(b[0] <= a[0] for a, b in pairwise(pairs)):
                raise TwinError("what is shown must rise from pair to pair; sort them and drop what stands twice")
        return Calibration(since, 1.0, 0.0, tuple(p[0] for p in pairs), tuple(p[1] for p in pairs))

    def _range(self) -> Range:
        entry, node = self.entry.range, self._below("range")
        if entry is None:
            return Range()
        low = self._value(node, ("range", "low"), entry.low) if entry.low else -inf
        high = self._value(node, ("range", "high"), entry.high) if entry.high else inf
        if not low < high or not (isfinite(low) or isfinite(high)):
            raise PlantError(
                f"{self.node.at('range')}: {self.tag}.range: low {entry.low or 'omitted'} is not below "
                f"high {entry.high or 'omitted'}; give one of them, or both in order"
            )
        return Range(low, high, self._status(node, ("range", "outside"), entry.outside))

    def _stuck(self) -> Stuck | None:
        entry, node = self.entry.stuck, self._below("stuck")
        if entry is None:
            return None
        return Stuck(
            self._whole(node, ("stuck", "count"), entry.count, 2),
            self._duration(node, "over", entry.over, least=0, inside="stuck"),
            self._status(node, ("stuck", "quality"), entry.quality),
            tuple(self._value(node, ("stuck", "allow"), text) for text in entry.allow),
        )

    def _spike(self) -> Spike | None:
        entry, node = self.entry.spike, self._below("spike")
        if entry is None:
            return None
        window = self._whole(node, ("spike", "window"), entry.window, *WINDOWS)
        least = self._value(node, ("spike", "least"), entry.least, step=True)
        with self._at(node, "spike", "window"):
            if window % 2 == 0:
                raise TwinError(f"{window} has no reading in the middle; take an odd number")
        with self._at(node, "spike", "least"):
            if not least > 0.0:
                raise TwinError(f"{entry.least} would call every change of a quiet signal a spike; give more than 0")
        k = self._bounded(node, ("spike", "k"), entry.k, 0.1, 1e6)
        return Spike(window, k, least, self._status(node, ("spike", "quality"), entry.quality))

    def _align(self, gap: int) -> Align | None:
        entry, node = self.entry.align, self._below("align")
        if entry is None:
            return None
        methods: dict[str, By] = {by: by for by in get_args(By)}
        with self._at(node, "align", "by"):
            if entry.by not in methods:
                raise TwinError(unknown("method", entry.by, methods))
        every = self._duration(node, "every", entry.every, inside="align")
        over = self._duration(node, "over", entry.over, inside="align") if entry.over else gap or 10 * every
        with self._at(node, "align", "over"):
            if over // every > MOST_BRIDGED:
                raise TwinError(f"bridges more than {MOST_BRIDGED} periods of {entry.every}; shorten it")
        return Align(every, methods[entry.by], over)
