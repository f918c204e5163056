"""`twin dataset export`: a data set as tables or windows, each kind written whole or not at all."""

import datetime as dt
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from scenarios.dataset import contract as contracts
from scenarios.dataset.reading import Dataset
from scenarios.dataset.tables import write_tables
from scenarios.dataset.windows import write_windows
from twin.cli.arguments import print_json
from twin.errors import DataError

PARQUET, WINDOWS = "parquet", "windows"
"""Folders of exports, inside the data set's unless another is asked for."""


def run(folder: Path, parquet: bool, windows: int | None, each: int, out: Path | None, as_json: bool) -> int:
    """Write what is asked for and say what was written; return the exit code.

    Parameters
    ----------
    folder : Path
        Of the data set.
    parquet : bool
        Whether tables are written, a Parquet file for each split.
    windows : int or None
        Rows of a window; a file of windows for each split, none where this is None.
    each : int
        Windows from each run.
    out : Path or None
        Where the folders `PARQUET` and `WINDOWS` are made; in `folder` if None.
    as_json : bool
        Whether the last line is JSON.

    Raises
    ------
    DataError
        If the contract forbids it, it is there already, can't be written, or windows don't fit runs.
    """
    if not parquet and windows is None:
        raise click.UsageError("nothing to export; give --parquet, --windows ROWS, or both")
    today = dt.datetime.now(dt.UTC).date()
    written: dict[str, int] = {}
    with Dataset(folder) as data:
        contracts.refuse_export(
            contracts.travelling(folder, data.manifest.contract, data.manifest.contract_sha256), today
        )
        if parquet:
            with _whole(out or folder, PARQUET) as there:
                write_tables(data, there)
            written |= _sizes((out or folder) / PARQUET)
        if windows is not None:
            with _whole(out or folder, WINDOWS) as there:
                write_windows(data, there, windows, each)
            written |= _sizes((out or folder) / WINDOWS)
    for name, size in written.items():
        click.echo(f"{name}: {size / 2**20:.1f} MiB")
    if as_json:
        print_json({"files": written})
    return 0


@contextmanager
def _whole(base: Path, name: str) -> Iterator[Path]:
    """Give a folder to write into that becomes ``base/name`` when everything is written, or is no more."""
    target, temporary = base / name, base / f".{name}.tmp"
    if target.exists():
        raise DataError(f"{target}: is there already; remove it, or choose another --out")
    try:
        temporary.mkdir(parents=True)
    except FileExistsError:
        raise DataError(
            f"{temporary}: an export is at work here, or was killed; wait for its end, or remove this folder"
        ) from None
    except OSError as err:
        raise DataError(f"{base}: can't be written: {err.strerror}; choose another --out") from None
    try:
        yield temporary
        temporary.rename(target)
    except OSError as err:
        raise DataError(
            f"{base}: can't be written: {err.strerror or err}; make room, or choose another --out"
        ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _sizes(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_size for path in sorted(folder.iterdir())}
