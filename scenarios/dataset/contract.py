"""A data contract: who supplied what a plant was made from, and what may be done with data made with it."""

import datetime as dt
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from twin.errors import DataError, PlantError, unknown
from twin.read import read
from twin.shape import Section, validated

LICENSE = "CC-BY-4.0"
"""Of data that no contract speaks of."""
FILE = "contract.yaml"
"""What the contract is called in a data set's folder."""
THINGS = ("signals", "truth", "parameters", "plant")
REDISTRIBUTION = ("allowed", "forbidden")
_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,99}")


class SupplierEntry(Section):
    """Who supplied something, and what."""

    name: str = Field(min_length=1, description="person or company")
    contact: str = Field("", description="whom to ask")
    recordings: list[str] = Field([], description="recordings that parameters were found from")
    parameters: list[str] = Field([], description="asset.quantity, patterns with *")


class ContractFile(Section):
    """What suppliers allow to be made and passed on."""

    contract: str = Field(min_length=1, description="name of the contract")
    version: str = Field("1", description="its version")
    suppliers: list[SupplierEntry] = Field(min_length=1, description="who supplied what")
    purposes: list[str] = Field(min_length=1, description="what data may be made for")
    license: str = Field(description="SPDX name under which data may be passed on")
    retention: str = Field("", description="last day on which data may be made and kept: 2027-12-31")
    redistribution: str = Field("allowed", description="allowed or forbidden")
    forbids: list[str] = Field([], description="what may not be exported: signals, truth, parameters, plant")


@dataclass(frozen=True)
class Contract:
    """A contract that was read; `text` is its file."""

    name: str
    version: str
    suppliers: tuple[SupplierEntry, ...]
    purposes: tuple[str, ...]
    license: str
    retention: dt.date | None
    redistribution: str
    forbids: tuple[str, ...]
    text: str


def load(path: Path) -> Contract:
    """Return the contract in a file.

    Raises
    ------
    PlantError
        For the first thing that is wrong, with its line.
    """
    tree, text = read(path)
    file = validated(tree, ContractFile, "docs/datasets.md")
    for key, given, known in (
        ("redistribution", [file.redistribution], REDISTRIBUTION), ("forbids", file.forbids, THINGS)
    ):  # fmt: skip
        for word in given:
            if word not in known:
                raise PlantError(f"{tree.at(key)}: {key}: {unknown('word', word, known)}")
    check_license(f"{tree.at('license')}: license", file.license)
    for supplier, node in zip(file.suppliers, tree["suppliers"], strict=True):
        if not (supplier.recordings or supplier.parameters):
            raise PlantError(
                f"{node.where}: suppliers: {supplier.name:.80} supplied nothing; say what, or drop the entry"
            )
    until = None
    if file.retention:
        try:
            until = dt.date.fromisoformat(file.retention)
        except ValueError:
            raise PlantError(
                f"{tree.at('retention')}: retention: {file.retention!r:.80} is no day; write it like 2027-12-31"
            ) from None
    return Contract(
        file.contract, file.version, tuple(file.suppliers), tuple(file.purposes), file.license, until,
        file.redistribution, tuple(file.forbids), text,
    )  # fmt: skip


def check_license(where: str, text: str) -> None:
    """Refuse what is no name of a license as SPDX writes them, ``LicenseRef-...`` included.

    Raises
    ------
    PlantError
        With `where` in front.
    """
    if not _SPDX.fullmatch(text):
        raise PlantError(f"{where}: {text!r:.80} is no SPDX name; write one like CC-BY-4.0 or LicenseRef-Ours")


def refuse(contract: Contract | None, contents: tuple[str, ...], purpose: str, license: str, today: dt.date) -> None:
    """Refuse to make what a contract forbids.

    Raises
    ------
    DataError
        If it forbids a content, the purpose or the license, or has ended.
    """
    if contract is None:
        return
    where = f"contract {contract.name}"
    for thing in ("signals", *contents):
        if thing in contract.forbids:
            raise DataError(f"{where}: forbids to export {thing}; leave it out of `contents`, or ask the supplier")
    if purpose not in contract.purposes:
        allowed = ", ".join(contract.purposes)
        raise DataError(f"{where}: doesn't allow the purpose {purpose!r}, only {allowed}; ask the supplier")
    if license != contract.license:
        raise DataError(f"{where}: data is passed on under {contract.license}, not {license}; change `license`")
    _refuse_ended(contract, today)


def refuse_export(contract: Contract | None, today: dt.date) -> None:
    """Refuse to write a data set once more, in a form that is made to be passed on.

    Raises
    ------
    DataError
        If the contract forbids redistribution, or has ended.
    """
    if contract is None:
        return
    if contract.redistribution == "forbidden":
        raise DataError(
            f"contract {contract.name}: forbids redistribution, and an export is made to be passed on; "
            "read the data set where it is, or ask the supplier"
        )
    _refuse_ended(contract, today)


def _refuse_ended(contract: Contract, today: dt.date) -> None:
    if contract.retention is not None and today > contract.retention:
        raise DataError(f"contract {contract.name}: ended on {contract.retention}; ask the supplier for a new one")


def travelling(folder: Path, name: str, sha256: str) -> Contract | None:
    """Return the contract that lies in a data set's folder; None where the data set has none.

    Parameters
    ----------
    folder : Path
    name : str
        Of the contract by the data set's manifest; empty where it has none.
    sha256 : str
        Of its file.

    Raises
    ------
    DataError
        If it isn't there, is damaged, or is another one.
    """
    if not name:
        return None
    path = folder / FILE
    try:
        found = load(path)
    except PlantError as err:
        raise DataError(f"{path}: the data set's contract can't be read: {err}; put it back") from None
    if hashlib.sha256(found.text.encode()).hexdigest() != sha256:
        raise DataError(f"{path}: was altered since the data set was made; put it back")
    if found.name != name:
        raise DataError(f"{path}: is the contract {found.name!r}, the data set was made under {name!r}; put it back")
    return found
