"""What a twin said, read from its file while it is written or long after."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from twin.documents import Advisory
from twin.errors import DataError, TwinError
from twin.history.plan import Plan
from twin.history.row import Bucket, Columns, Row, merged, of_row, side_by_side
from twin.history.trends import MICRO, kept
from twin.monitor.life import Change
from twin.pack import unpack

FILE = "history.sqlite"
FORMAT = 2
"""Which the file says of itself: how rows and intervals are written."""
DAMAGED = ("SQLITE_NOTADB", "SQLITE_CORRUPT")
UNREADABLE = (TwinError, sqlite3.Error, TypeError, ValueError)
"""What reading a damaged file may raise; whoever shows it says so and goes on."""
FARTHEST = 9e12
T = TypeVar("T")


class Damaged(DataError):  # noqa: N818 - it says what is the matter
    """It is no history, or not a whole one; what is in it is derived."""


class History:
    """Reads instants, intervals and changes of advisories; use it from one thread.

    Parameters
    ----------
    folder : Path
        The data folder of the twin.

    Raises
    ------
    DataError
        If there is no history, or it can't be opened.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        if self.path.is_symlink() or (self.path.exists() and not self.path.is_file()):
            raise DataError(f"{self.path}: is no regular file; move it away")
        try:
            self._open()
        except sqlite3.Error as err:
            raise unreadable(self.path, err) from None

    def _open(self) -> None:
        if not self.path.exists():
            raise DataError(f"{self.path}: is not there: no twin has followed a plant in this folder; see `twin live`")
        self._db = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        self._db.execute("select 1 from instants limit 1")
        self._check_format()

    def _check_format(self) -> None:
        (found,) = self._db.execute("pragma user_version").fetchone()
        if found != FORMAT:
            self._db.close()
            raise Damaged(
                f"{self.path}: is of format {found}, and this version's is {FORMAT}; `twin live` begins it anew"
            )

    def about(self, name: str) -> Any:
        """Return what was noted under a name; None where nothing was."""
        found = self._read("select value from about where name=?", (name,)).fetchone()
        return msgspec.msgpack.decode(found[0]) if found else None

    def plan(self) -> Plan:
        """Return what is to be known of the plant.

        Raises
        ------
        DataError
            If an older version wrote this history.
        """
        found = self._read("select value from about where name='plan'").fetchone()
        if found is None:
            raise DataError(f"{self.path}: says nothing of its plant; let `twin live` go on with it once")
        return self._decoded(found[0], Plan)

    def zone(self) -> tzinfo:
        """Return the plant's time zone; UTC where nothing says which it is."""
        try:
            return ZoneInfo(self.plan().zone)
        except (DataError, ZoneInfoNotFoundError, ValueError):
            return UTC

    def version(self) -> int:
        """Return a number that changes when another process has written."""
        return int(self._read("pragma data_version").fetchone()[0])

    def rows(self, after: float = -1e18, until: float = 1e18) -> Iterator[Row]:
        """Yield the instants in (after, until], source time [s]."""
        for (body,) in self._read(
            "select body from instants where time>? and time<=? order by time", _micro(after, until)
        ):
            yield Row.unpacked(body)

    def head(self) -> list[Row]:
        """Return the provisional instants behind the last settled one, as they were last computed."""
        return [Row(*fields) for fields in self.live("head") or []]

    def live(self, name: str) -> Any:
        """Return what was last shown under a name, of what is replaced and never kept; None where nothing was."""
        found = self._read("select body from live where name=?", (name,)).fetchone()
        return unpack(found[0]) if found else None

    def length(self, span: float, points: int) -> int:
        """Return the length of the shortest intervals that are few enough for a span [s].

        It is 0 where there are few enough instants: for up to four times as many as `points`.
        """
        every = float(self.about("every") or 1.0)
        if span / every <= 4 * points:
            return 0
        lengths = kept(every)
        return next((length for length in lengths if span / length <= 2 * points), lengths[-1])

    def trend(self, after: float, until: float, points: int) -> Columns:
        """Return what was in (after, until] in about so many points, or somewhat more [s].

        Instants are shown themselves as long as there are few; else intervals, with instants where the last interval
        isn't over.
        """
        return self.of_length(self.length(until - after, points), after, until)

    def of_length(self, length: int, after: float, until: float) -> Columns:
        """Return what was in (after, until] in intervals of a length, or as instants for 0 [s]."""
        if not length:
            return side_by_side([of_row(row) for row in self.rows(after, until)])
        parts = [Bucket.unpacked(body) for (body,) in self._intervals(length, after, until)]
        begun = self._read("select max(start) from trends where length=?", (length,)).fetchone()[0]
        rest = max(after, -FARTHEST if begun is None else begun + length)
        return side_by_side([*parts, *self._unfinished(rest, until, length)])

    def _intervals(self, length: int, after: float, until: float) -> sqlite3.Cursor:
        statement = "select body from trends where length=? and start>=? and start<? order by start"
        return self._read(statement, (length, round(after) - length + 1, round(until)))

    def _unfinished(self, after: float, until: float, length: int) -> Iterator[Bucket]:
        """Yield the instants that no interval holds yet, a few together."""
        rows = [of_row(row) for row in self.rows(after, until)]
        together = max(1, len(rows) // 4)
        for first in range(0, len(rows), together):
            part = rows[first : first + together]
            yield merged(part, part[len(part) // 2].time)

    def changes(self, entry: int | None = None) -> list[Change]:
        """Return every transition of an advisory in order, or those alone that an entry of the journal caused."""
        span = (0, 2**62) if entry is None else (entry, entry)
        found = self._read("select body from changes where entry between ? and ? order by entry, number", span)
        return [self._decoded(body, Change) for (body,) in found]

    def latest(self, count: int) -> list[Change]:
        """Return the newest so many transitions of advisories, the newest last."""
        found = self._read("select body from changes order by entry desc, number desc limit ?", (count,))
        return [self._decoded(body, Change) for (body,) in found][::-1]

    def standing(self) -> list[Advisory]:
        """Return the advisories that stand."""
        found = self._read("select body from standing order by id")
        return [self._decoded(body, Advisory) for (body,) in found]

    def oldest(self) -> float | None:
        """Return the source time of the first instant [s]; None where there is none."""
        (first,) = self._read("select min(time) from instants").fetchone()
        return None if first is None else first / MICRO

    def newest(self) -> float | None:
        """Return the source time of the last instant [s]; None where there is none."""
        (last,) = self._read("select max(time) from instants").fetchone()
        return None if last is None else last / MICRO

    def _read(self, statement: str, given: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        try:
            return self._db.execute(statement, given)
        except sqlite3.Error as err:
            raise unreadable(self.path, err) from None

    def _decoded(self, body: bytes, kind: type[T]) -> T:
        try:
            return msgspec.msgpack.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as err:
            raise DataError(f"{self.path}: holds no {kind.__name__} ({err}); move it away") from None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


def unreadable(path: Path, err: sqlite3.Error) -> DataError:
    """Return what is to be said of a file that SQLite can't read, or is no history."""
    name = getattr(err, "sqlite_errorname", "")
    if name == "SQLITE_READONLY":
        return DataError(f"{path}: can't be read without the right to write into {path.parent}; ask its owner")
    if name in DAMAGED or (isinstance(err, sqlite3.OperationalError) and "no such" in str(err)):
        return Damaged(f"{path}: is damaged, or no history ({err}); move it away, and the twin begins it anew")
    return DataError(f"{path}: can't be opened: {err}; check the folder and its rights")


def _micro(after: float, until: float) -> tuple[int, int]:
    return round(max(after, -FARTHEST) * MICRO), round(min(until, FARTHEST) * MICRO)
