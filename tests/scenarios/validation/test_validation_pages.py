"""Pages of validation: of a small recording with a closed form, of what is skipped, and of what goes wrong."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scenarios.validation.calibrating import calibrated
from scenarios.validation.cli import command
from tests.plants import EQUIPMENT
from tests.twin.calibrate import bench
from twin.errors import DataError

DONE, UNREADABLE, INTERRUPTED = 0, 4, 130


@pytest.fixture
def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a recording of a machine with a closed form, and say that recordings lie in its folder."""
    monkeypatch.setenv("TWIN_DATA", str(tmp_path / "recordings"))
    (tmp_path / "recordings").mkdir()
    return bench.written(tmp_path / "recordings", bench.record())


def validate(*names: Path | str, out: Path) -> int:
    """Return the exit code of `twin validate`."""
    arguments = [*map(str, names), "--out", str(out), "--assets", str(EQUIPMENT)]
    code: int = command.main(arguments, standalone_mode=False)
    return code


def result(out: Path, name: str = "followed") -> dict[str, Any]:
    """Return what was written beside a page."""
    found: dict[str, Any] = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
    return found


def test_a_page_tells_what_the_machine_is_and_how_far_off_its_free_run_is(followed: Path, tmp_path: Path) -> None:
    out = tmp_path / "pages"
    assert validate(followed, out=out) == DONE
    fit = result(out)["fit"]
    for name, truth in (("it.first", bench.GAIN / 1.5), ("it.lag", bench.LAG)):  # the gain is first times second
        found = fit["parameters"][name]
        assert abs(found["value"] - truth) < 4.0 * found["deviation"]
    own, second = fit["scores"]
    assert (own["kind"], second["kind"]) == ("fitted", "second half")
    for each in (own, second):  # noise is independent, so an error is that of the mean of so many squares
        told, count = each["tags"]["place"], each["scored"]
        assert told["rmse"] == pytest.approx(1e3 * bench.NOISE, rel=5.0 / np.sqrt(2.0 * count))
        assert told["rmse"] < each["baselines"]["persistence"]["place"]["rmse"]
    page = (out / "followed.md").read_text(encoding="utf-8")
    for part in ("## Data", "## Fit", "## Scores", "## Limits", fit["files"]["followed.csv"], "it.lag"):
        assert part in page
    assert f"{own['tags']['place']['rmse']:.4g}" in page
    for plot in ("followed.place.0.svg", "followed.place.1.svg"):
        assert f"]({plot})" in page
        assert (out / plot).read_text(encoding="utf-8").startswith("<svg")


def test_the_same_recording_gives_the_same_bytes_wherever_it_lies(followed: Path, tmp_path: Path) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    assert validate(followed, out=first) == validate(followed, out=again) == DONE
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(path.name for path in again.iterdir())
    for name in names:
        data = (first / name).read_bytes()
        assert data == (again / name).read_bytes()
        assert str(tmp_path).encode() not in data


def test_a_file_beside_it_is_scored_instead_of_a_half(followed: Path, tmp_path: Path) -> None:
    bench.written(followed.parent, bench.record(seed=2), name="second")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/followed.place.9.svg").write_text("of a run with more files", encoding="utf-8")
    (followed.parent / "notes.csv").write_text("who,what\nme,nothing\n", encoding="utf-8")
    out = tmp_path / "pages"
    assert validate(followed, out=out) == DONE
    fit = result(out)["fit"]
    assert [(each["kind"], each["file"]) for each in fit["scores"]] == [
        ("fitted", "followed.csv"), ("other file", "second.csv"),
    ]  # fmt: skip
    assert list(fit["unread"]) == ["notes.csv"]
    plots = sorted(path.name for path in out.glob("*.svg"))
    assert plots == ["followed.place.0.svg", "followed.place.1.svg"]
    assert "notes.csv could not be scored" in (out / "followed.md").read_text(encoding="utf-8")


def test_a_page_says_which_rows_are_not_as_a_run_needs_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_DATA", str(tmp_path))
    made = bench.record()
    made.values["push"][40:43] = np.nan
    assert validate(bench.written(tmp_path, made), out=tmp_path / "pages") == DONE
    limits = (tmp_path / "pages" / "followed.md").read_text(encoding="utf-8").split("## Limits")[1]
    held = "followed.csv: push: 3 of 300 rows have no usable reading; the one before is held, for 4 s at most."
    assert limits.count(held) == 1


def test_a_recording_without_its_file_is_named(followed: Path, tmp_path: Path) -> None:
    (followed.parent / "followed.csv").unlink()
    out = tmp_path / "pages"
    assert validate(followed, out=out) == UNREADABLE
    readme = (out / "README.md").read_text(encoding="utf-8")
    assert "`followed`" not in readme.split("## Not validated")[0]
    assert "followed" in readme.split("## Not validated")[1]
    assert "TWIN_DATA" in readme


def test_all_shipped_recordings_are_named_where_no_data_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_DATA", str(tmp_path))
    out = tmp_path / "pages"
    assert validate(out=out) == UNREADABLE
    readme = (out / "README.md").read_text(encoding="utf-8")
    for name in ("emps", "cascaded_tanks", "incubator", "incubator_2020", "skab"):
        assert name in readme.split("## Not validated")[1]


def test_a_recording_that_fails_is_named_and_the_others_are_done(
    followed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = followed.with_name("wrong.yaml")
    wrong.write_text(followed.read_text(encoding="utf-8").replace("followed", "wrong"), encoding="utf-8")
    lines = followed.with_name("followed.csv").read_text(encoding="utf-8").splitlines()
    still = [lines[0], *(",".join([*line.split(",")[:2], "1.0"]) for line in lines[1:])]
    wrong.with_name("wrong.csv").write_text("\n".join(still) + "\n", encoding="utf-8")
    out = tmp_path / "pages"
    assert validate(wrong, followed, out=out) == DataError.exit_code
    assert (out / "followed.md").is_file()
    assert not (out / "wrong.md").exists()
    assert "nothing can be learnt" in (out / "README.md").read_text(encoding="utf-8")


def test_an_interrupted_run_keeps_the_pages_that_are_finished(
    followed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = followed.with_name("second.yaml")
    second.write_text(followed.read_text(encoding="utf-8"), encoding="utf-8")

    def interrupted(recording: Any, *rest: Any) -> Any:
        if recording.path == second:
            raise KeyboardInterrupt
        return calibrated(recording, *rest)

    monkeypatch.setattr("scenarios.validation.running.calibrated", interrupted)
    out = tmp_path / "pages"
    assert validate(followed, second, out=out) == INTERRUPTED
    done, not_done = (out / "README.md").read_text(encoding="utf-8").split("## Not validated")
    assert "followed.md" in done
    assert "`second`" in not_done
    assert not (out / "second.md").exists()


def test_a_strange_result_beside_the_pages_is_refused(followed: Path, tmp_path: Path) -> None:
    out = tmp_path / "pages"
    out.mkdir()
    (out / "strange.json").write_text('{"title": [], "published": 3}', encoding="utf-8")
    with pytest.raises(DataError, match=r"strange\.json: is no result of twin validate"):
        validate(followed, out=out)
