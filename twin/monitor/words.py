"""Numbers as words: with units, as chances, as lengths of time, as local times of the plant."""

import unicodedata
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal, NamedTuple

from twin.errors import TwinError

Language = Literal["en", "ko"]

LONGEST = 200
"""A name or unit that is longer is cut, visibly."""

SIGMA = "\u03c3"
"""The Greek letter."""

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SPELT = {"degC": "°C", "um": "µm", "ohm": "Ω", "1": "", "delta_degC": "K"}


class Setting(NamedTuple):
    """For whom a text is: language, time zone of the plant, source time at which it is read [s]."""

    language: Language
    now: float
    zone: tzinfo


def plain(text: str) -> str:
    """Return text from outside as one line that shows all it holds: what would move or hide is a ``�``."""
    shown = "".join("�" if unicodedata.category(c) in _UNSEEN else c for c in text[: LONGEST + 1])
    return shown if len(text) <= LONGEST else f"{shown[:LONGEST]}…"


def number(value: float) -> str:
    """Return a number with four significant digits, large ones in full."""
    if value == 0.0:
        return "0"
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def unit(text: str) -> str:
    """Return a unit as people write it, ``m³/h``; plain text where it is none of ours."""
    if text in _SPELT:
        return _SPELT[text]
    out, power = "", False
    for c in plain(text):
        power = (c.isdigit() or c == "-") and (power or out[-1:].isalpha())
        out += c.translate(_SUPERSCRIPTS) if power else "·" if c == "." else c
    return out


def percent(value: float, language: Language) -> str:
    """Return a probability; what is merely likely is never certain."""
    shown = ">99" if 0.99 < value < 1.0 else "<1" if 0.0 < value < 0.01 else f"{100.0 * value:.0f}"
    return f"{shown}%" if language == "ko" else f"{shown} %"


def duration(seconds: float, language: Language) -> str:
    """Return a length of time in the two largest units that matter."""
    seconds = abs(seconds)
    words = ("초", "분", "시간", "일") if language == "ko" else (" s", " min", " h", " days")
    if seconds < MINUTE:
        return f"{seconds:.0f}{words[0]}" if seconds >= 9.5 or seconds == int(seconds) else f"{seconds:.1f}{words[0]}"
    minutes = round(seconds / MINUTE)
    if minutes < 60:
        return f"{minutes}{words[1]}"
    if minutes < 10 * 60 and minutes % 60:
        return f"{minutes // 60}{words[2]} {minutes % 60}{words[1]}"
    hours = round(seconds / HOUR)
    return f"{hours}{words[2]}" if hours < 48 else f"{round(seconds / DAY)}{words[3]}"


def clock(time: float, setting: Setting) -> str:
    """Return the plant's local time, with the date where it isn't today's."""
    then, now = _local(time, setting.zone), _local(setting.now, setting.zone)
    if then.date() == now.date():
        return f"{then:%H:%M}"
    return f"{then:%m-%d %H:%M}" if then.year == now.year else f"{then.year:04d}-{then:%m-%d %H:%M}"


CLOCKS = 2.0
"""A reading may be this far ahead of the instant that is told of [s]: that is now, not the future."""


def relative(time: float, setting: Setting) -> str:
    """Return how long ago, or how far ahead."""
    ahead = time - setting.now
    if abs(ahead) < 0.5 or 0.0 < ahead < CLOCKS:
        return "지금" if setting.language == "ko" else "now"
    length = duration(round(ahead), setting.language)
    if setting.language == "ko":
        return f"{length} {'뒤' if ahead > 0 else '전'}"
    return f"in {length}" if ahead > 0 else f"{length} ago"


def _local(time: float, zone: tzinfo) -> datetime:
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time)).astimezone(zone)
    except (OverflowError, ValueError):
        raise TwinError(f"{time} s is no time of a calendar; leave it out") from None
