"""Linear state-space models of one reading, identified from a record such that their free run agrees with it.

A model of order n is written in observer form: its poles fix how states decay and how they are read, and everything
else (what inputs do to states, what they add directly, the offset, the initial state) enters the free run linearly. So
a search over at most four numbers finds the model with the least free-run error, and the rest is linear least squares
(variable projection). Poles are sought in continuous time, on a grid first, within what the record can tell apart.

References
----------
G. Golub, V. Pereyra, "Separable nonlinear least squares: the variable projection method and its applications", Inverse
Problems 19, 2003.
L. Ljung, "System Identification: Theory for the User", 2nd ed., 1999: output-error models, sections 4.2 and 10.
"""

from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
from scipy.linalg import lstsq
from scipy.optimize import least_squares
from scipy.signal import lfilter

MOST_STATES = 4
BLOCKS = 3
"""Parts of a record, each of which is left out and foretold once to choose the order."""
WORTH = 1.02
"""More states are taken only where fewer leave an error this much larger."""
SLOWEST = 1e-2
"""Slowest pole, in radians over the whole record: slower ones are integrators."""
FASTEST = 2.0
"""Fastest pole, in radians a step: faster ones have settled by the next step."""
DAMPING = (0.05, 1e3)
"""Bounds of the damping ratio of a pair of poles."""
RATES, RATIOS = 12, (0.1, 0.5, 1.0, 3.0, 30.0)
"""The grid on which poles are sought first: so many rates for each of these damping ratios."""
REFINED = 2
"""How many of the best on the grid are refined."""
STEP = 1e-4
"""Forward difference of the logarithm of a rate or a ratio."""
COLLINEAR = 1e-11
"""Regressors that agree to this share count as one."""
QUIETEST = 1e-6
"""Least standard deviation of a reading, as a share of that of the record."""


class StateSpace(NamedTuple):
    """One reading of a linear system, a step apart: x+ = A x + B u + b, y = C x + D u + c.

    The states are scaled such that over the record they had mean 0 and covariance 1: what is known of an initial state
    beforehand.

    Attributes
    ----------
    transition, entry, drift : (states, states), (states, inputs), (states,)
        A, B and b.
    output, direct, offset : (states,), (inputs,), float
        C, D and c.
    noise : float
        Standard deviation of what differs from one reading to the next and the model doesn't explain.
    """

    transition: np.ndarray
    entry: np.ndarray
    drift: np.ndarray
    output: np.ndarray
    direct: np.ndarray
    offset: float
    noise: float

    def responses(self, inputs: np.ndarray) -> np.ndarray:
        """Return the run from state 0, and what each state adds that begins at 1.

        Parameters
        ----------
        inputs : (steps, inputs)

        Returns
        -------
        (steps, 1 + states)
        """
        states = len(self.output)
        found = np.zeros((len(inputs), 1 + states))
        if states:
            pushes = inputs @ self.entry.T + self.drift
            now = np.eye(states, 1 + states, 1)
            for row, push in zip(found, pushes, strict=True):
                row[:] = self.output @ now
                now = self.transition @ now
                now[:, 0] += push
        found[:, 0] += inputs @ self.direct + self.offset
        return found

    def begun(self, responses: np.ndarray, read: np.ndarray) -> np.ndarray:
        """Return the run from the likeliest initial state after the first readings.

        Parameters
        ----------
        responses : (rows, 1 + states)
        read : (first rows,)
            NaN where there is no reading.

        Returns
        -------
        (rows,)
        """
        forced, free = responses[:, 0], responses[:, 1:]
        there, states = np.flatnonzero(np.isfinite(read)), free.shape[1]
        known = np.vstack([free[there] / self.noise, np.eye(states)])
        wanted = np.append((read - forced[: len(read)])[there] / self.noise, np.zeros(states))
        return np.asarray(forced + free @ np.linalg.lstsq(known, wanted, rcond=None)[0])


class _Signals(NamedTuple):
    """What poles are sought for: inputs and output about 0 and of size 1, and the rows that count."""

    inputs: np.ndarray
    output: np.ndarray
    used: np.ndarray


class _Linear(NamedTuple):
    """What a model of known poles takes from least squares."""

    entry: np.ndarray
    start: np.ndarray
    direct: np.ndarray
    offset: float
    predicted: np.ndarray


