"""The contract that every file of assets/ passes; runs on plain Python floats, nothing is compiled."""

import ast
import math
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.points import anywhere, at_rest, corners, evaluated, executed, results
from tests.probe import Probe, UnitMismatchError, lifted
from twin.declare import Asset, Constant, Due, Fault, Output, Source
from twin.formula import Formula
from twin.units import dimensions, spell

FEWEST_LINES, MOST_LINES = 40, 165
MAY_IMPORT = {"math", "twin.declare", "twin.correlations"}
BALANCE_TOLERANCE = 1e-6
STEP = 1e-6
ROUNDINGS = 100  # more operations than lie between any argument and a side of a balance
UNIT_POINTS = 40
SECOND = dimensions("s")


def equations(cls: type[Asset]) -> dict[str, Formula]:
    return cls.outputs | cls.dynamics | cls.guards | cls.balances | {n: f for n, (_, _, f) in cls.transitions.items()}


def units(cls: type[Asset], name: str) -> tuple[int, ...]:
    """Return the dimensions that a name of an equation stands for."""
    if name == "t":
        return SECOND
    quantities = cls.quantities()
    if name in quantities:
        return dimensions(quantities[name].unit)
    return tuple(a - b for a, b in zip(dimensions(quantities[name.removeprefix("d_")].unit), SECOND, strict=True))


def on_probes(cls: type[Asset], formula: Formula, at: dict[str, float]) -> dict[str, Any]:
    """Return what an equation returns when its arguments carry their declared units."""
    arguments = (Probe(at[a], units(cls, a)) for a in formula.arguments)
    got = lifted(formula.function)(*arguments)
    return dict(zip(formula.returns, got if isinstance(got, tuple) else (got,), strict=True))


def sources(cls: type[Asset]) -> Iterator[tuple[str, Source]]:
    """Yield every source of an asset with the name of what it vouches for."""
    yield from ((n, q.source) for n, q in cls.quantities().items() if q.source)
    yield from ((f"known[{i}]", k.source) for i, k in enumerate(cls.known))
    yield from ((n, v.source) for n, v in vars(sys.modules[cls.__module__]).items() if isinstance(v, Constant))


def test_equations_balance_in_their_units(cls: type[Asset]) -> None:
    points = [at for at, _ in zip(finite(cls), range(UNIT_POINTS), strict=False)]
    for name, formula in equations(cls).items():
        for at in points:
            try:
                got = on_probes(cls, formula, at)
            except UnitMismatchError as err:
                pytest.fail(f"{cls.__name__}.{name}: {err}")
            bare = {r for r, x in got.items() if not isinstance(x, Probe) and (x == 0 or math.isinf(x))}
            if name in cls.guards:
                continue
            if name in cls.balances:
                stored, supplied = (Probe.of(x).dims for x in got.values())
                assert bare or stored == supplied, f"{cls.__name__}.{name}: {spell(stored)} against {spell(supplied)}"
                continue
            for returned, x in got.items():
                have, want = Probe.of(x).dims, units(cls, returned)
                assert returned in bare or have == want, (
                    f"{cls.__name__}.{name}: {returned} comes out in {spell(have)}, declared {spell(want)}"
                )


def test_the_lines_that_kernels_are_written_from_compute_the_same(cls: type[Asset]) -> None:
    for at, _ in zip(finite(cls), range(UNIT_POINTS), strict=False):
        for name, formula in equations(cls).items():
            written, want = executed(formula, at), results(formula, at)
            for n, value in want.items():  # powers are written as products: a few last bits may differ
                scale = rounding(formula, at) if math.isfinite(value) else 0.0
                assert written[n] == pytest.approx(value, rel=1e-12, abs=scale), f"{cls.__name__}.{name}: {n}"


def finite(cls: type[Asset]) -> Iterator[dict[str, float]]:
    """Yield evaluated points; those where the equations fail are another test's business."""
    yield evaluated(cls, at_rest(cls))
    for point in anywhere(cls, seed=1):
        try:
            yield evaluated(cls, point)
        except (ArithmeticError, ValueError):
            continue


