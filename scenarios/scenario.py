"""A scenario: a question to a plant, read from a file and checked against the plant before anything runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from scenarios.changes import FLOW, Change, amount, change, edited, flowed, of_equipment, values_of
from scenarios.file import MoneyEntry, ScenarioFile, StepEntry, VariantEntry
from scenarios.measures import Measure, Money, measure, sampled
from scenarios.uncertain import Spread, spreads
from scenarios.varying import Vary, ends, varied
from twin.errors import PlantError, unknown
from twin.flow.blocks import Station
from twin.flow.linking import placed
from twin.flow.words import instant, moment, whole
from twin.plant import Plant
from twin.plant_loader import built
from twin.read import Node, read
from twin.shape import validated
from twin.shipped import path_of
from twin.units import to_si

DEFAULT_REPLICATIONS = 100
LEAST, MOST = 2, 100_000
LONGEST = 365 * 86400.0
WORDS = {"about", "set", "schedule"}


@dataclass(frozen=True)
class Step:
    """Changes at a time from the start [s], as it was `said`: Sunday is so far away as the start says."""

    at: float
    changes: tuple[Change, ...]
    said: str = ""


@dataclass(frozen=True)
class Variant:
    """What is done otherwise: at once, and later; and how it is called in words."""

    name: str
    changes: tuple[Change, ...] = ()
    schedule: tuple[Step, ...] = ()
    about: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Precision:
    """Which number has to be how sure, and after how many replications at most."""

    of: str
    within: float
    relative: bool
    most: int


@dataclass(frozen=True)
class Scenario:
    """A question to a plant.

    Attributes
    ----------
    tree, text, extra : Node, str, Path or None
        The plant's file, and a folder of more assets: variants are read from it with changes.
    length, warm_up : float
        [s].
    source : str
        The scenario's own text.
    """

    name: str
    question: Mapping[str, str]
    tree: Node
    text: str
    extra: Path | None
    start: str
    length: float
    warm_up: float
    rtol: float
    seed: int
    replications: int
    precision: Precision | None
    assume: tuple[Change, ...]
    uncertain: tuple[Spread, ...]
    variants: tuple[Variant, ...]
    vary: Vary | None
    report: tuple[str, ...]
    curves: tuple[str, ...]
    pareto: tuple[str, ...]
    money: Money | None
    source: str

    @cached_property
    def plant(self) -> Plant:
        """Return the plant as its file has it."""
        return built(self.tree, self.text, self.extra)

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """Return what each name of `report` means."""
        return tuple(measure(self.plant, name, self.money is not None) for name in self.report)

    def plant_of(self, variant: Variant) -> Plant:
        """Return the plant with a variant's changes of its flow."""
        return built(edited(self.tree, (*self.assume, *variant.changes)), self.text, self.extra)

    def check(self, variant: Variant) -> None:
        """Refuse a variant that the plant can't be.

        Raises
        ------
        PlantError
            If a change leads nowhere, leaves its bounds, or its flow doesn't fit together.
        """
        plant = self.plant_of(variant)
        changes = (*self.assume, *variant.changes)
        later = [each for step in variant.schedule for each in step.changes]
        values_of(plant, changes)
        for each in later:
            if each.path.startswith(FLOW):
                raise PlantError(f"{each.where}: {each.path}: a flow can't change later; change it from the start")
            amount(plant, each)
        stations = [b for b in (plant.flow.blocks if plant.flow else ()) if isinstance(b, Station) and b.link]
        driven = {path: b.name for b in stations if b.link for path in b.link.drives}
        for each in of_equipment((*changes, *later)):
            if each.path in driven:
                path = f"flow.{driven[each.path]}.drives.{each.path}"
                raise PlantError(f"{each.where}: {each.path}: {driven[each.path]} drives it; change {path}")


def load(path: Path, extra: Path | None = None) -> Scenario:
    """Return the scenario in a file.

    Raises
    ------
    PlantError
        For the first thing that is wrong, with its line.
    """
    tree, text = read(path)
    return scenario(tree, text, path.parent, extra)


def scenario(tree: Node, text: str, folder: Path, extra: Path | None = None) -> Scenario:
    """Return the scenario of a file that was read; plants named by a path are beside `folder`."""
    return _Reader(tree, validated(tree, ScenarioFile, "docs/scenarios.md"), text, folder, extra).scenario()


