"""An asset's function as data: straight-line assignments that kernels, Jacobians and C are written from."""

import ast
import builtins
import inspect
import math
import textwrap
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from twin.errors import DeclarationError

FUNCTIONS = ("exp", "expm1", "log", "tanh", "sqrt", "pow", "fabs", "sin", "cos", "min", "max", "abs")
"""What an equation may call, from `math` or built in; `twin.lower` and `twin.lanemath` have counterparts of all."""

_ALIASES = {"fabs": "abs"}
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


class Line(NamedTuple):
    """One assignment ``target = expression``; names are the formula's own."""

    target: str
    expression: ast.expr


class Formula(NamedTuple):
    """A pure function of floats: argument names, assignments in order, returned names.

    `results` are the variables that hold the returned values when all lines are done: a transition
    may return ``v`` computed from its argument ``v``, and no line assigns a name twice.
    """

    name: str
    arguments: tuple[str, ...]
    lines: tuple[Line, ...]
    returns: tuple[str, ...]
    results: tuple[str, ...]
    function: Callable[..., Any]

    def renamed(self, names: Callable[[str], str]) -> tuple[Line, ...]:
        """Return the lines with every name passed through `names`."""
        return tuple(Line(names(line.target), rename(line.expression, names)) for line in self.lines)


class _Rename(ast.NodeTransformer):
    def __init__(self, names: Callable[[str], str]) -> None:
        self.names = names

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return ast.Call(func=node.func, args=[self.visit(a) for a in node.args], keywords=[])

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(id=self.names(node.id), ctx=ast.Load())


def rename(expression: ast.expr, names: Callable[[str], str]) -> ast.expr:
    """Return a copy of `expression` with every variable passed through `names`."""
    copied: ast.expr = _Rename(names).visit(ast.parse(ast.unparse(expression), mode="eval").body)
    return copied


def names_in(expression: ast.expr) -> set[str]:
    """Return the variables that `expression` reads."""
    called = {id(n.func) for n in ast.walk(expression) if isinstance(n, ast.Call)}
    return {n.id for n in ast.walk(expression) if isinstance(n, ast.Name) and id(n) not in called}


def parse(function: Callable[..., Any], where: str) -> Formula:
    """Return `function` as straight-line assignments, with constants and helper functions written in.

    A body is a docstring, assignments to new names and one final ``return`` of names. Expressions are
    arithmetic, comparisons inside ``a if b else c``, `FUNCTIONS`, and calls of plain functions of the
    same form (their bodies are written in).

    Raises
    ------
    DeclarationError
        If the body holds anything else; the message names the line.
    """
    return _Parser(where).formula(function)


