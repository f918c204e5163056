"""A scenario's file: every key is read, and what is wrong is refused with its line before anything runs."""

import re
from pathlib import Path

import pytest

from scenarios.changes import Change, values_of
from scenarios.scenario import Precision, Step, Variant, load
from scenarios.varying import Vary
from tests.scenarios.asked import EQUIPMENT, ask, text_of
from twin.errors import PlantError

SPEED = "press.speed"


def test_every_key_is_read(tmp_path: Path) -> None:
    found = ask(
        tmp_path, length="2 h", warm_up="5 min", rtol="1e-5", seed="7", replications=None,
        precision="{of: line.done, within: 2 %, most: 50}", assume="{press.power: 400 W}",
        uncertain="{press.power: 5 %}", report="[line.done, line.cost]", curves="[press.E, EI-1]",
        pareto="[line.done, line.cost]", money="{currency: EUR, energy: 3.6, crew: {men: 36}}",
        variants="{as_is: {}, slow: {about: {en: Slow, ko: 느리게}, set: {press.speed: -10 %},"
        " schedule: [{at: Mon 07:00, set: {press.speed: 1}}]}}",
    )  # fmt: skip
    assert (found.name, found.question, found.start) == ("asked", {"en": "What if?", "ko": "만약?"}, "rest")
    assert (found.length, found.warm_up, found.rtol, found.seed) == (7200.0, 300.0, 1e-5, 7)
    assert found.precision == Precision("line.done", 0.02, relative=True, most=50)
    assert (found.report, found.curves, found.pareto) == (
        ("line.done", "line.cost"), ("press.E", "EI-1"), ("line.done", "line.cost"),
    )  # fmt: skip
    assert found.money is not None
    assert (found.money.currency, found.money.energy, found.money.crew) == ("EUR", 1e-6, {"men": 0.01})
    assert values_of(found.plant, found.assume) == {"press.power": 400.0}
    assert found.uncertain == (("press.power", 0.05, True),)
    assert found.variants[0] == Variant("as_is")
    slow = found.variants[1]
    assert slow.about == {"en": "Slow", "ko": "느리게"}
    assert [each[:3] for each in slow.changes] == [(SPEED, "times", "-10 %")]
    assert [step.at for step in slow.schedule] == [3600.0]


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    found = ask(tmp_path, replications=None, question="{en: What?}")
    assert found.question == {"en": "What?", "ko": "What?"}
    assert (found.replications, found.precision, found.warm_up, found.seed) == (100, None, 0.0, 1)
    assert found.variants == (Variant("as_is"),)


@pytest.mark.parametrize(
    ("text", "value"),
    [("2", 2.0), ("+50 %", 1.5), ("-10%", 0.9), ("+ 0.5", 1.5), ("-0.5", 0.5), ("= 0.5", 0.5), ("200 %", 2.0)],
)
def test_a_change_is_absolute_or_beside_what_it_was(tmp_path: Path, text: str, value: float) -> None:
    found = ask(tmp_path, variants=f"{{a: {{press.speed: '{text}'}}}}")
    assert values_of(found.plant, found.variants[0].changes) == {SPEED: pytest.approx(value)}


def test_a_variant_s_change_rests_on_what_is_assumed(tmp_path: Path) -> None:
    found = ask(tmp_path, assume="{press.speed: 4}", variants="{a: {press.speed: -50 %}}")
    assert values_of(found.plant, (*found.assume, *found.variants[0].changes)) == {SPEED: 2.0}
    with pytest.raises(PlantError, match=r"14\.0 is outside"):
        ask(tmp_path, assume="{press.speed: 9}", variants="{a: {press.speed: +5}}")


