"""Answers made by hand, small enough to know every number of them."""

from collections.abc import Mapping, Sequence

from scenarios.answer import (
    Answer,
    Basis,
    Best,
    Curve,
    Difference,
    Index,
    Level,
    Number,
    Range,
    Span,
    Swing,
    Told,
    Variant,
)

HOSTILE = (
    "<script>alert(1)</script>", "\" onload='alert(1)' x=\"", "</svg></title><img src=x onerror=alert(1)>", "&lt;b&gt;",
    "\u202egnissim\u202c", "شغّل المضخة", "🏭⚙️", "a" * 200, "=1+1", "a\x00\x1b[31m\ud800b", "]]>", "{{7*7}}",
)  # fmt: skip
CHANCE = Told("order.friday.on_time", "order friday on time", "주문 friday 납기 준수 확률", "1", "more", True)
OEE = Told("op_10.oee", "op_10: Overall equipment effectiveness index", "op_10: 설비종합효율(OEE)", "1", "more", False)
ENERGY = Told("line.good_energy", "energy per good part", "양품당 에너지", "J", "less", False)
HOTTEST = Told("max(bearing_1.T_b)", "bearing_1: highest temperature", "bearing_1: 최고 온도", "K", "", False)
NO_NUMBER = Number(None, None, None, 0)
LENGTH = 10 * 3600.0


def number(middle: float, half: float, size: int = 100) -> Number:
    return Number(middle, middle - half, middle + half, size)


def difference(middle: float, half: float, reduction: float | None = 0.4, size: int = 100) -> Difference:
    return Difference(middle, middle - half, middle + half, size, reduction)


def variant(
    name: str,
    numbers: Mapping[str, Number],
    differences: Mapping[str, Difference] | None = None,
    changes: Mapping[str, str] | None = None,
    *,
    failures: Mapping[str, str] | None = None,
    drawn: bool = False,
) -> Variant:
    """Return a variant; where it is `drawn` with a course of time, a timeline and a level."""
    warmer = 0.0 if name == "as_is" else 8.0
    times = [LENGTH * k / 8 for k in range(9)]
    middle = [300.0 + warmer + k for k in range(9)]
    curve = Curve("bearing_1.T_b", "K", times, [v - 2.0 for v in middle], middle, [v + 2.0 for v in middle])
    spans = [
        Span("op_10", "idle", 0.0, 600.0), Span("op_10", "busy", 600.0, 20000.0),
        Span("op_10", "down", 20000.0, 20001.0),
        Span("op_10", "busy", 20001.0, LENGTH), Span("op_20", "blocked", 0.0, 9000.0),
        Span("op_20", "odd", 9000.0, LENGTH),
    ]  # fmt: skip
    level = Level("rack_1", [0.0, 900.0, 1800.0], [1, 4, 0])
    return Variant(
        name=name, english=name, korean=name, changes=dict(changes or {}), schedule=[], replications=100,
        failures=dict(failures or {}), numbers=dict(numbers), differences=dict(differences or {}), ranges=[],
        curves=[curve] if drawn else [], gantt=spans if drawn else [], levels=[level] if drawn else [],
    )  # fmt: skip


def answer(variants: Sequence[Variant], measures: Sequence[Told], **changed: object) -> Answer:
    """Return an answer of these variants; `changed` are fields of it."""
    fields: dict[str, object] = {
        "format": 1, "scenario": "slower",
        "question": {"en": "What if it is slower?", "ko": "느리게 돌리면 어떻게 되는가?"},
        "ending": "done", "length": LENGTH, "warm_up": 0.0, "replications": 100, "currency": "KRW",
        "measures": list(measures), "variants": list(variants), "pareto": [], "pareto_of": [], "swings": [],
        "indices": [], "best": None, "assumptions": {}, "source": "scenario: slower\n",
        "basis": Basis("cell", "a" * 64, "b" * 64, "rest", "", 7, 1e-4, "1.0", "c" * 64, 3, 40),
    }  # fmt: skip
    return Answer(**(fields | changed))  # type: ignore[arg-type]


def two(chance: Number, other: Number, found: Difference, told: Told = CHANCE) -> Answer:
    """Return an answer of one number with two variants."""
    return answer(
        [variant("as_is", {told.name: chance}), variant("slower", {told.name: other}, {told.name: found})], [told]
    )


