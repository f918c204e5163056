"""Steps, events, samples and failures, against closed forms."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.plants import one
from twin.ensemble import Ensemble
from twin.errors import PlantError, SimulationError
from twin.plant import Change, Solver, Tag

ROOT_EPS = 1e-9
ADAPTIVE = ("dp5", "rodas4")


def advanced(plant, until, members=1, **options):
    ensemble = Ensemble(plant, members, **options)
    ensemble.advance(until)
    return ensemble


def test_runge_kutta_four_is_of_fourth_order_on_the_oscillator():
    errors = [abs(advanced(one("oscillator", "rk4", h), 1.0).get("it.x")[0] - math.cos(1.0)) for h in (0.1, 0.05)]
    assert errors[0] / errors[1] == pytest.approx(16.0, rel=0.1)


@pytest.mark.parametrize("method", ADAPTIVE)
def test_adaptive_methods_keep_their_tolerance_on_the_oscillator(method):
    ensemble = advanced(one("oscillator", method, rtol=1e-9), 10.0)
    assert ensemble.get("it.x")[0] == pytest.approx(math.cos(10.0), abs=1e-7)


def test_rodas4_steps_over_a_time_constant_a_million_times_shorter():
    ensemble = advanced(one("stiff_pair", "rodas4", 1e-8, 1e-8), 1.0)
    assert ensemble.get("it.b")[0] == pytest.approx(math.exp(-1.0), rel=1e-7)
    assert ensemble.get("it.a")[0] == pytest.approx(1e6 / (1e6 - 1.0) * math.exp(-1.0), rel=1e-7)
    assert ensemble.steps()[0] < 200


@pytest.mark.parametrize("method", ["rk4", "dp5", "rodas4"])
def test_a_crossing_is_located_within_a_nanosecond_and_never_early(method):
    ensemble = advanced(one("oscillator", method, rtol=1e-11), 1.4)
    times = {h.name: h.time for h in ensemble.take_happenings()}
    for name, mark in (("it.below_first", 0.25), ("it.below_second", 0.2)):
        assert 0.0 <= times[name] - math.acos(mark) + 1e-10 <= ROOT_EPS


@pytest.mark.parametrize("method", ADAPTIVE)
def test_a_crossing_too_slow_for_short_steps_to_move_is_located_in_a_few_long_ones(method):
    """A step of 1e-10 s would change x by less than 1e-17; two numbers near 305 lie 6e-14 apart."""
    ensemble = Ensemble(one("creeper", method), 100)
    short = 1e-4 * np.exp(-0.05 * np.arange(100))
    ensemble.set("it.mark", 305.15 - short)
    ensemble.advance(3e4)
    assert np.all(ensemble.get("it.passed") == 1.0)
    assert ensemble.steps().max() < 150
    times = {h.member: h.time for h in ensemble.take_happenings()}
    still = 305.15 - 5.15 * np.exp(-np.array([times[m] for m in range(100)]) / 1000.0)
    assert still == pytest.approx(305.15 - short, abs=305.15 * 1e-8)


@pytest.mark.parametrize("step", [1e-3, 0.5])
def test_two_guards_in_one_step_fire_in_the_order_of_time(step):
    ensemble = advanced(one("oscillator", "dp5", step, 1e-6), 1.45)
    assert ensemble.get("it.order")[0] == 12.0


def test_guards_that_rise_together_fire_in_declared_order():
    ensemble = advanced(one("oscillator", values={"first": 0.2}), 1.45)
    assert ensemble.get("it.order")[0] == 21.0
    happened = ensemble.take_happenings()
    assert happened[0].time == happened[1].time


def test_a_guard_already_positive_at_the_start_fires_once_and_at_zero():
    ensemble = advanced(one("oscillator", values={"x": 0.1, "v": -0.1}), 0.5)
    assert [(h.time, h.name) for h in ensemble.take_happenings()] == [(0.0, "it.below_second"), (0.0, "it.below_first")]


def test_a_scheduled_jump_of_an_input_counts_as_a_crossing():
    schedule = (Change(0.75, "it.enable", 0.0), Change(2.0, "it.enable", 1.0))
    ensemble = advanced(one("timer", schedule=schedule), 2.5)
    assert [(round(h.time, 9), h.name) for h in ensemble.take_happenings()] == [
        (0.0, "it.enabled"), (0.3, "it.tick"), (0.6, "it.tick"), (0.75, "it.disabled"), (2.0, "it.enabled"),
        (2.3, "it.tick"),
    ]  # fmt: skip


def test_a_due_sets_states_at_its_very_instant():
    ensemble = advanced(one("timer"), 1.0)
    assert ensemble.get("it.ticks")[0] == 3.0
    assert ensemble.get("it.age")[0] == pytest.approx(0.1, abs=1e-12)


@pytest.mark.parametrize("method", ["rk4", "dp5"])
def test_tags_are_sampled_on_their_own_grids_including_zero(method):
    tags = {n: Tag(n, "it.x", "m", every) for n, every in (("slow", 0.25), ("fast", 0.01))}
    ensemble = advanced(one("oscillator", method, rtol=1e-10, tags=tags), 1.0)
    for samples in ensemble.take_samples():
        every = tags[samples.tags[0]].every
        assert samples.times == pytest.approx(np.arange(round(1.0 / every) + 1) * every, abs=1e-15)
        assert samples.values[0, 0] == pytest.approx(np.cos(samples.times), abs=1e-8)


def test_samples_do_not_depend_on_how_a_run_is_cut():
    plant = one("oscillator", tags={"x": Tag("x", "it.x", "m", 0.125)}, step=0.125)
    whole, cut = advanced(plant, 2.0), Ensemble(plant)
    for until in (0.5, 1.0, 1.125, 2.0):
        cut.advance(until)
    a, b = next(whole.take_samples()), next(cut.take_samples())
    assert np.array_equal(a.values, b.values)
    assert np.array_equal(a.times, b.times)
    assert whole.digest() == cut.digest()


def test_a_relay_without_hysteresis_is_called_zeno_by_name():
    with pytest.raises(
        SimulationError, match=r"^relay: t = 0\.5\d* s: it\.(above|below) happens without end in no time \(Zeno\)"
    ):
        advanced(one("relay"), 1.0)


@pytest.mark.parametrize("method", ["dp5", "rodas4"])
def test_a_solution_that_ends_is_refused_with_time_and_quantity(method):
    with pytest.raises(SimulationError, match=r"^explosion: t = (1|0\.99999\d*) s: .*it\.x = "):
        advanced(one("explosion", method), 2.0)


def test_a_fixed_step_that_overflows_is_refused_with_time_and_quantity():
    plant = one("explosion", values={"x": 1.0})
    with pytest.raises(SimulationError, match=r"^explosion: t = 1\.0\d* s: it\.x = .* stops being finite"):
        advanced(plant, 2.0)


def test_a_state_out_of_bounds_is_refused_with_value_and_bounds():
    ensemble = Ensemble(one("timer", values={"age": 999999.9999, "enable": 0.0}))
    with pytest.raises(SimulationError, match=r"^timer: .*it\.age = -?\d.* s left its bounds \[0, 1e\+06\]"):
        ensemble.advance(1.0)


def test_one_failed_member_does_not_stop_the_others():
    ensemble = Ensemble(one("explosion", "dp5"), 3)
    ensemble.set("it.rate", np.array([0.1, 1.0, 0.2]))
    with pytest.raises(SimulationError, match="member 1"):
        ensemble.advance(2.0)
    assert list(ensemble.failures()) == [1]
    assert ensemble.get("it.x")[[0, 2]] == pytest.approx([1 / 0.8, 1 / 0.6], rel=1e-6)


def test_members_take_their_own_steps_and_events():
    ensemble = Ensemble(one("oscillator", "dp5", rtol=1e-10), 40)
    speeds = np.linspace(1.0, 3.0, 40)
    ensemble.set("it.w", speeds)
    ensemble.advance(1.5)
    times = {(h.member, h.name): h.time for h in ensemble.take_happenings() if h.time < 1.5}
    for member, w in enumerate(speeds):
        assert times[member, "it.below_first"] == pytest.approx(math.acos(0.25) / w, abs=1e-8)
    assert ensemble.get("it.x") == pytest.approx(np.cos(speeds * 1.5), abs=1e-7)


def test_float32_runs_with_compensation_where_a_step_is_below_its_resolution():
    plant = one("stiff_pair", values={"slow": 1e-4, "fast": 1.0, "b": 1.0, "a": 1.0})
    ensemble = Ensemble(replace(plant, solver=Solver("rk4", 1e-3)), 64, real=np.float32, form="flat")
    ensemble.advance(100.0)
    # a step changes b by 1e-7, the resolution of float32 near one; uncompensated it would stand or drift by per cents
    assert ensemble.get("it.b")[0] == pytest.approx(math.exp(-0.01), rel=1e-6)


@pytest.mark.parametrize(("square", "value"), [(36.0, "6"), (-1.0, "nan")])
def test_what_a_transition_may_not_remember_is_refused_with_its_value(square, value):
    ensemble = Ensemble(one("careless", values={"square": square}))
    with pytest.raises(SimulationError, match=rf"^careless: t = 0\.5 s: it\.kept = {value} 1 left its bounds \[0, 5\]"):
        ensemble.advance(1.0)


def test_a_guard_that_is_not_a_number_is_refused_by_name():
    ensemble = Ensemble(one("careless", values={"ceiling": 0.25}))
    with pytest.raises(SimulationError, match=r"^careless: t = \S+ s: guard it\.under is not a number"):
        ensemble.advance(1.0)


@pytest.mark.parametrize("until", [math.nan, math.inf, -1.0])
def test_a_time_that_can_not_be_reached_is_refused(until):
    ensemble = Ensemble(one("oscillator"))
    with pytest.raises(SimulationError, match=r"^oscillator: t = 0 s: can't advance to \S+ s; give a later time"):
        ensemble.advance(until)


@pytest.mark.parametrize("value", [math.nan, math.inf, np.zeros(3), "1 m", None])
def test_what_members_can_not_be_set_to_is_refused(value):
    ensemble = Ensemble(one("oscillator"), 2)
    with pytest.raises(PlantError, match=r"^it\.x: "):
        ensemble.set("it.x", value)
    assert ensemble.get("it.x").tolist() == [1.0, 1.0]


def test_an_ensemble_without_members_is_refused():
    with pytest.raises(PlantError, match="oscillator: 0 members; an ensemble has at least one"):
        Ensemble(one("oscillator"), 0)


def test_a_guard_that_crosses_twice_is_seen_once_steps_are_short_enough():
    # x = cos(w t) passes the mark downwards and upwards within 0.4 s; a step of seconds would stride over both
    plant = one("oscillator", "dp5", 1e-3, 0.1, values={"w": 5.0, "first": -0.9, "second": -2.0})
    careful = replace(plant, solver=plant.solver._replace(max_step=0.02))
    ensemble = advanced(careful, 1.0)
    assert [h.name for h in ensemble.take_happenings() if h.time > 0.0] == ["it.below_first"]
    assert ensemble.steps()[0] >= 50


@pytest.mark.parametrize("restitution", [0.3, 0.5, 0.8])
def test_a_ball_that_bounces_ever_faster_is_called_zeno_near_its_limit(restitution):
    plant = one("bouncing_ball", "dp5", 1e-3, 1e-10, values={"restitution": restitution})
    limit = math.sqrt(2.0 / 9.81) * (1.0 + restitution) / (1.0 - restitution)
    with pytest.raises(SimulationError, match=r"it\.floor happens without end in no time \(Zeno\)") as refused:
        Ensemble(plant).advance(10.0)
    stopped = float(str(refused.value).split("t = ")[1].split(" s")[0])
    assert stopped == pytest.approx(limit, abs=1e-4)
