"""What every shipped recording keeps: it loads, it is found by name, and its file is read where it is at hand."""

from pathlib import Path

import numpy as np
import pytest

from twin import shipped
from twin.calibrate.compared import wanted_of
from twin.calibrate.wanted import chosen
from twin.clean.block import joined
from twin.clean.notes import Notes
from twin.clean.reader import blocks, labels
from twin.clean.recording import Recording
from twin.declare import Input, Memory

RECORDINGS = sorted((Path(__file__).parents[2] / "scenarios" / "recordings").glob("*.yaml"))


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda p: p.stem)
def test_a_recording_loads_and_is_found_by_its_name(path: Path) -> None:
    recording = Recording.load(path)
    assert recording.name == path.stem
    assert path.stem in shipped.names("recordings")
    assert Recording.load(path.stem).recipe == recording.recipe
    assert recording.about


@pytest.mark.parametrize("path", [path for path in RECORDINGS if "\nfit:" in path.read_text()], ids=lambda p: p.stem)
def test_what_is_fitted_is_the_plants_and_what_is_scored_is_recorded(path: Path) -> None:
    recording = Recording.load(path)
    plant, what = recording.plant, wanted_of(recording, recording.plant)
    tags = {recording.recipe.tags[column.tag].tag for column in recording.columns}
    driven = {
        plant.tags[tag].reads for tag in tags if isinstance(plant.quantity(plant.tags[tag].reads), Input | Memory)
    }
    assert {*what.score, *(begin.like for begin in what.start if begin.like)} <= tags
    assert not driven & {plant.tags[tag].reads for tag in what.score}, "what drives the plant isn't compared"
    assert not driven & {free.path for free in what.free}, "what is recorded isn't estimated"
    assert chosen(plant, [free.path for free in what.free], {}), "what --free would take"


@pytest.mark.data
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda p: p.stem)
def test_a_recordings_file_is_read_whole(path: Path, recordings: Path) -> None:
    recording, notes = Recording.load(path), Notes()
    assert recording.file.is_relative_to(recordings)
    engine = recording.cleaner()
    for block in blocks(recording, notes):
        engine.put(block)
    totals = {total.tag: total for total in engine.tally.totals()}
    fed = [totals[recording.recipe.tags[column.tag].tag] for column in recording.columns]
    assert min(total.good for total in fed) > 0.95 * max(total.arrived for total in fed) > 500
    assert notes.times("unreadable") == notes.times("ragged") == 0


@pytest.mark.data
def test_every_file_of_the_incubator_is_read_whole_whatever_its_unit_of_time(recordings: Path) -> None:
    files = sorted(path for path in (recordings / "incubator").glob("*/*.csv") if path.name != "events.csv")
    assert files
    for file in files:
        recording = Recording.load("incubator" if file.name.startswith("2023") else "incubator_2020", file)
        read = joined(list(blocks(recording)))
        average = read.part(read.tag == recording.recipe.position("average_temperature"))
        assert read.tag.size == average.tag.size * len(recording.plant.tags), file.name
        assert str(average.time[0].astype("datetime64[us]")).startswith(("2020", "2021", "2023")), file.name
        steps = np.diff(average.time) / 1e6
        assert np.median(steps) == pytest.approx(3.0, abs=0.1), file.name


@pytest.mark.data
def test_labels_of_skab_never_reach_the_twin(recordings: Path) -> None:
    recording = Recording.load("skab")
    found = labels(recording)
    assert set(found.marks) == {"anomaly", "changepoint"}
    assert found.time.size == 1147
    assert {c.name for c in recording.columns}.isdisjoint(recording.labels.values())
    assert sum(block.tag.size for block in blocks(recording)) == 8 * 1147
