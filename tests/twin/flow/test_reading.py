"""A plant file's section `flow`: every key is read, and what is wrong is refused with its line."""

import re
from dataclasses import replace
from typing import Any

import pytest

from tests.twin.flow.pressing import line, read
from twin.errors import PlantError
from twin.flow.blocks import (
    Block,
    Buffer,
    Conveyor,
    Flow,
    Inspection,
    Link,
    Need,
    Order,
    Pool,
    Service,
    Shift,
    Sink,
    Source,
    Station,
)  # fmt: skip
from twin.flow.laws import constant, exponential
from twin.flow.linking import STATES
from twin.flow.reading import KEYS

HOUR, DAY = 3600.0, 86400.0
BARE = Station(name="mill", to=("done",), takes=constant(40.0))


def flow_of(text: str, more: str = "") -> Flow:
    found = read(text, more=more).flow
    assert found is not None
    return found


def block(text: str, name: str) -> Block:
    return next(each for each in flow_of(text).blocks if each.name == name)


def station(keys: str, *, top: str = "", to: str = "done", source: str = "") -> str:
    """Return a line with a station of these keys, and its source."""
    return (
        f"{top}  line:\n    raw: {{is: source, to: mill, every: 1 min{source}}}\n"
        f"    mill: {{is: station, to: {to}, takes: 40 s{', ' * bool(keys)}{keys}}}\n"
        "    done: {is: sink}\n    scrap: {is: sink, scraps: yes}\n"
    ).replace("    scrap: {is: sink, scraps: yes}\n" if to == "done" else "\0", "")


def linked(keys: str) -> Link:
    found = block(station(keys), "mill")
    assert isinstance(found, Station)
    assert found.link is not None
    return found.link


@pytest.mark.parametrize(
    ("keys", "changed"),
    [
        ("", {}),
        ("ideal: 30 s", {"ideal": 30.0}),
        ("servers: 3", {"servers": 3}),
        ("batch: 4", {"batch": 4}),
        ("joins: {raw: 2}", {"joins": {"raw": 2}}),
        ("gives: {done: 3}", {"gives": {"done": 3}}),
        ("setup: 5 min", {"setup": constant(300.0)}),
        ("fails: exponential(1 h), repair: 5 min", {"fails": exponential(HOUR), "repair": constant(300.0)}),
        (
            "fails: 1 h, repair: 5 min, per: calendar",
            {"fails": constant(HOUR), "repair": constant(300.0), "calendar": True},
        ),
        ("service: {takes: 5 min, every: 8 h}", {"service": Service(takes=constant(300.0), every=8 * HOUR)}),
        (
            "service: {takes: 5 min, every: 8 h, per: operation, renews: no}",
            {"service": Service(takes=constant(300.0), every=8 * HOUR, operating=True, renews=False)},
        ),
        ("spoils: 2 %", {"spoils": 0.02}),
        ("mends: 50 %", {"mends": 0.5}),
        ("shift: early", {"shift": "early"}),
        ("power: {busy: 2 kW, else: 50 W}", {"power": {s: 2000.0 if s == "busy" else 50.0 for s in STATES}}),
        ("power: {busy: 2 kW}", {"power": {s: 2000.0 if s == "busy" else 0.0 for s in STATES}}),
        ("needs: {work: men}", {"needs": {"work": (Need(pools=("men",)),)}}),
        (
            "needs: {repair: [2 fitting, crane]}",
            {"needs": {"repair": (Need(pools=("men", "others"), amount=2), Need(pools=("crane",)))}},
        ),
    ],
)
def test_a_station_has_what_is_written(keys: str, changed: dict[str, Any]) -> None:
    top = (
        "  shifts: {early: {from: '06:00', to: '14:00'}}\n"
        "  crews: {men: {size: 2, skills: [fitting]}, others: {size: 3, skills: [fitting]}}\n  tools: {crane: 1}\n"
    )
    assert block(station(keys, top=top), "mill") == replace(BARE, **changed)


def test_a_station_has_its_ways_and_times_by_type() -> None:
    types = ", shares: {a: 2, b: 1}"
    both = station("routes: {a: done, b: scrap}, ideal: {a: 30 s}", to="[done, scrap]", source=types)
    found = block(both.replace("takes: 40 s", "takes: {a: 40 s, b: 1 min}"), "mill")
    assert found == Station(
        name="mill", to=("done", "scrap"), takes={"a": constant(40.0), "b": constant(60.0)}, ideal={"a": 30.0},
        routes={"a": "done", "b": "scrap"},
    )  # fmt: skip
    shared = block(station("shares: [90 %, 0.1]", to="[done, scrap]"), "mill")
    assert shared == replace(BARE, to=("done", "scrap"), shares=(0.9, 0.1))
    inspected = block(station("inspects: {detects: 98 %, rejects: 1 %}", to="[done, scrap]"), "mill")
    assert inspected == replace(BARE, to=("done", "scrap"), inspects=Inspection(detects=0.98, rejects=0.01))


