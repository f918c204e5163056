"""Which encoding a text file is in, found in its bytes: UTF-8, UTF-16, CP949 or CP1252."""

import codecs
import stat
from pathlib import Path
from typing import BinaryIO

from twin.errors import DataError, PlantError
from twin.read import MAX_BYTES, Node, parse

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949", "euc-kr", "cp1252", "latin-1", "ascii")
"""The encodings that a recording may name."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_PIECE = 1 << 20
_SAMPLE = 1 << 16
# What CP1252 files of instruments hold beyond ASCII: where all of it is this, the text is not Korean.
_WESTERN = frozenset("°µ²³±·øØÄÖÜäöüßéèêëàâçñáíóúôîïåÅæÆ§\xa0")


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading; what is no regular file, as a pipe that would be waited for, is refused.

    Raises
    ------
    DataError
        If it can't be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataError(f"{path}: can't be read: it is no regular file; name a file")
        return path.open("rb")
    except OSError as err:
        raise DataError(f"{path}: can't be read: {err.strerror}; check the path") from None


def detect(path: Path) -> str:
    """Return the encoding of a whole text file.

    A mark at its beginning decides; else zeros in every second byte are UTF-16; else what decodes as UTF-8 is
    that; else CP1252, if all beyond ASCII are signs as in ``°C`` and a few letters; else CP949.

    Raises
    ------
    DataError
        If the file is in none of these.
    """
    with open_regular(path) as file:
        start = file.read(_SAMPLE)
        for mark, encoding in _MARKS:
            if start.startswith(mark):
                return encoding
        if b"\0" in start:
            return _wide(path, start)
        if _foreign(file, "utf-8") is not None:
            return "utf-8"
        western, korean = _foreign(file, "cp1252"), _foreign(file, "cp949")
    if western is not None and western <= _WESTERN:
        return "cp1252"
    if korean is not None and _is_korean(korean):
        return "cp949"
    raise DataError(f"{path}: is neither UTF-8, UTF-16, CP949 nor CP1252; name its encoding or save it as UTF-8")


def _wide(path: Path, start: bytes) -> str:
    """Return which UTF-16 a file without a mark is in."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if min(even, odd) * 10 > max(even, odd) or max(even, odd) * 20 < len(start):
        raise DataError(f"{path}: holds zero bytes; it is no text file")
    return "utf-16-be" if even > odd else "utf-16-le"


def _foreign(file: BinaryIO, encoding: str) -> set[str] | None:
    """Return the characters beyond ASCII, or None where the bytes are not in this encoding."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    found: set[str] = set()
    try:
        while piece := file.read(_PIECE):
            text = decoder.decode(piece)
            if not text.isascii():
                found.update(text)
        found.update(decoder.decode(b"", final=True))
    except UnicodeDecodeError:
        return None
    return {character for character in found if not character.isascii()}


def _is_korean(foreign: set[str]) -> bool:
    """Return whether characters read as CP949 are those that Korean is written with."""
    # Rare syllables are only in CP949, but so is what a lone western letter makes of its neighbour.
    return 2 * sum(map(_is_common, foreign)) >= len(foreign)


def _is_common(character: str) -> bool:
    """Return whether a character is one of the 8,226 of KS X 1001, which take two bytes."""
    try:
        return len(character.encode("euc-kr")) == 2
    except UnicodeEncodeError:
        return False


def read_yaml(path: Path) -> Node:
    """Return a recipe or recording as nested `Node`, whichever of the encodings it is in.

    Raises
    ------
    PlantError
        If it can't be read or is no YAML mapping.
    """
    try:
        with open_regular(path) as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise PlantError(f"{path}: larger than {MAX_BYTES} bytes; this is no recipe or recording")
        text = raw.decode(detect(path))
    except (DataError, UnicodeDecodeError) as err:
        said = str(err) if isinstance(err, DataError) else f"{path}: {err.reason} at byte {err.start}; save it as UTF-8"
        raise PlantError(said) from None
    return parse(text, path.name)
