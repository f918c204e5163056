"""A data set's description in Croissant 1.1 (JSON-LD): what it is, and every file with its hash.

It has no record sets: Croissant's own library reads no HDF5.

References
----------
MLCommons, Croissant Format Specification 1.1, http://mlcommons.org/croissant/1.1
"""

import datetime as dt
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from scenarios.dataset.contract import Contract
from scenarios.dataset.manifest import FORMAT, INDEX, MANIFEST, Manifest
from twin.errors import DataError

NAME = "croissant.json"
KEYWORDS = (
    "synthetic", "digital-twin", "simulation", "time-series", "fault-diagnosis", "anomaly-detection",
    "predictive-maintenance", "manufacturing",
)  # fmt: skip
FORMATS = {
    ".h5": "application/x-hdf5", ".json": "application/json", ".yaml": "application/yaml", ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet", ".html": "text/html", ".csv": "text/csv", ".svg": "image/svg+xml",
    ".png": "image/png",
}  # fmt: skip
"""Media types by the end of a file's name."""
PIECE = 2**20

_CONTEXT = {
    "@language": "en", "@vocab": "https://schema.org/", "arrayShape": "cr:arrayShape", "citeAs": "cr:citeAs",
    "column": "cr:column", "conformsTo": "dct:conformsTo", "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/", "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"}, "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract", "field": "cr:field",
    "fileObject": "cr:fileObject", "fileProperty": "cr:fileProperty", "fileSet": "cr:fileSet", "format": "cr:format",
    "includes": "cr:includes", "isArray": "cr:isArray", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath",
    "key": "cr:key", "md5": "cr:md5", "name": {"@container": "@language"}, "parentField": "cr:parentField",
    "path": "cr:path", "rai": "http://mlcommons.org/croissant/RAI/", "recordSet": "cr:recordSet",
    "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace",
    "samplingRate": "cr:samplingRate", "sc": "https://schema.org/", "separator": "cr:separator",
    "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip
"""What short names stand for, as the specification recommends."""


def croissant(folder: Path, said: Manifest, contract: Contract | None) -> bytes:
    """Return the description of a data set in a folder.

    Parameters
    ----------
    folder : Path
        Every regular file below it is listed; those whose names begin with a dot are not.
    said : Manifest
    contract : Contract or None
        Suppliers are named beside who made it.

    Raises
    ------
    DataError
        If a file can't be read.
    """
    creators = [{"@type": "sc:Organization", "name": f"equipment-twin {said.versions.get('twin', '?')}"}]
    creators += [
        {"@type": "sc:Organization", "name": supplier.name} for supplier in (contract.suppliers if contract else ())
    ]
    known = {shard.file: shard.sha256 for shard in said.shards} | {INDEX: said.index_sha256}
    files = [
        path for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.name != NAME and not _hidden(path.relative_to(folder))
    ]  # fmt: skip
    found = {
        "@context": _CONTEXT, "@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": said.name, "description": said.about, "url": f"urn:sha256:{said.identity}",
        "license": said.license if "LicenseRef" in said.license else f"https://spdx.org/licenses/{said.license}.html",
        "creator": creators, "citeAs": f"{said.name}, made with equipment-twin, {said.identity}",
        "datePublished": _finished(folder).isoformat(), "version": f"{FORMAT}.0.0",
        "keywords": list(KEYWORDS), "inLanguage": "en", "isLiveDataset": False,
        "distribution": [_file(folder, path, known) for path in files],
    }  # fmt: skip
    return json.dumps(found, indent=2, ensure_ascii=False).encode() + b"\n"


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _file(folder: Path, path: Path, known: dict[str, str]) -> dict[str, Any]:
    """Return the description of a file."""
    name = path.relative_to(folder).as_posix()
    if not name.isprintable():
        raise DataError(f"{folder}: {name!r:.200}: a name that can't be written; rename the file, or remove it")
    try:
        size = path.stat().st_size
        digest = known.get(name) or _digest(path)
    except OSError as err:
        raise DataError(f"{path}: can't be read: {err.strerror}; make the data set again") from None
    return {
        "@type": "cr:FileObject", "@id": name, "name": name, "contentUrl": name, "contentSize": f"{size} B",
        "encodingFormat": FORMATS.get(path.suffix, "application/octet-stream"), "sha256": digest,
    }  # fmt: skip


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found.update(piece)
    return found.hexdigest()


def _finished(folder: Path) -> dt.date:
    """Return the day on which the data set was finished: its file's, or SOURCE_DATE_EPOCH where that is set.

    No clock is asked, so that the same folder is described by the same bytes on any day.
    """
    told = os.environ.get("SOURCE_DATE_EPOCH", "")
    seconds = int(told) if told.isdecimal() and len(told) < 12 else (folder / MANIFEST).stat().st_mtime
    return dt.datetime.fromtimestamp(seconds, dt.UTC).date()
