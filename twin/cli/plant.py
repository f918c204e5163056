"""`twin plant`: play a simulated factory that sends its readings to a twin."""

import math
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import click

from twin.cli import INTERRUPTED, OK
from twin.cli.arguments import Duration, assets_option, console, json_option, named, print_json, table
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin.factory.factory import Factory
    from twin.factory.forcing import Member
    from twin.factory.pace import Pace
    from twin.factory.truth import Truth
    from twin.gateway.gateway import Gateway

FASTEST = 10_000.0
FLUSH = 10.0
"""How long a planned end waits for the twin to have everything on its disk [s]."""
SILENT = 2.0
"""A twin that has not answered for so long from the start is told of [s]."""


class _Wish(NamedTuple):
    """What was asked for on the command line."""

    to: str
    speed: float
    until: float
    start: int | None
    name: str | None
    key: Path | None
    buffer: Path | None


class _Start(click.ParamType[int]):
    """A date and time, ISO 8601; UTC where it names no zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return microseconds since 1970."""
        try:
            found = datetime.fromisoformat(str(value))
            at = found if found.tzinfo else found.replace(tzinfo=UTC)
            return round(at.timestamp()) * 1_000_000
        except (ValueError, OverflowError, OSError):
            self.fail(f"{value!r} is no date and time; write it like 2026-01-31T06:00:00Z", param, ctx)


