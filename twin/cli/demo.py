"""`twin demo`: a factory, its twin and everything between, on this machine."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from twin.cli import INTERRUPTED, OK
from twin.cli.arguments import Duration, console, json_option, print_json

if TYPE_CHECKING:
    from twin.live.demo import Demo, Summary


@click.command("demo")
@click.argument("plant", required=False, default="cooling_station")
@click.option("--recording", metavar="NAME", help="Play a recording instead of a simulated factory.")
@click.option("--file", type=click.Path(path_type=Path), metavar="FILE", help="Another file of the recording's kind.")
@click.option("--fault", default="bearing_hot", show_default=True, metavar="NAME", help="What goes wrong, or none.")
@click.option("--fault-at", type=Duration(), default="15min", show_default=True, help="When, simulated time.")
@click.option("--for", "wall", type=Duration(), help="End after this long, wall time; else at Ctrl-C.")
@click.option("--speed", type=click.FloatRange(0.1, 1000.0), default=60.0, show_default=True, help="Times real time.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, help="Of the hidden factory.")
@click.option(
    "--data", type=click.Path(path_type=Path), metavar="DIR", help="Keep everything here; else it is deleted."
)
@click.option("--language", type=click.Choice(["en", "ko"]), default="en", show_default=True, help="Of the advisories.")
@click.option("--headless", is_flag=True, help="No view in a browser.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8050, show_default=True, help="Of the view; another if taken."
)
@json_option
def command(
    plant: str, recording: str | None, file: Path | None, fault: str, fault_at: float, wall: float | None,
    speed: float, seed: int, data: Path | None, language: str, headless: bool, port: int, as_json: bool,
) -> int:  # fmt: skip
    """Run a factory in one process and its twin in others, and tell what the twin finds out.

    The factory of PLANT is SIMULATED: it has other numbers than the plant's file, parts that the twin knows nothing
    of, noise, and a fault that develops. With --recording it is a file of real readings. Ctrl-C ends everything.
    """
    from twin.live.demo import Demo, Wish

    view = None if headless else port
    wish = Wish(plant, recording, file, "" if fault == "none" else fault, fault_at, speed, seed, data, language, view)
    out = console(error=as_json)
    ending = "done"
    with Demo(wish, say=lambda line: out.print(line, markup=False)) as demo:
        try:
            _watch(demo, wall)
        except KeyboardInterrupt:
            ending = "interrupted"
            out.print("ending", markup=False)
        summary = demo.finish()
    ending = "failed" if demo.failed else ending
    if as_json:
        print_json({**summary._asdict(), "ending": ending})
    else:
        for line in _told(summary):
            out.print(line, markup=False)
    return demo.failed or (OK if ending == "done" else INTERRUPTED)


def _watch(demo: "Demo", wall: float | None) -> None:
    """Tell what happens until the time is over or the source has ended."""
    begun = time.monotonic()
    while (wall is None or time.monotonic() - begun < wall) and not demo.over():
        demo.look()
        time.sleep(0.2)


def _told(summary: "Summary") -> Iterator[str]:
    """Yield what came of it, in words."""
    s, kind = summary, "SIMULATED" if summary.simulated else "RECORDED"
    yield f"{s.plant}, {kind}: {s.readings} readings in {s.source_s:.0f} s of its time"
    yield f"lost {s.lost}, stored twice {s.duplicated}, too late to count {s.late}"
    if s.lock_on_s is None:
        yield "never in step: these readings aren't what this plant's file describes"
    else:
        yield f"in step after {s.lock_on_s:.0f} s"
    if s.coverage_95 is not None:
        before = "" if s.coverage_95_before is None else f", {s.coverage_95_before:.1%} while nothing was wrong"
        yield f"readings within their 95 % band: {s.coverage_95:.1%}{before}"
    yield from _of_the_fault(s)
    if s.data:
        yield f"everything is kept in {s.data}"


def _of_the_fault(s: "Summary") -> Iterator[str]:
    if s.onset_s is None:
        yield f"nothing is known to have gone wrong; advisories of something wrong: {s.false_advisories}"
        return
    told = "not told" if s.detect_delay_s is None else f"told {s.detect_delay_s:.0f} s later"
    yield f"something went wrong after {s.onset_s:.0f} s: {told}; advisories before that: {s.false_advisories}"
    if s.named_fault:
        yield f"called {s.named_fault}"
    if s.simulated:
        yield f"it was {s.true_fault or 'nothing that the plant declares'}"
