"""A plant file's section `flow` into a `Flow`, with a line in front of every complaint."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from twin.errors import PlantError, unknown
from twin.flow.blocks import (
    Block,
    Buffer,
    Conveyor,
    Flow,
    Inspection,
    Need,
    Order,
    Pool,
    Service,
    Shift,
    Sink,
    Source,
    Station,
)  # fmt: skip
from twin.flow.file import FlowEntry, OrderEntry, ServiceEntry, SpoilEntry
from twin.flow.laws import Distribution
from twin.flow.laying import Laid
from twin.flow.linking import Place, check_alone, count, link, placed, share, states, together
from twin.flow.words import distribution, instant, moment, seconds, shift, span, whole
from twin.plant import Plant
from twin.read import Node
from twin.units import to_si

_ANY = {"is", "to"}
KEYS = {
    "source": _ANY | {"every", "shares", "priorities", "orders", "loses"},
    "buffer": _ANY | {"capacity", "order", "holds"},
    "conveyor": _ANY | {"takes", "capacity", "accumulating"},
    "sink": {"is", "scraps"},
    "station": _ANY | {
        "takes", "ideal", "servers", "batch", "joins", "gives", "setup", "fails", "per", "repair", "service", "spoils",
        "mends", "inspects", "routes", "shares", "needs", "shift", "power", "drives", "trips", "changes",
        "pace", "meters",
    },
}  # fmt: skip
"""Which keys each kind of block may have."""
MOST_SERVERS = 1000
"""More of a station than this don't stand side by side."""
Result = TypeVar("Result")


def flow(plant: Plant, entry: FlowEntry, tree: Node) -> Flow:
    """Return the flow of a plant that is otherwise whole.

    Raises
    ------
    PlantError
        For the first thing that is wrong, with its line.
    """
    return _Reader(plant, entry, tree).flow()


