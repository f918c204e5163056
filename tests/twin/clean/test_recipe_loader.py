"""Recipes: every mistake is refused by line, place and what to do."""

from pathlib import Path

import pytest

from tests.twin.clean.bench import plant, recipe
from twin.clean.recipe_loader import instant, load
from twin.errors import PlantError, TwinError
from twin.plant import Plant


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return plant(tmp_path_factory.mktemp("bench"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tags:\n  PJ: {}\n", "r.yaml:2: tags: no tag 'PJ'; did you mean 'PI'"),
        ("tags:\n  PI: {uni: bar}\n", "r.yaml:2: tags.PI: no key 'uni'; did you mean 'unit'?"),
        ("tags:\n  PI:\n    range: {lo: 1}\n", "r.yaml:3: tags.PI.range: no key 'lo'; did you mean 'low'?"),
        ("tag: {}\n", "r.yaml:1: no key 'tag'; did you mean 'tags'?"),
        ("tags: {PI: {unit: degC}}\n", "r.yaml:1: PI.unit: 'degC' is not a value in Pa; degC measures something else"),
        ("tags: {PI: {unit: foo}}\n", "r.yaml:1: PI.unit: unknown unit 'foo'"),
        ("tags: {PI: {range: {}}}\n", "PI.range: low omitted is not below high omitted; give one of them, or both"),
        ("tags: {PI: {range: {low: 3, high: 2}}}\n", "PI.range: low 3 is not below high 2"),
        ("tags: {PI: {range: {low: 3 K}}}\n", "PI.range.low: '3 K' is not a value in Pa"),
        ("tags: {PI: {range: {low: 1, outside: good}}}\n", "PI.range.outside: good would hide what was found"),
        ("tags: {PI: {range: {low: 1, outside: Ugly}}}\n", "PI.range.outside: no status 'Ugly'"),
        ("tags: {PI: {stuck: {count: 1}}}\n", "PI.stuck.count: 1 is outside [2, 1e+09]; give a value inside"),
        ("tags: {PI: {stuck: {count: 2.5}}}\n", "PI.stuck.count: 2.5 is no whole number"),
        ("tags: {PI: {stuck: {over: 1 s}}}\n", "tags.PI.stuck: 'count' is missing; add it"),
        ("tags: {PI: {stuck: {count: 3, over: 5}}}\n", ""),
        ("tags: {PI: {stuck: {count: 3, over: -5 s}}}\n", "PI.stuck.over: -5 s is outside"),
        ("tags: {PI: {spike: {window: 7}}}\n", "tags.PI.spike: 'least' is missing; add it"),
        ("tags: {PI: {spike: {least: 0}}}\n", "PI.spike.least: 0 would call every change of a quiet signal a spike"),
        ("tags: {PI: {spike: {least: 1, window: 8}}}\n", "PI.spike.window: 8 has no reading in the middle"),
        ("tags: {PI: {spike: {least: 1, window: 1001}}}\n", "PI.spike.window: 1001 is outside [3, 301]"),
        ("tags: {PI: {gap: 0 s}}\n", "PI.gap: 0 s is outside [1 us, 1e+09 s]"),
        ("tags: {PI: {gap: soon}}\n", "PI.gap: 'soon' is not a number with a unit"),
        ("tags: {PI: {align: {every: 1 s, by: median}}}\n", "PI.align.by: no method 'median'"),
        (
            "tags: {PI: {align: {every: 1 ms, by: last, over: 1 h}}}\n",
            "PI.align.over: bridges more than 100000",
        ),
        ("tags: {PI: {calibration: {gain: 0}}}\n", "PI.calibration.gain: a gain of 0 leaves nothing"),
        ("tags: {PI: {calibration: {gain: nan}}}\n", "PI.calibration.gain: 'nan' is not a finite number"),
        ("tags: {PI: {calibration: {points: [[1, 2]]}}}\n", "PI.calibration.points: needs at least two pairs"),
        ("tags: {PI: {calibration: {points: [[1, 2], [1, 3]]}}}\n", "what is shown must rise from pair to pair"),
        ("tags: {PI: {calibration: {gain: 2, points: [[1, 2], [2, 3]]}}}\n", "gain and offset are given too; keep one"),
        ("tags: {PI: {changes: [{since: yesterday}]}}\n", "PI.changes[0].since: 'yesterday' is no instant"),
        ("tags: {PI: {changes: [{since: 2024-01-01}]}}\n", "names no zone; end it with Z for UTC, or like +09:00"),
        (
            "tags:\n  PI:\n    changes:\n    - {since: 2024-01-02T00:00:00Z}\n    - {since: 2024-01-01T00:00:00Z}\n",
            "r.yaml:5: PI.changes[1].since: 2024-01-01T00:00:00Z is not after the change before",
        ),
        ("tags: {XI: {codes: {a: 1}}}\n", "XI.codes.a: 'a' is not a number with a unit"),
        ("tags: {XI: {codes: {1: 1, 1.0: 2}}}\n", "XI.codes: 1.0 stands twice; keep one of them"),
        ("tags: {XI: {quality: {1: good, ok: good}}}\n", "words and numbers are mixed; a source says either"),
        ("tags: {XI: {counter: {modulus: 0}}}\n", "XI.counter.modulus: 0 is outside [1, "),
        ("tags: {XI: {counter: {modulus: 100, largest: 200}}}\n", "XI.counter.largest: 200 is outside [0, 100]"),
        ("tags: {PI: {names: [x]}, TI: {names: [x]}}\n", "TI.names: 'x' is the name of another tag too; drop one"),
        ("tags: {PI: {names: [TI]}}\n", "PI.names: 'TI' is the name of another tag too; drop one"),
        ("tags: {PI: 7}\n", "tags.PI: input should be"),
        ("tags: {PI: {range: [1, 2]}}\n", "tags.PI.range: input should be"),
    ],
)
def test_a_mistake_in_a_recipe_is_refused_where_it_stands(bench: Plant, text: str, said: str) -> None:
    if not said:
        recipe(bench, text)
        return
    with pytest.raises(PlantError) as refused:
        recipe(bench, text)
    assert said in str(refused.value)
    assert str(refused.value).startswith("r.yaml:")


