"""The recorder: what it does when the disk is full, what it deletes, and what it tells."""

import json
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.archives import (
    HOUR,
    MINUTE,
    T0,
    archived,
    before,
    everything,
    lived,
    mark,
    more,
    names,
    of_archives,
    of_entries,
    recorder,
    same,
    tick,
    whole,
)
from tests.journals import opened
from twin.errors import DataError
from twin.journal import prune
from twin.keep import keeper as module
from twin.keep.keeper import Halted, journal_bytes, keep
from twin.keep.manifest import FOLDER, load
from twin.keep.room import Limits
from twin.service import Pruned

ALL = ["2026-03-01T11.h5", "2026-03-01T12.h5", "2026-03-01T13.h5", "2026-03-01T14.h5"]


def status(data: Path) -> dict[str, Any]:
    return dict(json.loads((data / "recorder.json").read_text()))


def pruned(data: Path) -> None:
    """Prune all that is archived."""
    state = load(data).state
    assert state is not None
    with opened(data) as journal:
        while prune(journal, state.resume):
            pass


def test_it_tells_how_it_is_going(tmp_path: Path) -> None:
    lived(tmp_path)
    manifest = archived(tmp_path)
    told = status(tmp_path)
    assert told["last_archive"] == ALL[3]
    assert (told["archives"], told["archived_through"], told["behind_entries"]) == (4, 365, 381 - 365)
    assert told["archive_bytes"] == sum((tmp_path / FOLDER / name).stat().st_size for name in ALL)
    assert told["journal_bytes"] == journal_bytes(tmp_path) > 0
    assert told["journal_first"] == 1
    assert told["days_left"] > 0.0
    assert (told["deleted"], told["trouble"]) == (0, [])
    assert manifest.archives[-1].name == told["last_archive"]


def test_a_file_system_that_is_really_full_is_survived(tmp_path: Path) -> None:
    lived(tmp_path)
    tiny = tmp_path / FOLDER
    tiny.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=112k", "tmpfs", tiny], check=False).returncode:
        pytest.skip("only root may mount a small file system")
    try:
        with recorder(tmp_path) as keeper:
            with pytest.raises(DataError, match="No space left on device"):
                keeper.cycle()
            assert set(names(tmp_path)) < set(ALL)
            first = list(whole(tmp_path))
            keeper.fail(DataError("no room"))
            assert status(tmp_path)["trouble"] == ["no room"]
            with pytest.raises(DataError, match="No space left on device"):
                keeper.cycle()
            assert list(whole(tmp_path)) == first == names(tmp_path)
            subprocess.run(["mount", "-o", "remount,size=4m", tiny], check=True)
            keeper.cycle()
            assert keeper.trouble == {}
            assert list(whole(tmp_path)) == ALL
            readings = of_entries(everything(tmp_path))
            assert same(of_archives(tmp_path, keeper.manifest), before(readings, T0 + 3 * HOUR))
    finally:
        subprocess.run(["umount", tiny], check=True)


@pytest.mark.parametrize("when", range(1, 40, 6))
def test_a_disk_that_fails_at_any_moment_leaves_whole_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    lived(tmp_path, 70)
    calls = [0]

    def failing(real: Any) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            calls[0] += 1
            if calls[0] == when:
                raise OSError(28, "No space left on device")
            return real(*given, **named)

        return call

    with recorder(tmp_path) as keeper, monkeypatch.context() as patch:
        for name in ("fsync", "pwrite", "fchmod"):
            patch.setattr("os." + name, failing(getattr(__import__("os"), name)))
        patch.setattr(Path, "rename", failing(Path.rename))
        with suppress(DataError):
            keeper.cycle()
        keeper.fail(DataError("no room"))
        assert set(whole(tmp_path)) <= set(ALL)
        keeper.cycle()
        assert names(tmp_path) == ALL[:2]
        assert list(whole(tmp_path)) == ALL[:2]
        assert same(of_archives(tmp_path, keeper.manifest), before(of_entries(everything(tmp_path)), T0 + HOUR))
        assert load(tmp_path) == keeper.manifest


