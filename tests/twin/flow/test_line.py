"""A line goes the same way whoever holds the clock, from wherever it stands, and says what can't work."""

from collections.abc import Callable

import pytest
import simpy

from benchmarks.measures.tandem import tandem
from twin.errors import PlantError, SimulationError
from twin.flow.blocks import Block, Buffer, Sink, Source, Station
from twin.flow.laws import Distribution, constant, erlang, exponential, normal, triangular, uniform
from twin.flow.line import Line


@pytest.mark.parametrize("seed", range(32))
@pytest.mark.parametrize("ties", [False, True])
def test_simpy_and_the_compiled_loop_go_through_the_same_events(seed: int, ties: bool) -> None:
    alone, shared = Line(tandem(seed, ties=ties), seed), Line(tandem(seed, ties=ties), seed)
    alone.run(parts=300)
    env = simpy.Environment()
    env.run(env.process(shared.process(env, 300)))
    assert env.now == shared.now == alone.now
    assert shared.events == alone.events
    assert alone.floor.tobytes() == shared.floor.tobytes()


def test_a_run_in_pieces_is_a_run_in_one() -> None:
    whole, pieces = Line(tandem(3), 3), Line(tandem(3), 3)
    whole.run(1000.0)
    for until in (10.0, 10.5, 333.3, 1000.0):
        pieces.run(until)
    assert whole.floor.tobytes() == pieces.floor.tobytes()


def test_a_fork_goes_on_as_the_first_would_have_and_leaves_it_alone() -> None:
    line = Line(tandem(5), 5)
    line.run(200.0)
    before = line.floor.tobytes()
    fork = line.fork()
    fork.run(400.0)
    assert line.floor.tobytes() == before
    line.run(400.0)
    assert line.floor.tobytes() == fork.floor.tobytes()


def test_a_trace_names_every_event_in_order() -> None:
    line, other = Line(tandem(1), 1), Line(tandem(1), 1)
    trace = line.traced(parts=2000)
    other.run(parts=2000)
    assert len(trace) == line.events == other.events > 4096
    assert [t for _, t in trace] == sorted(t for _, t in trace)


def test_parts_need_more_room_than_there_was_at_first_and_get_it() -> None:
    line = Line([
        Source(name="in", to=("heap",), every=constant(0.125)), Buffer(name="heap", to=("m",)),
        Station(name="m", to=("out",), takes=constant(1.0)), Sink(name="out"),
    ])  # fmt: skip
    line.run(1000.0)
    assert line.counted("heap").entered == 8_000
    assert line.counted("heap").entered - line.out == line.floor.blocks["held"].sum()


def test_a_shift_worked_by_hand() -> None:
    """Parts every 60 s, 45 s each, room for one: what each second of ten minutes went into is known."""
    line = Line([
        Source(name="in", to=("b",), every=constant(60.0)), Buffer(name="b", to=("m",), capacity=1),
        Station(name="m", to=("out",), takes=constant(45.0)), Sink(name="out"),
    ])  # fmt: skip
    line.run(600.0)
    m = line.counted("m")
    assert (m.entered, m.passed, line.out) == (10, 9, 9)
    spent = {state: time for state, time in m.spent.items() if time}
    assert spent == {"idle": 60.0 + 9 * 15.0, "busy": 9 * 45.0}
    assert line.counted("out").lead == 9 * 45.0


def test_a_part_of_another_type_needs_a_setup_and_takes_its_own_time() -> None:
    line = Line([
        Source(name="in", to=("m",), shares={"a": 1.0, "b": 1.0}),
        Station(name="m", to=("out",), takes={"a": constant(1.0), "b": constant(2.0)}, setup=constant(5.0)),
        Sink(name="out"),
    ])  # fmt: skip
    line.run(parts=1000)
    m = line.counted("m")
    assert m.setups == pytest.approx(500, abs=60)
    assert m.spent["setup"] == pytest.approx(5.0 * m.setups, abs=5.0)
    assert m.spent["busy"] == pytest.approx(1500.0, abs=100.0)


