"""The filter that a plant's file asks for; one that can't follow the plant is refused by name."""

from collections.abc import Sequence

from twin.errors import PlantError
from twin.estimate.ensemble_filter import EnsembleFilter
from twin.estimate.intake import Settings
from twin.estimate.unscented import UnscentedFilter
from twin.modes import refusal
from twin.plant import Plant

Filter = UnscentedFilter | EnsembleFilter


def filter_of(plant: Plant, watched: Sequence[str] = (), *, settings: Settings | None = None) -> Filter:
    """Return the filter that the plant's section `estimate` names.

    Parameters
    ----------
    watched : sequence of str
        Further quantities whose expected value and spread each instant shows.
    settings : Settings, optional

    Raises
    ------
    PlantError
        If the plant says nothing of its estimation; if no tag sees any unknown; or if the unscented filter is to
        follow a mode that no tag reads: it is refused by name, with the ways out.
    """
    if plant.estimation is None:
        raise PlantError(f"{plant.name}: has no section 'estimate'; say in its file what isn't known for certain")
    refused = refusal(plant, plant.estimation)
    if refused:
        raise PlantError(f"{plant.name}: {refused}")
    if plant.estimation.filter == "ensemble":
        return EnsembleFilter(plant, watched, settings=settings)
    return UnscentedFilter(plant, watched, settings=settings)
