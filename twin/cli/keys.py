"""`twin keys`: who may connect, and with which key."""

from pathlib import Path

import click

data_option = click.option(
    "--data", required=True, metavar="DIR", type=click.Path(path_type=Path), help="The twin's data folder."
)


@click.group("keys")
def command() -> None:
    """Make the keys of gateways, and tell which gateways may connect."""


@command.command("new")
@click.argument("name")
@data_option
@click.option(
    "--to", metavar="FOLDER", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder of NAME.key."
)
def new(name: str, data: Path, to: Path | None) -> None:
    """Make the keys of gateway NAME, write them to NAME.key, and allow it to connect."""
    from twin.ingest import keys

    path = keys.new(data, name, to)
    click.echo(f"{name} may connect; move {path} to the gateway, by a way that nobody else reads")


@command.command("allow", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("public_key")
@data_option
def allow(name: str, public_key: str, data: Path) -> None:
    """Allow gateway NAME to connect with PUBLIC_KEY, in single quotes; its secret key stays where it was made."""
    from twin.ingest import keys

    keys.allow(data, name, public_key)
    pair = keys.server_keys(data)
    click.echo(f"{name} may connect; the public key of the twin, for the line `server` of its key file:")
    click.echo(pair.public if pair else "")


@command.command("list")
@data_option
def listed(data: Path) -> None:
    """List the gateways that may connect, with their public keys."""
    from twin.ingest import keys

    found = keys.allowed(data)
    for name, public in sorted(found.items()):
        click.echo(f"{name} {public}")
    if not found:
        click.echo(f"{data}: no gateway has a key; make one with `twin keys new NAME --data {data}`", err=True)
