"""The ensemble filter: members with modes of their own, drawn by name and instant, replaced where they fail."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import f as fisher

from tests.plants import shipped
from tests.twin.estimate.linear import PLAIN, STEPS, UNKNOWNS, cascade, run, sizes
from twin.catalogue import find
from twin.ensemble import Ensemble
from twin.errors import PlantError, SimulationError
from twin.estimate.ensemble_filter import MEMBERS, EnsembleFilter
from twin.plant import Estimation, Plant, Solver, Tag, Unknown


def test_members_are_a_hundred_unless_a_plant_needs_more() -> None:
    assert EnsembleFilter(cascade(), solver=STEPS).members == MEMBERS
    with pytest.raises(PlantError, match="cascade: 9 members can't tell its unknowns apart; take 10 or more"):
        # A mean, three unknowns, two followers, three that wander, and one more.
        EnsembleFilter(
            cascade(), solver=STEPS, members=9
        )  # a mean, 3 unknowns, 2 followers, 3 that wander, one to spare


def test_ten_members_are_the_kalman_filter_too() -> None:
    truth = run(40, 3)
    few = EnsembleFilter(cascade(), solver=STEPS, settings=PLAIN, members=10).assimilate(truth.times, truth.readings)
    many = EnsembleFilter(cascade(), solver=STEPS, settings=PLAIN).assimilate(truth.times, truth.readings)
    assert few.mean == pytest.approx(many.mean, abs=1e-9)
    assert few.spread == pytest.approx(many.spread, rel=1e-9)


def test_the_first_members_are_drawn_to_be_just_what_the_file_says() -> None:
    moments = EnsembleFilter(cascade(accuracy={"LI-1": 0.5, "LI-2": 0.4}), solver=STEPS).moments
    assert moments.mean == pytest.approx(np.zeros(5), abs=1e-13)
    assert moments.covariance[:, :5] == pytest.approx(np.diag([1.0, 1.0, 1.0, 0.25, 0.16]), abs=1e-13)


def test_another_seed_is_other_members_and_the_same_belief_of_a_linear_plant() -> None:
    truth = run(30, 3)
    a, b = (EnsembleFilter(cascade(), solver=STEPS, settings=PLAIN, seed=seed) for seed in (1, 2))
    first, second = (f.assimilate(truth.times, truth.readings) for f in (a, b))
    assert not np.array_equal(a.get("it.a"), b.get("it.a"))
    assert first.mean == pytest.approx(second.mean, abs=1e-9)


def test_what_is_drawn_for_an_instant_does_not_depend_on_the_instants_before() -> None:
    found = EnsembleFilter(cascade(), solver=STEPS)
    times = np.array([1.0, 2.0, 3.5, 1000.25])
    whole = found._steps(times)
    for k in range(4):
        assert found._steps(times[k : k + 1]).tobytes() == whole[k : k + 1].tobytes()
    assert len(np.unique(whole)) == whole.size


PRESSURE = {"PI-1": Tag("PI-1", "it.p", "Pa", 1.0, noise=5e3)}


def compressor() -> Plant:
    """Return a compressor that loads and unloads by its pressure, which nobody watches, for a demand nobody knows."""
    demand = Unknown("it.demand", ("it.demand",), 0.1, 0.0, relative=True)
    told = Estimation("ensemble", settle=0.0, unknowns=(demand,))
    values = {"it.demand": 0.07, "it.loaded": 1.0, "it.p": 8.2e5}
    steps = Solver("rk4", 0.05)
    return Plant("air", {"it": find("air_compressor")}, values=values, solver=steps, tags=PRESSURE, estimation=told)


def test_each_member_keeps_its_own_mode() -> None:
    plant, rng, shares = compressor(), np.random.default_rng(2), []
    truth, found = Ensemble(replace(plant, tags={}), 1), EnsembleFilter(plant, solver=plant.solver)
    truth.set("it.demand", 0.07 * np.exp(0.15))
    for k in range(120):
        truth.advance(k + 1.0)
        trace = found.assimilate(np.array([k + 1.0]), (truth.get("it.p") + 5e3 * rng.normal(size=1))[None, :])
        shares.append(found.get("it.loaded").mean())
        # A mode is 0 or 1 in each of them, and never a mean.
        assert set(np.unique(found.get("it.loaded"))) <= {0.0, 1.0}
        assert not trace.lost[0]
    # Around each of the five switchings some have switched and others not yet; between them they agree.
    assert sum(0.02 < share < 0.98 for share in shares) >= 5
    assert sum(share in (0.0, 1.0) for share in shares) > 60
    i = found.names.index("it.demand")
    assert abs(trace.mean[0, i] - 1.5) < 3.0 * trace.spread[0, i] < 1.5


def test_a_mode_that_a_tag_tells_is_every_members_mode() -> None:
    tags = {**PRESSURE, "XS-1": Tag("XS-1", "it.loaded", "1", 1.0)}
    found = EnsembleFilter(replace(compressor(), tags=tags), solver=Solver("rk4", 0.05))
    found.command({"XS-1": 0.0})
    assert (found.get("it.loaded") == 0.0).all()


def risky(*more: Unknown) -> Plant:
    """Return the cascade with an inflow so uncertain that many members run over, at 1000 m."""
    return cascade((UNKNOWNS[0], UNKNOWNS[1], Unknown("it.inflow", ("it.inflow",), 200.0, 0.0, relative=False), *more))


def test_members_that_fail_are_replaced_and_counted_and_the_others_go_on() -> None:
    times, nothing = np.arange(1.0, 31.0), np.full((30, 2), np.nan)
    founds = [EnsembleFilter(risky(), solver=STEPS) for _ in range(2)]
    traces = [f.assimilate(times, nothing) for f in founds]
    # In the end b is inflow/0.2: a deviation of 200 m/s runs over, 32 members of a hundred do at least once.
    assert 20 < traces[0].lost.sum() < 60
    assert np.abs(founds[0].get("it.b")).max() <= 1000.0
    assert all(a.tobytes() == b.tobytes() for a, b in zip(*traces, strict=True))
    assert founds[0].state()["z"].tobytes() == founds[1].state()["z"].tobytes()
    told = EnsembleFilter(risky(), solver=STEPS, settings=PLAIN)
    lost = told.assimilate(times, np.zeros((30, 2))).lost
    assert lost.sum() < 20
    assert not lost[5:].any()  # by then the readings have told


def test_a_replaced_member_is_no_twin_of_another() -> None:
    rain = Unknown("it.rain", ("it.rain",), 1.0, 0.0, relative=False)
    found = EnsembleFilter(risky(rain), solver=STEPS)
    trace = found.assimilate(np.array([20.0]), np.full((1, 2), np.nan))
    assert trace.lost[0] > 10
    assert len(np.unique(found.get("it.rain"))) == found.members
    assert found.get("it.rain").std() == pytest.approx(1.0, rel=0.2)


def test_where_all_members_fail_the_plant_is_lost_by_name() -> None:
    tags = {**cascade().tags, "FC-1": Tag("FC-1", "it.rain", "m/s", 1.0)}
    found = EnsembleFilter(cascade(tags=tags), solver=STEPS)
    found.command({"FC-1": 900.0})
    with pytest.raises(SimulationError, match=r"it\.\w = .* left its bounds.*so did the other members.*start it anew"):
        found.assimilate(np.array([20.0]), np.full((1, 2), np.nan))


def tanks() -> Plant:
    """Return the two tanks with a nonlinear outlet that isn't known, from any level."""
    plant = shipped("two_tanks")
    levels = tuple(Unknown(f"{t}.level", (f"{t}.level",), 0.015, 0.03, relative=False) for t in ("upper", "lower"))
    unknowns = (*levels, Unknown("upper.outlet_area", ("upper.outlet_area",), 0.1, 0.0, relative=True))
    tags = {"LI-1": Tag("LI-1", "lower.level", "m", 4.0, noise=2e-3)}
    told = Estimation("ensemble", every=4.0, settle=0.0, unknowns=unknowns)
    return replace(plant, solver=Solver("rk4", 0.5), tags=tags, schedule=(), limits={}, estimation=told)


