"""A shard: some runs of a data set in one HDF5 file, with what they are, what is true of them, and units.

The file's first 512 bytes, which HDF5 skips, say what it belongs to and its SHA-256: a cut or altered shard is found
before HDF5 sees it. It carries no time of day, so the same runs are the same bytes.
"""

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import h5py
import numpy as np

from scenarios.dataset.drawing import Draws, Lot
from scenarios.dataset.simulating import BLOCK, Rows, Simulated, Simulation, remaining, retried
from scenarios.dataset.spec import SPLITS, Spec
from twin.ensemble import Form
from twin.errors import DataError

FORMAT = "equipment-twin dataset shard"
VERSION = 1
HEAD = 512
CODECS = ("gzip", "bitshuffle-lz4")
LEVEL = 1
"""Of gzip: noise is not pressed smaller by higher ones, only slower."""
PER_RUN = ("number", "seed", "split", "machine", "plant", "duty", "fault", "severity", "onset", "over",
           "sensor_fault", "sensor_size", "sensor_onset", "sensor_end")  # fmt: skip
"""What is drawn of each run, in the group `runs`."""
MOST_BYTES = 32 * 2**20
"""What a shard's numbers take before they are packed, about [bytes]."""
LANES = 16
"""Runs that fill a block of lanes of the adaptive methods."""
FEWEST = 8
"""A data set has so many shards at least, where it has runs enough: for workers to share."""


class Body(NamedTuple):
    """A shard's bytes, and what its train runs' signals come to: how many, mean, squares about it, a channel each."""

    data: bytes
    seen: np.ndarray
    mean: np.ndarray
    squares: np.ndarray
    failed: int


def row_bytes(spec: Spec) -> int:
    """Return how many bytes a row of a run is, unpacked."""
    channels, truth = len(spec.channels), "truth" in spec.contents
    return channels * (4 + 1 + 1 + 4 * truth) + 4 * len(spec.truth) * truth + 4 + 4 + 4


