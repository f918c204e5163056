"""What stands in a data folder's way is told in one line, at once, with what to do."""

import os
import sqlite3
from pathlib import Path

import pytest

from tests.journals import filled, opened, tick
from twin.errors import DataError
from twin.journal import Reader, verify
from twin.journal.folder import claimed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    filled(tmp_path / "data", 5)
    return tmp_path / "data"


def said(error: pytest.ExceptionInfo[DataError]) -> str:
    """Return an error's message, which is a line of three parts."""
    text = str(error.value)
    assert "\n" not in text
    assert text.count("; ") >= 1, "no word on what to do"
    return text


def test_a_folder_without_the_one_above_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        opened(tmp_path / "no" / "data")
    assert f"can't be made: there is no {tmp_path / 'no'}; make that first" in said(error)
    for read in (Reader.open, verify):
        with pytest.raises(DataError) as error:
            read(tmp_path / "no")
        assert "holds no journal (journal.sqlite); check the path" in said(error)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    with pytest.raises(DataError) as error:
        opened(tmp_path / "data")
    assert "is no folder; name another" in said(error)
    with pytest.raises(DataError, match="holds no journal"):
        Reader.open(tmp_path / "data")


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("/dev/null"), os.mkfifo])
def test_what_only_looks_like_a_journal_is_refused(tmp_path: Path, make: object) -> None:
    (tmp_path / "data").mkdir()
    make(tmp_path / "data" / "journal.sqlite")  # type: ignore[operator]
    for act in (opened, Reader.open, verify):
        with pytest.raises(DataError) as error:
            act(tmp_path / "data")  # type: ignore[operator]
        assert "is no regular file; move it away" in said(error)


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "data" / "ingest.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(DataError) as error:
        opened(tmp_path / "data")
    assert "can't be written: Too many levels of symbolic links" in said(error)
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_second_writer_is_told_who_the_first_is(folder: Path) -> None:
    with opened(folder) as journal:
        with pytest.raises(DataError) as error:
            opened(folder)
        assert f"{folder}: process {os.getpid()} writes the journal; end it, or name another folder" == said(error)
        journal.append([tick(1)])
    with opened(folder):
        pass


def test_a_lock_without_a_number_is_a_lock_all_the_same(folder: Path) -> None:
    lock = claimed(folder)
    os.truncate(folder / "ingest.lock", 0)
    with pytest.raises(DataError) as error:
        opened(folder)
    assert "another process writes the journal" in said(error)
    os.close(lock)


@pytest.mark.skipif(os.geteuid() == 0, reason="to root every folder can be written")
def test_a_folder_that_can_not_be_written_is_refused(folder: Path) -> None:
    folder.chmod(0o500)
    with pytest.raises(DataError) as error:
        opened(folder)
    assert "can't be written: Permission denied; check" in said(error)
    assert verify(folder).ok
    folder.chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("name", ["", "journal.sqlite"])
def test_what_belongs_to_another_user_is_refused(folder: Path, name: str) -> None:
    os.chown(folder / name, 12345, 12345)
    with pytest.raises(DataError) as error:
        opened(folder)
    assert "belongs to user 12345, and this is user 0; run as its owner, or change it" in said(error)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"no database, and longer than a header is" * 100)
    for act in (opened, Reader.open, verify):
        with pytest.raises(DataError) as error:
            act(tmp_path)  # type: ignore[operator]
        assert "is no database; move it away, or name another folder" in said(error)


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "journal.sqlite") as db:
        db.execute("CREATE TABLE theirs (a)")
    db.close()
    before = (tmp_path / "journal.sqlite").read_bytes()
    for act in (opened, Reader.open):
        with pytest.raises(DataError) as error:
            act(tmp_path)  # type: ignore[operator]
        assert "is a database, but no journal of a twin; move it away" in said(error)
    assert not verify(tmp_path).ok
    assert (tmp_path / "journal.sqlite").read_bytes() == before


def test_another_formats_journal_is_refused(folder: Path) -> None:
    with sqlite3.connect(folder / "journal.sqlite") as db:
        db.execute("PRAGMA user_version = 7")
    db.close()
    for act in (opened, Reader.open):
        with pytest.raises(DataError) as error:
            act(folder)  # type: ignore[operator]
        assert "is a journal of format 7, and this version reads 1; use the version that wrote it" in said(error)


def test_tables_that_were_changed_are_refused(folder: Path) -> None:
    with sqlite3.connect(folder / "journal.sqlite") as db:
        db.execute("DROP TRIGGER entries_stay")
    db.close()
    for act in (opened, Reader.open):
        with pytest.raises(DataError) as error:
            act(folder)  # type: ignore[operator]
        assert "its tables aren't those of a journal; see `twin journal verify" in said(error)
    assert verify(folder).faults == ("structure: its tables aren't those of a journal",)


@pytest.mark.parametrize("keep", [100, 4096, 20_000])
def test_a_journal_that_was_cut_short_is_refused(folder: Path, keep: int) -> None:
    os.truncate(folder / "journal.sqlite", keep)
    for act in (opened, Reader.open):
        with pytest.raises(DataError) as error:
            act(folder)  # type: ignore[operator]
        assert "is damaged or cut short" in said(error) or "is no database" in said(error)


def test_an_empty_file_becomes_a_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").touch()
    with pytest.raises(DataError) as error:
        Reader.open(tmp_path)
    assert "is empty; start the twin there" in said(error)
    with opened(tmp_path) as journal:
        assert journal.last() == 0
    assert verify(tmp_path).ok


def test_a_log_without_its_journal_is_not_written_over_a_new_one(folder: Path) -> None:
    (folder / "journal.sqlite").rename(folder / "journal.sqlite-wal")
    with pytest.raises(DataError) as error:
        opened(folder)
    assert "journal.sqlite-wal: is there without its journal; bring journal.sqlite back" in said(error)


def test_a_journal_that_was_half_made_is_made_again(tmp_path: Path) -> None:
    for name in ("journal.sqlite.new", "journal.sqlite.new-wal", "journal.sqlite.new-journal"):
        (tmp_path / name).write_bytes(b"left by a power cut")
    with opened(tmp_path) as journal:
        journal.append([tick(1)])
    assert verify(tmp_path).ok
    assert not [*tmp_path.glob("*.new*")]


def test_a_journal_that_is_gone_from_under_a_twin_is_not_begun_anew(folder: Path) -> None:
    (folder / "snapshots").mkdir()
    (folder / "snapshots" / "000000000005.twin").touch()
    for path in folder.glob("journal.sqlite*"):
        path.unlink()
    with pytest.raises(DataError) as error:
        opened(folder)
    assert "is gone, and snapshots of a twin that followed it are there; bring it back" in said(error)
    assert not list(folder.glob("journal.sqlite*"))
