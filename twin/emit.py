"""Asset equations as kernel source: the same text for every form, so that all forms give the same bits."""

import ast
import re

import numpy as np

from twin.declare import Asset
from twin.formula import Formula

HEADER = '''"""Generated; edit the assets or the plant, not this."""
import numpy as np
from numba import carray, cfunc, njit
from numpy import inf
from twin import lanemath as _m
from twin.address import CLASS, CLASS32, FIRE, STEPS, STEPS32, stack, stack32
'''
LANE = "@njit(error_model='numpy', forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)"
_RENAMED = {"min": "min2", "max": "max2"}
_NATIVE = {"abs"}
_SAME = {"min", "max", "sqrt"}


class _Emit(ast.NodeTransformer):
    """Rewrites an expression for kernels: our mathematics, explicit fma, float32 constants."""

    def __init__(self, real: type[np.floating]) -> None:
        self.single = real is np.float32

    def visit_Call(self, node: ast.Call) -> ast.AST:
        assert isinstance(node.func, ast.Name)  # noqa: S101 - formula.parse lets nothing else through
        name = node.func.id
        args: list[ast.expr] = [self.visit(a) for a in node.args]
        if name in _NATIVE:
            return ast.Call(func=node.func, args=args, keywords=[])
        ours = _RENAMED.get(name, name) + ("32" if self.single and name not in _SAME else "")
        return _call(ours, args)

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

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not self.single:
            return node
        return ast.Call(func=ast.parse("np.float32", mode="eval").body, args=[node], keywords=[])


def _call(name: str, args: list[ast.expr]) -> ast.Call:
    function = ast.Attribute(value=ast.Name(id="_m", ctx=ast.Load()), attr=name, ctx=ast.Load())
    return ast.Call(func=function, args=args, keywords=[])


def _is_product(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)


def _negative(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(op=ast.USub(), operand=node)


def expression(node: ast.expr, real: type[np.floating]) -> str:
    """Return one expression as kernel source."""
    copied = ast.parse(ast.unparse(node), mode="eval").body
    return ast.unparse(ast.fix_missing_locations(_Emit(real).visit(copied)))


def function_name(cls: type[Asset], formula: str) -> str:
    """Return the name of a formula's function in generated modules."""
    return f"{cls.__name__}__{formula}"


def function(cls: type[Asset], name: str, formula: Formula, real: type[np.floating]) -> str:
    """Return a formula as an inlined lane function of its arguments."""
    body = [f"    {line.target} = {expression(line.expression, real)}" for line in formula.lines]
    returned = ", ".join(formula.results)
    head = f"{LANE}\ndef {function_name(cls, name)}({', '.join(formula.arguments)}):"
    return hoisted("\n".join([head, *body, f"    return {returned}", ""]))


def hoisted(text: str) -> str:
    """Move float32 constants out of the code: numba types a global constant once, a call each time."""
    found: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        return found.setdefault(match[0], f"_K{len(found)}_{abs(hash_text(text)) % 10**8}")

    body = re.sub(r"np\.float32\((?:-?[0-9.e+-]+|inf)\)", name, text)
    return "".join(f"{constant} = {value}\n" for value, constant in found.items()) + body


def single_literals(lines: list[str]) -> list[str]:
    """Return lines with every literal as a float32 call: one float64 literal would widen a whole lane."""
    return [re.sub(r"(?<![\w.])(\d+\.\d*(?:e-?\d+)?|np\.inf)(?![\w.])", r"np.float32(\1)", line) for line in lines]


def hash_text(text: str) -> int:
    """Return a hash of text that is the same in every process."""
    import zlib

    return zlib.crc32(text.encode())


def transition(cls: type[Asset], name: str, formula: Formula) -> str:
    """Return a transition as a `FIRE` function over packed float64 arguments and results."""
    arguments = [f"    {a} = a[{i}]" for i, a in enumerate(formula.arguments)]
    body = [f"    {line.target} = {expression(line.expression, np.float64)}" for line in formula.lines]
    results = [f"    r[{i}] = {result}" for i, result in enumerate(formula.results)]
    head = [
        "@cfunc(FIRE, cache=True, error_model='numpy')",
        f"def {function_name(cls, name)}(a_, r_):",
        f"    a = carray(a_, {max(len(arguments), 1)})",
        f"    r = carray(r_, {max(len(results), 1)})",
    ]
    return "\n".join([*head, *arguments, *body, *results, ""])