def shard_runs(spec: Spec, runs: int) -> int:
    """Return how many runs a shard has: a function of specification and number of runs alone."""
    fits = max(MOST_BYTES // (row_bytes(spec) * spec.rows), 1)
    wanted = min(fits, max(-(-runs // FEWEST), LANES))
    return int(wanted // LANES * LANES if wanted >= LANES else wanted)


def filters(codec: str) -> dict[str, Any]:
    """Return how datasets are packed.

    Raises
    ------
    DataError
        If the codec needs a package that isn't installed.
    """
    if codec == "gzip":
        return {"compression": "gzip", "compression_opts": LEVEL, "shuffle": True}
    try:
        import hdf5plugin
    except ModuleNotFoundError as err:
        raise DataError(
            f"--codec {codec}: {err}; install the extra: pip install 'equipment-twin[hdf5plugin]'"
        ) from None
    return dict(hdf5plugin.Bitshuffle(cname="lz4"))


def made(spec: Spec, lot: Lot, first: int, count: int, codec: str, identity: str, form: Form = "families") -> Body:
    """Return the shard of `count` runs from the one numbered `first`."""
    draws = lot.draws(first, count)
    with h5py.File("shard", "w", driver="core", backing_store=False, track_order=True) as file:
        shard = _Shard(file, spec, lot, draws, codec, identity)
        shard.fill(form)
        file.flush()
        data = bytes(file.id.get_file_image())
        sums = shard.sums()
    return Body(head(data, identity) + data, *sums, failed=len(shard.failures))


def head(body: bytes, identity: str) -> bytes:
    """Return the 512 bytes that stand before `body`."""
    text = f"{FORMAT} {VERSION}\nidentity {identity}\nbytes {len(body)}\nsha256 {hashlib.sha256(body).hexdigest()}\n"
    return text.encode().ljust(HEAD - 1, b" ") + b"\n"


def fault_of(data: bytes | memoryview, identity: str | None = None) -> str:
    """Return why bytes are no whole shard, of this identity if given; empty where they are one."""
    lines = bytes(data[:HEAD]).split(b"\n")
    if lines[0] != f"{FORMAT} {VERSION}".encode() or len(lines) < 4:
        return f"is no shard of version {VERSION}"
    said = dict(line.partition(b" ")[::2] for line in lines[1:4])
    if said.get(b"bytes", b"") != str(len(data) - HEAD).encode():
        return "is cut off or too long"
    if said.get(b"sha256", b"") != hashlib.sha256(data[HEAD:]).hexdigest().encode():
        return "was altered: its checksum differs"
    if identity is not None and said.get(b"identity", b"") != identity.encode():
        return f"belongs to another data set, {said.get(b'identity', b'?')[:12].decode(errors='replace')}"
    return ""


class _Shard:
    """An open file that is filled."""

    def __init__(self, file: Any, spec: Spec, lot: Lot, draws: Draws, codec: str, identity: str) -> None:
        self.file, self.spec, self.lot, self.draws = file, spec, lot, draws
        self.failures: dict[int, str] = {}
        self._filters = filters(codec)
        self._scales: dict[str, Any] = {}
        self._named: list[str] = []
        channels = len(spec.channels)
        self._sums = tuple(np.zeros((draws.count, channels)) for _ in range(3))
        file.attrs.update({"format": FORMAT, "version": VERSION, "identity": identity, "dataset": spec.name})
        self._axes()
        self._series()

    def fill(self, form: Form) -> None:
        """Simulate the runs and write everything."""
        simulation = Simulation(self.spec, self.lot, self.draws, form=form)
        everyone = np.arange(self.draws.count)
        for rows in simulation.rows():
            self._put(rows, everyone, None)
        end = simulation.end()
        self._remaining(end, everyone)
        happened = [(h.member, h.time, h.name) for h in end.happenings if h.member not in end.failures]
        if end.failures:
            happened += self._again(simulation, end.failures)
        self._per_run(simulation.parameters)
        self._events(sorted(happened))
        for name, column in zip(("count", "mean", "squares"), self.sums(), strict=True):
            self.file.attrs[f"train_{name}"] = column

    def _again(self, failed: Simulation, failures: dict[int, str]) -> list[tuple[int, float, str]]:
        """Simulate what failed once more, more exactly; what fails again is left without numbers."""
        where = np.array(sorted(failures))
        simulation = retried(failed, self.lot, failures)
        pieces = list(simulation.rows())
        end = simulation.end()
        self.failures = {int(where[m]): reason for m, reason in end.failures.items()}
        for name in self._named:
            for run in where:
                self.file[name][run] = self.file[name].fillvalue
        for rows in pieces:
            self._put(rows, where, set(end.failures))
        self._remaining(end, where)
        return [(int(where[h.member]), h.time, h.name) for h in end.happenings if h.member not in end.failures]

    def _axes(self) -> None:
        """Write what the dimensions are: dimension scales with units and names."""
        spec, text = self.spec, h5py.string_dtype()
        plant = spec.plant
        self._scale("run", self.draws.number.astype(np.int64), "1", "number of the run in the data set")
        self._scale("time", np.arange(spec.rows) * spec.every, "s", "time from the run's first row")
        for name, values in (("channel", [c.name for c in spec.channels]), ("quantity", list(spec.truth))):
            self._scale(name, np.array(values, object), "", f"names along the axis {name}", text)
        axis = self.file["axes/channel"]
        axis.attrs["units_of"] = [c.unit for c in spec.channels]
        axis.attrs["reads"] = [c.reads for c in spec.channels]
        axis.attrs["long_names"] = [c.doc for c in spec.channels]
        axis = self.file["axes/quantity"]
        axis.attrs["units_of"] = [plant.quantity(path).unit for path in spec.truth] or [""]
        axis.attrs["long_names"] = [plant.quantity(path).doc for path in spec.truth] or [""]

    def _scale(self, name: str, values: np.ndarray, unit: str, long_name: str, dtype: Any = None) -> None:
        data = self.file.create_dataset(f"axes/{name}", data=values, dtype=dtype)
        data.make_scale(name)
        data.attrs.update({"units": unit, "long_name": long_name})
        self._scales[name] = data

    def _series(self) -> None:
        """Make what has a value in every row."""
        spec, flags = self.spec, _flags(self.spec)
        row, cell = ("run", "time"), ("run", "time", "channel")
        self._make("signals", np.float32, cell, "", "measured values, each in its channel's unit; NaN where missing")
        self._make("quality", np.uint8, cell, "1", "whether a value was measured", {0: "measured", 1: "missing"})
        if "truth" in spec.contents:
            self._make("truth/signals", np.float32, cell, "", "what the instruments measure, without their errors")
            self._make("truth/quantities", np.float32, ("run", "time", "quantity"), "", "true values, SI")
        self._make("labels/fault", np.uint8, row, "1", "what is wrong with the equipment", flags["fault"])
        self._make("labels/severity", np.float32, row, "1", "how bad it is, as a share of the worst")
        self._make("labels/rul", np.float32, row, "s", "time to the end of life; NaN where it isn't known")
        self._make("labels/mode", np.uint8, row, "1", "how the plant is operated", flags["mode"])
        self._make("labels/anomaly", np.uint8, row, "1", "1 while something is wrong with the equipment")
        points = {1: "fault begins", 2: "mode changes", 4: "sensor fault begins or ends"}
        self._make("labels/changepoint", np.uint8, row, "1", "first row after a change, as bits", points)
        self._make("labels/sensor_fault", np.uint8, cell, "1", "what is wrong with the instrument", flags["sensor"])

    def _make(
        self, name: str, dtype: Any, axes: tuple[str, ...], unit: str, doc: str, flags: dict[int, str] | None = None
    ) -> None:
        shape = tuple(self._scales[axis].shape[0] for axis in axes)
        chunks = (1, min(BLOCK, shape[1]), *(max(n, 1) for n in shape[2:]))
        empty = np.nan if dtype is np.float32 else name == "quality"
        data = self.file.create_dataset(name, shape, dtype, chunks=chunks, fillvalue=empty, **self._filters)
        self._named.append(name)
        for i, axis in enumerate(axes):
            data.dims[i].label = axis
            data.dims[i].attach_scale(self._scales[axis])
        data.attrs.update({"units": unit, "long_name": doc})
        if flags:
            data.attrs["flag_values"] = np.array(list(flags), np.uint8)
            data.attrs["flag_meanings"] = " ".join(text.replace(" ", "_") for text in flags.values())

    def _put(self, rows: Rows, which: np.ndarray, without: set[int] | None) -> None:
        """Write a block of rows of some runs."""
        part = slice(rows.first, rows.first + rows.signals.shape[1])
        named: dict[str, np.ndarray] = {
            "signals": rows.signals, "quality": rows.quality, "labels/fault": rows.fault, "labels/mode": rows.mode,
            "labels/severity": rows.severity, "labels/anomaly": rows.anomaly,
            "labels/changepoint": rows.changepoint, "labels/sensor_fault": rows.sensor_fault,
        }  # fmt: skip
        if "truth" in self.spec.contents:
            named |= {"truth/signals": rows.clean, "truth/quantities": rows.truth}
        kept = np.array([m for m in range(len(which)) if not without or m not in without], np.intp)
        chosen: Any = kept if without else slice(None)  # which copies nothing
        for name, values in named.items():
            self._write(name, which[kept], part, values[chosen])
        self._note(rows.signals[chosen], rows.first, which[kept])

    def _write(self, name: str, which: np.ndarray, part: slice, values: np.ndarray) -> None:
        """Write rows of runs; what is as the file has it anyway, all healthy or all measured, takes no room."""
        data = self.file[name]
        filled = values.dtype.kind == "u" and name != "quality"
        told = values.reshape(len(values), -1).any(axis=1) if filled else np.ones(len(values), bool)
        where = np.flatnonzero(told & (values.size > 0))
        for stretch in np.split(where, np.flatnonzero(np.diff(which[where]) != 1) + 1):
            if stretch.size:
                data[which[stretch[0]] : which[stretch[-1]] + 1, part] = values[stretch[0] : stretch[-1] + 1]

    def _remaining(self, end: Simulated, which: np.ndarray) -> None:
        """Write how long each run still has in every row: to the next end of life that happens."""
        spec, times = self.spec, np.arange(self.spec.rows) * self.spec.every
        ends: dict[int, list[float]] = {}
        for happening in end.happenings:
            if happening.name in spec.ends:
                ends.setdefault(happening.member, []).append(happening.time)
        for member, known in ends.items():
            if member not in end.failures:
                self.file["labels/rul"][which[member]] = remaining(known, times).astype(np.float32)

    def _per_run(self, parameters: dict[str, np.ndarray]) -> None:
        """Write what each run is."""
        spec, flags = self.spec, _flags(self.spec)
        runs = self.file.create_group("runs")
        docs = _docs()
        for name in PER_RUN:
            data = runs.create_dataset(name, data=getattr(self.draws, name))
            data.dims[0].label = "run"
            data.dims[0].attach_scale(self._scales["run"])
            data.attrs.update({"units": docs[name][0], "long_name": docs[name][1]})
        for name, key in (("fault", "fault"), ("sensor_fault", "sensor"), ("split", "split"), ("duty", "duty")):
            runs[name].attrs["flag_values"] = np.array(list(flags[key]), np.uint8)
            runs[name].attrs["flag_meanings"] = " ".join(flags[key].values())
        failed = np.isin(np.arange(self.draws.count), list(self.failures)).astype(np.uint8)
        runs.create_dataset("failed", data=failed).attrs["long_name"] = "1 where the physics went wrong: no numbers"
        if "parameters" in spec.contents and parameters:
            values = np.stack(list(parameters.values()), axis=1)
            data = runs.create_dataset("parameters", data=values)
            data.attrs["names"] = list(parameters)
            data.attrs["units_of"] = [spec.plant.quantity(path).unit for path in parameters]
            data.attrs["long_name"] = "what differs between machines and runs, SI"

    def _events(self, happened: list[tuple[int, float, str]]) -> None:
        """Write transitions in the order of runs and times."""
        events, names = self.file.create_group("events"), sorted({name for _, _, name in happened})
        columns: dict[str, Callable[[], np.ndarray]] = {
            "run": lambda: self.draws.number[[run for run, _, _ in happened]] if happened else np.empty(0, np.int64),
            "time": lambda: np.array([time for _, time, _ in happened], float),
            "name": lambda: np.array([names.index(name) for _, _, name in happened], np.uint16),
        }
        for name, values in columns.items():
            events.create_dataset(name, data=values())
        events["time"].attrs.update({"units": "s", "long_name": "time from the run's first row"})
        events["name"].attrs["flag_meanings"] = " ".join(names)

    def _note(self, signals: np.ndarray, first: int, which: np.ndarray) -> None:
        """Take a block of rows into account of what each train run's signals come to; the first begins anew."""
        train = self.draws.split[which] == SPLITS.index("train")
        signals, which = signals[train], which[train]
        good = np.isfinite(signals)
        count = good.sum(axis=1).astype(float)
        mean = np.where(good, signals, 0.0).sum(axis=1, dtype=float) / np.maximum(count, 1.0)
        squares = np.where(good, (signals - mean[:, None]) ** 2, 0.0).sum(axis=1, dtype=float)
        before = tuple(column[which] * (first > 0) for column in self._sums)
        for column, values in zip(self._sums, merged(before, (count, mean, squares)), strict=True):
            column[which] = values

    def sums(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return count, mean and squares about it of the train runs' signals."""
        channels = len(self.spec.channels)
        found: Sums = (np.zeros(channels), np.zeros(channels), np.zeros(channels))
        count, mean, squares = self._sums
        for run in np.flatnonzero(self.draws.split == SPLITS.index("train")):
            found = merged(found, (count[run], mean[run], squares[run]))
        return found


Sums = tuple[np.ndarray, np.ndarray, np.ndarray]


def merged(one: Sums, other: Sums) -> Sums:
    """Return count, mean and squares of two samples together (Chan, Golub and LeVeque 1979)."""
    count = one[0] + other[0]
    share = other[0] / np.maximum(count, 1)
    apart = other[1] - one[1]
    return count, one[1] + apart * share, one[2] + other[2] + apart**2 * one[0] * share


def _flags(spec: Spec) -> dict[str, dict[int, str]]:
    """Return what codes mean."""
    return {
        "fault": dict(enumerate(spec.classes)),
        "mode": dict(enumerate(mode.name for mode in spec.modes)) or {0: "only"},
        "sensor": dict(enumerate(["none", *(fault.name for fault in spec.sensor_faults)])),
        "split": dict(enumerate(SPLITS)),
        "duty": dict(enumerate(duty.name for duty in spec.duties)) or {0: "only"},
    }


def _docs() -> dict[str, tuple[str, str]]:
    """Return unit and sentence of what is drawn of each run."""
    return {
        "number": ("1", "number of the run in the data set"),
        "seed": ("1", "of the run's random numbers"),
        "split": ("1", "what the run is for"),
        "machine": ("1", "which machine made it"),
        "plant": ("1", "which of the plants the machine is"),
        "duty": ("1", "in which order modes follow each other"),
        "fault": ("1", "what goes wrong with the equipment"),
        "severity": ("1", "how bad it gets, as a share of the worst"),
        "onset": ("s", "when it begins; infinity where nothing goes wrong"),
        "over": ("s", "how long it grows"),
        "sensor_fault": ("1", "what goes wrong with an instrument"),
        "sensor_size": ("", "how far the instrument is off, SI, or a share for a gain"),
        "sensor_onset": ("s", "when the instrument's fault begins"),
        "sensor_end": ("s", "when it ends"),
    }
