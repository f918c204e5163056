"""What the branches of a sweep come to: kept in a folder as they finish, whole or not at all, and read again."""

import fcntl
import hashlib
import io
import json
import os
import tempfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np

from twin.errors import DataError, SnapshotError

FORMAT = 1
SWEEP = "sweep.json"
LOCK = "lock"
RESULTS = ".npz"
TEMPORARY = ".tmp"
PIECES = 8
"""Files of results that are held in memory at once."""

_KINDS = "biuf"
_Place = tuple[str, tuple[int, ...], tuple[str, ...]]

Value = float | np.ndarray
Result = Mapping[str, Value]
"""What one branch comes to: named numbers, or arrays of numbers."""


class Failed(NamedTuple):
    """What a branch comes to where it comes to nothing."""

    reason: str


def misfit(result: object) -> str:
    """Return why something is no result that can be kept, or nothing."""
    if not isinstance(result, Mapping):
        return f"a {type(result).__name__} is no result; return a dict of numbers and arrays"
    for name, value in result.items():
        if not isinstance(name, str):
            return f"the name {name!r} is no text; name results by text"
        kind = value.dtype.kind if isinstance(value, np.ndarray | np.generic) else np.array(value).dtype.kind
        if kind not in _KINDS:
            return f"{name}: a {type(value).__name__} can't be kept; return numbers and arrays of numbers"
    return ""


