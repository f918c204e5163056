"""How fast a line of ten stations goes, beside the same line written by hand in SimPy, Ciw and salabim.

Ten stations that take a second on average, room for five parts between two of them, as much to do as they can take;
with SimPy each station also fails every 200 s for 10 s. Rates are parts a second, measured in turns in one run, the
medians of five. ``vs_simpy``, ``vs_ciw`` and ``vs_salabim`` are our line under SimPy's clock, ``compiled_vs_simpy`` is
our line by itself. Ciw and salabim run it without failures, which Ciw has no word for.
"""

import random
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import simpy

from benchmarks.measures.tandem import tandem
from benchmarks.report import report
from twin.flow.blocks import Block, Buffer, Sink, Source, Station
from twin.flow.laws import exponential
from twin.flow.line import Line

STATIONS, ROOM, FAILS, REPAIR = 10, 5, 200.0, 10.0
PARTS, MANY = 2000, 100_000
TURNS = 5
TARGETS = {
    "vs_simpy": (">=", 2.0), "compiled_vs_simpy": (">=", 30.0), "vs_ciw": (">=", 4.0), "vs_salabim": (">=", 15.0),
    "drivers_identical": ("is", True),
}  # fmt: skip


def declared(*, failing: bool) -> list[Block]:
    """Return the line in our words."""
    blocks: list[Block] = [Source(name="in", to=("m0",))]
    stops: dict[str, Any] = {"fails": exponential(FAILS), "repair": exponential(REPAIR)} if failing else {}
    for k in range(STATIONS):
        last = k == STATIONS - 1
        to = ("out",) if last else (f"b{k}",)
        blocks.append(Station(name=f"m{k}", to=to, takes=exponential(1.0), **stops))
        if not last:
            blocks.append(Buffer(name=f"b{k}", to=(f"m{k + 1}",), capacity=ROOM))
    return [*blocks, Sink(name="out")]


def alone(*, failing: bool) -> float:
    """Run our line by itself; return parts a second."""
    line = Line(declared(failing=failing))
    begun = time.perf_counter()
    line.run(parts=MANY)
    return MANY / (time.perf_counter() - begun)


def under_simpy(*, failing: bool) -> float:
    """Run our line by SimPy's clock; return parts a second."""
    line, env = Line(declared(failing=failing)), simpy.Environment()
    begun = time.perf_counter()
    env.run(env.process(line.process(env, PARTS)))
    return PARTS / (time.perf_counter() - begun)


def by_hand(*, failing: bool) -> float:
    """Run the line as one writes it in SimPy; return parts a second."""
    env, draw = simpy.Environment(), random.Random(1).expovariate
    rooms = [simpy.Store(env, ROOM) for _ in range(STATIONS)]
    done, out = env.event(), [0]

    def station(k: int) -> Any:
        left = draw(1.0 / FAILS)
        while True:
            if k:
                yield rooms[k].get()
            rest = draw(1.0)
            while failing and rest > left:
                yield env.timeout(left)
                rest -= left
                yield env.timeout(draw(1.0 / REPAIR))
                left = draw(1.0 / FAILS)
            yield env.timeout(rest)
            left -= rest
            if k < STATIONS - 1:
                yield rooms[k + 1].put(1)
            else:
                out[0] += 1
                if out[0] == PARTS:
                    done.succeed()

    for k in range(STATIONS):
        env.process(station(k))
    begun = time.perf_counter()
    env.run(done)
    return PARTS / (time.perf_counter() - begun)


def in_ciw() -> float:
    """Run the line in Ciw; return parts a second."""
    import ciw

    arrivals: list[Any] = [ciw.dists.Exponential(5.0), *[None] * (STATIONS - 1)]
    network = ciw.create_network(
        arrival_distributions=arrivals, service_distributions=[ciw.dists.Exponential(1.0)] * STATIONS,
        number_of_servers=[1] * STATIONS, queue_capacities=[ROOM] * STATIONS,
        routing=[[1.0 if j == k + 1 else 0.0 for j in range(STATIONS)] for k in range(STATIONS)],
    )  # fmt: skip
    ciw.seed(1)
    simulation = ciw.Simulation(network)
    begun = time.perf_counter()
    simulation.simulate_until_max_customers(PARTS, method="Finish")
    return PARTS / (time.perf_counter() - begun)


def in_salabim() -> float:
    """Run the line in salabim; return parts a second."""
    import salabim

    salabim.yieldless(False)
    env = salabim.Environment(trace=False, random_seed=1)
    rooms = [salabim.Store(f"b{k}", capacity=ROOM, env=env) for k in range(STATIONS)]
    out, law = [0], salabim.Exponential(1.0, env=env)

    class Machine(salabim.Component):  # type: ignore[misc]
        """A station."""

        def setup(self, k: int) -> None:
            """Take its place in the line."""
            self.k = k

        def process(self) -> Any:
            """Work for ever."""
            while True:
                part = salabim.Component(env=env) if not self.k else (yield self.from_store(rooms[self.k]))
                part = part or self.from_store_item()
                yield self.hold(law.sample())
                if self.k < STATIONS - 1:
                    yield self.to_store(rooms[self.k + 1], part)
                else:
                    out[0] += 1
                    if out[0] == PARTS:
                        env.main().activate()

    for k in range(STATIONS):
        Machine(k=k, env=env)
    begun = time.perf_counter()
    env.run()
    return PARTS / (time.perf_counter() - begun)


def identical(lines: int) -> bool:
    """Return whether both drivers go through the same events on so many random lines."""
    for seed in range(lines):
        blocks = tandem(seed, ties=seed % 2 == 0)
        one, other, env = Line(blocks, seed), Line(blocks, seed), simpy.Environment()
        one.run(parts=300)
        env.run(env.process(other.process(env, 300)))
        if one.floor.tobytes() != other.floor.tobytes():
            return False
    return True


def main() -> None:
    """Measure in turns, and print the figures."""
    rates: dict[str, list[float]] = {}
    for work, failing in ((alone, True), (under_simpy, True), (by_hand, True)):
        work(failing=failing)  # compiles, warms up
    for _ in range(TURNS):
        turns: dict[str, Callable[[], float]] = {
            "alone": lambda: alone(failing=True), "under_simpy": lambda: under_simpy(failing=True),
            "by_hand": lambda: by_hand(failing=True), "under_simpy_healthy": lambda: under_simpy(failing=False),
            "ciw": in_ciw, "salabim": in_salabim,
        }  # fmt: skip
        for name, turn in turns.items():
            rates.setdefault(name, []).append(turn())
    middle = {name: median(values) for name, values in rates.items()}
    figures: dict[str, Any] = {f"{name}_parts_per_s": round(value) for name, value in middle.items()}
    figures |= {
        "vs_simpy": round(middle["under_simpy"] / middle["by_hand"], 2),
        "compiled_vs_simpy": round(middle["alone"] / middle["by_hand"], 1),
        "vs_ciw": round(middle["under_simpy_healthy"] / middle["ciw"], 2),
        "vs_salabim": round(middle["under_simpy_healthy"] / middle["salabim"], 2),
        "drivers_identical": identical(64),
    }  # fmt: skip
    report(figures, TARGETS)


if __name__ == "__main__":
    main()
