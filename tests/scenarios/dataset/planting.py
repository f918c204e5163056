"""Faults planted in a copy of a data set, whose checksums are right again."""

import hashlib
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import msgspec

from scenarios.dataset.manifest import INDEX, MANIFEST, compiled_index, encoded, load
from scenarios.dataset.shard import HEAD, head


def planted(source: Path, folder: Path, change: Callable[[Any], None] | None = None, **said: Any) -> Path:
    """Return a copy of a data set in which every shard was changed, and the manifest says other things."""
    shutil.copytree(source, folder)
    manifest = load(folder)
    for shard in manifest.shards:
        path = folder / shard.file
        body = io.BytesIO(path.read_bytes()[HEAD:])
        with h5py.File(body, "r+") as file:
            if change is not None:
                change(file)
        path.write_bytes(head(body.getvalue(), manifest.identity) + body.getvalue())
    index, shards, _, _ = compiled_index(folder, len(manifest.shards))
    (folder / INDEX).write_bytes(index)
    changed = {"shards": shards, "index_sha256": hashlib.sha256(index).hexdigest(), **said}
    (folder / MANIFEST).write_bytes(encoded(msgspec.structs.replace(manifest, **changed)))
    return folder
