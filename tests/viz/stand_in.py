"""Stands in for `twin what-if`: obeys its contract, simulates nothing, and goes as far as a file beside it allows.

``stand_in.py CONTROL list|describe|SCENARIO ...``: CONTROL is a folder; with a file ``allow`` in it a run goes on to so
many branches and waits there.
"""

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

TOTAL = 200
QUESTION = {"en": "What if the first spindle runs slower?", "ko": "1번 주축을 느리게 돌리면 어떻게 되는가?"}
SPEED = {
    "path": "spindle_1.speed_set", "text": "-10 %", "unit": "rad/s", "low": 0.0, "high": 4000.0,
    "english": "spindle speed asked for", "korean": "스핀들 속도 지령",
}  # fmt: skip
LOSS = {
    "path": "bearing_1.lubricant_loss", "text": "0.3", "unit": "1", "low": 0.0, "high": 1.0,
    "english": "fraction of the lubricating film lost", "korean": "상실된 윤활막의 비율",
}  # fmt: skip
RACK = {
    "path": "flow.rack_1.capacity", "text": "40", "unit": "", "low": None, "high": None, "english": "rack_1.capacity",
    "korean": "rack_1.capacity",
}  # fmt: skip
MEASURES = [
    ("order.friday.on_time", "order friday on time", "주문 friday 납기 준수 확률", "1", "more", True),
    ("order.friday.finished", "order friday finished after", "주문 friday 완료 시각", "s", "less", False),
    ("line.good_energy", "energy per good part", "양품당 에너지", "J", "less", False),
    ("max(bearing_1.T_b)", "bearing_1: highest bearing temperature", "bearing_1: 베어링 온도 최댓값", "K", "", False),
    ("op_10.oee", "op_10: OEE", "op_10: 설비종합효율", "1", "more", False),
]
TOLD = [
    dict(zip(("name", "english", "korean", "unit", "better", "probability"), each, strict=True)) for each in MEASURES
]
NUMBERS = {
    "as_is": [(0.93, 0.02), (3.55e5, 900.0), (2.9e6, 2e4), (330.2, 0.4), (0.71, 0.01)],
    "slower": [(0.81, 0.03), (3.69e5, 950.0), (2.6e6, 2e4), (326.9, 0.4), (0.705, 0.01)],
}
REPORT = """<!DOCTYPE html><html lang="{0}"><head><meta charset="utf-8"><title>report</title>
<style>body {{ color: rgb(1, 2, 3) }}</style></head><body><h1>report {0}</h1>
<script>document.title = 'run by the report'</script></body></html>"""


def command(control: Path) -> tuple[str, ...]:
    """Return what the stand-in is called by."""
    return (sys.executable, __file__, str(control))


def main(control: Path, arguments: list[str]) -> int:
    """Do what is asked."""
    if arguments[0] == "list":
        wrong = {"name": "broken", "plant": "", "question": {}, "error": "broken.yaml:3: no such plant; name one"}
        good = {"name": "slower_spindle", "file": "slower_spindle.yaml", "plant": "machining_cell"}
        sys.stdout.write(json.dumps({"scenarios": [{**good, "question": QUESTION}, wrong]}) + "\n")
        return 0
    if arguments[0] == "describe":
        sys.stdout.write(json.dumps(description()) + "\n")
        return 0
    return _run(control, arguments[0], arguments[1:])


def description() -> dict[str, Any]:
    """Return what is told of the scenario."""
    variants = [("as_is", "as it is", "현재대로", []), ("slower", "slower spindle", "느린 주축", [SPEED, RACK])]
    return {
        "scenario": "slower_spindle", "question": QUESTION, "plant": "machining_cell", "start": "rest",
        "length": 374400.0, "replications": 100, "seed": 1, "assume": [LOSS], "measures": TOLD,
        "variants": [{"name": n, "about": {"en": e, "ko": k}, "changes": c} for n, e, k, c in variants],
    }  # fmt: skip


