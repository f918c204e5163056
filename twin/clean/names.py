"""Names as they may be shown on a terminal, and as EQT/1 lets them travel: letters, digits and _ . : / - only."""

import re
from collections.abc import Iterable
from zlib import crc32

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}")
_FOREIGN = re.compile(r"[^A-Za-z0-9_.:/-]+")


def wire_names(tags: Iterable[str]) -> dict[str, str]:
    """Return the name that each tag travels by: its own where that may travel, else one like it and like no other.

    Sender and twin both derive it from the tags of the plant, so neither needs a list.
    """
    found: dict[str, str] = {}
    tags = list(tags)
    taken = {tag for tag in tags if _PLAIN.fullmatch(tag)}
    for tag in tags:
        if tag in taken:
            found[tag] = tag
            continue
        like = _FOREIGN.sub("_", tag)[:100].lstrip(".:/-")
        if not _PLAIN.fullmatch(like) or not like.strip("_") or like in taken:
            like = f"{like or 'tag'}.{crc32(tag.encode()):08x}"
        found[tag] = like
        taken.add(like)
    return found


def plain(text: str) -> str:
    """Return text that a terminal shows and doesn't obey."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
