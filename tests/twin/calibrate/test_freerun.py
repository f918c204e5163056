"""Free runs against the closed form of a first-order plant; gaps, rows off the grid and failures."""

from pathlib import Path

import numpy as np
import pytest

from tests.twin.calibrate.bench import followed, plant, pushes, record, study
from twin.calibrate.freerun import FreeRun, Roles, roles
from twin.calibrate.record import Record
from twin.errors import DataError, PlantError

ROWS = 120
PATHS = ("it.first", "it.lag", "it.x")
MEMBERS = np.array([[2.0, 5.0, 0.0], [1.0, 3.0, 2.0], [2.5, 11.0, -1.0]])
TAGS = Roles(("push",), ("place",))
STEPPED = 6e-8
"""What RK4 with steps of 0.1 s may be off: (0.1 / lag)^4 / 120 a lag of what moves, 6 m, for the least lag of 3 s."""


def free_run(made: Record, folder: Path) -> np.ndarray:
    return FreeRun(plant(folder), made, TAGS)(PATHS, MEMBERS)[:, 0]


def closed(made: Record) -> np.ndarray:
    """Return the closed form with each recorded input held until the next usable one."""
    push = made.values["push"].copy()
    for k in np.flatnonzero(np.isnan(push)):
        push[k] = push[k - 1]
    return np.array([followed(push, made.times, x, gain=1.5 * first, lag=lag) for first, lag, x in MEMBERS])


def test_every_member_runs_as_the_closed_form(tmp_path: Path) -> None:
    made = record(ROWS)
    np.testing.assert_allclose(free_run(made, tmp_path), closed(made), rtol=0.0, atol=STEPPED)


def test_a_member_alone_runs_as_among_others(tmp_path: Path) -> None:
    run = FreeRun(plant(tmp_path), record(ROWS), TAGS)
    assert run(PATHS, MEMBERS[1:2])[0].tolist() == run(PATHS, MEMBERS)[1].tolist()
    many = run(PATHS, np.tile(MEMBERS, (70, 1)))
    assert (many.reshape(70, 3, 1, ROWS) == run(PATHS, MEMBERS)).all(), "in blocks and threads too"


def test_a_long_run_has_the_bits_of_a_short_one(tmp_path: Path) -> None:
    """It goes through another form of kernel."""
    long, short = (FreeRun(plant(tmp_path), record(rows), TAGS)(PATHS, MEMBERS) for rows in (1100, ROWS))
    assert (long[:, :, :ROWS] == short).all()


def test_what_is_done_about_rows_is_told(tmp_path: Path) -> None:
    made = record(ROWS)
    made.values["push"][40:43] = np.nan
    made.values["place"][[7, 90]] = np.nan
    late = made._replace(times=made.times + np.where(np.arange(ROWS) == 60, 0.2, 0.0))
    held, left, between = FreeRun(plant(tmp_path), late, TAGS).notes()
    name = made.name
    assert held == f"{name}: push: 3 of 120 rows have no usable reading; the one before is held, for 4 s at most"
    assert left == f"{name}: place: 2 of 120 rows have no usable reading; they aren't compared"
    assert between.startswith(f"{name}: rows aren't 1 s apart throughout: they are compared with what lies straight")
    assert FreeRun(plant(tmp_path), record(ROWS), TAGS).notes() == []


def test_an_input_that_is_missing_for_some_rows_is_held(tmp_path: Path) -> None:
    made = record(ROWS)
    made.values["push"][40:58] = np.nan
    np.testing.assert_allclose(free_run(made, tmp_path), closed(made), rtol=0.0, atol=STEPPED)


