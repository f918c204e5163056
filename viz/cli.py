"""`twin view`: what a twin says, in a browser."""

import json
import os
from pathlib import Path

import click

from twin.errors import DataError

PORT = 8050
STATUS = "view.json"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, never bound to


@click.command("view")
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0 takes a free one.")
@click.option("--bind", default="127.0.0.1", show_default=True, help="Address; any other than loopback needs accounts.")
@click.option("--host", "hosts", multiple=True, help="Name that browsers reach it under; may be repeated.")
@click.option(
    "--datasets",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where data sets are, or one of them; else DATA/datasets.",
)
@click.option("--tls-in-front", "secure", is_flag=True, help="A proxy in front speaks https with browsers.")
@click.option("--add-account", "added", help="Add or change an account, asking for its password, and end.")
@click.option("--role", type=click.Choice(("viewer", "operator", "engineer")), default="viewer", show_default=True)
@click.option("--remove-account", "removed", help="Remove an account, and end.")
def command(
    data: Path, port: int, bind: str, hosts: tuple[str, ...], datasets: Path | None, secure: bool, added: str | None,
    role: str, removed: str | None,
) -> int:  # fmt: skip
    """Show the twin in DATA in a browser: plant, assets, advisories, history, data; in English and Korean.

    A running twin is shown live, one that has ended as it left off. The view only reads the folder, and asks the twin
    to note what people do; it never writes to equipment.
    """
    if added is not None or removed is not None:
        _account(data, added, role, removed)
        return 0
    return _serve(data, bind, port, hosts, secure=secure, datasets=datasets)


def _account(data: Path, added: str | None, role: str, removed: str | None) -> None:
    """Add or change an account, or remove one."""
    from viz.accounts import LONGEST, SHORTEST, accounts_of, add, remove

    if added is not None:
        password = click.prompt(
            f"password, {SHORTEST} to {LONGEST} characters", hide_input=True, confirmation_prompt=True
        )
        add(accounts_of(data), added, role, password)
        click.echo(f"{added} may log in as {role}")
    if removed is not None:
        remove(accounts_of(data), removed)
        click.echo(f"{removed} may not log in any more")


def _serve(data: Path, bind: str, port: int, hosts: tuple[str, ...], *, secure: bool, datasets: Path | None) -> int:
    from viz.feed import Feed
    from viz.serve import bound, guarded, serve

    listening = bound(bind, port)
    feed = Feed(data)
    try:
        if feed.seen.plan is None:
            click.echo(feed.seen.trouble, err=True)
        app = guarded(
            feed, bind=bind, hosts=hosts, secure=secure, tell=lambda text: click.echo(text, err=True),
            datasets=datasets,
        )  # fmt: skip
        port = listening.getsockname()[1]
        shown = f"[{bind}]" if ":" in bind else bind
        _note(data, bind, port)
        for name in [hosts[0] if hosts else shown] if bind in EVERYWHERE else [shown]:
            click.echo(f"http{'s' if secure else ''}://{name}{'' if secure else f':{port}'}/")
        if bind in EVERYWHERE and not hosts:
            click.echo("browsers of other machines are refused until --host names how they reach this one", err=True)
        serve(listening, app, secure=secure, goodbye=feed.end)
    finally:
        feed.close()
        listening.close()
        _forget(data)
    return 0


def _note(data: Path, bind: str, port: int) -> None:
    """Leave word where the view is."""
    path = data / STATUS
    temporary = path.with_name(f"{STATUS}.{os.getpid()}")
    try:
        temporary.unlink(missing_ok=True)
        with temporary.open("x", encoding="utf-8") as file:
            json.dump({"pid": os.getpid(), "bind": bind, "port": port}, file)
        temporary.replace(path)  # a link there is replaced, not followed
    except OSError as err:
        raise DataError(f"{path}: can't be written: {err.strerror}; check the folder's rights") from None


def _forget(data: Path) -> None:
    """Take the word back, unless it is another view's by now."""
    path = data / STATUS
    try:
        if json.loads(path.read_text(encoding="utf-8")).get("pid") == os.getpid():
            path.unlink()
    except (OSError, ValueError, AttributeError):
        return
