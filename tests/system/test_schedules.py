"""A thousand lives of twin and gateways, each from one seed: nothing acknowledged is lost, nothing is stored twice."""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.schedules import World, number_of


def cuts_and_crashes(seed: int) -> World:
    """Two gateways; connections break, processes are killed, disks are full, the network holds its breath."""
    world = World(seed)
    world.add("gw1")
    world.add("gw2")
    world.live(9.0)
    return world


def worse_than_tcp(seed: int) -> World:
    """Frames are doubled and change places inside a connection as well."""
    world = World(seed, hostile=True)
    world.add("gw1")
    world.live(9.0)
    return world


def small_buffers(seed: int) -> World:
    """Buffers that overflow in every outage."""
    world = World(seed, room=12)
    world.add("gw1")
    world.add("gw2")
    world.live(9.0)
    return world


def poison(seed: int) -> World:
    """Batches that the twin can't take, some of which say not even who they are."""
    world = World(seed, poison=0.05, rot=0.02)
    world.add("gw1")
    world.live(9.0)
    return world


def doubles(seed: int) -> World:
    """A second machine wakes up with a copy of a gateway's disk, and both go on."""
    world = World(seed)
    node = world.add("gw1")
    world.live(world.stream.uniform(0.2, 4.0))
    world.clone(node)
    world.live(6.0)
    return world


def backups(seed: int) -> World:
    """A gateway's disk is set back to what it was a while ago."""
    world = World(seed)
    node = world.add("gw1")
    world.live(world.stream.uniform(0.2, 4.0))
    backup = node.store.copy()
    world.live(world.stream.uniform(0.2, 4.0))
    world.restore(node, backup)
    node.starts = world.time + world.stream.choice([0.0, 3.0])
    world.live(4.0)
    return world


def judge(world: World) -> None:
    """Check what must hold at the end; that what is deleted is stored, byte for byte, was checked all along."""
    for node in world.nodes:
        assert node.sender
        assert node.sender.outstanding == 0, f"{node.name} never got rid of {node.sender.outstanding} batches"
    stored = Counter(world.numbers())
    assert not [number for number, times in stored.items() if times > 1], "stored twice"
    stores = [node.store for node in world.nodes]
    aside = {number_of(frame) for store in stores for frame in store.aside.values()}
    dropped = {number_of(frame) for store in stores for frame in store.dropped}
    assert not aside & stored.keys(), "set aside although it was stored"
    assert not set(world.made) - stored.keys() - aside - dropped - world.gone, "lost without a word"
    for (gateway, run), last in world.journal.last.items():
        seqs = [e.seq for e in world.journal.entries if e.kind == "data" and (e.gateway, e.run) == (gateway, run)]
        assert seqs == sorted(seqs)
        assert len(seqs) + world.journal.lost.get((gateway, run), 0) == last
    assert sum(world.journal.lost.values()) == len(dropped - stored.keys()), (
        "loss that wasn't declared, or was invented"
    )


@pytest.mark.eqt("EQT-13", "EQT-14", "EQT-16", "EQT-17", "EQT-18", "EQT-22", "EQT-23", "EQT-24", "EQT-25")
@pytest.mark.parametrize(
    ("story", "seeds", "seen"),
    [
        (cuts_and_crashes, 300, ["duplicates", "batches behind a hole", "busy", "sessions taken over"]),
        (worse_than_tcp, 200, ["duplicates", "batches behind a hole", "busy", "refused: hello_first"]),
        (small_buffers, 150, ["batches declared lost", "overflows"]),
        (poison, 150, ["refused: unknown_tag", "refused: bad_message", "set aside"]),
        (doubles, 100, ["refused: conflict", "refused: hello_first", "new runs"]),
        (backups, 100, ["refused: conflict", "new runs"]),
    ],
)
def test_no_schedule_of_faults_loses_or_doubles_a_batch(story: Callable[[int], World], seeds: int, seen: list[str]):
    met: Counter[str] = Counter()
    for seed in range(seeds):
        try:
            world = story(seed)
            world.heal()
            judge(world)
        except AssertionError as err:
            pytest.fail(f"{story.__name__}({seed}): {err}")
        met += world.counts
    assert not [what for what in seen if met[what] < seeds / 10], f"hardly any of what this is about: {met}"