def test_a_flow_is_changed_in_each_of_its_places(tmp_path: Path) -> None:
    paths = {
        "flow.rack.capacity": "5", "flow.crews.men.size": "1", "flow.raw.orders.first.count": "9",
        "flow.shifts.early.to": "'07:00'", "flow.begins": "Tue 06:00", "flow.mill.power.busy": "7 W",
        "flow.mill.drives.press.works.busy": "0.5", "flow.mill.needs": "{work: others}",
    }  # fmt: skip
    found = ask(tmp_path, variants="{a: {" + ", ".join(f"{p}: {t}" for p, t in paths.items()) + "}}")
    flow = found.plant_of(found.variants[0]).flow
    assert flow is not None
    raw, mill, rack, *_ = flow.blocks
    assert rack.capacity == 5.0  # type: ignore[union-attr]
    assert flow.pools[0].size == 1
    assert raw.orders[0].count == 9  # type: ignore[union-attr]
    assert mill.power["busy"] == 7.0  # type: ignore[union-attr]
    assert mill.link.drives["press.works"]["busy"] == 0.5  # type: ignore[union-attr]
    assert mill.needs["work"][0].pools == ("others",)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scenario": "../x"}, "'../x': a name is letters"),
        ({"question": "{ko: q}"}, "question: 'en' is missing"),
        ({"plant": "nope"}, "plant: no plant 'nope'"),
        ({"plant": "asked.yaml"}, "'assets' is missing"),
        ({"plant": "../../etc/passwd"}, "plant: "),
        ({"plant": "x" * 5000}, "File name too long"),
        ({"length": "0 s"}, "for: 0 s: give a value from 0.001"),
        ({"length": "1e400 s"}, "for: '1e400 s' is not a finite number"),
        ({"warm_up": "-1 s"}, "warm_up: -1 s"),
        ({"rtol": "1"}, "rtol: 1: give a value"),
        ({"seed": "-1"}, "seed: '-1': give a whole number"),
        ({"replications": "1"}, "replications: '1': give a whole number from 2"),
        ({"precision": "{of: line.done, within: 1 %}"}, "keep one of them"),
        ({"replications": None, "precision": "{of: line.wip, within: 1 %}"}, "precision.of: no reported number"),
        ({"replications": None, "precision": "{of: line.done, within: 0 %}"}, "give a positive number"),
        ({"replications": None, "precision": "{of: line.done, within: 1 %, most: -5}"}, "precision.most: '-5'"),
        ({"report": "[]"}, "report: "),
        ({"report": "[mil.busy]"}, "report: 1: mil.busy: no block or asset 'mil'; did you mean 'mill'"),
        ({"report": "[mill.bussy]"}, "did you mean 'busy'"),
        ({"report": "[line.done, line.done]"}, "report: 2: line.done is there twice"),
        ({"report": "[line.cost]"}, "no number of the line 'cost'"),
        ({"report": "[order.x.done]"}, "no order 'x'"),
        ({"report": "[crew.man.busy]"}, "no crew 'man'; did you mean 'men'"),
        ({"report": "[crew.men.idle]"}, "no number of a crew 'idle'"),
        ({"report": "[max(press.again)]"}, "a time of the equipment's own"),
        ({"report": "[press]"}, "write what of what it is"),
        ({"variants": "{a: x}"}, "write its changes as path: value"),
        ({"variants": "{'a b': {}}"}, "a variant's name is letters"),
        ({"variants": "{a: {press.spede: 1}}"}, "did you mean 'speed'"),
        ({"variants": "{a: {press.speed: 100}}"}, "press.speed: 100 is outside [0, 10]"),
        ({"variants": "{a: {press.speed: 1 m}}"}, "measures something else"),
        ({"variants": "{a: {press.alarm: 1}}"}, "an output is computed"),
        ({"variants": "{a: {press.works: 1}}"}, "mill drives it"),
        ({"variants": "{a: {flow.mil.takes: 5 s}}"}, "no place 'mil'; did you mean 'mill'"),
        ({"variants": "{a: {flow.mill.takse: 5 s}}"}, "no key 'takse'; did you mean 'takes'"),
        ({"variants": "{a: {flow.mill.takes: -10 %}}"}, "say what it becomes"),
        ({"variants": "{a: {flow.mill: 5 s}}"}, "it has parts of its own"),
        ({"variants": "{a: {flow.crews.men.size: 0}}"}, "flow.crews.men.size: '0'"),
        ({"variants": "{a: {schedule: [{at: 1 h, set: {flow.rack.capacity: 5}}]}}"}, "a flow can't change later"),
        ({"variants": "{a: {schedule: [{at: -1 h, set: {press.speed: 1}}]}}"}, "schedule.at: -1 h"),
        ({"variants": "{a: {schedule: [{at: 1 h, set: {press.speed: 99}}]}}"}, "press.speed: 99 is outside"),
        ({"variants": "{a: {}}", "vary": "{design: grid, over: {press.speed: [1]}}"}, "keep one of them"),
        ({"assume": "{press.speed: x}"}, "press.speed: 'x' is not a number"),
        ({"uncertain": "{press.speed: 0 %}"}, "give a positive standard deviation"),
        ({"curves": "[press.x]"}, "curves: press.x: no quantity"),
        ({"pareto": "[line.done]"}, "name two of `report`"),
        ({"money": "{energy: nan}"}, "money.energy: 'nan' is not a finite number"),
        ({"money": "{crew: {x: 5}}"}, "money.crew: no crew 'x'"),
        ({"start": "later"}, "start: no start 'later'"),
        ({"nope": "x"}, "no key 'nope'"),
        ({"vary": "{design: gird, over: {press.speed: [1]}}"}, "did you mean 'grid'"),
        ({"vary": "{design: grid, over: {}}"}, "vary.over"),
        ({"vary": "{design: grid, over: {press.speed: {low: 1, high: 2}}}"}, "a grid needs levels"),
        ({"vary": "{design: grid, over: {press.speed: [1, 99]}}"}, "press.speed: 99 is outside"),
        ({"vary": "{design: grid, over: {flow.nope.takes: [1, 2]}}"}, "no place 'nope'"),
        ({"vary": "{design: sobol, over: {press.speed: {low: 1, high: 2}}}"}, "vary.count: ''"),
        ({"vary": "{design: sobol, count: 1000000000, over: {press.speed: {low: 1, high: 2}}}"}, "from 1 to 100000"),
        ({"vary": "{design: sobol, count: 8, over: {press.speed: {low: 2, high: 1}}}"}, "low 2 is not below high 1"),
        ({"vary": "{design: optimise, count: 20, over: {press.speed: {low: 1, high: 2}}}"}, "vary.goal: ''"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, changes: dict[str, str | None], said: str) -> None:
    with pytest.raises(PlantError) as caught:
        ask(tmp_path, **changes)  # type: ignore[arg-type]
    assert re.match(r"asked\.yaml:\d+: ", str(caught.value)), str(caught.value)
    assert said in str(caught.value)