def test_bare_numbers_are_in_the_tags_unit(bench: Plant) -> None:
    steps = recipe(bench, "tags: {TI: {unit: degC, range: {low: 0, high: 350 K}, spike: {least: 2}}}").tags[2]
    assert (steps.range.low, steps.range.high) == (273.15, 350.0)
    assert steps.spike is not None
    assert steps.spike.least == pytest.approx(2.0), "a difference of 2 degC is 2 K"


def test_a_tag_that_no_recipe_names_is_only_converted(bench: Plant) -> None:
    steps = recipe(bench, "tags: {}").tags
    assert [s.tag for s in steps] == ["LI", "PI", "TI", "FI", "XI"]
    assert (steps[1].si, steps[1].shown, steps[1].range.low) == ("Pa", "bar", float("-inf"))


def test_two_recipes_have_the_same_digest_only_if_they_do_the_same(bench: Plant) -> None:
    one, same, other = (recipe(bench, f"tags: {{PI: {{gap: {gap}}}}}") for gap in ("60 s", "1 min", "61 s"))
    assert one.digest == same.digest != other.digest


def test_instants_are_read_with_their_zone() -> None:
    assert instant("1970-01-01T09:00:01.5+09:00") == 1_500_000
    assert instant("1970-01-01T00:00:00Z") == 0
    with pytest.raises(TwinError, match="is no instant"):
        instant("1970")


def test_a_recipe_is_found_in_a_file_of_its_own_and_in_a_recording(bench: Plant, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("about: 압력계\ntags: {PI: {gap: 9 s}}\n", encoding="cp949")
    (tmp_path / "one.yaml").write_text(
        "recording: x\nplant: p.yaml\nfile: f.csv\ntime: {columns: t}\ncolumns: {p: PI}\nrecipe: r.yaml\n"
    )
    alone = load(tmp_path / "r.yaml", bench)
    assert load(tmp_path / "one.yaml", bench) == alone
    assert alone.tags[1].gap == 9_000_000
