"""What a report says, in English and Korean, from a catalogue."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from twin.errors import DeclarationError, unknown
from twin.monitor.particles import PAIRS, with_particle

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")
CATALOGUE = Path(__file__).with_name("words.yaml")
_PLACE = re.compile(r"\{(\d)(?::([^}]+))?\}")


@cache
def catalogue(file: Path = CATALOGUE) -> Mapping[str, Mapping[Language, str]]:
    """Return every text of a catalogue by name and language.

    Raises
    ------
    DeclarationError
        If a text isn't there in both languages, has other places to fill in one, or names a particle there isn't.
    """
    found: dict[str, Mapping[Language, str]] = {}
    for name, pair in yaml.safe_load(file.read_text(encoding="utf-8")).items():
        if not (isinstance(pair, list) and len(pair) == len(LANGUAGES) and all(isinstance(t, str) and t for t in pair)):
            raise DeclarationError(f"{file}: {name}: is no pair of texts; write [English, Korean]")
        places = [{place for place, _ in _PLACE.findall(text)} for text in pair]
        if places[0] != places[1]:
            raise DeclarationError(f"{file}: {name}: the languages have other places to fill; write the same")
        for _, particle in _PLACE.findall(pair[1]):
            if particle and particle not in PAIRS:
                raise DeclarationError(f"{file}: {name}: {unknown('particle', particle, PAIRS)}")
        found[name] = dict(zip(LANGUAGES, pair, strict=True))
    return found


def word(name: str, language: Language, *filled: object, file: Path = CATALOGUE) -> str:
    """Return a text of a catalogue with its places filled, in Korean with the particles that fit.

    Raises
    ------
    DeclarationError
        If there is no such text.
    """
    texts = catalogue(file)
    if name not in texts:
        raise DeclarationError(unknown("text", name, texts))

    def fill(place: re.Match[str]) -> str:
        text = str(filled[int(place[1])])
        return with_particle(text, place[2]) if place[2] else text

    return _PLACE.sub(fill, texts[name][language])