class _Reader:
    def __init__(self, tree: Node, file: ScenarioFile, text: str, folder: Path, extra: Path | None) -> None:
        self.tree, self.file, self.text, self.extra = tree, file, text, extra
        with self._at("plant"):
            try:
                here = folder / file.plant
                self.plant_tree, self.plant_text = read(here if here.is_file() else path_of(file.plant))
            except OSError as err:
                raise PlantError(f"{file.plant:.80}: {err.strerror}; name a plant, or the path of its file") from None
        self.plant = built(self.plant_tree, self.plant_text, extra)
        self.begins = moment(self._begins())

    def _begins(self) -> str:
        flow = self.plant_tree.get("flow")
        return str(flow.get("begins", "Mon 00:00")) if isinstance(flow, Node) else "Mon 00:00"

    def scenario(self) -> Scenario:
        file = self.file
        if not file.scenario.replace("_", "a").replace("-", "a").isalnum() or len(file.scenario) > 100:
            raise PlantError(
                f"{self.tree.at('scenario')}: {file.scenario!r}: a name is letters, digits, - and _; rename it"
            )
        if file.variants and file.vary:
            raise PlantError(f"{self.tree.at('vary')}: there are `variants` and `vary`; keep one of them")
        if file.start not in ("rest", "live"):
            raise PlantError(f"{self.tree.at('start')}: start: {unknown('start', file.start, ('rest', 'live'))}")
        found = Scenario(
            name=file.scenario,
            question={"en": file.question.en, "ko": file.question.ko or file.question.en},
            tree=self.plant_tree, text=self.plant_text, extra=self.extra, start=file.start,
            length=self._number("for", "s", 1e-3, LONGEST),
            warm_up=self._number("warm_up", "s", 0.0, LONGEST),
            rtol=self._number("rtol", "1", 1e-12, 1e-2), seed=self._whole("seed", file.seed, 0, 2**62),
            replications=self._replications(), precision=self._precision(),
            assume=self._changes(self.tree.get("assume"), self.plant_tree),
            uncertain=tuple(spreads(self.plant, file.uncertain, self.tree)),
            variants=self._variants(), vary=self._vary(), report=tuple(file.report),
            curves=tuple(self._curves()), pareto=self._pareto(),
            money=_money(self.plant, file.money, self.tree), source=self.text,
        )  # fmt: skip
        for k, name in enumerate(file.report):
            with self._at("report", f"report: {k + 1}"):
                measure(self.plant, name, file.money is not None)
                if name in file.report[:k]:
                    raise PlantError(f"{name} is there twice; ask it once")
        cases = ends(found.vary, self.tree["vary"]) if found.vary else ()
        for variant in (*found.variants, *(Variant("case", changes) for changes in cases)):
            found.check(variant)
        return found

    def _variants(self) -> tuple[Variant, ...]:
        if not self.file.variants:
            return (Variant("as_is"),)
        return tuple(self._variant(name) for name in self.file.variants)

    def _variant(self, name: str) -> Variant:
        node = self.tree["variants"][name]
        where = self.tree["variants"].at(name)
        if not name.replace("_", "a").replace("-", "a").isalnum() or len(name) > 60:
            raise PlantError(f"{where}: {name!r}: a variant's name is letters, digits, - and _; rename it")
        if node in ("", None):
            return Variant(name)
        if not isinstance(node, Node):
            raise PlantError(f"{where}: {name}: write its changes as path: value, or {{}} for none")
        if set(node) <= WORDS:
            try:
                entry = VariantEntry.model_validate(node)
            except ValidationError as err:
                said = err.errors()[0]
                raise PlantError(
                    f"{where}: {name}: {'.'.join(map(str, said['loc']))}: {said['msg']}; mend it"
                ) from None
        else:
            entry = VariantEntry(set=dict(self._texts(node, name)))
        changes = self._changes(node.get("set", Node(where)) if set(node) <= WORDS else node, self.plant_tree)
        about = {"en": entry.about.en, "ko": entry.about.ko or entry.about.en} if entry.about else None
        steps = node.get("schedule", []) if set(node) <= WORDS else []
        return Variant(
            name, changes, tuple(self._step(e, n) for e, n in zip(entry.schedule, steps, strict=True)), about
        )

    @staticmethod
    def _texts(node: Node, name: str) -> Iterator[tuple[str, str]]:
        for path, text in node.items():
            if not isinstance(text, str) and not path.startswith(FLOW):
                raise PlantError(
                    f"{node.at(path)}: {name}: {path}: give one value; parts of a variant are {', '.join(WORDS)}"
                )
            yield path, text if isinstance(text, str) else flowed(text)

    def _step(self, entry: StepEntry, node: Node) -> Step:
        with placed(f"{node.at('at')}: schedule.at"):
            at = instant(entry.at, self.begins)
        return Step(at, self._changes(node["set"], self.plant_tree), entry.at)

    def _changes(self, node: object, tree: Node) -> tuple[Change, ...]:
        if not isinstance(node, Node):
            return ()
        return tuple(
            change(path, text if isinstance(text, str) else flowed(text), node.at(path)) for path, text in node.items()
        )

    def _replications(self) -> int:
        file = self.file
        if file.replications and file.precision:
            raise PlantError(f"{self.tree.at('precision')}: there are `replications` and `precision`; keep one of them")
        return (
            self._whole("replications", file.replications, LEAST, MOST) if file.replications else DEFAULT_REPLICATIONS
        )

    def _precision(self) -> Precision | None:
        entry = self.file.precision
        if entry is None:
            return None
        node = self.tree["precision"]
        if entry.of not in self.file.report:
            raise PlantError(f"{node.at('of')}: precision.of: {unknown('reported number', entry.of, self.file.report)}")
        relative = entry.within.strip().endswith("%")
        unit = measure(self.plant, entry.of, self.file.money is not None).unit
        with placed(f"{node.at('within')}: precision.within"):
            within = to_si(entry.within, "1" if relative else unit or "1")
            if not within > 0.0:
                raise PlantError(f"{entry.within}: give a positive number")
        with placed(f"{node.at('most')}: precision.most"):
            most = whole(entry.most, LEAST, MOST)
        return Precision(entry.of, within, relative, most)

    def _vary(self) -> Vary | None:
        entry = self.file.vary
        return varied(self.plant, entry, self.tree["vary"], self.file.report) if entry else None

    def _curves(self) -> Iterator[str]:
        for name in self.file.curves:
            with self._at("curves"):
                sampled(self.plant, self.plant.tags[name].reads if name in self.plant.tags else name)
            yield name

    def _pareto(self) -> tuple[str, ...]:
        given = self.file.pareto
        if given and (len(given) != 2 or any(name not in self.file.report for name in given)):
            raise PlantError(f"{self.tree.at('pareto')}: pareto: {given}; name two of `report`")
        return tuple(given)

    def _number(self, key: str, unit: str, least: float, most: float) -> float:
        text = getattr(self.file, "for_" if key == "for" else key)
        with self._at(key):
            value = to_si(text, unit)
            if not least <= value <= most:
                raise PlantError(f"{text}: give a value from {least:g} to {most:g} {unit}")
            return value

    def _whole(self, key: str, text: str, least: int, most: int) -> int:
        with self._at(key):
            return whole(text, least, most)

    @contextmanager
    def _at(self, key: str, said: str = "") -> Iterator[None]:
        with placed(f"{self.tree.at(key)}: {said or key}"):
            yield


def _money(plant: Plant, entry: MoneyEntry | None, tree: Node) -> Money | None:
    """Return prices in SI."""
    if entry is None:
        return None
    node = tree["money"]
    prices = {}
    for key in ("energy", "scrap", "part", "late"):
        with placed(f"{node.at(key)}: money.{key}"):
            prices[key] = to_si(getattr(entry, key), "1")
    pools = [pool.name for pool in plant.flow.pools] if plant.flow else []
    crew = {}
    for name, text in entry.crew.items():
        with placed(f"{node['crew'].at(name)}: money.crew"):
            if name not in pools:
                raise PlantError(unknown("crew", name, pools))
            crew[name] = to_si(text, "1") / 3600.0
    return Money(entry.currency, prices["energy"] / 3.6e6, prices["scrap"], prices["part"], prices["late"], crew)