class _Reader:
    """Turns a validated section into a `Flow`."""

    def __init__(self, plant: Plant, entry: FlowEntry, tree: Node) -> None:
        self.plant, self.entry, self.tree = plant, entry, tree
        with placed(f"{tree.at('begins')}: flow.begins"):
            self.begins = moment(entry.begins)
        self.skills: dict[str, tuple[str, ...]] = {}

    def flow(self) -> Flow:
        shifts = tuple(self._shift(name) for name in self.entry.shifts)
        pools = tuple(self._pools())
        places = [Place(name, entry, self.tree["line"][name]) for name, entry in self.entry.line.items()]
        found = Flow(tuple(self._block(place) for place in places), pools, shifts)
        check_alone(self.plant, places)
        with placed(f"{self.tree.at('line')}"):
            Laid(found)
        return found

    def _shift(self, name: str) -> Shift:
        entry = self.entry.shifts[name]
        with placed(f"{self.tree['shifts'].at(name)}: flow.shifts.{name}"):
            return shift(name, entry.days, (entry.from_, entry.to), entry.breaks, self.begins)

    def _pools(self) -> Iterator[Pool]:
        for name, crew in self.entry.crews.items():
            size = self._whole(self.tree["crews"][name], "size", crew.size, f"flow.crews.{name}.size")
            yield Pool(name=name, size=size, shift=crew.shift)
            for skill in (name, *crew.skills):
                self.skills[skill] = (*self.skills.get(skill, ()), name)
        for name, text in self.entry.tools.items():
            if name in self.skills:
                raise PlantError(f"{self.tree['tools'].at(name)}: flow.tools.{name}: a crew or skill has this name too")
            yield Pool(name=name, size=self._whole(self.tree["tools"], name, text, f"flow.tools.{name}"))
            self.skills[name] = (name,)

    @staticmethod
    def _whole(node: Node, key: str, text: str, where: str) -> int:
        with placed(f"{node.at(key)}: {where}"):
            return count(text)

    def _block(self, place: Place) -> Block:
        name, entry, node = place
        where = f"{self.tree['line'].at(name)}: {name}"
        if not name.replace("_", "a").replace("-", "a").isalnum():
            raise PlantError(f"{where}: a block's name is letters, digits, - and _; rename it")
        if entry.is_ not in KEYS:
            raise PlantError(f"{node.at('is')}: {name}: {unknown('kind of block', entry.is_, KEYS)}")
        for key in node:
            if key not in KEYS[entry.is_]:
                raise PlantError(f"{node.at(key)}: {name}: {unknown(f'key of a {entry.is_}', key, KEYS[entry.is_])}")
        to = (entry.to,) if isinstance(entry.to, str) else tuple(entry.to)
        if entry.is_ != "sink" and not to:
            raise PlantError(f"{where}: 'to' is missing; name the block that takes its parts")
        makers: dict[str, Callable[[Place, tuple[str, ...]], Block]] = {
            "source": self._source, "buffer": self._buffer, "conveyor": self._conveyor, "station": self._station,
            "sink": lambda place, _: Sink(name=place.name, scraps=place.entry.scraps),
        }  # fmt: skip
        return makers[entry.is_](place, to)

    def _source(self, place: Place, to: tuple[str, ...]) -> Source:
        name, entry, _ = place
        shares = self._named(place, "shares")
        orders = tuple(self._order(place, each, order) for each, order in entry.orders.items())
        every = self._law(place, "every") if entry.every else None
        priorities = self._by(place, "priorities", entry.priorities, lambda text: to_si(text, "1"))
        return Source(
            name=name, to=to, every=every, shares=shares, priorities=priorities, orders=orders, loses=entry.loses
        )

    def _named(self, place: Place, key: str) -> dict[str, float]:
        given = getattr(place.entry, key)
        if isinstance(given, list):
            if given:
                raise PlantError(
                    f"{place.node.at(key)}: {place.name}.{key}: name the part types: {{flange: 2, hub: 1}}"
                )
            return {}
        return self._by(place, key, given, lambda text: to_si(text, "1"))

    def _order(self, place: Place, name: str, entry: OrderEntry) -> Order:
        node = place.node["orders"][name]

        def date(key: str, absent: float) -> float:
            text = getattr(entry, key)
            with placed(f"{node.at(key)}: {place.name}.orders.{name}.{key}"):
                return instant(text, self.begins) if text else absent

        with placed(f"{node.at('priority')}: {place.name}.orders.{name}.priority"):
            priority = to_si(entry.priority, "1")
        count = self._whole(node, "count", entry.count, f"{place.name}.orders.{name}.count")
        return Order(
            name=name, count=count, type=entry.type, release=date("release", 0.0), due=date("due", float("inf")),
            priority=priority,
        )  # fmt: skip

    def _buffer(self, place: Place, to: tuple[str, ...]) -> Buffer:
        name, entry, node = place
        where = f"{name}.capacity"
        capacity = float(self._whole(node, "capacity", entry.capacity, where)) if entry.capacity else float("inf")
        held = entry.holds if isinstance(entry.holds, dict) else {"": entry.holds} if entry.holds else {}
        holds = {kind: self._held(place, text) for kind, text in held.items()}
        return Buffer(name=name, to=to, capacity=capacity, order=entry.order, holds=holds)

    @staticmethod
    def _held(place: Place, text: str) -> int:
        with placed(f"{place.node.at('holds')}: {place.name}.holds"):
            return whole(text, 0, 10_000_000)

    def _conveyor(self, place: Place, to: tuple[str, ...]) -> Conveyor:
        name, entry, node = place
        for key in ("takes", "capacity"):
            if not getattr(entry, key):
                raise PlantError(f"{node.where}: {name}: {key!r} is missing; add it")
        with placed(f"{node.at('takes')}: {name}.takes"):
            takes = span(str(entry.takes))
        capacity = self._whole(node, "capacity", entry.capacity, f"{name}.capacity")
        return Conveyor(name=name, to=to, takes=takes, capacity=capacity, accumulating=entry.accumulating)

    def _station(self, place: Place, to: tuple[str, ...]) -> Station:
        name, entry, node = place
        if not entry.takes:
            raise PlantError(f"{node.where}: {name}: 'takes' is missing; add the time of its work")
        if entry.per not in ("operation", "calendar"):
            raise PlantError(
                f"{node.at('per')}: {name}.per: {unknown('way to count', entry.per, ('operation', 'calendar'))}"
            )
        takes: Distribution | dict[str, Distribution] = (
            self._by(place, "takes", entry.takes, distribution)
            if isinstance(entry.takes, dict)
            else self._law(place, "takes")
        )
        ideal: float | dict[str, float] | None = None
        if isinstance(entry.ideal, dict):
            ideal = self._by(place, "ideal", entry.ideal, seconds)
        elif entry.ideal:
            ideal = self._value(place, "ideal", entry.ideal, seconds)
        shares = entry.shares
        if isinstance(shares, dict):
            raise PlantError(f"{node.at('shares')}: {name}.shares: of a station it is a list, one for each of `to`")
        laws = {key: self._law(place, key) if getattr(entry, key) else None for key in ("fails", "repair")}
        setup: Distribution | dict[str, Distribution] | None = None
        if isinstance(entry.setup, dict):
            setup = self._by(place, "setup", entry.setup, distribution)
        elif entry.setup:
            setup = self._law(place, "setup")
        return Station(
            name=name, to=to, takes=takes, ideal=ideal,
            servers=self._value(place, "servers", entry.servers, lambda text: count(text, MOST_SERVERS)),
            batch=self._value(place, "batch", entry.batch, together),
            joins=self._by(place, "joins", entry.joins, together),
            gives=self._by(place, "gives", entry.gives, together), calendar=entry.per == "calendar",
            service=self._service(place, entry.service) if entry.service else None,
            spoils=0.0 if isinstance(entry.spoils, SpoilEntry) else self._value(place, "spoils", entry.spoils, share),
            mends=self._value(place, "mends", entry.mends, share), inspects=self._inspection(place),
            routes=entry.routes, shares=tuple(self._value(place, "shares", text, share) for text in shares),
            needs=self._needs(place), shift=entry.shift, power=self._power(place), link=link(self.plant, place),
            setup=setup,
            **laws,
        )  # fmt: skip

    def _service(self, place: Place, entry: ServiceEntry) -> Service:
        node = place.node["service"]
        where = f"{place.name}.service"
        if bool(entry.every) == bool(entry.when):
            raise PlantError(f"{node.where}: {where}: give `every` or `when`: after what time, or at what condition")
        if entry.when and not entry.resets:
            raise PlantError(f"{node.where}: {where}: `when` holds for ever without `resets`; say what it sets anew")
        if entry.per not in ("operation", "calendar"):
            raise PlantError(
                f"{node.at('per')}: {where}.per: {unknown('way to count', entry.per, ('operation', 'calendar'))}"
            )
        with placed(f"{node.at('takes')}: {where}.takes"):
            takes = distribution(entry.takes)
        with placed(f"{node.at('every')}: {where}.every"):
            every = span(entry.every) if entry.every else float("inf")
        return Service(takes=takes, every=every, operating=entry.per == "operation", renews=entry.renews)

    def _inspection(self, place: Place) -> Inspection | None:
        entry = place.entry.inspects
        if entry is None:
            return None
        with placed(f"{place.node.at('inspects')}: {place.name}.inspects"):
            return Inspection(detects=share(entry.detects), rejects=share(entry.rejects))

    def _needs(self, place: Place) -> dict[str, tuple[Need, ...]]:
        found = {}
        for task, given in place.entry.needs.items():
            needs = []
            for text in [given] if isinstance(given, str) else given:
                first, _, rest = text.strip().partition(" ")
                amount, skill = (first, rest.strip()) if first.isdigit() else ("1", text.strip())
                where = f"{place.node['needs'].at(task)}: {place.name}.needs.{task}"
                if skill not in self.skills:
                    raise PlantError(f"{where}: {unknown('crew, skill or tool', skill, self.skills)}")
                with placed(where):
                    needs.append(Need(pools=self.skills[skill], amount=count(amount)))
            found[task] = tuple(needs)
        return found

    def _power(self, place: Place) -> dict[str, float]:
        return states(place, "power", place.entry.power, lambda text: to_si(text, "W"), 0.0)

    def _law(self, place: Place, key: str) -> Distribution:
        return self._value(place, key, str(getattr(place.entry, key)), distribution)

    @staticmethod
    def _value(place: Place, key: str, text: Any, make: Callable[[str], Result]) -> Result:
        with placed(f"{place.node.at(key)}: {place.name}.{key}"):
            return make(text)

    @staticmethod
    def _by(place: Place, key: str, given: Mapping[str, str], make: Callable[[str], Result]) -> dict[str, Result]:
        found = {}
        for name, text in given.items():
            with placed(f"{place.node[key].at(name)}: {place.name}.{key}.{name}"):
                found[name] = make(text)
        return found