class _Parser:
    def __init__(self, where: str) -> None:
        self.where, self.helpers = where, 0
        self.lines: list[Line] = []

    def refuse(self, node: ast.AST, what: str) -> DeclarationError:
        return DeclarationError(f"{self.where}: `{ast.unparse(node)}`: {what}")

    def formula(self, function: Callable[..., Any]) -> Formula:
        arguments = tuple(inspect.signature(function).parameters)
        names = {a: a for a in arguments}
        returned = self.body(function, names, prefix="")
        items = returned.elts if isinstance(returned, ast.Tuple) else [returned]
        for item in items:
            if not isinstance(item, ast.Name):
                raise self.refuse(item, "return names only; assign it to a name first")
        returns = tuple(item.id for item in items if isinstance(item, ast.Name))
        for name in returns:
            if name not in names:
                raise DeclarationError(f"{self.where}: returns {name!r}, which it never assigns")
        return Formula(self.where, arguments, tuple(self.lines), returns, tuple(names[n] for n in returns), function)

    def body(self, function: Callable[..., Any], names: dict[str, str], prefix: str) -> ast.expr:
        """Append the lines of `function` and return its result; `names` maps its names to ours."""
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        if not isinstance(tree, ast.FunctionDef):
            raise DeclarationError(f"{self.where}: equations are written with def")
        statements = [s for s in tree.body if not _is_docstring(s)]
        scope = inspect.getclosurevars(function)
        values = {**vars(builtins), **scope.globals, **scope.nonlocals}
        for statement in statements[:-1]:
            if not (
                isinstance(statement, ast.Assign)
                and len(statement.targets) == 1
                and isinstance(statement.targets[0], ast.Name)
            ):
                raise self.refuse(
                    statement, "only `name = expression` may stand before the return; write a choice as `a if b else c`"
                )
            target = statement.targets[0].id
            expression = self.expression(statement.value, names, values)
            fresh = prefix + target
            if target in names:
                self.helpers += 1
                fresh = f"{prefix}_r{self.helpers}_{target}"
            names[target] = fresh
            self.lines.append(Line(fresh, expression))
        last = statements[-1]
        if not isinstance(last, ast.Return) or last.value is None:
            raise self.refuse(last, "the last statement must return")
        if not prefix:
            return last.value
        return self.expression(last.value, names, values)

    def expression(self, node: ast.expr, names: dict[str, str], values: dict[str, Any]) -> ast.expr:
        def go(n: ast.expr) -> ast.expr:
            return self.expression(n, names, values)

        match node:
            case ast.Constant(value=bool() | int() | float()):
                return ast.Constant(float(node.value))  # type: ignore[arg-type]
            case ast.Name(id=name):
                return self.name(node, name, names, values)
            case ast.Attribute(value=ast.Name(id=module), attr=attribute) if values.get(module) is math and isinstance(
                getattr(math, attribute, None), float
            ):
                return _number(getattr(math, attribute))
            case ast.BinOp(op=ast.Pow(), right=right):
                return self.power(node, go(node.left), right)
            case ast.BinOp() if isinstance(node.op, _OPERATORS):
                return ast.BinOp(left=go(node.left), op=node.op, right=go(node.right))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return ast.UnaryOp(op=ast.USub(), operand=ast.Constant(float(value)))
            case ast.UnaryOp(op=ast.USub()):
                return ast.UnaryOp(op=ast.USub(), operand=go(node.operand))
            case ast.IfExp(test=ast.Compare(left=left, ops=[op], comparators=[right])) if isinstance(op, _COMPARISONS):
                test = ast.Compare(left=go(left), ops=[op], comparators=[go(right)])
                return ast.IfExp(test=test, body=go(node.body), orelse=go(node.orelse))
            case ast.Call(keywords=[]):
                return self.call(node, [go(a) for a in node.args], values)
        raise self.refuse(node, "an equation can't hold this; use arithmetic, `a if b else c` and math functions")

    def check_arity(self, node: ast.Call, name: str, given: int) -> None:
        """Refuse `math.log(x, 2)` and the like: what Python takes beyond one argument, kernels don't."""
        least, most = {"min": (2, 64), "max": (2, 64), "pow": (2, 2)}.get(name, (1, 1))
        if not least <= given <= most:
            raise self.refuse(node, f"{name} takes {least if least == most else f'{least} or more'} here, not {given}")

    def name(self, node: ast.expr, name: str, names: dict[str, str], values: dict[str, Any]) -> ast.expr:
        if name in names:
            return ast.Name(id=names[name], ctx=ast.Load())
        if isinstance(values.get(name), int | float):
            return _number(float(values[name]))
        raise self.refuse(node, f"{name!r} is neither an argument, nor assigned above, nor a constant of the file")

    def power(self, node: ast.expr, base: ast.expr, exponent: ast.expr) -> ast.expr:
        """Write whole powers as products: the same bits everywhere, and no call."""
        if not (isinstance(exponent, ast.Constant) and exponent.value in (2, 3, 4)):
            raise self.refuse(node, "`**` takes 2, 3 or 4; write another power as math.pow(a, b)")
        if not isinstance(base, ast.Name | ast.Constant):
            self.helpers += 1
            target = f"_b{self.helpers}"
            self.lines.append(Line(target, base))
            base = ast.Name(id=target, ctx=ast.Load())
        square = ast.BinOp(left=base, op=ast.Mult(), right=base)
        if exponent.value == 2:
            return square
        return ast.BinOp(left=square, op=ast.Mult(), right=base if exponent.value == 3 else square)

    def call(self, node: ast.Call, args: list[ast.expr], values: dict[str, Any]) -> ast.expr:
        function = _resolve(node.func, values)
        name = getattr(function, "__name__", "")
        if name in FUNCTIONS and not inspect.isfunction(function):
            self.check_arity(node, name, len(args))
        if (
            function is not None
            and name in FUNCTIONS
            and function in (getattr(math, name, None), getattr(builtins, name, None))
        ):
            name = _ALIASES.get(name, name)
            if name in ("min", "max") and len(args) > 2:
                first = ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=args[:2], keywords=[])
                args = [first, *args[2:]]
                return self.call(node, args, values) if len(args) > 2 else _called(name, args)
            return _called(name, args)
        if inspect.isfunction(function):
            self.helpers += 1
            prefix = f"_{function.__name__}{self.helpers}_"
            inner: dict[str, str] = {}
            parameters = inspect.signature(function).parameters
            if len(parameters) != len(args):
                raise self.refuse(
                    node, f"{function.__name__} takes {', '.join(parameters)}; give each its value, by position"
                )
            for parameter, argument in zip(parameters, args, strict=True):
                inner[parameter] = prefix + parameter
                self.lines.append(Line(prefix + parameter, argument))
            return self.body(function, inner, prefix)
        there = f"there are {', '.join(FUNCTIONS)} and plain functions of this form, defined above the class"
        raise self.refuse(node, f"can't call this; {there}")


def _called(name: str, args: list[ast.expr]) -> ast.Call:
    return ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=args, keywords=[])


def _resolve(func: ast.expr, values: dict[str, Any]) -> Any:
    if isinstance(func, ast.Name):
        return values.get(func.id)
    if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
        return getattr(values.get(func.value.id), func.attr, None)
    return None


def _number(value: float) -> ast.expr:
    if math.isinf(value):
        inf = ast.Name(id="inf", ctx=ast.Load())
        return inf if value > 0 else ast.UnaryOp(op=ast.USub(), operand=inf)
    return ast.Constant(float(value)) if value >= 0 else ast.UnaryOp(op=ast.USub(), operand=ast.Constant(-float(value)))


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def needed(lines: Iterable[Line], wanted: Iterable[str]) -> tuple[Line, ...]:
    """Return only those lines that `wanted` names depend on, in order."""
    need, kept = set(wanted), []
    for line in reversed(tuple(lines)):
        if line.target in need:
            need |= names_in(line.expression)
            kept.append(line)
    return tuple(reversed(kept))
