"""YAML as a person means it: every scalar is text, no key twice, every error has a line."""

from pathlib import Path
from typing import Any

import yaml

from twin.errors import PlantError

MAX_BYTES = 4_000_000
MAX_DEPTH = 50
MAX_NODES = 200_000
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
        if not path.is_file():
            what = "it is no regular file" if path.exists() else "No such file or directory"
            raise PlantError(f"{path}: can't be read: {what}; check the path")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise PlantError(f"{path}: larger than {MAX_BYTES} bytes; this is not a plant file")
        text = raw.decode("utf-8-sig")
    except OSError as err:
        raise PlantError(f"{path}: can't be read: {err.strerror}; check the path") from None
    except UnicodeDecodeError as err:
        raise PlantError(f"{path}: byte {err.start} is not UTF-8; save the file as UTF-8") from None
    return parse(text, path.name), text


def parse(text: str, name: str) -> Node:
    """Return YAML `text` as nested `Node` and list; `name` stands in front of the line numbers."""
    loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
    try:
        _refuse_depth(text, name, loader)
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        line = mark.line + 1 if mark else 1
        raise PlantError(f"{name}:{line}: not YAML: {err.problem}; check indentation and quotes") from None
    except yaml.YAMLError as err:
        raise PlantError(f"{name}:1: not YAML: {err}; check for control characters") from None
    if not isinstance(root, yaml.MappingNode):
        raise PlantError(f"{name}:1: expected `key: value` lines at the top; the file holds something else")
    built: Node = _Builder(name).build(root)
    return built


def _refuse_depth(text: str, name: str, loader: Any) -> None:
    """Refuse what would overflow the parser's stack, while nothing is nested yet."""
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise PlantError(f"{name}:{line}: nested deeper than {MAX_DEPTH} levels; this is not a plant file")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Builder:
    """Turns YAML nodes into `Node`, list and text, within bounds."""

    def __init__(self, name: str) -> None:
        self.name, self.built = name, 0
        self.above: list[yaml.Node] = []

    def build(self, node: yaml.Node) -> Any:
        """Return one node and what is below it."""
        where = f"{self.name}:{node.start_mark.line + 1}"
        self.built += 1
        if self.built > MAX_NODES:
            raise PlantError(f"{where}: aliases unfold to more than {MAX_NODES} values; write out what is meant")
        if any(node is other for other in self.above):
            raise PlantError(f"{where}: an alias refers to the mapping it stands in; write it out")
        if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.endswith(":binary"):
            raise PlantError(f"{where}: the tag {node.tag!r} is not read; write a plain value")
        if isinstance(node, yaml.ScalarNode):
            return node.value
        self.above.append(node)
        built = (
            [self.build(n) for n in node.value] if isinstance(node, yaml.SequenceNode) else self._mapping(node, where)
        )
        self.above.pop()
        return built

    def _mapping(self, node: yaml.Node, where: str) -> Node:
        out = Node(where)
        for key, value in node.value:
            line = f"{self.name}:{key.start_mark.line + 1}"
            if not isinstance(key, yaml.ScalarNode):
                raise PlantError(f"{line}: a key must be a plain name; quote it or rename it")
            if key.value == "<<":
                raise PlantError(f"{line}: merge keys (<<) are not read; write the values out")
            if key.value in out:
                raise PlantError(f"{line}: {key.value!r} was already given at {out.lines[key.value]}; keep one of them")
            out[key.value], out.lines[key.value] = self.build(value), line
        return out
