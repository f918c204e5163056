"""What a data set says of itself, beside its shards: dataset.json, and an index of its runs."""

import hashlib
import io
from pathlib import Path
from typing import Any

import h5py
import msgspec
import numpy as np
from msgspec import Struct

from scenarios.dataset import contract as contracts
from scenarios.dataset.consistency import MOST_ROWS
from scenarios.dataset.shard import CODECS, PER_RUN, merged
from scenarios.dataset.spec import CONTENTS, HEALTHY, SPLITS, Spec
from scenarios.dataset.store import SHARDS, SUFFIX, shard_name
from twin.errors import DataError, SnapshotError
from twin.provenance import asset_hashes, versions

FORMAT = 1
CODES = 256
"""Codes that a byte holds."""
MANIFEST, INDEX, SPEC, CONTRACT = "dataset.json", "index.h5", "spec.yaml", contracts.FILE
_KEPT = ("units", "long_name", "flag_values", "flag_meanings")
"""What the index says of a column, as the shards do."""


class Column(Struct, frozen=True):
    """A channel, or a quantity whose truth is recorded."""

    name: str
    unit: str
    reads: str
    doc: str


class Shard(Struct, frozen=True):
    """A file of runs, the first of them, and its SHA-256."""

    file: str
    first: int
    runs: int
    bytes: int
    sha256: str


class Class(Struct, frozen=True):
    """A fault, and what it is made of; `code` stands for it in labels."""

    code: int
    name: str
    doc: str
    moves: tuple[str, ...] = ()


class Manifest(Struct, frozen=True):
    """What a data set is.

    Attributes
    ----------
    identity : str
        Hash of everything that its bytes depend on.
    every, length, hold : float
        [s].
    counts : dict
        Runs by split and class, those that failed included.
    mean, deviation : tuple of float
        Of the train runs' signals, a channel each: what all splits are normalised with.
    plant_sha256 : tuple of str
        Of the plants' files; empty where these are left out.
    failed : int
        Runs whose physics went wrong: they have no numbers.
    """

    format: int
    name: str
    about: str
    identity: str
    seed: int
    runs: int
    rows: int
    every: float
    length: float
    hold: float
    codec: str
    plants: tuple[str, ...]
    channels: tuple[Column, ...]
    truth: tuple[Column, ...]
    classes: tuple[Class, ...]
    sensor_faults: tuple[Class, ...]
    modes: tuple[Class, ...]
    ends: tuple[str, ...]
    splits: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    failed: int
    machines: int
    contents: tuple[str, ...]
    license: str
    purpose: str
    contract: str
    contract_sha256: str
    shards: tuple[Shard, ...]
    index_sha256: str
    plant_sha256: tuple[str, ...]
    assets_sha256: dict[str, str]
    versions: dict[str, str]


def identity(spec: Spec, runs: int, seed: int, codec: str) -> str:
    """Return the hash of everything that a data set's bytes depend on."""
    parts = [f"{FORMAT} {runs} {seed} {codec} {spec.length!r}", spec.text, *(plant.text for plant in spec.plants)]
    parts += [spec.contract.text if spec.contract else "", repr(sorted(asset_hashes(spec.plant).items()))]
    parts.append(repr(sorted(versions().items())))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def compiled_index(folder: Path, count: int) -> tuple[bytes, tuple[Shard, ...], dict[str, np.ndarray], Any]:
    """Return index.h5, the shards, what is known of every run, and the sums of the train runs' signals."""
    columns: dict[str, list[np.ndarray]] = {name: [] for name in (*PER_RUN, "failed")}
    sums, shards, first = (np.zeros(1), np.zeros(1), np.zeros(1)), [], 0
    attrs: dict[str, dict[str, Any]] = {}
    for k in range(count):
        path = folder / SHARDS / f"{shard_name(k)}{SUFFIX}"
        body = path.read_bytes()
        with h5py.File(io.BytesIO(body), "r") as file:
            for name, pieces in columns.items():
                pieces.append(file[f"runs/{name}"][:])
                attrs[name] = {a: v for a, v in file[f"runs/{name}"].attrs.items() if a in _KEPT}
            sums = merged(sums, tuple(file.attrs[f"train_{name}"] for name in ("count", "mean", "squares")))
            runs = int(file["axes/run"].shape[0])
        shards.append(Shard(f"{SHARDS}/{path.name}", first, runs, len(body), hashlib.sha256(body).hexdigest()))
        first += runs
    whole = {name: np.concatenate(pieces) for name, pieces in columns.items()}
    with h5py.File("index", "w", driver="core", backing_store=False, track_order=True) as index:
        for name, values in whole.items():
            index.create_dataset(f"runs/{name}", data=values).attrs.update(attrs[name])
        for code, split in enumerate(SPLITS):
            index.create_dataset(f"splits/{split}", data=whole["number"][whole["split"] == code])
        index.flush()
        data = bytes(index.id.get_file_image())
    return data, tuple(shards), whole, sums


