"""Exact partial derivatives of a formula, as source: sparse forward mode over its straight-line code."""

import ast
from collections.abc import Iterable
from typing import NamedTuple

from twin import emit
from twin.declare import Asset
from twin.formula import Formula

Gradient = dict[str, str]
"""By argument: the variable or number that holds the partial derivative; absent ones are zero."""

_SMALLEST = "1e-12"
_COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


class Partials(NamedTuple):
    """A function of a formula's arguments as lines of source, and which of its results is what partial."""

    name: str
    arguments: tuple[str, ...]
    lines: tuple[str, ...]
    results: tuple[str, ...]
    entries: tuple[tuple[str, str, str], ...]
    """``(returned name, argument, "")`` for a result of the function, or with the constant it always is."""

    @property
    def text(self) -> str:
        """The source of the lane function; empty where every partial is a constant."""
        if not self.results:
            return ""
        return emit.lane_function(self.name, self.arguments, self.lines, self.results)


class _Tape:
    """Three-address code of a formula, with the gradient of every variable."""

    def __init__(self, active: Iterable[str]) -> None:
        self.lines: list[str] = []
        self.gradients: dict[str, Gradient] = {a: {a: "1.0"} for a in active}

    def emit(self, expression: str) -> str:
        name = f"_v{len(self.lines)}"
        self.lines.append(f"{name} = {expression}")
        return name

    def product(self, a: str, b: str) -> str:
        if a == "1.0":
            return b
        return a if b == "1.0" else self.emit(f"{a} * {b}")

    def value(self, node: ast.expr) -> str:
        """Append what computes `node` and its gradient; return the variable or number that holds it."""
        match node:
            case ast.Constant(value=bool() | int() | float() as value):
                return repr(float(value))
            case ast.Name(id=name):
                return name
            case ast.UnaryOp(operand=operand):
                return self._linear("-{0}", [self.value(operand)], [-1])
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return self._linear("{0} + {1}", [self.value(left), self.value(right)], [1, 1])
            case ast.BinOp(op=ast.Sub(), left=left, right=right):
                return self._linear("{0} - {1}", [self.value(left), self.value(right)], [1, -1])
            case ast.BinOp(op=ast.Mult(), left=left, right=right):
                a, b = self.value(left), self.value(right)
                return self._chain(f"{a} * {b}", {a: f"2.0 * {a}"} if a == b else {a: b, b: a})
            case ast.BinOp(op=ast.Div(), left=left, right=right):
                return self._quotient(self.value(left), self.value(right))
            case ast.IfExp(test=ast.Compare(left=left, ops=[op], comparators=[right]), body=body, orelse=orelse):
                condition = f"{self.value(left)} {_COMPARISONS[type(op)]} {self.value(right)}"
                return self._choice(condition, self.value(body), self.value(orelse))
            case ast.Call(func=ast.Name(id=name), args=args):
                return self._call(name, [self.value(a) for a in args])
        raise AssertionError(ast.dump(node))

    def _linear(self, form: str, operands: list[str], signs: list[int]) -> str:
        name = self.emit(form.format(*operands))
        gradient: Gradient = {}
        for operand, sign in zip(operands, signs, strict=True):
            for argument, partial in self.gradients.get(operand, {}).items():
                if argument in gradient:
                    gradient[argument] = self.emit(f"{gradient[argument]} {'+' if sign > 0 else '-'} {partial}")
                else:
                    gradient[argument] = partial if sign > 0 else self.emit(f"-{partial}")
        return self._kept(name, gradient)

    def _chain(self, expression: str, factors: dict[str, str]) -> str:
        """Append a function of some operands whose partials by operand are `factors` (`{0}` is its value)."""
        name = self.emit(expression)
        gradient: Gradient = {}
        for operand, factor in factors.items():
            inner = self.gradients.get(operand, {})
            if not inner:
                continue
            text = factor.format(name)
            held = text if text.isidentifier() else self.emit(text)
            for argument, partial in inner.items():
                term = self.product(partial, held)
                gradient[argument] = self.emit(f"{gradient[argument]} + {term}") if argument in gradient else term
        return self._kept(name, gradient)

    def _quotient(self, a: str, b: str) -> str:
        if a == b:
            return self._chain(f"{a} / {b}", {})
        return self._chain(f"{a} / {b}", {a: f"1.0 / {b}", b: f"-({{0}} / {b})"})

    def _choice(self, condition: str, a: str, b: str) -> str:
        chosen = self.emit(f"{a} if {condition} else {b}")
        first, second = self.gradients.get(a, {}), self.gradients.get(b, {})
        gradient = {
            argument: self.emit(f"{first.get(argument, '0.0')} if {condition} else {second.get(argument, '0.0')}")
            for argument in sorted({*first, *second})
        }
        return self._kept(chosen, gradient)

    def _call(self, name: str, args: list[str]) -> str:
        a = args[0]
        if name in ("min", "max"):
            return self._choice(f"{args[1]} {'<' if name == 'min' else '>'} {a}", args[1], a)
        if name == "abs":
            return self._chain(f"abs({a})", {a: f"1.0 if {a} > 0.0 else -1.0"})
        if name == "pow":
            b = args[1]
            if a == b:
                return self._chain(f"_m.pow({a}, {a})", {a: f"{{0}} * (1.0 + _m.log(_m.max2({a}, 1e-30)))"})
            return self._chain(
                f"_m.pow({a}, {b})",
                {a: f"{b} * {{0}} / _m.max2({a}, 1e-30)", b: f"{{0}} * _m.log(_m.max2({a}, 1e-30))"},
            )
        factor = {
            "exp": "{0}",
            "expm1": "{0} + 1.0",
            "log": f"1.0 / {a}",
            "tanh": "1.0 - {0} * {0}",
            # a root's slope is infinite at zero; the solver needs a number
            "sqrt": f"0.5 / _m.max2({{0}}, {_SMALLEST})",
            "sin": f"_m.cos({a})",
            "cos": f"-_m.sin({a})",
        }[name]
        return self._chain(f"_m.{name}({a})", {a: factor})

    def _kept(self, name: str, gradient: Gradient) -> str:
        if gradient:
            self.gradients[name] = gradient
        return name


def partials(cls: type[Asset], name: str, formula: Formula, active: Iterable[str]) -> Partials:
    """Return the source of a lane function that computes the partials of a formula by its `active` arguments."""
    tape = _Tape(a for a in formula.arguments if a in set(active))
    for line in formula.lines:
        result = tape.value(line.expression)
        tape.lines.append(f"{line.target} = {result}")
        if result in tape.gradients:
            tape.gradients[line.target] = tape.gradients[result]
    entries: list[tuple[str, str, str]] = []
    returned: list[str] = []
    for public, internal in zip(formula.returns, formula.results, strict=True):
        for argument, partial in tape.gradients.get(internal, {}).items():
            constant = "" if partial.isidentifier() else partial
            entries.append((public, argument, constant))
            if not constant:
                returned.append(partial)
    function = f"{emit.function_name(cls, name)}__partials"
    return Partials(function, formula.arguments, tuple(tape.lines), tuple(returned), tuple(entries))
