"""Everything that the view says is said in both languages."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import viz
from tests.viz.stage import Stage, advisory
from twin.errors import DeclarationError
from viz.accounts import here
from viz.feed import Feed, Seen
from viz.pages import advisories, asset, data, history, overview
from viz.words import catalogue, language_of, word

SOURCES = [*Path(viz.__file__).parent.rglob("*.py")]
BUILT = ("link_", "span_", "count_", "file_", "login_")
"""Beginnings of names that are put together."""


def texts(component: Any) -> Iterator[str]:
    """Yield every text that a component shows."""
    if isinstance(component, str):
        yield component
    elif isinstance(component, list | tuple):
        for child in component:
            yield from texts(child)
    elif component is not None and hasattr(component, "children"):
        yield from texts(component.children)


def pages(seen: Seen, folder: Path, language: Any) -> list[Any]:
    return [
        overview.content(seen, language), asset.content(seen, language, "pump_1"),
        advisories.content(seen, language, here(), "adv-1"), history.content(seen, language, folder, "", "", "", 300.0),
        data.content(seen, language, folder, {}),
    ]  # fmt: skip


@pytest.fixture
def seen(stage: Stage) -> Iterator[Seen]:
    stage.raise_advisory(advisory())
    feed = Feed(stage.folder)
    yield feed.seen
    feed.close()


def test_no_english_is_left_in_a_korean_page(seen: Seen, stage: Stage) -> None:
    english = {pair["en"] for pair in catalogue().values() if pair["en"] != pair["ko"] and len(pair["en"]) > 2}
    for page in pages(seen, stage.folder, "ko"):
        assert english & set(texts(page)) == set()


def test_every_page_says_other_words_in_the_other_language(seen: Seen, stage: Stage) -> None:
    both = zip(*(pages(seen, stage.folder, language) for language in ("en", "ko")), strict=True)
    for one, other in both:
        assert set(texts(one)) - set(texts(other))


def test_every_word_is_used_and_every_used_word_is_there() -> None:
    source = "\n".join(file.read_text(encoding="utf-8") for file in SOURCES)
    quoted = set(re.findall(r"""["']([a-z][a-z0-9_]*)["']""", source))
    assert {name for name in catalogue() if name not in quoted and not name.startswith(BUILT)} == set()
    asked = set(re.findall(r"""(?<!texts\.)\bword\(["']([a-z0-9_]+)["']""", source))
    assert {name for name in asked if name not in catalogue()} == set()


def test_an_unknown_word_is_refused_by_name() -> None:
    with pytest.raises(DeclarationError, match="no text 'acknowlege'; did you mean 'acknowledge'"):
        word("acknowlege", "en")


def test_what_is_filled_in_is_not_read_again() -> None:
    assert word("hidden_until", "en", "{1}", "12:00", "kim", "{0}") == "{1} until 12:00 by kim: {0}"


@pytest.mark.parametrize(
    ("wanted", "accepted", "found"),
    [("ko", "en", "ko"), ("", "ko-KR,ko;q=0.9,en;q=0.8", "ko"), ("fr", "fr,en;q=0.5", "en"), ("", "", "en")],
)
def test_a_reader_gets_the_language_asked_for_or_accepted(wanted: str, accepted: str, found: str) -> None:
    assert language_of(wanted, accepted) == found
