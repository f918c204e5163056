"""Slow a spindle from now: fork a running machining cell and compare tool wear ten minutes later."""

import numpy as np

from twin.engine import Simulation
from twin.plant import Plant
from twin.shipped import path_of

plant = Plant.load(path_of("machining_cell"))
simulation = Simulation(plant)
simulation.run(until=300.0)
print(f"now: t = {simulation.now:.0f} s, flank wear {simulation['spindle_1.VB'] * 1e3:.4f} mm")

shares = np.array([1.0, 0.95, 0.9, 0.8])
branches = simulation.fork(len(shares))
branches.set("spindle_1.speed_set", simulation["spindle_1.speed_set"] * shares)
branches.advance(300.0 + 600.0)
for share, wear, power in zip(shares, branches.get("spindle_1.VB"), branches.get("spindle_1.power"), strict=True):
    print(f"speed {share:4.0%}: flank wear {wear * 1e3:.4f} mm, spindle power {power:7.1f} W")
print(f"the run itself still stands at t = {simulation.now:.0f} s")
