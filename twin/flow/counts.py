"""What a flow has done since statistics began, over all its members."""

from typing import NamedTuple

import numpy as np

from twin.flow.floor import Floor
from twin.flow.records import State

COUNTERS = (
    "entered", "passed", "lost", "failures", "setups", "services", "served", "late", "bad", "spoilt", "mended", "made",
    "planned", "lead", "lead_squares",
)  # fmt: skip
"""Fields of a block that begin anew with statistics."""


class Counted(NamedTuple):
    """What a block has done since statistics began.

    Attributes
    ----------
    entered, passed, lost, failures, setups, services, late, bad, spoilt, mended, made : int
        Parts that came, left, were lost for want of room; failures; setups; maintenances; parts that came after their
        due date; bad parts that came; parts that its work made bad, and good; and all that it made.
    planned : float
        Planned run time of what it has made [s].
    held : float
        How many parts it held, on average over time.
    spent : mapping
        Time in each state [s].
    lead, lead_squares : float
        Of a sink: sum of its parts' lead times, from source to sink, and of their squares [s], [s2].
    """

    entered: int
    passed: int
    lost: int
    failures: int
    setups: int
    services: int
    late: int
    bad: int
    spoilt: int
    mended: int
    made: int
    planned: float
    held: float
    spent: dict[str, float]
    lead: float
    lead_squares: float


def spent(floor: Floor) -> np.ndarray:
    """Return the time of every block in every state up to now [s], shape (members, blocks, states)."""
    members, n = floor.blocks.shape
    times = floor.spent.reshape(members, n, len(State)).copy()
    open_ = floor.world["time"] - floor.blocks["since"]
    np.put_along_axis(
        times, floor.blocks["state"][..., None],
        np.take_along_axis(times, floor.blocks["state"][..., None], 2) + open_[..., None], 2,
    )  # fmt: skip
    return times


def areas(floor: Floor) -> np.ndarray:
    """Return what every block held, over time up to now [s], shape (members, blocks)."""
    blocks = floor.blocks
    found: np.ndarray = blocks["area"] + blocks["held"] * (floor.world["time"] - blocks["stamp"])
    return found


def staffed(floor: Floor) -> np.ndarray:
    """Return how many of every pool have worked, over time up to now [s], shape (members, pools)."""
    pools = floor.pools
    found: np.ndarray = pools["area"] + pools["used"] * (floor.world["time"] - pools["stamp"])
    return found


def forget(floor: Floor) -> None:
    """Begin statistics anew, as at the end of a warm-up; parts stay where they are, orders as far as they are."""
    floor.spent[:] = 0.0
    for records, stamps in ((floor.blocks, ("since", "stamp")), (floor.pools, ("stamp",))):
        for field in stamps:
            records[field] = floor.world["time"]
        records["area"] = 0.0
    for field in COUNTERS:
        floor.blocks[field] = 0
    floor.world["logged"] = 0


def counted(floor: Floor, k: int, length: float, member: int = 0) -> Counted:
    """Return what block k of a member has done in the `length` of time since statistics began [s]."""
    row = floor.blocks[member, k]
    whole = {f: row[f].item() for f in Counted._fields if f in COUNTERS}
    times = spent(floor)[member, k]
    held = float(areas(floor)[member, k]) / length if length > 0.0 else 0.0
    return Counted(**whole, held=held, spent={s.name.lower(): float(times[s]) for s in State})