def test_archives_that_are_old_are_deleted_and_remembered(tmp_path: Path) -> None:
    lived(tmp_path)
    digests = {record.name: record.sha256 for record in archived(tmp_path).archives}
    pruned(tmp_path)
    with recorder(tmp_path, keep=1.0) as keeper:
        keeper.cycle()
        manifest = keeper.manifest
    left = ["2026-03-01T14.h5"]  # of its entries the journal still has some
    assert names(tmp_path) == [record.name for record in manifest.archives] == left
    assert {gone.name: gone.sha256 for gone in manifest.deleted} == {n: d for n, d in digests.items() if n not in left}
    assert all(gone.reason.startswith("older than ") for gone in manifest.deleted)
    assert all(any(digest in line for line in keeper.said) for name, digest in digests.items() if name not in left)
    assert status(tmp_path)["deleted"] == 3
    assert archived(tmp_path) == manifest


def test_the_oldest_archives_make_room(tmp_path: Path) -> None:
    lived(tmp_path)
    archived(tmp_path)
    pruned(tmp_path)
    sizes = {name: (tmp_path / FOLDER / name).stat().st_size for name in ALL}
    most = journal_bytes(tmp_path) + sizes[ALL[2]] + sizes[ALL[3]] + 40_000  # a log, and its index
    with recorder(tmp_path, most=most) as keeper:
        keeper.cycle()
        assert names(tmp_path) == ALL[2:]
        assert keeper.trouble == {
            "room": f"only 2.0 hours of archives fit into {most / 1e9:g} GB; allow more, or send less"
        }
    assert status(tmp_path)["last_deleted"].startswith("2026-03-01T12.h5: no room within")


def test_what_isnt_pruned_is_never_deleted_however_little_room_there_is(tmp_path: Path) -> None:
    lived(tmp_path)
    with recorder(tmp_path, most=1, keep=1.0) as keeper:
        keeper.cycle()
        assert names(tmp_path) == ALL
        assert "nothing more may be deleted" in keeper.trouble["room"]


def test_a_deletion_that_was_interrupted_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lived(tmp_path)
    archived(tmp_path)
    pruned(tmp_path)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with recorder(tmp_path, keep=1.0) as keeper, monkeypatch.context() as patch:
        patch.setattr(module, "save", lambda data, manifest: (real(data, manifest), killed()))
        with pytest.raises(KeyboardInterrupt):
            keeper.cycle()
    assert names(tmp_path) == ALL
    assert [record.name for record in archived(tmp_path).archives] == ALL[1:]
    assert names(tmp_path) == ALL[1:]


real = module.save


def test_on_a_full_disk_archives_are_deleted_before_it_is_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived(tmp_path)
    archived(tmp_path)
    pruned(tmp_path)

    def save(data: Path, manifest: Any) -> None:
        if len(names(data)) == 4:
            raise DataError("the disk is full")
        real(data, manifest)

    monkeypatch.setattr(module, "save", save)
    with recorder(tmp_path, keep=1.0) as keeper:
        keeper.cycle()
        assert names(tmp_path) == ALL[3:]
        assert load(tmp_path) == keeper.manifest


class _Ingest:
    """Stands at the door; `answers` are what it says."""

    answers: list[Pruned | DataError]
    asked: list[int]

    def __init__(self, data: Path) -> None:
        self.data = data

    def __enter__(self) -> "_Ingest":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def prune(self, before: int) -> Pruned:
        self.asked.append(before)
        answer = self.answers.pop(0)
        if isinstance(answer, DataError):
            raise answer
        return answer


@pytest.fixture
def ingest(monkeypatch: pytest.MonkeyPatch) -> type[_Ingest]:
    _Ingest.answers, _Ingest.asked = [], []
    monkeypatch.setattr(module, "Client", _Ingest)
    return _Ingest


def test_it_asks_for_no_more_than_archives_and_the_oldest_snapshot_cover(tmp_path: Path, ingest: type[_Ingest]) -> None:
    lived(tmp_path)
    with recorder(tmp_path) as keeper:
        keeper.cycle()
        assert ingest.asked == []
        mark(tmp_path, 100, 200, 300)
        ingest.answers = [Pruned(1, True), Pruned(1, False)]
        keeper.cycle()
        keeper.cycle()
        keeper.cycle()  # it waits: the snapshots are behind
        assert ingest.asked == [101, 101]
        mark(tmp_path, 366, 367, 368)
        keeper._ask_at = 0.0
        ingest.answers = [Pruned(363, False)]
        keeper.cycle()
        assert ingest.asked == [101, 101, 363]


