"""From the journal into archives: every value, in the archive of its hour, and nothing twice."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.archives import (
    HOUR,
    MINUTE,
    SECOND,
    T0,
    Row,
    archived,
    at,
    before,
    everything,
    hello,
    lived,
    minute,
    more,
    names,
    of_archives,
    of_entries,
    same,
    sent,
    tick,
)
from tests.journals import draft, gap, opened
from twin.errors import DataError
from twin.journal import Journal
from twin.keep import making, sorter
from twin.keep.manifest import FOLDER, Manifest
from twin.keep.reading import Archive
from twin.quality import BAD

LATE = T0 + HOUR + 10 * MINUTE


def test_every_reading_of_hours_that_are_over_is_archived_once(tmp_path: Path) -> None:
    lived(tmp_path)
    manifest = archived(tmp_path)
    assert names(tmp_path) == [f"2026-03-01T{hour}.h5" for hour in (11, 12, 13, 14)]
    assert same(of_archives(tmp_path, manifest), before(of_entries(everything(tmp_path)), T0 + 3 * HOUR))


def test_an_archive_holds_readings_of_its_hour_alone(tmp_path: Path) -> None:
    lived(tmp_path)
    for record in archived(tmp_path).archives:
        assert (record.since // HOUR, record.until // HOUR) == (record.since // HOUR,) * 2
        with Archive(tmp_path / FOLDER / record.name) as archive:
            times = archive.read("readings")["time"]
            assert (int(times.min()), int(times.max())) == (record.since, record.until)


def test_what_is_late_goes_into_a_supplement(tmp_path: Path) -> None:
    lived(tmp_path, 70)
    archived(tmp_path)
    old = (tmp_path / FOLDER / "2026-03-01T12.h5").read_bytes()
    more(tmp_path, sent(LATE, 71, [(0, T0 + 5 * SECOND, 1.5, 0), (1, LATE, 2.5, 0)]))
    more(tmp_path, *(tick(LATE + n * MINUTE) for n in range(60)))
    manifest = archived(tmp_path)
    assert names(tmp_path) == [f"2026-03-01T{name}.h5" for name in ("11", "12.1", "12", "13")]
    assert (tmp_path / FOLDER / "2026-03-01T12.h5").read_bytes() == old
    with Archive(tmp_path / FOLDER / "2026-03-01T12.1.h5") as archive:
        (trace,) = archive["TI-1"]
        assert (trace.time.tolist(), trace.value.tolist(), trace.received.tolist()) == (
            [T0 + 5 * SECOND],
            [1.5],
            [LATE],
        )
    assert same(of_archives(tmp_path, manifest), of_entries(everything(tmp_path)))


def test_the_spans_of_archives_join_up(tmp_path: Path) -> None:
    lived(tmp_path, 310)
    manifest = archived(tmp_path)
    mains = [record for record in manifest.archives if record.main]
    assert [record.after for record in mains] == [0, *(record.through for record in mains[:-1])]
    assert all(record.through < record.resume + 4 for record in mains)
    assert manifest.state is not None
    assert manifest.state.through == mains[-1].through


def test_what_is_no_reading_is_archived_as_it_came(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append([at(T0, hello()), at(T0, gap(1, 7)), tick(T0), at(T0, draft("action", "", 0, b"\x80", run=0))])
        journal.append([at(T0, draft("bye", "gw1", 0, b"bye")), tick(T0 + 2 * HOUR)])
    (record,) = archived(tmp_path).archives
    assert (record.entries, record.gaps, record.readings, record.main) == (5, 1, 0, True)
    with Archive(tmp_path / FOLDER / record.name) as archive:
        rows, bodies = archive.read("entries"), archive.read("bodies")["body"].tobytes()
        ends = np.cumsum(rows["length"])
        found = [
            (int(number), kind.decode(), bodies[end - size : end])
            for number, kind, size, end in zip(rows["entry"], rows["kind"], rows["length"], ends, strict=True)
        ]
    assert found == [(entry.id, entry.kind, entry.body) for entry in everything(tmp_path)[:5]]


def test_units_are_those_of_the_hello_in_force(tmp_path: Path) -> None:
    kelvin = at(T0 + MINUTE, hello())
    kelvin = kelvin._replace(body=kelvin.body.replace(b"degC", b"kelv"))
    with opened(tmp_path) as journal:
        journal.append([at(T0, hello()), tick(T0), sent(T0, 1, [(0, T0, 20.0, 0)])])
        journal.append([kelvin, sent(T0 + MINUTE, 2, [(0, T0 + MINUTE, 293.15, 0)]), tick(T0 + 2 * HOUR)])
    manifest = archived(tmp_path)
    with Archive(tmp_path / FOLDER / manifest.archives[0].name) as archive:
        assert [(trace.unit, trace.value.tolist()) for trace in archive["TI-1"]] == [
            ("degC", [20.0]),
            ("kelv", [293.15]),
        ]
    assert same(of_archives(tmp_path, manifest), of_entries(everything(tmp_path)))
    assert manifest.archives[0].tags == 1


def test_values_are_kept_to_the_last_bit(tmp_path: Path) -> None:
    values = [math.nan, math.inf, -0.0, 5e-324, 1e308, None, 0.1]
    with opened(tmp_path) as journal:
        journal.append([at(T0, hello()), tick(T0), sent(T0, 1, [(0, T0 + i, v, 0) for i, v in enumerate(values)])])
        journal.append([tick(T0 + 2 * HOUR)])
    (record,) = archived(tmp_path).archives
    with Archive(tmp_path / FOLDER / record.name) as archive:
        (trace,) = archive["TI-1"]
    assert [repr(v) for v in trace.value.tolist()] == ["nan", "inf", "-0.0", "5e-324", "1e+308", "nan", "0.1"]
    assert trace.quality.tolist() == [BAD, BAD, 0, 0, 0, BAD, 0]


def test_a_batch_that_cannot_be_understood_is_kept_as_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Journal, "_held", lambda *_: 1)  # no ingest would store these
    with opened(tmp_path) as journal:
        journal.append([at(T0, hello()), tick(T0)])
        bodies = [b"\xc1", sent(T0, 2, [(9, T0, 1.0, 0)]).body, sent(T0, 3, [(0, -5, 1.0, 0)]).body]
        journal.append([at(T0, draft("data", "gw1", seq, body)) for seq, body in enumerate(bodies, 1)])
        journal.append([at(T0, draft("data", "who", 1, sent(T0, 1, [(0, T0, 1.0, 0)]).body))])
        journal.append([sent(T0, 4, [(0, T0, 4.0, 0)]), tick(T0 + 2 * HOUR)])
    (record,) = archived(tmp_path).archives
    assert (record.unreadable, record.readings, record.entries) == (4, 1, 6)
    with Archive(tmp_path / FOLDER / record.name) as archive:
        kinds = archive.read("entries")["kind"].tolist()
    assert sorted(kinds) == [b"data"] * 4 + [b"hello", b"tick"]


def test_readings_of_too_many_hours_stay_with_those_they_came_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorter, "MOST_OTHERS", 5)
    strange: list[Row] = [(0, n * HOUR, float(n), 0) for n in range(25)]
    with opened(tmp_path) as journal:
        journal.append([at(T0, hello()), tick(T0), sent(T0, 1, strange), tick(T0 + 2 * HOUR)])
    manifest = archived(tmp_path)
    assert len(manifest.archives) == 6
    assert manifest.archives[-1].strays == 20
    assert same(of_archives(tmp_path, manifest), of_entries(everything(tmp_path)))


def test_too_many_columns_end_a_span_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorter, "MOST_COLUMNS", 1)
    monkeypatch.setattr(sorter, "AT_ONCE", 100)
    lived(tmp_path, 130)
    manifest = archived(tmp_path)
    assert len(manifest.archives) >= 8
    state = manifest.state
    assert state is not None
    assert state.resume > 1
    done = [entry for entry in everything(tmp_path) if entry.id < state.resume]
    held = {key: set(several) for key, several in of_archives(tmp_path, manifest).items()}
    assert all(set(several) <= held[key] for key, several in of_entries(done).items())


def test_blocks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lived(tmp_path, 190, readings=40)
    expected = before(of_entries(everything(tmp_path)), T0 + 3 * HOUR)
    monkeypatch.setattr(sorter, "AT_ONCE", 100)
    monkeypatch.setattr(sorter, "BLOCK", 250)
    manifest = archived(tmp_path)
    with Archive(tmp_path / FOLDER / manifest.archives[-1].name) as archive:
        assert archive.rows["index"] >= 10
        assert {name: list(map(repr, several)) for name, several in in_order(archive).items()} == {
            name: list(map(repr, (r for r in several if r[0] // HOUR == T0 // HOUR + 2)))
            for (_, name, _), several in expected.items()
        }
    assert same(of_archives(tmp_path, manifest), expected)


def in_order(archive: Archive) -> dict[str, list[tuple[int, float, int, int]]]:
    found = {}
    for name in archive.tags():
        (trace,) = archive[name]
        numbers = (trace.time, trace.value, trace.quality, trace.received)
        found[name] = list(zip(*(n.tolist() for n in numbers), strict=True))
    return found


def test_the_same_entries_become_the_same_bytes(tmp_path: Path) -> None:
    lived(tmp_path, 70)
    first = archived(tmp_path)
    for path in (tmp_path / FOLDER).iterdir():
        path.unlink()
    assert archived(tmp_path) == first


def test_what_is_written_is_compared_with_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lived(tmp_path, 70)
    real = making._Compared.put

    def spoilt(self: making._Compared, table: str, columns: dict[str, np.ndarray]) -> None:
        if table == "readings":
            columns["value"][17] += 1e-12
        real(self, table, columns)

    monkeypatch.setattr(making._Compared, "put", spoilt)
    with pytest.raises(DataError, match="reads back differently: readings/value"):
        archived(tmp_path)
    assert names(tmp_path) == []


stretches = st.lists(
    st.tuples(st.integers(-180, 150), st.lists(st.integers(-200, 200), max_size=6)), min_size=1, max_size=12
)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stretches, st.integers(1, 40))
def test_whatever_the_clock_does_every_reading_is_archived_once(
    tmp_path_factory: pytest.TempPathFactory, lived_through: list[tuple[int, list[int]]], at_once: int
) -> None:
    folder = tmp_path_factory.mktemp("data")
    clock, manifest = T0, Manifest()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("twin.keep.span.LEAST_TICKS", 2)
        patch.setattr(sorter, "AT_ONCE", at_once)
        more(folder, at(T0, hello()))
        for seq, (step, minutes) in enumerate(lived_through, 1):
            clock = max(clock + step * MINUTE, HOUR * 1000)
            found: list[Row] = [(i % 2, clock + m * MINUTE, float(i), 0) for i, m in enumerate(minutes)]
            more(folder, tick(clock), sent(clock, seq, found))
            if seq % 5 == 0:
                manifest = archived(folder)
        end = max(clock, T0) + 1000 * HOUR
        more(folder, tick(end), tick(end + HOUR), tick(end + 1000 * HOUR))
        manifest = archived(folder)
    assert same(of_archives(folder, manifest), of_entries(everything(folder)))
    assert manifest.state is not None
    assert manifest.state.resume == manifest.state.through + 1


def test_minutes_are_as_they_are_described() -> None:
    first, second = minute(T0, 1)
    assert (first.kind, second.kind, second.clock) == ("tick", "data", T0)
