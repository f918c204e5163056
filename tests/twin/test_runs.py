"""A run: what the sinks get, in which order, and what is left when it ends early."""

import signal
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from tests.store import folder_of_assets, plant_file
from twin.documents import BAD, GOOD, Document, Frame, Happening, Schema, Start, Stop
from twin.ensemble import Ensemble
from twin.errors import PlantError, SimulationError
from twin.plant import Change, Plant
from twin.runs import Scale, run, windows


class Heap:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.documents: list[Document] = []

    def put(self, document: Document) -> None:
        self.documents.append(document)

    def rows(self, stream: str) -> Frame:
        """Return all rows of a stream as one frame."""
        frames = [d for d in self.documents if isinstance(d, Frame) and d.stream == stream]
        parts = ("times", "value", "truth", "quality")
        return Frame(stream, 0, *(np.concatenate([getattr(f, n) for f in frames], axis=-1) for n in parts))


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    path = tmp_path_factory.mktemp("stores")
    return Plant.load(plant_file(path), folder_of_assets(path))


@pytest.fixture
def heap() -> Heap:
    return Heap()


def test_documents_come_in_the_order_that_their_module_promises(plant: Plant, heap: Heap) -> None:
    run(plant, 30.0, sinks=[heap], seed=3, overrides={"first.flow": "0.1 m3/s"})
    start, *_ = heap.documents
    kinds = [type(d) for d in heap.documents]
    assert isinstance(start, Start)
    assert (start.plant, start.seed, start.members, start.until) == ("stores", 3, 1, 30.0)
    assert start.text == plant.text
    assert kinds[1:3] == [Schema, Schema]
    assert kinds[-1] is Stop
    assert heap.documents[-1] == Stop(30.0, "done", "")
    assert set(kinds[3:-1]) == {Frame, Happening}


def test_truth_is_in_the_tags_unit_and_is_what_the_physics_says(plant: Plant, heap: Heap) -> None:
    run(plant, 20.0, sinks=[heap])
    slow = heap.rows("every_1_s")
    assert slow.times.tolist() == list(range(21))
    # Closed form: the level rises by flow / size = 0.1 m/s, that is 10 cm a sample; 200 steps of RK4 round.
    np.testing.assert_allclose(slow.truth[0, 0], 10.0 * slow.times, atol=1e-10)
    np.testing.assert_allclose(slow.truth[1, 0], 26.85, atol=1e-10)
    assert heap.rows("every_0.5_s").times.tolist() == [0.5 * i for i in range(41)]


def test_readings_carry_their_instruments_errors_across_windows(plant: Plant, heap: Heap) -> None:
    run(plant, 20.0, sinks=[heap])
    slow, fast = heap.rows("every_1_s"), heap.rows("every_0.5_s")
    assert slow.quality[1, 0, :2].tolist() == [0x80320000] * 2
    np.testing.assert_allclose(slow.value[1, 0, 2:], 27.35, atol=1e-10)
    assert 0.0 < np.abs(slow.value[0] - slow.truth[0]).std() < 0.5
    good = fast.quality[0] == GOOD
    assert (fast.quality[0][~good] == BAD).all()
    assert 0 < good.sum() < good.size
    assert np.abs(fast.value[0] - fast.truth[0])[good].max() <= 0.005 + 1e-12


def test_the_summary_counts_what_happened(plant: Plant) -> None:
    summary = run(plant, 30.0)
    assert summary.happenings == {"first.half_full": 1}
    crossing = summary.crossings[0]
    assert (crossing.tag, crossing.limit, crossing.level, crossing.unit) == ("LI-1", "high", 200.0, "cm")
    assert abs(crossing.time - 20.5) <= 1.0, "the truth crosses 200 cm at 20 s, the noise is 1 mm"
    assert summary.tags["LI-1"].good == 31
    assert summary.tags["TI-1"].missing == 2
    assert summary.tags["LI-1"].most == pytest.approx(300.0, abs=0.5)
    assert summary.speed > 0.0


def test_the_same_seed_gives_the_same_bits_and_another_one_other_noise(plant: Plant) -> None:
    heaps = [Heap(), Heap(), Heap()]
    for heap, seed in zip(heaps, (1, 1, 2), strict=True):
        run(plant, 10.0, sinks=[heap], seed=seed)
    first, again, other = (heap.rows("every_1_s") for heap in heaps)
    assert first.value.tobytes() == again.value.tobytes()
    assert first.truth.tobytes() == other.truth.tobytes()
    assert first.value.tobytes() != other.value.tobytes()


def test_members_differ_in_their_noise_alone_and_not_by_their_number(plant: Plant) -> None:
    few, many = Heap(), Heap()
    run(plant, 5.0, sinks=[few], members=2)
    run(plant, 5.0, sinks=[many], members=5)
    a, b = few.rows("every_1_s"), many.rows("every_1_s")
    assert a.value.tobytes() == b.value[:, :2].tobytes()
    assert (b.truth == b.truth[:, :1]).all()
    assert np.unique(b.value[0, :, 3]).size == 5


