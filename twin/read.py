"""YAML as a person means it: every scalar is text, no key twice, every error has a line."""

from pathlib import Path
from typing import Any

import yaml

from twin.errors import PlantError

MAX_BYTES = 4_000_000
"""A plant is written by people; anything larger is not a plant."""


class Node(dict[str, Any]):
    """A mapping that remembers on which line each key was written."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where
        self.lines: dict[str, str] = {}

    def at(self, key: str) -> str:
        """Return ``file:line`` of `key`, or of the mapping where the key is absent."""
        return self.lines.get(key, self.where)


def read(path: Path) -> tuple[Node, str]:
    """Return the file as nested `Node` and list with scalars left as text, and the text itself.

    Raises
    ------
    PlantError
        If the file can't be read, is no YAML mapping, or writes a key twice.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PlantError(f"{path}: larger than {MAX_BYTES} bytes; this is not a plant file")
        text = path.read_text(encoding="utf-8")
    except OSError as err:
        raise PlantError(f"{path}: can't be read: {err.strerror}; check the path") from None
    except UnicodeDecodeError as err:
        raise PlantError(f"{path}: byte {err.start} is not UTF-8; save the file as UTF-8") from None
    return parse(text, path.name), text


def parse(text: str, name: str) -> Node:
    """Return YAML `text` as nested `Node` and list; `name` stands in front of the line numbers."""
    loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
    try:
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        line = mark.line + 1 if mark else 1
        raise PlantError(f"{name}:{line}: not YAML: {err.problem}; check indentation and quotes") from None
    except yaml.YAMLError as err:
        raise PlantError(f"{name}:1: not YAML: {err}; check for control characters") from None
    if not isinstance(root, yaml.MappingNode):
        raise PlantError(f"{name}:1: expected `key: value` lines at the top; the file holds something else")
    built: Node = _build(root, name, frozenset())
    return built


def _build(node: yaml.Node, name: str, above: frozenset[int]) -> Any:
    where = f"{name}:{node.start_mark.line + 1}"
    if id(node) in above:
        raise PlantError(f"{where}: an alias refers to the mapping it stands in; write it out")
    if isinstance(node, yaml.ScalarNode):
        return node.value
    above = above | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        return [_build(n, name, above) for n in node.value]
    out = Node(where)
    for key, value in node.value:
        line = f"{name}:{key.start_mark.line + 1}"
        if not isinstance(key, yaml.ScalarNode):
            raise PlantError(f"{line}: a key must be a plain name")
        if key.value in out:
            raise PlantError(f"{line}: {key.value!r} was already given at {out.lines[key.value]}; keep one of them")
        out[key.value], out.lines[key.value] = _build(value, name, above), line
    return out
