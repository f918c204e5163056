"""`twin what-if`: a question to a plant, answered with numbers and how sure they are."""

from pathlib import Path
from typing import Any

import click

PAGE = "answer.json"
INTERRUPTED = 130


class _WhatIf(click.Group):
    """A group whose first argument may be a scenario, too."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take what is no command for a scenario to run."""
        if args and args[0] not in self.commands:
            return "run", self.commands["run"], args
        return super().resolve_command(ctx, args)


@click.group("what-if", cls=_WhatIf)
def command() -> None:
    """Ask a plant what-if: `twin what-if SCENARIO --out DIR`.

    A scenario is a YAML file, or the name of a shipped one (`twin what-if list`).
    """


library_option = click.option(
    "--library", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder of more scenarios."
)
assets_option = click.option(
    "--assets", "extra", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder of more assets."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
set_option = click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="VARIANT:PATH=VALUE",
    help="Change a number of a variant, or of `assume`.",
)


@command.command("run", hidden=True)
@click.argument("name", metavar="SCENARIO")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder of results; gone on with if it is there."
)
@click.option("--from", "origin", metavar="rest|DATA[@TIME]", help="Start at rest, or where the twin of DATA stands.")
@click.option("--recording", metavar="NAME", help="The recording whose recipe cleaned the readings, for DATA@TIME.")
@click.option("--replications", type=click.IntRange(2, 100_000), help="How often every variant is run.")
@click.option("--precision", metavar="NAME:1%", help="Run until a number's 95 % interval is this narrow.")
@click.option("--for", "length", metavar="TIME", help="How long it is looked at.")
@click.option("--seed", type=click.IntRange(0), help="Of all random numbers.")
@click.option("--workers", type=click.IntRange(1), help="Processes; one for each core if omitted.")
@click.option(
    "--dask", metavar="URL", help="Run in a Dask cluster: tcp://127.0.0.1:8786, or tls:// of another machine."
)
@click.option("--patience", metavar="TIME", default="10min", help="How long a batch may take before it is given up.")
@click.option("--language", type=click.Choice(("en", "ko")), default="en", show_default=True)
@set_option
@library_option
@assets_option
@json_option
def run(name: str, out: Path, **options: Any) -> int:
    """Run a scenario and write its answer, report and tables."""
    from scenarios.running import run as start

    return start(name, out, options)


@command.command("list")
@library_option
@json_option
def list_(library: Path | None, as_json: bool) -> None:
    """List the scenarios there are, and what they ask."""
    from scenarios.describing import listed

    listed(library, as_json)


@command.command("describe")
@click.argument("name", metavar="SCENARIO")
@library_option
@assets_option
@json_option
def describe(name: str, library: Path | None, extra: Path | None, as_json: bool) -> None:
    """Say what a scenario changes and reports, with units and bounds."""
    from scenarios.describing import described

    described(name, library, extra, as_json)


@command.command("review")
@click.argument("out", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--from",
    "data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Data folder of the twin that it started from.",
)
@click.option("--variant", default="", help="What was really done; the first variant if omitted.")
@json_option
def review(out: Path, data: Path, variant: str, as_json: bool) -> None:
    """Compare what was predicted in OUT with what came."""
    from scenarios.review import review as compare
    from twin.cli.arguments import print_json

    found = compare(out, data, variant)
    for each in found.curves:
        click.echo(
            f"{each.path} ({each.tag}): {each.inside:.0%} of {each.instants} instants within the predicted 90 % band; "
            f"off by {each.bias:+.3g} {each.unit} on average, {each.error:.3g} {each.unit} rms"
        )
    if not found.curves:
        click.echo("no curve of this answer is read by a tag that has recorded anything since")
    if as_json:
        print_json({**found._asdict(), "curves": [each._asdict() for each in found.curves]})
