"""The same lines as one writes them in SimPy and in Ciw: with the same numbers the same times, else the same means."""

import math
import random
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
import simpy
from numba import njit

from twin.flow.blocks import Block, Buffer, Flow, Need, Pool, Sink, Source, Station
from twin.flow.draws import draw
from twin.flow.laws import Distribution, exponential
from twin.flow.line import Line

SEEDS = 20
Process = Generator[simpy.Event, Any, None]


@njit(error_model="numpy", _nrt=False)
def next_number(member, stream):  # type: ignore[no-untyped-def]
    """Return the next number of a flow's stream."""
    return draw(member, stream)


def failing(stations: int) -> list[Block]:
    """Return stations that fail, with room for two parts between any two."""
    blocks: list[Block] = [Source(name="in", to=("m0",))]
    stops: dict[str, Distribution] = {"fails": exponential(20.0), "repair": exponential(4.0)}
    for k in range(stations):
        to = "out" if k == stations - 1 else f"b{k}"
        blocks.append(Station(name=f"m{k}", to=(to,), takes=exponential(1.0), **stops))  # type: ignore[arg-type]
        if to != "out":
            blocks.append(Buffer(name=to, to=(f"m{k + 1}",), capacity=2))
    return [*blocks, Sink(name="out")]


def departures(line: Line, name: str, parts: int) -> list[float]:
    """Return when so many parts left a station [s]."""
    line.floor.logging(100_000)
    line.run(parts=parts)
    log = line.floor.log[0, : int(line.floor.world["logged"][0, 0])]
    rows = log[log["block"] == line.names.index(name)]
    left: list[float] = rows["time"][1:][np.diff(rows["held"]) < 0].tolist()
    return left


@pytest.mark.parametrize("seed", range(8))
def test_a_line_written_in_simpy_lets_every_part_leave_at_the_very_same_time(seed: int) -> None:
    stations, parts = 4, 300
    numbers = Line(failing(stations), seed)  # whose streams the other draws from
    env, left = simpy.Environment(), list[float]()
    rooms = [simpy.Store(env, 2) for _ in range(stations - 1)]
    numbers.floor.streams["index"] = 0

    def station(k: int) -> Process:
        row = numbers.floor.blocks[0, 2 * k + 1]
        place = numbers.floor.place()
        up = next_number(place, row["fail"])
        while True:
            if k:
                yield rooms[k - 1].get()
            rest = next_number(place, row["work"])
            while rest > up:
                yield env.timeout(up)
                rest -= up
                yield env.timeout(next_number(place, row["repair"]))
                up = next_number(place, row["fail"])
            yield env.timeout(rest)
            up -= rest
            if k < stations - 1:
                yield rooms[k].put(1)
            else:
                left.append(env.now)

    for k in range(stations):
        env.process(station(k))
    while len(left) < parts:
        env.step()
    assert departures(Line(failing(stations), seed), f"m{stations - 1}", parts) == left


def crewed() -> Flow:
    """Return two stations in a row that share one worker, and room for any number before each."""
    one = {"work": (Need(pools=("worker",)),)}
    return Flow(
        (
            Source(name="in", to=("q1",), every=exponential(3.0)), Buffer(name="q1", to=("m1",)),
            Station(name="m1", to=("q2",), takes=exponential(1.0), needs=one), Buffer(name="q2", to=("m2",)),
            Station(name="m2", to=("out",), takes=exponential(1.2), needs=one), Sink(name="out"),
        ),
        (Pool(name="worker", size=1),),
    )  # fmt: skip


def crewed_in_simpy(seed: int, length: float) -> tuple[float, float]:
    """Return mean lead time and the share of time that the worker works, of the same shop in SimPy [s]."""
    env, numbers = simpy.Environment(), random.Random(seed)
    worker, machines = simpy.Resource(env), [simpy.Resource(env) for _ in range(2)]
    leads, worked = list[float](), [0.0]

    def part() -> Process:
        born = env.now
        for machine, mean in zip(machines, (1.0, 1.2), strict=True):
            with machine.request() as place:
                yield place
                with worker.request() as hand:
                    yield hand
                    takes = numbers.expovariate(1.0 / mean)
                    worked[0] += takes
                    yield env.timeout(takes)
        leads.append(env.now - born)

    def source() -> Process:
        while True:
            yield env.timeout(numbers.expovariate(1.0 / 3.0))
            env.process(part())

    env.process(source())
    env.run(length)
    return sum(leads) / len(leads), worked[0] / length


