"""Ingest, twin, gateways and the network fail at random: no reading is lost or doubled, no bit of the twin differs."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import crash
from twin.journal.entries import Entry
from twin.protocol import batch


@pytest.mark.slow
def test_twenty_crashes_lose_and_double_nothing_and_leave_the_twin_as_it_would_be(tmp_path: Path) -> None:
    figures = crash.crash(20, 3, tmp_path)
    assert figures["gateways_done"], (tmp_path / "a.stderr").read_text() + (tmp_path / "b.stderr").read_text()
    assert {name: figures[name] for name in ("lost", "duplicated", "order_errors", "values_wrong")} \
        == {"lost": 0, "duplicated": 0, "order_errors": 0, "values_wrong": 0}  # fmt: skip
    assert figures["journal_whole"]
    assert figures["batches"] >= 500
    assert figures["faults"]["kill_twin"] >= 3
    assert figures["state_bit_identical"]
    assert figures["instants"] >= 10


def entry(number: int, gateway: str, seq: int) -> Entry:
    rows: list[Any] = [(0, *row[1:]) for row in crash.rows(gateway, seq)]
    return Entry(number, "data", gateway, 7, seq, 0, 0, batch(seq, rows))


@pytest.mark.parametrize(
    ("seqs", "wrong"),
    [
        ([1, 2, 3], {}),
        ([1, 3], {"lost": 1, "order_errors": 1}),
        ([1, 2, 2, 3], {"duplicated": 1, "order_errors": 1}),
        ([2, 1, 3], {"order_errors": 3}),
        ([1, 2, 3, 4], {}),  # stored, though the gateway died before it could note it
    ],
)
def test_the_check_sees_what_it_looks_for(tmp_path: Path, seqs: list[int], wrong: dict[str, int]) -> None:
    for name in crash.GATEWAYS:
        (tmp_path / f"{name}.notes").write_text("1\n2\n3\n")
    found = [entry(i, "a", seq) for i, seq in enumerate(seqs, 1)] + [entry(9 + seq, "b", seq) for seq in (1, 2, 3)]
    figures = crash.checked(tmp_path, found)
    assert {name: n for name, n in figures.items() if n and name not in ("batches", "readings")} == wrong
    assert figures["readings"] == 19 * (len(seqs) + 3)


def test_the_check_sees_a_value_that_is_another(tmp_path: Path) -> None:
    for name in crash.GATEWAYS:
        (tmp_path / f"{name}.notes").write_text("1\n")
    other = entry(1, "a", 1)._replace(body=entry(1, "a", 2).body)
    assert crash.checked(tmp_path, [other, entry(2, "b", 1)])["values_wrong"] == 1


def test_a_declared_gap_counts_as_lost(tmp_path: Path) -> None:
    for name in crash.GATEWAYS:
        (tmp_path / f"{name}.notes").write_text("")
    gap = Entry(1, "gap", "a", 7, 5, 0, 0, b"")
    assert crash.checked(tmp_path, [gap])["lost"] == 1
