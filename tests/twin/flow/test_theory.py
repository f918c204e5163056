"""Flows against what queueing theory says of them, to three standard errors over twenty seeds.

Kleinrock (1975), Queueing Systems I, for M/M/1, M/M/c and M/G/1; Gershwin (1994), Manufacturing Systems Engineering,
chapter 3, for the Buzacott line.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from twin.flow.blocks import Block, Buffer, Sink, Source, Station
from twin.flow.laws import Distribution, constant, erlang, exponential, lognormal, uniform, weibull
from twin.flow.line import Line

SEEDS = 20


def queue(takes: Distribution, servers: int = 1, every: float = 1.0) -> list[Block]:
    """Return a queue without bounds before some servers."""
    return [
        Source(name="in", to=("queue",), every=exponential(every)),
        Buffer(name="queue", to=("server",)),
        Station(name="server", to=("out",), takes=takes, servers=servers),
        Sink(name="out"),
    ]


def measured(blocks: Sequence[Block], what: Callable[[Line], float], warm: float, length: float) -> tuple[float, float]:
    """Return the mean over seeds, and its standard error."""
    found = []
    for seed in range(SEEDS):
        line = Line(blocks, seed)
        line.run(warm)
        line.forget()
        line.run(warm + length)
        found.append(what(line))
    return float(np.mean(found)), float(np.std(found, ddof=1) / math.sqrt(SEEDS))


def inside(line: Line) -> float:
    """Return how many parts there are on average."""
    return sum(line.counted(name).held for name in line.names)


def lead(line: Line) -> float:
    """Return the mean lead time [s]."""
    out = line.counted("out")
    return out.lead / out.passed


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_a_single_server_holds_what_m_m_1_says(load: float) -> None:
    mean, error = measured(queue(exponential(load)), inside, 2000.0, 50_000.0)
    assert abs(mean - load / (1.0 - load)) <= 3.0 * error


def test_several_servers_hold_what_erlang_c_says() -> None:
    servers, load = 3, 2.4
    waits = load**servers / math.factorial(servers) * servers / (servers - load)
    waits /= sum(load**k / math.factorial(k) for k in range(servers)) + waits
    mean, error = measured(queue(exponential(load), servers), inside, 2000.0, 50_000.0)
    assert abs(mean - (load + waits * load / (servers - load))) <= 3.0 * error


@pytest.mark.parametrize(("servers", "law"), [(1, constant(1.6)), (3, exponential(1.6)), (4, lognormal(1.6, 2.0))])
def test_as_many_are_lost_for_want_of_a_free_server_as_erlang_b_says(servers: int, law: Distribution) -> None:
    """Whatever the law of service, at this mean: B = (a^c / c!) / sum of a^k / k!, of those that come."""
    offered = 1.6
    lost = offered**servers / math.factorial(servers) / sum(offered**k / math.factorial(k) for k in range(servers + 1))
    mean, error = measured(
        [
            Source(name="in", to=("server",), every=exponential(1.0), loses=True),
            Station(name="server", to=("out",), takes=law, servers=servers), Sink(name="out"),
        ],
        lambda line: line.counted("in").lost / line.counted("in").entered, 200.0, 20_000.0,
    )  # fmt: skip
    assert abs(mean - lost) <= 3.0 * error


@pytest.mark.parametrize(
    ("law", "variation"),
    [
        (constant(0.8), 0.0), (erlang(0.8, 4), 0.25), (uniform(0.4, 1.2), 1.0 / 12.0), (lognormal(0.8, 1.2), 2.25),
        (weibull(0.8 / math.gamma(1.5), 2.0), math.gamma(2.0) / math.gamma(1.5) ** 2 - 1.0),
    ],
)  # fmt: skip
def test_a_server_of_any_law_holds_what_pollaczek_and_khinchine_say(law: Distribution, variation: float) -> None:
    load = 0.8
    expected = load + load**2 * (1.0 + variation) / (2.0 * (1.0 - load))
    mean, error = measured(queue(law), inside, 2000.0, 50_000.0)
    assert abs(mean - expected) <= 3.0 * error


def test_a_network_holds_at_every_server_what_jackson_says() -> None:
    blocks: list[Block] = [
        Source(name="in", to=("q1",), every=exponential(1.0)),
        Buffer(name="q1", to=("s1",)),
        Station(name="s1", to=("q2", "q3"), takes=exponential(0.5), shares=(0.4, 0.6)),
        Buffer(name="q2", to=("s2",)),
        Station(name="s2", to=("out", "q1"), takes=exponential(1.2), shares=(0.75, 0.25)),
        Buffer(name="q3", to=("s3",)),
        Station(name="s3", to=("out",), takes=exponential(0.9)),
        Sink(name="out"),
    ]
    # Traffic: r1 = 1 + r2 / 4, r2 = 0.4 r1, r3 = 0.6 r1.
    rate = 1.0 / 0.9
    for k, load in (("1", rate * 0.5), ("2", 0.4 * rate * 1.2), ("3", 0.6 * rate * 0.9)):
        mean, error = measured(
            blocks, lambda line, k=k: line.counted(f"q{k}").held + line.counted(f"s{k}").held, 2000.0, 30_000.0
        )  # type: ignore[misc]
        assert abs(mean - load / (1.0 - load)) <= 3.0 * error


def test_what_is_inside_is_what_comes_by_how_long_it_stays() -> None:
    for seed in range(SEEDS):
        line = Line(queue(exponential(0.8)), seed)
        line.run(100_000.0)
        out = line.counted("out")
        rate = line.counted("queue").entered / line.now
        # Little's law holds on every path but for the parts that are still inside.
        left = line.counted("queue").entered - out.passed
        assert inside(line) == pytest.approx(rate * lead(line), rel=2.0 * (left + 1) / out.passed + 0.01)


def buzacott(buffer: int, fails: float, repair: float) -> list[Block]:
    """Return two machines that take a second a part, with room for some between them."""
    machine = {"takes": exponential(1.0), "fails": exponential(1.0 / fails), "repair": exponential(1.0 / repair)}
    return [
        Source(name="in", to=("m1",)),
        Station(name="m1", to=("room",), **machine),  # type: ignore[arg-type]
        Buffer(name="room", to=("m2",), capacity=buffer),
        Station(name="m2", to=("out",), **machine),  # type: ignore[arg-type]
        Sink(name="out"),
    ]


def throughput(buffer: int, fails: float, repair: float) -> float:
    """Return the rate of the two-machine line, from its Markov chain: states (m1 up, m2 up, parts between)."""
    places = buffer + 2  # the buffer, what m1 holds blocked, what m2 works on
    states = [(a, b, n) for a in (0, 1) for b in (0, 1) for n in range(places + 1)]
    index = {state: i for i, state in enumerate(states)}
    rates = np.zeros((len(states), len(states)))

    def go(state: tuple[int, int, int], to: tuple[int, int, int], rate: float) -> None:
        rates[index[state], index[to]] += rate

    for a, b, n in states:
        works, feeds = n < places, n > 0  # m1 isn't blocked, m2 isn't starved
        if a and works:
            go((a, b, n), (a, b, n + 1), 1.0)
            go((a, b, n), (0, b, n), fails)
        if b and feeds:
            go((a, b, n), (a, b, n - 1), 1.0)
            go((a, b, n), (a, 0, n), fails)
        if not a:
            go((a, b, n), (1, b, n), repair)
        if not b:
            go((a, b, n), (a, 1, n), repair)
    np.fill_diagonal(rates, -rates.sum(axis=1))
    system = np.vstack([rates.T, np.ones(len(states))])
    steady = np.linalg.lstsq(system, np.array([*np.zeros(len(states)), 1.0]), rcond=None)[0]
    return float(sum(steady[index[1, 1, n]] + steady[index[0, 1, n]] for n in range(1, places + 1)))


def test_the_markov_chain_of_machines_that_never_fail_is_that_of_a_queue_with_as_many_places() -> None:
    """Of M/M/1/K at one rate each number of parts is as probable: machine two works for K of K + 1."""
    for buffer in (1, 5):
        assert throughput(buffer, 0.0, 1.0) == pytest.approx((buffer + 2) / (buffer + 3), rel=1e-9)


@pytest.mark.parametrize("buffer", [1, 5])
def test_two_machines_with_a_buffer_make_what_the_markov_chain_says(buffer: int) -> None:
    fails, repair = 0.02, 0.1
    mean, error = measured(
        buzacott(buffer, fails, repair),
        lambda line: line.counted("out").passed / (line.now - line.begun),
        500.0,
        20_000.0,
    )
    assert abs(mean - throughput(buffer, fails, repair)) <= 3.0 * error


def test_a_machine_is_down_the_share_that_its_failures_and_repairs_say() -> None:
    mean, error = measured(
        [Source(name="in", to=("m",)), Station(name="m", to=("out",), takes=exponential(1.0), fails=exponential(50.0),
         repair=exponential(10.0)), Sink(name="out")],
        lambda line: line.counted("m").spent["down"] / (line.now - line.begun), 500.0, 50_000.0,
    )  # fmt: skip
    assert abs(mean - 10.0 / 60.0) <= 3.0 * error
