"""A process of its own that loads a plant, simulates a second and prints a result: ``warm_child.py plant.yaml``."""

import sys
from pathlib import Path

from twin.ensemble import Ensemble
from twin.plant import Plant

if __name__ == "__main__":
    ensemble = Ensemble(Plant.load(Path(sys.argv[1])))
    ensemble.advance(1.0)
    print(ensemble.time, ensemble.digest())
