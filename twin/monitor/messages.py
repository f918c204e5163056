"""The catalogue of messages: `texts.yaml` read once, and refused where it is not whole."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from twin.errors import DeclarationError, unknown
from twin.monitor.names import TOLD
from twin.monitor.particles import PAIRS
from twin.monitor.words import Language
from twin.read import read

LANGUAGES: tuple[Language, ...] = ("en", "ko")
LINES = ("headline", "why", "outlook", "do", "tell_more")
FIELD = re.compile(r"\{(\w+)(?:\.(\w+))?(?::([^{}]+))?\}")
"""``{parameter}``, ``{parameter.part}``, ``{parameter:particle}``."""

Sentence = tuple[str, ...]
"""Alternatives: the first whose parameters are all given is told; if there is none, nothing is."""

_PLAIN = ("name", "number", "count", "percent", "sigma", "duration", "unit", "time")
_KINDS = (*_PLAIN, *TOLD, "quantity", "choice")
"""``quantity:u`` is in the unit that parameter `u` gives, ``choice:c`` one of the catalogue's choices `c`."""


class Message(NamedTuple):
    """A code: the kinds of its parameters, of those that may be absent, and its lines by language."""

    parameters: Mapping[str, str]
    optional: Mapping[str, str]
    lines: Mapping[Language, Mapping[str, tuple[Sentence, ...]]]

    def kind(self, parameter: str) -> str:
        """Return the kind of a parameter, as ``quantity:unit``."""
        return self.parameters.get(parameter) or self.optional[parameter]


class Catalogue(NamedTuple):
    """Messages by code; words by section, name and language; choices by kind, value, part and language."""

    messages: Mapping[str, Message]
    words: Mapping[str, Mapping[str, Mapping[Language, str]]]
    choices: Mapping[str, Mapping[str, Mapping[str, Mapping[Language, str]]]]


@cache
def catalogue() -> Catalogue:
    """Return the catalogue that ships."""
    return read_catalogue(Path(__file__).with_name("texts.yaml"))


def read_catalogue(file: Path) -> Catalogue:
    """Return the messages of a file.

    Raises
    ------
    DeclarationError
        If a message lacks a line or asks for what it doesn't declare.
    """
    tree, _ = read(file)
    try:
        choices = {
            kind: {value: {part: _pair(pair) for part, pair in parts.items()} for value, parts in values.items()}
            for kind, values in tree["choices"].items()
        }
        words = {
            section: {name: _pair(pair) for name, pair in named.items()} for section, named in tree["words"].items()
        }
        messages = {code: _message(entry) for code, entry in tree["messages"].items()}
        for code, message in messages.items():
            _check(f"{file.name}: {code}", message, choices)
    except (KeyError, TypeError, AttributeError, ValueError) as err:
        raise DeclarationError(f"{file}: incomplete near {err}; write it like the entries around it") from None
    return Catalogue(messages, words, choices)


def _pair(pair: Any) -> dict[Language, str]:
    return dict(zip(LANGUAGES, pair, strict=True))


def _message(entry: Any) -> Message:
    lines = {language: {line: _sentences(entry[language][line]) for line in LINES} for language in LANGUAGES}
    return Message(dict(entry.get("parameters", {})), dict(entry.get("optional", {})), lines)


def _sentences(line: Any) -> tuple[Sentence, ...]:
    """Return a line as sentences, each with its alternatives."""
    sentences = line if isinstance(line, list) else [line]
    return tuple(tuple(sentence) if isinstance(sentence, list) else (sentence,) for sentence in sentences)


def _check(where: str, message: Message, choices: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Refuse fields of what is not declared, and lines that could be empty."""
    declared = {**message.parameters, **message.optional}
    for name, kind in declared.items():
        base, _, argument = kind.partition(":")
        if base not in _KINDS or argument not in {"quantity": declared, "choice": choices}.get(base, ("",)):
            raise DeclarationError(f"{where}: {name}: {unknown('kind of parameter', kind, _KINDS)}")
    for language, lines in message.lines.items():
        for line, sentences in lines.items():
            for name, part, particle in (f for s in sentences for text in s for f in FIELD.findall(text)):
                if name not in declared:
                    raise DeclarationError(f"{where}: {language} {line}: {unknown('parameter', name, declared)}")
                if part not in _parts(declared[name], choices):
                    raise DeclarationError(f"{where}: {language} {line}: {name} has no part {part!r}")
                if particle and (particle not in PAIRS or language != "ko"):
                    raise DeclarationError(f"{where}: {language} {line}: {unknown('particle', particle, PAIRS)}")
            always = [s for s in sentences if not {f[0] for f in FIELD.findall(s[-1])} & set(message.optional)]
            if not always or not all(text for s in sentences for text in s):
                raise DeclarationError(f"{where}: {language} {line}: may be empty; end with what can always be said")


def _parts(kind: str, choices: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> tuple[str, ...]:
    """Return the parts of a parameter that a text can ask for; "" is the whole."""
    base, _, argument = kind.partition(":")
    if base == "choice":
        return tuple(next(iter(choices[argument].values())))
    if base in TOLD:
        return ("", *TOLD[base][1])
    return ("", "clock", "relative") if base == "time" else ("",)
