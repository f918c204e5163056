"""Are events where mathematics puts them? Ball, tank and compressor against closed forms, for any output interval."""

import math
from dataclasses import replace

from benchmarks.report import REPOSITORY, report
from twin.catalogue import find
from twin.ensemble import Ensemble
from twin.errors import SimulationError
from twin.plant import Plant, Solver, Tag

EQUIPMENT = REPOSITORY / "tests" / "equipment"
INTERVALS = (1e-3, 1e-2, 0.1, 1.0)
TARGETS = {"max_event_error": ("<=", 1e-8), "error_growth": ("<=", 1.5), "zeno_named": ("is", True)}
PRECISE = Solver("dp5", 1e-3, 1e-10)
GRAVITY = 9.80665
LEVEL_MIN = 1e-4


def event_times(plant: Plant, until: float, interval: float, reads: str, name: str) -> list[float]:
    """Return when guard `name` fired while a tag was read every `interval`."""
    tagged = replace(plant, tags={"tag": Tag("tag", reads, plant.quantity(reads).unit, interval)}, solver=PRECISE)
    ensemble = Ensemble(tagged, 1)
    ensemble.advance(until)
    return [h.time for h in ensemble.take_happenings() if h.name == name]


def ball(interval: float) -> float:
    """Return the largest relative error of the first ten bounces; t_n = t_1 (1 + 2 (e + ... + e^(n-1)))."""
    plant = Plant("ball", {"ball": find("bouncing_ball", EQUIPMENT)})
    times = event_times(plant, 3.65, interval, "ball.height", "ball.floor")
    first = math.sqrt(2.0 / 9.81)
    exact = [first * (1.0 + 2.0 * sum(0.8**k for k in range(1, n))) for n in range(1, 11)]
    return worst(times, exact)


def overflow(interval: float) -> float:
    """Return the error of the instant a tank without outlet reaches its rim: A (height - level) / flow."""
    values = {"tank.outlet_area": 0.0, "tank.flow_in": 0.013, "tank.level": 0.7, "tank.area": 0.5, "tank.height": 1.2}
    times = event_times(
        Plant("filling", {"tank": find("tank")}, values=values), 30.0, interval, "tank.level", "tank.overflowing"
    )
    return worst(times, [0.5 * 0.5 / 0.013])


def emptying(interval: float) -> float:
    """Return the error of the instant a draining tank is low: separable, dt = -A sqrt(h + h_0) dh / (c h)."""
    values = {
        "tank.outlet_area": 2e-3,
        "tank.level": 0.9,
        "tank.area": 0.5,
        "tank.low_level": 0.3,
        "tank.discharge": 0.6,
    }
    times = event_times(
        Plant("emptying", {"tank": find("tank")}, values=values), 120.0, interval, "tank.level", "tank.running_low"
    )

    def antiderivative(h: float) -> float:
        root, small = math.sqrt(h + LEVEL_MIN), math.sqrt(LEVEL_MIN)
        return 2.0 * root + small * math.log((root - small) / (root + small))

    speed = 0.6 * 2e-3 * math.sqrt(2.0 * GRAVITY)
    return worst(times, [0.5 * (antiderivative(0.9) - antiderivative(0.3)) / speed])


def compressor(interval: float) -> float:
    """Return the error of the first unloadings: receiver and demand constant, so pressure is piecewise linear."""
    cls = find("air_compressor")
    values = {"c.demand": 0.07, "c.loaded": 1.0, "c.p": 8.2e5}
    plant = Plant("air", {"c": cls}, values=values)
    times = event_times(plant, 60.0, interval, "c.p", "c.too_high")
    gas = 287.0509 * plant.value("c.T_rec") / plant.value("c.V")
    suction = plant.value("c.p_amb") - plant.value("c.dp_clean")
    inflow = suction * plant.value("c.volume_flow") / (287.0509 * plant.value("c.T_amb"))
    up, down = gas * (inflow - 0.07), gas * 0.07
    low, high = plant.value("c.p_load"), plant.value("c.p_unload")
    first = (high - 8.2e5) / up
    period = (high - low) / up + (high - low) / down
    return worst(times, [first + n * period for n in range(len(times))])


def worst(times: list[float], exact: list[float]) -> float:
    """Return the largest relative deviation; infinite where an event is missing."""
    if len(times) < len(exact) or not exact:
        return math.inf
    return max(abs(a - b) / b for a, b in zip(times, exact, strict=False))


def zeno() -> bool:
    """Return whether a ball that bounces without end stops with an error that says so, by name."""
    ensemble = Ensemble(replace(Plant("ball", {"ball": find("bouncing_ball", EQUIPMENT)}), solver=PRECISE), 1)
    try:
        ensemble.advance(10.0)
    except SimulationError as err:
        return "Zeno" in str(err) and "ball.floor" in str(err)
    return False


def main() -> None:
    """Measure and print."""
    errors = {
        case.__name__: {interval: case(interval) for interval in INTERVALS}
        for case in (ball, overflow, emptying, compressor)
    }
    for name, by_interval in errors.items():
        print(f"{name:12}", "  ".join(f"{interval:g} s: {error:.2e}" for interval, error in by_interval.items()))
    by_interval = [max(e[interval] for e in errors.values()) for interval in INTERVALS]
    figures = {
        "max_event_error": max(by_interval),
        "error_growth": max(by_interval[1:]) / by_interval[0],
        "zeno_named": zeno(),
        "errors": {name: {str(k): v for k, v in e.items()} for name, e in errors.items()},
    }
    report(figures, TARGETS)


if __name__ == "__main__":
    main()