def alike(ours: list[float], theirs: list[float]) -> None:
    """Ask whether two samples have one mean, to three standard errors of the difference."""
    error = math.sqrt(np.var(ours, ddof=1) / len(ours) + np.var(theirs, ddof=1) / len(theirs))
    assert abs(np.mean(ours) - np.mean(theirs)) <= 3.0 * error


def test_two_stations_with_one_worker_have_the_means_that_simpy_gives_them() -> None:
    length = 3000.0
    leads, works = [], []
    for seed in range(SEEDS):
        line = Line(crewed(), seed)
        line.run(length)
        out = line.counted("out")
        leads.append(out.lead / out.passed)
        works.append(float(line.floor.pools["area"][0, 0]) / length)
    theirs = [crewed_in_simpy(seed, length) for seed in range(SEEDS)]
    alike(leads, [lead for lead, _ in theirs])
    alike(works, [worked for _, worked in theirs])


def blocking() -> list[Block]:
    """Return two servers, then one, then one that sends a fifth back; with room for three between them."""
    return [
        Source(name="in", to=("q1",), every=exponential(1.5)), Buffer(name="q1", to=("s1",)),
        Station(name="s1", to=("q2",), takes=exponential(2.0), servers=2), Buffer(name="q2", to=("s2",), capacity=3),
        Station(name="s2", to=("q3",), takes=exponential(1.0)), Buffer(name="q3", to=("s3",), capacity=3),
        Station(name="s3", to=("out", "q1"), takes=exponential(0.8), shares=(0.8, 0.2)), Sink(name="out"),
    ]  # fmt: skip


def test_a_line_that_blocks_and_sends_back_has_the_means_that_ciw_gives_it() -> None:
    ciw = pytest.importorskip("ciw")
    length, warm = 3000.0, 500.0
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(1.0 / 1.5), None, None],
        service_distributions=[ciw.dists.Exponential(rate) for rate in (0.5, 1.0, 1.25)],
        number_of_servers=[2, 1, 1], queue_capacities=[math.inf, 3, 3],
        routing=[[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.2, 0.0, 0.0]],
    )  # fmt: skip
    ours: dict[str, list[float]] = {name: [] for name in ("rate", "held", "blocked", "busy")}
    theirs: dict[str, list[float]] = {name: [] for name in ours}
    for seed in range(SEEDS):
        line = Line(blocking(), seed)
        line.run(warm)
        line.forget()
        line.run(length)
        span = length - warm
        ours["rate"].append(line.counted("out").passed / span)
        ours["held"].append(sum(line.counted(name).held for name in line.names))
        ours["blocked"].append(sum(line.counted(f"s1.{k}").spent["blocked"] for k in (1, 2)) / span)
        ours["busy"].append(line.counted("s2").spent["busy"] / span)
        ciw.seed(seed)
        simulation = ciw.Simulation(network)
        simulation.simulate_until_max_time(length)
        rows = simulation.get_all_records()

        def within(begin: float, end: float) -> float:
            return max(min(end, length) - max(begin, warm), 0.0)

        still = [i for node in simulation.transitive_nodes for i in node.all_individuals]
        theirs["rate"].append(sum(row.destination == -1 and warm < row.exit_date <= length for row in rows) / span)
        theirs["held"].append(
            (
                sum(within(row.arrival_date, row.exit_date) for row in rows)
                + sum(within(i.arrival_date, length) for i in still)
            )
            / span
        )
        theirs["blocked"].append(
            sum(within(row.service_end_date, row.exit_date) for row in rows if row.node == 1) / span
        )
        theirs["busy"].append(
            sum(within(row.service_start_date, row.service_end_date) for row in rows if row.node == 2) / span
        )
    for name, values in ours.items():
        alike(values, theirs[name])
