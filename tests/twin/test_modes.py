"""Which modes of a plant no instrument shows."""

from dataclasses import replace

import pytest

from tests.plants import one, shipped
from twin.modes import hidden_modes, refusal
from twin.plant import Estimation, Plant, Tag


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        # A valve's stem sticks by itself; what counts (tank, valve) acts on nothing, what a selector sets
        # (controller) is known, and what a tag reads (pumps) is seen.
        ("cooling_station", "drive_1.tripped drive_2.tripped motor_1.tripped motor_2.tripped valve.stuck"),
        ("incubator", "chamber.heating"),
        ("compressed_air", "lead.running lead.loaded lag.running lag.loaded"),
        ("two_tanks", ""),
    ],
)
def test_modes_of_shipped_plants_are_hidden_where_they_change_by_themselves(name: str, hidden: str) -> None:
    assert hidden_modes(shipped(name)) == tuple(hidden.split())


def test_what_changes_by_the_clock_or_a_selector_is_not_hidden() -> None:
    # The timer counts its ticks at a due that was set from the start, or by an input.
    assert hidden_modes(one("timer")) == ()


def test_a_memory_that_nothing_acts_on_is_not_hidden() -> None:
    assert hidden_modes(one("oscillator")) == ()


def relay(**more: object) -> Plant:
    return replace(one("relay"), estimation=Estimation(**more))  # type: ignore[arg-type]


def test_a_mode_that_a_tag_reads_is_not_hidden() -> None:
    assert hidden_modes(relay()) == ("it.up",)
    assert hidden_modes(replace(relay(), tags={"ZS-1": Tag("ZS-1", "it.up", "1", 1.0)})) == ()


def test_a_refusal_names_memory_asset_and_the_ways_out() -> None:
    text = refusal(relay(), relay().estimation or Estimation())
    assert "no tag reads 'up' of it" in text
    assert "a tag that reads it.up" in text
    assert "'filter: ensemble'" in text
    assert "'assume'" in text


@pytest.mark.parametrize("more", [{"filter": "ensemble"}, {"assumed": ("it.up",)}])
def test_each_way_out_is_one(more: dict[str, object]) -> None:
    plant = relay(**more)
    assert plant.estimation is not None
    assert refusal(plant, plant.estimation) == ""
