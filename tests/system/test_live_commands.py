"""`twin live`, `twin demo` and `twin replay` as processes: killed, interrupted and looked at afterwards."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.live import Ingest, free_port, until
from tests.twin.live.story import Story, readings, station, units
from twin.clean.draft import draft
from twin.history.reader import History
from twin.journal.check import verify
from twin.journal.reader import Reader
from twin.live import snapshots
from twin.live.process import follow

TWIN = [sys.executable, "-c", "from twin.cli import main; main()"]
PLANT = "cooling_station"


def started(*arguments: Any, folder: Path) -> "subprocess.Popen[str]":
    """Start `twin` with what it says in files beside `folder`."""
    with (folder / "stdout").open("w") as out, (folder / "stderr").open("w") as err:
        return subprocess.Popen(
            [*TWIN, *map(str, arguments)], stdout=out, stderr=err, text=True, start_new_session=True
        )


def ended(process: "subprocess.Popen[str]") -> int:
    """Return the exit code of a process that is asked to end."""
    process.send_signal(signal.SIGINT)
    return process.wait(60)


class AtTheEnd(threading.Event):
    """Stops a twin that has taken all there is."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True


def replay(data: Path, plant: Any = PLANT) -> subprocess.CompletedProcess[str]:
    command = [*TWIN, "replay", str(data), "--plant", str(plant), "--json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def processes(data: Path) -> dict[str, int]:
    """Return the processes of a data folder, by their module."""
    found = {}
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = line.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "twin.live.leash" in words and str(data) in words:
            found[words[words.index("twin.live.leash") + 1]] = int(line.parent.name)
    return found


def status(data: Path) -> dict[str, Any]:
    file = data / "twin.json"
    return dict(json.loads(file.read_text())) if file.exists() else {"entry": 0, "settled": 0.0, "pid": 0}


def assert_whole(data: Path) -> None:
    """Check every file that a twin leaves."""
    assert verify(data).ok
    for entry in snapshots.entries(data):
        snapshots.load(data, entry)
    with History(data) as history, Reader.open(data) as reader:
        times = [row.time for row in history.rows()]
        assert times == sorted(set(times))
        assert snapshots.entries(data)[-1] <= reader.last()


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    yield folder
    for pid in processes(folder).values():
        os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_a_demo_sums_up_what_its_replay_gives_again(data: Path, tmp_path: Path) -> None:
    demo = started(
        "demo", PLANT, "--headless", "--for", "8s", "--speed", 60, "--fault", "none", "--json", "--data", data,
        folder=tmp_path,
    )  # fmt: skip
    assert demo.wait(120) == 0, (tmp_path / "stderr").read_text()
    (line,) = (tmp_path / "stdout").read_text().splitlines()
    told = json.loads(line)
    assert (told["simulated"], told["ending"], told["data"]) == (True, "done", str(data))
    assert (told["lost"], told["duplicated"], told["false_advisories"], told["named_fault"]) == (0, 0, 0, "")
    assert told["readings"] >= 28 * told["source_s"] > 0
    assert not processes(data)
    assert_whole(data)
    again = replay(data)
    assert again.returncode == 0, again.stderr
    result = json.loads(again.stdout)
    assert (result["same"], result["different"]) == (snapshots.entries(data), [])
    assert result["instants"] >= told["source_s"]


@pytest.mark.slow
def test_an_interrupted_demo_ends_all_and_leaves_valid_files(data: Path, tmp_path: Path) -> None:
    demo = started("demo", PLANT, "--headless", "--speed", 60, "--json", "--data", data, folder=tmp_path)
    until(lambda: status(data)["settled"] > 1e9, 60)
    assert set(processes(data)) == {"twin.ingest", "twin.live", "twin.keep"}
    assert ended(demo) == 130
    told = json.loads((tmp_path / "stdout").read_text())
    assert (told["ending"], told["lost"]) == ("interrupted", 0)
    assert not processes(data)
    assert_whole(data)
    assert json.loads(replay(data).stdout)["different"] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_interrupted_while_it_starts_leaves_nothing(tmp_path: Path, number: int) -> None:
    places = {"TMPDIR": str(tmp_path / "temporary")}
    (tmp_path / "temporary").mkdir()
    with (tmp_path / "stderr").open("w") as err:
        demo = subprocess.Popen(
            [*TWIN, "demo", PLANT, "--headless"], stdout=err, stderr=err, env={**os.environ, **places}
        )
    (folder,) = until(lambda: [p for p in (tmp_path / "temporary").iterdir() if (p / "twin.log").exists()], 60)
    demo.send_signal(number)
    assert demo.wait(60) == 130
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not processes(folder)


@pytest.mark.slow
def test_a_live_twin_whose_processes_are_killed_goes_on_and_its_replay_gives_the_same(
    data: Path, tmp_path: Path
) -> None:
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    live = started("live", PLANT, "--listen", address, "--data", data, "--replay", folder=tmp_path)
    until(lambda: "listening on" in (tmp_path / "stdout").read_text(), 60)
    (tmp_path / "source").mkdir()
    source = started("plant", PLANT, "--to", address, "--speed", 20, "--json", folder=tmp_path / "source")
    try:
        until(lambda: status(data)["settled"] > 1e9, 60)
        for victim in ("twin.live", "twin.ingest", "twin.live"):
            before, pids = status(data), processes(data)
            os.kill(pids[victim], signal.SIGKILL)
            until(lambda pids=pids, victim=victim: processes(data).get(victim, pids[victim]) != pids[victim], 30)
            until(lambda before=before: status(data)["settled"] > before["settled"] + 10.0, 60)
    finally:
        assert ended(source) == 130
        sent = json.loads((tmp_path / "source" / "stdout").read_text().splitlines()[-1])
        assert ended(live) == 130
    said = (tmp_path / "stdout").read_text()
    assert said.count("twin ended with code -9; started again") == 2
    assert said.count("ingest ended with code -9; started again") == 1
    assert not processes(data)
    assert_whole(data)
    with Reader.open(data) as reader:
        ((stored, distinct),) = reader.query(
            "select count(*), count(distinct gateway || run || '/' || seq) from entries where kind = 'data'"
        )
    assert stored == distinct
    assert sent["waiting"] == 0
    result = json.loads(replay(data).stdout)
    assert result["different"] == []
    assert len(result["same"]) >= 1


def test_a_folder_of_another_plant_ends_the_group_with_code_3(data: Path, tmp_path: Path) -> None:
    story = Story().hello("gw", units(station())).stream("gw", readings(station(), {}, 3))
    follow(story.journal(data), station(), stop=AtTheEnd())
    other = tmp_path / "cooling_station.yaml"
    other.write_text(station().text.replace("T: 32 degC", "T: 31 degC"))
    differs = replay(data, other)
    assert differs.returncode == 5
    assert json.loads(differs.stdout)["same"] == []
    live = started("live", other, "--listen", "tcp://127.0.0.1:*", "--data", data, folder=tmp_path)
    assert live.wait(60) == 3
    assert "the snapshot is of another plant or recipe" in (tmp_path / "stderr").read_text()
    assert not processes(data)


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["two_tanks", "--data", "DIR"], 3, "two_tanks: has no section 'estimate'"),
        (["nowhere", "--data", "DIR"], 3, "nowhere"),
        ([PLANT], 2, "missing option"),
        ([PLANT, "--data", "DIR", "--listen", "udp://1"], 2, "is no address to listen on"),
        ([PLANT, "--data", "DIR", "--keep", "banana"], 2, "is no positive duration"),
        ([PLANT, "--data", "DIR", "--max-disk", "-1"], 2, "is no size; write it like 20GB"),
        ([PLANT, "--data", "DIR", "--recording", "skab"], 3, "is of plant water_loop, whose tags aren't those of"),
    ],
)
def test_what_cannot_be_watched_is_refused_in_one_line(
    tmp_path: Path, arguments: list[str], code: int, why: str
) -> None:
    words = [str(tmp_path / "data") if word == "DIR" else word for word in arguments]
    done = subprocess.run([*TWIN, "live", *words], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.count("Traceback")) == (code, 0)
    (line,) = done.stderr.splitlines()
    assert why in line


