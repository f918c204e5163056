"""Baselines: the last reading held by hand, and linear models against systems whose answers are computed apart."""

import json

import numpy as np
import pytest
from scipy.signal import cont2discrete, dlsim

from twin.calibrate.baselines import MOST_STEPS, from_dict, identified, persistence
from twin.calibrate.record import Record, read
from twin.clean.recording import Recording
from twin.errors import DataError, PlantError

NOISE = 0.02
PERIOD = 0.5


def record(rows, *, period=PERIOD, **values):
    return Record("file.csv", "0" * 64, 0, period * np.arange(rows), values)


def steps(rows, generator, *, every=25):
    return np.repeat(generator.uniform(-1.0, 1.0, rows // every + 1), every)[:rows]


def oscillator(rows, seed, *, noise=NOISE, begin=(0.0, 0.0), period=PERIOD):
    """Return 3 y'' + 0.9 y' + 0.4 y = u + 0.5 w about y = 20, solved exactly from step to step by SciPy."""
    generator = np.random.default_rng(seed)
    u, w = steps(rows, generator), steps(rows, generator, every=40)
    inner, push = np.array([[0.0, 1.0], [-0.4 / 3.0, -0.3]]), np.array([[0.0, 0.0], [1.0 / 3.0, 0.5 / 3.0]])
    system = cont2discrete((inner, push, np.array([[1.0, 0.0]]), np.zeros((1, 2))), period)
    y = dlsim(system, np.column_stack([u, w]), x0=begin)[1][:, 0] + 20.0
    return record(rows, period=period, u=u, w=w, y=y + noise * generator.standard_normal(rows)), y


@pytest.fixture(scope="module")
def stored():
    return json.dumps(identified(oscillator(1500, 1)[0], ["u", "w"], ["y"], 20).as_dict())


def rms(errors):
    return float(np.sqrt((errors**2).mean()))


def test_a_held_reading_is_the_last_usable_one_of_the_first_rows():
    y = np.array([1.0, 2.0, np.nan, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0])
    assert persistence(record(10, y=y), ["y"], 3)["y"].tolist() == [2.0] * 10


@pytest.mark.parametrize(("rows", "says"), [(1, "no usable reading in the first 1"), (0, "0 of 10"), (11, "11 of 10")])
def test_a_reading_can_only_be_held_where_there_is_one(rows, says):
    y = np.array([np.nan, *range(9)])
    with pytest.raises(DataError, match=says):
        persistence(record(10, y=y), ["y"], rows)


def test_a_noisy_oscillator_is_foretold_on_another_record_to_a_fraction_of_the_noise(stored):
    # 11 numbers from 1,500 readings: what their noise leaves of the response is about sqrt(11 / 1500) = 0.09 of it;
    # an initial state from 20 readings adds what decays within the first dozens of 700 rows.
    other, truth = oscillator(700, 2, begin=(1.5, -0.5))
    assert rms((from_dict(json.loads(stored), "here").run(other, 20)["y"] - truth)[20:]) < 0.3 * NOISE


def test_the_poles_of_an_oscillator_are_found(stored):
    model = from_dict(json.loads(stored), "here").models["y"]
    found = np.log(np.linalg.eigvals(model.transition).astype(complex)) / PERIOD
    expected = np.roots([3.0, 0.9, 0.4])
    assert len(found) == 2
    assert np.abs(np.sort_complex(found) - np.sort_complex(expected)).max() < 0.01


def test_without_noise_an_oscillator_is_foretold_to_rounding_of_its_search():
    linear = identified(oscillator(600, 4, noise=0.0)[0], ["u", "w"], ["y"], 10)
    other, truth = oscillator(600, 5, noise=0.0, begin=(1.0, 0.3))
    assert rms(linear.run(other, 10)["y"] - truth) < 1e-4


def test_a_double_integrator_is_foretold():
    generator = np.random.default_rng(6)

    def slide(rows):
        # A push and its opposite: the slide stops, somewhere else.
        u = np.repeat(generator.uniform(-1.0, 1.0, rows // 50), 50)
        u[25::50] = 0.0
        u = u - np.roll(u, 25)
        speed = np.cumsum(u)
        y = np.cumsum(speed - 0.5 * u)
        return record(rows, u=u, y=np.append(0.0, y[:-1]) + 0.1 * generator.standard_normal(rows))

    linear, other = identified(slide(1000), ["u"], ["y"], 20), slide(500)
    assert rms((linear.run(other, 20)["y"] - other.values["y"])[20:]) < 0.05 * np.ptp(other.values["y"])


def test_a_long_record_is_identified_on_a_coarser_grid_as_well():
    long, _ = oscillator(3 * MOST_STEPS, 7, period=PERIOD / 5.0)
    linear = identified(long, ["u", "w"], ["y"], 50)
    assert linear.period == pytest.approx(3 * PERIOD / 5.0)
    other, truth = oscillator(4000, 8, period=PERIOD / 5.0, begin=(1.0, 0.0))
    assert rms((linear.run(other, 50)["y"] - truth)[50:]) < NOISE


def test_missing_readings_cost_little():
    training, _ = oscillator(1500, 9)
    there = np.random.default_rng(10).random((2, 1500)) < 0.8
    there[:, 0] = True
    u, y = (np.where(there[k], training.values[tag], np.nan) for k, tag in enumerate("uy"))
    y[400:500] = np.nan
    linear = identified(training._replace(values={**training.values, "u": u, "y": y}), ["u", "w"], ["y"], 20)
    other, truth = oscillator(700, 11)
    run = linear.run(other._replace(values={**other.values, "y": np.where(there[1][:700], truth, np.nan)}), 20)["y"]
    # An input that is held over a change of it is wrong for a row, in 1 of 125 rows: more than noise alone.
    assert rms((run - truth)[20:]) < 2.0 * NOISE


def test_readings_that_stand_still_are_foretold_to_stand_still():
    still = record(100, u=np.full(100, 3.0), y=np.full(100, 295.15))
    linear = identified(still, ["u"], ["y"], 4)
    assert linear.run(still, 4)["y"] == pytest.approx(np.full(100, 295.15), abs=1e-9)


def test_an_input_that_stood_still_has_no_effect_in_another_record():
    training, _ = oscillator(800, 12)
    values = {**training.values, "v": np.full(800, 7.0)}
    linear = identified(training._replace(values=values), ["u", "w", "v"], ["y"], 20)
    other, truth = oscillator(400, 13)
    run = linear.run(other._replace(values={**other.values, "v": np.linspace(0.0, 9.0, 400)}), 20)["y"]
    assert rms((run - truth)[20:]) < NOISE


def test_few_rows_get_a_model_of_few_numbers():
    short, _ = oscillator(12, 14)
    assert len(identified(short, ["u", "w"], ["y"], 2).models["y"].output) == 0


def test_without_inputs_readings_return_to_where_they_were():
    generator = np.random.default_rng(15)
    y = 5.0 * np.exp(-0.05 * np.arange(300)) + 1.0 + 0.01 * generator.standard_normal(300)
    linear = identified(record(300, y=y), [], ["y"], 10)
    run = linear.run(record(300, y=3.0 * np.exp(-0.05 * np.arange(300)) + 1.0), 10)["y"]
    assert run[-1] == pytest.approx(1.0, abs=0.05)


def test_models_are_the_same_after_they_were_stored():
    linear = identified(oscillator(400, 16)[0], ["u", "w"], ["y"], 10)
    other, _ = oscillator(200, 17)
    again = from_dict(json.loads(json.dumps(linear.as_dict())), "plant.yaml")
    assert again.run(other, 10)["y"].tolist() == linear.run(other, 10)["y"].tolist()
    assert identified(oscillator(400, 16)[0], ["u", "w"], ["y"], 10).as_dict() == linear.as_dict()


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ((), [], "expected period, drives, models"),
        (("more",), 1.0, "expected period, drives, models"),
        (("period",), 0.0, "must be above 0"),
        (("period",), float("nan"), "finite"),
        (("drives",), "u", "list of up to 64 tags"),
        (("drives",), ["u"], "entry: expected 2 x 1 numbers"),
        (("models",), [1], "models of up to 64 tags"),
        (("models", "y", "transition"), [[1.0, 0.0], [0.0]], "transition: expected 2 x 2 numbers"),
        (("models", "y", "transition"), [[1.1, 0.0], [0.0, 0.5]], "eigenvalue of 1.1"),
        (("models", "y", "output"), [0.0] * 5, "up to 4 numbers"),
        (("models", "y", "output"), 3.0, "up to 4 numbers"),
        (("models", "y", "drift"), ["a", "b"], "no number"),
        (("models", "y", "offset"), 1e31, "below 1e\\+30"),
        (("models", "y", "offset"), {}, "no number"),
        (("models", "y", "noise"), -1.0, "noise: -1"),
        (("models", "y", "noise"), True, "no number"),
    ],
)
def test_what_is_no_stored_model_is_refused(stored, path, value, says):
    holder = {"all": json.loads(stored)}
    document = holder["all"]
    *before, last = ("all", *path)
    for key in before:
        holder = holder[key]
    holder[last] = value
    with pytest.raises(PlantError, match=rf"plant\.yaml: .*{says}"):
        from_dict(document if path else value, "plant.yaml")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"u": np.append(np.nan, np.ones(19))}, "u: is an input without a usable first reading"),
        ({"u": np.full(20, np.nan)}, "u: no usable reading"),
        ({"y": np.append(np.ones(5), np.full(15, np.nan))}, "y: 5 usable readings"),
        ({"u": None}, "u: isn't recorded"),
    ],
)
def test_a_record_that_teaches_nothing_is_refused(values, says):
    columns = {"u": np.arange(20.0), "y": np.arange(20.0), **values}
    with pytest.raises(DataError, match=says):
        identified(record(20, **{tag: c for tag, c in columns.items() if c is not None}), ["u"], ["y"], 4)


