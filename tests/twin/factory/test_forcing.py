"""What moves in a factory from outside: shapes of faults, wandering inputs, load steps."""

from dataclasses import replace

import numpy as np
import pytest

from tests.plants import shipped
from twin.factory.forcing import Forcing, Member
from twin.factory.truth import Disturbance, Mishap, Truth

RAMP = Mishap("worn", "It wears.", {"pump_1.wear": 0.2}, {"TI-101": 2.0}, "ramp", 100.0, 50.0)


def forcing(members: list[Member], *, mishaps: tuple[Mishap, ...] = (), **rest) -> Forcing:
    truth = replace(Truth.bare(shipped("cooling_station")), mishaps={m.name: m for m in mishaps}, **rest)
    base = {p: np.full(len(members), truth.plant.value(p)) for p in Forcing.paths(truth, members)}
    return Forcing(truth, members, base)


def test_the_shapes_are_a_ramp_a_step_and_an_exponential() -> None:
    since = np.array([-1.0, 0.0, 50.0, 100.0, 900.0])
    assert RAMP.progress(since).tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert RAMP._replace(shape="step").progress(since).tolist() == [0.0, 1.0, 1.0, 1.0, 1.0]
    assert RAMP._replace(shape="exponential").progress(since) == pytest.approx([0, 0, *(1 - np.exp(-since[2:] / 100))])


def test_a_fault_begins_in_each_member_when_it_is_told_to_and_in_the_others_never() -> None:
    found = forcing([Member(1, "worn"), Member(2, "worn", 0.0), Member(3)], mishaps=(RAMP,))
    steps = np.array([found.next()["pump_1.wear"] for _ in range(40)])
    times = np.arange(40) * 5.0
    assert steps[:, 0] == pytest.approx(0.2 * np.clip((times - 50.0) / 100.0, 0.0, 1.0))
    assert steps[:, 1] == pytest.approx(0.2 * np.clip(times / 100.0, 0.0, 1.0))
    assert not steps[:, 2].any()
    assert found.onsets.tolist() == [50.0, 0.0, np.inf]
    assert found.progress(100.0) == pytest.approx([0.5, 1.0, 0.0])


def test_a_fault_of_an_instrument_grows_on_it_alone() -> None:
    found = forcing([Member(1, "worn"), Member(2)], mishaps=(RAMP,))
    assert found.sensors("TI-102", np.zeros(1)) is None
    error = found.sensors("TI-101", np.array([0.0, 100.0, 200.0]))
    assert error is not None
    assert error == pytest.approx(np.array([[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]]))


def test_the_settling_comes_before_time_zero() -> None:
    found = forcing([Member(1, "worn", 0.0)], mishaps=(RAMP,), settle=100.0)
    steps = np.array([found.next()["pump_1.wear"][0] for _ in range(23)])
    assert not steps[:21].any()
    assert steps[21] > 0.0


def test_a_wandering_has_its_size_and_its_memory() -> None:
    wind = Disturbance("wind", ("tank.T_amb", "pump_1.T_amb"), size=2.0, over=20.0)
    found = forcing([Member(seed) for seed in range(2000)], disturbances=(wind,))
    steps = [found.next() for _ in range(9)]
    moved = np.array([step["tank.T_amb"] - 293.15 for step in steps])
    assert all(np.array_equal(step["tank.T_amb"], step["pump_1.T_amb"]) for step in steps)
    # Deviations of 2000 draws are known to 1.6 %, correlations to 2.2 %; thrice that is allowed.
    assert moved.std(axis=1) == pytest.approx(np.full(9, 2.0), rel=0.05)
    for lag in (1, 4, 8):
        assert np.corrcoef(moved[0], moved[lag])[0, 1] == pytest.approx(np.exp(-5.0 * lag / 20.0), abs=0.07)


def test_levels_last_as_long_as_said_and_all_are_taken() -> None:
    work = Disturbance("work", ("tank.load",), levels=(-1e3, 0.0, 3e3), every=15.0)
    found = forcing([Member(seed) for seed in range(50)], disturbances=(work,))
    steps = np.array([found.next()["tank.load"] for _ in range(30)])
    assert set(np.unique(steps) - shipped("cooling_station").value("tank.load")) == {-1e3, 0.0, 3e3}
    whole = steps.reshape(10, 3, 50)
    assert np.all(whole == whole[:, :1])
    assert np.any(whole[0] != whole[1])


def test_a_fault_of_a_wandering_input_ends_where_it_is_told_to() -> None:
    gone = Mishap("gone", "The main runs dry.", {"exchanger.flow_cold": 0.002}, {}, "ramp", 20.0, 0.0)
    wind = Disturbance("main", ("exchanger.flow_cold",), size=1e-4, over=20.0)
    found = forcing([Member(1, "gone"), Member(1)], mishaps=(gone,), disturbances=(wind,))
    steps = np.array([found.next()["exchanger.flow_cold"] for _ in range(10)])
    assert np.all(steps[4:, 0] == 0.002)
    assert len(set(steps[:, 1])) == 10
    assert steps[0, 0] == steps[0, 1]


def test_a_member_is_moved_as_it_is_alone() -> None:
    wind = Disturbance("wind", ("tank.T_amb",), size=2.0, over=20.0)
    both, alone = (forcing([Member(s) for s in seeds], disturbances=(wind,)) for seeds in ((4, 9), (9,)))
    for _ in range(5):
        assert both.next()["tank.T_amb"][1] == alone.next()["tank.T_amb"][0]
