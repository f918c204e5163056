"""What an archive's file consists of: tables of columns, each a dataset, and the attributes that say what it is."""

from collections.abc import Mapping
from typing import Protocol

import h5py
import numpy as np

FORMAT = "equipment-twin archive"
VERSION = 1

TABLES: Mapping[str, Mapping[str, str]] = {
    # As received: in the order of the journal, in blocks that are sorted by tag. `frame` is a row of `frames`.
    "readings": {"time": "<i8", "value": "<f8", "quality": "<u4", "frame": "<u4"},
    # Where the readings of a column are: those of one block a row.
    "index": {"column": "<u4", "begin": "<i8", "count": "<u4"},
    # A tag as a gateway declared it.
    "columns": {"name": "S128", "unit": "S80", "gateway": "S128"},
    # A batch of readings: the entry of the journal, when it came, from whom; `readings` as it was sent.
    "frames": {"entry": "<i8", "received": "<i8", "clock": "<i8", "source": "<u4", "seq": "<i8", "readings": "<u4"},
    "sources": {"gateway": "S128", "run": "<i8"},
    # What else the journal has: as it came, `length` bytes of `bodies` each.
    "entries": {
        "entry": "<i8", "kind": "S8", "received": "<i8", "clock": "<i8", "source": "<u4", "seq": "<i8", "length": "<u4",
    },
    "bodies": {"body": "|u1"},
}  # fmt: skip

ROWS: Mapping[str, int] = {
    "readings": 32768,
    "index": 16384,
    "columns": 1024,
    "frames": 16384,
    "sources": 1024,
    "entries": 4096,
    "bodies": 262144,
}
"""Rows in a chunk."""

FILTERS = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}


class Store(Protocol):
    """Takes rows of tables in order."""

    def put(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        """Take the next rows of a table."""


def hdf5_type(kind: str) -> np.dtype:
    """Return the type of a dataset: text is UTF-8 of fixed length."""
    if kind.startswith("S"):
        text: np.dtype = h5py.string_dtype("utf-8", int(kind[1:]))
        return text
    return np.dtype(kind)


def array(table: str, column: str, values: object) -> np.ndarray:
    """Return values as a column has them; text is encoded."""
    kind = TABLES[table][column]
    if kind.startswith("S"):
        values = [str(value).encode() for value in values]  # type: ignore[attr-defined]
    return np.asarray(values, np.dtype(kind))
