"""A finished data set is read as it was made."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from scenarios.dataset.reading import Dataset
from twin.errors import DataError


def test_a_run_has_every_series_and_what_was_drawn(tiny: Path) -> None:
    with Dataset(tiny) as data:
        run = data.run(5)
        assert run.series["signals"].shape == (60, 2)
        assert run.drawn["number"] == 5
        assert set(data.split("train")) & set(data.split("test")) == set()


def test_a_copy_in_another_process_opens_its_own_files(tiny: Path) -> None:
    with Dataset(tiny) as data:
        before = data.window(3, 10, 5)
        with pickle.loads(pickle.dumps(data)) as copy:
            np.testing.assert_array_equal(copy.window(3, 10, 5), before)


def test_an_unfinished_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="writes one when it ends"):
        Dataset(tmp_path)
