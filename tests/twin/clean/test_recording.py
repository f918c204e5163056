"""Recordings: where their file, plant and recipe come from, and what is refused."""

from pathlib import Path

import pytest

from tests.twin.clean.bench import PI, plant
from twin.clean.recording import Recording, beside
from twin.errors import PlantError

TEXT = """\
recording: r
plant: plant.yaml
file: f.csv
time: {columns: t, zone: UTC}
columns: {p: {tag: PI, unit: bar}}
"""


def load(folder: Path, text: str = TEXT) -> Recording:
    (folder / "r.yaml").write_text(text, encoding="utf-8")
    plant(folder)
    return Recording.load(folder / "r.yaml")


def test_file_plant_and_recipe_stand_beside_the_recording(tmp_path: Path) -> None:
    (tmp_path / "steps.yaml").write_text("tags: {PI: {gap: 3 s}}")
    found = load(tmp_path, TEXT + "recipe: steps.yaml\n")
    assert (found.file, found.plant.name) == (tmp_path / "f.csv", "bench")
    assert found.recipe.tags[PI].gap == 3_000_000
    assert found.units == {"PI": "bar"}
    assert Recording.load(tmp_path / "r.yaml", Path("other.csv")).file == Path("other.csv")


def test_a_file_in_the_folder_of_recordings_is_found_by_the_one_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIN_DATA", str(tmp_path / "data"))
    assert load(tmp_path, TEXT.replace("f.csv", "${TWIN_DATA}/a/f.csv")).file == tmp_path / "data" / "a" / "f.csv"
    with pytest.raises(PlantError, match=r"r\.yaml:3: file: only \$\{TWIN_DATA\} is read from the environment"):
        load(tmp_path, TEXT.replace("f.csv", "${HOME}/f.csv"))


@pytest.mark.parametrize("path", ["/etc/passwd", "../f.csv", "a/../../f.csv", "", "${TWIN_DATA}/../f.csv", "a\x07b"])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(PlantError, match="is no path below"):
        beside(path.removeprefix("${TWIN_DATA}/"), tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tag: PI", "tag: PJ", "r.yaml:5: columns.p: no tag 'PJ'; did you mean 'PI'"),
        ("unit: bar", "unit: K", "r.yaml:5: columns.p: PI: the source says 'K': 'K' is not a value in Pa"),
        ("columns: {p: {tag: PI", "columns: {q: PI, p: {tag: PI", "PI already comes from column 'q'; drop one"),
        ("tag: PI, unit", "tag: PI, uni", "r.yaml:5: columns.p: no key 'uni'; did you mean 'unit'"),
        ("zone: UTC", "zone: Mars", "r.yaml:4: time: no time zone 'Mars'"),
        ("zone: UTC", "format: unix_", "r.yaml:4: time: no time format 'unix_'; did you mean 'unix"),
        ("zone: UTC", "format: elapsed_s", "elapsed_s counts from the start of the recording; say when"),
        ("zone: UTC", "start: noon", "time: 'noon' is no instant"),
        ("plant: plant.yaml", "plant: ../plant.yaml", "r.yaml:2: plant: '../plant.yaml' is no path below"),
        ("plant: plant.yaml", "plant: no_such_plant", "r.yaml:2: plant: no plant 'no_such_plant'"),
        ("file: f.csv\n", "", "the file: 'file' is missing; add it"),
        ("recording: r", "recording: ''", "r.yaml:1: recording: '' is no name of 1 to 200"),
        ("time:", "fromat: {}\ntime:", "r.yaml:4: no key 'fromat'; did you mean 'format'"),
        ("time:", "format: {broken: maybe}\ntime:", "r.yaml:4: format.broken: input should be 'refuse' or 'skip'"),
        ("time:", "recipe: {file: x.yaml, tags: {}, about: x}\ntime:", "names a file and treats tags too"),
        ("time:", "recipe: {tags: {PI: {gap: x}}}\ntime:", "r.yaml:4: PI.gap: 'x' is not a number"),
        ("unit: bar", "unit: bar, mean: [p, q]", "the mean names this column, or another one twice; name each other"),
        ("unit: bar", "unit: bar, mean: [q, q]", "the mean names this column, or another one twice; name each other"),
        (
            "unit: bar",
            "quality: x, mean: [q]",
            "a mean is of columns of numbers, without words, quality or one reading",
        ),
        (
            "bar}}",
            "bar, mean: [q]}, q: {tag: TI, unit: degC}}",
            "the mean is of 'q', which isn't in 'bar'; give both one",
        ),
        ("unit: bar", "words: {on: x}", "columns.p: 'x' is not a number"),
    ],
)
def test_a_mistake_in_a_recording_is_refused_where_it_stands(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(PlantError) as refused:
        load(tmp_path, TEXT.replace(old, new))
    assert said in str(refused.value)
    assert str(refused.value).startswith("r.yaml:")


def test_an_unknown_name_is_answered_with_the_shipped_ones() -> None:
    with pytest.raises(PlantError, match="no recording 'scab'; did you mean 'skab'"):
        Recording.load("scab")
