"""`twin fit`: a plant's parameters from a recording, with intervals, into a plant file of its own."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.arguments import assets_option, console, json_option, load_plant, print_json, table
from twin.cli.score import from_option, plant_option, until_option

if TYPE_CHECKING:
    from twin.calibrate.fitting import Fit
    from twin.calibrate.record import Record
    from twin.calibrate.study import Study
    from twin.clean.recording import Recording
    from twin.plant import Plant

AUTO = "auto"


@click.command("fit")
@click.argument("recording")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", required=True, help="Where the fitted plant goes."
)
@click.option(
    "--free",
    metavar="A.P,...|auto",
    help="What is estimated, instead of what the recording says; auto: all that can be.",
)
@click.option(
    "--file", "files", type=click.Path(path_type=Path), multiple=True, metavar="FILE",
    help="Another file instead of the recording's own; given again, all are fitted together.",
)  # fmt: skip
@plant_option
@click.option(
    "--compare", "variants", metavar="PLANT", multiple=True, help="Fit a variant too, and say which is better."
)
@from_option
@until_option
@click.option("--robust", is_flag=True, help="Let readings that are far off count less (Huber).")
@click.option("--profile", "profiles", metavar="A.P", multiple=True, help="Print a parameter's profile likelihood.")
@click.option(
    "--starts", type=click.IntRange(1, 256), default=8, show_default=True, help="Points that the search starts from."
)
@click.option(
    "--blocks", type=click.IntRange(0, 50), default=5, show_default=True, help="Blocks of time left out in turn."
)
@assets_option
@json_option
def command(
    recording: str, out: Path, free: str | None, files: tuple[Path, ...], plant: str | None, variants: tuple[str, ...],
    since: str | None, until: str | None, robust: bool, profiles: tuple[str, ...], starts: int, blocks: int,
    folder: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Fit the plant of RECORDING, a file or the name of a shipped one, to what was recorded.

    The plant runs freely, driven by the recorded inputs; what it shows is compared with the tags that the recording's
    section `fit` names. Parameters that the data can't tell are named and keep the plant's values.
    """
    from twin.calibrate import fitted_file
    from twin.calibrate.fitting import Ways
    from twin.calibrate.profile import profile
    from twin.clean.recording import Recording
    from twin.errors import DataError, PlantError, unknown

    if out.exists():
        raise DataError(f"{out}: exists; name another file, or remove it")
    recordings = [Recording.load(recording, file, assets=folder) for file in files or (None,)]
    plants = [load_plant(plant, folder) if plant else recordings[0].plant, *(load_plant(v, folder) for v in variants)]
    ways = Ways(starts, blocks, robust)
    with _progress() as progress:
        fits = [_fitted(recordings, each, free, (since, until), ways, progress) for each in plants]
        for name in profiles:
            if name not in fits[0].study.names:
                raise PlantError(f"--profile: {unknown('estimated parameter', name, fits[0].study.names)}")
        shown = [profile(fits[0], name) for name in profiles]
        linear = json.dumps(linear_of(fits[0].study))
    fitted_file.save(out, fitted_file.written(fits[0], recordings[0].name, linear), plants[0])
    result = {
        **as_dict(fits[0], recordings[0]), "out": str(out),
        "profiles": {p.name: {"values": p.values.tolist(), "loss": p.loss.tolist()} for p in shown},
        "compared": [as_dict(fit, recordings[0]) for fit in fits[1:]],
    }  # fmt: skip
    if as_json:
        print_json(result)
    else:
        _show(fits, result)


def _fitted(
    recordings: Sequence["Recording"], plant: "Plant", free: str | None, span: tuple[str | None, str | None],
    ways: Any, progress: Callable[[str, float], None],
) -> "Fit":  # fmt: skip
    from twin.calibrate.compared import part_of, wanted_of
    from twin.calibrate.fitting import fit
    from twin.calibrate.record import read
    from twin.calibrate.study import Study
    from twin.calibrate.wanted import candidates, chosen
    from twin.errors import PlantError

    what = wanted_of(recordings[0], plant)
    known = {each.path: each.spread for each in what.free}
    if free is not None:
        paths = (*known, *candidates(plant)) if free.strip() == AUTO else tuple(p.strip() for p in free.split(","))
        unknowns = chosen(plant, tuple(dict.fromkeys(paths)) if free.strip() == AUTO else paths, known)
    else:
        unknowns = what.free
        if not unknowns:
            raise PlantError(f"{recordings[0].path}: fit.free: names no parameter; name some there, or with --free")
    records = [part_of(read(each), span) for each in recordings]
    _check_files(records)
    return fit(Study(plant, records, what, unknowns), ways, progress)


