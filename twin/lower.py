"""Straight-line programs to LLVM by hand: numba then types one call where it would type every operation.

Typing and lowering in Python is nearly all of numba's compile time, so this is what makes a kernel
of hundreds of equations compile in a second. The language is what `twin.emit` and the kernel forms
write: assignments of names, numbers, arithmetic, one comparison in a choice, elements of rows, calls of
lane functions and of `_m` (`twin.lanemath`).
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from twin import lanemath

_COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=="}
_ARITHMETIC = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
_WORD = ir.IntType(64)


class LaneFunction:
    """A formula's text: assignments, the names of its arguments and of its results."""

    def __init__(self, arguments: str, body: str, results: str) -> None:
        self.arguments, self.results = arguments.split(), results.split()
        self.body = ast.parse(body).body

    def written(self, block: "_Block", values: list[Any]) -> list[Any]:
        """Write the body into `block` for LLVM values of the arguments; return those of the results."""
        inner = _Block(block.context, block.builder, block.single)
        inner.values |= dict(zip(self.arguments, values, strict=True))
        for statement in self.body:
            inner.statement(statement)
        return [inner.values[name] for name in self.results]


class _Block:
    """Writes one function body: every variable is an LLVM value of one floating-point type, or a truth value."""

    def __init__(
        self, context: Any, builder: Any, single: bool, functions: Mapping[str, LaneFunction] | None = None
    ) -> None:
        self.context, self.builder, self.single = context, builder, single
        self.real = types.float32 if single else types.float64
        self.kind = ir.FloatType() if single else ir.DoubleType()
        self.functions = functions or {}
        self.values: dict[str, Any] = {"inf": ir.Constant(self.kind, math.inf)}
        self.rows: dict[str, tuple[Any, Any]] = {}
        """By name: the pointer to an array, and the index of its first element in this lane."""

    def statement(self, node: ast.stmt) -> None:
        """Write one assignment."""
        assert isinstance(node, ast.Assign)  # noqa: S101 - our own text
        target = node.targets[0]
        if isinstance(target, ast.Subscript):
            value = self.value(node.value)
            self.builder.store(value, self.element(target))
        elif (
            isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name)
            and node.value.func.id in self.functions
        ):
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            results = self.functions[node.value.func.id].written(self, [self.value(a) for a in node.value.args])
            self.values |= {n.id: v for n, v in zip(names, results, strict=True) if isinstance(n, ast.Name)}
        elif isinstance(target, ast.Name):
            self.values[target.id] = self.value(node.value)

    def element(self, node: ast.Subscript) -> Any:
        """Return the address of ``rows[number]`` in this lane."""
        assert isinstance(node.value, ast.Name)  # noqa: S101
        assert isinstance(node.slice, ast.Constant)  # noqa: S101
        pointer, lane = self.rows[node.value.id]
        index = self.builder.add(lane, ir.Constant(_WORD, node.slice.value), flags=["nsw"])
        return self.builder.gep(pointer, [index], inbounds=True)

    def value(self, node: ast.expr) -> Any:
        """Return the LLVM value of an expression."""
        builder = self.builder
        match node:
            case ast.Name(id=name):
                return self.values[name]
            case ast.Constant(value=number):
                return ir.Constant(self.kind, float(number))  # type: ignore[arg-type]
            case ast.Subscript():
                loaded = builder.load(self.element(node))
                return builder.fptrunc(loaded, self.kind) if loaded.type != self.kind else loaded
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


def lane_function(function: LaneFunction, single: bool = False) -> Any:
    """Return a lane function that compiled code can call; one result is a number, several are a tuple.

    `single` makes it float32 throughout, constants and mathematics too.
    """
    real = types.float32 if single else types.float64
    count = len(function.results)
    result = real if count == 1 else types.UniTuple(real, count)
    signature = result(*[real] * len(function.arguments))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values = function.written(_Block(context, builder, single), list(args))
        return values[0] if count == 1 else context.make_tuple(builder, signature.return_type, values)

    return intrinsic(_with_arguments(len(function.arguments), lambda: (signature, generate)))


def row_program(
    body: str, functions: Mapping[str, LaneFunction], sizes: Mapping[str, int], width: int, single: bool = False
) -> Any:
    """Return ``program(pointer of each array, instance, lane)``, which runs a body once.

    Parameters
    ----------
    body : str
        Assignments; ``y[3]`` is row 3 of array ``y`` in this instance and lane.
    functions : mapping
        What the body may call.
    sizes : mapping
        Rows of an instance, by name of the array; arrays are given to the program in this order. An array
        of size 0 is shared by all instances, and float64.
    width : int
        Lanes of a row.
    """
    statements = ast.parse(body).body
    element = types.float32 if single else types.float64
    pointers = [types.CPointer(element if size else types.float64) for size in sizes.values()]
    signature = types.void(*pointers, types.int64, types.int64)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        *arrays, instance, lane = args
        block = _Block(context, builder, single, functions)
        for (name, size), pointer in zip(sizes.items(), arrays, strict=True):
            first = builder.mul(instance, ir.Constant(_WORD, size * width), flags=["nsw"])
            block.rows[name] = pointer, builder.add(first, lane, flags=["nsw"])
        for statement in statements:
            block.statement(statement)
        return context.get_dummy_value()

    return intrinsic(_with_arguments(len(sizes) + 2, lambda: (signature, generate)))


def _with_arguments(count: int, answer: Callable[[], Any]) -> Callable[..., Any]:
    """Return a function whose signature numba can read: the typing context and so many arguments."""
    space: dict[str, Any] = {"answer": answer}
    numbered = ", ".join(f"a{i}" for i in range(count))
    exec(f"def typed(context, {numbered}):\n    return answer()", space)  # noqa: S102 - counted, not given
    typed: Callable[..., Any] = space["typed"]
    return typed
