"""Cells of text into numbers: decimal sign, thousands, words for modes and for what is missing."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

READ, EMPTY, MISSING, UNREADABLE = 0, 1, 2, 3
"""What became of a cell."""

MISSING_WORDS = (
    "nan",
    "null",
    "none",
    "n/a",
    "na",
    "-",
    "--",
    "#n/a",
    "#value!",
    "#div/0!",
    "bad",
    "?",
    "결측",
    "없음",
)
"""What files write where a reading is missing, in any case, unless a recording says otherwise."""

_QUICK = frozenset("0123456789+-.eE")
_STRICT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_INFINITE = re.compile(r"[+-]?(?:inf|infinity)", re.ASCII | re.IGNORECASE)
_GAPS = {" ": " \u00a0\u202f", "'": "'\u2019"}


class Numbers(NamedTuple):
    """Values, NaN where there is none, and what became of each cell; shape (n,)."""

    value: np.ndarray
    state: np.ndarray


class Style(NamedTuple):
    """How numbers are written: decimal sign, thousands separator (empty: none), words for what is missing."""

    decimal: str = "."
    thousands: str = ""
    missing: tuple[str, ...] = MISSING_WORDS


def numbers(cells: Sequence[str], style: Style, words: Mapping[str, float] | None = None) -> Numbers:
    """Return the numbers in cells; `words` are modes written out, and what they stand for."""
    quick = _quick(cells, style) if not words else None
    if quick is not None:
        return Numbers(quick, np.zeros(quick.size, np.uint8))
    value, state = np.full(len(cells), np.nan), np.zeros(len(cells), np.uint8)
    missing = {word.lower() for word in style.missing}
    known: dict[str, tuple[float, int]] = {}
    for row, cell in enumerate(cells):
        if (read := known.get(cell)) is None:
            read = _one(cell.strip(), style, words or {}, missing)
            if len(known) < 100_000:
                known[cell] = read
        value[row], state[row] = read
    return Numbers(value, state)


def _quick(cells: Sequence[str], style: Style) -> np.ndarray | None:
    """Return numbers where every cell is a plain one, or None."""
    if style.thousands:
        return None
    line = "\n".join(cells)
    if style.decimal != ".":
        if "." in line:
            return None
        line = line.replace(style.decimal, ".")
    if not set(line) <= _QUICK | {"\n"}:
        return None
    try:
        return np.array([float(cell) for cell in line.split("\n")]) if cells else np.zeros(0)
    except ValueError:
        return None


def _one(cell: str, style: Style, words: Mapping[str, float], missing: set[str]) -> tuple[float, int]:
    if not cell:
        return np.nan, EMPTY
    if cell in words:
        return words[cell], READ
    plain = _without_thousands(cell, style)
    if plain is not None and style.decimal != ".":
        plain = None if "." in plain else plain.replace(style.decimal, ".")
    if plain is not None and (_STRICT.fullmatch(plain) or _INFINITE.fullmatch(plain)):
        return float(plain), READ
    return np.nan, MISSING if cell.lower() in missing else UNREADABLE


def _without_thousands(cell: str, style: Style) -> str | None:
    """Return a number without its thousands separators, or None where they stand in the wrong places."""
    signs = _GAPS.get(style.thousands, style.thousands)
    if not signs or not any(sign in cell for sign in signs):
        return cell
    whole, point, rest = cell.partition(style.decimal)
    if not re.fullmatch(rf"[+-]?\d{{1,3}}(?:[{re.escape(signs)}]\d{{3}})+", whole, re.ASCII):
        return None
    return re.sub(f"[{re.escape(signs)}]", "", whole) + point + rest