@pytest.mark.parametrize("points", [lambda cls: [at_rest(cls)], corners, lambda cls: anywhere(cls, seed=2)],
                         ids=["at rest", "on every bound", "anywhere"])  # fmt: skip
def test_rates_outputs_and_guards_are_finite(cls: type[Asset], points: Callable[..., Any]) -> None:
    for point in points(cls):
        try:
            at = evaluated(cls, point)
            for formula in cls.guards.values():
                at |= {formula.name: next(iter(results(formula, at).values()))}
        except (ArithmeticError, ValueError, TypeError) as err:  # a power of a negative number is complex
            pytest.fail(f"{cls.__name__}: {type(err).__name__}: {err} at {unlike_rest(cls, point)}")
        broken = [n for n, v in at.items() if n not in cls.roles[Due] and not math.isfinite(v)]
        assert not broken, f"{cls.__name__}: {', '.join(broken)} at {unlike_rest(cls, point)}"


def unlike_rest(cls: type[Asset], point: dict[str, float]) -> dict[str, float]:
    rest = at_rest(cls)
    return {n: v for n, v in point.items() if v != rest[n]}


def test_known_points_are_reproduced(cls: type[Asset]) -> None:
    assert cls.known, f"{cls.__name__} pins no Known point"
    for point in cls.known:
        stray = set(point.given) - set(cls.quantities())
        assert not stray, f"{cls.__name__}: given {', '.join(sorted(stray))} at a Known point, which it doesn't declare"
        at = evaluated(cls, at_rest(cls) | point.given)
        for name, (expected, tolerance) in point.expect.items():
            assert at[name] == pytest.approx(expected, rel=0, abs=tolerance), f"{name}: {point.source.text}"


def test_a_fault_changes_something_and_only_when_it_is_there(cls: type[Asset]) -> None:
    assert cls.roles[Fault], f"{cls.__name__} declares no fault"
    observed = [*cls.roles[Output], *(r for f in cls.dynamics.values() for r in f.returns)]
    healthy = {n: q.value for n, q in cls.roles[Fault].items()}
    points = [point | healthy for point in anywhere(cls, seed=3)]
    before = [evaluated(cls, point) for point in points]
    for name, fault in cls.roles[Fault].items():
        low, high = fault.bounds
        assert math.isfinite(high - low), f"{cls.__name__}.{name}: a fault needs finite bounds"
        middle = (low + high) / 2 if fault.value != (low + high) / 2 else (low + 3 * high) / 4
        after = (evaluated(cls, point | {name: middle}) for point in points)
        moved = any(a[n] != b[n] for a, b in zip(after, before, strict=True) for n in observed)
        assert moved, f"{cls.__name__}.{name}: at {middle:g} {fault.unit} no output and no derivative moves"


def test_a_fault_says_what_to_do_and_how_soon(cls: type[Asset]) -> None:
    for name, fault in cls.roles[Fault].items():
        assert re.fullmatch(r"[A-Z][^\n]+\.", fault.respond), f"{name}: {fault.respond!r} is not an instruction"
        assert 0 < fault.within < math.inf, f"{name}: within {fault.within:g} s"


def test_balances_close(cls: type[Asset]) -> None:
    assert cls.balances, f"{cls.__name__} states no conservation law"
    for point in anywhere(cls, seed=4):
        at = evaluated(cls, point)
        for name, formula in cls.balances.items():
            stored, supplied = results(formula, at).values()
            assert closes(formula, at), (
                f"{cls.__name__}.{name}: stored {stored:g}, supplied {supplied:g} at {unlike_rest(cls, point)}"
            )


def closes(formula: Formula, at: dict[str, float]) -> bool:
    """Return whether stored is what is supplied, but for the rounding of terms that cancel."""
    stored, supplied = results(formula, at).values()
    largest = max(abs(stored), abs(supplied), 1e-9)
    return abs(stored - supplied) <= BALANCE_TOLERANCE * largest or abs(stored - supplied) <= rounding(formula, at)