def packed(identity: str, results: Mapping[str, Result]) -> bytes:
    """Return results by their branches' keys as the bytes of an .npz file, the same whenever they are the same.

    What has the same names and shapes is stacked, ``(branch, name, *shape)``, so that a file has few members.
    """
    stacks: dict[_Place, tuple[list[int], list[np.ndarray]]] = {}
    for row, result in enumerate(results.values()):
        alike: dict[tuple[str, tuple[int, ...]], dict[str, np.ndarray]] = {}
        for name, value in result.items():
            array = np.asarray(value)
            array = array.astype(array.dtype.newbyteorder("<"), copy=False)
            alike.setdefault((array.dtype.str, array.shape), {})[name] = array
        for (kind, shape), named in alike.items():
            rows, arrays = stacks.setdefault((kind, shape, tuple(named)), ([], []))
            rows.append(row)
            arrays.append(np.stack(list(named.values())))
    header = {
        "identity": identity,
        "keys": list(results),
        "stacks": [{"rows": rows, "names": names} for (_, _, names), (rows, _) in stacks.items()],
    }
    members = {str(i): np.stack(arrays) for i, (_, arrays) in enumerate(stacks.values())}
    buffer = io.BytesIO()
    np.savez(buffer, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **members)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpacked(data: bytes) -> dict[str, dict[str, Value]]:
    """Return the results that `packed` has put into a file, by key; what has no shape is a number."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        header = json.loads(file["header"].tobytes())
        found: list[dict[str, Value]] = [{} for _ in header["keys"]]
        for i, stack in enumerate(header["stacks"]):
            values = file[str(i)]
            for row, of_row in zip(stack["rows"], values.tolist() if values.ndim == 2 else values, strict=True):
                found[row].update(zip(stack["names"], of_row, strict=True))
    return dict(zip(header["keys"], found, strict=True))


class Results(Mapping[str, Mapping[str, Value]]):
    """Results by their branches' keys, in the order of the branches, read from the folder when they are asked for."""

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self.folder, self._files = folder, dict(files)
        self._pieces: OrderedDict[str, dict[str, dict[str, Value]]] = OrderedDict()

    def __getitem__(self, key: str) -> Mapping[str, Value]:
        name = self._files[key]
        if name not in self._pieces:
            if len(self._pieces) == PIECES:
                self._pieces.popitem(last=False)
            self._pieces[name] = unpacked(_read(self.folder / name))
        self._pieces.move_to_end(name)
        return self._pieces[name][key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def columns(self) -> dict[str, np.ndarray]:
        """Return every number, ``(branches,)`` by its name, NaN where a branch has none; arrays are left out.

        Raises
        ------
        DataError
            If a file was deleted or damaged since.
        """
        found: dict[str, np.ndarray] = {}
        for row, result in enumerate(self.values()):
            for name, value in result.items():
                if not isinstance(value, np.ndarray):
                    if name not in found:
                        found[name] = np.full(len(self), np.nan)
                    found[name][row] = value
        return found

    @property
    def digest(self) -> str:
        """Hash of all keys, names and numbers in order: it tells whether two sweeps came to the same, bit for bit."""
        whole = hashlib.sha256()
        for key, result in self.items():
            for name, value in [("", 0.0), *sorted(result.items())]:
                array = np.asarray(value)
                whole.update(f"{len(key)} {key} {len(name)} {name} {array.dtype.str} {array.shape} ".encode())
                whole.update(array.tobytes())
        return whole.hexdigest()


class Store:
    """The folder of one sweep, held for as long as something may be put there.

    A file of results is named after the hash of its bytes: what was cut short, or damaged later, isn't taken for
    finished, whatever file system it lies on. One damaged file costs one batch, not the folder.

    Parameters
    ----------
    folder : Path
        Made where there is none.
    identity : str
        Hash of everything that the results depend on but the branches' own values.

    Raises
    ------
    SnapshotError
        If the folder holds results of another identity or format.
    DataError
        If it holds anything else, is in use, or can't be written.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder, self.identity = folder, identity
        self.files: dict[str, str] = {}
        self.damaged: list[str] = []
        self._lock = _claimed(folder)
        try:
            self._open()
        except OSError as err:
            self.close()
            raise DataError(
                f"{folder}: sweep can't be read or written: {err.strerror or err}; make room or choose another folder"
            ) from None
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        names = sorted(path.name for path in self.folder.iterdir())
        for name in (name for name in names if name.endswith(TEMPORARY)):
            (self.folder / name).unlink()
        if SWEEP not in names:
            if strange := [name for name in names if name != LOCK and not name.endswith(TEMPORARY)]:
                raise DataError(
                    f"{self.folder}: no folder of a sweep: it holds {strange[0]}; choose an empty or new one"
                )
            about = {"format": FORMAT, "identity": self.identity}
            self._write(SWEEP, (json.dumps(about) + "\n").encode())
            return
        self._check()
        for name in (name for name in names if name.endswith(RESULTS)):
            try:
                of, keys = _about(_read(self.folder / name))
            except DataError:
                self.damaged.append(name)
                (self.folder / name).unlink()
            else:
                self._compare(self.folder / name, of)
                self.files.update(dict.fromkeys(keys, name))

    def _check(self) -> None:
        path = self.folder / SWEEP
        try:
            about = json.loads(path.read_bytes())
            found, of = about["format"], str(about["identity"])
        except (ValueError, KeyError, TypeError):
            raise DataError(f"{path}: damaged; choose another folder, or remove this one") from None
        if found != FORMAT:
            raise SnapshotError(f"{path}: sweep format {found}, this version writes {FORMAT}; choose another folder")
        self._compare(self.folder, of)

    def _compare(self, path: Path, of: str) -> None:
        if of != self.identity:
            raise SnapshotError(
                f"{path}: holds results of another question, {of[:12]}; this one is {self.identity[:12]}: "
                "choose another folder, or remove this one"
            )

    def put(self, data: bytes, keys: Sequence[str]) -> None:
        """Keep the results of some branches, `packed`.

        Raises
        ------
        DataError
            If they can't be written; what was kept before stays.
        """
        name = _named(data)
        try:
            self._write(name, data)
        except OSError as err:
            raise DataError(
                f"{self.folder}: results can't be written: {err.strerror or err}; make room and run it again: "
                f"{len(self.files)} finished branches are kept"
            ) from None
        self.files.update(dict.fromkeys(keys, name))

    def _write(self, name: str, data: bytes) -> None:
        temporary = ""
        try:
            handle, temporary = tempfile.mkstemp(dir=self.folder, suffix=TEMPORARY)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self.folder / name)
        except OSError:
            Path(temporary).unlink(missing_ok=True) if temporary else None
            raise

    def results(self, keys: Sequence[str]) -> Results:
        """Return what there is of some branches, in their order."""
        return Results(self.folder, {key: self.files[key] for key in keys if key in self.files})

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _claimed(folder: Path) -> int:
    """Return the descriptor that holds the folder's lock."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        foreign = not (folder / SWEEP).exists() and not (folder / LOCK).exists() and any(folder.iterdir())
        if foreign:  # not even a lock is left where something else lives
            raise DataError(f"{folder}: no folder of a sweep, and not empty; choose an empty or new one")
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as err:
        raise DataError(f"{folder}: sweep can't be written: {err.strerror or err}; choose another folder") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise DataError(f"{folder}: another sweep writes here; wait for its end, or choose another folder") from None
    return lock


def _about(data: bytes) -> tuple[str, list[str]]:
    """Return what a file's results belong to, and their keys."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        header = json.loads(file["header"].tobytes())
    return header["identity"], header["keys"]


def _named(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:40] + RESULTS


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as err:
        raise DataError(f"{path}: results can't be read: {err.strerror or err}; run the sweep again") from None
    if _named(data) != path.name:
        raise DataError(f"{path}: results were damaged; run the sweep again, which does over what is missing")
    return data
