"""Calling compiled functions by address: what lets one driver run the kernels of any plant."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_POINTER = types.CPointer(types.float64)
_POINTER32 = types.CPointer(types.float32)
_INTEGERS = types.CPointer(types.int64)

STEPS = types.int64(_POINTER, _POINTER, _POINTER, _INTEGERS, types.int64, types.int64)
STEPS32 = types.int64(_POINTER32, _POINTER, _POINTER, _INTEGERS, types.int64, types.int64)
"""``steps(z, control, constants, tables, lanes, iterations) -> iterations done``."""

CLASS = types.void(types.int64, types.int64, types.int64, *[_POINTER] * 6)
CLASS32 = types.void(types.int64, types.int64, types.int64, *[_POINTER32] * 5, _POINTER)
"""``kernel(role, instances, lanes, states, held, inputs, outputs, results, time)``."""

FIRE = types.void(_POINTER, _POINTER)
"""``transition(arguments, results)``."""


MEET = types.float64(*[types.int64] * 5, types.float64)
"""``meet(member, bonds, count, lane, stride, t)``."""


def _call(result: ir.Type | None, count: int):
    def generate(context, builder, signature, args):
        word = ir.IntType(64)
        function = ir.FunctionType(ir.VoidType() if result is None else result, [word] * count)
        returned = builder.call(builder.inttoptr(args[0], function.as_pointer()), args[1:])
        return context.get_dummy_value() if result is None else returned

    return generate


# Pointers and 64-bit integers travel in the same registers on every 64-bit calling convention we run
# on, so addresses are passed as integers.
@intrinsic
def call_steps(context, address, z, control, constants, tables, lanes, iterations):
    """Call a `STEPS` function at an address."""
    return types.int64(*[types.int64] * 7), _call(ir.IntType(64), 6)


@intrinsic
def call_class(context, address, role, instances, lanes, y, q, u, o, r, time):
    """Call a `CLASS` function at an address."""
    return types.void(*[types.int64] * 10), _call(None, 9)


@intrinsic
def call_fire(context, address, arguments, results):
    """Call a `FIRE` function at an address."""
    return types.void(*[types.int64] * 3), _call(None, 2)


@intrinsic
def call_meet(context, address, member, bonds, count, lane, stride, t):
    """Call a `MEET` function at an address."""
    signature = types.float64(*[types.int64] * 6, types.float64)

    def generate(context, builder, signature, args):
        word, real = ir.IntType(64), ir.DoubleType()
        function = ir.FunctionType(real, [word] * 5 + [real])
        return builder.call(builder.inttoptr(args[0], function.as_pointer()), args[1:])

    return signature, generate


@intrinsic(prefer_literal=True)
def combine(context, kind, width, target, a, b, c):
    """Store ``kind(a, b, c)`` of `width` float64 lanes at an address, all lanes loaded before any is stored.

    `kind` is a literal: 0 c - a b, 1 a b, 2 a b + c, 3 1/a, 4 a - b, 5 -a; each rounded once.
    """
    operation, lanes = kind.literal_value, width.literal_value

    def generate(context, builder, signature, args):
        vector = ir.VectorType(ir.DoubleType(), lanes)
        pointers = [builder.inttoptr(x, vector.as_pointer()) for x in args[2:]]
        needed = {0: 3, 1: 2, 2: 3, 3: 1, 4: 2, 5: 1}[operation]
        x = [builder.load(p, align=8) for p in pointers[1 : 1 + needed]]
        if operation in (0, 2):
            fma = builder.module.declare_intrinsic(f"llvm.fma.v{lanes}f64", (), ir.FunctionType(vector, [vector] * 3))
            result = builder.call(fma, [builder.fneg(x[0]) if operation == 0 else x[0], x[1], x[2]])
        elif operation == 1:
            result = builder.fmul(x[0], x[1])
        elif operation == 3:
            result = builder.fdiv(ir.Constant(vector, [1.0] * lanes), x[0])
        elif operation == 4:
            result = builder.fsub(x[0], x[1])
        else:
            result = builder.fneg(x[0])
        builder.store(result, pointers[0], align=8)
        return context.get_dummy_value()

    return types.void(kind, width, *[types.int64] * 4), generate
