"""From what branches came to, to the answer that people read."""

import hashlib
import math
from collections.abc import Sequence

import msgspec
import numpy as np

from scenarios import answer
from scenarios.answer import Answer, Basis, Curve, Level, Number, Range, Span, Told, texts
from scenarios.branch import LOGGED, POINTS
from scenarios.changes import later, of_equipment, told, values_of
from scenarios.measures import Measure
from scenarios.scenario import Scenario, Variant
from scenarios.search import pareto_front
from scenarios.sensitivity import sobol_indices, tornado
from scenarios.statistics import Interval, difference, mean_interval, wilson
from scenarios.sweep import Settings, Swept, factors_of, series
from scenarios.uncertain import left_open
from twin import __version__
from twin.declare import Param
from twin.flow.blocks import Buffer
from twin.flow.laying import Laid
from twin.flow.records import State
from twin.plant import Plant
from twin.snapshot import identity

FIT = " (fit, within its bounds)"
"""What stands behind an estimate that is drawn: one that would leave its bounds stands at the bound."""
LEAST_SPREAD = 20
"""Replications of which one lies outside nine tenths on either side."""
MOST_SPANS = 4000
"""Of a state timeline that is kept in an answer."""


def conclude(scenario: Scenario, settings: Settings, swept: Swept) -> Answer:
    """Return a scenario's answer of what has finished.

    Raises
    ------
    SimulationError
        If nothing has finished, with the first reason.
    """
    variants = [_variant(scenario, swept, variant) for variant in swept.variants]
    front = _front(scenario, swept)
    return Answer(
        format=answer.FORMAT, scenario=scenario.name, question=dict(scenario.question), ending=swept.outcome.ending,
        length=scenario.length, warm_up=scenario.warm_up, replications=swept.replications,
        currency=scenario.money.currency if scenario.money else "",
        measures=[
            Told(m.name, m.english, m.korean, _unit(scenario, m), m.better, m.probability) for m in scenario.measures
        ],
        variants=variants, pareto=front, pareto_of=list(scenario.pareto), swings=_swings(scenario, swept),
        indices=_indices(scenario, swept), best=_best(scenario, swept), basis=_basis(scenario, settings, swept),
        assumptions={**_left_open(scenario, settings), **told(scenario.assume), **_spreads(scenario)},
        source=scenario.source,
    )  # fmt: skip


def _unit(scenario: Scenario, measure: Measure) -> str:
    return scenario.money.currency if measure.name == "line.cost" and scenario.money else measure.unit


def _number(found: Interval) -> Number:
    low, high = (value if math.isfinite(value) else None for value in (found.low, found.high))
    return Number(found.middle, low, high, found.size)


def _interval(values: np.ndarray, probability: bool) -> Number:
    if not len(values):
        return Number(None, None, None, 0)
    if probability:
        return _number(wilson(round(float(values.sum())), len(values)))
    number = _number(mean_interval(values))
    if len(values) < LEAST_SPREAD or not np.isfinite(values).all():
        return number
    p5, p95 = np.quantile(values, (0.05, 0.95)).tolist()
    return msgspec.structs.replace(number, p5=p5, p95=p95)


def _variant(scenario: Scenario, swept: Swept, variant: Variant) -> answer.Variant:
    outcome, count = swept.outcome, swept.replications
    numbers, differences = {}, {}
    for measure in scenario.measures:
        numbers[measure.name] = _interval(series(outcome, variant.name, count, measure.name), measure.probability)
        if variant.name != swept.variants[0].name:
            differences[measure.name] = _difference(swept, variant.name, measure.name)
    keys = [f"{variant.name}/{r}" for r in range(count)]
    english, korean = texts(variant.about, variant.name)
    schedule = [{"at": f"{step.at:g} s", **told(step.changes)} for step in variant.schedule]
    spans, levels = _timeline(scenario, swept, variant)
    return answer.Variant(
        name=variant.name, english=english, korean=korean, changes=dict(told(variant.changes)), schedule=schedule,
        replications=sum(key in outcome.results for key in keys),
        failures={key: outcome.failures[key] for key in keys if key in outcome.failures},
        numbers=numbers, differences=differences, ranges=_ranges(scenario, variant),
        curves=_curves(scenario, swept, variant.name), gantt=spans, levels=levels,
    )  # fmt: skip


