"""`twin dataset`: labelled runs to train models with, made, checked, described and compared with reality."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.arguments import Duration, assets_option, console, json_option, print_json

if TYPE_CHECKING:
    from scenarios.dataset.making import Told

INTERRUPTED = 130
folder_argument = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))


@click.group("dataset")
def command() -> None:
    """Make labelled runs to train models with.

    SPEC is a YAML file, or the name of a shipped one (`twin dataset list`).
    """


@command.command("make")
@click.argument("spec", metavar="SPEC")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the data set.")
@click.option("--runs", type=click.IntRange(1, 2_000_000), help="How many runs.")
@click.option("--seed", type=click.IntRange(0, 2**62), help="Of all random numbers.")
@click.option("--codec", type=click.Choice(("gzip", "bitshuffle-lz4")), default="gzip", show_default=True)
@click.option(
    "--form", type=click.Choice(("families", "flat")), default="families", show_default=True,
    help="Of the kernel: flat is compiled for a minute or two, once, and then twice as fast; the bytes are the same.",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(1), help="Processes; one for each core if omitted.")
@click.option("--dask", metavar="URL", help="Run in a Dask cluster instead: tcp://127.0.0.1:8786.")
@click.option("--resume", is_flag=True, help="Go on with what is in the folder.")
@click.option("--patience", type=Duration(), default="1h", help="How long a shard may take before it is given up.")
@assets_option
@json_option
def make_(spec: str, out: Path, as_json: bool, folder: Path | None, **options: Any) -> int:
    """Make a data set."""
    from scenarios.dataset.library import path_of
    from scenarios.dataset.making import Order, make

    order = Order(path_of(spec), out, extra=folder, **options)
    with _bar(out.name) as (progress, say):
        made = make(order, progress, say)
    if made.manifest is None:
        click.echo(f"{made.outcome.reason}; go on with --resume", err=True)
        return INTERRUPTED
    found = made.manifest
    size = sum(shard.bytes for shard in found.shards)
    click.echo(f"{out}: {found.runs} runs of {found.rows} rows, {len(found.channels)} channels, {size / 2**20:.0f} MiB")
    if found.failed:
        click.echo(f"{found.failed} runs have no numbers: their physics went wrong", err=True)
    if as_json:
        samples = found.runs * found.rows * len(found.channels)
        print_json(
            {"runs": found.runs, "identity": found.identity, "bytes": size, "failed": found.failed,
             "seconds": made.seconds, "samples_per_s": samples / made.seconds, "counts": found.counts}
        )  # fmt: skip
    return 0


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the shipped specifications."""
    from scenarios.dataset.library import names
    from scenarios.dataset.loading import load

    found = {name: load(path) for name, path in names().items()}
    for name, spec in found.items():
        click.echo(f"{name}: {spec.about}")
    if as_json:
        print_json({name: {"about": spec.about, "classes": list(spec.classes)} for name, spec in found.items()})


@command.command("check")
@folder_argument
@json_option
def check(folder: Path, as_json: bool) -> int:
    """Check a data set: labels against truth, ranges, duplicates, leakage, hashes."""
    from scenarios.dataset.checking import run

    return run(folder, as_json)


@command.command("card")
@folder_argument
@json_option
def card(folder: Path, as_json: bool) -> int:
    """Write a data set's README with Hugging Face's head, and its Croissant description."""
    from scenarios.dataset.card import run

    return run(folder, as_json)


@command.command("compare")
@folder_argument
@click.argument("recording", metavar="RECORDING")
@click.option("--file", "files", multiple=True, type=click.Path(path_type=Path), help="Files of the recording.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the report; DIR/realism if omitted.")
@json_option
def compare(folder: Path, recording: str, files: tuple[Path, ...], out: Path | None, as_json: bool) -> int:
    """Compare a data set with a recording and say how real it looks."""
    from scenarios.dataset.comparing import run

    return run(folder, recording, files, out, as_json)


@command.command("preview")
@click.argument("spec", metavar="SPEC")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the preview.")
@click.option("--seed", type=click.IntRange(0, 2**62), help="Of all random numbers.")
@assets_option
@json_option
def preview(spec: str, out: Path, seed: int | None, folder: Path | None, as_json: bool) -> int:
    """Draw one run of each class with its labels, before hours of making."""
    from scenarios.dataset.library import path_of
    from scenarios.dataset.previewing import run

    return run(path_of(spec), out, seed, folder, as_json)


@command.command("export")
@folder_argument
@click.option("--parquet", is_flag=True, help="Parquet files, one for each split.")
@click.option("--windows", type=click.IntRange(1), metavar="ROWS", help="A file of windows for each split.")
@click.option("--each", type=click.IntRange(1), default=8, show_default=True, help="Windows from each run.")
@click.option("--out", type=click.Path(path_type=Path), help="Where parquet/ and windows/ are made; in DIR if omitted.")
@json_option
def export(folder: Path, parquet: bool, windows: int | None, each: int, out: Path | None, as_json: bool) -> int:
    """Write a data set as tables, or as windows that Hugging Face's loader opens."""
    from scenarios.dataset.exporting import run

    return run(folder, parquet, windows, each, out, as_json)


@contextmanager
def _bar(name: str) -> Iterator[tuple[Callable[["Told"], None], Callable[[str], None]]]:
    """Show a bar with samples a second and the time left, on a terminal only."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None, lambda _: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[said]}")]
    with Progress(*columns, console=console(error=True)) as shown:
        task = shown.add_task(name, total=None, said="starting")

        def progress(told: "Told") -> None:
            left = "" if told.left is None else f", {told.left:.0f} s left"
            shown.update(
                task, completed=told.runs, total=told.of, said=f"{told.samples_per_s / 1e6:.2f} M samples/s{left}"
            )

        yield progress, lambda text: shown.update(task, said=f"compiling {text}")
