"""The command line: exact messages, exit codes, and files, for what people type right and wrong."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest

from tests.store import ASSET, PLANT, folder_of_assets, plant_file
from twin import cli
from twin.archive import Run
from twin.cli.arguments import Duration, Setting

RUN = ("--for", "10s", "--json")


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return the last line as the JSON object it promises to be."""
        return json.loads(self.out.splitlines()[-1])


@pytest.fixture
def twin(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str | Path) -> Said:
        with pytest.raises(SystemExit) as left:
            cli.main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Said(int(str(left.value.code)), out, err)

    return run


@pytest.fixture
def extra(tmp_path: Path) -> Path:
    return folder_of_assets(tmp_path)


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    return plant_file(tmp_path)


def test_a_run_of_a_shipped_plant_tells_its_summary(twin: Any) -> None:
    said = twin("run", "two_tanks", "--for", "1min", "--json")
    assert said.code == 0, said.err
    assert said.json["plant"] == "two_tanks"
    assert said.json["time"] == 60.0
    assert said.json["tags"]["pump"]["mean"] == pytest.approx(1.2)
    assert said.json["out"] is None


def test_a_run_is_recorded_and_shown_again(twin: Any, plant: Path, extra: Path, tmp_path: Path) -> None:
    out = tmp_path / "run.h5"
    ran = twin("run", plant, "--assets", extra, *RUN, "--out", out, "--seed", "5", "--set", "first.size=200dm2")
    assert ran.code == 0, ran.err
    shown = twin("show", out, "--json")
    assert shown.code == 0, shown.err
    same = ("plant", "seed", "time", "ending", "happenings", "crossings")
    assert {k: shown.json[k] for k in same} == {k: ran.json[k] for k in same}
    assert shown.json["overrides"] == {"first.size": "200 dm2"}
    assert ran.json["tags"]["LI-1"]["most"] == pytest.approx(50.0, abs=0.5)
    table = twin("show", out)
    assert table.code == 0
    assert "set first.size = 200 dm2" in table.out
    assert "LI/2" in table.out


def test_form_and_solver_can_be_chosen(twin: Any, plant: Path, extra: Path) -> None:
    said = twin("run", plant, "--assets", extra, *RUN, "--form", "flat", "--solver", "dp5")
    assert said.code == 0, said.err
    assert said.json["tags"]["LI-1"]["last"] == pytest.approx(100.0, abs=0.5)


def test_a_table_for_people_names_limits_and_happenings(twin: Any, plant: Path, extra: Path) -> None:
    said = twin("run", plant, "--assets", extra, "--for", "30 s")
    assert said.code == 0, said.err
    assert "stores: 30 s, seed 1" in said.out
    assert "limit LI-1 first above 200 cm at 2" in said.out
    assert "1 x first.half_full" in said.out


def test_check_lists_every_asset_with_the_hash_of_its_file(twin: Any, plant: Path, extra: Path) -> None:
    said = twin("check", plant, "--assets", extra, "--json")
    assert said.code == 0, said.err
    assert said.json["states"] == 4
    assert said.json["wires"] == 1
    assert said.json["assets"]["first"]["file"] == str(extra / "store.py")
    digest = subprocess.run(["sha256sum", extra / "store.py"], capture_output=True, text=True, check=True).stdout
    assert said.json["assets"]["second"]["sha256"] == digest.split()[0]
    table = twin("check", plant, "--assets", extra)
    assert "stores can be run" in table.out
    assert digest.split()[0] in table.out


def test_assets_are_listed_and_described(twin: Any, extra: Path) -> None:
    assert "tank" in twin("assets").out
    assert "store" in twin("assets", "--assets", extra, "--json").json
    sheet = twin("assets", "store", "--assets", extra, "--json").json
    assert [row["name"] for row in sheet["state"]] == ["level", "T"]
    assert sheet["param"][0]["source"] == "after nothing in particular"
    assert sheet["transition"] == [{"name": "count", "when": "on half_full", "reads": ["halves"], "sets": ["halves"]}]
    table = twin("assets", "store", "--assets", extra)
    assert "guess: after nothing in particular" in table.out
    assert "on half_full" in table.out


def test_the_schema_is_json_and_accepts_bare_numbers(twin: Any) -> None:
    schema = json.loads(twin("schema").out)
    values = schema["$defs"]["AssetEntry"]["properties"]["with"]["additionalProperties"]
    assert values == {"type": ["string", "number", "boolean"]}
    assert "tank" in schema["$defs"]["AssetEntry"]["properties"]["is"]["examples"]


