"""Hours of source time, and how the archives of an hour are called."""

import re
from datetime import UTC, datetime, timedelta

HOUR = 3_600_000_000
"""[us]"""

_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
NAME = r"\A\d{4}-\d\d-\d\dT\d\d(\.[1-9]\d{0,8})?\.h5\Z"
"""A plain file name: nothing that is read from a manifest leads out of the archive's folder."""
TEXT = r"\A\d{4}-\d\d-\d\dT\d\d\Z"


def text(hour: int) -> str:
    """Return an hour, counted from 1970, as ``2026-03-01T10``, UTC."""
    return (_BEGIN + timedelta(hours=hour)).strftime("%Y-%m-%dT%H")


def number(written: str) -> int:
    """Return the hour that is written like ``2026-03-01T10``.

    Raises
    ------
    ValueError
        If there is no such hour.
    """
    return int((datetime.fromisoformat(f"{written}:00+00:00") - _BEGIN) // timedelta(hours=1))


def file_name(hour: str, number: int) -> str:
    """Return the name of the archive of an hour: the first has number 0, and later ones say theirs."""
    return f"{hour}.{number}.h5" if number else f"{hour}.h5"


def is_name(name: str) -> bool:
    """Return whether a file of this name would be an archive."""
    return re.match(NAME, name) is not None
