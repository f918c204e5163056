"""Making a data set: what is checked before hours of work, shards by workers, and what is written at the end."""

import datetime as dt
import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scenarios.dataset import contract as contracts
from scenarios.dataset.drawing import Lot
from scenarios.dataset.loading import Source, source, spec
from scenarios.dataset.manifest import CONTRACT, INDEX, MANIFEST, SPEC, Manifest, encoded, identity, manifest
from scenarios.dataset.shard import filters, made, row_bytes, shard_runs
from scenarios.dataset.simulating import warmed
from scenarios.dataset.spec import SPLITS, Spec
from scenarios.dataset.store import SHARDS, ShardStore, shard_name
from scenarios.execution import Outcome, execute
from scenarios.results import Failed, Result
from scenarios.writing import whole_file
from twin.ensemble import Form
from twin.errors import DataError, PlantError, SimulationError

PATIENCE = 3600.0
"""How long a shard may take [s]."""
PACKED = 0.75
"""Share of the numbers' bytes that packing leaves, at most: noise is hardly pressed smaller."""
SPARE = 256 * 2**20
"""Room that is left on a disk [bytes]."""


class Part(NamedTuple):
    """A shard to be made."""

    key: str
    first: int
    runs: int


class Common(NamedTuple):
    """What all shards of a data set share."""

    files: Source
    runs: int
    seed: int
    codec: str
    identity: str
    form: Form = "families"


@dataclass(frozen=True)
class Order:
    """What is asked for."""

    path: Path
    out: Path
    runs: int | None = None
    seed: int | None = None
    codec: str = "gzip"
    form: Form = "families"
    workers: int | None = None
    dask: str | None = None
    resume: bool = False
    patience: float = PATIENCE
    extra: Path | None = None


class Told(NamedTuple):
    """How far it is: samples are single values of channels."""

    runs: int
    of: int
    samples_per_s: float
    left: float | None


Progress = Callable[[Told], None]


class Made(NamedTuple):
    """How making ended; no manifest where it isn't finished."""

    manifest: Manifest | None
    outcome: Outcome
    seconds: float


def shards(common: Common, parts: Sequence[Part]) -> list[Result | Failed]:
    """Return shards as bytes: what workers run."""
    asked = spec(common.files)
    lot = Lot(asked, common.runs, common.seed)
    found: list[Result | Failed] = []
    for part in parts:
        body = made(asked, lot, part.first, part.runs, common.codec, common.identity, common.form)
        found.append({"file": np.frombuffer(body.data, np.uint8), "failed": float(body.failed)})
    return found


def size(asked: Spec, runs: int) -> int:
    """Return an estimate of a data set's bytes, rather too large."""
    return math.ceil(runs * asked.rows * row_bytes(asked) * PACKED)


def make(order: Order, progress: Progress = lambda _: None, say: Callable[[str], None] = lambda _: None) -> Made:
    """Make a data set; what is finished is kept whatever happens.

    Raises
    ------
    PlantError, DataError, SnapshotError, SimulationError
        For a wrong specification, a contract that forbids it, a folder or disk that can't hold it; or for runs that
        could not be made.
    """
    files = source(order.path, order.extra)
    asked = spec(files)
    runs, seed = order.runs or asked.runs, asked.seed if order.seed is None else order.seed
    contracts.refuse(asked.contract, asked.contents, asked.purpose, asked.license, dt.datetime.now(dt.UTC).date())
    filters(order.codec)
    lot = Lot(asked, runs, seed)
    check_enough(asked, lot)
    _folder(order, size(asked, runs))
    each = shard_runs(asked, runs)
    warmed(asked, order.form, say)
    common = Common(files, runs, seed, order.codec, identity(asked, runs, seed, order.codec), order.form)
    parts = [Part(shard_name(k), first, min(each, runs - first)) for k, first in enumerate(range(0, runs, each))]
    pace = _Pace(runs, len(parts), asked.rows * len(asked.channels), progress)
    started = time.monotonic()
    outcome = execute(
        shards, common, parts, folder=order.out / SHARDS, identity=common.identity, workers=order.workers,
        dask=order.dask, batch=1, patience=order.patience, progress=pace, store=ShardStore,
    )  # fmt: skip
    if outcome.failures:
        key, reason = next(iter(outcome.failures.items()))
        raise SimulationError(
            f"{asked.name}: {len(outcome.failures)} of {len(parts)} shards failed, {key}: {reason}; the others are "
            "kept: mend it and run it again with --resume"
        )
    if outcome.ending == "interrupted":
        return Made(None, outcome, time.monotonic() - started)
    return Made(_finish(order, asked, common, len(parts)), outcome, time.monotonic() - started)


