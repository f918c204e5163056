"""The view in a real browser: what an operator sees, clicks, exports, and what nobody can smuggle in."""

import csv
import io
import time
import urllib.error
import urllib.request
from itertools import pairwise
from typing import Any

import pytest

from tests.viz.conftest import Page
from tests.viz.stage import T0, Stage, advisory, asked, plan, served
from tests.viz.waiting import until
from twin.keep.manifest import Manifest, Record, save

PAGES = ("/", "/asset?name=pump_1", "/advisories?id=adv-1", "/history", "/data")
BOARD = "() => [...window.twinView.boards.values()][0]"


def refused(address: str) -> tuple[int, bytes]:
    """Return the code and the text with which an address is refused."""
    with pytest.raises(urllib.error.HTTPError) as found:
        urllib.request.urlopen(address)
    with found.value as answer:
        return answer.code, answer.read()


def rows(page: Any) -> int:
    return int(page.evaluate(f"({BOARD})()?.data('PI-101')?.t?.length ?? 0"))


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_without_a_complaint_and_can_be_used_by_everybody(
    view: Page, stage: Stage, path: str, language: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    stage.raise_advisory(advisory())
    page = view.open(f"{path}{'&' if '?' in path else '?'}lang={language}")
    until(page, "document.fonts.status === 'loaded'")
    assert page.evaluate("document.documentElement.lang") == language
    found = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["html"][:150] for n in v["nodes"]]) for v in found] == []


def test_a_plot_grows_and_stays_gapless_through_three_seconds_offline(view: Page, stage: Stage) -> None:
    page = view.open("/asset?name=pump_1")
    until(page, f"({BOARD})()?.stats?.last !== null && ({BOARD})()?.data('PI-101')?.t?.length > 200")
    before = rows(page)
    stage.live(5)
    until(page, f"({BOARD})().data('PI-101').t.at(-1) >= {T0 + stage.count - 1}")
    view.context.set_offline(True)
    begun = time.monotonic()
    while time.monotonic() - begun < 3.0:
        stage.live(1)
        page.wait_for_timeout(100)
    view.context.set_offline(False)
    until(page, f"({BOARD})().data('PI-101').t.at(-1) >= {T0 + stage.count - 1}")
    times = page.evaluate(f"({BOARD})().data('PI-101').t")
    assert len(times) > before
    assert {round(b - a, 6) for a, b in pairwise(times)} == {1.0}
    view.wrong[:] = [said for said in view.wrong if "DISCONNECTED" not in said and "did not respond" not in said]


def test_an_advisory_is_told_on_every_page_as_it_comes(view: Page, stage: Stage) -> None:
    page = view.open("/data")
    until(page, "document.getElementById('banner').innerText.includes('No advisory stands')")
    stage.raise_advisory(advisory())
    until(page, "document.getElementById('banner').innerText.includes('rough')")
    page.click("#banner a")
    page.wait_for_selector(".why h2")
    assert "pump_1" in page.inner_text(".why h2")
    assert "Since" in page.inner_text(".why dl")


def test_a_twin_that_has_ended_is_shown_as_it_left_off_and_said_to_have_ended(view: Page) -> None:
    page = view.open("/asset?name=pump_1")
    assert "The twin is not running" in page.inner_text("#banner")
    until(page, f"({BOARD})()?.data('PI-101')?.t?.length > 200")


def test_the_whole_view_speaks_korean_at_a_click_and_still_does_on_the_next_page(view: Page) -> None:
    page = view.open("/")
    page.click("#to-language")
    page.wait_for_selector("text=개요")
    page.click("#go-data")
    page.wait_for_selector("h1:has-text('데이터')")
    assert page.evaluate("document.documentElement.lang") == "ko"
    page.reload()
    page.wait_for_selector("h1:has-text('데이터')")


def test_time_travel_shows_the_instant_that_was_asked_for(view: Page, stage: Stage) -> None:
    page = view.open("/history")
    at = "2026-11-18 20:10:00"
    page.fill("#past-time", at)
    page.press("#past-time", "Tab")
    page.click("#past-open")
    page.wait_for_url("**/history?*at=2026-11-18T20:10:00*")
    until(page, f"({BOARD})()?.state()?.until === {T0 + 200.0}")
    assert page.evaluate(f"({BOARD})().state().live") is False


def test_a_time_that_history_has_not_is_refused_in_words(view: Page) -> None:
    page = view.open("/history?at=1999-01-01T00:00:00")
    assert "1999-01-01 00:00:00: no time in this history" in page.inner_text("[role=alert]")


@pytest.mark.parametrize(
    ("query", "said"), [("asset=pumpe", "pumpe: no asset with tags"), ("at=noon", "noon: no time in this history")]
)
def test_what_history_has_not_is_said_and_nothing_else_is_shown_for_it(view: Page, query: str, said: str) -> None:
    page = view.open(f"/history?{query}")
    assert said in page.inner_text("[role=alert]")
    assert page.evaluate("window.twinView.boards.size") == 0


