"""Fitted plants as files: what was found is read back to the last bit, and what was changed since is refused."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.plants import EQUIPMENT
from tests.twin.calibrate.bench import NOISE, plant, record, study
from twin.calibrate.fitted_file import save, written
from twin.calibrate.fitting import Fit, Ways, fit
from twin.errors import DataError, PlantError
from twin.plant import Plant


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Fit:
    made = study(plant(tmp_path_factory.mktemp("plant")), record(), first=0.4, lag=2.0, side=0.5)
    return fit(made, Ways(starts=2, blocks=3))


@pytest.fixture(scope="module")
def text(found: Fit) -> str:
    return written(found, "followed", '{"period": 1.0}')


def loaded(folder: Path, text: str) -> Plant:
    path = folder / "fitted.yaml"
    path.write_text(text, encoding="utf-8")
    return Plant.load(path, EQUIPMENT)


def test_what_was_found_is_read_back_to_the_last_bit(tmp_path: Path, found: Fit, text: str) -> None:
    read = loaded(tmp_path, text)
    for name, value in zip(found.study.names, found.found, strict=True):
        assert read.value(name) == value
    assert read.fitted is not None
    assert list(read.fitted.numbers) == ["it.first", "it.lag"], "parameters only"
    for each in found.estimates[:2]:
        told = read.fitted.numbers[each.name]
        assert told.value == each.value
        np.testing.assert_allclose(
            [told.low, told.high, told.deviation], [each.low, each.high, each.deviation], rtol=1e-5
        )
    np.testing.assert_allclose(read.fitted.covariance, found.covariance[:2, :2], rtol=2e-5)


def test_where_the_numbers_come_from_is_read_back_too(tmp_path: Path, found: Fit, text: str) -> None:
    fitted = loaded(tmp_path, text).fitted
    assert fitted is not None
    assert (fitted.recording, fitted.files) == ("followed", (("followed.csv", "0" * 64),))
    assert fitted.source.startswith("fit: free run of followed.csv, root mean square error place 0.0")
    assert dict(fitted.held) == {each.name: each.why for each in found.held}
    assert fitted.linear == '{"period": 1.0}'
    assert fitted.tags["place"].rmse == pytest.approx(found.sigma[0], rel=1e-5)
    assert found.left_out is not None
    assert fitted.tags["place"].left_out == pytest.approx(found.left_out[0], rel=1e-5)
    push = record().values["push"]
    assert fitted.ranges == {"it.push": (push.min(), push.max())}
    assert (fitted.span("it.push"), fitted.span("it.side")) == ((push.min(), push.max()), None)
    assert fitted.span("it.lag") == fitted.numbers["it.lag"][1:3]


def test_all_else_of_the_plant_stays_as_it_was(tmp_path: Path, found: Fit, text: str) -> None:
    before, after = found.study.plant, loaded(tmp_path, text)
    for path in ("it.second", "it.side", "it.push", "it.aside"):
        assert after.value(path) == before.value(path)
    assert after.tags == before.tags
    assert after.solver == before.solver


def test_a_fitted_plant_fitted_again_tells_the_last_fit_only(tmp_path: Path, text: str) -> None:
    again = fit(study(loaded(tmp_path, text), record(seed=5)), Ways(starts=2, blocks=0))
    second = written(again, "followed", "")
    assert second.count("fitted:") == 1
    read = loaded(tmp_path, second).fitted
    assert read is not None
    assert not read.held
    assert np.isnan(read.tags["place"].left_out), "no block was left out"
    assert read.tags["place"].rmse == pytest.approx(NOISE, rel=0.2)


def test_the_same_fit_is_written_with_the_same_bytes(found: Fit, text: str) -> None:
    assert written(found, "followed", '{"period": 1.0}') == text


def test_a_file_that_exists_is_not_written_over(tmp_path: Path, found: Fit, text: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("mine")
    with pytest.raises(DataError, match=r"f\.yaml: exists; name another file"):
        save(path, text, found.study.plant)
    assert path.read_text() == "mine"
    with pytest.raises(DataError, match="can't be written: No such file"):
        save(tmp_path / "none" / "f.yaml", text, found.study.plant)


def test_a_write_that_fails_leaves_no_file(tmp_path: Path, found: Fit) -> None:
    path = tmp_path / "f.yaml"
    with pytest.raises(UnicodeEncodeError):
        save(path, "half \ud800", found.study.plant)
    assert not path.exists()


@pytest.mark.parametrize(
    ("what", "instead", "says"),
    [
        (r"first: \S+ 1", "first: 2.5 1", r"it\.first: was estimated as 2\.\d+, the plant has 2\.5; fit again"),
        (r"deviation: '\S+'", "deviation: '-1'", "-1 must be from 0 to"),
        (r"deviation: '\S+'", "deviation: '1e300'", "1e300 must be from 0 to"),
        (r"deviation: '\S+'", "deviation: nan", "'nan' is not a finite number"),
        (r"low: '\S+'", "low: '99'", "is outside its interval, 99 to"),
        (r"numbers:\n    it\.first:", "numbers:\n    it.nope:", "no quantity 'nope'"),
        (r"numbers:\n    it\.first:", "numbers:\n    it.x:", "is no parameter or held input"),
        (r"'1\.000000'", "'2'", "is no table of correlations"),
        (r"'1\.000000'", "inf", "'inf' is not a finite number"),
        (r"    - '1\.000000'", "    - ['1.000000']", "correlation"),
        (r"  - - '1\.000000'\n", "  - - '1.000000'\n    - '0'\n", "is no 2 by 2 table"),
        (r"'0\.\d{6}'", "'0.123456'", "is no table of correlations"),
        (r"tags:\n    place:\n      rmse", "tags:\n    plaice:\n      rmse", "did you mean 'place'"),
        (r"rmse: '\S+'", "rmse: inf", "'inf' is not a finite number"),
        (r"rmse: '\S+'", "rmse: '1e308'", "1e308 must be from 0"),
        (r"noise: '\S+'", "noise: '-1'", "-1 must be from 0"),
        (r"noise: '\S+'", "noise: ''", "is not a number"),
        (r"ranges:\n    it\.push:", "ranges:\n    it.pull:", "no quantity 'pull'"),
        (r"(?s)(ranges:.*?)low: '\S+'", r"\1low: '99'", "99 to .* is no range; fit again"),
        (r"(?s)(ranges:.*?)high: '\S+'", r"\1high: inf", "'inf' is not a finite number"),
        (r"  files:\n", "  files: []\n  folders:\n", "fitted"),
    ],
)
def test_a_section_that_somebody_changed_is_refused_with_its_line(
    tmp_path: Path, text: str, what: str, instead: str, says: str
) -> None:
    changed, count = re.subn(what, instead, text, count=1)
    assert count == 1
    with pytest.raises(PlantError, match=rf"fitted\.yaml:\d+: .*{says}"):
        loaded(tmp_path, changed)
