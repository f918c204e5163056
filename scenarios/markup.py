"""HTML and SVG put together from elements: what is text is escaped, and nothing else can be written."""

import unicodedata
from html import escape
from typing import Final

_UNSEEN: Final = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


class Markup(str):
    """Text that is markup already: what `element` returns."""

    __slots__ = ()


def clean(text: str) -> str:
    """Return text with what would move or hide shown as ``�``; lines and tabs stay."""
    return "".join("�" if unicodedata.category(c) in _UNSEEN and c not in "\n\t" else c for c in text)


def element(name: str, /, *children: str, **attributes: object) -> Markup:
    """Return an element; text is escaped, and underscores in names of attributes are hyphens, but for the last.

    An attribute of None is left out.
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(clean(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(child if isinstance(child, Markup) else escape(clean(child)) for child in children)
    return Markup(f"<{name}{said}>{inner}</{name}>")


def joined(*parts: str) -> Markup:
    """Return parts one after the other, text escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escape(clean(part)) for part in parts))
