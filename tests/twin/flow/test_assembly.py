"""Parts that are put together and taken apart, worked by hand."""

import pytest

from tests.twin.flow.mixed import times
from twin.errors import SimulationError
from twin.flow.blocks import Block, Buffer, Sink, Source, Station
from twin.flow.laws import constant
from twin.flow.line import Line


def bicycles(joins: dict[str, int], takes: float = 2.0) -> list[Block]:
    """Return frames every 10 s and wheels every 3 s, and a station that puts them together."""
    return [
        Source(name="frames in", to=("frames",), every=constant(10.0)), Buffer(name="frames", to=("m",)),
        Source(name="wheels in", to=("wheels",), every=constant(3.0)), Buffer(name="wheels", to=("m",)),
        Station(name="m", to=("out",), takes=constant(takes), joins=joins), Sink(name="out"),
    ]  # fmt: skip


def test_work_begins_once_every_part_is_there() -> None:
    """Four wheels are there at 12, 24, 36 and 48, a frame at 10, 20, 30, 40: out at 14, 26, 38, 50."""
    line = Line(bicycles({"frames": 1, "wheels": 4}))
    line.run(50.0)
    m, out = line.counted("m"), line.counted("out")
    assert (m.entered, m.passed, out.passed) == (4 * 5 + 1, 4, 4)  # and the frame of 50
    assert out.lead == 4.0 + 6.0 + 8.0 + 10.0  # of the frames
    assert times(line, "m") == {"idle": 42.0, "busy": 8.0}
    assert m.planned == 8.0


def test_the_first_block_named_gives_the_part_that_they_become() -> None:
    line = Line(bicycles({"wheels": 4, "frames": 1}))
    line.run(14.0)
    assert line.counted("out").lead == 14.0 - 3.0


def test_no_part_is_taken_beyond_what_is_joined_however_many_wait() -> None:
    line = Line(bicycles({"frames": 1, "wheels": 2}, takes=9.0))
    line.run(18.5)  # work began at 10, with the wheels of 3 and 6
    assert line.counted("m").entered == 3
    assert line.counted("wheels").entered == 6
    line.run(19.0)
    assert line.counted("m").entered == 3 + 2
    line.run(29.0)
    assert line.out == 2


def test_parts_joined_keep_the_type_and_the_quality_of_the_first() -> None:
    line = Line([
        Source(name="a", to=("spoil",), every=constant(4.0), shares={"x": 1.0}),
        Station(name="spoil", to=("m",), takes=constant(1.0), spoils=1.0),
        Source(name="b", to=("m",), every=constant(1.0), shares={"y": 1.0}),
        Station(name="m", to=("fork",), takes=constant(1.0), joins={"b": 1, "spoil": 1}),
        Station(name="fork", to=("xs", "ys"), takes=constant(0.0), routes={"x": "xs", "y": "ys"}),
        Sink(name="xs"), Sink(name="ys"),
    ])  # fmt: skip
    line.run(20.0)
    assert (line.counted("xs").passed, line.counted("ys").passed, line.counted("ys").bad) == (0, 4, 0)


def test_a_part_is_taken_apart_into_as_many_as_go_each_way() -> None:
    line = Line([
        Source(name="in", to=("saw",), every=constant(10.0)),
        Station(name="saw", to=("left", "right"), takes=constant(4.0), gives={"left": 2, "right": 3}),
        Sink(name="left"), Sink(name="right"),
    ])  # fmt: skip
    line.run(34.0)
    saw = line.counted("saw")
    assert (saw.entered, saw.passed, saw.planned) == (3, 15, 12.0)
    assert [line.counted(name).passed for name in ("left", "right")] == [6, 9]
    assert [line.counted(name).lead for name in ("left", "right")] == [24.0, 36.0]
    assert times(line, "saw") == {"idle": 10.0 + 6.0 + 6.0, "busy": 12.0}


def test_pieces_that_are_taken_go_while_others_wait() -> None:
    """Of what is done at 4, the left two wait for room: one until 4, one until 9; the right one goes at once."""
    line = Line([
        Source(name="in", to=("saw",)),
        Station(name="saw", to=("left", "right"), takes=constant(4.0), gives={"left": 3, "right": 1}),
        Buffer(name="left", to=("m",), capacity=1), Station(name="m", to=("out",), takes=constant(5.0)),
        Sink(name="right"), Sink(name="out"),
    ])  # fmt: skip
    line.run(4.0)
    assert line.counted("right").passed == 1
    assert line.floor.blocks["held"][0, line.names.index("saw")] == 1
    line.run(9.0)
    assert line.counted("saw").entered == 2
    assert times(line, "saw") == {"busy": 4.0, "blocked": 5.0}
    line.run(24.0)  # the next three are done at 13, and leave at 14, 19, 24
    assert line.counted("right").passed == 2
    assert times(line, "saw") == {"busy": 8.0, "blocked": 16.0}


def test_what_is_taken_apart_and_put_together_again_is_as_many_as_before() -> None:
    line = Line([
        Source(name="in", to=("saw",), every=constant(5.0)),
        Station(name="saw", to=("a", "b"), takes=constant(1.0), gives={"a": 1, "b": 2}),
        Buffer(name="a", to=("glue",)), Buffer(name="b", to=("glue",)),
        Station(name="glue", to=("out",), takes=constant(2.0), joins={"a": 1, "b": 2}), Sink(name="out"),
    ])  # fmt: skip
    line.run(503.0)
    assert line.out == 100
    assert line.counted("out").lead == 300.0


def test_a_part_that_nobody_can_join_is_named_where_it_stands() -> None:
    """One and two come of each, two and two are joined: once there is no more room for what is too many."""
    line = Line([
        Source(name="in", to=("saw",)),
        Station(name="saw", to=("a", "b"), takes=constant(1.0), gives={"a": 1, "b": 2}),
        Buffer(name="a", to=("glue",), capacity=1), Buffer(name="b", to=("glue",), capacity=2),
        Station(name="glue", to=("out",), takes=constant(1.0), joins={"a": 2, "b": 2}), Sink(name="out"),
    ])  # fmt: skip
    with pytest.raises(SimulationError, match="nothing will ever move again: saw, b, glue hold parts"):
        line.run(1e6)