@pytest.mark.parametrize(
    ("keys", "changed"),
    [
        (
            "drives: {press.works: {busy: 1, else: 0}}",
            {"drives": {"press.works": {s: float(s == "busy") for s in STATES}}},
        ),
        ("trips: [press.tripped, press.alarm]", {"trips": ("press.tripped", "press.alarm")}),
        ("changes: [press.changing]", {"tools": ("press.changing",)}),
        ("meters: [press.E]", {"meters": ("press.E",)}),
        ("pace: {by: press.wear, at: 2 min}", {"pace": ("press.wear", 120.0)}),
        (
            "spoils: {by: press.wear, at: [1 s, 1 min], is: [0, 5 %]}",
            {"spoils": ("press.wear", (1.0, 60.0), (0.0, 0.05))},
        ),
        (
            "service: {takes: 5 s, when: {press.wear: 1 h}, resets: {press.wear: 0 s}}",
            {"worn": ("press.wear", HOUR), "resets": {"press.wear": 0.0}},
        ),
    ],
)
def test_a_station_is_joined_to_its_equipment_as_is_written(keys: str, changed: dict[str, Any]) -> None:
    assert linked(keys) == replace(Link(), **changed)


def test_sources_buffers_conveyors_and_sinks_have_what_is_written() -> None:
    found = flow_of(
        "  begins: Wed 06:00\n  line:\n"
        "    raw: {is: source, to: rack, every: 1 min, shares: {a: 2, b: 1}, priorities: {b: -1}, loses: yes}\n"
        "    more: {is: source, to: rack, orders: {o: {count: 3, type: a, release: 1 h, due: Fri 14:00, priority: 2},"
        " p: {count: 4}}}\n"
        "    rack: {is: buffer, to: belt, capacity: 4, order: due}\n"
        "    belt: {is: conveyor, to: [done, scrap], takes: 30 s, capacity: 5, accumulating: no}\n"
        "    done: {is: sink}\n    scrap: {is: sink, scraps: yes}\n"
    )
    orders = (
        Order(name="o", count=3, type="a", release=HOUR, due=56 * HOUR, priority=2.0),
        Order(name="p", count=4),
    )  # fmt: skip
    assert found.blocks == (
        Source(
            name="raw", to=("rack",), every=constant(60.0), shares={"a": 2.0, "b": 1.0}, priorities={"b": -1.0},
            loses=True,
        ),
        Source(name="more", to=("rack",), orders=orders),
        Buffer(name="rack", to=("belt",), capacity=4.0, order="due"),
        Conveyor(name="belt", to=("done", "scrap"), takes=30.0, capacity=5, accumulating=False),
        Sink(name="done"),
        Sink(name="scrap", scraps=True),
    )  # fmt: skip