def test_doctor_tells_versions_and_cache_and_finds_what_is_wrong(
    twin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    well = twin("doctor", "--json")
    assert well.code == 0
    assert well.json["cache"] == str(tmp_path / "cache")
    assert well.json["cache_writable"] is True
    assert "all is well" in twin("doctor").out
    (tmp_path / "file").touch()
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "file" / "cache"))
    ill = twin("doctor", "--json")
    assert ill.code == 5
    assert ill.json["problems"] == [
        f"{tmp_path}/file/cache: kernel cache can't be written: Not a directory; set TWIN_CACHE to a folder that can"
    ]


WRONG = [
    ("second: {is: store}", "second: {is: stor}", "stores.yaml:5: second: no asset 'stor'; did you mean 'store'"),
    ("first: {is: store, with: {flow", "first: {is: store, with: {flo", "stores.yaml:4: first.flo: no quantity 'flo';"),
    ("second.flow: first", "second.flw: first", "stores.yaml:7: second.flw: no input 'second.flw'; did you mean"),
    ("first.passed", "first.past", "stores.yaml:7: second.flow: no output or state 'first.past'; did you mean 'first."),
    ("first.passed", "first.level", "stores.yaml:7: second.flow: is in m3/s, but first.level is in m; wire what"),
    ("0.1 m3/s", "0.1 flurbs3/s", "stores.yaml:4: first.flow: unknown unit 'flurbs3/s' in '0.1 flurbs3/s';"),
    ("0.1 m3/s", "0.1 kg", "stores.yaml:4: first.flow: '0.1 kg' is not a value in m3/s; kg measures something else"),
    ("0.1 m3/s", "3 m3/s", "stores.yaml:4: first.flow: 3 m3/s is outside [-1, 1] m3/s"),
    ("0.1 m3/s", "nan", "stores.yaml:4: first.flow: 'nan' is not a finite number"),
    ("0.1 m3/s", "much", "stores.yaml:4: first.flow: 'much' is not a number with a unit; write it like '1.5 m3/s'"),
    ("reads: first.T,", "reads: first.TT,", "stores.yaml:11: TI-1: first.TT: no quantity 'TT'; "),
    ("unit: degC", "unit: bar", "stores.yaml:11: TI-1: 'bar' is not a value in K; bar measures something else"),
    ("  LI-1: {high", "  LI-7: {high", "stores.yaml:13: limits: no tag 'LI-7'; did you mean 'LI-1'"),
    (
        "  second: {is: store}",
        "  first: {is: store}",
        "stores.yaml:5: 'first' was already given at stores.yaml:4; keep",
    ),
    ("noise: 1 mm", "noize: 1 mm", "stores.yaml:9: tags.LI-1: no key 'noize'; did you mean 'noise'?"),
    ("rk4", "rk5", "stores.yaml:2: solver.method: no method 'rk5'; did you mean 'rk4'"),
    ("\nsolver", "\n\tsolver", "stores.yaml:2: not YAML: "),
]


@pytest.mark.parametrize(("right", "wrong", "message"), WRONG, ids=[w for _, w, _ in WRONG])
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_wrong_plant_is_refused_with_its_line(
    twin: Any, tmp_path: Path, extra: Path, command: str, right: str, wrong: str, message: str
) -> None:
    assert PLANT.count(right) >= 1, right
    file = plant_file(tmp_path, PLANT.replace(right, wrong, 1))
    said = twin(command, file, "--assets", extra, *(RUN if command == "run" else ["--json"]))
    assert said.code == 3
    assert said.err.startswith(message)
    assert said.err.count("\n") == 1
    assert said.json == {"error": said.err.strip(), "exit_code": 3}


def test_an_algebraic_loop_is_named(twin: Any, tmp_path: Path, extra: Path) -> None:
    file = plant_file(tmp_path, PLANT.replace("passed\n", "passed\n  first.flow: second.passed\n", 1))
    said = twin("check", file, "--assets", extra)
    assert said.code == 3
    assert said.err.startswith("stores.yaml:6: wires: algebraic loop ")
    assert "with no state between; give one of them a lag or wire a state" in said.err