def test_windows_end_on_samples_and_depend_on_the_arguments_alone(plant: Plant) -> None:
    ends = list(windows(plant, 1, 1000.0))
    assert ends[-1] == 1000.0
    assert all(end == round(end / 0.5) * 0.5 for end in ends)
    assert len(ends) >= 100
    assert ends == list(windows(plant, 1, 1000.0))
    assert max(np.diff(list(windows(plant, 1, 1e6)))) <= 60.0
    bare = replace(plant, tags={}, limits={})
    assert list(windows(bare, 1, 7.0))[-1] == 7.0
    assert list(windows(plant, 1, 0.01)) == [0.01]


@pytest.fixture
def handler() -> Iterator[object]:
    before = signal.getsignal(signal.SIGINT)
    yield before
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_ends_the_run_after_the_window_in_hand(plant: Plant, heap: Heap, handler: object) -> None:
    def press(time: float) -> None:
        if time >= 10.0:
            signal.raise_signal(signal.SIGINT)

    summary = run(plant, 30.0, sinks=[heap], progress=press)
    assert summary.ending == "interrupted"
    assert summary.time == 10.0
    assert heap.documents[-1] == Stop(summary.time, "interrupted", "stopped by Ctrl-C")
    assert heap.rows("every_1_s").times[-1] == 10.0


def test_a_second_ctrl_c_does_not_wait(plant: Plant, heap: Heap, handler: object) -> None:
    def press(time: float) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(plant, 30.0, sinks=[heap], progress=press)


def test_what_was_simulated_before_a_failure_reaches_the_sinks(plant: Plant, heap: Heap) -> None:
    with pytest.raises(SimulationError, match=r"first.level = 5.* left its bounds") as failed:
        run(plant, 100.0, sinks=[heap])
    stop = heap.documents[-1]
    assert isinstance(stop, Stop)
    assert (stop.ending, stop.message) == ("failed", str(failed.value))
    assert 50.0 <= stop.time < 51.0
    assert heap.rows("every_1_s").times[-1] == 50.0


def test_windows_change_no_bit(plant: Plant, heap: Heap) -> None:
    scheduled = replace(plant, schedule=(Change(3.25, "first.flow", -0.1),))
    whole, begun = Ensemble(scheduled, 1), Ensemble(scheduled, 1)
    whole.advance(6.0)
    begun.advance(0.0)
    run(scheduled, 6.0, sinks=[heap], ensemble=begun)
    assert begun.digest() == whole.digest()
    samples = next(s for s in whole.take_samples() if "LI-1" in s.tags)
    assert (heap.rows("every_1_s").truth[0] == Scale.of("m", "cm")(samples.values[0])).all()


def test_a_second_sigterm_is_no_reason_to_lose_the_run(plant: Plant, heap: Heap, handler: object) -> None:
    def press(time: float) -> None:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGHUP)

    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    summary = run(plant, 30.0, sinks=[heap], progress=press)
    assert (summary.ending, summary.message) == ("interrupted", "stopped by SIGHUP")
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before


def test_a_signal_that_is_ignored_stays_ignored(plant: Plant, handler: object) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        summary = run(plant, 30.0, progress=lambda time: signal.raise_signal(signal.SIGHUP))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (summary.ending, summary.time) == ("done", 30.0)


def test_windows_are_short_where_steps_are(plant: Plant) -> None:
    fine = replace(plant, solver=plant.solver._replace(step=1e-6))
    ends = windows(fine, 1, 1000.0)
    assert next(ends) == 8.0  # 2**24 steps of 1 us, for two assets, are 8.4 s; samples are taken every 0.5 s
    bare = replace(plant, solver=plant.solver._replace(step=1e-9), tags={}, limits={})
    assert next(windows(bare, 1, 10.0)) == pytest.approx(2**23 * 1e-9, rel=1e-3)


def test_a_run_in_another_thread_is_the_same(plant: Plant, heap: Heap) -> None:
    other = Heap()
    thread = threading.Thread(target=run, args=(plant, 10.0), kwargs={"sinks": [other]})
    thread.start()
    run(plant, 10.0, sinks=[heap])
    thread.join()
    assert heap.rows("every_1_s").value.tobytes() == other.rows("every_1_s").value.tobytes()


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_is_64_bits(plant: Plant, seed: int) -> None:
    with pytest.raises(PlantError) as refused:
        run(plant, 1.0, seed=seed)
    assert str(refused.value) == f"stores: seed {seed} is out of range; give one from 0 to 18446744073709551615"


@pytest.mark.parametrize("until", [0.0, -1.0, 1.1e9, float("inf"), float("nan")])
def test_a_run_needs_a_positive_time(plant: Plant, until: float) -> None:
    with pytest.raises(PlantError, match="give a positive time"):
        run(plant, until)


@pytest.mark.parametrize(
    ("declared", "wanted", "si", "expected"),
    [("K", "degC", 293.15, 20.0), ("m3/s", "l/min", 1e-3, 60.0), ("Pa", "bar", 1e5, 1.0), ("K", "degF", 273.15, 32.0)],
)
def test_a_scale_converts_as_pint_does(declared: str, wanted: str, si: float, expected: float) -> None:
    assert Scale.of(declared, wanted)(si) == pytest.approx(expected, rel=1e-12, abs=1e-10)