def _difference(swept: Swept, name: str, measure: str) -> answer.Difference:
    """Return the paired difference from the first variant, over replications that both have finished."""
    results, first = swept.outcome.results, swept.variants[0].name
    pairs = [(f"{name}/{r}", f"{first}/{r}") for r in range(swept.replications)]
    both = [(results[a][measure], results[b][measure]) for a, b in pairs if a in results and b in results]
    values = np.array([(float(np.asarray(a)), float(np.asarray(b))) for a, b in both]).reshape(-1, 2)
    values = values[np.isfinite(values).all(axis=1)]
    if len(values) < 2:
        return answer.Difference(None, None, None, len(values), None)
    found = difference(values[:, 0], values[:, 1])
    low, high = found.interval.low, found.interval.high
    reduction = found.reduction if math.isfinite(found.reduction) else None
    return answer.Difference(found.interval.middle, low, high, found.interval.size, reduction)


def _ranges(scenario: Scenario, variant: Variant) -> list[Range]:
    """Return where changed quantities stand to what was calibrated, at once and later."""
    plant, begun = scenario.plant, (*scenario.assume, *variant.changes)
    found = [_range(plant, path, value) for path, value in values_of(plant, begun).items()]
    for step in variant.schedule:
        at = f"{step.at:g} s"
        found += [_range(plant, each.path, later(plant, each), at) for each in of_equipment(step.changes)]
    return found


def _range(plant: Plant, path: str, value: float, at: str = "") -> Range:
    unit, span = plant.quantity(path).unit, plant.fitted.span(path) if plant.fitted else None
    if span is None:
        return Range(path, value, unit, "never calibrated", at=at)
    low, high = span
    return Range(path, value, unit, "inside" if low <= value <= high else "outside", low, high, at)


def _curves(scenario: Scenario, swept: Swept, name: str) -> list[Curve]:
    results = swept.outcome.results
    keys = [key for r in range(swept.replications) if (key := f"{name}/{r}") in results]
    times = [scenario.length * k / POINTS for k in range(POINTS + 1)]
    found = []
    for path in scenario.curves if keys else ():
        rows = np.stack([np.asarray(results[key][f"curve {path}"]) for key in keys])
        low, middle, high = np.quantile(rows, (0.05, 0.5, 0.95), axis=0)
        quantity = scenario.plant.tags[path].reads if path in scenario.plant.tags else path
        unit = scenario.plant.quantity(quantity).unit
        # Of a start that isn't on the grid of curves the first instant is one later.
        at = times[len(times) - len(middle) :]
        found.append(Curve(path, unit, at, low.tolist(), middle.tolist(), high.tolist()))
    return found


def _timeline(scenario: Scenario, swept: Swept, variant: Variant) -> tuple[list[Span], list[Level]]:
    """Return what blocks did and held in the first replication, as far as it was noted."""
    result = swept.outcome.results.get(f"{variant.name}/0")
    plant = scenario.plant
    if result is None or "log" not in result or plant.flow is None or len(swept.variants) > MOST_TIMELINES:
        return [], []
    blocks, rows = Laid(plant.flow).flow.blocks, np.asarray(result["log"])
    end = scenario.length if len(rows) < LOGGED else float(rows[-1, 0])
    spans, levels = [], []
    for k, block in enumerate(blocks):
        mine = rows[rows[:, 1] == k]
        if isinstance(block, Buffer):
            levels.append(Level(block.name, mine[:, 0].tolist(), mine[:, 3].astype(int).tolist()))
        elif type(block).__name__ == "Station" and len(mine):
            changed = np.flatnonzero(np.diff(mine[:, 2], prepend=-1.0))
            begins = mine[changed, 0]
            ends = [*begins[1:].tolist(), end]
            states = [State(int(s)).name.lower() for s in mine[changed, 2]]
            spans += [Span(block.name, s, b, e) for s, b, e in zip(states, begins.tolist(), ends, strict=True)]
    spans.sort(key=lambda span: span.begin)  # and at one instant in the order of the line
    return spans[:MOST_SPANS], levels