def state_space(inputs: np.ndarray, output: np.ndarray, first: int) -> StateSpace:
    """Return the stable model of up to four states whose free run agrees best with what was left out of its fit.

    Parameters
    ----------
    inputs : (steps, inputs)
        Each in force from its step to the next.
    output : (steps,)
        NaN where there is no reading; at least one is needed.
    first : int
        After how many steps the initial state of a free run must be known.
    """
    middle, size = inputs.mean(axis=0), _size(inputs)
    there = np.isfinite(output)
    centre, scale = float(output[there].mean()), float(_size(output[there]))
    signals = _Signals((inputs - middle) / size, np.where(there, output - centre, 0.0) / scale, there)
    poles = _chosen(signals, first)
    found = _scaled(poles, signals)
    entry, direct = found.entry / size, scale * found.direct / size
    return found._replace(
        entry=entry, drift=found.drift - entry @ middle, output=scale * found.output, direct=direct,
        offset=centre + scale * found.offset - float(direct @ middle), noise=scale * found.noise,
    )  # fmt: skip


def _size(signal: np.ndarray) -> np.ndarray:
    """Return standard deviations; 1 of what stands still, to rounding."""
    size = signal.std(axis=0)
    return np.asarray(np.where(size > 1e-12 * np.abs(signal).max(axis=0), size, 1.0))


def _chosen(signals: _Signals, first: int) -> np.ndarray:
    """Return the poles of the order that foretells best what is left out, and the whole record from its first readings.

    The whole because integrators may be right for a block and drift later. Errors are compared by their geometric mean:
    a block unlike all others, which no order foretells, must not decide alone.
    """
    inputs = signals.inputs.shape[1]
    enough = signals.used.sum() / 4
    found: list[np.ndarray] = []
    errors = []
    for states in range(MOST_STATES + 1):
        if states and states * (inputs + 2) + inputs + 1 > enough:
            break
        found.append(_refined(_starts(states, found, signals), signals))
        whole = _begun_error(_scaled(found[-1], signals), signals, first)
        errors.append(np.exp(np.log([whole, *_left_out(found[-1], signals, first)]).mean()))
    return found[int(np.argmax(np.array(errors) <= WORTH * min(errors)))]


def _left_out(poles: np.ndarray, signals: _Signals, first: int) -> list[float]:
    """Return RMS errors of free runs through blocks that begin like a new record, by models of the other blocks."""
    edges = np.linspace(0, len(signals.output), BLOCKS + 1).astype(int)
    errors = []
    for since, until in pairwise(edges):
        used = signals.used.copy()
        used[since:until] = False
        if used.any():
            # Before its first reading and behind its last one nothing is known of a run.
            span = slice(int(np.argmax(used)), len(used) - int(np.argmax(used[::-1])))
            rest = _Signals(signals.inputs[span], signals.output[span], used[span])
            model = _scaled(_refined([poles], rest), rest)
            errors.append(_begun_error(model, _Signals(*(each[since:until] for each in signals)), first))
    return errors


def _begun_error(model: StateSpace, signals: _Signals, first: int) -> float:
    """Return what a free run misses behind the first readings, from which it begins: RMS, no less than what counts."""
    read = np.where(signals.used, signals.output, np.nan)
    errors = (model.begun(model.responses(signals.inputs), read[:first]) - read)[first:]
    compared = errors[np.isfinite(errors)]
    return max(float(np.sqrt((compared**2).sum() / max(len(compared), 1))), QUIETEST)


def _starts(states: int, smaller: list[np.ndarray], signals: _Signals) -> list[np.ndarray]:
    """Return the best candidates of a grid: one pole more than the best pair of poles, or a pair more."""
    if states == 0:
        return [np.zeros(0)]
    low, high = _bounds(1, len(signals.inputs))
    rates = np.linspace(low[0], high[0], RATES)
    pairs = smaller[states - 2 + states % 2]
    more = [(rate,) for rate in rates] if states % 2 else product(rates, np.log(RATIOS))
    candidates = [np.array([*pairs, *each]) for each in more]
    costs = [float((_misses(each, signals) ** 2).sum()) for each in candidates]
    return [candidates[k] for k in np.argsort(costs, kind="stable")[:REFINED]]


def _refined(starts: list[np.ndarray], signals: _Signals) -> np.ndarray:
    """Return the poles with the least free-run error that a search from one of the starts finds."""
    if not len(starts[0]):
        return starts[0]
    bounds = _bounds(len(starts[0]), len(signals.inputs))

    def slopes(poles: np.ndarray, signals: _Signals) -> np.ndarray:
        here = _misses(poles, signals)
        moved = poles + STEP * np.eye(len(poles))
        return np.stack([(_misses(each, signals) - here) / STEP for each in moved], axis=1)

    tries = [
        least_squares(_misses, np.clip(start, *bounds), slopes, bounds, ftol=1e-6, max_nfev=30, args=(signals,))
        for start in starts
    ]
    return np.asarray(min(tries, key=lambda each: float(each.cost)).x)


