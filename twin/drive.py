"""The compiled loop around a stepper: stops, samples, located events, transitions; lane by lane."""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

import numpy as np
from numba import njit

from twin.address import call_fire, call_meet, call_steps
from twin.compiled import COMPILED, INNER
from twin.kernel import Program, Shape
from twin.layout import Control, Flag
from twin.stops import COUNTERS, at_one_stop, change, in_bounds, next_stop, sample, serve_alike

T, H, CAP, SCHEDULED, EVENTS = (int(r) for r in list(Control)[:5])
LAST_EVENT, GAP, BUNCHED, TP, STOP, FLAG = (
    int(r) for r in (Control.LAST_EVENT, Control.GAP, Control.BUNCHED, Control.TP, Control.STOP, Control.FLAG)
)
RUNNING, AT_STOP, CROSSED, DONE = (int(f) for f in list(Flag)[:4])
NOT_FINITE = int(Flag.NOT_FINITE)
OUT_OF_BOUNDS, ZENO, WATCHED, FULL = (int(f) for f in (Flag.OUT_OF_BOUNDS, Flag.ZENO, Flag.WATCHED, Flag.FULL))

LOCATE = 1e-10
"""A crossing is located to this, and never early [s]."""
SETTLE = 1e-8
"""Least step after an event, so that a guard which was just passed may turn negative again [s]."""
BUNCH = 1e-5
"""Events of a lane closer than this, each closer than the last, are counted as bunched [s]."""
MOST_SHRINKING = 6
MOST_CLOSE = 200.0
MOST_SECANTS = 50
ITERATIONS = 512
FULL_FLOOR, AGAIN = -1.0, -2.0
"""What a flow returns in place of a time: it needs room for parts; an input has changed, look again."""
MOST_ARGUMENTS = 64


# Arrays are handed one by one to the functions that read them: a tuple of all of them costs seconds of compile time.


@njit(**INNER)
def _fire(z, c, j, transitions, cells, cell_bounds, first, last, scratch):
    """Run transitions `first` to `last` on lane j, each seeing what the one before left; flag a bad result."""
    for k in range(first, last):
        argument, result = transitions[k, 1], transitions[k, 3]
        for i in range(transitions[k, 2]):
            row = cells[argument + i, 1]
            scratch[0, i] = c[row, j] if cells[argument + i, 0] else np.float64(z[row, j])
        call_fire(transitions[k, 0], scratch[0].ctypes.data, scratch[1].ctypes.data)
        for i in range(transitions[k, 4]):
            row, value = cells[result + i, 1], scratch[1, i]
            if not cell_bounds[result + i, 0] <= value <= cell_bounds[result + i, 1]:
                c[FLAG, j] = OUT_OF_BOUNDS
            if cells[result + i, 0]:
                c[row, j] = value
            else:
                z[row, j] = value


@njit(**INNER)
def _count_event(c, j):
    """Keep the statistics that tell a Zeno run from a busy one; return whether it is one."""
    t = c[T, j]
    gap = t - c[LAST_EVENT, j]
    # Ever faster (a bouncing ball) is told after few events, merely fast (a relay without hysteresis) after many.
    weight = MOST_CLOSE / MOST_SHRINKING if 0.0 < gap < 0.999 * c[GAP, j] else 1.0
    near = BUNCH if weight > 1.0 else 0.1 * BUNCH
    c[BUNCHED, j] = c[BUNCHED, j] + weight if gap < near else 0.0
    c[GAP, j] = gap
    c[LAST_EVENT, j] = t
    c[EVENTS, j] += 1.0
    c[CAP, j] = max(SETTLE, min(1e-6 * c[H, j], 0.01 * gap), 64.0 * np.spacing(abs(t)))
    return c[BUNCHED, j] > MOST_CLOSE


@njit(**INNER)
def _highest(values, before):
    """Return the largest of the guards that were negative before: its root is the next event."""
    top = -np.inf
    for i in range(before.size):
        if before[i] < 0.0:
            top = max(top, np.float64(values[i]))
    return top


