"""A factory at the pace of the wall: when readings are due, and what is said where that can't be kept."""

from dataclasses import replace

import pytest

from tests.plants import shipped
from twin.factory.factory import Block, Factory
from twin.factory.pace import PATIENCE, Wall, play
from twin.factory.truth import Truth
from twin.plant import Solver


class Clock:
    """A wall clock that moves when it is waited on, and by what work is said to take."""

    def __init__(self, work: float = 0.0) -> None:
        self.time, self.work = 1000.0, work
        self.put: list[tuple[float, Block]] = []

    def wait(self, seconds: float) -> None:
        assert seconds > 0.0
        self.time += seconds

    def take(self, block: Block) -> None:
        self.time += self.work
        self.put.append((self.time - 1000.0, block))

    @property
    def wall(self) -> Wall:
        return Wall(lambda: self.time, self.wait)


def factory() -> Factory:
    return Factory(Truth.bare(replace(shipped("water_loop"), solver=Solver("rodas4"))))


@pytest.mark.parametrize(("speed", "frames"), [(1.0, 11), (10.0, 11), (60.0, 5)])
def test_every_reading_is_handed_on_once_and_not_before_its_time(speed: float, frames: int) -> None:
    clock, plant = Clock(), factory()
    found = play(plant, clock.take, speed=speed, until=10.0, wall=clock.wall)
    times = [t for _, block in clock.put for t in block.time[0].tolist()]
    assert times == [plant.start + s * 1_000_000 for s in range(11) for _ in plant.tags]
    assert found.readings == len(times)
    for wall, block in clock.put:
        assert (block.time.max() - plant.start) / 1e6 <= wall * speed + 1e-6
    assert len(clock.put) == frames
    assert found.speed == pytest.approx(speed, rel=0.3)


def test_a_speed_that_is_kept_is_no_matter_of_words() -> None:
    said: list[str] = []
    clock = Clock(work=0.04)
    play(factory(), clock.take, speed=20.0, until=400.0, wall=clock.wall, tell=said.append)
    assert not said


def test_a_speed_that_can_not_be_kept_is_told_once_with_the_speed_reached() -> None:
    said: list[str] = []
    clock = Clock(work=1.0)  # each beat of 3 s of source time, up to ten beats at once
    found = play(factory(), clock.take, speed=60.0, until=3000.0, wall=clock.wall, tell=said.append)
    assert len(said) == 1
    assert said[0].startswith("can't keep 60 x real time: reached ")
    assert found.speed == pytest.approx(30.0, rel=0.1)
    assert found.taken * 60.0 - 3000.0 > PATIENCE * 3.0


def test_a_pause_of_the_machine_is_caught_up_in_bounded_pieces() -> None:
    clock, plant = Clock(), factory()
    sizes = []

    def take(block: Block) -> None:
        sizes.append(block.time.shape[1] // len(plant.tags))
        if len(sizes) == 3:
            clock.time += 30.0

    play(plant, take, speed=1.0, until=60.0, wall=clock.wall)
    assert sum(sizes) == 61
    assert max(sizes) == 11  # the beat that was due, and ten more