def test_a_time_of_day_is_one_of_the_newest_day(view: Page) -> None:
    page = view.open("/history?asset=pump_1&at=20:10")
    until(page, f"({BOARD})()?.state()?.until === {T0 + 200.0}")


def test_two_periods_stand_side_by_side_with_their_difference(view: Page) -> None:
    page = view.open("/history?asset=pump_1&at=2026-11-18T20:15:00&beside=2026-11-18T20:10:00&span=300")
    until(page, "window.twinView.boards.size === 2")
    assert "PI-101" in page.inner_text(".panel table")
    axes = "[...window.twinView.boards.values()].map(b => JSON.stringify(b.data('PI-101')?.y))"
    until(page, f"new Set({axes}).size === 1")
    assert "100% / 67%" in page.inner_text(".panel table")


def test_an_export_holds_exactly_what_the_board_shows(view: Page, stage: Stage) -> None:
    page = view.open("/asset?name=pump_1")
    until(page, f"({BOARD})()?.data('PI-101')?.t?.length > 200")
    with page.expect_download() as expected:
        page.click(".twin-files button[data-kind=csv]")
    text = expected.value.path().read_text(encoding="utf-8-sig")
    table = list(csv.DictReader(io.StringIO(text)))
    shown = page.evaluate(f"(() => {{ const b = ({BOARD})(); return b.data('PI-101'); }})()")
    assert [float(row["time [s since 1970 UTC]"]) for row in table] == shown["t"]
    assert [float(row["PI-101 actual [bar]"]) for row in table] == shown["lo"]
    assert [float(row["PI-101 twin [bar]"]) for row in table] == shown["twin"]
    assert table[-1]["time [Asia/Seoul]"].endswith("+09:00")


def test_parquet_holds_the_same_numbers_as_csv(stage: Stage) -> None:
    import pyarrow.parquet as pq

    with served(stage.folder) as address:
        with urllib.request.urlopen(f"{address}/api/v1/export.parquet?asset=pump_1&span=100") as answer:
            table = pq.read_table(io.BytesIO(answer.read()))
        with urllib.request.urlopen(f"{address}/api/v1/export.csv?asset=pump_1&span=100") as answer:
            text = list(csv.DictReader(io.StringIO(answer.read().decode("utf-8-sig"))))
    assert table.column("TI-111 actual [°C]").to_pylist() == [float(row["TI-111 actual [°C]"]) for row in text]


@pytest.mark.parametrize("path", ["/assets/centrifugal_pump.py", "/assets/view.js", "/viz/app.py", "/nothing", "/docs"])
def test_what_is_no_page_and_no_file_of_the_view_is_not_found(stage: Stage, path: str) -> None:
    with served(stage.folder) as address:
        assert refused(f"{address}{path}")[0] == 404


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("trend?asset=nobody", 404), ("trend?names=nothing", 404), ("trend?asset=tank&span=nan", 400),
        ("trend?asset=tank&span=-1", 400), ("trend?asset=tank&span=1e99", 400), ("trend?asset=tank&until=inf", 400),
        ("trend?asset=tank&points=100000000", 400), ("delta?asset=nobody&since=0", 404), ("delta?since=x", 422),
        ("export.csv?asset=tank&span=1e9", 400), ("export.exe?asset=tank", 422),
        ("delta?since=-1", 400), (f"delta?since={10**400}", 400), (f"trend?asset=tank&points={10**400}", 400),
        ("export.csv?asset=tank&units=[]", 400), ('export.csv?asset=tank&units={"LI-101":"bar"}', 400),
        ("trend?archive=../../x&names=TI-1", 503), ("stream?asset=nobody", 404),
    ],
)  # fmt: skip
def test_a_wrong_question_is_refused_and_says_why(stage: Stage, query: str, code: int) -> None:
    with served(stage.folder) as address:
        answered, text = refused(f"{address}/api/v1/{query}")
    assert answered == code
    assert text


def payloads() -> list[str]:
    """Return two hundred ways to make a page run what is only text."""
    bodies = (
        "alert(1)", "confirm(1)", "document.title='x'", "fetch('/x')", "eval('alert(1)')", "top.alert(1)",
        "window.hacked=1", "this.hacked=1", "import('/x')", "location='/x'",
    )  # fmt: skip
    forms = (
        "<script>{}</script>", "<img src=x onerror={}>", "<svg/onload={}>", "javascript:{}", "'><script>{}</script>",
        '" onmouseover="{}', "</title><script>{}</script>", "<iframe srcdoc='<script>{}</script>'>",
        "<a href='javascript:{}'>x</a>", "{{{{{}}}}}", "${{{}}}", "<details open ontoggle={}>", "<body onload={}>",
        "<math><mi xlink:href='javascript:{}'>", "\\u003cscript\\u003e{}", "&lt;script&gt;{}&lt;/script&gt;",
        "<style>@import '{}'</style>", "<input autofocus onfocus={}>", "<object data='javascript:{}'>",
        "--><script>{}</script>",
    )  # fmt: skip
    return [form.format(body) for form in forms for body in bodies]


