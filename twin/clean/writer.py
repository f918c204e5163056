"""Cleaned readings into a file of their own: CSV, Parquet or HDF5, one reading a row, whole or not at all."""

import csv
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np

from twin.clean.block import Block, joined
from twin.clean.recipe import Recipe
from twin.errors import DataError

COLUMNS = ("time", "tag", "value", "unit", "quality")
MOST = 50_000_000
"""Readings in an HDF5 file, which is made in memory."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")


def write(path: Path, recipe: Recipe, blocks: Iterable[Block]) -> int:
    """Write readings, SI values with their units, into a new file; its name says the format. Return how many.

    Raises
    ------
    DataError
        If the name says no format, the file exists, or can't be written.
    """
    writers = {".csv": _csv, ".parquet": _parquet, ".h5": _hdf5}
    if path.suffix not in writers:
        raise DataError(f"{path}: name it with one of {', '.join(writers)}")
    if path.exists() or path.is_symlink():
        raise DataError(f"{path}: exists; name another file, or remove it")
    try:
        with path.open("xb"):  # taken, so that nothing else is written over
            pass
    except OSError as err:
        raise _unwritable(path, err) from None
    temporary: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            count = writers[path.suffix](file, recipe, blocks)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
    except BaseException as err:
        path.unlink(missing_ok=True)
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if isinstance(err, OSError):
            raise _unwritable(path, err) from None
        raise
    return count


def _unwritable(path: Path, err: OSError) -> DataError:
    return DataError(f"{path}: can't be written: {err.strerror or err}; check the folder and the disk")


def harmless(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv(file: IO[bytes], recipe: Recipe, blocks: Iterable[Block]) -> int:
    from io import TextIOWrapper

    names = [(harmless(steps.tag), harmless(steps.si)) for steps in recipe.tags]
    count = 0
    text = TextIOWrapper(file, "utf-8", newline="", write_through=True)
    out = csv.writer(text, lineterminator="\n")
    out.writerow(COLUMNS)
    for block in blocks:
        times = np.datetime_as_string(block.time.astype("datetime64[us]"))
        rows = zip(times.tolist(), block.tag.tolist(), block.value.tolist(), block.quality.tolist(), strict=True)
        out.writerows((f"{t}Z", names[tag][0], repr(value), names[tag][1], quality) for t, tag, value, quality in rows)
        count += block.tag.size
    text.flush()
    text.detach()
    return count


def _parquet(file: IO[bytes], recipe: Recipe, blocks: Iterable[Block]) -> int:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise DataError("Parquet needs pyarrow; install equipment-twin[tables]") from None
    text = pa.dictionary(pa.int32(), pa.string())
    kinds = (pa.timestamp("us", "UTC"), text, pa.float64(), text, pa.uint32())
    schema = pa.schema(list(zip(COLUMNS, kinds, strict=True)))
    tags, units = ([getattr(steps, name) for steps in recipe.tags] for name in ("tag", "si"))
    count = 0
    with parquet.ParquetWriter(file, schema) as out:
        for block in blocks:
            index = pa.array(block.tag, pa.int32())
            columns: list[Any] = [
                pa.array(block.time, pa.int64()).cast(kinds[0]),
                pa.DictionaryArray.from_arrays(index, tags),
                pa.array(block.value, pa.float64()),
                pa.DictionaryArray.from_arrays(index, units),
                pa.array(block.quality, pa.uint32()),
            ]
            out.write_table(pa.Table.from_arrays(columns, schema=schema))
            count += block.tag.size
    return count


def _hdf5(file: IO[bytes], recipe: Recipe, blocks: Iterable[Block]) -> int:
    import h5py

    kept, count = [], 0
    for block in blocks:
        kept.append(block)
        count += block.tag.size
        if count > MOST:
            raise DataError(f"more than {MOST} readings; write them as .parquet")
    whole = joined(kept)
    tags, units = (np.array([getattr(steps, name).encode() for steps in recipe.tags], "S") for name in ("tag", "si"))
    values = whole.time, tags[whole.tag], whole.value, units[whole.tag], whole.quality
    # In memory: where HDF5 itself meets a full disk, it crashes the process.
    with h5py.File("readings", "w", driver="core", backing_store=False) as out:
        for name, column in zip(COLUMNS, values, strict=True):
            out.create_dataset(name, data=column, compression="gzip", compression_opts=1, shuffle=True, fletcher32=True)
        out.attrs["time"] = np.bytes_("microseconds since 1970, UTC")
        out.flush()
        file.write(out.id.get_file_image())
    return count
