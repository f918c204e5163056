"""The arrays of a member, as compiled code sees them: views at addresses, without counting references.

A member is the address of its row of `Floor.addresses`. An array passed as such would travel as seven numbers, and one
taken out of a tuple counts references: a third of the speed of a whole flow.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

from llvmlite import ir
from numba import from_dtype, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from twin.flow.floor import OWN, SHARED
from twin.flow.records import BLOCK, CALENDAR, CLAIM, EDGE, LOG, ORDER, PART, POOL, STREAM, WORLD

_SLOTS = {name: slot for slot, name in enumerate((*OWN, *SHARED))}
_LONG = 2**40
"""Views have no length of their own; sizes stand in the world."""


def _view(name, kind):
    """Return signature and code of a view at an address in a member's row."""
    slot, array = _SLOTS[name], types.Array(kind, 1, "C")

    def generate(context, builder, signature, args):
        word = ir.IntType(64)
        row = builder.inttoptr(args[0], word.as_pointer())
        address = builder.load(builder.gep(row, [ir.Constant(word, slot)]))
        view = make_array(array)(context, builder)
        size = context.get_abi_sizeof(context.get_data_type(kind))
        populate_array(
            view, builder.inttoptr(address, view.data.type), [ir.Constant(word, _LONG)], [ir.Constant(word, size)],
            ir.Constant(word, size), None,
        )  # fmt: skip
        return view._getvalue()

    return array(types.int64), generate


@intrinsic
def world(context, member):
    """Return a member's `world`."""
    return _view("world", from_dtype(WORLD))


@intrinsic
def blocks(context, member):
    """Return a member's `blocks`."""
    return _view("blocks", from_dtype(BLOCK))


@intrinsic
def parts(context, member):
    """Return a member's `parts`."""
    return _view("parts", from_dtype(PART))


@intrinsic
def streams(context, member):
    """Return a member's `streams`."""
    return _view("streams", from_dtype(STREAM))


@intrinsic
def edges(context, member):
    """Return a member's `edges`."""
    return _view("edges", from_dtype(EDGE))


@intrinsic
def due(context, member):
    """Return a member's `due`."""
    return _view("due", types.float64)


@intrinsic
def spent(context, member):
    """Return a member's `spent`."""
    return _view("spent", types.float64)


@intrinsic
def claims(context, member):
    """Return a member's `claims`."""
    return _view("claims", from_dtype(CLAIM))


@intrinsic
def pools(context, member):
    """Return a member's `pools`."""
    return _view("pools", from_dtype(POOL))


@intrinsic
def calendars(context, member):
    """Return a member's `calendars`."""
    return _view("calendars", from_dtype(CALENDAR))


@intrinsic
def orders(context, member):
    """Return a member's `orders`."""
    return _view("orders", from_dtype(ORDER))


@intrinsic
def log(context, member):
    """Return a member's `log`."""
    return _view("log", from_dtype(LOG))


@intrinsic
def numbers(context, member):
    """Return a member's `numbers`."""
    return _view("numbers", types.float64)


@intrinsic
def owners(context, member):
    """Return a member's `owners`."""
    return _view("owners", types.int64)


@intrinsic
def choices(context, member):
    """Return a member's `choices`."""
    return _view("choices", types.int64)