def test_a_batch_waits_until_it_is_whole_and_leaves_part_by_part() -> None:
    line = Line([
        Source(name="in", to=("oven",), every=constant(10.0)),
        Station(name="oven", to=("out",), takes=constant(25.0), batch=4), Sink(name="out"),
    ])  # fmt: skip
    line.run(64.9)
    assert line.out == 0
    line.run(65.0)
    assert line.out == 4


def test_a_source_that_loses_parts_counts_them() -> None:
    line = Line([
        Source(name="in", to=("m",), every=constant(1.0), loses=True),
        Station(name="m", to=("out",), takes=constant(2.5)), Sink(name="out"),
    ])  # fmt: skip
    line.run(100.0)
    assert line.counted("in").entered == 100
    assert line.counted("in").lost == 100 - line.counted("m").entered


def test_statistics_begin_anew_after_a_warm_up_while_parts_stay() -> None:
    line = Line(tandem(2), 2)
    line.run(100.0)
    held = line.floor.blocks["held"].copy()
    line.forget()
    assert line.counted("out").passed == 0
    assert (line.floor.blocks["held"] == held).all()
    line.run(150.0)
    assert sum(line.counted("m0.1" if "m0.1" in line.names else "m0").spent.values()) == pytest.approx(50.0)


STATION = Station(name="m", to=("out",), takes=constant(1.0))
OUT, IN = Sink(name="out"), Source(name="in", to=("m",))


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ([IN, STATION, OUT, Sink(name="out")], "out is there twice"),
        ([Source(name="in", to=("mill",)), STATION, OUT], "flow: in: no block 'mill'"),
        ([IN, Station(name="m", to=("b",), takes=constant(1.0)), Buffer(name="b", to=("m",)), OUT], "no sink"),
        ([IN, STATION, OUT, Buffer(name="b", to=("m",))], "b: nothing gives it parts"),
        ([IN, STATION, OUT, Source(name="in2", to=("in",))], "in: a source takes no parts"),
        ([STATION, OUT, Buffer(name="b", to=("m",))], "b: nothing gives it parts"),
        ([Source(name="in", to=("b",)), Buffer(name="b", to=("m",), capacity=0), STATION, OUT], "capacity 0; give"),
        ([IN, Station(name="m", to=("out",), takes=constant(1.0), fails=constant(1.0)), OUT], "`fails` and `repair`"),
        ([IN, Station(name="m", to=("out",), takes=constant(1.0), shares=(0.5,)), OUT], "1 together"),
        ([IN, Station(name="m", to=("out",), takes=constant(1.0), batch=0), OUT], "batch 0"),
        ([Source(name="in", to=("m",), shares={"a": 0.0}), STATION, OUT], "not all 0"),
        (
            [Source(name="in", to=("m",), shares={"a": 1.0, "b": 1.0}),
             Station(name="m", to=("out",), takes={"a": constant(1.0)}), OUT],
            "says nothing of type 'b'",
        ),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_by_name(blocks: list[Block], said: str) -> None:
    with pytest.raises(PlantError, match=said):
        Line(blocks)


@pytest.mark.parametrize(
    ("law", "values"),
    [(exponential, (0.0,)), (constant, (-1.0,)), (uniform, (2.0, 1.0)), (triangular, (1.0, 3.0, 2.0)),
     (erlang, (1.0, 0)), (normal, (float("nan"), 1.0)), (exponential, (float("inf"),))],
)  # fmt: skip
def test_a_law_without_a_mean_is_refused(law: Callable[..., Distribution], values: tuple[float, ...]) -> None:
    with pytest.raises(PlantError, match=r"give|exchange"):
        law(*values)


def test_a_loop_that_is_full_is_said_to_stand_still() -> None:
    line = Line([
        Source(name="in", to=("m",)),
        Station(name="m", to=("b", "out"), takes=constant(1.0), shares=(0.9, 0.1)),
        Buffer(name="b", to=("n",), capacity=1), Station(name="n", to=("m",), takes=constant(1.0)), Sink(name="out"),
    ])  # fmt: skip
    with pytest.raises(SimulationError, match="nothing will ever move again: m, b, n hold parts"):
        line.run(1e6)


def test_a_run_without_an_end_is_refused() -> None:
    with pytest.raises(SimulationError, match="it has no end"):
        Line([IN, STATION, OUT]).run()