def _run(control: Path, scenario: str, options: list[str]) -> int:
    out = Path(options[options.index("--out") + 1])
    if any("9000" in option for option in options):
        _complain(3, f"{scenario}.yaml:12: slower: spindle_1.speed_set 9000 rad/s > 4000 rad/s; give at most that")
    out.mkdir(parents=True, exist_ok=True)
    (out / "argv.json").write_text(json.dumps([scenario, *options]), encoding="utf-8")
    if any("defect" in option for option in options):
        _tell(out, 3, "failed", "line: nothing can move any more; give rack_1 more room")
        return 1
    signal.signal(signal.SIGINT, _interrupted)
    before = out / "kept"
    done = int(before.read_text()) if before.exists() else 0
    ending = "done"
    try:
        while done < TOTAL:
            _tell(out, done, "", "")
            done = _allowed(control, done)
            _whole(before, str(done))
    except KeyboardInterrupt:
        ending = "interrupted"
    if not (ending == "interrupted" and (control / "empty").exists()):
        _answer(out, ending, options)
    _tell(out, done, ending, "")
    return 130 if ending == "interrupted" else 0


def _interrupted(number: int, frame: object) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _allowed(control: Path, done: int) -> int:
    """Return how far it is by now: everything where nothing holds it up."""
    allow = control / "allow"
    try:
        text = allow.read_text()
    except FileNotFoundError:
        return TOTAL
    time.sleep(0.02)
    return max(done, min(TOTAL, int(text or "0")))


def _tell(out: Path, done: int, ending: str, message: str) -> None:
    said = {"done": done, "failed": 2 if done else 0, "total": TOTAL + 2, "left": 75.0 if done else None}
    _whole(out / "progress.json", json.dumps({**said, "ending": ending, "message": message}))


def _whole(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _answer(out: Path, ending: str, options: list[str]) -> None:
    shift = 0.1 if any("-20 %" in option for option in options) else 0.0
    variants = []
    for name, numbers in NUMBERS.items():
        more = [1.0 + shift * (name == "slower" and m["name"].startswith("order")) for m in TOLD]
        rows = list(zip(TOLD, more, numbers, NUMBERS["as_is"], strict=True))
        told = {m["name"]: _number(f * x, half) for m, f, (x, half), _ in rows}
        beside = {m["name"]: {**_number(f * x - y, half), "reduction": 0.5} for m, f, (x, half), (y, _) in rows}
        failures = {"slower/7": "bearing_1: T_b 480 K > 473 K; give less load"} if name == "slower" else {}
        variants.append({
            "name": name, "english": name, "korean": name, "changes": {}, "schedule": [], "replications": 100,
            "failures": failures, "numbers": told, "differences": {} if name == "as_is" else beside,
            "ranges": [] if name == "as_is" else [{"verdict": "inside"}, {"verdict": "outside"}],
        })  # fmt: skip
    answer = {
        "format": 1, "scenario": "slower_spindle", "question": QUESTION, "ending": ending, "length": 374400.0,
        "replications": 100, "currency": "KRW", "measures": TOLD, "variants": variants,
        "basis": {"start": "rest", "seed": 1}, "assumptions": {"bearing_1.lubricant_loss": "0.3"},
    }  # fmt: skip
    (out / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    for language in ("en", "ko"):
        (out / f"report.{language}.html").write_text(REPORT.format(language), encoding="utf-8")
    (out / "tables").mkdir(exist_ok=True)
    (out / "tables" / "numbers.csv").write_text("measure,mean\nop_10.oee,0.71\n", encoding="utf-8")
    (out / "tables.xlsx").write_bytes(b"PK stand-in")


def _number(middle: float, half: float) -> dict[str, Any]:
    return {"middle": middle, "low": middle - half, "high": middle + half, "size": 100,
            "p5": middle - 8.0 * half, "p95": middle + 8.0 * half}  # fmt: skip


def _complain(code: int, said: str) -> NoReturn:
    sys.stderr.write(f"{said}\n")
    sys.exit(code)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
