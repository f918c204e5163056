"""A recording: a file of readings, whose tags its columns are, and the recipe that treats them."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from twin.clean.cleaner import Cleaner
from twin.clean.clock import Clock
from twin.clean.encoding import read_yaml
from twin.clean.recipe import Recipe
from twin.clean.recipe_file import RecipeFile
from twin.clean.recipe_loader import PAGE, instant, resolved
from twin.clean.recording_file import ColumnEntry, FitEntry, FormatEntry, LongEntry, RecordingFile, TimeEntry
from twin.errors import DataError, PlantError, TwinError, unknown
from twin.plant import Plant
from twin.read import Node
from twin.shape import validated
from twin.shipped import path_of
from twin.units import to_si

DATA = "TWIN_DATA"
"""The one environment variable that a recording may name its file by."""

_VARIABLE = re.compile(r"\$\{(?P<name>[^}]*)\}/?(?P<rest>.*)", re.DOTALL)


class Column(NamedTuple):
    """Whose readings a column holds: the tag's index, its unit in the file, modes written out, and where quality is.

    `mean` names the columns whose mean stands in where the file lacks this one.
    """

    name: str
    tag: int
    unit: str
    words: dict[str, float]
    quality: str
    mean: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recording:
    """What a recording file says; `file` may not exist yet."""

    name: str
    about: str
    plant: Plant
    plant_path: Path
    path: Path
    file: Path
    format: FormatEntry
    time: TimeEntry
    columns: tuple[Column, ...]
    long: LongEntry | None
    labels: dict[str, str]
    recipe: Recipe
    fit: FitEntry | None
    fit_node: Node

    @classmethod
    def load(cls, name: str | Path, file: Path | None = None, *, assets: Path | None = None) -> "Recording":
        """Return a recording, given by the path of its file or by the name of a shipped one.

        Parameters
        ----------
        name : str or pathlib.Path
            The YAML file, or a name as ``skab``.
        file : pathlib.Path, optional
            Another file of the same kind instead of the one named there.
        assets : pathlib.Path, optional
            Folder of more asset files for the plant.

        Raises
        ------
        PlantError
            One message ``file:line: where: what; what to do`` for the first thing that is wrong.
        """
        path = path_of(str(name), "recordings")
        tree = read_yaml(path)
        loaded = _Loader(tree, validated(tree, RecordingFile, PAGE), path, assets).recording(file)
        return loaded if file is None else replace(loaded, file=file)

    def cleaner(self) -> Cleaner:
        """Return a new engine that treats this recording's readings."""
        return Cleaner(self.recipe, self.units)

    @property
    def units(self) -> dict[str, str]:
        """Return the units that the file's numbers are in, by tag, as far as they are said."""
        return {self.recipe.tags[column.tag].tag: column.unit for column in self.columns if column.unit}

    def clock(self) -> Clock:
        """Return a new reader of the time column."""
        return Clock(self.time.format, self.time.zone, instant(self.time.start) if self.time.start else None)

    def file_there(self) -> Path:
        """Return the file, or say why there is none.

        Raises
        ------
        DataError
            If the file isn't named, or isn't there.
        """
        if not self.file.is_file():
            given = os.environ.get(DATA)
            hint = "" if given else f" ({DATA} is not set)"
            raise DataError(f"{self.name}: there is no file {self.file}{hint}; name another with --file")
        return self.file


def recipe_for(plant: Plant, name: str, assets: Path | None = None) -> Recipe:
    """Return the recipe of a recording of this very plant.

    Raises
    ------
    PlantError
        If it can't be loaded, or is one of a plant with other tags.
    """
    found = Recording.load(name, assets=assets)
    if [(tag.name, tag.unit) for tag in found.plant.tags.values()] != [(t.name, t.unit) for t in plant.tags.values()]:
        raise PlantError(
            f"{found.path}: is of plant {found.plant.name}, whose tags aren't those of {plant.name}; "
            f"name a recording of {plant.name}"
        )
    return found.recipe


def recipe_in(tree: Node, path: Path, plant: Plant) -> Recipe:
    """Return the recipe that a recording holds or names, for a plant that need not be the recording's."""
    return _Loader(tree, validated(tree, RecordingFile, PAGE), path, None).recipe(plant)


