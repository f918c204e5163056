"""Plants that come with installed packages, so that ``twin run cooling_station`` needs no file."""

import importlib
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from twin.errors import PlantError, unknown

GROUP = "twin.plants"
"""Entry points of this group name packages; each YAML file of such a package's folder ``plants`` is a plant."""

_SHIPPED = "scenarios"


def names() -> tuple[str, ...]:
    """Return the names of every shipped plant, sorted."""
    return tuple(sorted(_files()))


def path_of(plant: str) -> Path:
    """Return the file of a plant, given as a path or as the name of a shipped one.

    Raises
    ------
    PlantError
        If there is no such file, or no such name.
    """
    path = Path(plant)
    if path.is_file() or path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        return path
    files = _files()
    if plant not in files:
        raise PlantError(unknown("plant", plant, files))
    return files[plant]


@cache
def _files() -> dict[str, Path]:
    packages = sorted({_SHIPPED, *(point.value for point in entry_points(group=GROUP))})
    return {file.stem: file for package in packages for file in _of(package)}


def _of(package: str) -> list[Path]:
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
    return [file for folder in module.__path__ for file in sorted(Path(folder, "plants").glob("*.yaml"))]
