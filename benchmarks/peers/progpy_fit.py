"""ProgPy's own pump as it is fitted by `estimate_params`: data of its own equations, and the fit."""

from typing import Any, NamedTuple

import numpy as np
from progpy.models import CentrifugalPumpBase

OUTPUTS = ("w", "Qout", "Tt", "Tr", "To")
NOISE = np.array([0.5, 2e-3, 0.1, 0.1, 0.1])
KEYS: tuple[Any, ...] = tuple(("x0", name) for name in ("rThrust", "rRadial", "Tt", "Tr", "To"))
LOADS = {"Tamb": 290.0, "pdisch": 928654.0, "psuc": 239179.0, "wsync": 376.991118431}
ROWS, HOLD = 301, 30
"""Rows a second apart, and how many of them a voltage is held."""
FINE = 0.02
"""Euler's step [s] by which data are made: below it nothing changes beside the noise."""
SPEED = 376.0
ENOUGH = 1e-5


class Data(NamedTuple):
    """Voltage (rows,) from each row to the next, and outputs (rows, 5), noise included."""

    voltage: np.ndarray
    outputs: np.ndarray


def data(changed: np.ndarray, rng: np.random.Generator) -> Data:
    """Return what ProgPy's pump shows with its parameters changed by these shares."""
    voltage = np.repeat(rng.uniform(380.0, 500.0, ROWS // HOLD + 1), HOLD)[:ROWS]
    model = pump()
    for key, share in zip(KEYS, changed, strict=True):
        _put(model, key, _get(model, key) * (1.0 + share))
    done = model.simulate_to(ROWS - 1, lambda t, x=None: _load(model, voltage[int(t + 1e-6)]), dt=FINE, save_freq=1)
    seen = np.array([[float(z[name]) for name in OUTPUTS] for z in done.outputs])[:ROWS]
    return Data(voltage, seen + NOISE * rng.standard_normal(seen.shape))


def pump() -> CentrifugalPumpBase:
    """Return the pump without noise, near its synchronous speed: at it slip is nothing and ProgPy divides by it."""
    model = CentrifugalPumpBase(process_noise=0, measurement_noise=0)
    model.parameters["x0"]["w"] = SPEED
    return model


def fitted(given: Data) -> tuple[np.ndarray, float]:
    """Return what `estimate_params` finds from the defaults, by its own method, and the mean square that it leaves.

    Its method ends by absolute differences; they are set where the mean square is settled to four digits.
    """
    model = pump()
    # The load at a time drives the step that ends there: what acts from a row on comes with the next one.
    loads = [_load(model, each) for each in (given.voltage[0], *given.voltage[:-1])]
    outputs = [model.OutputContainer(dict(zip(OUTPUTS, row, strict=True))) for row in given.outputs]
    run = ([float(t) for t in range(ROWS)], loads, outputs)
    found = model.estimate_params([run], list(KEYS), options={"fatol": ENOUGH, "xatol": 1e3, "maxiter": 5000})
    return np.array(found.x), float(found.fun)


def _load(model: CentrifugalPumpBase, voltage: float) -> Any:
    return model.InputContainer({**LOADS, "V": voltage})


def _get(model: CentrifugalPumpBase, key: Any) -> float:
    return float(model.parameters[key] if isinstance(key, str) else model.parameters[key[0]][key[1]])


def _put(model: CentrifugalPumpBase, key: Any, value: float) -> None:
    if isinstance(key, str):
        model.parameters[key] = value
    else:
        model.parameters[key[0]][key[1]] = value
