"""Archives in the view: readings as they were received, whether or not a twin followed them."""

import csv
import io
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.archives import archived, lived
from tests.viz.conftest import Page
from tests.viz.stage import asked, served
from tests.viz.test_view import refused
from tests.viz.waiting import until
from twin.keep.manifest import FOLDER
from twin.keep.reading import Archive, Trace
from viz import archived as shown

NAME = "2026-03-01T12.h5"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder that no twin has followed, with archived hours."""
    found = tmp_path_factory.mktemp("data")
    lived(found, 70, readings=40)
    archived(found)
    return found


def test_an_archive_opens_where_no_twin_has_been(chromium: Any, folder: Path) -> None:
    with served(folder) as address:
        page = Page(chromium, address)
        opened = page.open("/history")
        assert "No twin has followed a plant in this folder" in opened.inner_text("main")
        opened.click(f"text={NAME}")
        until(opened, "[...window.twinView.boards.values()][0]?.state()?.names?.join() === 'PI-2,TI-1'")
        assert "as they were received" in opened.inner_text("main")
        assert "no connection" not in opened.inner_text("header")
        page.close()
    assert [said for said in page.wrong if "503" not in said] == []


def test_a_short_span_holds_every_reading_and_a_long_one_its_extremes(folder: Path) -> None:
    with Archive(folder / FOLDER / NAME) as archive:
        (trace,) = archive["TI-1"]
    few, many = (
        shown.trend(folder, NAME, ["TI-1"], None, "en", span=7200.0, until=None, points=points)
        for points in (10**5, 20)
    )
    assert not few["intervals"]
    assert many["intervals"]
    column = few["columns"]["TI-1"]
    assert [v for v in column["lo"] if v is not None] == in_order(trace)
    assert column["lo"] == column["hi"]
    assert min(many["columns"]["TI-1"]["lo"]) == min(column["lo"])
    assert max(many["columns"]["TI-1"]["hi"]) == max(column["hi"])
    assert few["until"] == many["until"] == max(few["t"]) + 1.0  # the other tag's last reading


def test_an_archive_is_exported_as_it_was_received(folder: Path) -> None:
    with (
        served(folder) as address,
        urllib.request.urlopen(f"{address}/api/v1/export.csv?archive={NAME}&names=TI-1&span=7200") as answer,
    ):
        rows = list(csv.DictReader(io.StringIO(answer.read().decode("utf-8-sig"))))
    with Archive(folder / FOLDER / NAME) as archive:
        (trace,) = archive["TI-1"]
    assert [float(row["time [s since 1970 UTC]"]) for row in rows] == sorted((trace.time / 1e6).tolist())
    heading = next(name for name in rows[0] if name.startswith("TI-1 actual"))
    assert [float(row[heading]) for row in rows] == in_order(trace)
    assert not any("twin" in name for name in rows[0])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("archive=nothing.h5&names=TI-1", "no archive 'nothing.h5'"),
        ("archive=..%2Fmanifest.json&names=TI-1", "no archive"),
        (f"archive={NAME}&names=TI-9", "no tag 'TI-9'"),
    ],
)  # fmt: skip
def test_what_is_not_archived_is_refused_by_name(folder: Path, query: str, said: str) -> None:
    with served(folder) as address:
        code, text = refused(f"{address}/api/v1/trend?{query}")
    assert code == 503
    assert said in text.decode()


def test_an_archive_that_was_changed_is_not_shown(tmp_path: Path) -> None:
    lived(tmp_path, 70, readings=40)
    archived(tmp_path)
    path = tmp_path / FOLDER / NAME
    assert asked_for(tmp_path)["charts"]
    raw = bytearray(path.read_bytes())
    raw[-100] ^= 1
    path.write_bytes(raw)
    with served(tmp_path) as address:
        assert b"is not what was written" in refused(f"{address}/api/v1/trend?archive={NAME}&names=TI-1")[1]


def in_order(trace: Trace) -> list[float]:
    """Return what was read in the order of time, with as many digits as are sent."""
    return [float(f"{v:.7g}") for v in trace.value[np.argsort(trace.time)]]


def asked_for(folder: Path) -> dict[str, object]:
    with served(folder) as address:
        return asked(f"{address}/api/v1/trend?archive={NAME}&names=TI-1")


def test_tags_without_a_plant_are_shown_some_at_a_time(folder: Path) -> None:
    assert [group.tags for group in shown.groups(folder, NAME, None)] == [("PI-2", "TI-1")]