def test_crews_tools_and_shifts_are_read_from_when_a_run_begins() -> None:
    found = flow_of(
        line(
            top="  begins: Mon 08:00\n"
            "  shifts: {early: {from: '06:00', to: '14:00', days: Mon, breaks: ['09:00-10:00']}}\n"
            "  crews: {men: {size: 2, shift: early}}\n  tools: {crane: 1}\n"
        )
    )
    assert found.pools == (Pool(name="men", size=2, shift="early"), Pool(name="crane", size=1))
    switches = (HOUR, 2 * HOUR, 6 * HOUR, 7 * DAY - 2 * HOUR)
    assert found.shifts == (Shift(name="early", switches=switches, period=7 * DAY, on=True),)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("takse: 5 s", "flow.line.mill: no key 'takse'; did you mean 'takes'?"),
        ("capacity: 5", "mill: no key of a station 'capacity'"),
        ("servers: 0", "mill.servers: '0': give a whole number from 1 to 1000"),
        ("servers: 10000000", "mill.servers: '10000000': give a whole number from 1 to 1000"),
        ("batch: ²", "mill.batch: '²': give a whole number"),
        ("gives: {done: 1000000}", "mill.gives.done: '1000000': give a whole number from 1 to 10000"),
        ("setup: -5 s", "mill.setup: -5 s: is not a time"),
        ("spoils: 120 %", "mill.spoils: 120 %: give a probability"),
        ("inspects: {detects: 2}", "mill.inspects: 2: give a probability"),
        ("per: shift", "mill.per: no way to count 'shift'"),
        ("service: {takes: 5 s}", "mill.service: give `every` or `when`"),
        ("service: {takes: 5 s, every: 1 h, when: {press.wear: 1 s}}", "mill.service: give `every` or `when`"),
        ("service: {takes: 5 s, when: {press.wear: 1 s}}", "`when` holds for ever without `resets`"),
        (
            "service: {takes: 5 s, when: {press.wear: 1 s, press.tool: 1 s}, resets: {press.wear: 0 s}}",
            "mill.service.when: one condition only",
        ),
        ("service: {takes: 5 s, every: 1 h, per: x}", "mill.service.per: no way to count 'x'"),
        ("service: {takes: 5 s, every: 1 h, resets: {press.wear: -9 s}}", "press.wear: -9 s is outside"),
        ("needs: {work: men}", "mill.needs.work: no crew, skill or tool 'men'"),
        ("power: {bussy: 1 W}", "mill.power: no state 'bussy'; did you mean 'busy'"),
        ("power: {busy: 1 m}", "mill.power: '1 m' is not a value in W"),
        ("drives: {press.works: {}}", "mill.drives: press.works: its values are missing"),
        ("drives: {press.works: {busy: 1}}", "mill.drives.press.works: nothing is said of idle; add `else`"),
        ("drives: {press.works: {else: 2}}", "press.works: 2 is outside [0, 1]"),
        ("drives: {press.E: {else: 0}}", "press.E is no input; name a held input"),
        ("drives: {pres.works: {else: 0}}", "no asset 'pres'; did you mean 'press'"),
        ("servers: 2, drives: {press.works: {else: 0}}", "each of its servers drives press.works"),
        ("servers: 2, meters: [press.E]", "each of its servers counts press.E"),
        ("trips: [press.again]", "mill.trips: press.again is a time of the equipment's own"),
        ("trips: [press.triped]", "did you mean 'tripped'"),
        ("meters: [press.wear]", "mill.meters: press.wear is in s; name a counter of energy"),
        ("pace: {by: press.speed, at: 0}", "mill.pace: at 0: give a positive value"),
        ("spoils: {by: press.wear, at: [1 s, 1 s], is: [0, 1]}", "mill.spoils: `at` has to ascend"),
        ("spoils: {by: press.wear, at: [1 s], is: [0, 1]}", "mill.spoils: `at` has to ascend"),
        ("spoils: {by: press.wear, at: [], is: []}", "mill.spoils: `at` has to ascend"),
        ("spoils: {by: press.wear, at: [1 s], is: [2]}", "mill.spoils: 2: give a probability"),
        ("shares: {done: 1}", "mill.shares: of a station it is a list"),
    ],
)
def test_what_is_wrong_with_a_station_is_told_with_its_line(keys: str, said: str) -> None:
    with pytest.raises(PlantError) as caught:
        read(station(keys))
    assert re.match(r"pressing\.yaml:9: ", str(caught.value)), str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("top", "said"),
    [
        ("  begin: Mon 06:00\n", "7: flow: no key 'begin'; did you mean 'begins'?"),
        ("  begins: Mo 06:00\n", "7: flow.begins: no weekday 'Mo'"),
        ("  shifts: {e: {from: x, to: '14:00'}}\n", "7: flow.shifts.e: 'x' is no time of day"),
        ("  shifts: {e: {from: '06:00', to: '14:00', days: Fry}}\n", "7: flow.shifts.e: no weekday 'Fry'"),
        ("  shifts: {e: {from: '06:00', to: '06:00'}}\n", "7: flow.shifts.e: shift e: it never ends"),
        ("  crews: {men: {size: 0}}\n", "7: flow.crews.men.size: '0': give a whole number"),
        ("  crews: {men: }\n", "7: flow.crews.men: "),
        ("  crews: {men: {shift: early}}\n", "no shift 'early'"),
        ("  tools: {crane: 0}\n", "7: flow.tools.crane: '0': give a whole number"),
        ("  crews: {a: {skills: [b]}}\n  tools: {b: 1}\n", "8: flow.tools.b: a crew or skill has this name too"),
    ],
)
def test_what_is_wrong_with_shifts_and_people_is_told_with_its_line(top: str, said: str) -> None:
    with pytest.raises(PlantError) as caught:
        read(line(top=top))
    assert str(caught.value).startswith("pressing.yaml:")
    assert said in str(caught.value)