def test_a_record_far_longer_than_the_models_steps_is_refused():
    linear = identified(oscillator(100, 18)[0], ["u", "w"], ["y"], 4)
    other, _ = oscillator(50, 19)
    with pytest.raises(DataError, match="longer than 2000000 steps"):
        linear.run(other._replace(times=other.times * 1e6), 4)


def test_a_model_whose_run_leaves_the_range_of_floats_is_named(stored):
    document = json.loads(stored)
    document["models"]["y"] |= {"transition": [[1.0, 1e29], [0.0, 1.0]], "entry": [[1e29, 1e29]] * 2}
    with pytest.raises(DataError, match="y: its linear model runs out of bounds"):
        from_dict(document, "plant.yaml").run(oscillator(50, 20)[0], 4)


@pytest.mark.data
def test_half_of_a_recording_of_tanks_foretells_the_other_half_far_better_than_persistence(recordings):
    whole = read(Recording.load("cascaded_tanks"))
    middle = whole.epoch + int(whole.times[len(whole.times) // 2] * 1e6)
    training, other = whole.part(until=middle), whole.part(since=middle)
    level = other.values["level_V"]
    linear = identified(training, ["pump_V"], ["level_V"], 4).run(other, 4)["level_V"]
    held = persistence(other, ["level_V"], 4)["level_V"]
    assert rms((linear - level)[4:]) < 0.5 * rms((held - level)[4:])
