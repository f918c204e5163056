"""The keys of specifications and contracts as tables for docs/datasets.md: ``python -m scenarios.dataset.keys``."""

import sys
from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from scenarios.dataset.contract import ContractFile
from scenarios.dataset.file import DatasetFile


def tables() -> str:
    """Return a table of the keys of every section, in Markdown."""
    parts = []
    for title, model in _sections(DatasetFile, ""):
        parts.append(f"**{title or 'The file'}**: {_sentence(model)}\n\n{_table(model)}")
    parts.append(f"**The contract**: {_sentence(ContractFile)}\n\n{_table(ContractFile)}")
    for title, model in list(_sections(ContractFile, ""))[1:]:
        parts.append(f"**{title}** of the contract: {_sentence(model)}\n\n{_table(model)}")
    return "\n\n".join(parts) + "\n"


def _sections(model: type[BaseModel], title: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield a section and those inside it, each under its place in the file."""
    yield title, model
    for name, field in model.model_fields.items():
        inner = _model(field.annotation)
        if inner is not None:
            place = f"{title}.{name}" if title else name
            named = getattr(field.annotation, "__origin__", None) is dict
            yield from _sections(inner, f"{place}.NAME" if named else place)


def _model(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model(part))), None)


def _sentence(model: type[BaseModel]) -> str:
    """Return what a section is, as it says of itself."""
    said = (model.__doc__ or "").strip().splitlines()[0]
    return said[0].lower() + said[1:]


def _table(model: type[BaseModel]) -> str:
    rows = [f"| `{name}` | {_default(field)} | {_cell(field)} |" for name, field in model.model_fields.items()]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *rows])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.default
    if value is None or isinstance(value, BaseModel) or value in ("", [], {}):
        return ""
    return f"`[{', '.join(value)}]`" if isinstance(value, list) else f"`{value}`"


def _cell(field: FieldInfo) -> str:
    return (field.description or "").replace("|", "\\|").replace("*", "\\*")


if __name__ == "__main__":
    sys.stdout.write(tables())
