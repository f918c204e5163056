"""A preview shows the very runs that the data set will have, and what making them comes to."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from scenarios import dataset
from scenarios.dataset.loading import load
from scenarios.dataset.previewing import Preview, previewed, run
from scenarios.dataset.reading import Dataset
from scenarios.words import catalogue


@pytest.fixture(scope="module")
def found(tiny_spec: Path) -> Preview:
    """Return the preview of the tiny data set."""
    spec = load(tiny_spec)
    return previewed(spec, spec.seed)


def test_every_class_and_sensor_fault_is_shown_by_a_run_of_its_kind(found: Preview) -> None:
    assert [each.name for each in found.shown] == [
        "healthy", "leak", "blocked", "lower_leak", "stuck", "offset"
    ]  # fmt: skip
    for code, each in enumerate(found.shown[:4]):
        assert each.drawn["fault"] == code
        assert bool(each.severity.any()) == (code > 0)
    for code, each in enumerate(found.shown[4:], 1):
        assert each.drawn["sensor_fault"] == code
        assert each.sensor_fault[:, each.channels[0]].any()


def test_a_run_that_is_shown_is_the_one_that_the_data_set_has(found: Preview, tiny: Path) -> None:
    with Dataset(tiny) as data:
        for each in found.shown:
            number = int(each.drawn["number"])
            np.testing.assert_array_equal(each.signals, data.window(number, 0, 60))
            np.testing.assert_array_equal(each.truth, data.window(number, 0, 60, "truth/signals"))
            np.testing.assert_array_equal(each.severity, data.window(number, 0, 60, "labels/severity"))
            np.testing.assert_array_equal(each.life, data.window(number, 0, 60, "labels/rul"))


def test_without_its_fault_a_run_is_the_same_to_the_onset_and_differs_afterwards(found: Preview) -> None:
    for each in found.shown[1:4]:
        before = each.severity == 0.0
        np.testing.assert_array_equal(each.truth[before], each.sound[before])
        assert np.abs(each.truth - each.sound)[~before].max() > 0.0


def test_counts_are_those_of_the_data_set_and_its_size_is_not_underrated(found: Preview, tiny: Path) -> None:
    with Dataset(tiny) as data:
        assert found.counts == data.manifest.counts
        numbers = data.manifest.rows * data.manifest.runs * len(data.manifest.channels)
    assert found.size > 4 * numbers


def test_pages_are_the_same_bytes_again_in_both_languages(
    tiny_spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "other"):
        assert run(tiny_spec, tmp_path / name, None, None, True) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["runs"] == 40
    assert said["core_seconds"] > 0.0
    for name in ("preview.en.html", "preview.ko.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()
    korean = re.sub("<style>.*?</style>|<[^>]*>", " ", (tmp_path / "one/preview.ko.html").read_text())
    assert re.search("클래스 .leak", korean)
    assert re.search("계기 고장 .stuck", korean)
    assert "measured" not in korean


def test_a_class_that_no_run_is_of_is_told(tiny_spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "few.yaml"
    path.write_text(tiny_spec.read_text().replace("kind: stuck,", "kind: stuck, share: 0,"))
    assert run(path, tmp_path / "out", None, None, False) == 0
    assert "stuck: none of the runs is of this kind" in capsys.readouterr().out
    assert "None of the 40 runs is of this class" in (tmp_path / "out/preview.en.html").read_text()


def test_the_catalogue_of_the_pages_has_what_is_asked_for_and_nothing_else() -> None:
    folder = Path(dataset.__file__).parent
    code = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    known = set(catalogue(folder / "words.yaml"))
    assert set(re.findall(r"""[^.]word\(["']([a-z_]+)["']""", code)) <= known
    made = {"plot_raw", "plot_normalised", "correlations_real", "correlations_made"}  # put together at run time
    assert known - set(re.findall(r"""["']([a-z_]+)["']""", code)) == made
