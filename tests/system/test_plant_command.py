"""`twin plant`: a simulated factory at the other end of a wire, told to be one, and its readings on the twin's disk."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import astuple

from tests.live import Ingest, entries, free_port, until
from tests.plants import SHIPPED, shipped
from twin.factory.factory import Factory
from twin.factory.forcing import Member
from twin.factory.truth import Truth
from twin.gateway.buffer import Buffer
from twin.protocol import Data, Hello, decode_from_gateway

TWIN = [sys.executable, "-c", "from twin.cli import main; main()", "plant"]
START = "2026-03-01T06:00:00Z"
START_US = 1_772_344_800_000_000
Row = tuple[str, int, Any, int]


def plant(*arguments: Any, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [*TWIN, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


def arrived(data: Path) -> list[Row]:
    """Return the readings of a journal, and check that they are told to be of a replay."""
    tags: list[str] = []
    rows: list[Row] = []
    for entry in entries(data):
        message = decode_from_gateway(entry.body) if entry.kind in ("hello", "data") else None
        if isinstance(message, Hello):
            tags = [tag.n for tag in message.tags]
            assert message.clock == "replay"
        elif isinstance(message, Data):
            rows += [(tags[tag], *rest) for tag, *rest in map(astuple, message.r)]
    return rows


def test_what_arrives_is_what_the_factory_reads_to_the_last_bit(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with Ingest(data, "tcp://127.0.0.1:*", "--replay") as ingest:
        done = plant(
            "cooling_station", "--to", ingest.address, "--speed", 200, "--for", "60s", "--seed", 3,
            "--start", START, "--fault", "bearing_hot", "--fault-at", "10s", "--json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["simulated"] is True
    assert told["ending"] == "done"
    assert (told["waiting"], told["buffer"]) == (0, None)
    truth = Truth.load(SHIPPED.parent / "truths" / "cooling_station.yaml", shipped("cooling_station"))
    factory = Factory(truth, [Member(3, "bearing_hot", 10.0)], start=START_US)
    expected = factory.rows(factory.advance(60.0))
    assert arrived(data) == expected
    assert told["readings"] == len(expected)
    assert "SIMULATED factory cooling_station" in done.stderr
    assert "the fault begins" in done.stderr


def test_ctrl_c_leaves_what_no_twin_took_in_a_buffer_that_a_later_run_sends(tmp_path: Path) -> None:
    buffer, port = tmp_path / "gateway.buffer", free_port()
    command = [*TWIN, "two_tanks", "--to", f"tcp://127.0.0.1:{port}", "--speed", "500", "--buffer", str(buffer)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    until(lambda: "500 x real time" in process.stderr.readline())  # type: ignore[union-attr]
    until(lambda: process.stderr.readline().endswith("batches wait\n"), 30.0)  # type: ignore[union-attr]
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert f"batches wait in {buffer}" in said
    held = Buffer(buffer)
    waiting = held.next() - held.first()
    held.close()
    assert waiting > 0
    data = tmp_path / "data"
    data.mkdir()
    with Ingest(data, f"tcp://127.0.0.1:{port}", "--replay"):
        done = plant(*command[len(TWIN) :], "--for", "60s")
        assert done.returncode == 0, done.stderr
    assert [entry.seq for entry in entries(data) if entry.kind == "data"][: waiting + 1] == list(range(1, waiting + 2))


def test_a_twin_that_is_not_there_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    script = "import twin.cli.plant as p; p.FLUSH = 0.5\nfrom twin.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "plant", "two_tanks", "--to", address, "--speed", "1000", "--for", "20s"],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 4
    assert "is a twin listening there?" in done.stderr
    kept = list(tmp_path.glob("twin-plant-*/gateway.buffer"))
    assert len(kept) == 1
    assert str(kept[0]) in done.stderr


def test_a_run_that_the_twin_has_whole_leaves_no_file_behind(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with Ingest(data, "tcp://127.0.0.1:*", "--replay") as ingest:
        arguments = ("two_tanks", "--to", ingest.address, "--speed", 1000, "--for", "20s")
        done = plant(*arguments, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob("twin-plant-*"))


def test_what_can_go_wrong_is_listed_with_the_twins_names() -> None:
    done = plant("cooling_station", "--faults", "--json")
    found = {fault["name"]: fault["declared"] for fault in json.loads(done.stdout)["faults"]}
    assert found["impeller_wear"] == "pump_1.wear"
    assert found["cold_water_starves"] == ""


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("cooling_station",), 2, "missing option '--to'"),
        (("cooling_station", "--to", "tcp://127.0.0.1:1", "--fault", "rust"), 3, "--fault: cooling_station: no fault"),
        (("cooling_station", "--to", "nowhere", "--for", "1s"), 4, "'nowhere'"),
        (("cooling_station", "--to", "tcp://127.0.0.1:1", "--start", "soon"), 2, "'soon' is no date and time"),
        (("cooling_station", "--to", "tcp://127.0.0.1:1", "--truth", "no.yaml"), 3, "no.yaml: can't be read"),
    ],
)
def test_what_can_not_be_played_is_told_why(arguments: tuple[str, ...], code: int, said: str, tmp_path: Path) -> None:
    done = plant(*arguments, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert not list(tmp_path.glob("twin-plant-*"))
