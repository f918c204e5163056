"""The twin as a process: killed anywhere and started again, it leaves what one that was never killed leaves."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.twin.live.story import SECOND, T0, Story, readings, station, units
from twin.errors import DataError, SnapshotError
from twin.history.reader import FILE
from twin.journal import Journal, Reader, prune
from twin.live import process, snapshots
from twin.live.instant import Instant
from twin.live.rerun import rerun
from twin.live.scribe import HistoryFull, Scribe
from twin.live.snapshots import Snapshot
from twin.live.twin import ForeignError, LiveTwin


class Killed(BaseException):
    """What ends a process here."""


class AtTheEnd(Event):
    """Stops a twin that has taken all there is."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True


@pytest.fixture(scope="module", autouse=True)
def fresh() -> Iterator[Callable[..., LiveTwin]]:
    """Let every twin of this plant be one, made new: to build it takes most of the time."""
    found = LiveTwin(station())
    bare = found.packed()

    def made(*_: object) -> LiveTwin:
        found.unpack(bare)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "LiveTwin", made)
        patch.setattr("twin.live.rerun.LiveTwin", made)
        yield made


@pytest.fixture(scope="module")
def story(fresh: Callable[..., LiveTwin]) -> Story:
    """Return a story with a gateway that leaves and comes back, and what a person says."""
    judged = fresh().filter
    shown = dict(zip((tag.name for tag in judged.tags), judged.shown.tolist(), strict=True))
    rows = readings(station(), shown, 40)
    told = Story().hello("gw", units(station())).stream("gw", [r for r in rows if r[1] <= T0 + 15 * SECOND])
    told.action("comment", "TI-101")
    for _ in range(6):
        told.tick()
    told.hello("gw", units(station())).stream("gw", [r for r in rows if r[1] > T0 + 30 * SECOND])
    return told.bye("gw").tick()


@pytest.fixture
def folder(story: Story, tmp_path: Path) -> Path:
    return story.journal(tmp_path / "data")


def follow(folder: Path, *, kill_at: int = 0, log: Callable[[str], None] = lambda _: None) -> str:
    """Run the twin until it has everything, or has told so many instants; return its digest."""
    count = [0]

    def tell(instant: Instant) -> None:
        count[0] += 1
        if count[0] == kill_at:
            raise Killed

    return process.follow(folder, station(), stop=AtTheEnd(), told=tell, log=log).digest()


def written(folder: Path) -> list[list[Any]]:
    with sqlite3.connect(folder / FILE) as db:
        names = ("about", "instants", "changes", "standing")
        return [db.execute(f"select * from {name} order by 1, 2").fetchall() for name in names]


@pytest.fixture(scope="module")
def whole(story: Story, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[list[Any]]]:
    """Return the digest and the history of a twin that was never killed."""
    at = story.journal(tmp_path_factory.mktemp("whole") / "data")
    return follow(at), written(at)


@pytest.mark.parametrize(
    ("every", "turn", "kills"),
    [(0.0, 0.0, (7, 3, 20)), (0.0, 9.0, (17, 1, 1)), (0.0, 0.0, (1,)), (1e9, 0.0, (25, 12)), (1e9, 9.0, (9,))],
)
def test_killed_anywhere_it_ends_in_the_same_state_and_history(
    folder: Path, whole: tuple[str, list[list[Any]]], monkeypatch: pytest.MonkeyPatch, every: float, turn: float,
    kills: tuple[int, ...],
) -> None:  # fmt: skip
    monkeypatch.setattr(process, "SNAPSHOT_EVERY", every)
    monkeypatch.setattr(process, "TURN", turn)
    for kill_at in kills:
        try:
            follow(folder, kill_at=kill_at)
        except Killed:
            continue
    assert (follow(folder), written(folder)) == whole


def test_it_goes_on_from_its_last_snapshot(folder: Path) -> None:
    follow(folder)
    told: list[str] = []
    follow(folder, log=told.append)
    last = json.loads((folder / "twin.json").read_text())["entry"]
    assert told == [f"goes on from the snapshot after entry {last}"]


