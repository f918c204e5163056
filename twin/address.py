"""Calling compiled functions by address: what lets one driver run the kernels of any plant."""

# mypy: disable-error-code="no-untyped-def,misc"

from llvmlite import ir
from numba import types
from numba.core import cgutils
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


def _stack(element, lowered):
    def make(context, count):
        size = count.literal_value

        def generate(context, builder, signature, args):
            pointer = cgutils.alloca_once(builder, ir.ArrayType(lowered, size))
            pointer.align = 64
            return builder.bitcast(pointer, lowered.as_pointer())

        return types.CPointer(element)(count), generate

    return make


# An array on the stack can't overlap an argument. Without it LLVM must prove at run time that rows don't
# overlap, gives up above some twenty assets, and silently stops vectorising.
stack = intrinsic(prefer_literal=True)(_stack(types.float64, ir.DoubleType()))
stack32 = intrinsic(prefer_literal=True)(_stack(types.float32, ir.FloatType()))
