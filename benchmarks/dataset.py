"""How fast labelled runs are made and written, beside bare h5py and beside ProgPy; that workers change no byte.

`pump_station_faults` is made by two workers with a flat kernel; then its very arrays are written by h5py alone, in one
process, with the same filters and chunks, in turns. ProgPy runs its own centrifugal pump at its usual step (1 s, Euler)
and sampling (every ten steps), without noise; the same equations run on the lanes (Runge-Kutta: four evaluations a
step) with noise, a fault, labels and HDF5. Rates are of single values of channels a second; kernels are in the cache.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import h5py
from progpy.models import CentrifugalPumpBase

from benchmarks.report import REPOSITORY, report
from scenarios.dataset.library import path_of
from scenarios.dataset.making import Order, make
from scenarios.dataset.manifest import Manifest
from scenarios.dataset.shard import filters
from scenarios.dataset.store import SHARDS

RUNS, FEW, PUMPS = 1024, 256, 6400
ROUNDS = 3
STEPS = 5000
PUMP = REPOSITORY / "benchmarks" / "datasets" / "progpy_pump.yaml"
OWN = REPOSITORY / "benchmarks" / "equipment"
TARGETS = {
    "share_of_write_limit": (">=", 0.5), "vs_progpy": (">=", 500.0), "peak_rss_mib": ("<=", 1000.0),
    "bit_identical_workers": ("is", True),
}  # fmt: skip


@contextmanager
def made(order: Order) -> Iterator[tuple[Path, Manifest, float]]:
    """Make a data set in a folder that goes away; yield it, what it is, and how long that took [s]."""
    folder = Path(tempfile.mkdtemp())
    try:
        begun = time.perf_counter()
        done = make(Order(**{**vars(order), "out": folder / "set"}))
        assert done.manifest is not None
        yield folder / "set", done.manifest, time.perf_counter() - begun
    finally:
        shutil.rmtree(folder)


def values(found: Manifest) -> int:
    """Return how many single values of channels there are."""
    return found.runs * found.rows * len(found.channels)


def bare(folder: Path, codec: str) -> float:
    """Return how long h5py alone takes to write a data set's series [s]."""
    spent = 0.0
    for path in sorted((folder / SHARDS).glob("*.h5")):
        with h5py.File(path, "r") as file:
            series = [n for n in _names(file) if file[n].ndim >= 2 and n.split("/")[0] != "runs"]
            arrays = {name: file[name][:] for name in series}
            chunks = {name: file[name].chunks for name in series}
        begun = time.perf_counter()
        with h5py.File("bare", "w", driver="core", backing_store=False) as file:
            for name, array in arrays.items():
                file.create_dataset(name, data=array, chunks=chunks[name], **filters(codec))
            file.flush()
            body = file.id.get_file_image()
        with tempfile.NamedTemporaryFile(dir=folder) as out:
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
        spent += time.perf_counter() - begun
    return spent


def _names(file: h5py.File) -> list[str]:
    found: list[str] = []
    file.visititems(lambda name, node: found.append(name) if isinstance(node, h5py.Dataset) else None)
    return found


def progpy() -> float:
    """Return how many values of outputs ProgPy's pump makes in a second."""
    model = CentrifugalPumpBase(process_noise=0, measurement_noise=0)
    model.parameters["wA"] = 0.01
    loads = {"Tamb": 290, "V": 471.2389, "pdisch": 928654, "psuc": 239179, "wsync": 376.991118431}
    load = model.InputContainer(loads)
    model.parameters["x0"]["w"] = 376.0
    begun = time.perf_counter()
    done = model.simulate_to(STEPS, lambda t, x=None: load, dt=1)
    return len(done.times) * len(model.outputs) / (time.perf_counter() - begun)


def peak(runs: int) -> float:
    """Return the largest sum of resident memory of `twin dataset make` and its two workers [MiB]."""
    folder, largest = Path(tempfile.mkdtemp()), 0.0
    given = f"dataset make pump_station_faults --workers 2 --form flat --runs {runs} --out".split()
    try:
        process = subprocess.Popen([sys.executable, "-m", "twin", *given, str(folder / "set")])
        while process.poll() is None:
            largest = max(largest, _resident(process.pid))
            time.sleep(0.05)
    finally:
        shutil.rmtree(folder)
    return largest


def _resident(process: int) -> float:
    """Return resident memory of a process and all below it [MiB]."""
    total, waiting = 0.0, [process]
    while waiting:
        each = Path(f"/proc/{waiting.pop()}")
        try:
            lines = (each / "status").read_text().splitlines()
            total += sum(float(line.split()[1]) / 1024.0 for line in lines if line.startswith("VmRSS"))
            waiting += [int(child) for t in (each / "task").iterdir() for child in (t / "children").read_text().split()]
        except (OSError, ValueError):
            continue
    return total


def digest(folder: Path) -> str:
    """Return a hash of all files."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            whole.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return whole.hexdigest()


def main() -> None:
    """Measure, and print the figures."""
    pump, few = Order(path_of("pump_station_faults"), Path(), runs=RUNS, workers=2, form="flat"), FEW
    own = Order(PUMP, Path(), runs=PUMPS, workers=2, extra=OWN, form="flat")
    for order in (pump, own):
        with made(Order(**{**vars(order), "runs": few})):
            pass  # compiles what isn't in the cache
    rates, shares, packed, peer, against = [], [], [], [], []
    for _ in range(ROUNDS):
        with made(pump) as (folder, found, seconds):
            rates.append(values(found) / seconds)
            shares.append(bare(folder, "gzip") / seconds)
        with made(Order(**{**vars(pump), "codec": "bitshuffle-lz4"})) as (folder, found, seconds):
            packed.append(bare(folder, "bitshuffle-lz4") / seconds)
        peer.append(progpy())
        with made(own) as (folder, found, seconds):
            against.append(values(found) / seconds)
    digests = set()
    for workers in (1, 2, 3):
        with made(Order(**{**vars(pump), "runs": FEW, "workers": workers})) as (folder, _, _):
            digests.add(digest(folder))
    peaks = [peak(FEW), peak(RUNS)]
    figures = {
        "samples_per_s": round(median(rates)), "share_of_write_limit": round(median(shares), 2),
        "share_of_write_limit_lz4": round(median(packed), 2), "progpy_samples_per_s": round(median(peer)),
        "pump_samples_per_s": round(median(against)),
        "vs_progpy": round(median(a / p for a, p in zip(against, peer, strict=True))),
        "peak_rss_mib": round(max(peaks)), "peak_rss_mib_of_a_quarter": round(peaks[0]),
        "bit_identical_workers": len(digests) == 1,
    }  # fmt: skip
    report(figures, TARGETS)


if __name__ == "__main__":
    main()
