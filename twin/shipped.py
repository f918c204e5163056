"""Plants and recordings that come with installed packages, so that ``twin run cooling_station`` needs no file."""

import importlib
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal

from twin.errors import PlantError, unknown

GROUP = "twin.plants"
"""Entry points of this group name packages; each YAML file of such a package's folder ``plants`` is a plant, and of
``recordings`` a recording."""

Folder = Literal["plants", "recordings"]

_SHIPPED = "scenarios"


def names(folder: Folder = "plants") -> tuple[str, ...]:
    """Return the names of every shipped plant, or recording, sorted."""
    return tuple(sorted(_files(folder)))


def path_of(name: str, folder: Folder = "plants") -> Path:
    """Return the file of a plant, or of a recording, given as a path or as the name of a shipped one.

    Raises
    ------
    PlantError
        If there is no such file, or no such name.
    """
    path = Path(name)
    if path.is_file() or path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        return path
    files = _files(folder)
    if name not in files:
        raise PlantError(unknown(folder[:-1], name, files))
    return files[name]


@cache
def _files(folder: Folder) -> dict[str, Path]:
    packages = sorted({_SHIPPED, *(point.value for point in entry_points(group=GROUP))})
    return {file.stem: file for package in packages for file in _of(package, folder)}


def _of(package: str, folder: Folder) -> list[Path]:
    try:
        module = importlib.import_module(package)
    except ImportError as err:
        if package == _SHIPPED:
            return []  # twin stands alone: the plants are another package's
        raise PlantError(f"plant package {package!r}: {err}; install it or drop its entry point") from None
    except KeyboardInterrupt:
        raise
    except BaseException as err:  # another package's import may raise anything
        said = f"{type(err).__name__}: {err}"
        raise PlantError(f"plant package {package!r}: {said}; mend it or drop its entry point") from None
    return [file for place in module.__path__ for file in sorted(Path(place, folder).glob("*.yaml"))]
