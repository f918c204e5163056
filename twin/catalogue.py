"""Which pieces of equipment there are: every file of every package that offers `twin.assets`."""

import hashlib
import importlib
import importlib.util
import sys
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from twin.declare import Asset
from twin.errors import DeclarationError, PlantError, unknown

GROUP = "twin.assets"
"""Entry points of this group name packages; each file of such a package is one asset, its stem the id."""

MAX_BYTES = 1_000_000
"""An asset file is written by people; anything larger is not one."""

_SHIPPED = "assets"


class _Place(NamedTuple):
    """Where an asset is declared; `module` is empty for a file outside every package."""

    file: Path
    module: str


def names(extra: Path | None = None) -> tuple[str, ...]:
    """Return the ids of every piece of equipment, sorted; `extra` is a folder of more asset files."""
    return tuple(sorted(_places(extra)))


def find(name: str, extra: Path | None = None) -> type[Asset]:
    """Return the piece of equipment called `name`.

    Raises
    ------
    PlantError
        If no file has this name.
    DeclarationError
        If the file can't be imported or doesn't declare exactly one `Asset`.
    """
    return _declared(_place(name, extra))


def path_of(name: str, extra: Path | None = None) -> Path:
    """Return the file that declares `name`; raises as `find` does for an unknown name."""
    return _place(name, extra).file


def folders() -> tuple[Path, ...]:
    """Return the folder of every asset package."""
    return tuple(place.file for place in _folders())


def _place(name: str, extra: Path | None) -> _Place:
    places = _places(extra)
    if name not in places:
        raise PlantError(unknown("asset", name, places))
    return places[name]


def _places(extra: Path | None) -> dict[str, _Place]:
    """Return where each asset is declared, by id; the same id twice is refused."""
    folders = list(_folders())
    if extra is not None:
        if not extra.is_dir():
            raise PlantError(f"{extra}: no such folder of asset files; name one that exists")
        folders.append(_Place(extra.resolve(), ""))
    found: dict[str, _Place] = {}
    for folder, package in folders:
        for file in sorted(folder.glob("[a-z]*.py")):
            if file.stem in found:
                raise PlantError(
                    f"{file}: asset {file.stem!r} is declared in {found[file.stem].file} too; rename one of them"
                )
            found[file.stem] = _Place(file, f"{package}.{file.stem}" if package else "")
    return found


@cache
def _folders() -> tuple[_Place, ...]:
    """Return folder and name of every asset package: our own, and those that entry points name."""
    packages = {_SHIPPED, *(point.value for point in entry_points(group=GROUP))}
    return tuple(_Place(_folder_of(package), package) for package in sorted(packages))


def _folder_of(package: str) -> Path:
    try:
        module = importlib.import_module(package)
    except ImportError as err:
        raise DeclarationError(f"asset package {package!r}: {err}; install it or drop its entry point") from err
    except KeyboardInterrupt:
        raise
    except BaseException as err:  # another package's import may raise anything
        said = f"{type(err).__name__}: {err}"
        raise DeclarationError(f"asset package {package!r}: {said}; mend it or drop its entry point") from err
    folders = [Path(p).resolve() for p in getattr(module, "__path__", ())]
    if not folders:
        raise DeclarationError(
            f"asset package {package!r} is the file {module.__file__}; a package is a folder of files"
        )
    beside = Path(__file__).resolve().parent.parent / _SHIPPED
    if package == _SHIPPED and beside not in folders:
        raise DeclarationError(
            f"a foreign package {_SHIPPED!r} at {folders[0]} hides {beside}; rename it or take it off the path"
        )
    return beside if package == _SHIPPED else folders[0]


@cache
def _declared(place: _Place) -> type[Asset]:
    _check_readable(place.file)
    try:
        module = importlib.import_module(place.module) if place.module else _loaded(place.file)
    except KeyboardInterrupt:
        raise
    except BaseException as err:  # whatever a file raises while it runs, SystemExit too: its author needs its name
        kind = "" if isinstance(err, DeclarationError) else f"{type(err).__name__}: "
        raise DeclarationError(f"{place.file}: {kind}{err}") from err
    own = [
        v
        for v in vars(module).values()
        if isinstance(v, type) and issubclass(v, Asset) and v.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise DeclarationError(f"{place.file}: declares {len(own)} assets; one file declares one")
    return own[0]


def _check_readable(file: Path) -> None:
    """Refuse what can't be an asset file before it is opened: a FIFO would make us wait for ever."""
    if not file.is_file():
        raise DeclarationError(f"{file}: is no regular file; remove it from the folder of asset files")
    if file.stat().st_size > MAX_BYTES:
        raise DeclarationError(f"{file}: larger than {MAX_BYTES} bytes; this is not an asset file")


def _loaded(file: Path) -> ModuleType:
    """Run a file outside every package under a module name that no other file has."""
    name = f"{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise DeclarationError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # inspect and pickle look modules up by name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module
