"""One run of `twin what-if`: settings from options, progress, files."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenarios.answer import Answer, encoded
from scenarios.changes import change
from scenarios.conclude import conclude
from scenarios.library import path_of
from scenarios.scenario import LONGEST, Precision, Scenario, Variant, load
from scenarios.sweep import Settings, sweep
from scenarios.writing import whole_file
from twin.cli.arguments import Duration, console, print_json
from twin.errors import DataError, PlantError, SimulationError, TwinError, unknown
from twin.units import to_si

if TYPE_CHECKING:
    from scenarios.live_start import Fork

ANSWER, PROGRESS, RESULTS = "answer.json", "progress.json", "results"
INTERRUPTED = 130


def run(name: str, out: Path, options: Mapping[str, Any]) -> int:
    """Run a scenario; return the exit code.

    Raises
    ------
    TwinError
        If it can't be run; `progress.json` says so too.
    """
    asked = load(path_of(name, options["library"]), options["extra"])
    _folder(out)
    told = _Told(out)
    try:
        fork = _fork(asked, out, options)
        scenario = _asked(fork.scenario if fork else asked, options)
        with _bar(scenario.name) as bar:
            settings = _settings(out, options, told, bar, fork)
            swept = sweep(scenario, settings)
        if not len(swept.outcome.results):
            reasons = [*swept.outcome.failures.values(), swept.outcome.reason or "nothing was run"]
            raise SimulationError(f"{scenario.name}: no branch has finished: {reasons[0]}")
        answer = conclude(scenario, settings, swept)
        _write(answer, out)
    except TwinError as err:
        told.end("failed", str(err))
        raise
    told.end(answer.ending, swept.outcome.reason)
    _say(answer, out, options)
    return INTERRUPTED if answer.ending == "interrupted" else 0


def _asked(scenario: Scenario, options: Mapping[str, Any]) -> Scenario:
    """Return a scenario as options change it."""
    changes: dict[str, Any] = {}
    if options["replications"] and options["precision"]:
        raise PlantError("--replications and --precision: both say how often; keep one of them")
    if options["replications"]:
        changes |= {"replications": options["replications"], "precision": None}
    if options["precision"]:
        changes["precision"] = _precision(scenario, options["precision"])
    if options["length"]:
        changes["length"] = Duration().convert(options["length"], None, None)
        if changes["length"] > LONGEST:
            raise PlantError(f"--for {options['length']}: longer than {LONGEST:g} s; give a shorter time")
    if options["seed"] is not None:
        changes["seed"] = options["seed"]
    asked = replace(scenario, **changes)
    for text in options["changes"]:
        asked = _changed(asked, text)
    for variant in asked.variants:
        asked.check(variant)
    return asked


def _precision(scenario: Scenario, text: str) -> Precision:
    name, _, within = text.rpartition(":")
    name = name or scenario.report[0]
    if name not in scenario.report:
        raise PlantError(f"--precision: {unknown('reported number', name, scenario.report)}")
    relative = within.strip().endswith("%")
    unit = next(m.unit for m in scenario.measures if m.name == name)
    try:
        value = to_si(within.replace("%", " %"), "1" if relative else unit or "1")
    except TwinError as err:
        raise PlantError(f"--precision: {err}") from None
    if not value > 0.0:
        raise PlantError(f"--precision: {within}: give a positive number")
    return Precision(name, value, relative, scenario.precision.most if scenario.precision else 2000)


def _changed(scenario: Scenario, text: str) -> Scenario:
    head, equals, value = text.partition("=")
    name, colon, path = head.partition(":")
    if not (equals and colon and value.strip() and path.strip()):
        raise PlantError(f"--set {text}: write VARIANT:PATH=VALUE, or assume:PATH=VALUE")
    new = change(path.strip(), value, "--set")
    if name == "assume":
        return replace(scenario, assume=_with(scenario.assume, new))
    known = [] if scenario.vary else [variant.name for variant in scenario.variants]
    if name not in known:
        raise PlantError(f"--set {text}: {unknown('variant', name, [*known, 'assume'])}")

    def changed(variant: Variant) -> Variant:
        return replace(variant, changes=_with(variant.changes, new)) if variant.name == name else variant

    return replace(scenario, variants=tuple(changed(variant) for variant in scenario.variants))


def _with(changes: tuple[Any, ...], new: Any) -> tuple[Any, ...]:
    """Return changes with a new one in the place of one of the same path, or behind them."""
    if any(each.path == new.path for each in changes):
        return tuple(new if each.path == new.path else each for each in changes)
    return (*changes, new)


def _fork(scenario: Scenario, out: Path, options: Mapping[str, Any]) -> "Fork | None":
    """Return where a scenario starts, if not at rest; what was begun goes on from where it began."""
    origin = options["origin"] or scenario.start
    if origin == "rest":
        return None
    if origin == "live":
        raise PlantError(f"{scenario.name}: it starts from a live twin; say which: --from DATA, or --from rest")
    from scenarios.live_start import forked, keep, kept

    if (found := kept(scenario, out)) is not None:
        return found
    folder, _, at = origin.partition("@")
    recipe = None
    if options["recording"]:
        from twin.clean.recording import recipe_for

        recipe = recipe_for(scenario.plant, options["recording"], options["extra"])
    found = forked(scenario, Path(folder), at, recipe)
    keep(found, out)
    return found


def _settings(
    out: Path, options: Mapping[str, Any], told: "_Told", bar: Callable[..., None], fork: "Fork | None"
) -> Settings:
    def progress(done: int, failed: int, total: int, left: float | None) -> None:
        told.tell(done, failed, total, left)
        bar(done, failed, total, left)

    found = Settings(
        folder=out / RESULTS, workers=options["workers"], dask=options["dask"], progress=progress,
        patience=Duration().convert(options["patience"], None, None),
    )  # fmt: skip
    if fork is None:
        return found
    return replace(found, start=fork.start, start_said=fork.said, start_time=fork.time)


def _folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise DataError(f"{out}: can't be made: {err.strerror}; give another folder") from None


class _Told:
    """What others may read of how far a run is."""

    def __init__(self, out: Path) -> None:
        self._path = out / PROGRESS
        self._state: dict[str, Any] = {"done": 0, "failed": 0, "total": 0, "left": None, "ending": "", "message": ""}
        self._put()

    def tell(self, done: int, failed: int, total: int, left: float | None) -> None:
        """Say how far it is."""
        self._state |= {"done": done, "failed": failed, "total": total, "left": left}
        self._put()

    def end(self, ending: str, message: str) -> None:
        """Say how it ended."""
        self._state |= {"left": None, "ending": ending, "message": message}
        with suppress(DataError):  # what went wrong is told by the exit code, too
            self._put()

    def _put(self) -> None:
        whole_file(self._path, json.dumps(self._state).encode())


def _write(answer: Answer, out: Path) -> None:
    from scenarios.report import report
    from scenarios.tables import write_tables

    whole_file(out / ANSWER, encoded(answer))
    for language in ("en", "ko"):
        whole_file(out / f"report.{language}.html", report(answer, language).encode())
    write_tables(answer, out)


@contextmanager
def _bar(name: str) -> Iterator[Callable[..., None]]:
    """Show a bar with the time left, on a terminal only."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}")]
    with Progress(*columns, console=console(error=True)) as shown:
        task = shown.add_task(name, total=None, left="starting")

        def tell(done: int, failed: int, total: int, left: float | None) -> None:
            text = "" if left is None else f"{left:.0f} s left"
            text += f", {failed} failed" if failed else ""
            shown.update(task, completed=done + failed, total=total, left=text)

        yield tell


def _say(answer: Answer, out: Path, options: Mapping[str, Any]) -> None:
    from scenarios.report import sentences

    for line in sentences(answer, options["language"]):
        click.echo(line)
    click.echo(str(out / f"report.{options['language']}.html"))
    if options["as_json"]:
        numbers = {v.name: {n: [x.middle, x.low, x.high] for n, x in v.numbers.items()} for v in answer.variants}
        failed = sum(len(v.failures) for v in answer.variants)
        print_json({"ending": answer.ending, "failed": failed, "results": answer.basis.results, "numbers": numbers})
