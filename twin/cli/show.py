"""`twin show`: what a recorded run holds."""

from pathlib import Path

import click

from twin.cli.arguments import console, json_option, print_json


@click.command("show")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def command(file: Path, as_json: bool) -> None:
    """Show what the recorded run FILE holds, after checking it whole."""
    from twin.archive import Run
    from twin.cli.summaries import as_dict, show

    with Run.load(file) as run:
        summary, meta = run.summary(), run.meta
    told = {key: meta[key] for key in ("until", "overrides", "solver", "versions", "assets_sha256", "plant_sha256")}
    if as_json:
        result = {name: value for name, value in as_dict(summary).items() if name not in ("elapsed", "speed")}
        print_json({**result, **told, "content_sha256": meta["content_sha256"]})
        return
    screen = console()
    show(summary, screen)
    for path, value in meta["overrides"].items():
        screen.print(f"set {path} = {value}", markup=False)
    method, versions = meta["solver"]["method"], ", ".join(f"{n} {v}" for n, v in meta["versions"].items())
    screen.print(f"by {versions}; {method}", markup=False)
    screen.print(f"content {meta['content_sha256']}", markup=False)
