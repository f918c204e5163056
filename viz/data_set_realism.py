"""What `twin dataset compare` and `twin dataset check` have found of a data set, where they left it beside the runs."""

from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from twin.errors import DataError
from viz import sealed
from viz.data_sets import MOST_CHANNELS, Name, Text
from viz.words import Language

REALISM, CHECK = "realism/realism.json", "check.json"
REPORTS: dict[Language, str] = {"en": "realism/realism.en.html", "ko": "realism/realism.ko.html"}
MOST_BYTES = 32 * 2**20
MEASURES = ("wasserstein", "ks", "spectrum", "autocorrelation")
VIEWS = ("normalised", "raw", "itself")
"""How two sides were compared: normalised, as they are, and the recording's halves with each other."""
T = TypeVar("T")


class Distances(Struct, frozen=True):
    """How far apart two sides are in one channel; None where it can't be measured."""

    wasserstein: float | None = None
    ks: float | None = None
    spectrum: float | None = None
    autocorrelation: float | None = None


class Channel(Struct, frozen=True):
    """A channel that both have, compared in each way."""

    name: Name
    unit: Name = "1"
    normalised: Distances = Distances()
    raw: Distances = Distances()
    itself: Distances = Distances()


class Classifier(Struct, frozen=True):
    """What a classifier tells of windows it has not seen: area under the curve, and its 95 % interval."""

    auc: float | None = None
    low: float | None = None
    high: float | None = None
    windows: int = 0


class Correlation(Struct, frozen=True):
    """Mean absolute difference of the correlations between channels."""

    distance: float | None = None


class Realism(Struct, frozen=True):
    """How near a data set comes to a recording; scores are 0 to 100, `score_itself` that of the recording's halves."""

    channels: Annotated[list[Channel], Meta(max_length=MOST_CHANNELS)]
    identity: Name = ""
    recording: Name = ""
    score: float | None = None
    score_itself: float | None = None
    classifier: dict[str, Classifier | None] = {}
    correlation: dict[str, Correlation] = {}


class Finding(Struct, frozen=True):
    """Something that is wrong."""

    where: Text = ""
    what: Text = ""
    todo: Text = ""


class Outcome(Struct, frozen=True):
    """How a check ended."""

    state: Name = ""
    said: Text = ""
    findings: list[Finding] = []


class Checked(Struct, frozen=True):
    """What a check of a data set found."""

    passed: bool
    checks: dict[Name, Outcome] = {}


def realism_of(place: Path) -> Realism | None:
    """Return how real a data set was found to be; nothing where nobody has looked.

    Raises
    ------
    DataError
        If what was written can't be read.
    """
    if not sealed.present(place, REALISM):
        return None
    return _decoded(place, REALISM, sealed.content(place, REALISM, MOST_BYTES), Realism)


def check_of(place: Path) -> Checked | None:
    """Return what a check found; nothing where none was kept.

    Raises
    ------
    DataError
        If what was written can't be read.
    """
    if not sealed.present(place, CHECK):
        return None
    # Where the output of `--json` was redirected, words stand before it.
    lines = sealed.content(place, CHECK, MOST_BYTES).rstrip().splitlines()
    return _decoded(place, CHECK, lines[-1] if lines else b"", Checked)


def report(place: Path, language: Language) -> bytes:
    """Return the report of `twin dataset compare` as it was written.

    Raises
    ------
    DataError
        If there is none, or it can't be read.
    """
    return sealed.content(place, REPORTS[language], MOST_BYTES)


def _decoded(place: Path, name: str, content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as err:
        raise DataError(f"{place / name}: is not understood: {str(err)[:300]}; let it be written again") from None