def test_nobody_of_a_crew_is_no_need() -> None:
    with pytest.raises(PlantError, match=r"pressing\.yaml:10: mill\.needs\.work: '0': give a whole number"):
        read(station("needs: {work: 0 men}", top="  crews: {men: {}}\n"))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "'to' is missing"),
        ("to: mill, every: 1 s, shares: [1, 2]", "raw.shares: name the part types"),
        ("to: mill, every: -1 s", "raw.every: -1 s: is not a time"),
        ("to: mill, orders: {o: {count: 0}}", "raw.orders.o.count: '0'"),
        ("to: mill, orders: {o: {}}", "flow.line.raw.orders.o: 'count' is missing"),
        ("to: mill, orders: {o: {count: 1, due: Fry 14:00}}", "raw.orders.o.due: "),
        ("to: mill, orders: {o: {count: 1, priority: x}}", "raw.orders.o.priority: "),
        ("to: mill, orders: {o: {count: 5, due: 1 h, release: 2 h}}", "order o: released at 7200 s, due at 3600 s"),
        ("to: mill, every: 1 s, priorities: {x: 1}", "priorities: no type of part 'x'"),
        ("to: mill, every: 1 s, shares: {a: 0}", "give numbers that aren't negative, and not all 0"),
        ("to: mil, every: 1 s", "no block 'mil'; did you mean 'mill'"),
        ("to: done, every: 1 s, capacity: 4", "no key of a source 'capacity'"),
    ],
)
def test_what_is_wrong_with_a_source_is_told_with_a_line(source: str, said: str) -> None:
    with pytest.raises(PlantError) as caught:
        read(
            f"  line:\n    raw: {{is: source{', ' * bool(source)}{source}}}\n"
            "    mill: {is: station, to: done, takes: 40 s}\n    done: {is: sink}\n"
        )
    assert re.match(r"pressing\.yaml:[78]: ", str(caught.value)), str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ("b: {is: bufer, to: done}", "b: no kind of block 'bufer'; did you mean 'buffer'?"),
        ("b: {is: buffer, to: done, capacity: 0}", "b.capacity: '0': give a whole number"),
        ("b: {is: buffer, to: done, order: lifo}", "no order 'lifo'"),
        ("b: {is: conveyor, to: done, capacity: 3}", "b: 'takes' is missing"),
        ("b: {is: conveyor, to: done, takes: 5 s}", "b: 'capacity' is missing"),
        ("b: {is: conveyor, to: done, takes: 0 s, capacity: 3}", "takes 0 s; give a positive time"),
        ("b: {is: station, to: done}", "b: 'takes' is missing"),
        ("b: {is: station, to: done, takes: 5 s, per: operaton}", "did you mean 'operation'"),
        ("'b c': {is: buffer, to: done}", "a block's name is letters, digits, - and _"),
        ("b: {is: station, to: done, takes: {x: 5 s}}", "no type of part 'x'"),
    ],
)
def test_what_is_wrong_with_another_block_is_told_with_a_line(blocks: str, said: str) -> None:
    with pytest.raises(PlantError) as caught:
        read(f"  line:\n    raw: {{is: source, to: b, every: 1 s}}\n    {blocks}\n    done: {{is: sink}}\n")
    assert str(caught.value).startswith("pressing.yaml:")
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["  {}\n", "  line:\n", "  line: []\n", "  line: {}\n", "  - a\n", "  line: {a: }\n"])
def test_a_flow_that_is_no_mapping_of_blocks_is_refused(text: str) -> None:
    with pytest.raises(PlantError, match=r"pressing\.yaml:\d+: flow"):
        read(text)


def test_names_may_be_written_in_any_script() -> None:
    blocks = ("원료: {is: source, to: 기계, every: 1 s}", "기계: {is: station, to: 끝, takes: 1 s}", "끝: {is: sink}")
    found = flow_of("  line:\n" + "".join(f"    {each}\n" for each in blocks))
    assert [each.name for each in found.blocks] == ["원료", "기계", "끝"]


TWO = (
    "  line:\n    raw: {is: source, to: a, every: 1 s}\n"
    "    a: {is: station, to: b, takes: 1 s, drives: {press.works: {else: 1}}, meters: [press.E]}\n"
    "    b: {is: station, to: done, takes: 1 s, %s}\n    done: {is: sink}\n"
)


def test_two_stations_never_drive_or_count_the_same() -> None:
    with pytest.raises(PlantError, match=r"pressing\.yaml:10: b\.drives: a drives press\.works, too"):
        read(TWO % "drives: {press.works: {else: 0}}")
    with pytest.raises(PlantError, match=r"pressing\.yaml:10: b\.meters: a counts press\.E, too"):
        read(TWO % "meters: [press.E]")


def test_a_station_and_a_schedule_never_set_the_same() -> None:
    with pytest.raises(PlantError, match=r"a\.drives: the plant's `schedule` changes press\.works, too"):
        read(TWO % "batch: 1", more="schedule:\n  - {at: 5 s, set: {press.works: 1}}\n")


def test_every_key_of_a_block_belongs_to_some_kind() -> None:
    from twin.flow.file import BlockEntry
    from twin.shape import keys

    assert set(keys(BlockEntry)) == set().union(*KEYS.values())
