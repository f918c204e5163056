"""The runs of a data set shard after shard, each proved by its checksum before anything of it is believed."""

import hashlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from scenarios.dataset import contract as contracts
from scenarios.dataset.findings import Findings, Outcome, several
from scenarios.dataset.loading import Source, spec
from scenarios.dataset.manifest import CONTRACT, INDEX, SPEC, Manifest, Shard
from scenarios.dataset.reading import MISFITS, SERIES
from scenarios.dataset.shard import PER_RUN, fault_of, filters
from scenarios.dataset.spec import Spec
from scenarios.dataset.store import SHARDS, SUFFIX
from twin.errors import TwinError
from twin.read import read

AGAIN = "make the data set again"


class Piece:
    """The runs of one shard; series are read when they are asked for, and kept.

    Attributes
    ----------
    number : numpy.ndarray
        Of the runs in the data set, shape (runs,).
    drawn : dict
        What was drawn of each run, see `scenarios.dataset.shard.PER_RUN`, and ``failed``.
    good : numpy.ndarray
        bool, shape (runs,); false where the physics went wrong.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._kept: dict[str, np.ndarray] = {}
        self.drawn = {name: np.asarray(file[f"runs/{name}"][:]) for name in (*PER_RUN, "failed")}
        self.number = self.drawn["number"]
        self.good = self.drawn["failed"] == 0

    def __getitem__(self, series: str) -> np.ndarray:
        """Return a series of all runs, shape (runs, rows, ...)."""
        if series not in self._kept:
            self._kept[series] = np.asarray(self._file[series][:])
        return self._kept[series]

    def has(self, series: str) -> bool:
        """Return whether the shard has a series."""
        return series in self._file

    def parameters(self) -> tuple[tuple[str, ...], np.ndarray]:
        """Return names and values of what differs between machines and runs, shape (runs, names)."""
        if "runs/parameters" not in self._file:
            return (), np.empty((len(self.number), 0))
        data = self._file["runs/parameters"]
        return tuple(map(str, data.attrs["names"])), np.asarray(data[:])

    def events(self) -> dict[int, list[tuple[float, str]]]:
        """Return transitions, time [s] and name, by the number of the run."""
        events = self._file["events"]
        names = str(events["name"].attrs["flag_meanings"]).split(" ")
        found: dict[int, list[tuple[float, str]]] = {}
        for run, time, name in zip(events["run"][:], events["time"][:], events["name"][:], strict=True):
            found.setdefault(int(run), []).append((float(time), names[int(name)]))
        return found


class Files:
    """The files of a data set: yields the runs of those that are whole, and says what the others are.

    Attributes
    ----------
    index : dict or None
        What was drawn of every run; None where the index is damaged.
    left_out : int
        Shards that can't be believed.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest
        self.left_out = 0
        self._findings = Findings()
        self.index = self._read_index()
        filters(manifest.codec)

    def pieces(self) -> Iterator[tuple[Shard, Piece | None]]:
        """Yield shards with their runs, None where they can't be believed."""
        for shard in self.manifest.shards:
            body = self._body(shard)
            if body is None:
                self.left_out += 1
                yield shard, None
                continue
            with h5py.File(io.BytesIO(body), "r") as file:
                piece = self._piece(file, shard)
                self.left_out += piece is None
                yield shard, piece

    def outcome(self) -> Outcome:
        """Return what became of the files, once all pieces were taken."""
        self._other_files()
        count = len(self.manifest.shards)
        said = f"{several(count, 'shard')}, index and texts have the checksums that dataset.json says"
        found = self._findings.outcome("files", said)
        if found.state == "failed":
            return found._replace(said=f"{self.left_out} of {several(count, 'shard')} can't be believed; see below")
        return found

    def _body(self, shard: Shard) -> bytes | None:
        try:
            body = (self.folder / shard.file).read_bytes()
        except OSError as err:
            self._findings.add(shard.file, f"can't be read: {err.strerror}", "restore it, or " + AGAIN)
            return None
        wrong = fault_of(body, self.manifest.identity)
        if not wrong and hashlib.sha256(body).hexdigest() != shard.sha256:
            wrong = "is not the shard that dataset.json means: its checksum differs"
        if wrong:
            self._findings.add(shard.file, wrong, "restore it, or " + AGAIN)
            return None
        return body

    def _piece(self, file: Any, shard: Shard) -> Piece | None:
        """Return a shard's runs, if it is laid out as the manifest says."""
        said = self.manifest
        shape = (shard.runs, said.rows, len(said.channels))
        try:
            wrong = [name for name in SERIES if name in file and file[name].shape[:2] != shape[:2]]
            if wrong or file["signals"].shape != shape:
                self._findings.add(shard.file, f"is not of {shape} runs, rows, channels", AGAIN)
                return None
            piece = Piece(file)
            piece.events()
        except MISFITS as err:
            self._findings.add(shard.file, f"lacks something: {err}", AGAIN)
            return None
        self._against_index(piece, shard)
        return piece

    def _against_index(self, piece: Piece, shard: Shard) -> None:
        part = slice(shard.first, shard.first + shard.runs)
        if not np.array_equal(piece.number, np.arange(part.start, part.stop)):
            self._findings.add(shard.file, "its runs are not numbered as dataset.json says", AGAIN)
        for name, column in (self.index or {}).items():
            if not np.array_equal(column[part], piece.drawn[name], equal_nan=column.dtype.kind == "f"):
                self._findings.add(shard.file, f"{name} of its runs differs from {INDEX}", AGAIN)

    def _read_index(self) -> dict[str, np.ndarray] | None:
        said, path = self.manifest, self.folder / INDEX
        try:
            body = path.read_bytes()
        except OSError as err:
            self._findings.add(INDEX, f"can't be read: {err.strerror}", "restore it, or " + AGAIN)
            return None
        if hashlib.sha256(body).hexdigest() != said.index_sha256:
            self._findings.add(INDEX, "was altered: its checksum differs", "restore it, or " + AGAIN)
            return None
        try:
            with h5py.File(io.BytesIO(body), "r") as file:
                found = {name: np.asarray(file[f"runs/{name}"][:]) for name in (*PER_RUN, "failed")}
                frozen = {name: np.asarray(file[f"splits/{name}"][:]) for name in said.splits}
        except MISFITS as err:
            self._findings.add(INDEX, f"lacks something: {err}", AGAIN)
            return None
        if any(len(column) != said.runs for column in found.values()):
            self._findings.add(INDEX, f"has not the {said.runs} runs of dataset.json", AGAIN)
            return None
        self._counts(found, frozen)
        return found

    def _counts(self, index: dict[str, np.ndarray], frozen: dict[str, np.ndarray]) -> None:
        said = self.manifest
        for s, split in enumerate(said.splits):
            mine = index["split"] == s
            if not np.array_equal(frozen[split], index["number"][mine]):
                self._findings.add(f"{INDEX}, splits/{split}", "differs from the runs' own splits", AGAIN)
            counts = {each.name: int((mine & (index["fault"] == each.code)).sum()) for each in said.classes}
            if counts != said.counts.get(split):
                self._findings.add(f"dataset.json, counts, {split}", f"are not those of {INDEX}: {counts}", AGAIN)
        failed = int(index["failed"].sum())
        if failed != said.failed:
            self._findings.add("dataset.json", f"says {said.failed} failed runs, {INDEX} {failed}", AGAIN)

    def _other_files(self) -> None:
        """Look at shards that belong to nobody, and at the plants' texts."""
        said = self.manifest
        known = {shard.file for shard in said.shards}
        for path in sorted((self.folder / SHARDS).glob(f"*{SUFFIX}")):
            if f"{SHARDS}/{path.name}" not in known:
                self._findings.add(f"{SHARDS}/{path.name}", "belongs to nothing that dataset.json says", "remove it")
        if "plant" not in said.contents:
            return
        for name, digest in zip(said.plants, said.plant_sha256, strict=True):
            path = self.folder / f"plant-{name}.yaml"
            if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                self._findings.add(path.name, "is missing or was altered", "restore it, or " + AGAIN)