def _finish(order: Order, asked: Spec, common: Common, count: int) -> Manifest:
    """Write what a finished data set says of itself."""
    found, index = manifest(asked, common.runs, common.seed, common.codec, order.out, count)
    whole_file(order.out / INDEX, index)
    if "plant" in asked.contents:
        whole_file(order.out / SPEC, asked.text.encode())
        for plant in asked.plants:
            whole_file(order.out / f"plant-{plant.name}.yaml", plant.text.encode())
    if asked.contract is not None:
        whole_file(order.out / CONTRACT, asked.contract.text.encode())
    whole_file(order.out / MANIFEST, encoded(found))
    return found


def check_enough(asked: Spec, lot: Lot) -> None:
    """Refuse so few runs that a split with a share, or the healthy class, has none."""
    counts = lot.counts
    for name, share, count in zip(SPLITS, asked.splits.shares, counts.sum(axis=1), strict=True):
        if share and not count:
            raise PlantError(f"{asked.name}: {lot.runs} runs leave none for {name}; make more")
    if not counts[:, 0].any():
        raise PlantError(f"{asked.name}: {lot.runs} runs leave no healthy one; make more")


def _folder(order: Order, bytes_: int) -> None:
    """Refuse a folder that is there already, unless it is gone on with, and a disk that is too small."""
    out = order.out
    try:
        if out.exists() and not out.is_dir():
            raise DataError(f"{out}: is no folder; choose another --out")
        if out.exists() and any(out.iterdir()) and not order.resume:
            what = "a data set" if (out / MANIFEST).exists() or (out / SHARDS).exists() else "something else"
            raise DataError(f"{out}: holds {what} already; go on with --resume, or choose another --out")
        if order.resume and out.exists() and any(out.iterdir()) and not (out / SHARDS).is_dir():
            raise DataError(f"{out}: holds something else, nothing to go on with; choose another --out")
        out.mkdir(parents=True, exist_ok=True)
        there = sum(path.stat().st_size for path in (out / SHARDS).glob("*.h5"))
        free = shutil.disk_usage(out).free
    except OSError as err:
        raise DataError(f"{out}: can't be written: {err.strerror}; choose another --out") from None
    if bytes_ - there + SPARE > free:
        raise DataError(
            f"{out}: needs up to {bytes_ / 2**30:.1f} GiB and there are {free / 2**30:.1f} GiB free; make fewer or "
            "shorter runs, or choose another --out"
        )


class _Pace:
    """Says how far it is, in runs and samples."""

    def __init__(self, runs: int, parts: int, samples: int, progress: Progress) -> None:
        self._runs, self._parts, self._samples, self._progress = runs, parts, samples, progress
        self._begun: tuple[float, int] | None = None

    def __call__(self, done: int, failed: int, total: int, left: float | None) -> None:
        """Take what the executor tells."""
        now = time.monotonic()
        if self._begun is None:
            self._begun = now, done
        since, before = self._begun
        runs = round(done / total * self._runs) if total else 0
        fresh = (done - before) / max(total, 1) * self._runs * self._samples
        self._progress(Told(runs, self._runs, fresh / (now - since) if now > since else 0.0, left))
