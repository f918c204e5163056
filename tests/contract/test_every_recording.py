"""What every shipped recording keeps: it loads, it is found by name, and its file is read where it is at hand."""

from pathlib import Path

import pytest

from twin import shipped
from twin.clean.notes import Notes
from twin.clean.reader import blocks, labels
from twin.clean.recording import Recording

RECORDINGS = sorted((Path(__file__).parents[2] / "scenarios" / "recordings").glob("*.yaml"))


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda p: p.stem)
def test_a_recording_loads_and_is_found_by_its_name(path: Path) -> None:
    recording = Recording.load(path)
    assert recording.name == path.stem
    assert path.stem in shipped.names("recordings")
    assert Recording.load(path.stem).recipe == recording.recipe
    assert recording.about


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
def test_labels_of_skab_never_reach_the_twin(recordings: Path) -> None:
    recording = Recording.load("skab")
    found = labels(recording)
    assert set(found.marks) == {"anomaly", "changepoint"}
    assert found.time.size == 1147
    assert {c.name for c in recording.columns}.isdisjoint(recording.labels.values())
    assert sum(block.tag.size for block in blocks(recording)) == 8 * 1147
