"""The filter that a plant's file asks for."""

from dataclasses import replace

import pytest

from tests.plants import shipped
from tests.twin.estimate.linear import cascade
from twin.errors import PlantError
from twin.estimate import choose
from twin.plant import Estimation
from twin.plant_estimation import FILTERS


@pytest.mark.parametrize("name", FILTERS)
def test_the_filter_is_the_one_that_the_file_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("UnscentedFilter", "EnsembleFilter"):
        monkeypatch.setattr(choose, kind, lambda plant, watched, settings, kind=kind: (kind, plant.name, watched))
    assert choose.filter_of(cascade(filter=name), ("it.a",)) == (f"{name.title()}Filter", "cascade", ("it.a",))


def test_the_unscented_filter_is_refused_by_name_where_a_mode_is_not_measured() -> None:
    plant = replace(shipped("incubator"), estimation=Estimation())
    with pytest.raises(PlantError, match=r"incubator: estimate\.filter: the unscented filter .*'heating' of chamber"):
        choose.filter_of(plant)


def test_a_plant_without_estimation_is_refused() -> None:
    with pytest.raises(PlantError, match="two_tanks: has no section 'estimate'"):
        choose.filter_of(shipped("two_tanks"))
