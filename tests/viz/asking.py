"""Asking a view for what-if runs, as its page does."""

import json
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from tests.viz.stage import Stage
from viz.jobs import ENDED, Job, Store


def act(address: str, kind: str, **more: Any) -> dict[str, Any]:
    """Return what an action is answered."""
    said = {"kind": kind, "id": uuid.uuid4().hex, **more}
    request = urllib.request.Request(
        f"{address}/api/v1/what-if/act", json.dumps(said).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60.0) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found


def done(stage: Stage, run: str) -> Job:
    """Wait until a run has ended."""
    store, deadline = Store(stage.folder), time.monotonic() + 60.0
    while (job := store.job(run)) is None or job.state not in ENDED:
        assert time.monotonic() < deadline, f"{run} never ended"
        time.sleep(0.01)
    return job


def ran(stage: Stage, address: str, **more: Any) -> Job:
    """Return a run that was begun and has ended."""
    return done(stage, act(address, "start", scenario="slower_spindle", **more)["run"])


def audit(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of the audit log."""
    return [json.loads(line) for line in (folder / "view" / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
