"""Random numbers by name and index: the same in any block, different for any other name."""

import numpy as np
import pytest
from scipy import stats

from twin import streams
from twin.streams import bits, member_seeds, normal, normal_at, uniform

SEEDS = member_seeds(7, 3)


@pytest.mark.parametrize("cut", [0, 1, 17, 63, 100])
def test_numbers_do_not_depend_on_the_blocks_in_which_they_are_drawn(cut: int) -> None:
    whole = normal(SEEDS, "TI-101", "noise", 5, 100)
    parts = [normal(SEEDS, "TI-101", "noise", 5, cut), normal(SEEDS, "TI-101", "noise", 5 + cut, 100 - cut)]
    assert np.concatenate(parts, axis=1).tobytes() == whole.tobytes()
    assert normal(SEEDS[1:2], "TI-101", "noise", 5, 100).tobytes() == whole[1].tobytes()


def test_numbers_at_scattered_indices_are_those_of_the_stream() -> None:
    whole, wanted = normal(SEEDS, "TI-101", "noise", 0, 100), np.array([99, 0, 17, 17])
    assert normal_at(SEEDS, "TI-101", "noise", wanted).tobytes() == np.ascontiguousarray(whole[:, wanted]).tobytes()
    far = np.array([10**15])
    assert normal_at(SEEDS, "TI-101", "noise", far).tobytes() == normal(SEEDS, "TI-101", "noise", 10**15, 1).tobytes()


def test_a_larger_run_begins_with_the_members_of_a_smaller_one() -> None:
    assert member_seeds(7, 100)[:3].tolist() == SEEDS.tolist()
    assert len({*member_seeds(7, 100).tolist(), *member_seeds(8, 100).tolist()}) == 200


def test_another_name_purpose_or_seed_gives_other_numbers() -> None:
    drawn = [
        bits(member_seeds(seed, 2), name, purpose, 0, 1000)
        for seed in (1, 2)
        for name in ("a", "b")
        for purpose in ("noise", "dropout")
    ]
    assert np.unique(np.stack(drawn)).size == 8 * 2 * 1000


def test_numbers_are_uniform_and_normal_and_do_not_correlate() -> None:
    # Kolmogorov-Smirnov at 1e-3, the correlations at four standard deviations, over a stream that never changes.
    u, z = uniform(SEEDS, "x", "noise", 0, 20_000), normal(SEEDS, "x", "noise", 0, 20_000)
    assert stats.kstest(u.ravel(), "uniform").pvalue > 1e-3
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3
    neighbours = [np.corrcoef(z[0, :-1], z[0, 1:])[0, 1], np.corrcoef(z[0], z[1])[0, 1]]
    assert np.abs(neighbours).max() < 4.0 / np.sqrt(20_000)


def test_a_uniform_number_is_never_zero_or_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "bits", lambda *_: np.array([[0, 2**64 - 1]], np.uint64))
    least, most = uniform(SEEDS, "x", "noise", 0, 2)[0]
    assert 0.0 < least < most < 1.0
