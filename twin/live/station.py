"""Which processes a live twin consists of, and where they find each other."""

import json
import time
from pathlib import Path

from twin.errors import DataError
from twin.live.group import Group, Part

PATIENCE = 30.0


def parts(
    plant: str,
    data: Path,
    listen: str,
    *,
    replay: bool = False,
    recording: str | None = None,
    assets: Path | None = None,
    keep: float = 30 * 86400.0,
    most: int | None = None,
    whole_journal: bool = False,
) -> tuple[Part, ...]:
    """Return ingest, twin and recorder of a data folder; `whole_journal` prunes nothing of it."""
    source = ("--recording", recording) if recording else ()
    more = ("--assets", str(assets)) if assets else ()
    room = ("--max-disk", f"{most}B") if most else ()
    whole = ("--whole-journal",) if whole_journal else ()
    return (
        Part("ingest", ("twin.ingest", "--data", str(data), "--listen", listen, *(("--replay",) if replay else ()))),
        Part("twin", ("twin.live", plant, "--data", str(data), *source, *more)),
        Part("recorder", ("twin.keep", plant, "--data", str(data), "--keep", f"{keep!r}s", *room, *whole, *more)),
    )


def address(data: Path, group: Group) -> str:
    """Return where ingest listens, once it does; started again it listens there again.

    Raises
    ------
    DataError
        If it doesn't within half a minute, or ended.
    """
    deadline = time.monotonic() + PATIENCE
    file = data / "ingest.json"
    while time.monotonic() < deadline:
        process = group.processes.get("ingest")
        if process is not None and process.poll() is not None:
            raise DataError(f"ingest: ended with code {process.returncode}: {group.words('ingest')}")
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            if process is None or found.get("pid") == process.pid:
                group.settle("ingest", "--listen", str(found["address"]))
                return str(found["address"])
        except (OSError, ValueError, KeyError):
            pass
        time.sleep(0.05)
    raise DataError(f"{file}: ingest did not start within {PATIENCE:g} s; see {data / 'ingest.log'}")
