"""Specifications of data sets that come with the project."""

from pathlib import Path

from twin.errors import PlantError, unknown

HERE = Path(__file__).parent.parent / "datasets"


def names() -> dict[str, Path]:
    """Return the files of specifications by name."""
    return {path.stem: path for path in sorted(HERE.glob("*.yaml"))}


def path_of(name: str) -> Path:
    """Return the file of a specification, given as a path or by name.

    Raises
    ------
    PlantError
        If there is none.
    """
    path = Path(name)
    if path.is_file() or path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        return path
    known = names()
    if name not in known:
        raise PlantError(unknown("specification", name, known))
    return known[name]
