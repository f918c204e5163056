"""A data set as tables, one Parquet file a split: a line for every row of every run that has numbers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from scenarios.dataset.manifest import INDEX, Manifest
from scenarios.dataset.reading import Dataset
from scenarios.dataset.shard import PER_RUN
from scenarios.dataset.spec import SPLITS
from twin.errors import DataError

GROUP = 131_072
"""Rows of a group, about: what is held in memory of a split at a time."""
DRAWN = tuple(name for name in PER_RUN if name not in ("number", "split"))
LABELS = {
    "label_fault": ("1", "what is wrong with the equipment"),
    "label_severity": ("1", "how bad it is, as a share of the worst"),
    "label_rul": ("s", "time to the end of life; null where it isn't known"),
    "label_mode": ("1", "how the plant is operated"),
    "label_anomaly": ("1", "whether something is wrong with the equipment"),
    "label_changepoint": ("1", "first row after a change, as bits: 1 fault, 2 mode, 4 sensor fault"),
    "label_sensor_fault": ("1", "what is wrong with an instrument"),
}


class Field(NamedTuple):
    """A column: its name, unit, and a sentence; classes are named by `names`, others have Arrow's `type`."""

    name: str
    unit: str
    doc: str
    type: Any = None
    names: list[str] | None = None


def write_tables(data: Dataset, folder: Path) -> None:
    """Write every split that has runs, run after run, a group of rows at a time.

    Columns are ``run``, ``time``, the signals by the names of their tags (null where nothing was measured), labels
    (``label_...``), and what was drawn of the run (``run_...``). Names of classes are text, packed as dictionaries.

    Parameters
    ----------
    data : Dataset
    folder : Path
        Gets ``train.parquet`` and so on.

    Raises
    ------
    DataError
        If pyarrow isn't installed.
    """
    try:
        import pyarrow.parquet
    except ImportError:
        raise DataError("--parquet: pyarrow is missing: pip install 'equipment-twin[tables]'") from None
    filled = [split for split in SPLITS if len(data.split(split))]  # not what the file says: names become files
    tables = _Tables(data)
    for split in filled:
        schema = tables.schema(split)
        with pyarrow.parquet.ParquetWriter(folder / f"{split}.parquet", schema, compression="zstd") as writer:
            for group in tables.groups(split, schema):
                writer.write_table(group, row_group_size=len(group))


class _Tables:
    """Makes tables of a data set's runs."""

    def __init__(self, data: Dataset) -> None:
        self.data, self.said = data, data.manifest
        with h5py.File(data.folder / INDEX, "r") as index:
            self.drawn = [_drawn(self.said, name, dict(index[f"runs/{name}"].attrs)) for name in DRAWN]
        taken = {"run", "time", *LABELS, *(field.name for field in self.drawn)}
        self.signals = [f"signal_{c.name}" if c.name in taken else c.name for c in self.said.channels]
        self.fields = self._fields()

    def _fields(self) -> list[Field]:
        import pyarrow as pa

        said = self.said
        kinds = {"label_anomaly": pa.bool_(), "label_changepoint": pa.uint8()}
        names = {
            "label_fault": [each.name for each in said.classes],
            "label_mode": [each.name for each in said.modes] or ["only"],
            "label_sensor_fault": ["none", *(each.name for each in said.sensor_faults)],
        }
        return [
            Field("run", "1", "number of the run", pa.int64()),
            Field("time", "s", "from the run's first row", pa.float64()),
            *(Field(n, c.unit, c.doc, pa.float32()) for n, c in zip(self.signals, said.channels, strict=True)),
            *(Field(name, *doc, kinds.get(name, pa.float32()), names.get(name)) for name, doc in LABELS.items()),
            *(f if f.names else f._replace(type=pa.from_numpy_dtype(self._values(f).dtype)) for f in self.drawn),
        ]

    def _values(self, field: Field) -> np.ndarray:
        """Return what was drawn of every run."""
        return self.data.runs[field.name.removeprefix("run_")]

    def schema(self, split: str) -> Any:
        """Return names and types of columns, with units."""
        import pyarrow as pa

        said, found = self.said, []
        for field in self.fields:
            kind = pa.dictionary(pa.int32(), pa.string()) if field.names else field.type
            found.append(pa.field(field.name, kind, metadata={"unit": field.unit, "description": field.doc}))
        about = {"dataset": said.name, "identity": said.identity, "license": said.license, "split": split}
        return pa.schema(found, metadata=about)

    def groups(self, split: str, schema: Any) -> Iterator[Any]:
        """Yield a split's rows in groups."""
        import pyarrow as pa

        held: list[Any] = []
        for run in self.data.split(split):
            for first in range(0, self.said.rows, GROUP):
                held.append(self._rows(int(run), first, min(GROUP, self.said.rows - first), schema))
                if sum(map(len, held)) >= GROUP:
                    yield pa.concat_tables(held).combine_chunks()
                    held = []
        if held:
            yield pa.concat_tables(held).combine_chunks()

    def _rows(self, run: int, first: int, count: int, schema: Any) -> Any:
        """Return some rows of a run."""
        import pyarrow as pa

        def read(series: str) -> np.ndarray:
            return self.data.window(run, first, count, series)

        signals = read("signals")
        columns: dict[str, np.ndarray] = {
            "run": np.full(count, run), "time": (first + np.arange(count)) * self.said.every,
            **{name: signals[:, c] for c, name in enumerate(self.signals)},
            "label_fault": read("labels/fault"), "label_severity": read("labels/severity"),
            "label_rul": read("labels/rul"), "label_mode": read("labels/mode"),
            "label_anomaly": read("labels/anomaly") > 0, "label_changepoint": read("labels/changepoint"),
            "label_sensor_fault": read("labels/sensor_fault").max(axis=1),  # one instrument of a run, at most
            **{field.name: np.full(count, self._values(field)[run]) for field in self.drawn},
        }  # fmt: skip
        arrays = []
        for field in self.fields:
            if field.names is None:
                arrays.append(pa.array(columns[field.name], field.type, from_pandas=True))
                continue
            try:
                arrays.append(pa.DictionaryArray.from_arrays(columns[field.name].astype(np.int32), field.names))
            except IndexError as err:
                raise DataError(
                    f"{self.data.folder}: run {run}: {field.name}: {err}; run `twin dataset check`, make it again"
                ) from None
        return pa.table(arrays, schema=schema)


def _drawn(said: Manifest, name: str, attrs: dict[str, Any]) -> Field:
    """Return the column of what was drawn of runs."""
    names = str(attrs["flag_meanings"]).split(" ") if "flag_meanings" in attrs else None
    if name == "plant":
        names = list(said.plants)
    return Field(f"run_{name}", str(attrs.get("units", "1")), str(attrs.get("long_name", "")), names=names)
