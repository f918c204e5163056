"""A report says what its answer holds, carefully, in two languages, and nobody's name breaks out of it."""

import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree as ET

import pytest
from msgspec import structs

import tests.viz.conftest as browsers
from scenarios import report_parts, shown, words
from scenarios.answer import Answer, Number
from scenarios.gantt import timeline, until
from scenarios.report import report
from scenarios.words import LANGUAGES, Language, catalogue, word
from tests.scenarios.answers import (
    ENERGY,
    HOSTILE,
    HOTTEST,
    OEE,
    answer,
    designed,
    difference,
    hostile,
    number,
    two,
    typed,
    variant,
    whole,
)  # fmt: skip
from tests.viz.conftest import Page
from twin.flow.records import State

browser = browsers.chromium
VOID = ("meta",)
ANSWERS: dict[str, Callable[[], Answer]] = {"whole": whole, "designed": designed, "hostile": hostile}


class Read(HTMLParser):
    """A page that was read: what is open must be closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open, self.tags, self.tables = list[str](), list[tuple[str, dict[str, str | None]]](), list[Any]()
        self.cell: list[str] | None = None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.cell = []
            self.tables[-1][-1].append(self.cell)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.cell is not None and {"td", "th"} & set(self.open):
            self.cell.append(data)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_of_the_table_is_the_answers(language: Language) -> None:
    found = whole()
    rows = Read(report(found, language)).tables[0][1:]
    assert len(rows) == len(found.measures)
    for told, row in zip(found.measures, rows, strict=True):
        by = shown.scale_of(told, [each.numbers[told.name] for each in found.variants])
        for each, cell in zip(found.variants, row[1:], strict=True):
            kept = each.numbers[told.name]
            texts = [re.findall(r"-?[\d,]+(?:\.\d+)?", typed(part)) for part in cell]
            if kept.middle is None:
                assert cell[0] == "—"
                assert cell[1] == word("no_value", language)
                continue
            for text, value in zip([*texts[0], *texts[1]], (kept.middle, kept.low, kept.high), strict=True):
                digits = len(text.partition(".")[2])
                assert value is not None
                assert float(text.replace(",", "")) == pytest.approx(by.of(value), abs=0.500001 * 10**-digits)


def test_differences_are_told_with_verdicts_in_words_and_with_what_pairing_saved() -> None:
    rows = Read(report(whole(), "en")).tables[1][1:]
    table = [[typed("".join(cell)) for cell in row[1:]] for row in rows]
    assert table[0] == ["slower", "-75 points", "-84 to -66 points", "✗ worse", "40 % narrower", "100"]
    assert table[2] == ["slower", "+1.7 Wh", "-0.6 to +4.0 Wh", "≈ no difference shown", "10 % wider", "100"]
    assert table[3] == ["slower", "—", "—", "- too few pairs", "—", "0"]


def test_nine_replications_in_ten_stand_below_a_mean_and_what_that_is_below_the_table() -> None:
    wide = {OEE.name: Number(0.9, 0.89, 0.91, 100, 0.801, 0.953)}
    few = variant("few", {OEE.name: number(0.8, 0.01)}, {OEE.name: difference(-0.1, 0.01)})
    page = report(answer([variant("as_is", wide), few], [OEE]), "en")
    row = Read(page).tables[0][1]
    assert [typed(part) for part in row[1]] == ["90.0 %", "89.0 to 91.0 %", "9 in 10: 80 to 95 %"]
    assert len(row[2]) == 2, "of too few replications it isn't known"
    assert word("nine_in_ten_note", "en") in page
    assert word("nine_in_ten_note", "en") not in report(whole(), "en")


def test_changes_stand_beside_what_was_calibrated() -> None:
    page = Read(report(whole(), "en"))
    table = [[typed("".join(cell)) for cell in row] for row in page.tables[2][1:]]
    assert table[0] == ["as it is", "nothing"]
    outside = "▲ outside what was calibrated 4,000 to 8,000 rpm"
    assert table[1] == ["slower", "spindle_1.speed_set", "-10 %", "3,600 rpm", outside]
    assert table[2] == ["flow.rack_1.capacity", "8", "—", "not calibrated: a number of the flow"]
    assert table[3] == ["pump.speed", "5 rad/s", "47.75 rpm", "✓ inside what was calibrated"]
    inside = "✓ inside what was calibrated 4,000 to 8,000 rpm"
    assert table[4] == ["spindle_2.speed_set", "+5 % (after 8 h)", "4,200 rpm", inside]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("which", ANSWERS)
def test_a_report_is_well_formed_and_every_drawing_has_a_name(which: str, language: Language) -> None:
    page = report(ANSWERS[which](), language)
    read = Read(page)
    assert read.open == []
    ids = Counter(attributes["id"] for _, attributes in read.tags if "id" in attributes)
    assert [name for name, count in ids.items() if count > 1] == []
    levels = [int(tag[1]) for tag, _ in read.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in read.tags if tag == "th")
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert drawings
    for drawing in drawings:
        tree = ET.fromstring(drawing)
        assert tree.get("role") == "img"
        assert [tree[0].tag, tree[1].tag] == ["title", "desc"]
        assert tree[0].text
        assert tree[1].text
        assert tree.get("aria-labelledby") == tree[0].get("id")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("which", ANSWERS)
def test_a_report_loads_and_runs_nothing(which: str, language: Language) -> None:
    page = report(ANSWERS[which](), language)
    read = Read(page)
    assert {tag for tag, _ in read.tags} & {"script", "img", "link", "iframe", "object", "a", "image", "use"} == set()
    names = {name for _, attributes in read.tags for name in attributes}
    assert [name for name in names if name.startswith("on") or name in ("src", "href", "xlink:href")] == []
    fills = {str(attributes["fill"]) for _, attributes in read.tags if attributes.get("fill")}
    assert all(re.fullmatch(r"url\(#[\w-]+\)", fill) for fill in fills)
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert "@import" not in style
    assert "url(" not in style
    assert "http:" not in page
    assert "https:" not in page


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_is_only_ever_text(text: str) -> None:
    plain = Counter(tag for tag, _ in Read(report(renamed("x"), "en")).tags)
    page = report(renamed(text), "en")
    assert Counter(tag for tag, _ in Read(page).tags) == plain
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", page)
    page.encode()


def renamed(text: str) -> Answer:
    """Return an answer with one name in all places."""
    cases = [variant("first", {OEE.name: number(0.9, 0.01)}, drawn=True)]
    cases.append(
        variant(text, {OEE.name: number(0.8, 0.01)}, {OEE.name: difference(-0.1, 0.01)}, {text: text}, drawn=True)
    )
    return answer(cases, [OEE], question={"en": text, "ko": text}, assumptions={text: text}, source=text)


def test_the_catalogue_has_what_is_asked_for_and_nothing_else() -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in Path(words.__file__).parent.glob("*.py"))
    known = set(catalogue())
    assert set(re.findall(r"""word\(["']([a-z_]+)["']""", code)) <= known
    spelt = set(re.findall(r"""["']([a-z_]+)["']""", code))
    made = [f"{start}_" for start in ("state", "verdict", "range", "wanted", "change")]  # with what follows at run time
    assert {name for name in known - spelt if not name.startswith(tuple(made))} == {"less_points", "more_points"}
    assert {f"state_{state.name.lower()}" for state in State} == {name for name in known if name.startswith("state_")}


@pytest.mark.parametrize("make", [whole, designed])
def test_a_korean_report_has_no_english_words_of_ours_and_the_reverse(make: Callable[[], Answer]) -> None:
    pages = {language: re.sub("<[^>]*>", "\n", report(make(), language)) for language in LANGUAGES}
    for name, pair in catalogue().items():
        for one, other in (("en", "ko"), ("ko", "en")):
            text = re.sub(r"\{\d[^}]*\}", "", pair[one]).strip()  # type: ignore[index]
            if pair["en"] != pair["ko"] and len(text) > 3 and "{" not in pair[one]:  # type: ignore[index]
                assert f"\n{text}\n" not in pages[other], name  # type: ignore[index]
    assert set(get_args(Language)) == set(LANGUAGES)
    korean = re.sub(r"\s", "", pages["ko"].partition("</style>")[2])
    assert "(은)" not in korean


def test_a_long_design_shows_the_first_the_best_and_the_front_and_says_how_many_are_left_out() -> None:
    found = designed(300)
    names = [variant.name for _, variant in report_parts.drawn_rows(found)]
    assert len(names) == report_parts.MOST_ROWS
    assert {"case_0", "case_30", "case_299"} <= set(names)
    assert f"{300 - report_parts.MOST_ROWS} more variants are in the tables" in report(found, "en")


def test_a_standstill_is_drawn_however_short_and_times_beyond_eight_hours_are_said_to_be_left_out() -> None:
    found = whole()
    assert until(found.variants, found.length) == 8 * 3600.0
    drawing = timeline(found.variants[0], 8 * 3600.0, title="t", name="n", language="en")
    cells = re.findall(r'<path d="([^"]*)" class="cell state-(\w+)"', drawing)
    assert {state for _, state in cells} == {"idle", "busy", "down", "blocked", "other"}
    assert next(d for d, state in cells if state == "down").count("M") == 1
    assert "The first 8\N{NO-BREAK SPACE}h of 10\N{NO-BREAK SPACE}h are shown." in report(found, "en")


def test_bars_of_a_timeline_are_as_long_as_their_states_took() -> None:
    drawing = timeline(whole().variants[0], 8 * 3600.0, title="t", name="n", language="en")
    widths = {
        state: sum(float(w) for w in re.findall(r"h(\d[\d.]*)v", d))
        for d, state in re.findall(r'<path d="([^"]*)" class="cell state-(\w+)"', drawing)
    }
    column = (widths["blocked"] + widths["other"]) / 280
    assert widths["blocked"] == pytest.approx((widths["blocked"] + widths["other"]) * 9000 / 28800, abs=column)
    assert widths["idle"] == pytest.approx((widths["blocked"] + widths["other"]) * 600 / 28800, abs=column)


def test_a_start_from_a_live_twin_is_said_with_its_time() -> None:
    for time, text in ((1.8e9, "2027-01-15 08:00:00"), (None, None), (1e300, None)):
        found = structs.replace(whole(), basis=structs.replace(whole().basis, start="live", start_time=time))
        assert ("Time at the start (UTC)" in report(found, "en")) == (text is not None)
        assert (text or "live") in report(found, "en")


def test_failures_are_counted_by_their_reason() -> None:
    first = variant("as_is", {OEE.name: number(0.9, 0.01)}, failures={"as_is/3": "too hot", "as_is/4": "too hot"})
    table = Read(report(answer([first], [OEE]), "en")).tables[-1]
    assert [["".join(cell) for cell in row] for row in table[1:]] == [["as it is", "2", "too hot", "3, 4"]]
    cases = [variant(f"c{k}", {OEE.name: number(0.9, 0.01)}, failures={f"c{k}/1": "too hot"}) for k in range(12)]
    cases[1:] = [structs.replace(each, differences={OEE.name: difference(0.0, 0.01)}) for each in cases[1:]]
    table = Read(report(answer(cases, [OEE]), "en")).tables[-1]
    assert [["".join(cell) for cell in row[:2]] for row in table[1:]] == [["12", "too hot"]]


@pytest.mark.parametrize("size", [0.0, 1e-300, 1e-9, 1.0, 1e15, 1e300])
@pytest.mark.parametrize("spread", [0.0, 1e-16, 0.1])
def test_numbers_of_any_size_can_be_drawn_and_told(size: float, spread: float) -> None:
    for told in (OEE, ENERGY, HOTTEST):
        found = two(number(size, spread * size), number(-size, spread * size), difference(-2.0 * size, spread), told)
        page = report(found, "en")
        assert Read(page).open == []
        assert not re.search(r"\b(nan|inf)\b", page.partition("</style>")[2])


def test_the_same_answer_gives_the_same_report() -> None:
    assert report(whole(), "ko") == report(whole(), "ko")


OUTSIDE = """() => [...document.querySelectorAll('svg')].flatMap(svg =>
  [...svg.querySelectorAll('text')].filter(text => {
  const box = text.getBBox(), view = svg.viewBox.baseVal;
  return box.x < -1 || box.y < -1 || box.x + box.width > view.width + 1 || box.y + box.height > view.height + 1;
}).map(text => text.textContent))"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_opens_without_a_complaint_and_can_be_read_by_everybody(
    browser: Any, tmp_path: Path, language: Language
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for which, make in ANSWERS.items():
        (tmp_path / f"{which}.html").write_bytes(report(make(), language).encode())
    for scheme in ("light", "dark"):
        page = Page(browser, tmp_path.as_uri(), color_scheme=scheme)
        for which in ANSWERS if scheme == "light" else ("whole",):
            found = Axe().run(page.open(f"/{which}.html")).response["violations"]
            assert [(v["id"], [n["html"][:150] for n in v["nodes"]]) for v in found] == []
            assert page.page.evaluate(OUTSIDE) == []
        for width, media in ((390, "screen"), (688, "print")):
            page.page.set_viewport_size({"width": width, "height": 900})
            page.page.emulate_media(media=media)
            page.open("/whole.html")
            assert page.page.evaluate("document.documentElement.scrollWidth") <= width
        page.close()
        assert page.wrong == []
        assert all(url.startswith(tmp_path.as_uri()) for url in page.asked)
