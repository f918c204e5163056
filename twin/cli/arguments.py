"""Arguments that commands share: plants, durations, changes, folders; and how a result is printed."""

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.errors import TwinError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from twin.plant import Plant

_LONGEST = 1e9
_SECONDS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*)", re.DOTALL | re.ASCII)

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")

assets_option = click.option(
    "--assets",
    "folder",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of more asset files; they are run as code.",
)


class Duration(click.ParamType[float]):
    """A time such as ``1h``, ``10min``, ``90s`` or ``1.5 h``, up to 1e9 s; a bare number is in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        if isinstance(value, float):
            return value
        number, unit = split(str(value))
        known = _NUMBER.fullmatch(number) and unit in ("", *_SECONDS)
        seconds = float(number) * _SECONDS[unit or "s"] if known else math.nan
        if not seconds > 0.0:
            self.fail(f"{value!r} is no positive duration; write it like 90s, 10min or 1.5h", param, ctx)
        if seconds > _LONGEST:
            self.fail(f"{value!r} is longer than 1e9 s, some 30 years; give a shorter time", param, ctx)
        return seconds


class Size(click.ParamType[int]):
    """Room on a disk, such as ``20GB`` or ``500MiB``."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return bytes."""
        if isinstance(value, int):
            return value
        number, unit = split(str(value))
        known = _NUMBER.fullmatch(number) and unit in _BYTES
        room = float(number) * _BYTES[unit] if known else math.nan
        if not 1.0 <= room < 1e18:
            self.fail(f"{value!r} is no size; write it like 20GB or 500MiB", param, ctx)
        return round(room)


class Setting(click.ParamType[tuple[str, str]]):
    """A change of a value: ``pump.head_0=34m``."""

    name = "asset.quantity=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return path and value, number and unit apart."""
        if isinstance(value, tuple):
            return value
        path, equals, text = str(value).partition("=")
        if not (equals and path.strip() and text.strip()):
            self.fail(f"{value!r} is no change; write it like pump.head_0=34m", param, ctx)
        return path.strip(), " ".join(split(text.strip())).strip()


def split(text: str) -> tuple[str, str]:
    """Return number and unit of ``34m`` or ``34 m``; text that is no number comes back whole."""
    found = _NUMBER.fullmatch(text.strip())
    return (found[1], found[2].strip()) if found else (text, "")


def load_plant(plant: str, folder: Path | None) -> "Plant":
    """Return the plant of a path or of a shipped name."""
    from twin.plant import Plant
    from twin.shipped import path_of

    return Plant.load(path_of(plant), folder)


def console(*, error: bool = False) -> "Console":
    """Return where rich text goes: the terminal's width there, wide lines elsewhere."""
    from rich.console import Console

    found = Console(stderr=error, highlight=False, soft_wrap=False)
    return found if found.is_terminal else Console(stderr=error, highlight=False, width=160)


def table(*columns: str, right: tuple[str, ...] = (), title: str | None = None) -> "Table":
    """Return an empty table without rules; `right` names the columns of numbers."""
    from rich.table import Table

    found = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        found.add_column(column, justify="right" if column in right else "left")
    return found


def print_json(result: dict[str, Any]) -> None:
    """Print one line of strict JSON: what is no finite number becomes null."""
    click.echo(json.dumps(strict(result), allow_nan=False))


def strict(value: Any) -> Any:
    """Return nested results as strict JSON has them: what is no finite number becomes null."""
    if isinstance(value, dict):
        return {str(k): strict(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [strict(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def named(error: TwinError, option: str) -> TwinError:
    """Return the same error, told where it was written on the command line."""
    return type(error)(f"{option}: {error}")
