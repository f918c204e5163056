"""What every shipped plant keeps: it loads, runs, and has the same bits twice."""

from pathlib import Path

import pytest

from twin.ensemble import Ensemble
from twin.plant import Plant

PLANTS = sorted((Path(__file__).parents[2] / "scenarios" / "plants").glob("*.yaml"))


@pytest.mark.parametrize("path", PLANTS, ids=lambda p: p.stem)
def test_a_plant_runs_and_repeats_itself(path):
    plant = Plant.load(path)
    assert plant.name == path.stem
    digests = set()
    for _ in range(2):
        ensemble = Ensemble(plant)
        ensemble.advance(2.0)
        digests.add(ensemble.digest())
    assert len(digests) == 1


@pytest.mark.parametrize("path", PLANTS, ids=lambda p: p.stem)
def test_every_tag_of_a_plant_is_sampled(path):
    plant = Plant.load(path)
    ensemble = Ensemble(plant)
    ensemble.advance(2.0)
    assert {tag for samples in ensemble.take_samples() for tag in samples.tags} == set(plant.tags)
