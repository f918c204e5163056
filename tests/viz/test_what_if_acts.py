"""What-if's routes: what is recorded, what is refused, and which files of a run can be had."""

import json
import urllib.error
import urllib.request
from typing import Any

import msgspec
import pytest

from tests.viz import stand_in
from tests.viz.asking import act, audit, ran
from tests.viz.stage import Stage, asked
from twin.errors import DataError
from viz.jobs import Store
from viz.questions import Description
from viz.whatif import Asked, job_of


def refused(address: str) -> int:
    """Return the code with which an address is refused."""
    with pytest.raises(urllib.error.HTTPError) as found:
        urllib.request.urlopen(address)
    with found.value as answer:
        return answer.code


def test_everything_that_is_done_is_in_the_audit_log(stage: Stage, asking: str) -> None:
    job = ran(stage, asking, settings={"slower:spindle_1.speed_set": "-20 %"})
    for kind in ("name", "cancel", "delete"):
        act(asking, kind, run=job.id, name="mine")
    targets = [line["target"] for line in audit(stage.folder) if line["what"] == "action"]
    assert targets == [
        "what-if start slower_spindle slower:spindle_1.speed_set=-20 %", f"what-if name {job.id} mine",
        f"what-if cancel {job.id} slower_spindle", f"what-if delete {job.id} slower_spindle",
    ]  # fmt: skip


def test_without_a_record_nothing_is_run(stage: Stage, asking: str) -> None:
    log = stage.folder / "view" / "audit.jsonl"
    log.unlink()
    log.mkdir()
    answer = act(asking, "start", scenario="slower_spindle")
    assert "can't be written: Is a directory; move it away" in answer["said"]
    assert Store(stage.folder).jobs() == []


OUTSIDE = (
    "job.json", "argv.json", "%2e%2e/job.json", "..%2fjob.json", "%252e%252e%252fjob.json", "progress.json", "tables/",
    "tables/%2e%2e/%2e%2e/job.json", "tables/..%5c..%5cjob.json", "/etc/passwd", "%2fetc%2fpasswd", "report.en.html%00",
)  # fmt: skip


def test_no_path_leads_out_of_what_a_run_shows(stage: Stage, asking: str) -> None:
    job = ran(stage, asking)
    base = f"{asking}/api/v1/what-if/runs"
    found = {path: refused(f"{base}/{job.id}/{path}") for path in OUTSIDE}
    strange = ("%2e%2e", "..%2f..", "view", "20260101-000000-abcdef", "what-if", "%2e", f"%2e/{job.id}")
    found |= {run: refused(f"{base}/{run}/answer.json") for run in strange}
    assert {path: code for path, code in found.items() if code not in (400, 404)} == {}


def test_a_report_is_looked_at_without_script_and_other_files_are_kept(stage: Stage, asking: str) -> None:
    job = ran(stage, asking)
    base = f"{asking}/api/v1/what-if/runs/{job.id}"
    with urllib.request.urlopen(f"{base}/report.en.html") as answer:
        policies = answer.headers.get_all("content-security-policy")
        assert len(policies) == 2
        assert any("script-src" not in policy and "default-src 'none'" in policy for policy in policies)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-disposition"] is None
        assert answer.headers["cache-control"] == "no-store"
    for name in ("answer.json", "tables.xlsx", "tables/numbers.csv"):
        with urllib.request.urlopen(f"{base}/{name}") as answer:
            assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert [line["what"] for line in audit(stage.folder)][-3:] == ["export"] * 3
    assert asked(f"{base}/answer.json")["scenario"] == "slower_spindle"


def answered(asking: str, body: bytes, **headers: str) -> int:
    """Return the code that a body is answered with."""
    given = {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    request = urllib.request.Request(f"{asking}/api/v1/what-if/act", body, given)
    try:
        with urllib.request.urlopen(request, timeout=60.0) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as err:
        with err:
            return err.code


def test_what_is_no_action_is_refused(stage: Stage, asking: str) -> None:
    start = {"kind": "start", "id": "0" * 32, "scenario": "slower_spindle"}
    wrong: list[dict[str, Any]] = [
        {"kind": "run"}, {"settings": {"a": "x" * 301}}, {"settings": {str(i): "" for i in range(201)}},
        {"replications": 10**9}, {"seed": -1}, {"id": "../" + "0" * 29}, {"start": "/etc"}, {"more": 1},
    ]  # fmt: skip
    bodies = [b"", b"[]", b"{}", b"\xff", b"[" * 1000, *(json.dumps({**start, **each}).encode() for each in wrong)]
    assert {answered(asking, body) for body in bodies} == {400}
    assert Store(stage.folder).jobs() == []


def test_another_sites_page_starts_nothing(stage: Stage, asking: str) -> None:
    body = json.dumps({"kind": "start", "id": "0" * 32, "scenario": "slower_spindle"}).encode()
    assert answered(asking, body, Origin="http://evil.example") == 403
    assert answered(asking, body, Sec_Fetch_Site="cross-site") == 403
    assert answered(asking, body, Content_Type="text/plain") in (403, 415)
    assert Store(stage.folder).jobs() == []


@pytest.fixture
def description() -> Description:
    """Return what the stand-in says of its scenario."""
    return msgspec.convert(stand_in.description(), Description)


def test_only_what_differs_from_the_scenario_is_handed_to_the_command(description: Description) -> None:
    settings = {**description.settings(), "slower:spindle_1.speed_set": " 150 rad/s "}
    given = Asked("start", "0" * 32, scenario="x", settings=settings, replications=100, seed=2, start="rest")
    job = job_of(given, description, "kim", "ko")
    assert (job.changes, job.replications, job.seed) == (["slower:spindle_1.speed_set=150 rad/s"], None, 2)
    assert (job.start, job.language, job.who, job.scenario) == ("", "ko", "kim", "slower_spindle")


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [("slower:pump.w", "1", "changes no such number"), ("--out", "/tmp", "changes no such number"),
     ("slower:spindle_1.speed_set", "x" * 201, "write 1 to 200 characters"),
     ("slower:spindle_1.speed_set", "1\n2", "write 1 to 200 characters"),
     ("slower:spindle_1.speed_set", "\u202e1", "write 1 to 200 characters")],
)  # fmt: skip
def test_what_the_scenario_does_not_change_or_nobody_can_read_is_refused(
    description: Description, place: str, value: str, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        job_of(Asked("start", "0" * 32, settings={place: value}), description, "kim", "en")