def test_a_refusal_is_told_and_what_is_damaged_is_made_again(tmp_path: Path, ingest: type[_Ingest]) -> None:
    lived(tmp_path)
    with recorder(tmp_path) as keeper:
        keeper.cycle()
        mark(tmp_path, 370)
        expected = load(tmp_path)
        path = tmp_path / FOLDER / ALL[3]
        path.unlink()
        ingest.answers = [Pruned(1, False, f"{ALL[3]} is missing")]
        keeper.cycle()
        assert keeper.trouble["prune"] == f"the journal isn't pruned: {ALL[3]} is missing"
        keeper.cycle()
        assert path.exists()
        assert load(tmp_path) == expected
        keeper._ask_at = 0.0
        ingest.answers = [Pruned(363, False)]
        keeper.cycle()
        assert keeper.trouble == {}


def test_an_ingest_that_does_not_answer_is_told(tmp_path: Path, ingest: type[_Ingest]) -> None:
    lived(tmp_path)
    mark(tmp_path, 370)
    ingest.answers = [DataError("nobody there")]
    with recorder(tmp_path) as keeper:
        keeper.cycle()
        keeper.cycle()
        assert ingest.asked == [363]
        assert keeper.trouble == {"prune": "the journal isn't pruned: nobody there"}


def test_a_twin_that_leaves_no_snapshots_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASK_AGAIN", -1.0)
    lived(tmp_path)
    with recorder(tmp_path) as keeper:
        keeper.cycle()
        assert "the twin has no snapshot" in keeper.trouble["prune"]


def test_a_whole_journal_is_kept_where_that_is_asked_for(tmp_path: Path, ingest: type[_Ingest]) -> None:
    lived(tmp_path)
    mark(tmp_path, 370)
    with recorder(tmp_path) as keeper:
        keeper.limits = Limits(1e9, None, False)
        keeper.cycle()
        assert ingest.asked == []


def test_it_ends_in_the_middle_of_an_archive_and_leaves_nothing(tmp_path: Path) -> None:
    lived(tmp_path)
    with recorder(tmp_path) as keeper:
        keeper.halt.set()
        with pytest.raises(Halted):
            keeper.cycle()
        assert names(tmp_path) == []


def test_what_goes_wrong_is_said_once_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lived(tmp_path, 70)
    halt, said, cycles = threading.Event(), list[str](), [0]
    monkeypatch.setattr(module, "PATIENCE", (0.001, 0.002))
    monkeypatch.setattr(module, "POLL", 0.001)
    real_cycle = module.Keeper.cycle

    def cycle(self: module.Keeper) -> None:
        cycles[0] += 1
        if cycles[0] < 5:
            raise (DataError("no room") if cycles[0] < 4 else RuntimeError("a bug"))
        real_cycle(self)
        if cycles[0] == 7:
            halt.set()

    monkeypatch.setattr(module.Keeper, "cycle", cycle)
    keep(tmp_path, {}, Limits(1e9), halt=halt, log=said.append)
    assert said[:2] == ["no room", "a defect of twin, report it: RuntimeError('a bug')"]
    assert [line.partition(":")[0] for line in said[2:]] == ["archived 2026-03-01T12.h5 and 1 more"]
    assert status(tmp_path)["trouble"] == []


def test_it_waits_for_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    halt, said = threading.Event(), list[str]()
    monkeypatch.setattr(module, "POLL", 0.01)

    def look(line: str) -> None:
        said.append(line)
        halt.set()

    thread = threading.Thread(target=keep, args=(tmp_path, {}, Limits(1e9)), kwargs={"halt": halt, "log": look})
    thread.start()
    lived(tmp_path, 70)
    thread.join(20.0)
    assert not thread.is_alive()
    assert said[0].startswith("archived 2026-03-01T12.h5 and 1 more: 365 readings")


def test_the_grace_of_the_last_hour_is_waited_for(tmp_path: Path) -> None:
    lived(tmp_path, 62)
    with recorder(tmp_path) as keeper:
        keeper.cycle()
        assert names(tmp_path) == []
        more(tmp_path, tick(T0 + 62 * MINUTE))
        keeper.cycle()
        assert names(tmp_path) == ALL[:2]
