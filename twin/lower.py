"""Straight-line arithmetic to LLVM by hand: numba then types one call where it would type every operation.

Typing and lowering in Python is nearly all of numba's compile time, so this is what makes a kernel
of hundreds of equations compile in a second. The language is what `twin.emit` writes: assignments of
names, numbers, arithmetic, one comparison in a choice, and calls of `_m` (`twin.lanemath`).
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

import ast
import math
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from twin import lanemath

_COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=="}
_ARITHMETIC = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}


class _Block:
    """Writes one function body: every variable is an LLVM value of one floating-point type."""

    def __init__(self, context: Any, builder: Any, single: bool) -> None:
        self.context, self.builder, self.single = context, builder, single
        self.real = types.float32 if single else types.float64
        self.kind = ir.FloatType() if single else ir.DoubleType()
        self.values: dict[str, Any] = {"inf": ir.Constant(self.kind, math.inf)}

    def value(self, node: ast.expr) -> Any:
        """Return the LLVM value of an expression."""
        builder = self.builder
        match node:
            case ast.Name(id=name):
                return self.values[name]
            case ast.Constant(value=number):
                return ir.Constant(self.kind, float(number))  # type: ignore[arg-type]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return builder.fneg(self.value(operand))
            case ast.BinOp(left=left, op=op, right=right):
                return getattr(builder, _ARITHMETIC[type(op)])(self.value(left), self.value(right))
            case ast.IfExp(test=ast.Compare(left=left, ops=[op], comparators=[right]), body=body, orelse=orelse):
                return builder.select(self.test(op, left, right), self.value(body), self.value(orelse))
            case ast.Call(func=ast.Name(id="abs"), args=[argument]):
                return self.native("fabs", [argument])
            case ast.Call(func=ast.Attribute(value=ast.Name(id="_m"), attr=name), args=args):
                return self.call(name, args)
        raise AssertionError(ast.dump(node))

    def test(self, op: ast.cmpop, left: ast.expr, right: ast.expr) -> Any:
        """Return a comparison as Python has it: false on NaN, but for ``!=``."""
        a, b = self.value(left), self.value(right)
        if isinstance(op, ast.NotEq):
            return self.builder.fcmp_unordered("!=", a, b)
        return self.builder.fcmp_ordered(_COMPARISONS[type(op)], a, b)

    def call(self, name: str, args: list[ast.expr]) -> Any:
        """Return a call of our mathematics."""
        if name in ("fma", "sqrt"):
            return self.native(name, args)
        if name in ("min2", "max2"):  # Python's min(a, b) is `b if b < a else a`
            a, b = (self.value(x) for x in args)
            return self.builder.select(self.builder.fcmp_ordered("<" if name == "min2" else ">", b, a), b, a)
        function = getattr(lanemath, name + ("32" if self.single else ""))
        typed = self.context.typing_context.resolve_value_type(function)
        signature = typed.get_call_type(self.context.typing_context, (self.real,) * len(args), {})
        return self.context.get_function(typed, signature)(self.builder, [self.value(x) for x in args])

    def native(self, name: str, args: list[ast.expr]) -> Any:
        """Return a call of an LLVM intrinsic."""
        full = f"llvm.{name}.{'f32' if self.single else 'f64'}"
        function = self.builder.module.declare_intrinsic(full, (), ir.FunctionType(self.kind, [self.kind] * len(args)))
        return self.builder.call(function, [self.value(x) for x in args])


def lane_function(arguments: str, body: str, results: str, single: bool = False) -> Any:
    """Return a function of floats that compiled code can call, from its text.

    Parameters
    ----------
    arguments, results : str
        Names, separated by spaces; one result is a number, several are a tuple.
    body : str
        Assignments, one a line.
    single : bool
        float32 throughout, constants and mathematics too.
    """
    taken, given = arguments.split(), results.split()
    lines = [statement for statement in ast.parse(body).body if isinstance(statement, ast.Assign)]
    real = types.float32 if single else types.float64
    result = real if len(given) == 1 else types.UniTuple(real, len(given))
    signature = result(*[real] * len(taken))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        block = _Block(context, builder, single)
        block.values |= dict(zip(taken, args, strict=True))
        for line in lines:
            target = line.targets[0]
            assert isinstance(target, ast.Name)  # noqa: S101 - written by twin.emit alone
            block.values[target.id] = block.value(line.value)
        values = [block.values[name] for name in given]
        return values[0] if len(given) == 1 else context.make_tuple(builder, signature.return_type, values)

    return intrinsic(_with_arguments(taken, lambda: (signature, generate)))


def _with_arguments(names: list[str], answer: Callable[[], Any]) -> Callable[..., Any]:
    """Return a function whose signature numba can read, of the typing context and `names`."""
    space: dict[str, Any] = {"answer": answer}
    numbered = ", ".join(f"a{i}" for i in range(len(names)))
    exec(f"def typed(context, {numbered}):\n    return answer()", space)  # noqa: S102 - names are counted, not given
    typed: Callable[..., Any] = space["typed"]
    return typed
