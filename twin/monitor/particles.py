"""Korean particles: which of 은/는, 이/가, 을/를 follows a word is told by the sound on which the word ends."""

import re
import unicodedata
from collections.abc import Mapping

from twin.errors import TwinError, unknown

PAIRS: Mapping[str, tuple[str, str, str]] = {
    "은": ("은", "는", "은(는)"),
    "이": ("이", "가", "이(가)"),
    "을": ("을", "를", "을(를)"),
    "과": ("과", "와", "과(와)"),
    "으로": ("으로", "로", "(으)로"),
    "이라": ("이라", "라", "(이)라"),
}
"""By its form after a consonant: the forms after a consonant, after a vowel, and where the sound isn't known."""

# How the last sound is spelt: "" a vowel, "ㄹ" that consonant, "ㅇ" any other.
_DIGITS = dict(zip("0123456789", ("ㅇ", "ㄹ", "", "ㅇ", "", "", "ㅇ", "ㄹ", "ㄹ", ""), strict=True))
_LETTERS = dict.fromkeys("ABCDEFGHIJKOPQSTUVWXYZ", "") | {"L": "ㄹ", "R": "ㄹ", "M": "ㅇ", "N": "ㅇ"}
_UNITS = {
    "°C": "", "K": "ㅇ", "%": "", "bar": "", "mbar": "", "Pa": "ㄹ", "kPa": "ㄹ", "MPa": "ㄹ", "m": "", "mm": "",
    "cm": "", "µm": "", "l": "", "kg": "ㅇ", "g": "ㅇ", "s": "", "ms": "", "min": "ㅇ", "h": "ㅇ", "W": "", "kW": "",
    "A": "", "mA": "", "V": "", "mV": "", "Hz": "", "kHz": "", "N": "ㅇ", "kN": "ㅇ", "N·m": "", "J": "ㄹ", "kJ": "ㄹ",
    "rpm": "ㅇ", "\u03c3": "", "rad": "ㅇ", "Ω": "ㅇ",
}  # fmt: skip
_TAIL = re.compile(r"[\s\"'\u2019\u201d»>\])}.,;:!?_-]+$")
_POWERS = str.maketrans("", "", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_NUMBER_AND_UNIT = re.compile(r"[\d.]+\s*([^\d\s]\S*)$")


def with_particle(word: str, form: str) -> str:
    """Return `word` with the particle whose form after a consonant is `form`.

    A number is read as in 이십일, a capital by its name, an English word by its last letters; what stands in brackets
    at the end isn't heard. Where the sound can't be told both forms are written, 은(는).

    Raises
    ------
    TwinError
        If there is no such particle.
    """
    if form not in PAIRS:
        raise TwinError(unknown("particle", form, PAIRS))
    consonant, vowel, either = PAIRS[form]
    sound = ending(word)
    if sound is None:
        return word + either
    if form == "으로" and sound == "ㄹ":
        return word + vowel
    return word + (consonant if sound else vowel)


def ending(word: str) -> str | None:
    """Return the last sound of a word: empty for a vowel, ``ㄹ``, ``ㅇ`` for any other consonant, None if unknown."""
    heard = _heard(unicodedata.normalize("NFC", word))
    if (measured := _NUMBER_AND_UNIT.search(heard)) and (measured[1] in _UNITS or "/" in measured[1]):
        above, _, below = measured[1].translate(_POWERS).partition("/")
        sounds = {_UNITS.get(above), _UNITS.get(below or above)}  # 12 l/s is read with either at the end
        return sounds.pop() if len(sounds) == 1 else None
    last = heard[-1:]
    if "가" <= last <= "힣":
        coda = (ord(last) - ord("가")) % 28
        return "" if coda == 0 else "ㄹ" if coda == 8 else "ㅇ"
    if last in _DIGITS:
        return _DIGITS[last]
    if last in ("%", "°", "℃"):
        return ""
    return _english(re.sub(r".*[^A-Za-z]", "", heard)) if last.isascii() and last.isalpha() else None


def _heard(word: str) -> str:
    """Return a word without what stands in brackets or quotes at its end, or all of it."""
    depth = 0
    for i in range(len(word) - 1, -1, -1):
        depth += (word[i] == ")") - (word[i] == "(")
        if depth == 0 and word[i] != "(" and not _TAIL.fullmatch(word[i]):
            return word[: i + 1]
    return word


def _english(word: str) -> str | None:
    """Return the last sound of an English word as Koreans write it, or of a letter that is spelt."""
    if word.isupper() or len(word) == 1:
        return _LETTERS[word[-1].upper()]
    end = word.lower()[-3:]
    if end.endswith(("m", "n", "ng", "me", "ne")):
        return "ㅇ"
    if end.endswith(("l", "le")):
        return "ㄹ"
    if end[-1] in "ptkcbg":  # pump is 펌프, top is 톱; pit and belt, tank and block: after a vowel it can be either
        return "" if end[-2] not in "aeiou" else None
    return ""  # vowels, r, s, z, f, v, d, h: written with a vowel after them