def test_a_nan_in_an_asset_file_is_refused(twin: Any, tmp_path: Path, extra: Path, plant: Path) -> None:
    (extra / "store.py").write_text(ASSET.replace('"cross-section", 1.0', '"cross-section", float("nan")'), "utf-8")
    said = twin("check", plant, "--assets", extra)
    assert said.code == 3
    assert said.err == f"{extra}/store.py: Store.size: nan m2 is outside [0.1, 10]; mend value or bounds\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("first.sizes=2", "--set: first.sizes: no quantity 'sizes'; did you mean 'size'?"),
        ("frist.size=2", "--set: frist.size: no asset 'frist'; did you mean 'first'?"),
        ("first.size=2kg", "--set: first.size: '2 kg' is not a value in m2; kg measures something else"),
        ("first.size=200m2", "--set: first.size: 200 m2 is outside [0.1, 10] m2"),
        ("first.size=nan", "--set: first.size: 'nan' is not a finite number"),
        ("first.passed=1", "--set: first.passed: an output is computed; set what it is computed from"),
        ("second.flow=1", "--set: second.flow: is wired to first.passed; remove the wire to set it"),
    ],
)
def test_a_wrong_change_is_refused(twin: Any, plant: Path, extra: Path, change: str, message: str) -> None:
    said = twin("run", plant, "--assets", extra, *RUN, "--set", change)
    assert (said.code, said.err) == (3, message + "\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rum"], ["twin: no command 'rum'; did you mean 'run'?"]),
        (["run", "two_tanks"], ["twin run: ", "--for"]),
        (["run", "two_tanks", "--for", "1s", "--swift"], ["twin run: no such option", "--swift"]),
        (["show"], ["twin show: ", "FILE"]),
        (
            ["run", "two_tanks", "--for", "soon"],
            ["'--for'", "'soon' is no positive duration; write it like 90s, 10min or 1.5h"],
        ),
        (
            ["run", "two_tanks", "--for", "1s", "--set", "34m"],
            ["'--set'", "'34m' is no change; write it like pump.head_0=34m"],
        ),
    ],
)
def test_wrong_usage_is_one_line(twin: Any, arguments: list[str], words: list[str]) -> None:
    said = twin(*arguments)  # click has a say in the wording, and changes it from time to time
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert all(word in said.err for word in words), said.err
    assert said.err.endswith(f"; see `{said.err.partition(':')[0]} --help`\n")


def test_an_unknown_plant_or_asset_is_answered_with_its_neighbours(twin: Any, tmp_path: Path) -> None:
    said = twin("run", "two_tank", *RUN)
    assert (said.code, said.err) == (3, "no plant 'two_tank'; did you mean 'two_tanks'?\n")
    said = twin("assets", "tnak")
    assert (said.code, said.err) == (3, "no asset 'tnak'; did you mean 'tank'?\n")
    said = twin("check", tmp_path / "none.yaml")
    assert said.code == 3
    assert said.err == f"{tmp_path}/none.yaml: can't be read: No such file or directory; check the path\n"
    said = twin("check", "two_tanks", "--assets", tmp_path / "none")
    assert said.code == 2
    assert said.err.startswith("twin check: invalid value for '--assets'")


def test_an_output_that_cannot_be_written_is_refused(twin: Any, tmp_path: Path) -> None:
    said = twin("run", "two_tanks", *RUN, "--out", tmp_path / "none" / "run.h5")
    assert said.code == 4
    assert said.err == f"{tmp_path}/none/run.h5: there is no folder {tmp_path}/none; make it first\n"


