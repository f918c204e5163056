"""The Korean of what assets declare in English: each asset package may bring a file `korean.yaml`."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from twin.catalogue import folders
from twin.errors import DeclarationError
from twin.read import read

FILE = "korean.yaml"
"""Beside the asset files, keyed by class; says the English that each entry translates, so that none grows stale."""


class Phrase(NamedTuple):
    """A declared sentence or phrase, and its translation."""

    english: str
    korean: str


class Fault(NamedTuple):
    """A fault: its name, the phrase that declares it, and what to do."""

    name: str
    doc: Phrase
    respond: Phrase


class Page(NamedTuple):
    """What is translated of a class of assets: its name, its faults, its quantities."""

    name: Phrase
    faults: Mapping[str, Fault]
    quantities: Mapping[str, Phrase]


@cache
def pages() -> Mapping[str, Page]:
    """Return what every installed asset package translates, by class.

    Raises
    ------
    DeclarationError
        If a file lacks something, or two files translate the same class.
    """
    found: dict[str, Page] = {}
    for file in (folder / FILE for folder in folders()):
        if not file.is_file():
            continue
        own = read_pages(file)
        if twice := sorted(found.keys() & own.keys()):
            raise DeclarationError(f"{file}: {', '.join(twice)}: translated in another package too; rename one of them")
        found |= own
    return found


def read_pages(file: Path) -> dict[str, Page]:
    """Return the translations of one file, by class."""
    tree, _ = read(file)
    try:
        return {cls: _page(entry) for cls, entry in tree.items()}
    except (KeyError, TypeError, AttributeError, ValueError) as err:
        raise DeclarationError(f"{file}: incomplete near {err}; write it like the entries around it") from None


def in_korean(cls: str, role: str, name: str, english: str) -> str:
    """Return the translation of what a class declares, or nothing where there is none of just this English.

    Parameters
    ----------
    role : str
        ``name``, ``fault``, ``doc`` or ``respond`` of a fault, or ``quantity``.
    name : str
        Of the fault or quantity.
    english : str
        What the declaration says; what was translated from other words is not used.
    """
    page = pages().get(cls)
    if page is None:
        return ""
    fault = page.faults.get(name)
    if role == "fault":
        return fault.name if fault else ""
    phrase = {
        "name": page.name,
        "doc": fault.doc if fault else None,
        "respond": fault.respond if fault else None,
        "quantity": fault.doc if fault else page.quantities.get(name),
    }[role]
    return phrase.korean if phrase and (role == "name" or phrase.english == english) else ""


def english_name(cls: str) -> str:
    """Return what a class is called in a sentence."""
    page = pages().get(cls)
    return page.name.english if page else "".join(f" {c.lower()}" if c.isupper() else c for c in cls).strip()


def _page(entry: Any) -> Page:
    faults = {
        name: Fault(fault["name"], Phrase(fault["en"], fault["ko"]), Phrase(*fault["respond"]))
        for name, fault in entry["faults"].items()
    }
    quantities = {name: Phrase(*pair) for name, pair in entry.get("quantities", {}).items()}
    return Page(Phrase(*entry["name"]), faults, quantities)
