"""What assets declare, packed into parameters of a text and told in the reader's language."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from twin.declare import Asset, Fault
from twin.errors import TwinError, unknown
from twin.monitor.book import english_name, in_korean
from twin.monitor.words import SIGMA, Language, percent, plain

_One = tuple[str, str, str]
"""Path, class, and the English that the class declares."""


def asset(name: str, cls: type[Asset]) -> str:
    """Return the parameter that names an asset with its kind."""
    return _packed((name, cls.__name__, ""))


def place(path: str, cls: type[Asset] | None) -> str:
    """Return the parameter that names a quantity, ``pump_1.T_b`` of the asset's class `cls`.

    Without a class it is a name of the plant's own, as of what several assets share.
    """
    return _packed(_place(path, cls))


def places(paths: Iterable[tuple[str, type[Asset] | None]]) -> str:
    """Return the parameter that names several quantities."""
    return _packed([_place(path, cls) for path, cls in paths])


def fault(path: str, cls: type[Asset]) -> dict[str, float | str]:
    """Return the parameters `fault`, `respond` and `within` of a declared fault, ``pump_1.wear``.

    Raises
    ------
    TwinError
        If the class declares no such fault.
    """
    name = path.partition(".")[2]
    declared = cls.quantities().get(name)
    if not isinstance(declared, Fault):
        faults = [n for n, q in cls.quantities().items() if isinstance(q, Fault)]
        raise TwinError(f"{path}: {unknown('fault', name, faults)}")
    advice = _packed((path, cls.__name__, declared.respond))
    return {"fault": place(path, cls), "respond": advice, "within": declared.within}


def faults(candidates: Iterable[tuple[str, type[Asset], float]]) -> str:
    """Return the parameter that names faults by path, class and probability, the likeliest first."""
    return _packed([(probability, *_place(path, cls)) for path, cls, probability in candidates])


def readings(deviations: Iterable[tuple[str, float]]) -> str:
    """Return the parameter that names tags with how far they are from what is expected [sigma]."""
    return _packed([(tag, float(sigma)) for tag, sigma in deviations])


def told_asset(value: str, part: str, language: Language) -> str:
    """Return an asset with its kind."""
    name, cls, _ = _one(value)
    if part == "name":
        return plain(name)
    kind = _kind(cls, language)
    if part == "kind":
        return kind
    return f"{plain(name)}({kind})" if language == "ko" else f"{plain(name)} ({kind})"


def told_place(value: str, part: str, language: Language) -> str:
    """Return a quantity by its declared phrase."""
    return _told_place(_one(value), part, language)


def told_places(value: str, part: str, language: Language) -> str:
    """Return quantities, separated by commas."""
    told = [_told_place(entry, part, language) for entry in _unpacked(value, list[_One])]
    return ", ".join(told)


def told_fault(value: str, part: str, language: Language) -> str:
    """Return a fault: its name with its asset, or its part ``asset``, ``name``, ``doc``, ``kind``."""
    return _told_fault(_one(value), part, language)


def told_faults(value: str, part: str, language: Language) -> str:
    """Return faults with their probabilities, as a choice."""
    entries = _unpacked(value, list[tuple[float, str, str, str]])
    told = [(_told_fault(entry[1:], "", language), percent(entry[0], language)) for entry in entries]
    if language == "ko":
        return " 또는 ".join(f"{name}({chance})" for name, chance in told)
    return " or ".join(f"{name} ({chance})" for name, chance in told)


def told_advice(value: str, part: str, language: Language) -> str:
    """Return what to do about a fault, as declared."""
    path, cls, english = _one(value)
    korean = in_korean(cls, "respond", path.partition(".")[2], english) if language == "ko" else ""
    return korean or plain(english)


def told_readings(value: str, part: str, language: Language) -> str:
    """Return tags with how far they are off, or their part ``tags``."""
    entries = _unpacked(value, list[tuple[str, float]])
    if part == "tags":
        return ", ".join(plain(tag) for tag, _ in entries)
    low, high = (f"{SIGMA} 낮음", f"{SIGMA} 높음") if language == "ko" else (" sigma too low", " sigma too high")
    return ", ".join(f"{plain(tag)} {abs(sigma):.1f}{low if sigma < 0.0 else high}" for tag, sigma in entries)


TOLD: dict[str, tuple[Callable[[str, str, Language], str], tuple[str, ...]]] = {
    "asset": (told_asset, ("name", "kind")),
    "place": (told_place, ("asset", "doc")),
    "places": (told_places, ()),
    "fault": (told_fault, ("asset", "name", "doc")),
    "faults": (told_faults, ()),
    "advice": (told_advice, ()),
    "readings": (told_readings, ("tags",)),
}
"""Kinds of packed parameters: what tells them, and the parts that a text can ask for."""


def _place(path: str, cls: type[Asset] | None) -> _One:
    if cls is None:
        return path, "", ""
    name = path.partition(".")[2]
    quantities = cls.quantities()
    if name not in quantities:
        raise TwinError(f"{path}: {unknown('quantity', name, quantities)}")
    return path, cls.__name__, quantities[name].doc


def _told_place(entry: _One, part: str, language: Language) -> str:
    path, cls, english = entry
    owner, _, name = path.partition(".")
    if part == "asset":
        return plain(owner)
    korean = in_korean(cls, "quantity", name, english) if language == "ko" else ""
    if part == "doc":
        return korean or plain(english) or plain(path)
    if korean:
        inside = f"{korean[:-1]}, {plain(name)})" if korean.endswith(")") else f"{korean}({plain(name)})"
        return f"{plain(owner)} {inside}"
    if not english:
        return plain(path)
    return f"{plain(path)}({plain(english)})" if language == "ko" else f"{plain(path)} ({plain(english)})"


def _told_fault(entry: _One, part: str, language: Language) -> str:
    path, cls, english = entry
    owner, _, name = path.partition(".")
    korean = language == "ko"
    told = (in_korean(cls, "fault", name, english) if korean else "") or plain(name).replace("_", " ")
    if part == "asset":
        return plain(owner)
    if part == "name":
        return told
    if part == "doc":
        return (in_korean(cls, "doc", name, english) if korean else "") or plain(english)
    return f"{plain(owner)} {told}"


def _kind(cls: str, language: Language) -> str:
    return (in_korean(cls, "name", "", "") if language == "ko" else "") or plain(english_name(cls))


def _packed(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _one(value: str) -> _One:
    one: _One = _unpacked(value, _One)
    return one


def _unpacked(value: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(value, type=kind)
    except (msgspec.DecodeError, UnicodeEncodeError) as err:
        raise TwinError(f"{plain(value)!r} is no packed name ({err}); make it by twin.monitor.names") from None