def test_two_twins_on_one_folder_are_refused(data: Path, tmp_path: Path) -> None:
    data.mkdir()
    with Ingest(data):
        live = started("live", PLANT, "--listen", "tcp://127.0.0.1:*", "--data", data, folder=tmp_path)
        assert live.wait(60) == 4
        assert "ingest: ended with code 4" in (tmp_path / "stderr").read_text()
    assert not processes(data)


@pytest.mark.slow
def test_a_plant_drafted_from_a_file_of_readings_is_followed(data: Path, tmp_path: Path) -> None:
    """No label, no plant of ours: the file, `twin init`, and `twin demo` on what that wrote."""
    random = np.random.default_rng(1)
    shown = {"Current": (0.9, 0.2), "Pressure": (0.1, 0.2), "Temperature": (80.0, 0.1), "Flow (l/min)": (32.0, 0.5)}
    rows = [[f"2024-05-01 08:{k // 60:02d}:{k % 60:02d}"] for k in range(90)]
    for row in rows:
        row += [f"{random.normal(*of):.3f}" for of in shown.values()]
    source = tmp_path / "line_3.csv"
    source.write_text("\n".join(",".join(row) for row in [["time", *shown], *rows]) + "\n")
    draft(source, tmp_path / "ours")
    demo = started(
        "demo", "--recording", tmp_path / "ours" / "recording.yaml", "--headless", "--speed", 30, "--json",
        "--data", data, folder=tmp_path,
    )  # fmt: skip
    assert demo.wait(180) == 0, (tmp_path / "stderr").read_text()
    told = json.loads((tmp_path / "stdout").read_text())
    assert (told["simulated"], told["plant"], told["onset_s"], told["true_fault"]) == (False, "ours", None, "")
    assert (told["readings"], told["lost"], told["duplicated"]) == (4 * 90, 0, 0)
    assert_whole(data)


def test_a_demo_whose_source_fails_ends_with_its_code(data: Path, tmp_path: Path) -> None:
    rows = [f"2024-05-01 08:00:{k:02d},{20 + k % 3},{30 + k % 2}" for k in range(60)]
    source = tmp_path / "log.csv"
    source.write_text("time,temperature (degC),flow (l/min)\n" + "\n".join(rows) + "\n")
    draft(source, tmp_path / "ours")
    drafted = tmp_path / "ours" / "log.csv"
    drafted.write_text(drafted.read_text().replace(rows[30], rows[30] + ",9"))
    demo = started(
        "demo", "--recording", tmp_path / "ours" / "recording.yaml", "--headless", "--json", "--data", data,
        folder=tmp_path,
    )  # fmt: skip
    assert demo.wait(120) == 4
    assert "log.csv:32: 4 cells" in (tmp_path / "stderr").read_text()


@pytest.mark.parametrize("wrong", [["nosuch"], ["--fault", "nosuch"], ["--recording", "nosuch"]])
def test_a_refused_demo_leaves_nothing(tmp_path: Path, wrong: list[str]) -> None:
    done = subprocess.run([*TWIN, "demo", *wrong], env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True)
    assert done.returncode == 3
    assert list(tmp_path.iterdir()) == []
