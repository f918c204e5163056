"""Add behaviour in Python: an operator who stops the pump ten seconds after a tank overflows."""

from twin.engine import Simulation
from twin.plant import Plant
from twin.shipped import path_of


def operator(simulation):
    """Wait for the overflow, look, and stop the pump."""
    yield simulation.when("upper.overflowing")
    print(f"{simulation.now:8.3f} s: upper tank overflows at {simulation['upper.level'] * 100:.2f} cm")
    yield simulation.timeout(10.0)
    simulation["upper.flow_in"] = 0.0
    print(f"{simulation.now:8.3f} s: pump stopped")


plant = Plant.load(path_of("two_tanks")).with_values({"upper.level": 0.05})
simulation = Simulation(plant, behaviours=[operator])
simulation.run(until=900.0)
upper, lower = (100.0 * simulation[f"{tank}.level"] for tank in ("upper", "lower"))
print(f"{simulation.now:8.3f} s: upper {upper:.2f} cm, lower {lower:.2f} cm")
