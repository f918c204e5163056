"""The command `twin`: what people and scripts ask of the project."""

import json
import os
import sys
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

from twin import __version__
from twin.errors import TwinError, unknown

GROUP = "twin.commands"
"""Entry points of this group name click commands of other packages; the entry's name is the command's."""

OWN = ("assets", "check", "doctor", "run", "schema", "show")

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

EPILOG = """\b
Exit codes:
  0    done
  1    failed: the numbers went wrong, or a kernel can't be compiled
  2    wrong usage
  3    invalid plant, asset or scenario
  4    a file of data can't be read or written, or no connection
  5    a check failed
  130  interrupted; what was done until then is kept
"""


class Commands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return our commands and those of other packages."""
        return sorted({*OWN, *_foreign()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None where there is none of this name."""
        if cmd_name in OWN:
            command = import_module(f"twin.cli.{cmd_name}").command
        elif (point := _foreign().get(cmd_name)) is not None:
            command = _loaded(point)
        else:
            return None
        if not isinstance(command, click.Command):
            raise TwinError(f"command {cmd_name!r} is no click command; mend the package that brings it")
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Answer an unknown command with its neighbours."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self.list_commands(ctx):
            raise click.UsageError(unknown("command", name, self.list_commands(ctx)), ctx)
        return super().resolve_command(ctx, args)


def _foreign() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _loaded(point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as err:  # another package's import may raise anything; ours goes on
        said = f"{type(err).__name__}: {err}"

        @click.command(point.name, help=f"(can't be loaded from {point.value})", context_settings=_ANYTHING)
        @click.argument("anything", nargs=-1, type=click.UNPROCESSED)
        def broken(anything: tuple[str, ...]) -> None:
            raise TwinError(f"{point.name}: {point.value} can't be loaded: {said}; mend or uninstall it")

        return broken


_ANYTHING = {"ignore_unknown_options": True, "help_option_names": []}


@click.command(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="twin")
def twin() -> None:
    """Describe, check, run and record plants of industrial equipment."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; leave with the code that `twin --help` lists."""
    given = sys.argv[1:] if arguments is None else arguments
    code = _run(given)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _hush()
        code = code or FAILED
    sys.exit(code)


def _run(given: list[str]) -> int:
    """Return the exit code of a command; every error is one line on stderr."""
    try:
        code = twin.main(given, prog_name="twin", standalone_mode=False)
        return code if isinstance(code, int) else OK
    except click.UsageError as err:
        path = err.ctx.command_path if err.ctx else "twin"
        return _complain(f"{path}: {_decapitalised(err.format_message())}; see `{path} --help`", USAGE, given)
    except click.ClickException as err:
        return _complain(err.format_message(), FAILED, given)
    except TwinError as err:
        return _complain(str(err), err.exit_code, given)
    except (KeyboardInterrupt, click.Abort):
        return _complain("interrupted", INTERRUPTED, given)
    except BrokenPipeError:
        _hush()
        return FAILED
    except OSError as err:
        return _complain(f"{err.filename or 'twin'}: {err.strerror or err}; check the path and the disk", FAILED, given)
    except MemoryError:
        return _complain(
            "out of memory; ask for less at once: fewer members, slower tags, a shorter run", FAILED, given
        )
    except Exception as err:
        if os.environ.get("TWIN_TRACEBACK"):
            raise
        said = f"a defect of twin: {type(err).__name__}: {err}; set TWIN_TRACEBACK=1 to see where, and report it"
        return _complain(said, FAILED, given)


def _complain(message: str, code: int, given: list[str]) -> int:
    line = " ".join(message.split())
    try:
        if "--json" in given:
            click.echo(json.dumps({"error": line, "exit_code": code}))
        click.echo(line, err=True)
    except BrokenPipeError:
        _hush()
    return code


def _hush() -> None:
    """Let the interpreter flush into nothing: whoever read our output is gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _decapitalised(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")
