"""`twin dataset card`: a README with Hugging Face's head, and a Croissant description, into a data set's folder."""

import json
from pathlib import Path
from typing import Any

import click
import yaml

from scenarios.dataset import card_text
from scenarios.dataset import contract as contracts
from scenarios.dataset.card_text import Told
from scenarios.dataset.croissant import KEYWORDS, NAME, croissant
from scenarios.dataset.exporting import PARQUET, WINDOWS
from scenarios.dataset.manifest import Manifest
from scenarios.dataset.pieces import known_spec
from scenarios.dataset.reading import Dataset
from scenarios.writing import whole_file
from twin.cli.arguments import print_json

README, REALISM = "README.md", "realism/realism.json"
LICENSES = (
    "apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "cdla-sharing-1.0", "gpl-3.0",
    "odbl", "odc-by", "pddl", "unlicense",
)  # fmt: skip
"""Licenses by the names that Hugging Face has for them; others are `other`, with their names."""
SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B",
         "10B<n<100B", "100B<n<1T", "n>1T")  # fmt: skip
"""Numbers of rows as Hugging Face groups them, a factor of ten each."""


def run(folder: Path, as_json: bool) -> int:
    """Write a data set's README.md and croissant.json; return the exit code.

    Both are functions of what lies in the folder: the same folder gives the same bytes.

    Raises
    ------
    DataError
        If there is no finished data set, or something can't be read or written.
    """
    with Dataset(folder) as data:
        said = data.manifest
        contract = contracts.travelling(folder, said.contract, said.contract_sha256)
        asked, why = known_spec(folder, said)
        exports = tuple(kind for kind in (WINDOWS, PARQUET) if _files(folder, kind))
        told = Told(data, asked, why, contract, _realism(folder), exports)
        whole_file(folder / README, (_head(folder, said) + card_text.body(told)).encode())
        whole_file(folder / NAME, croissant(folder, said, contract))
    for name in (README, NAME):
        click.echo(f"{folder / name}")
    if as_json:
        print_json({"files": [str(folder / name) for name in (README, NAME)]})
    return 0


def _realism(folder: Path) -> dict[str, Any]:
    """Return what a comparison with a recording found; nothing where there is none that can be read."""
    try:
        found = json.loads((folder / REALISM).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _files(folder: Path, kind: str) -> list[tuple[str, str]]:
    """Return split and path of the files of an export."""
    suffix = {WINDOWS: ".h5", PARQUET: ".parquet"}[kind]
    return [(path.stem, f"{kind}/{path.name}") for path in sorted((folder / kind).glob(f"*{suffix}")) if path.is_file()]


def _head(folder: Path, said: Manifest) -> str:
    """Return the head in YAML that Hugging Face reads."""
    rows = said.runs * said.rows
    license_ = said.license.lower()
    head: dict[str, Any] = {
        "pretty_name": said.name, "license": license_ if license_ in LICENSES else "other",
        **({} if license_ in LICENSES else {"license_name": license_}),
        "language": ["en"], "tags": list(KEYWORDS), "annotations_creators": ["machine-generated"],
        "size_categories": [SIZES[min(max(len(str(rows)) - 3, 0), len(SIZES) - 1)]],
        "task_categories": ["time-series-forecasting"],
    }  # fmt: skip
    for name, kind in (("windows", WINDOWS), ("table", PARQUET)):
        there = dict(_files(folder, kind))
        files = [{"split": split, "path": there[split]} for split in said.splits if split in there]
        if files:  # one of them: the loader of a folder reads one format
            head["configs"] = [{"config_name": name, "data_files": files}]
            break
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---\n\n"