@njit(**INNER)
def _locate(steps, z, c, w, tables, j, nx, ng, gp, g, xp):
    """Shrink the crossing step of lane j until it ends at most `LOCATE` after the crossing."""
    za, ca = z.ctypes.data + z.itemsize * j, c.ctypes.data + 8 * j
    base, a, b, limit = c[TP, j], c[TP, j], c[T, j], c[STOP, j]
    tolerance = max(LOCATE, 4.0 * np.spacing(abs(b)))
    remembered, cap, side, extended = c[H, j], c[CAP, j], 0, 0
    # Every trial is a step from here, however near the crossing: of steps as short as the tolerance, rounding may leave
    # nothing, and a slow crossing approached by them is never reached.
    states, before, now = z[xp : xp + nx, j].copy(), z[gp : gp + ng, j].copy(), z[g : g + ng, j]
    low, high = _highest(before, before), _highest(now, before)
    below, above = low, high  # as measured; `low` and `high` are weighted
    for trials in range(200):
        if c[FLAG, j] == CROSSED and above * (b - a) <= tolerance * (above - below):
            break
        trial = a - low * (b - a) / (high - low) + 0.5 * tolerance
        if not (a < trial < b) or trials > MOST_SECANTS:
            trial = 0.5 * (a + b) if b - a > tolerance else b
        z[:nx, j], z[gp : gp + ng, j] = states, before
        c[T, j], c[STOP, j] = base, trial
        c[H, j], c[CAP, j], c[FLAG, j] = max(trial - base, 1e-12), np.inf, RUNNING
        call_steps(steps, za, ca, w.ctypes.data, tables.ctypes.data, 1, ITERATIONS)
        if c[FLAG, j] == CROSSED:
            if c[TP, j] > base:  # the step was taken in parts: look in the one that crossed
                base = a = c[TP, j]
                states, before = z[xp : xp + nx, j].copy(), z[gp : gp + ng, j].copy()
                low = below = _highest(before, before)
            elif side > 0:
                low *= 0.5  # Illinois: where one end stays for a second time, halve its weight
            b = c[T, j]
            high = above = _highest(now, before)
            side = 1
        elif c[FLAG, j] == AT_STOP:
            a = trial
            if trial >= limit:
                break
            if trial >= b:  # rounding moved the crossing past where it was seen: look a little further
                extended += 1
                b = min(b + tolerance * 2.0**extended, limit)
            low = below = _highest(now, before)
            high = high * 0.5 if side < 0 else above
            side = -1
        else:
            break
    c[H, j], c[CAP, j] = remembered, cap


@njit(**INNER)
def _cross(z, c, j, member, ng, gp, g, on, transitions, cells, cell_bounds, watch, scratch, log, count):
    """Fire the guards of lane j that have risen, in declared order; return how many, and if one is watched."""
    watched, fired = False, 0
    for i in range(ng):
        if z[gp + i, j] < 0.0 and z[g + i, j] >= 0.0:
            log[count + fired, 0], log[count + fired, 1], log[count + fired, 2] = c[T, j], member, i
            fired += 1
            watched = watched or watch[i] > 0
    for i in range(ng):
        rose = z[gp + i, j] < 0.0 and z[g + i, j] >= 0.0
        z[gp + i, j] = z[g + i, j]
        if rose:
            _fire(z, c, j, transitions, cells, cell_bounds, on[i], on[i + 1], scratch)
    return fired, watched


@njit(**INNER)
def _fire_dues(z, c, j, member, first, at, transitions, cells, cell_bounds, watch, scratch, log, count):
    """Fire what is due, in declared order; return how many, and if one is watched."""
    fired, watched = 0, False
    t, ng = c[T, j], watch.size - at.size + 1
    for k in range(at.size - 1):
        if c[first + k, j] <= t:
            c[first + k, j] = np.inf
            log[count + fired, 0], log[count + fired, 1], log[count + fired, 2] = t, member, ng + k
            fired += 1
            watched = watched or watch[ng + k] > 0
            _fire(z, c, j, transitions, cells, cell_bounds, at[k], at[k + 1], scratch)
    return fired, watched


@njit(**INNER)
def _release(c, lanes, first, periods, dues, times, meets, end):
    """Let every lane that has not failed run to its next stop; `first` is the member in lane 0."""
    for j in range(lanes):
        if c[FLAG, j] <= DONE or c[FLAG, j] >= WATCHED:
            c[FLAG, j] = RUNNING
            c[STOP, j] = next_stop(c, j, periods, dues, times, end)
            if meets.size > 0:
                c[STOP, j] = min(c[STOP, j], meets[first + j])


@njit(**INNER)
def _meet(z, c, j, member, happened, meeting, meets):
    """Let the physics of lane j and its flow see each other where the flow is due.

    Where something happened it is due at once: it is called when outputs are known anew.
    """
    if happened:
        meets[member] = c[T, j]
    elif c[FLAG, j] <= DONE and meets[member] <= c[T, j]:
        lane, stride = z.ctypes.data + z.itemsize * j, z.itemsize * z.shape[1]
        place = meeting[1] + meeting[2] * member
        due = call_meet(meeting[0], place, meeting[3], meeting[4], lane, stride, c[T, j])
        meets[member] = c[T, j] if due in (FULL_FLOOR, AGAIN) else due
        if due == FULL_FLOOR:
            c[FLAG, j] = FULL
        elif due == AGAIN and _count_event(c, j):
            c[FLAG, j] = ZENO
    if meets[member] <= c[T, j] and c[FLAG, j] == DONE:
        c[FLAG, j] = RUNNING
    c[STOP, j] = min(c[STOP, j], meets[member])


