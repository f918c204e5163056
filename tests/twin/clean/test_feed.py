"""A recorded file at the pace of a clock: every reading, raw, when it is due, and none before."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from tests.twin.clean.bench import plant
from twin.clean import feed
from twin.clean.feed import Film, Progress, Row, Wall, film, play, tags_of
from twin.clean.recording import Recording

TEXT = """\
recording: r
plant: plant.yaml
file: f.csv
time: {columns: t, format: elapsed_s, start: 2024-01-01T00:00:00Z}
columns: {p: {tag: PI, unit: kPa}, T: TI}
recipe: {tags: {PI: {range: {high: 2}}}}
"""


@dataclass
class Hand:
    """A clock that only waiting moves, and a gateway that takes what it is given."""

    time: float = 0.0
    taken: list[tuple[float, Row]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    waiting: int = 0
    busy_until: float = 0.0

    def wall(self) -> Wall:
        return Wall(lambda: self.time, self.wait)

    def wait(self, seconds: float) -> None:
        assert seconds > 0.0
        self.time += seconds
        if self.time >= self.busy_until:
            self.waiting = 0

    def put_many(self, batches: Iterable[Iterable[Row]]) -> None:
        for batch in batches:
            rows = list(batch)
            self.sizes.append(len(rows))
            self.taken += [(self.time, row) for row in rows]


def recording(folder: Path, rows: int, every: float = 1.0) -> Recording:
    plant(folder)
    (folder / "r.yaml").write_text(TEXT)
    lines = "".join(f"{n * every};{n}.5;20\n" for n in range(rows))
    (folder / "f.csv").write_text("t;p;T\n" + lines)
    return Recording.load(folder / "r.yaml")


def reel(recording: Recording, *, loop: bool = False) -> Film:
    found = film(recording, loop=loop)
    assert found is not None
    return found


def test_readings_travel_raw_in_the_units_that_are_declared(tmp_path: Path) -> None:
    source, hand = recording(tmp_path, 3), Hand()
    play(source, reel(source), hand, speed=1.0, began=0.0, wall=hand.wall())
    assert tags_of(source) == {"PI": "kPa", "TI": "degC"}
    start = int(np.datetime64("2024-01-01", "us").astype(np.int64))
    assert [row for _, row in hand.taken][:2] == [("PI", start, 0.5, 0), ("TI", start, 20.0, 0)]


def test_no_reading_leaves_before_it_is_due_and_each_soon_after(tmp_path: Path) -> None:
    source, hand = recording(tmp_path, 200), Hand()
    whole = reel(source)
    done = play(source, whole, hand, speed=10.0, began=0.0, wall=hand.wall())
    late = np.array([at - (row[1] - whole.first) / 1e6 / 10.0 for at, row in hand.taken])
    assert (late >= -1e-9).all()
    assert late.max() < 0.3
    assert (done.readings, done.time) == (400, whole.last)


def test_batches_are_no_larger_than_the_protocol_takes(tmp_path: Path) -> None:
    source, hand = recording(tmp_path, 12_000, every=0.001), Hand()
    play(source, reel(source), hand, speed=10_000.0, began=0.0, wall=hand.wall())
    assert (sum(hand.sizes), max(hand.sizes)) == (24_000, feed.BATCH)


def test_a_file_waits_for_a_twin_that_is_busy_and_loses_nothing(tmp_path: Path) -> None:
    source, hand = recording(tmp_path, 50), Hand(waiting=feed.MOST_WAITING, busy_until=9.0)
    said: list[str] = []
    play(source, reel(source), hand, speed=10.0, began=0.0, wall=hand.wall(), tell=said.append)
    assert len(hand.taken) == 100
    assert hand.taken[0][0] >= 9.0
    assert len(said) == 1
    assert "can't keep 10 x" in said[0]


def test_a_loop_goes_on_in_later_time(tmp_path: Path) -> None:
    source, hand = recording(tmp_path, 5), Hand()

    def after(progress: Progress) -> None:
        if progress.readings >= 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play(source, reel(source, loop=True), hand, speed=100.0, began=0.0, wall=hand.wall(), after=after)
    times = [row[1] for _, row in hand.taken if row[0] == "PI"][:15]
    assert np.diff(times).tolist() == [1_000_000] * 14
    assert [row[2] for _, row in hand.taken if row[0] == "PI"][:7] == [0.5, 1.5, 2.5, 3.5, 4.5, 0.5, 1.5]


def test_a_file_without_readings_has_nothing_to_feed(tmp_path: Path) -> None:
    assert film(recording(tmp_path, 0)) is None


def test_a_status_that_may_not_travel_is_bad(tmp_path: Path) -> None:
    source, hand = recording(tmp_path, 1), Hand()
    (block,) = reel(source).blocks
    odd = block._replace(quality=np.array([0xC0000000, 192], np.uint32))
    play(source, Film(int(odd.time[0]), None, iter([odd])), hand, speed=1.0, began=0.0, wall=hand.wall())
    assert [row[3] for _, row in hand.taken] == [0x80000000, 192]