def test_normalised_errors_on_a_nonlinear_plant_are_as_large_as_they_should_be() -> None:
    plant, runs, instants = tanks(), 120, 40
    assert plant.estimation is not None
    unknowns, rng = plant.estimation.unknowns, np.random.default_rng(7)
    truth = Ensemble(replace(plant, tags={}), runs)
    found = EnsembleFilter(plant, settings=PLAIN, solver=plant.solver)
    base = np.array([plant.value(u.name) for u in unknowns])
    for u, b in zip(unknowns, base, strict=True):
        drawn = u.spread * rng.normal(size=runs)
        truth.set(u.name, b * np.exp(drawn) if u.relative else b + drawn)
    true, readings = np.empty((runs, instants, 3)), np.empty((runs, instants, 1))
    for k in range(instants):
        for u in unknowns[:2]:
            truth.set(u.name, truth.get(u.name) + u.wander / 60.0 * 2.0 * rng.normal(size=runs))
        truth.advance(4.0 * (k + 1.0))
        now = np.array([truth.get(u.name) for u in unknowns]).T
        true[:, k] = np.where([u.relative for u in unknowns], np.log(now / base), now - base) / sizes(unknowns)[:3]
        readings[:, k, 0] = truth.get("lower.level") + 2e-3 * rng.normal(size=runs)
    times, total = 4.0 * np.arange(1.0, instants + 1.0), np.zeros(instants)
    for r in range(runs):
        found.start()
        for k in range(instants):
            found.assimilate(times[k : k + 1], readings[r, k : k + 1])
            error = found.moments.mean - true[r, k]
            total[k] += error @ np.linalg.solve(found.moments.covariance[:3, :3], error)
    # The members' covariance is exact but for what bends: bounds as of Hotelling's T^2 with a hundred members.
    low, high = 3.0 * np.array(fisher.ppf((0.005, 0.995), 3 * runs, 3 * runs * (MEMBERS - 3)))
    inside = np.mean((total / runs > low) & (total / runs < high))
    assert inside >= 0.9


def test_an_ensemble_suspects_nothing_but_tells_how_much_is_left() -> None:
    found, truth = EnsembleFilter(cascade(), solver=STEPS, settings=PLAIN), run(200, 3, hole=(2.0, 100.0))
    assert found.suspects == ()
    found.assimilate(truth.times[:100], truth.readings[:100])
    calm = found.suspicions.excess[0]
    found.assimilate(truth.times[100:130], truth.readings[100:130])
    assert found.suspicions.excess[0] > calm + 25.0
    with pytest.raises(IndexError, match="an ensemble filter has no hypothesis 0"):
        found.severity(0)


def test_the_unknowns_are_those_of_the_unscented_filter() -> None:
    assert EnsembleFilter(cascade(), solver=STEPS).names == tuple(u.name for u in UNKNOWNS)