MOST_TIMELINES = 8
"""Variants for which a timeline is kept."""


def _means(swept: Swept, names: Sequence[str]) -> np.ndarray:
    """Return means of reported numbers by variant, shape (variants, names); nan where there is none."""
    rows = [[series(swept.outcome, v.name, swept.replications, name) for name in names] for v in swept.variants]
    return np.array([[float(x.mean()) if len(x) else math.nan for x in row] for row in rows])


def _front(scenario: Scenario, swept: Swept) -> list[str]:
    if not scenario.pareto:
        return []
    values = _means(swept, scenario.pareto)
    whole = np.flatnonzero(np.isfinite(values).all(axis=1))
    better = {m.name: m.better for m in scenario.measures}
    maximise = [better[name] != "less" for name in scenario.pareto]
    return [swept.variants[whole[i]].name for i in pareto_front(values[whole], maximise)] if len(whole) else []


def _swings(scenario: Scenario, swept: Swept) -> list[answer.Swing]:
    vary = scenario.vary
    if vary is None or vary.design != "one_at_a_time":
        return []
    values, found = _means(swept, scenario.report), []
    for column, name in enumerate(scenario.report):
        if np.isfinite(values[:, column]).all():
            for swing in tornado(
                dict(swept.cases[0]), [dict(case) for case in swept.cases], values[:, column].tolist()
            ):
                found.append(answer.Swing(swing.name, name, swing.low, swing.high))
    return found


def _indices(scenario: Scenario, swept: Swept) -> list[answer.Index]:
    vary = scenario.vary
    if vary is None or vary.design != "sensitivity" or swept.outcome.ending != "done":
        return []
    values, found = _means(swept, scenario.report), []
    for column, name in enumerate(scenario.report):
        finite = np.isfinite(values[:, column]).all()
        if finite and float(np.ptp(values[:, column])) > 0.0:
            for factor, index in sobol_indices(factors_of(vary), values[:, column].tolist()).items():
                found.append(answer.Index(factor, name, _number(index.first), _number(index.total)))
    return found


def _best(scenario: Scenario, swept: Swept) -> answer.Best | None:
    vary, optimum = scenario.vary, swept.optimum
    if vary is None or optimum is None:
        return None
    place = [tuple(case.values()) for case in swept.cases].index(tuple(optimum.case.values()))
    return answer.Best(swept.variants[place].name, vary.goal, vary.maximise, optimum.evaluations)


def _basis(scenario: Scenario, settings: Settings, swept: Swept) -> Basis:
    plant = scenario.plant
    guesses, parameters = guessed(plant)
    return Basis(
        plant=plant.name, plant_sha256=_hash(plant.text + identity(plant)), scenario_sha256=_hash(scenario.source),
        start=settings.start_said, start_digest=settings.start.digest if settings.start else "", seed=scenario.seed,
        rtol=scenario.rtol, version=__version__, results=swept.outcome.results.digest, guesses=guesses,
        parameters=parameters, start_time=settings.start_time,
    )  # fmt: skip


def _spreads(scenario: Scenario) -> dict[str, str]:
    return {
        each.path: f"± {100.0 * each.deviation:g} %" if each.relative
        else f"± {each.deviation:g} {_symbol(scenario.plant, each.path)}".rstrip()
        for each in scenario.uncertain
    }  # fmt: skip


def _left_open(scenario: Scenario, settings: Settings) -> dict[str, str]:
    """Return what is drawn as the plant's fit leaves it open."""
    return {
        path: f"{number.value:.4g} ± {number.deviation:.2g} {_symbol(scenario.plant, path)}".rstrip() + FIT
        for path, number in left_open(scenario.plant, live=settings.start is not None).items()
    }


def _symbol(plant: Plant, path: str) -> str:
    """Return a quantity's unit as it stands behind a number."""
    unit = plant.quantity(path).unit
    return "" if unit == "1" else unit


def guessed(plant: Plant) -> tuple[int, int]:
    """Return how many parameters of the equipment are guesses, and how many there are."""
    found = [q for cls in set(plant.assets.values()) for q in cls.quantities().values() if isinstance(q, Param)]
    return sum(q.source is not None and q.source.kind == "guess" for q in found), len(found)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
