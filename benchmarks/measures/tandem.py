"""Lines of a few stations, other ones for every seed: with and without bounds, failures, servers and ties."""

import numpy as np

from twin.flow.blocks import Block, Buffer, Sink, Source, Station
from twin.flow.laws import constant, erlang, exponential, uniform


def tandem(seed: int, *, ties: bool = False) -> list[Block]:
    """Return a line; with `ties` every work takes a second, so that much happens at one instant."""
    random = np.random.default_rng(seed)
    count = int(random.integers(2, 12))
    blocks: list[Block] = [Source(name="in", to=("m0",), every=None if seed % 2 else exponential(1.3))]
    for k in range(count):
        last = k == count - 1
        takes = constant(1.0) if ties else (exponential(1.0), erlang(1.0, 3), uniform(0.5, 1.5))[k % 3]
        stops = {"fails": exponential(40.0), "repair": exponential(4.0)} if k % 2 else {}
        to = ("out",) if last else (f"b{k}",)
        blocks.append(Station(name=f"m{k}", to=to, takes=takes, servers=1 + int(random.integers(0, 2)), **stops))
        if not last:
            blocks.append(Buffer(name=f"b{k}", to=(f"m{k + 1}",), capacity=int(random.integers(1, 6))))
    return [*blocks, Sink(name="out")]
