"""`twin journal`: what it prints, its exit codes, and what it leaves behind."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.journals import T0, data, filled, hello, opened
from twin import cli
from twin.cli.exports import Moment
from twin.journal import store

TWIN = [sys.executable, "-c", "from twin.cli import main; main()"]


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str


@pytest.fixture
def journal(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str | Path) -> Said:
        with pytest.raises(SystemExit) as left:
            cli.main(["journal", *map(str, arguments)])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Said(int(str(left.value.code)), out, err)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    filled(tmp_path / "data", 30)
    return tmp_path / "data"


def damage(folder: Path) -> None:
    """Flip a bit of the first data frame."""
    raw = bytearray((folder / store.FILE).read_bytes())
    raw[raw.index(data(1).body) + 30] ^= 1
    (folder / store.FILE).write_bytes(raw)


def test_a_whole_journal_verifies(journal: Any, folder: Path) -> None:
    said = journal("verify", folder)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{folder}/journal.sqlite: whole: 97 entries, 0.0 MB\n")
    told = json.loads(journal("verify", folder, "--json").out)
    assert told["ok"] is True
    assert (told["whole"], told["damaged"], told["named"]) == (97, 0, [])


def test_damage_is_exit_code_5_and_named(journal: Any, folder: Path) -> None:
    damage(folder)
    said = journal("verify", folder)
    assert said.code == 5
    lines = said.out.splitlines()
    assert lines[0] == (f"{folder}/journal.sqlite: damaged: 1 of 97 entries; behind the first of them 92 are readable")
    assert lines[1] == (
        "  entry 5 (gw1, run 77, seq 1) has another CRC-32 than its body; "
        "received between 2026-03-01T12:00:01.000000Z and 2026-03-01T12:00:05.000000Z"
    )
    assert lines[-1] == f"`twin journal export {folder} --skip-damaged` saves the readings that are left"
    said = journal("verify", folder, "--json")
    told = json.loads(said.out)
    assert (said.code, told["ok"], told["later"]) == (5, False, 92)
    assert (told["named"][0]["gateway"], told["named"][0]["seq"]) == ("gw1", 1)


@pytest.mark.parametrize("command", ["verify", "stats", "export"])
def test_what_is_no_journal_is_exit_code_4(journal: Any, command: str, tmp_path: Path) -> None:
    said = journal(command, tmp_path)
    assert (said.code, said.out) == (4, "")
    assert said.err == f"{tmp_path}: holds no journal (journal.sqlite); check the path, or start the twin there\n"
    (tmp_path / "journal.sqlite").write_bytes(b"no database at all, whatever it is called" * 50)
    said = journal(command, tmp_path)
    assert said.code == 4
    assert said.err.endswith("journal.sqlite: is no database; move it away, or name another folder\n")


def test_numbers_are_shown(journal: Any, folder: Path) -> None:
    said = journal("stats", folder)
    assert (said.code, said.err) == (0, "")
    assert f"{folder}/journal.sqlite: 0.1 MB, entries 1 to 97\n" in said.out
    assert "received 2026-03-01T12:00:00.000000Z to 2026-03-01T12:00:31.000000Z\n" in said.out
    assert "3 hello, 60 data, 1 bye, 1 gap, 31 tick, 1 action\n" in said.out
    rows = {line.split()[0]: line.split()[1:] for line in said.out.splitlines() if line.startswith(("gw", "str"))}
    assert rows["gw1"] == ["1", "30", "30", "600", "0", "0", "0", "2026-03-01T12:00:30.000000Z"]
    assert rows["gw2"] == ["1", "34", "30", "150", "1", "4", "0", "2026-03-01T12:00:34.000000Z"]
    assert rows["stranger"] == ["0", "0", "0", "0", "0", "0", "1"]
    told = json.loads(journal("stats", folder, "--json").out)
    assert told["gateways"]["gw2"]["lost"] == 4
    assert told["kinds"]["data"]["entries"] == 60
    assert told["days_left"] > 0


def test_an_empty_journal_has_numbers(journal: Any, tmp_path: Path) -> None:
    with opened(tmp_path / "data"):
        pass
    said = journal("stats", tmp_path / "data")
    assert said.code == 0
    assert "received nothing yet\nno entries\n" in said.out
    assert said.out.endswith("room for ever\n")


def test_readings_are_exported(journal: Any, folder: Path, tmp_path: Path) -> None:
    said = journal("export", folder)
    assert said.code == 0
    assert said.err == "750 readings; 4 batches were declared lost by their gateways\n"
    rows = [*csv.DictReader(io.StringIO(said.out))]
    assert len(rows) == 750
    assert rows[0] == {
        "tag": "TI-1", "time": "2026-03-01T12:00:01.000000Z", "value": "1.0", "unit": "degC", "quality": "Good",
    }  # fmt: skip
    out = tmp_path / "out.jsonl"
    options = ["--tag", "LI-3", "--from", "2026-03-01T12:00:06", "--to", "2026-03-01T13:00:07+01:00"]
    said = journal("export", folder, "--out", out, "--format", "jsonl", *options)
    assert (said.code, said.out) == (0, "")
    assert said.err == "3 readings; 4 batches were declared lost by their gateways\n"
    assert [json.loads(line)["value"] for line in out.read_text().splitlines()] == [6.0, 7.0, 8.0]
    assert journal("export", folder, "--out", out).code == 4
    assert journal("export", folder, "--tag", "LI-9").err.startswith(f"{folder}/journal.sqlite: no tag 'LI-9'; did")


def test_damage_ends_an_export_and_leaves_nothing(journal: Any, folder: Path, tmp_path: Path) -> None:
    damage(folder)
    out = tmp_path / "out" / "out.csv"
    out.parent.mkdir()
    said = journal("export", folder, "--out", out)
    assert said.code == 4
    assert "entry 5 is damaged" in said.err
    assert [*out.parent.iterdir()] == []
    said = journal("export", folder, "--out", out, "--skip-damaged")
    assert (said.code, len(out.read_text().splitlines())) == (0, 731)
    assert said.err.endswith("; 1 entries are damaged and left out\n")


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "", "5"])
def test_what_is_no_time_is_wrong_usage(journal: Any, folder: Path, text: str) -> None:
    said = journal("export", folder, "--from", text)
    assert said.code == 2
    assert "is no time; write it like 2026-03-01T12:30:00, in UTC" in said.err


@pytest.mark.parametrize("text", ["2026-03-01T12:00:00", "2026-03-01T13:00+01:00", "2026-03-01 12:00Z"])
def test_times_are_utc_unless_they_say_otherwise(text: str) -> None:
    assert Moment().convert(text, None, None) == T0


def test_an_export_that_is_asked_to_end_leaves_no_half_file(tmp_path: Path) -> None:
    folder, out = tmp_path / "data", tmp_path / "out"
    with opened(folder) as journal:
        journal.append([hello(), *(data(n, 1000) for n in range(1, 201))])
    out.mkdir()
    script = (
        "import os, signal, twin.journal.export as e\n"
        "text = e._Lines._text\n"
        "def asked(self, entry):\n"
        f"    if entry.seq == 100: os.kill(os.getpid(), signal.{signal.SIGINT.name})\n"
        "    return text(self, entry)\n"
        "e._Lines._text = asked\n"
        "from twin.cli import main; main()"
    )
    command = [sys.executable, "-c", script, "journal", "export", str(folder), "--out", str(out / "all.csv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")
    assert [*out.iterdir()] == []


def test_the_commands_need_no_simulator(folder: Path) -> None:
    script = (
        "import sys\nfrom twin.cli import main\n"
        f"sys.argv = ['twin', 'journal', 'export', {str(folder)!r}]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert {"numpy", "numba", "zmq", "h5py", "pint"}.isdisjoint(done.stderr.split())


def test_a_reader_that_goes_away_ends_an_export(folder: Path) -> None:
    command = ["sh", "-c", '"$@" | head -1', "sh", *TWIN, "journal", "export", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.stdout == "tag,time,value,unit,quality\n"
    assert "Traceback" not in done.stderr