@click.command("plant")
@click.argument("plant")
@click.option("--to", metavar="ADDRESS", help="Where the twin listens, e.g. tcp://127.0.0.1:5555.")
@click.option("--truth", type=click.Path(path_type=Path), metavar="FILE", help="What the factory is in truth.")
@click.option("--speed", type=click.FloatRange(0.01, FASTEST), default=1.0, show_default=True, help="Times real time.")
@click.option("--fault", default="", metavar="NAME", help="What goes wrong; --faults lists what can.")
@click.option("--fault-at", type=Duration(), help="When it begins, in the factory's time.")
@click.option("--faults", is_flag=True, help="List what can go wrong, and send nothing.")
@click.option("--for", "until", type=Duration(), help="How long, in the factory's time; until Ctrl-C if omitted.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=1, show_default=True, help="Which factory it is.")
@click.option("--start", type=_Start(), help="Source time of the first reading; now if omitted.")
@click.option("--gateway", "name", metavar="NAME", help="Name of the gateway; that of the key, or of the plant.")
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE", help="Key file from `twin keys new`.")
@click.option(
    "--buffer", type=click.Path(path_type=Path), metavar="FILE", help="The gateway's buffer, kept afterwards."
)
@assets_option
@json_option
def command(
    plant: str, truth: Path | None, fault: str, fault_at: float | None, faults: bool, seed: int,
    folder: Path | None, as_json: bool, **wishes: Any,
) -> int:  # fmt: skip
    """Simulate the factory behind PLANT and send its readings to a twin, as a gateway would.

    No real equipment is read: the factory is simulated, with hidden numbers and, if asked for, a fault.
    """
    found = _truth(plant, truth, folder)
    if faults:
        _list(found, as_json)
        return OK
    if not wishes["to"]:
        raise click.UsageError("missing option '--to': where does the twin listen? e.g. --to tcp://127.0.0.1:5555")
    wish = _Wish(**{**wishes, "until": wishes["until"] or math.inf})
    from twin.factory.forcing import Member

    try:
        member = Member(seed, fault, fault_at)
        if fault:
            found.mishap(fault)
    except TwinError as err:
        raise named(err, "--fault") from None
    return _send(_made(found, member), wish, as_json)


def _truth(plant: str, file: Path | None, folder: Path | None) -> "Truth":
    """Return the truth in a file, or the one that ships with the plant, or that the plant file is exactly right."""
    from twin.factory.truth import Truth, beside
    from twin.plant import Plant
    from twin.shipped import path_of

    path = path_of(plant)
    found = Plant.load(path, folder)
    file = file or beside(path)
    return Truth.load(file, found) if file else Truth.bare(found)


def _list(truth: "Truth", as_json: bool) -> None:
    """Print what can go wrong in a factory, and what its twin would call it."""
    rows = [(m.name, ", ".join(truth.declared(m.name)), m.at, m.about) for m in truth.mishaps.values()]
    if as_json:
        print_json({"faults": [dict(zip(("name", "declared", "at", "about"), row, strict=True)) for row in rows]})
        return
    shown = table("fault", "the twin's name for it", "begins", "what happens", right=("begins",))
    for name, declared, at, about in rows:
        shown.add_row(name, declared or "-", f"{at / 60:g} min", about)
    console().print(shown)


def _made(truth: "Truth", member: "Member") -> "Factory":
    """Return the factory after it has settled; say so while it compiles and settles."""
    from twin.factory.factory import Factory

    with console(error=True).status("building the factory") as status:

        def progress(name: str) -> None:
            status.update(f"compiling {name}, unless it is in the cache")

        return Factory(truth, [member], progress=progress)


def _send(factory: "Factory", wish: _Wish, as_json: bool) -> int:
    """Send readings until the end or Ctrl-C; what the twin has not got by then stays in the buffer."""
    from twin.factory.pace import play

    kept = wish.buffer or Path(tempfile.mkdtemp(prefix="twin-plant-")) / "gateway.buffer"
    began = time.monotonic()
    factory.start = wish.start if wish.start is not None else time.time_ns() // 1_000_000_000 * 1_000_000
    try:
        gateway = _gateway(factory, wish, kept, began)
    except BaseException:
        _tidy(kept, wish, waiting=0)
        raise
    told, ending = _Told(factory, wish), "interrupted"
    try:
        with suppress(KeyboardInterrupt), told:
            play(
                factory, lambda block: gateway.put(factory.rows(block)), speed=wish.speed, until=wish.until,
                began=began, tell=told.say, after=lambda pace: told.after(pace, gateway),
            )  # fmt: skip
            gateway.flush(FLUSH)
            ending = "done"
    finally:
        gateway.close()
        waiting = gateway.waiting
        _tidy(kept, wish, waiting)
    told.end(waiting, kept, ending, as_json)
    return OK if ending == "done" else INTERRUPTED


def _gateway(factory: "Factory", wish: _Wish, buffer: Path, began: float) -> "Gateway":
    """Return the gateway; its clock is the factory's, which is not the wall's where time is accelerated or told."""
    from twin.gateway.gateway import Gateway
    from twin.ingest.keys import gateway_keys

    key = gateway_keys(wish.key) if wish.key else None
    name = wish.name or (key.gateway if key else factory.real.plant.name)
    tags = dict(factory.tags)
    if wish.start is None and wish.speed == 1.0:
        return Gateway(name, wish.to, buffer, tags, key)

    def source() -> int:
        return factory.start + int((time.monotonic() - began) * wish.speed * 1e6)

    return Gateway(name, wish.to, buffer, tags, key, "replay", wish.speed, time_us=source)


def _tidy(buffer: Path, wish: _Wish, waiting: int) -> None:
    """Remove a buffer that nobody asked for and that holds nothing that the twin hasn't."""
    if wish.buffer is None and not waiting:
        shutil.rmtree(buffer.parent, ignore_errors=True)


class _Told:
    """What a person reads while a factory runs: what it is, when the fault begins, whether the twin hears it."""

    def __init__(self, factory: "Factory", wish: _Wish) -> None:
        self._factory, self._wish = factory, wish
        self._onset, self._heard, self._shown = float(factory.onsets[0]), "", 0.0
        self._status = console(error=True).status("")
        self.pace: Pace | None = None

    def __enter__(self) -> Self:
        real, wish = self._factory.real, self._wish
        self.say(f"SIMULATED factory {real.plant.name}: its readings are made by a simulator, no equipment is read")
        fault = self._factory.members[0].fault
        what = f"{fault} begins at {self._onset / 60:g} min: {real.mishap(fault).about}" if fault else "no fault"
        self.say(
            f"{len(self._factory.tags)} tags to {wish.to}, {wish.speed:g} x real time, "
            f"source time from {_written(self._factory.start)}; {what}"
        )
        if sys.stderr.isatty():
            self._status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self._status.stop()

    def say(self, text: str) -> None:
        """Write a line."""
        click.echo(text, err=True)

    def after(self, pace: "Pace", gateway: "Gateway") -> None:
        """Say what is new after a batch."""
        self.pace = pace
        if pace.reached >= self._onset:
            self._onset = math.inf
            self.say(f"{_written(self._factory.start + int(pace.reached * 1e6))} the fault begins")
        heard = "" if gateway.connected else gateway.trouble or "no answer"
        if heard != self._heard and (heard == "" or pace.taken > SILENT):
            self.say(f"the twin at {self._wish.to}: {heard or 'hears us'}; {gateway.waiting} batches wait")
            self._heard = heard
        if pace.taken - self._shown > 0.5:
            self._shown = pace.taken
            at = _written(self._factory.start + int(pace.reached * 1e6))
            self._status.update(f"{at}  {pace.speed:.3g} x  {pace.readings:,} readings  {gateway.waiting} batches wait")

    def end(self, waiting: int, buffer: Path, ending: str, as_json: bool) -> None:
        """Say what was done."""
        from twin.factory.pace import Pace

        pace = self.pace or Pace(0.0, 0.0, 0)
        if as_json:
            print_json({
                "plant": self._factory.real.plant.name, "simulated": True, "ending": ending, "readings": pace.readings,
                "source_seconds": pace.reached, "speed": pace.speed, "waiting": waiting,
                "buffer": str(buffer) if waiting else None,
            })  # fmt: skip
            return
        where = f"{waiting} batches wait in {buffer}; --buffer {buffer} sends them" if waiting else "the twin has them"
        self.say(
            f"{ending}: {pace.readings} readings of {pace.reached:.0f} s, at {pace.speed:.3g} x real time; {where}"
        )


def _written(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")
