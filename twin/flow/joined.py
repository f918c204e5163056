"""A flow for each member of an ensemble, and how the driver of the physics finds it."""

from collections.abc import Mapping

import numpy as np

from twin.errors import PlantError, SnapshotError
from twin.flow import loop
from twin.flow.bonds import meet
from twin.flow.floor import OWN, Floor
from twin.flow.laying import Laid
from twin.flow.records import BOND, CHANGES, Bond
from twin.flow.starting import start
from twin.kernel import Program
from twin.layout import Layout

MEETS = "meets"


class Joined:
    """The flow of a plant, in some members.

    Parameters
    ----------
    layout : Layout
        Of the plant, which has a flow.
    laid : Laid
        The plant's flow as records.
    floor : Floor
        Its members at time 0, as `Laid.floor` gives them.

    Attributes
    ----------
    meets : float64, (members,)
        When each member's flow is due [s]; minus infinity where it hasn't seen its physics yet.
    """

    def __init__(self, layout: Layout, laid: Laid, floor: Floor) -> None:
        if layout.real is not np.float64:
            raise PlantError(f"{layout.plant.name}: a flow runs with float64 only; choose that")
        self.laid, self.floor = laid, floor
        start(laid, floor)
        self.meets = np.full(floor.count, -np.inf)
        rows = [(what, k, layout.rows[path], *rest) for what, k, path, *rest in self.laid.bonds]
        rows.sort(key=lambda row: row[0] >= Bond.RESET)
        self._bonds = np.array(rows, BOND)
        self._meeting = np.array([
            meet.address, self.floor.place(), self.floor.addresses.strides[0], self._bonds.ctypes.data, len(rows),
        ], np.int64)  # fmt: skip

    def program(self, program: Program) -> Program:
        """Return a plant's program that meets this flow."""
        return program._replace(meeting=self._meeting, meets=self.meets)

    def grow(self) -> None:
        """Make room for as many parts again."""
        self.floor.roomier(self.floor.parts.shape[1])

    def state(self) -> dict[str, np.ndarray]:
        """Return everything that changes, by name, each with a first axis of members."""
        return {name: getattr(self.floor, name).copy() for name in OWN if name != "log"} | {MEETS: self.meets.copy()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what `state` returned; one member's state is copied to every member.

        What the flow was declared to be stays: sizes, times and orders may be others than those of the snapshot.

        Raises
        ------
        SnapshotError
            If it is of another flow.
        """
        count, floor = self.floor.count, self.floor
        for name, array in self.state().items():
            given = state.get(name)
            if (
                given is None
                or given.dtype != array.dtype
                or len(given) not in (1, count)
                or (name != "parts" and given.shape[1:] != array.shape[1:])
            ):
                raise SnapshotError(f"flow: {name} of the snapshot is of another flow; use the plant it was taken from")
        spread = {n: np.broadcast_to(a, (count, *a.shape[1:])) for n, a in state.items()}
        self.meets[:] = spread[MEETS]
        asked = floor.orders["count"] - spread["orders"]["count"]
        floor.parts = np.zeros(spread["parts"].shape, floor.parts.dtype)
        for name, fields in CHANGES.items():
            for field in fields:
                getattr(floor, name)[field] = spread[name][field]
        floor.due[:], floor.spent[:] = spread["due"], spread["spent"]
        floor.orders["left"] = np.maximum(floor.orders["left"] + asked, 0)
        self._finish()
        floor.readdress()
        # With other numbers something may begin at once: at the time of the physics, when they meet, which this isn't.
        trial = floor.copy()
        for member in range(count):
            loop.refreshed(trial.place(member))
        floor.pools["here"] = trial.pools["here"]
        begins = (trial.blocks != floor.blocks).any(axis=1)
        floor.blocks["dirty"][begins] = 1
        floor.world["low"][begins], floor.world["high"][begins] = 0, floor.blocks.shape[1] - 1
        self.meets[begins] = -np.inf

    def look(self) -> None:
        """Let every member's flow and physics see each other anew, as after a change of either from outside."""
        self.meets[:] = -np.inf

    def _finish(self) -> None:
        """Let orders of which more or fewer parts are wanted now be finished or not."""
        orders, now = self.floor.orders, self.floor.world["time"]
        whole = orders["done"] >= orders["count"]
        newly = np.where(np.isfinite(orders["finished"]), orders["finished"], now)
        orders["finished"] = np.where(whole, newly, np.inf)

    def stand(self, times: np.ndarray) -> None:
        """Let every member's clock stand at its time [s], shape (members,), at which nothing of its flow was due."""
        self.floor.world["time"][:, 0] = np.maximum(self.floor.world["time"][:, 0], times)

    def reseed(self, seeds: np.ndarray) -> None:
        """Let every member draw other numbers from now on: those of its seed, at the places that it has come to."""
        self.floor.streams["start"][:] = self.laid.starts(seeds)
