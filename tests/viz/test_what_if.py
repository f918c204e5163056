"""What-if in the view: chosen, changed, run, followed, kept, compared and deleted, in both languages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.viz import stand_in
from tests.viz.asking import act, audit, done, ran
from tests.viz.conftest import Page
from tests.viz.stage import Stage, served
from tests.viz.test_words import texts
from tests.viz.waiting import until
from viz.accounts import Account
from viz.jobs import Job, Progress, Store
from viz.pages import what_if, what_if_run
from viz.questions import Description, Listed
from viz.words import Language, catalogue, word

FORM = "/what-if?scenario=slower_spindle"
SPEED = "[data-setting='slower:spindle_1.speed_set'] input"


@pytest.fixture
def browsed(chromium: Any, asking: str) -> Iterator[Page]:
    """Yield a page of a view whose what-if is the stand-in; nothing may go wrong on it, nothing be asked of others."""
    page = Page(chromium, asking)
    yield page
    page.close()
    assert page.wrong == []
    assert all(url.startswith((asking, "blob:", "data:")) for url in page.asked)


def text(page: Any) -> str:
    return str(page.inner_text("main"))


def harmless(page: Any) -> None:
    """Assert that everybody can use a page."""
    from axe_playwright_python.sync_playwright import Axe

    until(page, "document.fonts.status === 'loaded'")
    found = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["html"][:150] for n in v["nodes"]]) for v in found] == []


def reported(page: Any, language: Language) -> None:
    """Open the report and keep a table: the one looks as it was written and runs nothing, the other is a file."""
    with page.context.expect_page() as opened:
        page.click("a.report >> nth=0")
    report = opened.value
    report.wait_for_load_state()
    assert report.inner_text("h1") == f"report {language}"
    assert report.title() == "report"
    assert report.evaluate("getComputedStyle(document.body).color") == "rgb(1, 2, 3)"
    report.close()
    with page.expect_download() as expected:
        page.click("text=numbers.csv")
    assert expected.value.path().read_text() == "measure,mean\nop_10.oee,0.71\n"


def compared(page: Any, language: Language) -> None:
    """Compare a run of -5 % with one of -20 %."""
    page.click(f"summary:has-text('{word('run_beside', language)}')")
    page.click("details li a")
    page.wait_for_selector(f"h2:has-text('{word('run_compare', language)}')")
    for shown in ("-5 %", "-20 %", word("run_difference", language), word("is_better", language)):
        assert shown in text(page)
    harmless(page)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_question_is_chosen_changed_run_followed_kept_asked_again_and_deleted(
    browsed: Page, control: Path, language: Language
) -> None:
    def said(name: str, *filled: object) -> str:
        return word(name, language, *filled)

    page = browsed.open(f"/what-if?lang={language}")
    page.wait_for_selector(".questions a")
    assert "broken.yaml:3: no such plant; name one" in text(page)
    harmless(page)
    page.click(f".questions a:has-text('{stand_in.QUESTION[language]}')")
    page.wait_for_selector(SPEED)
    assert stand_in.SPEED[{"en": "english", "ko": "korean"}[language]] in text(page)
    assert "0 … 4000 rad/s" in text(page)
    harmless(page)
    (control / "allow").write_text("100")
    page.fill(SPEED, "-20 %")
    page.fill("#what-if-replications", "50")
    page.click("[data-what-if=start]")
    until(page, "document.querySelector('progress')?.value > 50")
    for shown in (said("run_progress", 102, 202), said("run_branches_failed", 2), "-20 %"):
        assert shown in text(page)
    harmless(page)
    page.reload()
    until(page, "document.querySelector('progress')?.value > 50")
    (control / "allow").unlink()
    page.wait_for_selector("#what-if-name")
    for shown in (said("is_worse"), said("is_better"), said("is_unclear"), "98.61", "bearing_1: T_b 480 K > 473 K",
                  said("range_outside"), said("nine_in_ten", "").rstrip()):  # fmt: skip
        assert shown in text(page)
    harmless(page)
    reported(page, language)
    page.fill("#what-if-name", "금요일 20 %")
    page.click("[data-what-if=name]")
    page.wait_for_selector("h2:has-text('금요일 20 %')")
    page.click("a.button")
    page.wait_for_selector(SPEED)
    assert page.input_value(SPEED) == "-20 %"
    assert page.input_value("#what-if-replications") == "50"
    page.fill(SPEED, "-5 %")
    page.click("[data-what-if=start]")
    page.wait_for_selector("#what-if-name")
    compared(page, language)
    page.click("dd a >> nth=1")
    page.wait_for_selector("h2:has-text('금요일 20 %')")
    page.click(f"summary:has-text('{said('run_delete')}')")
    page.click("[data-what-if=delete]")
    page.wait_for_url("**/what-if")
    page.wait_for_selector("td a")
    assert "금요일" not in text(page)
    assert "slower:spindle_1.speed_set = -5 %" in text(page)


def test_a_run_is_cancelled_seen_by_another_browser_and_gone_on_with(
    browsed: Page, chromium: Any, stage: Stage, control: Path, asking: str
) -> None:
    (control / "allow").write_text("60")
    run = act(asking, "start", scenario="slower_spindle")["run"]
    page = browsed.open(f"/what-if?run={run}")
    other = Page(chromium, asking)
    other.open(f"/what-if?run={run}&lang=ko").wait_for_selector("progress")
    page.click("[data-what-if=cancel]")
    page.wait_for_selector("[data-what-if=go_on]")
    assert "What is shown is of the branches that were finished." in text(page)
    other.page.wait_for_selector("[data-what-if=go_on]")
    assert "취소했습니다" in text(other.page)
    other.close()
    assert other.wrong == []
    (control / "allow").unlink()
    page.click("[data-what-if=go_on]")
    until(page, "document.querySelector('main')?.innerText.includes('done · ')")
    assert done(stage, run).cancelled == ""


def test_a_run_that_was_cancelled_before_anything_was_finished_shows_no_result(
    browsed: Page, stage: Stage, control: Path, asking: str
) -> None:
    (control / "allow").write_text("0")
    (control / "empty").touch()
    run = act(asking, "start", scenario="slower_spindle")["run"]
    page = browsed.open(f"/what-if?run={run}")
    page.click("[data-what-if=cancel]")
    page.wait_for_selector("[data-what-if=go_on]")
    assert "Cancelled by" in text(page)
    assert page.query_selector("table[aria-label=Result]") is None


def test_what_the_command_refuses_is_shown_in_place_and_the_form_keeps_what_was_typed(browsed: Page) -> None:
    page = browsed.open(FORM)
    page.wait_for_selector(SPEED)
    page.fill(SPEED, "9000 rad/s")
    page.click("[data-what-if=start]")
    page.wait_for_selector("p.wrong[role=alert]")
    assert "spindle_1.speed_set 9000 rad/s > 4000 rad/s; give at most that" in text(page)
    page.click("a.button")
    page.wait_for_selector(SPEED)
    assert page.input_value(SPEED) == "9000 rad/s"


def test_a_value_that_is_none_is_refused_where_it_was_typed(browsed: Page) -> None:
    page = browsed.open(FORM)
    page.wait_for_selector(SPEED)
    page.fill(SPEED, "")
    page.click("[data-what-if=start]")
    until(page, "document.getElementById('what-if-said').innerText.includes('write 1 to 200 characters')")


def test_runs_wait_in_line_and_the_list_says_so(browsed: Page, stage: Stage, control: Path, asking: str) -> None:
    (control / "allow").write_text("50")
    first, second = (act(asking, "start", scenario="slower_spindle")["run"] for _ in range(2))
    page = browsed.open(f"/what-if?run={second}")
    assert "It waits for its turn; runs before it: 1." in text(page)
    page.click(".back a")
    until(page, "document.querySelector('main')?.innerText.includes('waiting')")
    until(page, "document.querySelector('main')?.innerText.includes('being run 26 %')")
    (control / "allow").unlink()
    assert [done(stage, run).state for run in (first, second)] == ["done", "done"]


HOSTILE = "<img src=x onerror=window.hacked=1>'\"--><script>window.hacked=1</script>"


def test_hostile_names_and_values_stay_text(browsed: Page, stage: Stage, asking: str) -> None:
    job = ran(stage, asking, settings={"slower:spindle_1.speed_set": HOSTILE})
    assert act(asking, "name", run=job.id, name=HOSTILE)["done"] is True
    for path in ("/what-if", f"/what-if?run={job.id}", f"{FORM}&again={job.id}", f"/what-if?run={HOSTILE}"):
        page = browsed.open(path)
        page.wait_for_selector("h1")
        page.wait_for_timeout(100)
        assert page.evaluate("[window.hacked, document.title]") == [None, "twin"]
    assert act(asking, "name", run=job.id, name="x" * 81)["said"] == word("one_line", "en", 80)
    assert act(asking, "name", run=job.id, name="a\u202eb")["done"] is False


def test_whoever_may_not_act_may_look_and_every_try_is_recorded(
    chromium: Any, stage: Stage, control: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = stand_in.command(control)
    with served(stage.folder, command=command) as asking:
        job = ran(stage, asking)
    monkeypatch.setattr("viz.session.here", lambda: Account("lee", "viewer"))
    with served(stage.folder, command=command) as asking:
        for kind in ("start", "cancel", "go_on", "name", "delete"):
            answer = act(asking, kind, run=job.id, scenario="slower_spindle", name="x")
            assert answer == {"said": word("run_may_not", "en", "viewer"), "done": False, "run": ""}
        page = Page(chromium, asking)
        page.open(f"/what-if?run={job.id}").wait_for_selector("table")
        assert page.page.query_selector("[data-what-if]") is None
        page.open(FORM).wait_for_selector(SPEED)
        assert page.page.query_selector("[data-what-if]") is None
        page.close()
        assert page.wrong == []
    assert [(line["what"], line["who"]) for line in audit(stage.folder)][-5:] == [("refused", "lee")] * 5
    assert Store(stage.folder).job(job.id) == job


def test_a_folder_that_cannot_be_written_is_told_on_the_page(chromium: Any, stage: Stage, control: Path) -> None:
    (stage.folder / "what-if").write_text("no folder")
    with served(stage.folder, command=stand_in.command(control)) as asking:
        page = Page(chromium, asking)
        page.open("/what-if").wait_for_selector("main [role=alert]")
        assert "what-if: is no folder; move it away" in text(page.page)
        answer = act(asking, "start", scenario="slower_spindle")
        assert answer["said"].endswith("give the view a data folder that it may write to")
        page.close()
        assert page.wrong == []


@pytest.fixture
def description() -> Description:
    """Return what the stand-in says of its scenario."""
    return msgspec.convert(stand_in.description(), Description)


def shown(tmp_path: Path, description: Description, language: Language) -> Iterator[Any]:
    """Yield every page, as it may stand."""
    question = {"en": "a", "ko": "b"}
    for state in what_if.STATES:
        job = Job("i", "t", "s", question, "kim", 1.0, ["a:b=1"], 5, "1 %", 3, "rest", state=state)  # type: ignore[arg-type]
        for able in (True, False):
            about = what_if_run.About(Store(tmp_path), None, language, able, Progress(1, 1, 4, 60.0), 1)
            yield what_if_run.content(about, job, None)
            yield what_if_run.content(about, job, job)
    yield what_if_run.content(about, None, None)
    listed = [Listed("s", "p", question), Listed("t", "", {}, "t.yaml: wrong; mend it")]
    for found in (listed, [], "a: b; c", None):
        yield what_if.home(found, [(job, None)], "a: b; c", None, language)
    for told in (description, "a: b; c", None):
        yield what_if.form(told, job, language, able=True, live=True)


def test_no_english_is_left_in_a_korean_page(tmp_path: Path, description: Description) -> None:
    english = {pair["en"] for pair in catalogue().values() if pair["en"] != pair["ko"] and len(pair["en"]) > 2}
    for page in shown(tmp_path, description, "ko"):
        assert english & set(texts(page)) == set()
    assert all(any(texts(page)) for page in shown(tmp_path, description, "en"))