def test_two_hundred_hostile_names_and_comments_do_nothing(chromium: Any, tmp_path: Any) -> None:
    hostile = payloads()
    assert len(hostile) == 200
    folder = tmp_path / "data"
    stage = Stage(folder, plan(tag=hostile[1], about=" ".join(hostile[:50])))
    stage.live(60)
    for i, text in enumerate(hostile):
        said = advisory(
            i, note=text, state="acknowledged" if i % 2 else "shelved", by=text, reason=text, until=T0 + 1e6
        )
        stage.standing.append(said)
    stage.raise_advisory(advisory(999))
    with served(folder) as address:
        page = Page(chromium, address)
        for path in (
            "/",
            "/asset?name=pump_1",
            "/advisories?id=adv-1",
            "/history?at=<script>alert(1)</script>",
            "/data",
        ):
            page.open(path)
            page.page.wait_for_timeout(300)
            assert page.page.evaluate("[window.hacked, document.title]") == [None, "twin"]
        page.close()
    assert page.wrong == []


def test_what_came_since_is_told_once_and_from_the_same_place_twice_alike(stage: Stage) -> None:
    with served(stage.folder) as address:
        first = asked(f"{address}/api/v1/trend?asset=tank&span=60")
        stage.live(3)
        since = first["seq"]
        deadline = time.monotonic() + 60.0
        while not (delta := asked(f"{address}/api/v1/delta?asset=tank&since={since}"))["t"]:
            assert time.monotonic() < deadline
        again = asked(f"{address}/api/v1/delta?asset=tank&since={since}")
        assert delta == again
        assert delta["since"] == since
        assert len(delta["t"]) == 3  # type: ignore[arg-type]
        assert asked(f"{address}/api/v1/delta?asset=tank&since={delta['seq']}")["t"] == []


def test_an_archived_hour_opens_where_it_ends(view: Page, stage: Stage) -> None:
    end = round((T0 + 300) * 1e6)
    hour = Record(
        name="2026-11-18T11.h5", hour="2026-11-18T11", number=0, main=True, others=0, journal="0" * 32, chain="0" * 64,
        after=0, through=1, start=0, held=None, hold=None, resume=1, received=(1, 2), since=end - 10**8, until=end,
        readings=12_345, tags=3, frames=1, entries=0, gaps=0, strays=0, unreadable=0, content="0" * 64, bytes=2**20,
        sha256="0" * 64,
    )  # fmt: skip
    (stage.folder / "archive").mkdir()
    save(stage.folder, Manifest(archives=[hour]))
    page = view.open("/history")
    assert "12,345" in page.inner_text("main")
    page.click("text=with the twin")
    until(page, f"({BOARD})()?.state()?.until === {T0 + 300.0}")


def test_a_history_that_is_begun_anew_is_shown_anew(view: Page, stage: Stage) -> None:
    page = view.open("/asset?name=pump_1")
    until(page, f"({BOARD})()?.data('PI-101')?.t?.length > 200")
    page.evaluate("window.before = true")
    for file in stage.folder.glob("history.sqlite*"):
        file.unlink()
    Stage(stage.folder).live(100)
    until(page, f"window.twinView && window.before === undefined && ({BOARD})()?.data('PI-101')?.t?.length === 100")


def test_a_plant_that_has_no_such_asset_any_more_is_shown_anew(view: Page, stage: Stage) -> None:
    page = view.open("/asset?name=pump_1")
    until(page, f"({BOARD})()?.data('PI-101')?.t?.length > 200")
    for file in stage.folder.glob("history.sqlite*"):
        file.unlink()
    Stage(stage.folder, plan(pump="pump_9", tag="PI-109")).live(100)
    until(page, "document.querySelector('main h1')?.innerText.includes('tank')", seconds=40.0)
    until(page, f"({BOARD})()?.data('LI-101')?.t?.length === 100")
    assert "pump_9" in page.inner_text(".assets")
    view.wrong[:] = [said for said in view.wrong if "404" not in said]


def test_a_span_in_which_nothing_was_seen_is_empty_and_no_error(stage: Stage) -> None:
    stage.count += 7200
    stage.live(300)
    with served(stage.folder) as address:
        found = asked(f"{address}/api/v1/trend?asset=pump_1&span=300&until={T0 + 4000}")
        assert found["t"] == []
        with urllib.request.urlopen(f"{address}/api/v1/export.csv?asset=pump_1&span=300&until={T0 + 4000}") as answer:
            assert answer.read().decode("utf-8-sig").count("\n") == 1
