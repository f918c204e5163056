"""Draw README's picture: a bearing that runs rough trips its pump, and what the plant does about it."""

from pathlib import Path

import matplotlib.pyplot as plt

from twin.ensemble import Ensemble
from twin.plant import Plant
from twin.sensors import readings
from twin.shipped import path_of
from twin.streams import member_seeds
from twin.units import from_si

PANELS = (
    ("Bearing temperature", "degC", {"TI-111": "pump 1", "TI-112": "pump 2"}),
    ("Flow", "l/s", {"FI-101": "pump 1", "FI-102": "pump 2"}),
    ("Tank temperature", "degC", {"TI-101": "tank"}),
)
WHAT = {"pump_1.overheated": "bearing trip", "pump_1.restart": "restart"}


def main() -> None:
    """Run half an hour and draw what the instruments read."""
    plant = Plant.load(path_of("cooling_station")).with_values({"pump_1.rough": 4.0})
    ensemble = Ensemble(plant)
    ensemble.advance(1800.0)
    happenings = [h for h in ensemble.take_happenings() if h.name in WHAT]
    traces = {}
    for samples in ensemble.take_samples():
        for name, truth in zip(samples.tags, samples.values, strict=True):
            tag = plant.tags[name]
            unit = plant.quantity(tag.reads).unit
            read = readings(tag, truth, 0, member_seeds(1, 1), zero=0.0)
            traces[name] = samples.times / 60.0, [from_si(float(v), unit, tag.unit) for v in read.value[0]]
    figure, axes = plt.subplots(len(PANELS), 1, sharex=True, figsize=(10, 6.4), layout="constrained")
    for axis, (title, unit, lines) in zip(axes, PANELS, strict=True):
        for (name, label), shade in zip(lines.items(), ("#1f5fa8", "#8a8a8a"), strict=False):
            axis.plot(*traces[name], color=shade, linewidth=1.4, label=f"{name} {label}")
        for happening in happenings:
            axis.axvline(happening.time / 60.0, color="#b04a00", linewidth=0.8, linestyle=":")
        axis.set_ylabel(f"{title}\n[{unit.replace('deg', '°')}]")
        axis.legend(loc="lower right", bbox_to_anchor=(1.0, 0.97), ncols=2, frameon=False, borderaxespad=0.0)
        axis.grid(alpha=0.2)
        axis.spines[["top", "right"]].set_visible(False)
    high = from_si(plant.value("pump_1.T_trip"), "K", "degC")
    axes[0].axhline(high, color="#b04a00", linewidth=0.8)
    axes[0].text(0.2, high + 1.0, "trip", color="#b04a00", fontsize=9)
    for happening in happenings:
        place = (happening.time / 60.0 + 0.1, 0.3)
        axes[1].text(*place, WHAT[happening.name], color="#b04a00", fontsize=9, rotation=90)
    axes[-1].set_xlabel("time [min]")
    figure.suptitle("cooling_station (simulated): pump 1's bearing drags five times as hard")
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)


if __name__ == "__main__":
    main()