def test_rows_off_the_grid_are_interpolated(tmp_path: Path) -> None:
    shaken = np.arange(ROWS) + np.r_[0.0, np.random.default_rng(1).uniform(-0.3, 0.3, ROWS - 1)]
    made = Record("f.csv", "", 0, shaken, {"push": pushes(ROWS, 1), "place": np.zeros(ROWS)})
    off = free_run(made, tmp_path) - closed(made)
    # A straight line between samples h apart bends off by h^2/8 of the second derivative, at most 7 m / lag^2; where an
    # input jumps between them by h/4 of the jump of the first, 9 m / lag.
    jumps = np.isin(np.arange(ROWS) % 15, (0, 1, 2, 14))
    assert np.abs(off[:, ~jumps]).max() <= 1.1**2 / 8.0 * 7.0 / 9.0 * 1.2
    assert np.abs(off).max() <= 1.1 / 4.0 * 9.0 / 3.0


def test_rows_that_are_missing_leave_the_rest_as_it_was(tmp_path: Path) -> None:
    made = record(ROWS)
    kept = np.r_[0:50, 55:ROWS]
    part = made._replace(times=made.times[kept], values={t: c[kept] for t, c in made.values.items()})
    expected = closed(part)
    np.testing.assert_allclose(free_run(part, tmp_path), expected, rtol=0.0, atol=STEPPED)


def test_a_member_that_fails_is_nan_and_the_others_run(tmp_path: Path) -> None:
    run = FreeRun(plant(tmp_path), record(ROWS), TAGS)
    hopeless = np.array([[1000.0, 5.0, 0.0]])  # leaves [-100, 100] m
    found = run(PATHS, np.vstack([MEMBERS[:1], hopeless, MEMBERS[1:]]))
    assert np.isnan(found[1]).all()
    assert found[[0, 2, 3]].tolist() == run(PATHS, MEMBERS).tolist()
    assert np.isnan(run(PATHS, hopeless)).all(), "alone"
    assert np.isnan(run(PATHS, np.tile(hopeless, (3, 1)))).all(), "all of them"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (slice(0, 1), "push: drives the plant and has no usable first reading; begin later with --from"),
        (slice(50, 80), "push: drives the plant and is missing for 31 s from 49 s on; use the part"),
        (slice(90, ROWS), "push: drives the plant and is missing for 30 s from 89 s on; use the part"),
        (slice(0, ROWS), "push: drives the plant and has no usable first"),
    ],
)
def test_an_input_that_cannot_be_held_is_refused_by_name(tmp_path: Path, spoil: slice, says: str) -> None:
    made = record(ROWS)
    made.values["push"][spoil] = np.nan
    with pytest.raises(DataError, match=says):
        FreeRun(plant(tmp_path), made, TAGS)


def test_an_input_beyond_the_plants_bounds_is_refused_with_value_and_bounds(tmp_path: Path) -> None:
    made = record(ROWS)
    made.values["push"][7] = 1e6
    with pytest.raises(DataError, match=r"push: 1e\+06 is outside \[-20, 20\] of it\.push; check its unit"):
        FreeRun(plant(tmp_path), made, TAGS)


@pytest.mark.parametrize("times", [1e7 * np.arange(ROWS), np.r_[0.0:60.0, 1e9 + np.arange(60.0)]])
def test_times_too_long_to_run_through_are_refused(tmp_path: Path, times: np.ndarray) -> None:
    with pytest.raises(DataError, match="too long to run through; check the unit of its times"):
        FreeRun(plant(tmp_path), record(ROWS)._replace(times=times), TAGS)


def test_tags_of_held_inputs_drive_and_the_others_are_compared(tmp_path: Path) -> None:
    made = record(ROWS)
    assert roles(plant(tmp_path), made) == TAGS
    assert roles(plant(tmp_path), made, ["place"]) == TAGS
    with pytest.raises(PlantError, match="no compared tag 'push'"):
        roles(plant(tmp_path), made, ["push"])


def test_what_is_driven_cannot_be_free(tmp_path: Path) -> None:
    with pytest.raises(PlantError, match=r"it\.push: can't be estimated: followed\.csv drives it with push"):
        study(plant(tmp_path), record(ROWS), push=0.1)