def _bounds(states: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return bounds of what describes the poles: logarithms, of rate and damping ratio by pair, of the rate alone."""
    rate = np.log([SLOWEST / rows, FASTEST])
    low, high = np.array([rate, np.log(DAMPING)] * (states // 2) + [rate] * (states % 2)).reshape(states, 2).T
    return low, high


def _misses(poles: np.ndarray, signals: _Signals) -> np.ndarray:
    """Return what the free run misses where rows count, shape (used,)."""
    return np.asarray((signals.output - _solved(poles, signals).predicted)[signals.used])


def _solved(poles: np.ndarray, signals: _Signals) -> _Linear:
    """Return what fits best beside these poles."""
    rows, inputs = signals.inputs.shape
    states = len(poles)
    sections = _sections(poles)
    pushed = _states(sections, signals.inputs)
    # A state that begins somewhere answers as one that was pushed a step before.
    pulse = np.zeros((rows + 1, 1))
    pulse[0] = 1.0
    free = _states(sections, pulse)[1:]
    regressors = np.hstack([pushed, free, signals.inputs, np.ones((rows, 1))])
    size = np.sqrt((regressors[signals.used] ** 2).mean(axis=0))
    size[size == 0.0] = 1.0
    used = (regressors / size)[signals.used]
    wanted = signals.output[signals.used]
    found = lstsq(used, wanted, cond=COLLINEAR, lapack_driver="gelsy", check_finite=False)[0] / size
    entry, start, direct, offset = np.split(found, np.cumsum([inputs * states, states, inputs]))
    return _Linear(entry.reshape(states, inputs), start, direct, float(offset[0]), regressors @ found)


def _sections(poles: np.ndarray) -> list[np.ndarray]:
    """Return the poles as denominators in the delay, of second order by pair and of first for one alone."""
    found = []
    for log_rate, log_ratio in zip(poles[0 : len(poles) - 1 : 2], poles[1::2], strict=True):
        rate, ratio = np.exp(log_rate), np.exp(log_ratio)
        spread = np.sqrt(complex(ratio**2 - 1.0))
        # The slow one from the product of both: their difference would cancel.
        fast = -rate * (ratio + spread)
        slow = rate**2 / fast
        found.append(np.array([1.0, -(np.exp(fast) + np.exp(slow)).real, np.exp(fast + slow).real]))
    if len(poles) % 2:
        found.append(np.array([1.0, -np.exp(-np.exp(poles[-1]))]))
    return found


def _states(sections: list[np.ndarray], signals: np.ndarray) -> np.ndarray:
    """Return the states of a cascade of sections that each signal pushes from 0, shape (rows, states x signals)."""
    found = [np.zeros((len(signals), 0))]
    for section in sections:
        signals = lfilter([0.0, section.sum()], section, signals, axis=0)
        found.append(signals)
        if len(section) == 3:
            found.append(np.diff(signals, axis=0, prepend=0.0))
    return np.hstack(found)


def _cascade(sections: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return transition and entry matrix of the cascade of which `_states` are the states."""
    states = sum(len(section) - 1 for section in sections)
    transition, entry = np.zeros((states, states)), np.zeros(states)
    before = at = 0
    for section in sections:
        gain, order = section.sum(), len(section) - 1
        mine = slice(at, at + order)
        if order == 1:
            transition[mine, mine] = -section[1]
        else:
            transition[mine, mine] = [[-section[1] - section[2], section[2]], [-gain, section[2]]]
        if at:
            transition[mine, before] = gain
        else:
            entry[mine] = gain
        before, at = at, at + order
    return transition, entry


def _scaled(poles: np.ndarray, signals: _Signals) -> StateSpace:
    """Return the model with these poles, its states scaled by how they moved."""
    solved = _solved(poles, signals)
    # What a push does to a reading through all states is what the transposed system does: observer form.
    transposed, output = _cascade(_sections(poles))
    transition = transposed.T
    path = np.zeros((len(signals.inputs), len(poles)))
    now = solved.start
    for row, push in zip(path, signals.inputs @ solved.entry.T, strict=True):
        row[:] = now
        now = transition @ now + push
    mean, size = path.mean(axis=0), _size(path)
    spreads, axes = np.linalg.eigh(np.cov(path / size, rowvar=False, bias=True).reshape(len(poles), len(poles)))
    spreads = np.sqrt(np.maximum(spreads, COLLINEAR))
    unscaled, scaled = size[:, None] * axes * spreads, (axes / spreads).T / size
    left = (signals.output - solved.predicted)[signals.used]
    noise = np.sqrt((np.diff(left) ** 2).mean() / 2.0) if len(left) > 1 else 0.0
    return StateSpace(
        scaled @ transition @ unscaled, scaled @ solved.entry, scaled @ (transition @ mean - mean), output @ unscaled,
        solved.direct, solved.offset + float(output @ mean), max(float(noise), QUIETEST),
    )  # fmt: skip
