"""A data set is compared with a recording: read by its recipe, on one grid, and told in JSON and pages."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from scenarios.dataset.comparing import run
from scenarios.dataset.reading import Dataset
from scenarios.dataset.recorded import compared
from twin.errors import DataError

RECORDING = """\
recording: bench
about: Two tanks, filled and left alone.
plant: two_tanks
file: bench.csv
time: {columns: seconds, format: elapsed_s, start: "2024-01-01T00:00:00Z"}
columns:
  level: {tag: level, unit: mm}
labels: {anomaly: wrong}
recipe:
  tags: {level: {range: {low: 0 m, high: 10 m}}}
"""


@pytest.fixture
def recording(tiny: Path, tmp_path: Path) -> Path:
    """Return a recording that is run 0 of the data set in millimetres, four rows of which are marked as wrong."""
    with Dataset(tiny) as data:
        names = [column.name for column in data.manifest.channels]
        level = data.window(0, 0, 60)[:, names.index("level")] * 1e3
        unit = data.manifest.channels[names.index("level")].unit
    assert unit == "m"
    lines = ["seconds,level,wrong"]
    lines += [f"{4 * k},{value:.6f},{int(10 <= k < 14)}" for k, value in enumerate(level) if np.isfinite(value)]
    (tmp_path / "bench.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "bench.yaml").write_text(RECORDING)
    return tmp_path / "bench.yaml"


def test_a_recording_stands_on_the_grid_in_the_data_sets_unit_without_what_is_marked(
    tiny: Path, recording: Path
) -> None:
    with Dataset(tiny) as data:
        found = compared(data, str(recording), ())
        names = [column.name for column in data.manifest.channels]
        level = data.window(0, 0, 60)[:, names.index("level")].astype(float)
    assert [column.name for column in found.channels] == ["level"]
    assert found.unmarked == ()
    level[10:14] = np.nan
    known = np.isfinite(level)
    begin = int(known.argmax())
    np.testing.assert_allclose(found.real[0].values[:, 0], level[begin : np.flatnonzero(known)[-1] + 1], atol=1e-8)


def test_rows_of_the_data_set_that_are_faulty_are_left_out(tiny: Path, recording: Path) -> None:
    with Dataset(tiny) as data:
        found = compared(data, str(recording), ())
        for run_, series in enumerate(found.made):
            wrong = data.window(run_, 0, 60, "labels/anomaly") > 0
            assert np.isnan(series.values[wrong]).all()


def test_all_rows_of_a_file_without_the_label_are_taken_and_the_report_says_so(
    tiny: Path, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marked = recording.with_name("bench.csv")
    sound = tmp_path / "sound.csv"
    sound.write_text("".join(line.rpartition(",")[0] + "\n" for line in marked.read_text().splitlines()))
    with Dataset(tiny) as data:
        alone = compared(data, str(recording), (sound,))
        both = compared(data, str(recording), (marked, sound))
    assert not alone.marked
    assert both.marked
    assert both.unmarked == (f"{tmp_path.name}/sound.csv",)
    marks, all_ = (int(np.isfinite(series.values).sum()) for series in both.real)
    assert all_ > marks
    assert run(tiny, str(recording), (marked, sound), tmp_path / "report", False) == 0
    assert "Nothing marks anomalies in" in capsys.readouterr().out


def test_a_slower_recording_is_compared_with_every_so_many_rows(tiny: Path, recording: Path) -> None:
    path = recording.with_name("bench.csv")
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *(row for row in rows if int(row.split(",")[0]) % 12 == 0)]) + "\n")
    with Dataset(tiny) as data:
        found = compared(data, str(recording), ())
    assert found.every == 12.0
    assert len(found.made[0].values) == 20


def test_the_report_is_the_same_bytes_again_and_has_both_languages(
    tiny: Path, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "other"):
        assert run(tiny, str(recording), (), tmp_path / name, True) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["channels"][0]["name"] == "level"
    assert set(said["channels"][0]["raw"]) >= {"wasserstein", "ks", "spectrum", "autocorrelation"}
    for name in ("realism.json", "realism.en.html", "realism.ko.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()
    korean = re.sub("<style>.*?</style>|<[^>]*>", " ", (tmp_path / "one/realism.ko.html").read_text())
    assert "채널별 비교" in korean
    assert "data set" not in korean


def test_a_recording_of_another_plant_is_refused(tiny: Path) -> None:
    with Dataset(tiny) as data, pytest.raises(DataError, match="has none of the channels of"):
        compared(data, "incubator", ())
