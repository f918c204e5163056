"""A YAML tree against a pydantic model: the first thing that doesn't fit, with line, place and neighbours."""

from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from twin.errors import PlantError, unknown
from twin.read import Node

Model = TypeVar("Model", bound=BaseModel)


class Section(BaseModel):
    """Base of every part of a file: no key that isn't declared."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


def validated(tree: Node, model: type[Model], page: str) -> Model:
    """Return `tree` as a `model`; `page` is where its keys are explained.

    Raises
    ------
    PlantError
        One message ``file:line: where: what; what to do`` for the first thing that doesn't fit.
    """
    try:
        return model.model_validate(tree)
    except ValidationError as err:
        problem = err.errors()[0]
        raise PlantError(_worded(tree, model, problem, page)) from None


def keys(model: type[BaseModel]) -> list[str]:
    """Return the keys of a model as they are written."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _worded(tree: Node, model: type[BaseModel], problem: Any, page: str) -> str:
    """Return ``file:line: path: what``, for a place in the tree given by pydantic."""
    location, kind, said = problem["loc"], problem["type"], problem["msg"]
    node: Any = tree
    inside: type[BaseModel] | None = model
    where, path = tree.where, [str(step) for step in location]
    for step in location:
        where = node.at(str(step)) if isinstance(node, Node) else where
        parent, inside = inside, _below(inside, str(step))
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            break
    if kind == "extra_forbidden":
        place = ".".join(path[:-1])
        return f"{where}: {place + ': ' if place else ''}{unknown('key', path[-1], keys(parent or model))}"
    if kind == "missing":
        return f"{where}: {'.'.join(path[:-1]) or 'the file'}: {path[-1]!r} is missing; add it"
    if kind == "value_error":
        said = str(problem["ctx"]["error"])
        return f"{where}: {'.'.join(path)}: {said}"
    return f"{where}: {'.'.join(path)}: {said[0].lower()}{said[1:]}; see {page}"


def _below(model: type[BaseModel] | None, step: str) -> type[BaseModel] | None:
    """Return the model that a key of `model` leads to; a name or a number leads nowhere further."""
    if model is None:
        return None
    for name, field in model.model_fields.items():
        if step == (field.alias or name):
            return _model_in(field.annotation)
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
