"""`twin run`: simulate a plant, show what happened, record it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from twin.cli import INTERRUPTED, OK
from twin.cli.arguments import Duration, Setting, assets_option, console, json_option, load_plant, named, print_json
from twin.errors import SimulationError, TwinError

if TYPE_CHECKING:
    from twin.ensemble import Ensemble
    from twin.plant import Plant


@click.command("run")
@click.argument("plant")
@click.option(
    "--for", "until", type=Duration(), required=True, help="Simulated time, e.g. 90s, 10min, 1.5h; at most 1e9s."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**64 - 1), default=1, show_default=True, help="What random numbers derive from."
)
@click.option("--set", "changes", type=Setting(), multiple=True, help="Change a value; may be given again.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Record the run, e.g. in run.h5.")
@click.option(
    "--form", type=click.Choice(["families", "flat"]), default="families", help="Form of the compiled kernel."
)
@click.option("--solver", type=click.Choice(["rk4", "dp5", "rodas4"]), help="Instead of the plant's own method.")
@assets_option
@json_option
def command(
    plant: str,
    until: float,
    seed: int,
    changes: tuple[tuple[str, str], ...],
    out: Path | None,
    form: str,
    solver: str | None,
    folder: Path | None,
    as_json: bool,
) -> int:
    """Simulate PLANT, a file or the name of a shipped plant, from rest.

    Ctrl-C, SIGTERM or SIGHUP end the run early; what was done until then is recorded and shown.
    """
    chosen = _changed(load_plant(plant, folder), changes, solver)
    with ExitStack() as stack:
        sinks = []
        if out is not None:
            from twin.recorder import Recorder

            sinks.append(stack.enter_context(Recorder(out, chosen)))
        from twin.cli.summaries import as_dict, show
        from twin.runs import run

        machines = _compiled(chosen, form, seed)
        progress = stack.enter_context(_progress(chosen.name, until))
        record: dict[str, Any] = {"sinks": sinks, "overrides": dict(changes)}
        try:
            summary = run(chosen, until, seed=seed, progress=progress, ensemble=machines, **record)
        except SimulationError as err:
            raise SimulationError(f"{err}; recorded until then in {out}" if out else str(err)) from None
    if as_json:
        print_json({**as_dict(summary), "out": str(out) if out else None})
    else:
        show(summary, console())
        if out is not None:
            click.echo(f"recorded in {out}")
    if summary.ending == "interrupted":
        click.echo(f"interrupted at t = {summary.time:g} s; what was done is kept", err=True)
        return INTERRUPTED
    return OK


def _changed(plant: "Plant", changes: tuple[tuple[str, str], ...], solver: Any) -> "Plant":
    if solver is not None:
        plant = replace(plant, solver=plant.solver._replace(method=solver))
    for path, value in changes:
        try:
            plant = plant.with_values({path: value})
        except TwinError as err:
            raise named(err, "--set") from None
    return plant


def _compiled(plant: "Plant", form: str, seed: int) -> "Ensemble":
    """Return the plant ready to run; say so while it compiles, which the first time takes seconds."""
    from twin.ensemble import Ensemble
    from twin.streams import member_seeds

    screen, started = console(error=True), perf_counter()
    with screen.status("loading kernels") as status:
        options: dict[str, Any] = {"form": form}
        ready = Ensemble(
            plant, 1, seeds=member_seeds(seed, 1),
            progress=lambda name: status.update(f"compiling {name}, unless it is in the cache"), **options,
        )  # fmt: skip
        ready.advance(0.0)  # the loop around the kernel is compiled where it is first called
    if (elapsed := perf_counter() - started) > 1.0:
        click.echo(f"compiled {plant.name} in {elapsed:.1f} s; the next run finds it in the cache", err=True)
    return ready


@contextmanager
def _progress(name: str, until: float) -> Iterator[Callable[[float], None]]:
    """Show a bar with the time left, on a terminal only."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda time: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console(error=True), transient=True) as bar:
        task = bar.add_task(name, total=until)
        yield lambda time: bar.update(task, completed=time)
