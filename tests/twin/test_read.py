"""YAML as a person means it, and as an attacker writes it."""

import os

import pytest

from twin.errors import PlantError
from twin.read import MAX_BYTES, parse, read

LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 30))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", "p.yaml:2: 'a' was already given at p.yaml:1; keep one of them"),
        ("- 1\n", "p.yaml:1: expected `key: value` lines at the top; the file holds something else"),
        ("a: [1\n", "p.yaml:2: not YAML: did not find expected ',' or ']'; check indentation and quotes"),
        ("a: 1\n[b]: 2\n", "p.yaml:2: a key must be a plain name; quote it or rename it"),
        ("b: &x {c: 1}\na:\n  <<: *x\n", "p.yaml:3: merge keys (<<) are not read; write the values out"),
        ("a: !!binary aGk=\n", "p.yaml:1: the tag 'tag:yaml.org,2002:binary' is not read; write a plain value"),
        ("a: &x [*x]\n", "p.yaml:1: an alias refers to the mapping it stands in; write it out"),
        ("a: " + "[" * 60, "p.yaml:1: nested deeper than 50 levels; this is not a plant file"),
        ("a: " + "[" * 100_000, "p.yaml:1: nested deeper than 50 levels; this is not a plant file"),
    ],
)
def test_what_is_no_plain_mapping_is_refused_with_its_line(text, said):
    with pytest.raises(PlantError) as refused:
        parse(text, "p.yaml")
    assert str(refused.value) == said


def test_aliases_that_unfold_without_end_are_refused():
    with pytest.raises(PlantError, match=r"^p\.yaml:\d+: aliases unfold to more than 200000 values"):
        parse(LAUGHS, "p.yaml")


def test_scalars_stay_text():
    tree = parse("a: 12:30:00\nb: off\nc: 1_000\nd: ~\n", "p.yaml")
    assert tree == {"a": "12:30:00", "b": "off", "c": "1_000", "d": "~"}


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "p.yaml")
    with pytest.raises(PlantError, match="can't be read: it is no regular file; check the path"):
        read(tmp_path / "p.yaml")


def test_a_file_too_large_for_a_plant_is_refused(tmp_path):
    (tmp_path / "p.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(PlantError, match=f"larger than {MAX_BYTES} bytes; this is not a plant file"):
        read(tmp_path / "p.yaml")


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    (tmp_path / "p.yaml").write_bytes(b"\xef\xbb\xbfplant: x\r\n")
    assert read(tmp_path / "p.yaml")[0] == {"plant": "x"}