class Known(NamedTuple):
    """The specification that a data set carries, or why there is none."""

    spec: Spec | None
    why: str


def known_spec(folder: Path, manifest: Manifest) -> Known:
    """Return the specification in a data set's folder, with the plants as they were."""
    if "plant" not in manifest.contents:
        return Known(None, "the data set carries no plant")
    try:
        tree, text = read(folder / SPEC)
        plants = tuple(read(folder / f"plant-{name}.yaml") for name in manifest.plants)
        contract = contracts.load(folder / CONTRACT) if (folder / CONTRACT).is_file() else None
        found = spec(Source(tree, text, plants, contract, None))
    except (TwinError, OSError) as err:
        return Known(None, f"its plant can't be loaded: {err}")
    if _layout(found.classes, found.sensor_faults, found.channels, found.truth) != _layout(
        [each.name for each in manifest.classes], manifest.sensor_faults, manifest.channels,
        [each.name for each in manifest.truth],
    ):  # fmt: skip
        return Known(None, f"{SPEC} is not the specification that it was made from")
    return Known(found, "")


def _layout(*parts: Iterable[Any]) -> list[list[str]]:
    """Return the names that codes and columns have, of a specification or of what a manifest says."""
    return [[each if isinstance(each, str) else each.name for each in part] for part in parts]
