"""What a run's numbers depend on beside its plant: versions of libraries, and the files that declare its assets."""

import hashlib
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from twin import __version__
from twin.declare import Asset
from twin.plant import Plant

LIBRARIES = ("numpy", "numba", "scipy", "h5py")


class AssetFile(NamedTuple):
    """The file that declares a piece of equipment, and its SHA-256."""

    path: Path
    sha256: str


def library_version(name: str) -> str | None:
    """Return the version of an installed library, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """Return the versions that a run's numbers depend on."""
    python = ".".join(map(str, sys.version_info[:3]))
    return {"twin": __version__, "python": python, **{name: library_version(name) or "?" for name in LIBRARIES}}


def asset_file(cls: type[Asset]) -> AssetFile:
    """Return the file that declares a class."""
    path = Path(sys.modules[cls.__module__].__file__ or "")
    return AssetFile(path, hashlib.sha256(path.read_bytes()).hexdigest())


def asset_hashes(plant: Plant) -> dict[str, str]:
    """Return the SHA-256 of every asset file of a plant, by the asset's id."""
    files = [asset_file(cls) for cls in dict.fromkeys(plant.assets.values())]
    return {file.path.stem: file.sha256 for file in files}
