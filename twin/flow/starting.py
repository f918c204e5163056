"""The first instant of a flow: what its buffers hold, and what starts by itself."""

from twin.flow import loop
from twin.flow.floor import Floor
from twin.flow.laying import Laid


def start(laid: Laid, floor: Floor) -> None:
    """Let every member of a flow that was just laid begin."""
    for k, kind, count in laid.stock:
        while floor.parts.shape[1] <= int(floor.world["margin"].max()) + int(sum(row[2] for row in laid.stock)):
            floor.roomier(floor.parts.shape[1])
        for member in range(floor.count):
            loop.stocked(floor.place(member), k, kind, count)
    for member in range(floor.count):
        loop.opened(floor.place(member))
