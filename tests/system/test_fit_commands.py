"""`twin fit` and `twin score`: what they print and write, parts of files, exit codes, and what is refused."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.command import run
from tests.live import until
from tests.plants import EQUIPMENT
from tests.twin.calibrate.bench import GAIN, LAG, NOISE, PLANT, RECORDING, record, written
from twin.calibrate.record import Record

ASSETS = ("--assets", EQUIPMENT)
QUICK = ("--starts", "2", "--blocks", "0")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a recording of a machine, another file of it, a variant, and the fitted plant."""
    folder = tmp_path_factory.mktemp("bench")
    path = written(folder, record())
    written(folder, record(seed=2), name="other")
    (folder / "other.yaml").unlink()
    (folder / "again").mkdir()
    (folder / "again" / "followed.csv").write_bytes((folder / "other.csv").read_bytes())
    # The same under another name.
    (folder / "variant.yaml").write_text(PLANT.replace("plant: follower", "plant: variant"))
    subprocess.run(
        [sys.executable, "-m", "twin", "fit", path, "--out", folder / "fitted.yaml", *ASSETS], check=True,
        capture_output=True, timeout=120,
    )  # fmt: skip
    return folder


def asked(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    """Return the JSON that a command prints as its only line."""
    code, out, err = run(capsys, *arguments, *ASSETS, "--json")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_fitted_plant_is_scored_in_the_shape_that_is_agreed(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, "score", bench / "followed.yaml", "--plant", bench / "fitted.yaml")
    assert {"tags", "baselines"} <= set(found)
    place = found["tags"]["place"]
    assert {"rmse", "nrmse", "bias", "max", "unit"} <= set(place)
    assert place["unit"] == "mm"
    assert place["rmse"] == pytest.approx(1e3 * NOISE, rel=4.0 / np.sqrt(600))
    assert set(found["baselines"]) == {"persistence", "linear"}
    assert found["baselines"]["persistence"]["place"]["rmse"] > 10 * place["rmse"]
    assert (found["initialised"], found["scored"]) == (5, 295)


def test_a_fit_tells_parameters_with_intervals_and_where_they_are_written(
    bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = asked(capsys, "fit", bench / "followed.yaml", "--out", tmp_path / "f.yaml", "--profile", "it.lag", *QUICK)
    lag = found["parameters"]["it.lag"]
    assert lag["low"] < LAG < lag["high"]
    assert lag["unit"] == "s"
    assert found["out"] == str(tmp_path / "f.yaml")
    assert (tmp_path / "f.yaml").is_file()
    assert found["held"] == {}
    assert found["converged"]
    assert len(found["profiles"]["it.lag"]["values"]) == len(found["profiles"]["it.lag"]["loss"]) > 9
    assert len(found["files"]["followed.csv"]) == 64


def test_people_see_a_table_and_where_the_plant_is(
    bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(
        capsys, "fit", bench / "followed.yaml", "--out", tmp_path / "f.yaml", *ASSETS, *QUICK, "--free",
        "it.first,it.second,it.lag",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "it.lag" in out
    assert "acts only together with it." in out
    assert "written:" in out
    code, out, err = run(capsys, "score", bench / "followed.yaml", "--plant", tmp_path / "f.yaml", *ASSETS)
    assert (code, err) == (0, "")
    assert "300" not in out
    assert "295 rows, 5 before them" in out
    assert "persistence" in out


def test_another_file_of_the_source_is_scored(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("score", bench / "followed.yaml", "--plant", bench / "fitted.yaml", "--file", bench / "other.csv")
    found = asked(capsys, *arguments)
    assert found["file"] == "other.csv"
    assert found["tags"]["place"]["rmse"] == pytest.approx(1e3 * NOISE, rel=0.3)


@pytest.mark.parametrize(
    ("part", "rows"),
    [(("--from", "1min"), 240), (("--until", "59s"), 60), (("--from", "60", "--until", "2min"), 61),
     (("--from", "2024-01-01T00:01:00Z", "--until", "2024-01-01T00:02:00Z"), 61),
     (("--from", "2024-01-01T09:01:00+09:00"), 240)],
)  # fmt: skip
def test_a_part_is_given_by_durations_or_instants(
    bench: Path, capsys: pytest.CaptureFixture[str], part: tuple[str, ...], rows: int
) -> None:
    found = asked(capsys, "score", bench / "followed.yaml", *part)
    assert found["initialised"] + found["scored"] == rows


@pytest.mark.parametrize(("text", "rows"), [("20", 20), ("30s", 30), ("1 min", 60), ("0", 0), ("1", 1)])
def test_what_initialises_is_given_by_rows_or_a_time(
    bench: Path, capsys: pytest.CaptureFixture[str], text: str, rows: int
) -> None:
    found = asked(capsys, "score", bench / "followed.yaml", "--initialise", text)
    assert (found["initialised"], found["scored"]) == (rows, 300 - rows)
    assert (found["baselines"]["persistence"] is None) == (rows == 0)


def test_what_is_free_is_a_list_or_all_that_can_be(
    bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = bench / "followed.yaml"
    few = asked(capsys, "fit", recording, "--out", tmp_path / "a.yaml", "--free", "it.second, it.lag", *QUICK)
    assert set(few["parameters"]) == {"it.second", "it.lag", "it.x"}
    assert few["parameters"]["it.second"]["value"] == pytest.approx(GAIN / 2.0, rel=0.02)
    auto = asked(capsys, "fit", recording, "--out", tmp_path / "b.yaml", "--free", "auto", *QUICK)
    assert "it.side" in auto["held"]
    assert len({"it.first", "it.second"} & set(auto["held"])) == 1, "one of the two factors"
    assert auto["parameters"]["it.lag"]["low"] < LAG < auto["parameters"]["it.lag"]["high"]


def test_files_are_fitted_together_and_begin_each_for_itself(
    bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = [word for name in ("followed", "other") for word in ("--file", str(bench / f"{name}.csv"))]
    found = asked(capsys, "fit", bench / "followed.yaml", *both, "--out", tmp_path / "f.yaml", *QUICK)
    assert set(found["files"]) == {"followed.csv", "other.csv"}
    assert found["rows"] == 600
    assert {"it.x of followed.csv", "it.x of other.csv"} <= set(found["parameters"])
    scored = asked(capsys, "score", bench / "followed.yaml", "--plant", tmp_path / "f.yaml")
    assert scored["tags"]["place"]["rmse"] == pytest.approx(1e3 * NOISE, rel=0.3)


def test_variants_are_compared_by_information_criteria(
    bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = asked(
        capsys, "fit", bench / "followed.yaml", "--out", tmp_path / "f.yaml", "--compare", bench / "variant.yaml",
        "--starts", "2",
    )  # fmt: skip
    other = found["compared"][0]
    assert other["plant"] == "variant"
    assert other["aic"] == pytest.approx(found["aic"]), "the same equations"
    assert {"left_out", "rmse", "unit"} <= set(other["tags"]["place"])


def test_the_same_command_writes_the_same_bytes(
    bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.yaml", "b.yaml"):
        asked(capsys, "fit", bench / "followed.yaml", "--out", tmp_path / name, *QUICK)
    assert (tmp_path / "a.yaml").read_bytes() == (tmp_path / "b.yaml").read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("fit followd --out {new}", 3, "no recording 'followd'"),
        ("fit {rec}", 2, "missing option '--out'"),
        ("fit {rec} --out {old}", 4, "exists; name another file"),
        ("fit {rec} --out {none}", 4, "can't be written: No such file or directory; name another file"),
        ("fit {rec} --out {new} --free it.lag,it.lag", 3, "it.lag: named twice"),
        ("fit {rec} --out {new} --free it.lagg", 3, "did you mean 'lag'?"),
        ("fit {rec} --out {new} --free it.x", 3, "is no parameter or held input"),
        ("fit {rec} --out {new} --free it.push", 3, "followed.csv drives it with push"),
        ("fit {rec} --out {new} --free it.side", 1, "nothing can be told"),
        ("fit {rec} --out {new} --profile it.nope", 3, "--profile: no estimated parameter 'it.nope'"),
        ("fit {rec} --out {new} --from 2min --until 1min", 4, "isn't before --until 1min"),
        ("fit {rec} --out {new} --from 295s", 4, "5 rows in this span, at least 10"),
        ("fit {rec} --out {new} --file {none}", 4, "there is no file"),
        ("fit {rec} --out {new} --plant two_tanks", 3, "has no tag 'push', which followed records; add it"),
        ("fit {rec} --out {new} --file {csv} --file {csv}", 4, "holds what followed.csv holds; give each file once"),
        ("fit {rec} --out {new} --file {csv} --file {same}", 4, "two files are called followed.csv"),
        ("score {rec} --plant two_tanks", 3, "has no tag"),
        ("score {rec} --initialise=-3", 3, "--initialise: -3"),
        ("score {rec} --initialise=300", 4, "shorten --initialise"),
        ("score {rec} --initialise=5m3", 3, "--initialise"),
        ("score {rec} --from yesterday", 4, "--from: 'yesterday' is neither a duration"),
    ],
)
def test_what_goes_wrong_is_one_line_a_code_and_no_file(
    bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, code: int, says: str
) -> None:
    places = {"rec": bench / "followed.yaml", "new": tmp_path / "new.yaml", "old": bench / "fitted.yaml",
              "none": tmp_path / "none" / "f.yaml", "csv": bench / "followed.csv",
              "same": bench / "again" / "followed.csv"}  # fmt: skip
    found, out, err = run(capsys, *[word.format(**places) for word in words.split()], *ASSETS)
    assert (found, out) == (code, "")
    assert says in err
    assert err.count("\n") == 1
    assert not (tmp_path / "new.yaml").exists()


def spoilt(**columns: Any) -> Record:
    made = record()
    for tag, change in columns.items():
        made.values[tag] = change(made.values[tag].copy())
    return made


def missing(first: int, last: int) -> Any:
    return lambda column: np.where((np.arange(len(column)) >= first) & (np.arange(len(column)) < last), np.nan, column)


def short(rows: int) -> Record:
    made = record()
    return made._replace(times=made.times[:rows], values={tag: column[:rows] for tag, column in made.values.items()})


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (spoilt(place=lambda y: 0 * y + 1), "place: all its readings are 1, so nothing can be learnt from it"),
        (spoilt(place=missing(0, 300)), "place: 0 usable readings"),
        (spoilt(place=missing(5, 300)), "place: 5 usable readings"),
        (spoilt(push=missing(0, 1)), "push: drives the plant and has no usable first reading"),
        (spoilt(push=missing(100, 140)), "push: drives the plant and is missing for 41 s from 99 s on"),
        (spoilt(push=lambda u: 1e3 * u), "of it.push; check its unit"),
        (spoilt(place=lambda y: 1e9 + 0 * y), "of it.x; check its unit"),
        (short(1), "1 rows; 10 to"),
        (short(2), "2 rows; 10 to"),
        (short(9), "9 rows; 10 to"),
        (record()._replace(times=1e7 * np.arange(300)), "check the unit of its times"),
        (record()._replace(times=np.arange(300) + 1e6 * (np.arange(300) > 150)), "missing for 1e+06 s from 150 s on"),
    ],
)
def test_a_file_that_cannot_be_fitted_is_refused_by_name_in_fit_and_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], made: Record, says: str
) -> None:
    path = written(tmp_path, made)
    for arguments in (("fit", path, "--out", tmp_path / "f.yaml"), ("score", path)):
        code, out, err = run(capsys, *arguments, *ASSETS)
        assert (code, out) == (4, "")
        assert says in err
        assert "; " in err, "what to do"
    assert not (tmp_path / "f.yaml").exists()


@pytest.mark.parametrize(
    ("what", "instead", "says"),
    [
        ("score: [place]", "score: [plaice]", "fit.score: no tag 'plaice'; did you mean 'place'"),
        ("score: [place]", "score: [push]", "no compared tag 'push'"),
        ("score: [place]", "score: [aside]", "no compared tag 'aside'"),
        ('initialise: "5"', 'initialise: "-5"', "fit.initialise: -5"),
        ("it.first: 20 %", "it.first: 0 %", "give more than 0"),
        ("it.first: 20 %", "it.first: '1e300'", "fit.free.it.first: 1e300"),
        ("it.first: 20 %", "it.first: '1e29'", "fit.free.it.first: 1e29: is 1e+29; give 2e-07 to 1e+03"),
        ("it.first: 20 %", "it.first: '1e-290'", "fit.free.it.first: 1e-290: is 1e-290; give 2e-07"),
        ("it.x: 50 cm", "it.x: 1e-200 m", "fit.start.it.x: 1e-200 m"),
        ("it.x: 50 cm", "it.x: 1e20 m", "give 1e-30 to 200"),
        ("score: [place]", "score: [place, place]", "fit.score: place: named twice; drop one"),
        ("it.first: 20 %", "it.first: nan", "fit.free.it.first"),
        ("it.first: 20 %", "it.first: 3 kg", "kg"),
        ("it.lag: 2 s", "it.x: 2 m", "is no parameter"),
        ("it.x: 50 cm", "it.lag: 2 s", "fit.start.it.lag: it.lag: is no state"),
        ("it.x: 50 cm", "it.x: {spread: 50 cm, like: plaice}", "fit.start.it.x.like: no tag 'plaice'"),
        ("it.x: 50 cm", "it.x: {spread: 50 cm, like: aside}", "aside"),
        ("it.x: 50 cm", "it.x: {spread: 50 cm, rate_of: plaice}", "fit.start.it.x.rate_of: no tag 'plaice'"),
        ("it.x: 50 cm", "it.x: {spread: 50 cm, rate_of: place}", "it.x is in m; name a tag whose change is that"),
        ("it.x: 50 cm", "it.x: {spread: 50 cm, like: place, rate_of: place}", "there are `like` and `rate_of`; keep"),
        ("{it.first: 20 %, it.lag: 2 s}", "{}", "names no parameter"),
    ],
)
def test_a_section_that_does_not_suit_the_plant_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str, instead: str, says: str
) -> None:
    assert what in RECORDING
    path = written(tmp_path, short(50), RECORDING.replace(what, instead))
    code, out, err = run(capsys, "fit", path, "--out", tmp_path / "f.yaml", *ASSETS)
    assert (code, out) == (4 if says == "aside" else 3, "")
    assert says in err
    assert not (tmp_path / "f.yaml").exists()


def test_a_recording_without_a_section_fit_says_what_to_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, short(50), RECORDING.partition("fit:")[0])
    for arguments in (("fit", path, "--out", tmp_path / "f.yaml"), ("score", path)):
        code, _, err = run(capsys, *arguments, *ASSETS)
        assert code == 3
        assert "has no section `fit`; say there which tags are compared" in err


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for a child")
def test_an_interrupted_fit_leaves_no_file(bench: Path, tmp_path: Path) -> None:
    out = tmp_path / "f.yaml"
    ready = tmp_path / "ready"
    # Fits take less than a second: this one tells that it has begun, and goes on until it is interrupted.
    program = (
        "import sys, pathlib, twin.calibrate.fitting as f\n"
        "def fit(*a, **k):\n"
        f"    pathlib.Path({str(ready)!r}).touch()\n"
        "    while True: f.solve(a[0], a[0].box, a[0].problems(a[0].start()[None], a[0].weight(f.first_noise(a[0]))))\n"
        "f.fit = fit\n"
        "from twin.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, "fit", bench / "followed.yaml", "--out", out, *ASSETS],
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        until(ready.exists)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert not out.exists()
    assert not list(tmp_path.glob("*.yaml*"))