def manifest(spec: Spec, runs: int, seed: int, codec: str, folder: Path, count: int) -> tuple[Manifest, bytes]:
    """Return what a finished data set is, and its index."""
    index, shards, whole, (seen, mean, squares) = compiled_index(folder, count)
    counts = {
        split: {name: int(((whole["split"] == s) & (whole["fault"] == f)).sum()) for f, name in enumerate(spec.classes)}
        for s, split in enumerate(SPLITS)
    }
    channels = len(spec.channels)
    deviation = np.sqrt(squares / np.maximum(seen - 1.0, 1.0))
    quantity = spec.plant.quantity
    found = Manifest(
        format=FORMAT, name=spec.name, about=spec.about, identity=identity(spec, runs, seed, codec), seed=seed,
        runs=runs, rows=spec.rows, every=spec.every, length=spec.length, hold=spec.hold, codec=codec,
        plants=tuple(plant.name for plant in spec.plants),
        channels=tuple(Column(*channel) for channel in spec.channels),
        truth=tuple(Column(p, quantity(p).unit, p, quantity(p).doc) for p in spec.truth),
        classes=(Class(0, HEALTHY, "no equipment goes wrong"),
                 *(Class(k, f.name, f.about, tuple(f.to)) for k, f in enumerate(spec.faults, 1))),
        sensor_faults=tuple(Class(k, f.name, f.kind, (f.tag,)) for k, f in enumerate(spec.sensor_faults, 1)),
        modes=tuple(Class(k, m.name, m.about, tuple(m.values)) for k, m in enumerate(spec.modes)), ends=spec.ends,
        splits=SPLITS, counts=counts,
        mean=tuple(np.broadcast_to(mean, channels).tolist()),
        deviation=tuple(np.broadcast_to(deviation, channels).tolist()),
        failed=int(whole["failed"].sum()), machines=spec.machines.number, contents=spec.contents,
        license=spec.license, purpose=spec.purpose, contract=spec.contract.name if spec.contract else "",
        contract_sha256=hashlib.sha256(spec.contract.text.encode()).hexdigest() if spec.contract else "",
        shards=shards, index_sha256=hashlib.sha256(index).hexdigest(),
        plant_sha256=tuple(
            hashlib.sha256(plant.text.encode()).hexdigest() for plant in spec.plants if "plant" in spec.contents
        ),
        assets_sha256=asset_hashes(spec.plant), versions=versions(),
    )  # fmt: skip
    return found, index


def encoded(found: Manifest) -> bytes:
    """Return dataset.json."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def load(folder: Path) -> Manifest:
    """Return what the data set in a folder is.

    Raises
    ------
    DataError
        If there is none, or it isn't finished.
    SnapshotError
        If it is of another version.
    """
    path = folder / MANIFEST
    try:
        body = path.read_bytes()
    except OSError as err:
        raise DataError(f"{path}: can't be read: {err.strerror}; `twin dataset make` writes one when it ends") from None
    try:
        said = msgspec.json.decode(body, type=dict[str, Any]).get("format")
        if said != FORMAT:
            raise SnapshotError(f"{path}: is of format {said}, this version reads {FORMAT}; use the one that made it")
        found = msgspec.json.decode(body, type=Manifest)
    except (msgspec.MsgspecError, RecursionError) as err:
        raise DataError(f"{path}: is damaged: {err}; make the data set again") from None
    if wrong := _misfit(found):
        raise DataError(f"{path}: is damaged: {wrong}; make the data set again")
    return found


def _misfit(found: Manifest) -> str:
    """Return what in a manifest can't be, or nothing; what it names is never looked for elsewhere."""
    channels, runs = len(found.channels), 0
    if found.splits != SPLITS:
        return "its splits are others"
    sizes_fit = min(found.runs, found.rows, channels) > 0 and found.rows <= MOST_ROWS
    if not (sizes_fit and len(found.mean) == len(found.deviation) == channels):
        return "its channels, runs or rows make no sense"
    if not min(found.every, found.length, found.hold) > 0.0:
        return "its times make no sense"
    if found.codec not in CODECS:
        return f"its codec is none of {', '.join(CODECS)}"
    known = "plant" not in found.contents or len(found.plants) == len(found.plant_sha256)
    if not (known and set(found.contents) <= set(CONTENTS)) or "/" in "".join(found.plants):
        return "its contents or plants make no sense"
    if wrong := _misfit_of_classes(found):
        return wrong
    for k, shard in enumerate(found.shards):
        if (shard.file, shard.first) != (f"{SHARDS}/{shard_name(k)}{SUFFIX}", runs) or shard.runs < 1:
            return f"shard {k} is out of order"
        runs += shard.runs
    return "" if runs == found.runs else f"its shards have {runs} runs, not {found.runs}"


def _misfit_of_classes(found: Manifest) -> str:
    """Return what in a manifest's classes and counts can't be, or nothing."""
    kinds = (("classes", 0, found.classes), ("sensor_faults", 1, found.sensor_faults), ("modes", 0, found.modes))
    for what, first, classes in kinds:
        if [each.code for each in classes] != list(range(first, min(first + len(classes), CODES))):
            return f"the codes of its {what} don't count from {first}"
    names = {each.name for each in found.classes}
    if not names or set(found.counts) != set(SPLITS) or any(set(each) != names for each in found.counts.values()):
        return "its counts are not by split and class"
    channels = {column.name for column in found.channels}
    if any(not each.moves or each.moves[0] not in channels for each in found.sensor_faults):
        return "its sensor_faults are of no channel"
    return ""
