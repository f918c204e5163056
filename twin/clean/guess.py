"""What a column's header says, in English or Korean: which unit, and what kind of quantity."""

import re
import unicodedata
from typing import Literal, NamedTuple

from twin.errors import TwinError
from twin.units import to_si

Kind = Literal[
    "temperature",
    "pressure",
    "flow",
    "level",
    "vibration",
    "speed",
    "current",
    "voltage",
    "power",
    "torque",
    "force",
    "position",
    "frequency",
    "opening",
    "state",
]


class Said(NamedTuple):
    """What a header says: the kind of quantity and the unit as twin spells it, each empty where it doesn't."""

    kind: Kind | Literal[""]
    unit: str


# How people write units, and how twin does; compared in lower case, without blanks, after NFKC: that makes
# degrees and cubic metres that are one character, superscripts and full-width brackets what they stand for.
_UNITS = {
    "degC": "°c degc deg.c celsius 섭씨 c",
    "degF": "°f degf",
    "K": "k kelvin",
    "bar": "bar bara barg",
    "mbar": "mbar",
    "kPa": "kpa kpag",
    "MPa": "mpa mpag",
    "Pa": "pa",
    "psi": "psi psig",
    "kgf/cm2": "kgf/cm2 kg/cm2",
    "l/min": "l/min lpm liter/min litre/min",
    "l/s": "l/s",
    "m3/h": "m3/h cmh m3/hr",
    "m3/min": "m3/min cmm",
    "m3/s": "m3/s",
    "mm": "mm",
    "cm": "cm",
    "m": "m meter",
    "um": "um \u03bcm",
    "mm/s": "mm/s",
    "m/s": "m/s",
    "m/s2": "m/s2 m\u2215s2",
    "standard_gravity": "g grms g-rms",
    "rpm": "rpm r/min",
    "Hz": "hz",
    "rad/s": "rad/s",
    "A": "a amp ampere arms",
    "mA": "ma",
    "V": "v volt vrms vac vdc",
    "mV": "mv",
    "W": "w",
    "kW": "kw",
    "N.m": "nm n.m n·m n-m",
    "N": "n",
    "kN": "kn",
    "percent": "% pct percent",
    "s": "s sec",
    "deg": "deg °",
}
_SPELLING = {word: unit for unit, words in _UNITS.items() for word in words.split()}

# The first kind of which a word is found; Korean words stand anywhere, English ones begin a word.
_KINDS: dict[Kind, tuple[str, str]] = {
    "vibration": ("진동 가속도", "vib accel rms_acc"),
    "flow": ("유량 유속", "flow"),
    "level": ("수위 레벨 액위", "level lvl"),
    "pressure": ("압력 차압 토출압 흡입압", "press pressure"),
    "temperature": ("온도 수온 유온", "temp temperature thermo thermocouple"),
    "speed": ("회전수 회전속도 속도", "speed rpm rev"),
    "current": ("전류", "current amp"),
    "voltage": ("전압", "volt voltage"),
    "power": ("전력 동력", "power kw"),
    "torque": ("토크", "torque"),
    "force": ("하중 힘", "force load"),
    "position": ("위치 변위", "pos position displacement stroke"),
    "frequency": ("주파수", "freq frequency"),
    "opening": ("개도 개방률", "opening"),
    "state": ("상태 모드 운전 가동 밸브", "state status mode run running on valve heater fan"),
}
# What a unit alone gives away.
_BY_UNIT: dict[str, Kind] = {
    **dict.fromkeys(("degC", "degF", "K"), "temperature"),
    **dict.fromkeys(("bar", "mbar", "kPa", "MPa", "Pa", "psi", "kgf/cm2"), "pressure"),
    **dict.fromkeys(("l/min", "l/s", "m3/h", "m3/min", "m3/s"), "flow"),
    "m/s2": "vibration",
    **dict.fromkeys(("rpm", "rad/s"), "speed"),
    **dict.fromkeys(("A", "mA"), "current"),
    **dict.fromkeys(("V", "mV"), "voltage"),
    **dict.fromkeys(("W", "kW"), "power"),
    "N.m": "torque",
    **dict.fromkeys(("N", "kN"), "force"),
    "Hz": "frequency",
}
# Whether a kind is measured in a unit at all: "g" of a scale is no vibration.
_SI: dict[str, str] = {
    "temperature": "K",
    "pressure": "Pa",
    "flow": "m3/s",
    "level": "m",
    "vibration": "m/s2",
    "speed": "rad/s",
    "current": "A",
    "voltage": "V",
    "power": "W",
    "torque": "N.m",
    "force": "N",
    "position": "m",
    "frequency": "Hz",
    "opening": "1",
    "state": "1",
}
_BRACKETS = re.compile(r"[(\[{<](?P<unit>[^()\[\]{}<>]{1,20})[)\]}>]\s*$")
_LAST = re.compile(r"[\s_,/:-]+(?P<unit>[^\s_,:]{1,12})$")
_TIMES = ("time", "date", "timestamp", "datetime", "ts", "시간", "시각", "일시", "날짜", "일자", "측정일")


def spelled(text: str) -> str:
    """Return a unit as twin spells it, empty where it isn't known."""
    bare = unicodedata.normalize("NFKC", text).strip().strip("[](){}").strip()
    found = _SPELLING.get(bare.lower().replace(" ", ""))
    if found is None and bare:
        try:
            for si in dict.fromkeys(_SI.values()):
                if _measures(bare, si):
                    return bare
        except TwinError:
            return ""
    return found or ""


def _measures(unit: str, si: str) -> bool:
    try:
        to_si(f"1 {unit}", si)
    except TwinError:
        return False
    return True


def said(header: str, unit: str = "") -> Said:
    """Return what a header says, and a unit that the file gives beside it."""
    name, given = unicodedata.normalize("NFKC", header).strip(), spelled(unit)
    if found := _BRACKETS.search(name):
        name, given = name[: found.start()].strip(), given or spelled(found["unit"])
    elif found := _LAST.search(name):
        last = _SPELLING.get(found["unit"].lower(), "")
        if last and (len(found["unit"]) > 1 or last in ("A", "V", "K", "W")):
            given = given or last
    kind = kind_of(name)
    if given and kind and not _measures(given, _SI[kind]):
        kind = _BY_UNIT.get(given, "")
    if given == "standard_gravity" and kind != "vibration":
        given = ""  # a gram, for all we know
    return Said(kind or _BY_UNIT.get(given, ""), given)


def kind_of(name: str) -> Kind | Literal[""]:
    """Return the kind of quantity that a name speaks of."""
    lower = name.lower()
    words = [word for word in re.split(r"[^a-z]+|(?<=[a-z])(?=[A-Z])", lower) if word]
    words += [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]
    for kind, (korean, english) in _KINDS.items():
        if any(word in lower for word in korean.split()):
            return kind
        if any(word.startswith(start) for word in words for start in english.split() if len(start) > 2):
            return kind
        if any(word == exact for word in words for exact in english.split()):
            return kind
    return ""


def is_time_name(header: str) -> bool:
    """Return whether a header speaks of time."""
    lower = unicodedata.normalize("NFC", header).strip().lower()
    return any(lower.startswith(word) or lower.endswith(word) for word in _TIMES)


def si_of(kind: str) -> str:
    """Return the coherent unit of a kind."""
    return _SI[kind]
