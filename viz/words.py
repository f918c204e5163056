"""What the view says, in Korean and English, from one catalogue."""

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from twin.errors import DeclarationError, unknown

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")
_NAME = re.compile(r'(?m)^"?(\w+)"?:')
_PLACE = re.compile(r"\{\d\}")


@cache
def catalogue() -> Mapping[str, Mapping[Language, str]]:
    """Return every text by name and language.

    Raises
    ------
    DeclarationError
        If a text is there twice, or not in both languages, or has other places to fill in one.
    """
    file = Path(__file__).with_name("words.yaml")
    found: dict[str, Mapping[Language, str]] = {}
    text = file.read_text(encoding="utf-8")
    twice = [name for name, count in Counter(_NAME.findall(text)).items() if count > 1]
    if twice:
        raise DeclarationError(f"{file}: {twice[0]}: is there twice; give one of them another name")
    for name, pair in yaml.safe_load(text).items():
        if not isinstance(name, str):
            raise DeclarationError(f"{file}: {name}: YAML takes this name for something else; put it in quotes")
        if not (isinstance(pair, list) and len(pair) == len(LANGUAGES) and all(isinstance(t, str) and t for t in pair)):
            raise DeclarationError(f"{file}: {name}: is no pair of texts; write [English, Korean]")
        if sorted(_PLACE.findall(pair[0])) != sorted(_PLACE.findall(pair[1])):
            raise DeclarationError(f"{file}: {name}: the languages have other places to fill; write the same")
        found[name] = dict(zip(LANGUAGES, pair, strict=True))
    return found


def word(name: str, language: Language, *filled: object) -> str:
    """Return a text with its places filled.

    Raises
    ------
    DeclarationError
        If there is no such text.
    """
    texts = catalogue()
    if name not in texts:
        raise DeclarationError(unknown("text", name, texts))
    return _PLACE.sub(lambda place: str(filled[int(place[0][1])]), texts[name][language])


def language_of(wanted: str, accepted: str = "") -> Language:
    """Return the language that is wanted, or the first of what a browser accepts that there is; else English."""
    for name in (wanted, *(part.partition(";")[0].strip()[:2] for part in accepted.split(","))):
        for language in LANGUAGES:
            if name == language:
                return language
    return "en"
