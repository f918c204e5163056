"""Results of branches in their folder: whole or not at all, of one question, read as they were written."""

import json
from pathlib import Path

import numpy as np
import pytest

from scenarios.results import Results, Store, misfit, packed, unpacked
from twin.errors import DataError, SnapshotError

RESULTS = {
    "a": {"oee": 0.5, "parts": 3, "curve": np.arange(3.0)},
    "b": {"oee": float("nan"), "parts": 4, "curve": np.arange(3.0) + 1.0},
    "c": {"oee": 0.25, "stopped": True, "curve": np.arange(2, dtype=np.int32)},
    "d": {},
}


def kept(folder: Path) -> Results:
    with Store(folder, "question") as store:
        store.put(packed("question", {k: RESULTS[k] for k in "ab"}), "ab")
        store.put(packed("question", {k: RESULTS[k] for k in "cd"}), "cd")
        return store.results(list("dcba"))


def test_results_are_read_as_they_were_written() -> None:
    read = unpacked(packed("question", RESULTS))
    assert list(read) == list(RESULTS)
    for key, result in RESULTS.items():
        assert read[key].keys() == result.keys()
        for name, value in result.items():
            assert type(read[key][name]) is type(value)
            np.testing.assert_array_equal(read[key][name], value)


def test_the_same_results_are_the_same_bytes_whatever_the_machines_byte_order() -> None:
    big = {k: {n: v.astype(v.dtype.newbyteorder(">")) if n == "curve" else v for n, v in r.items()} for k, r in RESULTS.items()}  # fmt: skip # noqa: E501
    assert packed("question", big) == packed("question", RESULTS)


def test_results_come_in_the_order_of_the_branches(tmp_path: Path) -> None:
    results = kept(tmp_path)
    assert list(results) == list("dcba")
    assert [result.get("oee") for result in results.values()][:2] == [None, 0.25]
    assert len(results) == 4


def test_columns_hold_every_number_and_no_number_is_nan(tmp_path: Path) -> None:
    columns = kept(tmp_path).columns()
    assert columns.keys() == {"oee", "parts", "stopped"}
    np.testing.assert_array_equal(columns["parts"], [np.nan, np.nan, 4.0, 3.0])


def test_the_digest_tells_two_numbers_apart_that_differ_in_one_bit(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two", "three")]
    digests = []
    for folder, number in zip(folders, (0.1, 0.1, np.nextafter(0.1, 1.0)), strict=True):
        with Store(folder, "question") as store:
            store.put(packed("question", {"a": {"oee": float(number)}}), ["a"])
            digests.append(store.results(["a"]).digest)
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"oee": "much"}, "oee: a str can't be kept; return numbers and arrays of numbers"),
        ({"oee": None}, "oee: a NoneType can't be kept; return numbers and arrays of numbers"),
        ({3: 1.0}, "the name 3 is no text; name results by text"),
        (0.5, "a float is no result; return a dict of numbers and arrays"),
        ({"oee": 0.5}, ""),
    ],
)
def test_what_needs_pickle_is_no_result(result: object, why: str) -> None:
    assert misfit(result) == why


def test_a_folder_of_another_question_is_refused_and_stays(tmp_path: Path) -> None:
    kept(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(SnapshotError, match="holds results of another question, question; this one is another"):
        Store(tmp_path, "another")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_that_strayed_in_from_another_question_is_refused(tmp_path: Path) -> None:
    kept(tmp_path / "one")
    with Store(tmp_path / "two", "another"):
        pass
    stray = next((tmp_path / "one").glob("*.npz"))
    stray.rename(tmp_path / "two" / stray.name)
    with pytest.raises(SnapshotError, match=rf"{stray.name}: holds results of another question, question; this one"):
        Store(tmp_path / "two", "another")


def test_a_folder_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text(json.dumps({"format": 99, "identity": "question"}))
    with pytest.raises(SnapshotError, match="sweep format 99, this version writes 1"):
        Store(tmp_path, "question")


def test_a_folder_of_something_else_is_refused_and_nothing_is_left_there(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").touch()
    with pytest.raises(DataError, match="no folder of a sweep"):
        Store(tmp_path, "question")
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_a_damaged_description_is_refused(tmp_path: Path) -> None:
    kept(tmp_path)
    (tmp_path / "sweep.json").write_text("{")
    with pytest.raises(DataError, match=r"sweep\.json: damaged"):
        Store(tmp_path, "question")


def test_two_sweeps_never_write_to_one_folder(tmp_path: Path) -> None:
    with Store(tmp_path, "question"), pytest.raises(DataError, match="another sweep writes here"):
        Store(tmp_path, "question")
    with Store(tmp_path, "question"):
        pass


def test_what_was_cut_short_at_any_byte_is_never_taken_for_finished(tmp_path: Path) -> None:
    kept(tmp_path)
    path = next(tmp_path.glob("*.npz"))
    whole = path.read_bytes()
    for size in np.linspace(0, len(whole) - 1, 20).astype(int):
        path.write_bytes(whole[:size])
        with Store(tmp_path, "question") as store:
            assert store.damaged == [path.name]
            assert len(store.files) == 2
        assert not path.exists()


def test_what_was_half_written_is_tidied_away(tmp_path: Path) -> None:
    kept(tmp_path)
    (tmp_path / "abc.tmp").write_bytes(b"half")
    with Store(tmp_path, "question") as store:
        assert len(store.files) == 4
    assert not (tmp_path / "abc.tmp").exists()


def test_results_that_were_damaged_since_are_no_results(tmp_path: Path) -> None:
    results = kept(tmp_path)
    for path in tmp_path.glob("*.npz"):
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="results were damaged; run the sweep again"):
        results["a"]


def test_results_that_are_gone_are_missed_by_name(tmp_path: Path) -> None:
    results = kept(tmp_path)
    for path in tmp_path.glob("*.npz"):
        path.unlink()
    with pytest.raises(DataError, match="results can't be read: No such file"):
        results["a"]


def test_a_folder_that_cant_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="sweep can't be written: Not a directory"):
        Store(tmp_path / "file" / "sweep", "question")