def rounding(formula: Formula, at: dict[str, float]) -> float:
    """Return a bound of the rounding error: the change of either side per relative change of each argument."""
    sides = tuple(results(formula, at).values())
    change = 0.0
    for argument in formula.arguments:
        moved = results(formula, at | {argument: at[argument] * (1 + STEP)}).values()
        change += sum(abs(a - b) for a, b in zip(moved, sides, strict=True)) / STEP
    return ROUNDINGS * sys.float_info.epsilon * change


def test_a_balance_notices_a_wrong_derivative(cls: type[Asset]) -> None:
    for name, formula in cls.balances.items():
        for rate in (a for a in formula.arguments if a.startswith("d_")):
            points = (evaluated(cls, point) for point in anywhere(cls, seed=5))
            noticed = any(not closes(formula, at | {rate: 1.5 * at[rate] + 1.0}) for at in points)
            assert noticed, f"{cls.__name__}.{name} holds whatever {rate} is"


def test_a_transition_returns_numbers_for_all_it_names(cls: type[Asset]) -> None:
    for point in anywhere(cls, seed=6):
        at = evaluated(cls, point)
        for name, (_, _, formula) in cls.transitions.items():
            got = results(formula, at)
            assert set(got) == set(formula.returns)
            strange = [n for n, v in got.items() if not isinstance(v, float | int) or math.isnan(v)]
            assert not strange, f"{cls.__name__}.{name}: {', '.join(strange)} at {unlike_rest(cls, point)}"
            lost = [n for n, v in got.items() if math.isinf(v) and n not in cls.roles[Due]]
            assert not lost, f"{cls.__name__}.{name}: {', '.join(lost)} is infinite; only a Due may be"


def test_a_due_has_a_transition(cls: type[Asset]) -> None:
    triggers = {trigger for kind, trigger, _ in cls.transitions.values() if kind == "at"}
    assert set(cls.roles[Due]) == triggers


def test_every_claimed_source_is_quoted(cls: type[Asset], file: Path, repository: Path) -> None:
    shipped = file.parent == repository / "assets"
    quoted = repository / "docs" / "sources.md" if shipped else file.parent / "sources.md"
    claimed = {n: s.text for n, s in sources(cls) if s.kind in ("sheet", "paper")}
    if not claimed:
        return
    assert quoted.is_file(), f"{cls.__name__} claims to have read {sorted(set(claimed.values()))}; {quoted} is missing"
    headings = set(re.findall(r"^## (\S+)\s*$", quoted.read_text(encoding="utf-8"), flags=re.MULTILINE))
    keys = {name: found[1] if (found := re.match(r"\[([^\]]+)\]", text)) else text for name, text in claimed.items()}
    unquoted = {name: key for name, key in keys.items() if key not in headings}
    assert not unquoted, f"{cls.__name__}: no heading in {quoted.name} for {unquoted}"


def test_the_docstring_says_what_it_is_and_where_it_holds(cls: type[Asset], file: Path) -> None:
    text = cls.__doc__ or ""
    module = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    for first in (text.partition("\n")[0], module.partition("\n")[0]):
        assert first.endswith("."), f"{first!r} is not a sentence"
        assert len(first) <= 100, f"{first!r} has {len(first)} characters"
    assert re.search(r"\b([Vv]alid(ity)?|[Hh]olds?)\b", text), (
        f"{cls.__name__}: the docstring gives no range of validity"
    )


def test_the_file_imports_only_the_language_of_assets(file: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported |= {f"twin.{a.name}" for a in node.names} if node.module == "twin" else {str(node.module)}
    assert imported <= MAY_IMPORT


def test_the_file_is_as_long_as_a_data_sheet(file: Path) -> None:
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert FEWEST_LINES <= lines <= MOST_LINES, f"{file.name}: {lines} lines"