@njit(**INNER)
def _serve(steps, tables, w, z, c, j, member, shape, program, samples, sample_counts, scratch, log, count):
    """Locate and fire, or sample, change and fire, as lane j's flag says; return how many fired, and if watched."""
    on, at, transitions, cells, watch = program.on, program.at, program.transitions, program.cells, program.watched
    cell_bounds = program.cell_bounds
    nx, ng, gp, g, xp = shape.nx, shape.ng, shape.gp, shape.g, shape.xp
    if c[FLAG, j] == CROSSED and c[T, j] - c[TP, j] > LOCATE:
        _locate(steps, z, c, w, tables, j, nx, ng, gp, g, xp)
        if c[FLAG, j] <= AT_STOP:  # rounding ate the crossing: go on
            c[FLAG, j] = RUNNING
        if c[FLAG, j] != CROSSED:
            return 0, False
    # Only now: a step that crosses a guard may overshoot far beyond what the equations allow.
    if not in_bounds(z, j, program.bounds):
        c[FLAG, j] = OUT_OF_BOUNDS
        return 0, False
    for i in range(ng):
        if z[g + i, j] != z[g + i, j]:  # a guard that is not a number would silently never fire
            c[FLAG, j] = NOT_FINITE
            return 0, False
    if c[FLAG, j] == CROSSED:
        return _cross(z, c, j, member, ng, gp, g, on, transitions, cells, cell_bounds, watch, scratch, log, count)
    sample(z, c, j, member, program.periods, program.sample_rows, program.sample_starts, samples, sample_counts)
    change(z, c, j, program.change_times, program.change_rows, program.change_values)
    first_due = COUNTERS + program.periods.size
    return _fire_dues(z, c, j, member, first_due, at, transitions, cells, cell_bounds, watch, scratch, log, count)


@njit(**INNER)
def _next_flag(c, j, was, fired, watched, end):
    """Return why lane j stands still after it was served, or that it runs on."""
    if c[FLAG, j] > DONE:
        return c[FLAG, j]
    # After an event the state stands where it is: a second crossing at this instant needs no search.
    c[TP, j] = c[T, j]
    if fired > 0 and _count_event(c, j):
        return ZENO
    if watched:
        return WATCHED
    return DONE if was == AT_STOP and c[T, j] >= end and fired == 0 else RUNNING


@njit(**COMPILED)
def advance(steps, tables, w, z_blocks, c_blocks, members, end, shape, program, samples, sample_counts, log):
    """Advance all blocks of members to `end`; return how many events are in `log` and whether it is full.

    Parameters
    ----------
    steps : int
        Address of the stepper.
    z_blocks, c_blocks : (blocks, rows, width)
        State and control rows of each block.
    samples : (tags, members, slots), sample_counts : (periods, members)
        Where sampled rows go, and how many slots of each period are taken.
    log : (slots, 3)
        Time, member and code of every transition: a guard's index, or the number of guards plus a due's.
    """
    periods, times, dues, meets = program.periods, program.change_times, program.at.size - 1, program.meets
    scratch = np.empty((2, MOST_ARGUMENTS))
    # typed: a literal 0 would compile everything below a second time
    room, count = log.shape[0] - program.watched.size, np.int64(0)
    for block in range(z_blocks.shape[0]):
        z, c = z_blocks[block], c_blocks[block]
        lanes = min(shape.width, members - block * shape.width)
        _release(c, lanes, block * shape.width, periods, dues, times, meets, end)
        active = True
        while active:
            call_steps(steps, z.ctypes.data, c.ctypes.data, w.ctypes.data, tables.ctypes.data, lanes, ITERATIONS)
            if meets.size == 0 and at_one_stop(z, c, lanes, program, shape):
                active = serve_alike(z, c, lanes, block * shape.width, program, samples, sample_counts, end)
                continue
            active = False
            for j in range(lanes):
                was = c[FLAG, j]
                if was == RUNNING and not in_bounds(z, j, program.bounds):
                    c[FLAG, j] = OUT_OF_BOUNDS
                before = c[SCHEDULED, j]
                if was in (AT_STOP, CROSSED):
                    if count >= room:
                        return count, True
                    fired, watched = _serve(
                        steps, tables, w, z, c, j, block * shape.width + j, shape, program,
                        samples, sample_counts, scratch, log, count,
                    )  # fmt: skip
                    count += fired
                    c[FLAG, j] = _next_flag(c, j, was, fired, watched, end)
                    c[STOP, j] = next_stop(c, j, periods, dues, times, end)
                    if meets.size > 0:
                        happened = fired > 0 or c[SCHEDULED, j] != before
                        _meet(z, c, j, block * shape.width + j, happened, program.meeting, meets)
                active = active or c[FLAG, j] == RUNNING
    return count, False


def warm(real: type[np.floating]) -> None:
    """Compile the driver, or load its machine code, by driving no members."""
    ints, reals = np.zeros(1, np.int64), np.zeros(0)
    program = Program(
        ints, ints, np.zeros((0, 5), np.int64), np.zeros((0, 2), np.int64), np.zeros((0, 2)), ints, ints,
        reals, reals, ints, reals, np.zeros((2, 0)), ints, ints, reals,
    )  # fmt: skip
    z, c = np.zeros((0, 1, 1), real), np.zeros((0, 1, 1))
    taken, samples, log = np.zeros((0, 0), np.int64), np.zeros((0, 0, 0)), np.zeros((0, 3))
    advance(0, ints, reals, z, c, 0, 0.0, Shape(1, 0, 0, 0, 0, 0), program, samples, taken, log)
