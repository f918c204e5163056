"""Message codes with parameters in Korean and English: headline, why, outlook, what to do, what would tell more."""

import math
from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import NamedTuple

from twin.errors import TwinError, unknown
from twin.monitor.life import Change
from twin.monitor.messages import FIELD, LANGUAGES, Message, catalogue
from twin.monitor.names import TOLD
from twin.monitor.particles import with_particle
from twin.monitor.words import SIGMA, Language, Setting, clock, duration, number, percent, plain, relative, unit

Values = Mapping[str, float | str]


class Text(NamedTuple):
    """What an advisory says, as plain text: nothing in it is markup.

    Attributes
    ----------
    headline : str
        What is wrong.
    why : str
        What was seen, since when, and what explains it.
    outlook : str
        What it means for the next hours.
    do : str
        What to do, and how soon.
    tell_more : str
        What measurement would tell more.
    """

    headline: str
    why: str
    outlook: str
    do: str
    tell_more: str


def codes() -> tuple[str, ...]:
    """Return every message code."""
    return tuple(catalogue().messages)


def text(code: str, values: Values, language: str = "en", *, now: float, zone: tzinfo = UTC) -> Text:
    """Return what a message says.

    Parameters
    ----------
    code : str
        One of `codes`.
    values : mapping
        Its parameters; what it doesn't declare is left alone.
    language : {"en", "ko"}
        Of the text; names of tags and assets stay as they are.
    now : float
        Source time at which it is read [s].
    zone : tzinfo
        Time zone of the plant.

    Raises
    ------
    TwinError
        If there is no such code or language, or a parameter is missing or of another kind.
    """
    message = _message(code)
    check(code, values)
    setting = Setting(_language(language), now, zone)
    lines = message.lines[setting.language]
    return Text(**{line: _line(code, message, lines[line], values, setting) for line in Text._fields})


def check(code: str, values: Values) -> None:
    """Refuse values that lack a parameter of the message, or have one of another kind."""
    message = _message(code)
    for name, kind in {**message.parameters, **message.optional}.items():
        if name not in values:
            if name in message.parameters:
                raise TwinError(f"message {code}: no value for {name!r}; give it ({kind})")
            continue
        value, base = values[name], kind.partition(":")[0]
        if isinstance(value, str) != (base in _WRITTEN):
            raise TwinError(f"message {code}: {name} = {value!r:.80} is no {kind}; give {_given(base)}")
        if not isinstance(value, str) and not math.isfinite(value):
            raise TwinError(f"message {code}: {name} = {value}; leave out what can't be computed")


def word(section: str, name: str, language: str = "en") -> str:
    """Return a word: of the sections ``states``, ``causes``, ``subjects``, ``roles`` and ``labels``.

    Raises
    ------
    TwinError
        If there is no such section, word or language.
    """
    words = catalogue().words
    if section not in words:
        raise TwinError(unknown("section of words", section, words))
    if name not in words[section]:
        raise TwinError(f"{section}: {unknown('word', name, words[section])}")
    return words[section][name][_language(language)]


def named(kind: str, value: str, part: str = "", language: str = "en") -> str:
    """Return what a packed parameter names: of the kinds of `twin.monitor.names`, or one of its parts.

    Raises
    ------
    TwinError
        If there is no such kind, part or language.
    """
    if kind not in TOLD:
        raise TwinError(unknown("kind of name", kind, TOLD))
    tell, parts = TOLD[kind]
    if part and part not in parts:
        raise TwinError(unknown(f"part of {kind}", part, parts))
    return tell(value, part, _language(language))


def said(change: Change, language: str = "en") -> str:
    """Return a line of the log about a change: what happened, to what, by whom, and what was said."""
    names = [plain(change.advisory)] if change.advisory else []
    names += [subject(change.subject, language)] if change.subject else []
    what = word("causes", change.cause, language)
    by = "" if change.by == "twin" else plain(change.by)
    states = ""
    if change.before != change.after:
        before, after = (word("states", state, language) for state in (change.before, change.after))
        states = f"{before} → {after}"
    comment = " ".join(plain(change.text[i : i + 200]) for i in range(0, len(change.text), 200))
    return " · ".join(part for part in (" ".join(names), what, states, by, comment) if part)


def subject(key: str, language: str = "en") -> str:
    """Return what a condition is about in words: ``limit:TI-112`` is the predicted limit of TI-112."""
    kind, _, name = key.partition(":")
    known = catalogue().words["subjects"]
    for told, rest in ((key.replace(":", "_"), ""), (kind, name)):
        if told in known:
            return f"{word('subjects', told, language)} {plain(rest)}".strip()
    return plain(key)


_WRITTEN = ("name", "unit", "choice", *TOLD)
"""Kinds of parameters that are text; the others are numbers."""


def _given(base: str) -> str:
    return "text made by twin.monitor.names" if base in TOLD else "text" if base in _WRITTEN else "a number"


def _message(code: str) -> Message:
    messages = catalogue().messages
    if code not in messages:
        raise TwinError(unknown("message code", code, messages))
    return messages[code]


def _language(language: str) -> Language:
    if language not in LANGUAGES:
        raise TwinError(unknown("language", language, LANGUAGES))
    return language


def _line(code: str, message: Message, sentences: tuple[tuple[str, ...], ...], values: Values, setting: Setting) -> str:
    """Return the sentences whose parameters are given, each in its first alternative that can be told."""
    told = []
    for sentence in sentences:
        fit = [text for text in sentence if all(name in values for name, _, _ in FIELD.findall(text))]
        if fit:
            told.append(_filled(code, message, fit[0], values, setting))
    return " ".join(told)


def _filled(code: str, message: Message, template: str, values: Values, setting: Setting) -> str:
    """Return a sentence with its parameters; what stands in them is not read again."""
    out, end = "", 0
    for field in FIELD.finditer(template):
        name, part, particle = field.groups(default="")
        try:
            shown = _told(message.kind(name), values[name], part, values, setting)
        except TwinError as err:
            raise TwinError(f"message {code}: {name}: {err}") from None
        out += template[end : field.start()] + (with_particle(shown, particle) if particle else shown)
        end = field.end()
    return out + template[end:]


def _told(kind: str, value: float | str, part: str, values: Values, setting: Setting) -> str:
    """Return a value in words."""
    base, _, argument = kind.partition(":")
    if isinstance(value, str):
        if base in TOLD:
            return TOLD[base][0](value, part, setting.language)
        if base == "choice":
            choices = catalogue().choices[argument]
            if value not in choices:
                raise TwinError(unknown(argument, value, choices))
            return choices[value][part][setting.language]
        return unit(value) if base == "unit" else plain(value)
    if base == "quantity":
        return f"{number(value)} {unit(str(values[argument]))}".rstrip()
    if base == "percent":
        return percent(value, setting.language)
    if base == "sigma":
        return f"{abs(value):.1f}{SIGMA if setting.language == 'ko' else ' sigma'}"
    if base == "duration":
        return duration(value, setting.language)
    if base == "time":
        return _time(value, part, setting)
    return f"{value:.0f}" if base == "count" else number(value)


def _time(time: float, part: str, setting: Setting) -> str:
    """Return a time as local and relative time, or one of them."""
    if part == "clock":
        return clock(time, setting)
    if part == "relative":
        return relative(time, setting)
    gap = "" if setting.language == "ko" else " "
    return f"{clock(time, setting)}{gap}({relative(time, setting)})"