def test_a_snapshot_that_is_not_whole_is_said_and_passed_over(
    folder: Path, whole: tuple[str, list[list[Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "SNAPSHOT_EVERY", 0.0)
    monkeypatch.setattr(process, "TURN", 0.0)
    follow(folder)
    older, newest = snapshots.entries(folder)[-2:]
    path = folder / "snapshots" / f"{newest:012d}.twin"
    path.write_bytes(path.read_bytes()[:-1])
    told: list[str] = []
    assert follow(folder, log=told.append) == whole[0]
    assert told[0].startswith(f"{path}: not whole")
    assert told[1] == f"goes on from the snapshot after entry {older}"


def test_a_snapshot_of_another_plant_is_refused(folder: Path) -> None:
    follow(folder)
    entry = snapshots.entries(folder)[-1]
    found = snapshots.load(folder, entry)
    other = found.state.replace(process.LiveTwin().identity.encode(), b"0" * 64)
    snapshots.save(folder, entry, found._replace(state=other))
    with pytest.raises(ForeignError, match=r"^cooling_station: the snapshot is of another plant or recipe; name the"):
        follow(folder)


def test_a_snapshot_of_another_journal_is_refused(folder: Path) -> None:
    follow(folder)
    entry = snapshots.entries(folder)[-1]
    snapshots.save(folder, entry, snapshots.load(folder, entry)._replace(chain=bytes(32)))
    with pytest.raises(ForeignError, match=f"the snapshot after entry {entry} is of another journal; remove it"):
        follow(folder)


def test_a_journal_that_lost_its_end_is_refused(folder: Path, tmp_path: Path) -> None:
    follow(folder)
    short = Story().hello("gw", units(station())).journal(tmp_path / "short")
    (folder / "snapshots").rename(short / "snapshots")
    with pytest.raises(DataError, match="the journal ends with entry 1, and "):
        follow(short)


def test_where_the_beginning_is_pruned_the_snapshot_behind_it_is_the_start(
    folder: Path, whole: tuple[str, list[list[Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Killed):
        follow(folder, kill_at=9)
    monkeypatch.setattr(process, "SNAPSHOT_EVERY", 0.0)
    monkeypatch.setattr(process, "TURN", 0.0)
    follow(folder)
    marks = snapshots.entries(folder)
    with Journal.open(folder, reserve=0) as journal:
        while prune(journal, marks[0], spare=0):
            pass
    assert follow(folder) == whole[0]
    result = rerun(folder, station())
    assert (result.digest, result.same, result.different) == (whole[0], tuple(marks[1:]), ())
    (folder / "snapshots" / f"{marks[0]:012d}.twin").write_bytes(b"")
    result = rerun(folder, station())
    assert (result.digest, result.same, result.different) == (whole[0], tuple(marks[2:]), (marks[0],))
    for mark in marks:
        (folder / "snapshots" / f"{mark:012d}.twin").unlink()
    with pytest.raises(DataError, match=rf"entries up to {marks[0] - 1} were pruned, and 1 is asked for"):
        follow(folder)
    with pytest.raises(SnapshotError, match=f"begins at entry {marks[0]} and no whole snapshot is behind it"):
        rerun(folder, station())


def test_a_rerun_gives_the_bytes_of_every_snapshot_and_finds_one_that_differs(
    folder: Path, whole: tuple[str, list[list[Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "SNAPSHOT_EVERY", 0.0)
    monkeypatch.setattr(process, "TURN", 0.0)
    follow(folder)
    marks = snapshots.entries(folder)
    assert len(marks) == snapshots.KEEP
    result = rerun(folder, station())
    assert (result.digest, result.same, result.different, result.entry) == (whole[0], tuple(marks), (), marks[-1])
    found = snapshots.load(folder, marks[1])
    snapshots.save(folder, marks[1], Snapshot(found.chain, found.state[:-1] + b"\x7f"))
    result = rerun(folder, station())
    assert (result.same, result.different) == ((marks[0], marks[2]), (marks[1],))
    for path in (folder / snapshots.FOLDER).glob(f"*{marks[1]}.twin"):
        path.write_bytes(path.read_bytes()[:-1])
    result = rerun(folder, station())
    assert (result.same, result.different) == ((marks[0], marks[2]), (marks[1],))


def test_a_full_disk_makes_it_wait_and_nothing_is_missing(
    folder: Path, whole: tuple[str, list[list[Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    add, refused, told = Scribe.add, [0], list[str]()

    def full(self: Scribe, *given: Any) -> None:
        refused[0] += 1
        if refused[0] in (2, 3, 4):
            raise HistoryFull("history can't be written: database or disk is full")
        add(self, *given)

    class Patient(AtTheEnd):
        def wait(self, timeout: float | None = None) -> bool:
            return False if timeout == process.FULL else super().wait()

    monkeypatch.setattr(Scribe, "add", full)
    monkeypatch.setattr(process, "TURN", 0.0)
    twin = process.follow(folder, station(), stop=Patient(), log=told.append)
    assert told == ["history can't be written: database or disk is full"]
    assert (twin.digest(), written(folder)) == whole


def test_no_room_for_a_snapshot_is_said_and_the_twin_goes_on(
    folder: Path, whole: tuple[str, list[list[Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise DataError("snapshot can't be written: No space left on device; make room")

    monkeypatch.setattr(snapshots, "save", full)
    told: list[str] = []
    assert follow(folder, log=told.append) == whole[0]
    assert set(told) == {"snapshot can't be written: No space left on device; make room"}


def test_it_waits_for_a_journal_until_it_is_stopped(tmp_path: Path) -> None:
    assert process.follow(tmp_path, station(), stop=AtTheEnd()).entry == 0
    assert list(tmp_path.iterdir()) == []


def test_it_tells_how_far_it_is(folder: Path) -> None:
    follow(folder)
    told = json.loads((folder / "twin.json").read_text())
    with Reader.open(folder) as reader:
        assert (told["entry"], told["behind_entries"]) == (reader.last(), 0)
    assert told["settled"] == T0 / 1e6 + 38
    assert (told["newest"], told["lag_s"], told["suspicious"]) == (T0 / 1e6 + 40, 2.0, False)
    assert told["counts"]["late"] == 0


def test_the_process_refuses_a_folder_of_another_plant_with_code_3(folder: Path, tmp_path: Path) -> None:
    follow(folder)
    other = tmp_path / "cooling_station.yaml"
    assert "T: 32 degC" in station().text
    other.write_text(station().text.replace("T: 32 degC", "T: 31 degC"))
    ended = subprocess.run(
        [sys.executable, "-m", "twin.live", other, "--data", folder], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr.startswith("twin: cooling_station: the snapshot is of another plant or recipe; name the one")
    assert len(ended.stderr.splitlines()) == 1


def test_a_damaged_history_is_moved_aside_and_begun_anew(folder: Path, whole: tuple[str, list[list[Any]]]) -> None:
    (folder / FILE).write_bytes(b"nothing of the kind" * 100)
    said: list[str] = []
    assert follow(folder, log=said.append) == whole[0]
    assert written(folder) == whole[1]
    assert any("is damaged, or no history" in line and "moved to history.sqlite.damaged-" in line for line in said)
    assert [p.read_bytes()[:7] for p in folder.glob(f"{FILE}.damaged-*")] == [b"nothing"]
