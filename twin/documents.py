"""What flows from a run to every sink: columns described once per stream, then rows as blocks.

A run is ``Start``, a ``Schema`` for every stream, then ``Frame``, ``Happening`` and ``Estimate`` as they
come, and ``Stop``.
"""

from typing import Literal, Protocol

import numpy as np
from msgspec import Struct

from twin.quality import BAD as BAD
from twin.quality import BAD_WAITING_FOR_INITIAL_DATA as BAD_WAITING_FOR_INITIAL_DATA
from twin.quality import GOOD as GOOD

Ending = Literal["done", "interrupted", "failed"]
"""How a run ended: at the planned time, by a person, or because its numbers stopped meaning anything."""


class Document(Struct, frozen=True, eq=False, tag=True):
    """Base of every document; arrays are compared by content with numpy, never by ``==``."""


class Start(Document, frozen=True, eq=False, tag=True):
    """What is about to run.

    Attributes
    ----------
    plant : str
        Name of the plant.
    text : str
        The plant file, whole.
    seed : int
        What every random number of the run derives from.
    members : int
        How many machines are simulated at once.
    until : float
        Planned end [s].
    overrides : dict
        Values that differ from the plant file, ``asset.quantity``: as written.
    """

    plant: str
    text: str
    seed: int
    members: int
    until: float
    overrides: dict[str, str] = {}


class Column(Struct, frozen=True):
    """One tag of a stream: what it is called, in which unit its rows are, and what it measures.

    ``reads`` is the ``asset.quantity`` behind it, ``doc`` the sentence that declares it; `low` and `high`
    are its alarm limits in `unit`.
    """

    name: str
    unit: str
    reads: str
    doc: str
    low: float = float("-inf")
    high: float = float("inf")


class Schema(Document, frozen=True, eq=False, tag=True):
    """The columns of a stream, which are sampled together every `period` [s]."""

    stream: str
    period: float
    columns: tuple[Column, ...]


class Frame(Document, frozen=True, eq=False, tag=True):
    """A block of rows of a stream.

    Attributes
    ----------
    stream : str
        Name of the `Schema` that describes the columns.
    first : int
        Number of the first row, counted from the start of the run.
    times : numpy.ndarray
        Shape (n,) [s].
    value, truth : numpy.ndarray
        What the instrument shows and what it should, shape (columns, members, n), in the columns' units.
    quality : numpy.ndarray
        OPC UA status codes, uint32, shape (columns, members, n); only where ``Good`` is `value` a measurement.
    """

    stream: str
    first: int
    times: np.ndarray
    value: np.ndarray
    truth: np.ndarray
    quality: np.ndarray


class Happening(Document, frozen=True, eq=True, tag=True):
    """A transition of a member: ``asset.guard`` or ``asset.due``, at `time` [s]."""

    time: float
    member: int
    name: str


class Estimate(Document, frozen=True, eq=False, tag=True):
    """What is believed at `time` [s]: means and covariance (SI) of states and parameters called `names`."""

    time: float
    names: tuple[str, ...]
    mean: np.ndarray
    covariance: np.ndarray


class Advisory(Document, frozen=True, eq=True, tag=True):
    """What the operator is told of a condition, without its words: `twin.monitor.texts` has them.

    Attributes
    ----------
    id : str
        Of this occurrence.
    key : str
        Of the condition, whenever it occurs.
    code : str
        Of the message.
    state : str
        By ISA-18.2: unacknowledged, acknowledged, returned, shelved, suppressed or out_of_service; normal ends it.
    priority : int
        1 (act now), 2 or 3.
    size, peak : float
        How far from normal it is and was [sigma], and the sign of where to.
    probability : float
        Of the explanation that `code` gives.
    since, raised, changed : float
        When it began, became active and changed its state last, source time [s].
    values : dict
        Parameters of the text.
    about : tuple of str
        Assets and tags that it concerns beside those that `key` names.
    hidden_by, by, reason : str
        Why it is shelved, suppressed or out of service: by what, by whom and what was said; else empty.
    until : float
        When that ends by itself [s].
    note : str
        Last comment.
    """

    id: str
    key: str
    code: str
    state: str
    priority: int
    size: float
    peak: float
    probability: float
    since: float
    raised: float
    changed: float
    values: dict[str, float | str]
    about: tuple[str, ...] = ()
    hidden_by: str = ""
    by: str = ""
    reason: str = ""
    until: float = float("inf")
    note: str = ""


class Stop(Document, frozen=True, eq=True, tag=True):
    """The end of a run at `time` [s]; `message` says why where it wasn't the planned end."""

    time: float
    ending: Ending = "done"
    message: str = ""


class Sink(Protocol):
    """Whatever takes documents: a recorder, a bus, a view, a test's list."""

    def put(self, document: Document) -> None:
        """Take the next document of the run."""
        ...
