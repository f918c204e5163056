"""Scenarios that come with the project, and those of a folder."""

from pathlib import Path

from twin.errors import PlantError, unknown

HERE = Path(__file__).parent / "library"


def names(folder: Path | None = None) -> dict[str, Path]:
    """Return scenario files by name, the folder's before the shipped ones."""
    found = {path.stem: path for path in sorted(HERE.glob("*.yaml"))}
    if folder is not None:
        found |= {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    return found


def path_of(name: str, folder: Path | None = None) -> Path:
    """Return the file of a scenario, given as a path or by name.

    Raises
    ------
    PlantError
        If there is none.
    """
    path = Path(name)
    if path.is_file() or path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        return path
    known = names(folder)
    if name not in known:
        raise PlantError(unknown("scenario", name, known))
    return known[name]