def test_an_order_without_a_due_date_is_neither_on_time_nor_late(tmp_path: Path) -> None:
    ask(tmp_path)
    path = tmp_path / "plant.yaml"
    path.write_text(path.read_text().replace(", due: 51 min", ""))
    (tmp_path / "other.yaml").write_text(text_of({"report": "[order.first.on_time]"}))
    with pytest.raises(PlantError, match="order first has no due date"):
        load(tmp_path / "other.yaml", EQUIPMENT)


def test_a_design_has_its_factors_and_its_goal(tmp_path: Path) -> None:
    over = "{press.speed: {low: 1, high: 2}, flow.rack.capacity: {low: 1, high: 4}}"
    found = ask(tmp_path, vary=f"{{design: optimise, count: 20, goal: minimise line.done, over: {over}}}").vary
    assert found == Vary(
        "optimise", {SPEED: (1.0, 2.0), "flow.rack.capacity": (1.0, 4.0)}, {SPEED: "1", "flow.rack.capacity": "1"},
        20, "line.done", maximise=False, search="scipy",
    )  # fmt: skip


def test_a_change_remembers_where_it_was_written(tmp_path: Path) -> None:
    found = ask(tmp_path, variants="\n  a:\n    press.speed: 2\n    schedule: []".replace("    schedule: []", ""))
    assert found.variants[0].changes == (Change(SPEED, "to", "2", "asked.yaml:9"),)
    assert Step(0.0, ()).changes == ()
