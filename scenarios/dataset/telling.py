"""Features of a run before its onset: statistics of its signals, and all that is known of it but its fault."""

import numpy as np

from scenarios.dataset.pieces import Piece

BITS = 8
"""Lowest bits of the seed that are looked at."""
LATE = 16
"""Rows just before the onset that are looked at by themselves."""
KNOWN = ("number", "machine", "plant", "duty", "split", "sensor_fault", "sensor_size")
STATISTICS = ("mean", "deviation", "least", "greatest", "first", "last", "late", "slope", "jumps", "missing")


def features(piece: Piece, run: int, rows: int, channels: list[str]) -> tuple[list[str], np.ndarray]:
    """Return names and values of what the first rows of a run look like; NaN where nothing was measured.

    Parameters
    ----------
    rows : int
        Rows up to the onset.
    """
    signals = piece["signals"][run, :rows].astype(float)
    count = signals.shape[0]
    good = np.isfinite(signals)
    number = good.sum(axis=0)
    some = np.maximum(number, 1)
    none = np.where(number > 0, 0.0, np.nan)
    mean = np.where(good, signals, 0.0).sum(axis=0) / some + none
    apart = np.where(good, signals - mean, 0.0)
    time = np.arange(count)[:, None] - (count - 1) / 2.0
    steps = np.diff(signals, axis=0)
    both = np.isfinite(steps)
    late = signals[-LATE:]
    late_good = np.isfinite(late)
    found = [
        mean, np.sqrt((apart**2).sum(axis=0) / some) + none,
        np.where(good, signals, np.inf).min(axis=0) + none, np.where(good, signals, -np.inf).max(axis=0) + none,
        signals[0], signals[-1],
        np.where(late_good, late - mean, 0.0).sum(axis=0) / np.maximum(late_good.sum(axis=0), 1),
        (apart * time).sum(axis=0) / max(float((time**2).sum()), 1.0),
        np.abs(np.where(both, steps, 0.0)).sum(axis=0) / np.maximum(both.sum(axis=0), 1),
        1.0 - number / count,
    ]  # fmt: skip
    mode = piece["labels/mode"][run, :rows]
    names = [f"{name} of {channel}" for name in STATISTICS for channel in channels]
    whole = np.concatenate([*found, [float(mode.mean()), float((mode[1:] != mode[:-1]).sum())]])
    return [*names, "mean mode", "changes of mode"], np.where(np.isfinite(whole), whole, np.nan)


def metadata(piece: Piece) -> tuple[list[str], np.ndarray]:
    """Return names and values of what is known of a shard's runs beside their signals, shape (runs, names)."""
    runs = len(piece.number)
    names = ["position in the shard", *KNOWN, "sensor_onset", "sensor_end"]
    columns = [np.arange(runs), *(piece.drawn[name].astype(float) for name in KNOWN)]
    for name in ("sensor_onset", "sensor_end"):
        columns.append(np.where(np.isfinite(piece.drawn[name]), piece.drawn[name], -1.0))
    for bit in range(BITS):
        names.append(f"bit {bit} of the seed")
        columns.append((piece.drawn["seed"] >> np.uint64(bit)) & np.uint64(1))
    parameters, values = piece.parameters()
    return [*names, *(f"parameter {name}" for name in parameters)], np.column_stack([*columns, values]).astype(float)
