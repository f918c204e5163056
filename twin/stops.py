"""Stops of lanes: when the next one is, and the samples and scheduled changes that are due there."""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

from numba import njit

from twin.compiled import INNER
from twin.layout import Control, Flag

T, SCHEDULED, TP, STOP, FLAG = (int(r) for r in (Control.T, Control.SCHEDULED, Control.TP, Control.STOP, Control.FLAG))
RUNNING, AT_STOP, DONE = int(Flag.RUNNING), int(Flag.AT_STOP), int(Flag.DONE)
COUNTERS = len(Control)


@njit(**INNER)
def next_stop(c, j, periods, dues, change_times, end):
    """Return the earliest of the end, the next sample, change and due of lane j."""
    stop = end
    for k in range(periods.size):
        stop = min(stop, c[COUNTERS + k, j] * periods[k])
    for k in range(dues):
        stop = min(stop, c[COUNTERS + periods.size + k, j])
    changed = int(c[SCHEDULED, j])
    if changed < change_times.size:
        stop = min(stop, change_times[changed])
    return stop


@njit(**INNER)
def sample(z, c, j, member, periods, rows, starts, samples, counts):
    """Write what the tags of every period that is due read now."""
    for k in range(periods.size):
        if c[COUNTERS + k, j] * periods[k] <= c[T, j]:
            for i in range(starts[k], starts[k + 1]):
                samples[i, member, counts[k, member]] = z[rows[i], j]
            counts[k, member] += 1
            c[COUNTERS + k, j] += 1.0


@njit(**INNER)
def change(z, c, j, times, rows, values):
    """Apply the scheduled changes that are due."""
    changed = int(c[SCHEDULED, j])
    while changed < times.size and times[changed] <= c[T, j]:
        z[rows[changed], j] = values[changed]
        changed += 1
    c[SCHEDULED, j] = changed


@njit(**INNER)
def in_bounds(z, j, bounds):
    """Return whether every state of lane j lies in its declared bounds."""
    inside = True
    for i in range(bounds.shape[1]):
        inside = inside and bounds[0, i] <= z[i, j] <= bounds[1, i]
    return inside


@njit(**INNER)
def at_one_stop(z, c, lanes, program, shape):
    """Return whether all lanes stand at one stop at which nothing happens but samples and scheduled changes."""
    t, scheduled, width, bounds = c[T, 0], c[SCHEDULED, 0], program.periods.size, program.bounds
    alike = c[FLAG, 0] == AT_STOP
    for j in range(lanes):
        alike = alike and c[FLAG, j] == AT_STOP and c[T, j] == t and c[SCHEDULED, j] == scheduled
    for k in range(width):
        for j in range(lanes):
            alike = alike and c[COUNTERS + k, j] == c[COUNTERS + k, 0]
    for k in range(program.at.size - 1):
        for j in range(lanes):
            alike = alike and c[COUNTERS + width + k, j] > t
    for i in range(bounds.shape[1]):
        for j in range(lanes):
            alike = alike and bounds[0, i] <= z[i, j] <= bounds[1, i]
    for i in range(shape.g, shape.g + shape.ng):
        for j in range(lanes):
            alike = alike and z[i, j] == z[i, j]
    return alike


@njit(**INNER)
def serve_alike(z, c, lanes, member, program, samples, counts, end):
    """Sample and change lanes that are `at_one_stop`, row by row; return whether they run on.

    The bits are those of lanes served one by one, at a fifth of the cost: recordings and data sets have a stop for
    every row.
    """
    t, periods, times, dues = c[T, 0], program.periods, program.change_times, program.at.size - 1
    for k in range(periods.size):
        if c[COUNTERS + k, 0] * periods[k] <= t:
            for i in range(program.sample_starts[k], program.sample_starts[k + 1]):
                for j in range(lanes):
                    samples[i, member + j, counts[k, member + j]] = z[program.sample_rows[i], j]
            for j in range(lanes):
                counts[k, member + j] += 1
                c[COUNTERS + k, j] += 1.0
    changed = int(c[SCHEDULED, 0])
    while changed < times.size and times[changed] <= t:
        z[program.change_rows[changed], :lanes] = program.change_values[changed]
        changed += 1
    c[SCHEDULED, :lanes] = changed
    stop = next_stop(c, 0, periods, 0, times, end)
    c[TP, :lanes], c[STOP, :lanes] = t, stop
    for k in range(dues):
        for j in range(lanes):
            c[STOP, j] = min(c[STOP, j], c[COUNTERS + periods.size + k, j])
    c[FLAG, :lanes] = DONE if t >= end else RUNNING
    return t < end
