"""What a board shows as a file: every instant, or intervals where there are too many, in the units chosen."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from twin.errors import DataError
from twin.history.plan import Plan
from twin.history.reader import History
from viz import payload
from viz.feed import Seen
from viz.parts import UNITS_SHOWN
from viz.words import Language

MOST_ROWS = 100_000
"""Rows of an export at most; of what has more instants intervals are given."""
AT_ONCE = 2000
"""Rows that are unpacked at a time: an instant has all of a plant's tags, an export a few of them."""
Table = dict[str, list[Any]]
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Unavailable(DataError):  # noqa: N818 - it says what is the matter
    """The file can't be written as it was asked for."""


class Unknown(DataError):  # noqa: N818 - it says what is the matter
    """No such unit."""


def slices(
    history: History, plan: Plan, seen: Seen, wanted: Sequence[payload.Chart], language: Language,
    *, span: float, until: float | None,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Yield a span of history, some rows at a time, as `payload.trend` does."""
    after, end, settled = payload.span_of(seen, span, until)
    length = history.length(span, MOST_ROWS // 4)
    step, last = AT_ONCE * (length or plan.every), -math.inf
    for k in range(max(1, math.ceil((settled - after) / step))):
        begin = after + k * step
        columns = history.of_length(length, begin, min(begin + step, settled))
        columns = payload.after(columns, last)
        if columns.times.size:
            last = float(columns.times[-1])
        yield payload.told_trend(columns, plan, wanted, language, after, end)


def table(said: Mapping[str, Any], zone: str, units: Mapping[str, str]) -> Table:
    """Return columns by their headings, which say the unit: times first.

    Raises
    ------
    Unknown
        If a unit isn't one that the board offers.
    """
    local = ZoneInfo(zone)
    found: Table = {
        f"time [{zone}]": [_local(t, local) for t in said["t"]],
        "time [s since 1970 UTC]": list(said["t"]),
    }
    for chart in said["charts"]:
        name, columns = chart["name"], said["columns"][chart["name"]]
        unit, factor, offset = _chosen(name, chart["unit"], units)
        if said["intervals"] and "lo" in columns:
            found[f"{name} lowest [{unit}]"] = _turned(columns["lo" if factor > 0.0 else "hi"], factor, offset)
            found[f"{name} highest [{unit}]"] = _turned(columns["hi" if factor > 0.0 else "lo"], factor, offset)
            found[f"{name} actual, mean [{unit}]"] = _turned(columns.get("mean", columns["lo"]), factor, offset)
        elif "lo" in columns:
            found[f"{name} actual [{unit}]"] = _turned(columns["lo"], factor, offset)
        if chart["kind"] != "reading":
            found[f"{name} twin [{unit}]"] = _turned(columns["twin"], factor, offset)
            found[f"{name} twin, standard deviation [{unit}]"] = _turned(columns["deviation"], abs(factor), 0.0)
            if "lo" in columns:
                found[f"{name} residual [standard deviations]"] = _residual(columns)
        if "quality" in columns:
            found[f"{name} quality [0 good, 1 uncertain, 2 bad, 3 none]"] = columns["quality"]
    return found


def _local(time: float, zone: ZoneInfo) -> str:
    try:
        return datetime.fromtimestamp(time, zone).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError):
        return ""  # of a year that no calendar here has; the seconds stand beside it


def _chosen(name: str, own: str, units: Mapping[str, str]) -> tuple[str, float, float]:
    """Return the unit that was chosen for a chart, and how values come to it."""
    wanted = units.get(name, own)
    if wanted == own:
        return own, 1.0, 0.0
    offered = UNITS_SHOWN.get(own, {})
    if wanted not in offered:
        raise Unknown(f"{name}: no unit {wanted[:20]!r} for {own!r}; choose {', '.join([own, *offered])}")
    return wanted, *offered[wanted]


def _residual(columns: Mapping[str, Any]) -> list[float | None]:
    """Return how far readings lie from what was expected of them; of intervals their means."""
    rows = zip(columns.get("mean", columns["lo"]), columns["twin"], columns["deviation"], strict=True)
    return [
        None if read is None or twin is None or not deviation else float(f"{(read - twin) / deviation:.4g}")
        for read, twin, deviation in rows
    ]


def _turned(values: list[float | None], factor: float, offset: float) -> list[float | None]:
    if (factor, offset) == (1.0, 0.0):
        return values
    return [None if v is None else float(f"{v * factor + offset:.{payload.DIGITS}g}") for v in values]


def as_csv(tables: Iterable[Table]) -> bytes:
    """Return tables with the same headings as text that a spreadsheet takes for no formula."""
    out = io.StringIO()
    writer, headed = csv.writer(out), False
    for part in tables:
        if not headed:
            writer.writerow([f"'{name}" if name.startswith(_FORMULA) else name for name in part])
            headed = True
        writer.writerows(zip(*part.values(), strict=True))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def as_parquet(tables: Iterable[Table]) -> bytes:
    """Return tables with the same headings as a Parquet file.

    Raises
    ------
    Unavailable
        If pyarrow isn't installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise Unavailable("Parquet needs pyarrow; install equipment-twin[tables], or take CSV") from None
    out = io.BytesIO()
    writer = None
    for part in tables:
        if writer is None:
            first, *numbers = part
            kinds = {name: pa.int8() if "quality [" in name else pa.float64() for name in numbers}
            schema = pa.schema([(first, pa.string()), *kinds.items()])
            writer = pq.ParquetWriter(out, schema)
        writer.write_table(pa.table(part, schema=schema))
    if writer is not None:
        writer.close()
    return out.getvalue()