class _Loader:
    """Turns a validated recording file into a `Recording`, with a line in front of every complaint."""

    def __init__(self, tree: Node, file: RecordingFile, path: Path, assets: Path | None) -> None:
        self.tree, self.entry, self.path, self.assets = tree, file, path, assets

    def recording(self, instead: Path | None) -> Recording:
        entry = self.entry
        with self._at("recording"):
            if not entry.recording.isprintable() or not 0 < len(entry.recording.strip()) <= 200:
                raise TwinError(f"{entry.recording!r:.90} is no name of 1 to 200 printable characters; rename it")
        plant_path, plant = self._plant()
        recipe = self.recipe(plant)
        found = Recording(
            entry.recording,
            entry.about.strip(),
            plant,
            plant_path,
            self.path,
            instead or self._file(),
            entry.format,
            entry.time,
            self._columns(plant, recipe),
            entry.long,
            entry.labels,
            recipe,
            entry.fit,
            fit if isinstance(fit := self.tree.get("fit"), Node) else Node(self.tree.at("fit")),
        )
        self._check(found)
        return found

    @contextmanager
    def _at(self, *keys: str) -> Iterator[None]:
        """Put line and place in front of what goes wrong inside."""
        node = self.tree
        for key in keys[:-1]:
            node = node[key] if isinstance(node.get(key), Node) else node
        try:
            yield
        except TwinError as err:
            raise PlantError(f"{node.at(keys[-1])}: {'.'.join(keys)}: {err}") from None

    def _plant(self) -> tuple[Path, Plant]:
        text = self.entry.plant
        with self._at("plant"):
            own = Path(text).suffix in (".yaml", ".yml")
            path = beside(text, self.path.parent) if own else path_of(text)
            return path, Plant.load(path, self.assets)

    def recipe(self, plant: Plant) -> Recipe:
        """Return the recipe, wherever it stands."""
        entry = self.entry.recipe
        if not entry.file:
            tree = self.tree.get("recipe")
            return resolved(tree if isinstance(tree, Node) else Node(self.tree.at("recipe")), entry, plant)
        with self._at("recipe"):
            if entry.tags or entry.about:
                raise TwinError("names a file and treats tags too; keep one of them")
            tree = read_yaml(beside(entry.file, self.path.parent))
        return resolved(tree, validated(tree, RecipeFile, PAGE), plant)

    def _file(self) -> Path:
        with self._at("file"):
            found = _VARIABLE.fullmatch(self.entry.file)
            if found is None:
                return beside(self.entry.file, self.path.parent)
            if found["name"] != DATA:
                raise TwinError(f"only ${{{DATA}}} is read from the environment, not {found['name']!r:.40}")
            return beside(found["rest"], Path(os.environ.get(DATA) or f"${{{DATA}}}"))

    def _columns(self, plant: Plant, recipe: Recipe) -> tuple[Column, ...]:
        found: dict[int, Column] = {}
        for name, entry in self.entry.columns.items():
            with self._at("columns", name):
                if entry.tag not in plant.tags:
                    raise TwinError(f"{unknown('tag', entry.tag, plant.tags)} (of plant {plant.name})")
                tag = recipe.position(entry.tag)
                if tag in found:
                    raise TwinError(f"{entry.tag} already comes from column {found[tag].name!r}; drop one of them")
                if entry.quality and self.entry.long:
                    raise TwinError("with one reading a line the quality's column is named in long")
                words = {word: to_si(number, "1") for word, number in entry.words.items()}
                found[tag] = Column(name, tag, entry.unit, words, entry.quality, self._mean(name, entry))
        return tuple(found.values())

    def _mean(self, name: str, entry: ColumnEntry) -> tuple[str, ...]:
        """Return the columns whose mean stands in for one, each once, all in its unit."""
        mean = tuple(entry.mean)
        if mean and (self.entry.long or entry.quality or entry.words):
            raise TwinError("a mean is of columns of numbers, without words, quality or one reading a line; drop mean")
        if len({name, *mean}) != len(mean) + 1:
            raise TwinError("the mean names this column, or another one twice; name each other column once")
        for other in mean:
            known = self.entry.columns.get(other)
            if known and (known.words or known.unit != entry.unit):
                raise TwinError(f"the mean is of {other!r}, which isn't in {entry.unit!r}; give both one unit")
        return mean

    def _check(self, found: Recording) -> None:
        """Make what reading will need, so that it is refused now."""
        engine = Cleaner(found.recipe)
        for column in found.columns:
            with self._at("columns", column.name):
                engine.declare(found.recipe.tags[column.tag].tag, column.unit)
        with self._at("time"):
            found.clock()


def beside(text: str, folder: Path) -> Path:
    """Return a file below `folder`, given by a relative path without steps back.

    Raises
    ------
    PlantError
        If the path leaves the folder.
    """
    path = Path(text)
    if path.is_absolute() or ".." in path.parts or not path.parts or not text.isprintable():
        raise PlantError(f"{text!r:.90} is no path below {folder.name or folder}; put the file there, or use --file")
    return folder / path
