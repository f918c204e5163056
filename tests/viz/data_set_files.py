"""Data sets for tests of the view: one that is made, and what is done to its files."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py

from scenarios.dataset.shard import HEAD, head

SHARD = "shards/shard-00000.h5"


def changed(place: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what a data set says of itself."""
    path = place / "dataset.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    change(said)
    path.write_text(json.dumps(said), encoding="utf-8")


def resealed(place: Path, name: str, change: Callable[[Any], object]) -> None:
    """Change an HDF5 file of a data set, and let the data set say that it has to be so: whoever made it is hostile."""
    path = place / name
    with h5py.File(path, "r+") as file:
        change(file)
    body = path.read_bytes()
    if name != "index.h5":
        inner = body[HEAD:]
        body = head(inner, body[:HEAD].decode().split("identity ")[1].split("\n")[0]) + inner
        path.write_bytes(body)
    sha256, size = hashlib.sha256(body).hexdigest(), len(body)

    def say(said: dict[str, Any]) -> None:
        if name == "index.h5":
            said["index_sha256"] = sha256
            return
        shard = next(shard for shard in said["shards"] if shard["file"] == name)
        shard.update(sha256=sha256, bytes=size)

    changed(place, say)


def replaced(file: Any, name: str, **how: Any) -> None:
    """Put another dataset in place of one."""
    del file[name]
    file.create_dataset(name, **how)
