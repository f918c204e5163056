"""The command `twin`: what people and scripts ask of the project."""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NoReturn

import click

from twin import __version__
from twin.errors import TwinError, unknown

GROUP = "twin.commands"
"""Entry points of this group name click commands of other packages; the entry's name is the command's."""

OWN = (
    "act",
    "advisories",
    "archive",
    "assets",
    "check",
    "clean",
    "demo",
    "detect",
    "doctor",
    "feed",
    "fit",
    "init",
    "journal",
    "keys",
    "live",
    "observe",
    "plant",
    "replay",
    "run",
    "schema",
    "score",
    "show",
)

OK, FAILED, USAGE, UNREADABLE, INTERRUPTED = 0, 1, 2, 4, 130

EPILOG = """\b
Exit codes:
  0    done
  1    failed: the numbers went wrong, a kernel can't be compiled, or stdout can't be written
  2    wrong usage
  3    invalid plant, asset or scenario
  4    a file of data can't be read or written, or no connection
  5    a check failed
  130  interrupted by Ctrl-C, SIGTERM or SIGHUP; what was done until then is kept
"""


class Interrupted(BaseException):
    """Ctrl-C, or a signal that means the same, told apart from click's own way with it."""


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

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; click would answer Ctrl-C with an empty line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted from None


def _foreign() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _loaded(point: EntryPoint) -> Any:
    try:
        return point.load()
    except KeyboardInterrupt:
        raise
    except BaseException as err:  # another package's import may raise anything, SystemExit too; ours goes on
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


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; leave with the code that `twin --help` lists."""
    given = sys.argv[1:] if arguments is None else arguments
    _fill_descriptors()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal can't show is no failure
    with _signals_as_interrupt():
        code = _run(given)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as err:
        code = code or _unwritable(err, given)
    if any(thread.name == WINDOW_THREAD for thread in threading.enumerate()):
        os._exit(code)  # compiled code that nobody waits for any more, and that can't be stopped
    sys.exit(code)


WINDOW_THREAD = "twin window"
"""As `twin.runs` calls it, which is not imported here: it brings the whole simulator."""


def _fill_descriptors() -> None:
    """Open what was closed for us, or the next file that is opened would be our stdout."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


@contextmanager
def _signals_as_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the command as Ctrl-C does; one that is ignored, as by nohup, stays so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    asked: int = signal.SIGINT

    def interrupt(number: int, frame: Any) -> None:
        nonlocal asked
        signal.signal(number, signal.SIG_IGN)  # asked once is enough: what is left is tidying up
        asked = number
        raise KeyboardInterrupt

    def unheard(told: "sys.UnraisableHookArgs") -> None:
        """Ask again a moment later: what is raised in a finaliser or in a weak reference's callback goes no further."""
        if not issubclass(told.exc_type, KeyboardInterrupt):
            hook(told)
            return
        if asked != signal.SIGINT:
            signal.signal(asked, interrupt)
        again = threading.Timer(0.01, signal.pthread_kill, (threading.main_thread().ident, asked))
        again.daemon = True
        again.start()

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {n: handler for n in numbers if (handler := signal.getsignal(n)) is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, interrupt)
    hook, sys.unraisablehook = sys.unraisablehook, unheard
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(given: list[str]) -> int:
    """Return the exit code of a command; every error is one line on stderr."""
    if not given:
        click.echo(twin.get_help(click.Context(twin, info_name="twin")), err=True)
        return USAGE
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
    except (Interrupted, KeyboardInterrupt, click.Abort):
        return _complain("interrupted", INTERRUPTED, given)
    except OSError as err:
        if err.filename is None:
            return _unwritable(err, given)
        return _complain(f"{err.filename}: {err.strerror or err}; check the path and the disk", UNREADABLE, given)
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
    """Say what is wrong on stderr, and to a program on stdout; whatever becomes of it, return the code."""
    line = " ".join(message.split())
    if "--json" in given:
        _say(json.dumps({"error": line, "exit_code": code}), err=False)
    _say(line, err=True)
    return code


def _say(line: str, *, err: bool) -> None:
    try:
        click.echo(line, err=err)
    except OSError:
        _hush(sys.stderr if err else sys.stdout)


def _unwritable(error: OSError, given: list[str]) -> int:
    """Say that our output can't be written, unless whoever read it is gone: then nobody wants to know."""
    _hush(sys.stdout)
    if isinstance(error, BrokenPipeError):
        return FAILED
    return _complain(f"stdout: {error.strerror or error}; make room, or name another place", FAILED, given)


def _hush(stream: Any) -> None:
    """Let the interpreter flush into nothing what can't be written."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (AttributeError, OSError, ValueError):
        return  # a stream without a descriptor


def _decapitalised(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")
