"""`twin feed`: send a recorded file to a twin, as a gateway would."""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from twin.cli import INTERRUPTED, OK
from twin.cli.arguments import assets_option, console, json_option, print_json
from twin.cli.clean import file_option
from twin.errors import DataError

if TYPE_CHECKING:
    from twin.clean.feed import Film, Progress
    from twin.clean.recording import Recording
    from twin.gateway.gateway import Gateway

FASTEST = 10_000.0
FLUSH = 60.0
"""How long the end of a file waits for the twin to have everything on its disk [s]."""


class _Wish(NamedTuple):
    """Where to, how fast and as whom."""

    to: str
    speed: float
    key: Path | None
    name: str | None
    patience: float


@click.command("feed")
@click.argument("recording")
@click.option("--to", required=True, metavar="ADDRESS", help="Where the twin listens, e.g. tcp://127.0.0.1:5555.")
@click.option("--speed", type=click.FloatRange(0.01, FASTEST), default=1.0, show_default=True, help="Times real time.")
@file_option
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE", help="Key file from `twin keys new`.")
@click.option("--name", metavar="NAME", help="Name of the gateway; that of the key, or `feed`.")
@click.option("--loop", type=click.Choice(["no", "yes"]), default="no", help="Begin again at the end, as later time.")
@click.option(
    "--patience", type=click.FloatRange(0.0, 3600.0), default=30.0, show_default=True,
    help="How long to wait for the twin at first [s].",
)  # fmt: skip
@assets_option
@json_option
def command(
    recording: str, file: Path | None, folder: Path | None, loop: str, as_json: bool,
    to: str, speed: float, key: Path | None, name: str | None, patience: float,
) -> int:  # fmt: skip
    """Send the readings of RECORDING, a file or the name of a shipped one, to a twin.

    They go as they were recorded, in the source's units: the twin cleans them by the same recipe. The twin must have
    been started with --replay, for the time is the recording's.
    """
    from twin.clean.feed import film
    from twin.clean.recording import Recording

    found = Recording.load(recording, file, assets=folder)
    reel = film(found, loop=loop == "yes")
    if reel is None:
        raise DataError(f"{found.file}: holds no reading of the recording's tags; see `twin clean {recording}`")
    return _send(found, reel, _Wish(to, speed, key, name, patience), as_json)


def _send(recording: "Recording", reel: "Film", wish: _Wish, as_json: bool) -> int:
    """Feed until the end or Ctrl-C."""
    from twin.clean.feed import Progress, play

    folder = Path(tempfile.mkdtemp(prefix="twin-feed-"))
    done, ending = Progress(0, reel.first, 0.0), "interrupted"
    clock = _Clock(reel.first, wish.speed)
    try:
        gateway = _gateway(recording, wish, folder / "gateway.buffer", clock)
        try:
            with suppress(KeyboardInterrupt), _bar(recording.name, reel) as show:

                def after(progress: Progress) -> None:
                    nonlocal done
                    done = progress
                    show(progress, gateway.waiting)

                _wait_for(gateway, wish)
                clock.began = time.monotonic()
                play(recording, reel, gateway, speed=wish.speed, began=clock.began, tell=_say, after=after)
                gateway.flush(FLUSH)
                ending = "done"
        finally:
            gateway.close()
            waiting = gateway.waiting
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _end(recording, done, ending, waiting, as_json)
    return OK if ending == "done" else INTERRUPTED


class _Clock:
    """The recording's time, which stands still until `began`."""

    def __init__(self, first: int, speed: float) -> None:
        self._first, self._speed = first, speed
        self.began: float | None = None

    def __call__(self) -> int:
        if self.began is None:
            return self._first
        return self._first + int((time.monotonic() - self.began) * self._speed * 1e6)


def _gateway(recording: "Recording", wish: _Wish, buffer: Path, clock: _Clock) -> "Gateway":
    from twin.clean.feed import tags_of
    from twin.gateway.gateway import Gateway
    from twin.ingest.keys import gateway_keys

    key = gateway_keys(wish.key) if wish.key else None
    name = wish.name or (key.gateway if key else "feed")
    return Gateway(name, wish.to, buffer, tags_of(recording), key, "replay", wish.speed, time_us=clock)


def _wait_for(gateway: "Gateway", wish: _Wish) -> None:
    """Wait for the twin's first answer: before it nothing is worth sending."""
    end = time.monotonic() + wish.patience
    while not gateway.connected:
        refused = gateway.trouble.startswith(("not_allowed", "bad_"))
        if refused or time.monotonic() >= end:
            raise DataError(f"{wish.to}: {gateway.trouble or 'no answer'}; is `twin live --replay` listening there?")
        time.sleep(0.02)


@contextmanager
def _bar(name: str, reel: "Film") -> Iterator[Callable[["Progress", int], None]]:
    """Show a bar on a terminal only; a recording of unknown length shows how far it is."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda progress, waiting: None
        return
    from rich.markup import escape
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"), TimeRemainingColumn()
    with Bars(*columns, console=console(error=True), transient=True) as bar:
        total = None if reel.last is None else max(reel.last - reel.first, 1)
        task = bar.add_task(escape(name), total=total, said="")

        def show(progress: "Progress", waiting: int) -> None:
            said = f"{progress.readings:,} readings, {waiting} batches wait"
            bar.update(task, completed=progress.time - reel.first, said=said)

        yield show


def _say(text: str) -> None:
    click.echo(text, err=True)


def _end(recording: "Recording", done: "Progress", ending: str, waiting: int, as_json: bool) -> None:
    from twin.clean.report import written

    if as_json:
        print_json({
            "recording": recording.name, "ending": ending, "readings": done.readings, "until": written(done.time),
            "seconds": done.taken, "not_taken": waiting,
        })  # fmt: skip
        return
    where = f"{waiting} batches did not reach the twin's disk" if waiting else "the twin has them on its disk"
    _say(f"{ending}: {done.readings} readings up to {written(done.time)} in {done.taken:.1f} s; {where}")
