"""A pump that lost three tenths of its head, beside a healthy one: it is pushed shut, and trips for want of flow."""

from twin.ensemble import Ensemble
from twin.plant import Plant
from twin.shipped import path_of
from twin.units import from_si

plant = Plant.load(path_of("cooling_station")).with_values({"pump_1.wear": 0.3})
ensemble = Ensemble(plant)
ensemble.advance(600.0)

for samples in ensemble.take_samples():
    for name, values in zip(samples.tags, samples.values[:, 0], strict=True):
        tag = plant.tags[name]
        shown = from_si(float(values[-1]), plant.quantity(tag.reads).unit, tag.unit)
        print(f"{name:8} {shown:10.3f} {tag.unit:6} {plant.quantity(tag.reads).doc}")
for happening in ensemble.take_happenings():
    print(f"{happening.time:8.3f} s  {happening.name}")