def whole() -> Answer:
    """Return an answer that has something of everything but a design."""
    measures = [CHANCE, OEE, ENERGY, HOTTEST]
    first = [Number(0.75, 0.657, 0.826, 100), number(0.924, 0.004), number(587520.0, 1080.0), number(339.43, 0.1)]
    second = [Number(0.0, 0.0, 0.037, 100), number(0.852, 0.008), number(593640.0, 1440.0), NO_NUMBER]
    changes = [difference(-0.75, 0.087), difference(-0.072, 0.005), difference(6120.0, 8280.0, -0.1)]
    last = Difference(None, None, None, 0, None)
    names = [told.name for told in measures]
    as_is = variant("as_is", dict(zip(names, first, strict=True)), drawn=True)
    slower = variant(
        "slower", dict(zip(names, second, strict=True)), dict(zip(names, [*changes, last], strict=True)),
        {"spindle_1.speed_set": "-10 %", "flow.rack_1.capacity": "8", "pump.speed": "5 rad/s"}, drawn=True,
        failures={"slower/3": "spindle_1: too hot", "slower/9": "spindle_1: too hot", "slower/4": "stiff"},
    )  # fmt: skip
    slower.ranges.extend(
        [
            Range("spindle_1.speed_set", 376.99, "rad/s", "outside", 418.879, 837.758),
            Range("pump.speed", 5.0, "rad/s", "inside"),
            Range("spindle_2.speed_set", 439.8, "rad/s", "inside", 418.879, 837.758, "28800 s"),
        ]
    )
    as_is.ranges.append(Range("bearing_1.loss", 0.3, "1", "never calibrated"))
    slower.schedule.append({"at": "28800 s", "spindle_2.speed_set": "+5 %"})
    return answer([as_is, slower], measures, assumptions={"bearing_1.loss": "0.3"})


def designed(count: int = 60) -> Answer:
    """Return an answer of many cases, with a front, swings, indices and an optimum that comes late."""
    cases = []
    for k in range(count):
        numbers = {OEE.name: number(0.6 + 0.002 * k, 0.01), ENERGY.name: number(5e5 + 3e3 * k, 2e3)}
        differences = {OEE.name: difference(0.002 * k, 0.01), ENERGY.name: difference(3e3 * k, 2e3)} if k else {}
        cases.append(variant(f"case_{k}", numbers, differences, {"spindle_1.speed_set": f"{300 + k}"}))
    swings = [Swing("spindle_1.speed_set", OEE.name, -0.08, 0.03), Swing("bearing_1.loss", OEE.name, 0.01, -0.05)]
    indices = [Index("spindle_1.speed_set", OEE.name, number(0.62, 0.1), number(0.7, 0.1))]
    last = cases[-1].name
    return answer(
        cases, [OEE, ENERGY], pareto=["case_0", "case_30", last], pareto_of=[OEE.name, ENERGY.name], swings=swings,
        indices=indices, best=Best(last, OEE.name, True, count),
    )  # fmt: skip


def hostile() -> Answer:
    """Return an answer in which every name and text means harm."""
    told = [Told(f"{text}.busy", text, text, "1", "more", False) for text in HOSTILE]
    cases = []
    for k, text in enumerate(HOSTILE):
        numbers = {each.name: number(0.1 * k + 1.0, 0.02) for each in told}
        differences = {each.name: difference(0.1 * k, 0.02) for each in told} if k else {}
        case = variant(text, numbers, differences, {text: text}, failures={f"{text}/1": text}, drawn=k < 3)
        for span in [Span(text, text, 0.0, LENGTH)] if k < 3 else []:
            case.gantt.append(span)
        case.ranges.append(Range(text, 1.0, text, text))
        case.schedule.append({"at": text, text: text})
        cases.append(case)
    basis = Basis(HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[0], HOSTILE[1], 1, 1e-4, HOSTILE[2], HOSTILE[0], 1, 2)
    return answer(
        cases, told, question={"en": " ".join(HOSTILE), "ko": " ".join(HOSTILE)}, scenario=HOSTILE[0], basis=basis,
        source="\n".join(HOSTILE), assumptions={text: text for text in HOSTILE}, pareto=[HOSTILE[0], HOSTILE[2]],
        pareto_of=[told[0].name, told[1].name], swings=[Swing(text, told[0].name, -1.0, 1.0) for text in HOSTILE],
        indices=[Index(text, told[0].name, number(0.2, 0.1), number(0.3, 0.1)) for text in HOSTILE],
        best=Best(HOSTILE[2], told[0].name, True, 12),
    )  # fmt: skip


def typed(text: str) -> str:
    """Return text with what is on a keyboard in the place of fine quotation marks, dashes and spaces."""
    return text.translate({0xA0: " ", 0x2018: "'", 0x2019: "'", 0x2212: "-", 0x2013: "-"})
