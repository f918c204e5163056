"""What work spoils and mends, what is found, scrapped and worked on again."""

import math

import numpy as np
import pytest

from twin.flow.blocks import Block, Buffer, Inspection, Order, Sink, Source, Station
from twin.flow.laws import constant, exponential
from twin.flow.line import Line

SEEDS = 20


def inspected(inspects: Inspection, spoils: float, mends: float = 0.0) -> list[Block]:
    """Return a station that spoils, one that mends, and an inspection behind them."""
    return [
        Source(name="in", to=("m",), every=constant(1.0)),
        Station(name="m", to=("n",), takes=constant(0.5), spoils=spoils),
        Station(name="n", to=("check",), takes=constant(0.5), mends=mends),
        Station(name="check", to=("good", "bad"), takes=constant(0.5), inspects=inspects),
        Sink(name="good"), Sink(name="bad", scraps=True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("inspects", "spoils", "mends", "good", "bad", "found"),
    [
        (Inspection(), 0.0, 0.0, 98, 0, 0), (Inspection(), 1.0, 0.0, 0, 98, 98), (Inspection(), 1.0, 1.0, 98, 0, 0),
        (Inspection(detects=0.0), 1.0, 0.0, 98, 0, 98), (Inspection(rejects=1.0), 0.0, 0.0, 0, 98, 0),
    ],
)  # fmt: skip
def test_a_part_goes_where_its_quality_and_the_inspection_say(
    inspects: Inspection, spoils: float, mends: float, good: int, bad: int, found: int
) -> None:
    line = Line(inspected(inspects, spoils, mends))
    line.run(100.0)
    assert [line.counted(name).passed for name in ("good", "bad")] == [good, bad]
    assert line.counted("good").bad + line.counted("bad").bad == found
    assert line.counted("m").spoilt == spoils * line.counted("m").passed
    assert line.counted("n").mended == mends * spoils * line.counted("n").passed


def test_every_part_of_a_batch_is_judged_by_itself() -> None:
    line = Line([
        Source(name="in", to=("m",), every=constant(0.25)),
        Station(name="m", to=("out",), takes=constant(1.0), batch=4, spoils=0.5), Sink(name="out"),
    ])  # fmt: skip
    line.run(4000.0)
    out = line.counted("out")
    assert out.bad == line.counted("m").spoilt
    assert abs(out.bad - 0.5 * out.passed) <= 3.0 * math.sqrt(0.25 * out.passed)
    assert out.bad % 4


def rework(spoils: float, detects: float, rejects: float) -> list[Block]:
    """Return work that is done again until it is found good: each time it is bad with the same probability."""
    return [
        Source(name="in", to=("q",), every=exponential(4.0)), Buffer(name="q", to=("m",)),
        Station(name="m", to=("check",), takes=exponential(1.0), spoils=spoils, mends=1.0 - spoils),
        Station(name="check", to=("out", "q"), takes=constant(0.1),
                inspects=Inspection(detects=detects, rejects=rejects)),
        Sink(name="out"),
    ]  # fmt: skip


@pytest.mark.parametrize(("detects", "rejects"), [(1.0, 0.0), (0.8, 0.1)])
def test_passes_of_work_that_is_done_again_are_geometric(detects: float, rejects: float) -> None:
    """Each pass ends it with the same probability: its mean count is one by that, of those that leave bad as many."""
    spoils = 0.3
    ends = spoils * (1.0 - detects) + (1.0 - spoils) * (1.0 - rejects)
    passes, bad, busy = [], [], []
    for seed in range(SEEDS):
        line = Line(rework(spoils, detects, rejects), seed)
        line.run(20_000.0)
        out = line.counted("out")
        passes.append(line.counted("check").passed / out.passed)
        bad.append(out.bad / out.passed)
        busy.append(line.counted("m").spent["busy"] / line.now)
    # Every 4 s a part comes, and each pass takes a second.
    for found, mean in ((passes, 1.0 / ends), (bad, spoils * (1.0 - detects) / ends), (busy, 1.0 / ends / 4.0)):
        assert abs(np.mean(found) - mean) <= 3.0 * np.std(found, ddof=1) / math.sqrt(SEEDS)


def test_an_order_is_done_once_so_many_good_parts_have_left() -> None:
    blocks: list[Block] = [
        Source(name="in", to=("m",), orders=(Order(name="o", count=50),)),
        Station(name="m", to=("check",), takes=constant(1.0), spoils=0.4),
        Station(name="check", to=("out", "scrap"), takes=constant(0.0), inspects=Inspection()),
        Sink(name="out"), Sink(name="scrap", scraps=True),
    ]  # fmt: skip
    line = Line(blocks, 3)
    line.run(1e6)
    order = line.floor.orders[0, 0]
    scrapped = line.counted("scrap").passed
    assert scrapped > 5
    assert (order["done"], order["left"], order["scrapped"]) == (50, 0, scrapped)
    assert order["finished"] == 50.0 + scrapped
    assert line.counted("m").passed == 50 + scrapped