def _check_files(records: Sequence["Record"]) -> None:
    """Refuse files that would count twice, or be told by one name."""
    from twin.errors import DataError

    for k, record in enumerate(records):
        for other in records[:k]:
            if record.sha256 == other.sha256:
                raise DataError(f"--file: {record.name}: holds what {other.name} holds; give each file once")
            if record.name == other.name:
                raise DataError(f"--file: two files are called {record.name}; copy one under another name")


def linear_of(study: "Study") -> dict[str, Any]:
    """Return the linear model of the first record, which a score compares with."""
    from twin.calibrate.baselines import identified
    from twin.calibrate.study import rows_of

    record, tags = study.records[0], study.runs[0].tags
    rows = max(rows_of(study.wanted.initialise, record), 1)
    return identified(record, tags.drives, tags.compared, rows).as_dict()


def as_dict(fit: "Fit", recording: "Recording") -> dict[str, Any]:
    """Return a fit as JSON tells it: errors in the recording's units, parameters in SI."""
    from twin.calibrate.compared import units_of
    from twin.runs import Scale
    from twin.unknowns import unit

    study, plant = fit.study, fit.study.plant
    units = units_of(recording, plant)
    tags = {}
    for k, tag in enumerate(study.wanted.score):
        factor = Scale.of(plant.quantity(plant.tags[tag].reads).unit, units[tag]).factor
        tags[tag] = {
            "rmse": float(fit.sigma[k]) * factor, "memory": float(fit.memory[k]), "unit": units[tag],
            "left_out": None if fit.left_out is None else float(fit.left_out[k]) * factor,
        }  # fmt: skip
    return {
        "plant": plant.name, "files": {r.name: r.sha256 for r in study.records}, "rows": len(study.data), "tags": tags,
        "parameters": {
            each.name: {
                "value": each.value, "low": each.low, "high": each.high, "deviation": each.deviation,
                "unit": unit(plant, each.name.partition(" of ")[0]), "note": each.note,
            }
            for each in fit.estimates
        },
        "held": {each.name: each.why for each in fit.held}, "aic": fit.aic, "bic": fit.bic,
        "converged": fit.converged, "starts": list(fit.starts), "warnings": fit.warnings(),
        "notes": fit.notes(),
    }  # fmt: skip


def _show(fits: Sequence["Fit"], result: dict[str, Any]) -> None:
    screen = console()
    right = ("value", "from", "to")
    found = table("estimate", *right, "unit", "", right=right)
    for name, each in result["parameters"].items():
        found.add_row(
            name, f"{each['value']:.5g}", f"{each['low']:.5g}", f"{each['high']:.5g}", each["unit"], each["note"]
        )
    screen.print(found)
    for name, why in result["held"].items():
        screen.print(f"held: {name}: {why}")
    numbers = ("rmse", "left out", "aic", "bic")
    agreement = table("plant", "tag", *numbers, "unit", right=numbers)
    for each in (result, *result["compared"]):
        for tag, told in each["tags"].items():
            left = "" if told["left_out"] is None else f"{told['left_out']:.4g}"
            agreement.add_row(
                each["plant"],
                tag,
                f"{told['rmse']:.4g}",
                left,
                f"{each['aic']:.1f}",
                f"{each['bic']:.1f}",
                told["unit"],
            )
    screen.print(agreement)
    for note in result["notes"]:
        screen.print(note)
    for each in (result, *result["compared"]):
        for warning in each["warnings"]:
            screen.print(f"{each['plant']}: {warning}")
    screen.print(f"written: {result['out']}")


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """Show a bar of the present stage, on a terminal only."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda stage, share: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console(error=True), transient=True
    ) as bar:
        task = bar.add_task("fit", total=1.0)
        yield lambda stage, share: bar.update(task, description=stage, completed=share)