def test_a_full_disk_is_told_and_leaves_nothing(twin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    said = twin("run", "two_tanks", *RUN, "--out", tmp_path / "run.h5")
    assert said.code == 4
    full_message = f"{tmp_path}/run.h5: can't be written: No space left on device; make room or name another folder"
    assert said.err.splitlines()[-1] == full_message
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_recording_is_refused(twin: Any, tmp_path: Path) -> None:
    out = tmp_path / "run.h5"
    assert twin("run", "two_tanks", *RUN, "--out", out).code == 0
    body, cut = out.read_bytes(), tmp_path / "cut.h5"
    cut.write_bytes(body[:-9])
    said = twin("show", cut)
    assert said.code == 4
    assert said.err == f"{cut}: is cut off: {len(body) - 521} of {len(body) - 512} bytes are there; copy it again\n"
    cut.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
    said = twin("show", cut, "--json")
    assert said.code == 4
    assert said.err == f"{cut}: was altered after it was recorded: its checksum differs; copy it again\n"
    assert said.json["exit_code"] == 4
    assert twin("show", tmp_path).code == 4


def test_a_run_that_fails_says_when_and_where_it_is_recorded(
    twin: Any, plant: Path, extra: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run.h5"
    said = twin("run", plant, "--assets", extra, "--for", "100s", "--out", out)
    assert said.code == 1
    line = said.err.splitlines()[-1]
    assert line.startswith("stores: t = 50")
    assert "first.level = 5" in line
    assert line.endswith(f"; recorded until then in {out}")
    with Run.load(out) as run:
        assert run.meta["ending"] == "failed"


def test_ctrl_c_keeps_what_was_done(twin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import signal

    from twin.cli import run as module

    class Pressed:
        def __enter__(self) -> Any:
            return lambda time: signal.raise_signal(signal.SIGINT) if time == 72.0 else None

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(module, "_progress", lambda name, until: Pressed())
    out = tmp_path / "run.h5"
    said = twin("run", "two_tanks", "--for", "1h", "--out", out, "--json")
    assert said.code == 130
    assert said.err.splitlines()[-1] == "interrupted at t = 72 s; what was done is kept"
    assert said.json["ending"] == "interrupted"
    with Run.load(out) as run:
        assert run.meta["ending"] == "interrupted"
        assert run["level"].time[-1] == 72.0


def test_a_defect_is_one_line_too(twin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(plant: str) -> Path:
        raise ZeroDivisionError("float division by zero")

    monkeypatch.setattr("twin.shipped.path_of", broken)
    said = twin("check", "two_tanks")
    assert said.code == 1
    assert said.err.startswith("a defect of twin: ZeroDivisionError: float division by zero; set TWIN_TRACEBACK=1")


@pytest.mark.parametrize("arguments", [["assets"], ["assets", "tank", "--json"], ["--help"], ["schema"]])
def test_a_reader_that_goes_away_gets_no_traceback(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", "from twin.cli import main; main()", *arguments]
    try:
        run = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writer)
    assert run.stderr == ""
    assert run.returncode == 1


def test_help_is_quick_to_load_and_lists_the_exit_codes() -> None:
    slow = ("numba", "dash", "scipy", "pint", "h5py", "zmq", "numpy", "rich", "pydantic")
    script = (
        "import sys; from twin.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
        f"print('loaded', *[m for m in {slow!r} if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    *text, loaded = run.stdout.splitlines()
    assert loaded.strip() == "loaded"
    for code in ("0", "1", "2", "3", "4", "5", "130"):
        assert any(line.split()[:1] == [code] for line in text), code


def test_other_packages_bring_commands(twin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    points = {
        "greet": EntryPoint("greet", "tests.system.test_cli:greet", cli.GROUP),
        "broken": EntryPoint("broken", "nowhere.at_all:command", cli.GROUP),
    }
    monkeypatch.setattr(cli, "_foreign", lambda: points)
    assert twin("greet").out == "good day\n"
    assert "can't be loaded from nowhere.at_all:command" in " ".join(twin("--help").out.split())
    said = twin("broken", "--json", "x")
    assert said.code == 1
    missing = "nowhere.at_all:command can't be loaded: ModuleNotFoundError: No module named 'nowhere'"
    assert said.err == f"broken: {missing}; mend or uninstall it\n"


@click.command()
def greet() -> None:
    click.echo("good day")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h", 3600.0),
        ("10min", 600.0),
        ("90s", 90.0),
        ("1.5 h", 5400.0),
        ("250 ms", 0.25),
        ("7", 7.0),
        ("2e3s", 2000.0),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "h", "-1h", "0s", "1 fortnight", "nan", "inf", "1h30", "1_0s"])
def test_no_duration_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is no positive duration; write it like 90s, 10min or 1\.5h"):
        Duration().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("pump.head_0=34m", ("pump.head_0", "34 m")),
        ("pump.head_0 = 34 m", ("pump.head_0", "34 m")),
        ("a.b=-1e-3m3/s", ("a.b", "-1e-3 m3/s")),
        ("a.b=5", ("a.b", "5")),
        ("a.b=60degC", ("a.b", "60 degC")),
        ("a.b=.5eV", ("a.b", ".5 eV")),
    ],
)
def test_changes_are_read_with_or_without_a_space(text: str, change: tuple[str, str]) -> None:
    assert Setting().convert(text, None, None) == change


def test_a_plant_file_hides_no_shipped_plant_of_the_same_name(
    twin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "two_tanks").mkdir()
    monkeypatch.chdir(tmp_path)
    assert twin("check", "two_tanks", "--json").json["plant"] == "two_tanks"
    shutil.rmtree(tmp_path / "two_tanks")
    (tmp_path / "two_tanks").write_text("plant: mine\nassets: {tank: {is: tank}}\n", encoding="utf-8")
    assert twin("check", "two_tanks", "--json").json["plant"] == "mine"
