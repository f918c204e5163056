"""Asset equations as kernel source: the same text for every form, so that all forms give the same bits."""

import ast
import re
from collections.abc import Iterable

import numpy as np

from twin.declare import Asset
from twin.formula import Formula

HEADER = '''"""Generated; edit the assets or the plant, not this."""
import numpy as np
from numba import carray, cfunc
from numpy import inf
from twin import lanemath as _m
from twin.address import CLASS, CLASS32, FIRE, STEPS, STEPS32
from twin.lower import LaneFunction, lane_function, row_program
'''
_RENAMED = {"min": "min2", "max": "max2"}


class _Emit(ast.NodeTransformer):
    """Rewrites an expression for kernels: our mathematics, explicit fma."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        assert isinstance(node.func, ast.Name)  # noqa: S101 - formula.parse lets nothing else through
        args: list[ast.expr] = [self.visit(a) for a in node.args]
        if node.func.id == "abs":
            return ast.Call(func=node.func, args=args, keywords=[])
        return _call(_RENAMED.get(node.func.id, node.func.id), args)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Fuse ``a * b + c`` where exactly one side is a product: the same roundings in every form."""
        left_product, right_product = _is_product(node.left), _is_product(node.right)
        if isinstance(node.op, ast.Add | ast.Sub) and left_product != right_product:
            product, other = (node.left, node.right) if left_product else (node.right, node.left)
            assert isinstance(product, ast.BinOp)  # noqa: S101
            a, b, c = self.visit(product.left), self.visit(product.right), self.visit(other)
            if isinstance(node.op, ast.Sub):
                a, c = (a, _negative(c)) if left_product else (_negative(a), c)
            return _call("fma", [a, b, c])
        return ast.BinOp(left=self.visit(node.left), op=node.op, right=self.visit(node.right))


def _call(name: str, args: list[ast.expr]) -> ast.Call:
    function = ast.Attribute(value=ast.Name(id="_m", ctx=ast.Load()), attr=name, ctx=ast.Load())
    return ast.Call(func=function, args=args, keywords=[])


def _is_product(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)


def _negative(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(op=ast.USub(), operand=node)


def expression(node: ast.expr) -> str:
    """Return one expression as kernel source."""
    copied = ast.parse(ast.unparse(node), mode="eval").body
    return ast.unparse(ast.fix_missing_locations(_Emit().visit(copied)))


def function_name(cls: type[Asset], formula: str) -> str:
    """Return the name of a formula's function in generated modules."""
    return f"{cls.__name__}__{formula}"


def function(cls: type[Asset], name: str, formula: Formula) -> str:
    """Return a formula as the source of a `LaneFunction`."""
    lines = [f"{line.target} = {expression(line.expression)}" for line in formula.lines]
    return lane_function(function_name(cls, name), formula.arguments, lines, formula.results)


def lane_function(name: str, arguments: Iterable[str], lines: Iterable[str], results: Iterable[str]) -> str:
    """Return the source of a `twin.lower.LaneFunction`."""
    body = "\n".join(lines)
    head, tail = f'{name} = LaneFunction("{" ".join(arguments)}"', f'"{" ".join(results)}")\n'
    return f"{head}, '''\n{body}\n''', {tail}"


def called(name: str, real: type[np.floating]) -> str:
    """Return the source that makes a `LaneFunction` callable by name from compiled code."""
    return f"{name} = lane_function({name}{', single=True' if real is np.float32 else ''})\n"


def single_literals(lines: list[str]) -> list[str]:
    """Return lines with every literal as a float32 call: one float64 literal would widen a whole lane."""
    return [re.sub(r"(?<![\w.])(\d+\.\d*(?:e-?\d+)?|np\.inf)(?![\w.])", r"np.float32(\1)", line) for line in lines]


def transition(cls: type[Asset], name: str, formula: Formula) -> str:
    """Return a transition as a `FIRE` function over packed float64 arguments and results."""
    own = function_name(cls, name)
    arguments = ", ".join(f"a[{i}]" for i in range(len(formula.arguments)))
    places = ", ".join(f"r[{i}]" for i in range(len(formula.results)))
    head = [
        function(cls, f"{name}__values", formula),
        called(f"{function_name(cls, name)}__values", np.float64),
        "@cfunc(FIRE, cache=True, error_model='numpy')",
        f"def {own}(a_, r_):",
        f"    a = carray(a_, {max(len(formula.arguments), 1)})",
        f"    r = carray(r_, {max(len(formula.results), 1)})",
        f"    {places} = {own}__values({arguments})",
    ]
    return "\n".join([*head, ""])
