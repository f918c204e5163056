"""A data contract is kept: what it forbids isn't made, isn't exported, and stands nowhere in what is made."""

import datetime as dt
import hashlib
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from scenarios.dataset import contract as contracts
from scenarios.dataset.contract import Contract
from scenarios.dataset.making import Order, make
from scenarios.dataset.manifest import load as manifest
from twin.errors import DataError, PlantError
from twin.shipped import path_of

CONTRACT = """\
contract: tanks
suppliers:
  - {name: A factory, contact: someone@example.com, recordings: [tanks_2025], parameters: ["upper.*"]}
purposes: [training]
license: CC-BY-NC-4.0
"""
TODAY = dt.date(2026, 11, 23)
MARKED = {"area": 0.0015123456789, "discharge": 0.61234567891, "leak": 1.0123456789e-5, "level": 0.1009876543}
"""Numbers that nobody may find, SI; noise won't hit them to ten digits."""


@pytest.mark.parametrize(
    ("terms", "keys", "said"),
    [
        ("forbids: [truth]", "", "contract tanks: forbids to export truth; leave it out of `contents`"),
        ("forbids: [parameters]", "contents: [truth, parameters]", "forbids to export parameters"),
        ("forbids: [plant]", "contents: [plant]", "forbids to export plant"),
        ("forbids: [signals]", "contents: []", "forbids to export signals"),
        ("", "purpose: advertising", "doesn't allow the purpose 'advertising', only training; ask the supplier"),
        ("", "license: MIT", "data is passed on under CC-BY-NC-4.0, not MIT; change `license`"),
        ("retention: 2020-12-31", "", "contract tanks: ended on 2020-12-31; ask the supplier for a new one"),
    ],
)
def test_what_a_contract_forbids_is_not_made(tmp_path: Path, tiny_spec: Path, terms: str, keys: str, said: str) -> None:
    spec = bound(tmp_path, tiny_spec, terms, keys)
    with pytest.raises(DataError) as refused:
        make(Order(spec, tmp_path / "out", workers=1))
    assert said in str(refused.value)
    assert refused.value.exit_code == 4
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("right", "wrong", "line", "said"),
    [
        ("license: CC-BY-NC-4.0", "license: do what you like", 5, "'do what you like' is no SPDX name; write one like"),
        ("license: CC-BY-NC-4.0", "", 1, "'license' is missing; add it"),
        ("purposes: [training]", "purposes: []", 4, "purposes: list should have at least 1 item"),
        ("purposes: [training]", "purposes: training", 4, "purposes: input should be a valid list"),
        (', recordings: [tanks_2025], parameters: ["upper.*"]', "", 3, "A factory supplied nothing; say what"),
        ("purposes:", "retention: someday\npurposes:", 4, "'someday' is no day; write it like 2027-12-31"),
        ("purposes:", "redistribution: maybe\npurposes:", 4, "no word 'maybe'; there are allowed, forbidden"),
        ("purposes:", "forbids: [truht]\npurposes:", 4, "no word 'truht'; did you mean 'truth'?"),
        ("purposes:", "forbid: [truth]\npurposes:", 4, "no key 'forbid'; did you mean 'forbids'?"),
    ],
)
def test_a_wrong_contract_is_refused_with_its_line(
    tmp_path: Path, right: str, wrong: str, line: int, said: str
) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(CONTRACT.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(PlantError, match=rf"^contract\.yaml:{line}: .*{re.escape(said)}"):
        contracts.load(path)


def test_the_last_day_of_a_contract_is_a_day_of_it(tmp_path: Path) -> None:
    contract = given(tmp_path, f"retention: {TODAY}")
    contracts.refuse_export(contract, TODAY)
    with pytest.raises(DataError, match="ended on 2026-11-23"):
        contracts.refuse_export(contract, TODAY + dt.timedelta(days=1))


def test_a_data_set_that_may_not_be_passed_on_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="forbids redistribution"):
        contracts.refuse_export(given(tmp_path, "redistribution: forbidden"), TODAY)
    contracts.refuse_export(None, TODAY)


def test_a_contract_that_is_gone_or_another_one_is_told(tmp_path: Path) -> None:
    assert contracts.travelling(tmp_path, "", "") is None
    with pytest.raises(DataError, match="put it back"):
        contracts.travelling(tmp_path, "tanks", "")
    known = hashlib.sha256(given(tmp_path, "").text.encode()).hexdigest()
    found = contracts.travelling(tmp_path, "tanks", known)
    assert found is not None
    assert found.name == "tanks"
    with pytest.raises(DataError, match="is the contract 'tanks', the data set was made under 'pumps'"):
        contracts.travelling(tmp_path, "pumps", known)
    with pytest.raises(DataError, match="was altered since the data set was made"):
        contracts.travelling(tmp_path, "tanks", "0" * 64)


def test_the_shipped_contract_is_one(repository: Path) -> None:
    folder = repository / "scenarios" / "datasets" / "contracts"
    assert [contracts.load(path).name for path in sorted(folder.glob("*.yaml"))] == ["calibrated_pumps"]


def test_no_calibrated_number_stands_anywhere_in_what_a_contract_protects(tmp_path: Path, tiny_spec: Path) -> None:
    """A supplier's numbers, as text or as bytes, are looked for in every file, dataset and attribute."""
    spec = calibrated(tmp_path, tiny_spec, "forbids: [parameters, plant, truth]", "contents: []")
    out = tmp_path / "out"
    make(Order(spec, out, workers=1))
    assert sorted(path.name for path in out.iterdir()) == ["contract.yaml", "dataset.json", "index.h5", "shards"]
    assert manifest(out).license == "CC-BY-NC-4.0"
    assert (out / "contract.yaml").read_bytes() == (tmp_path / "contract.yaml").read_bytes()
    assert {name for body in bodies(out) for name in found_in(body)} == set()


def test_the_search_finds_calibrated_numbers_where_nothing_forbids_them(tmp_path: Path, tiny_spec: Path) -> None:
    """Otherwise the test above would prove nothing."""
    out = tmp_path / "out"
    make(Order(calibrated(tmp_path, tiny_spec, "", "contents: [parameters, plant]"), out, workers=1))
    assert {name for body in bodies(out) for name in found_in(body)} == set(MARKED)


def bound(folder: Path, tiny_spec: Path, terms: str, keys: str) -> Path:
    """Return a specification under a contract with more terms, both in `folder`."""
    given(folder, terms)
    path = folder / "spec.yaml"
    text = tiny_spec.read_text(encoding="utf-8").replace("runs: 40", "runs: 16")
    path.write_text(f"{text}\ncontract: contract.yaml\n{keys}\n", encoding="utf-8")
    return path


def given(folder: Path, terms: str) -> Contract:
    """Return a contract that was written into `folder`."""
    path = folder / "contract.yaml"
    path.write_text(f"{CONTRACT}{terms}\n", encoding="utf-8")
    return contracts.load(path)


def calibrated(folder: Path, tiny_spec: Path, terms: str, keys: str) -> Path:
    """Return a specification of a plant with marked numbers, one of which is a machine's and one a fault's."""
    path = bound(folder, tiny_spec, terms, keys)
    plant = path_of("two_tanks").read_text(encoding="utf-8").replace("plant: two_tanks", "plant: calibrated")
    plant = plant.replace("area: 15 cm2", f"area: {MARKED['area']!r} m2", 1)
    plant = plant.replace("level: 0.1 m,", f"level: {MARKED['level']!r} m,", 1)
    (folder / "plant.yaml").write_text(plant, encoding="utf-8")
    text = path.read_text(encoding="utf-8").replace("[two_tanks]", "[plant.yaml]")
    text = text.replace("{size: 5 %, assets: [upper], closer: {discharge: 1 %}}", "{size: 0 %, assets: [upper]}")
    text = text.replace("  count: 10\n", f"  count: 10\n  within: {{upper.discharge: {twice(MARKED['discharge'])}}}\n")
    text = text.replace("{upper.leak: 1e-5 m2}", f"{{upper.leak: {MARKED['leak']!r} m2}}")
    path.write_text(text, encoding="utf-8")
    return path


def twice(value: float) -> str:
    """Return a range of one number."""
    return f"[{value!r}, {value!r}]"


def bodies(folder: Path) -> Iterator[bytes]:
    """Yield every file, and of HDF5 every dataset and attribute as it is unpacked."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        yield path.read_bytes()
        if path.suffix == ".h5":
            with h5py.File(path) as file:
                found: list[bytes] = []

                def look(_: str, each: h5py.Group | h5py.Dataset, found: list[bytes] = found) -> None:
                    if isinstance(each, h5py.Dataset):
                        found.append(raw(each[()]))
                    found.extend(raw(value) for value in each.attrs.values())

                file.visititems(look)
                yield from (raw(value) for value in file.attrs.values())
                yield from found


def raw(value: object) -> bytes:
    """Return the bytes of an array, or of a text."""
    array = np.asarray(value)
    return repr(array.tolist()).encode() if array.dtype.kind in "OSU" else array.tobytes()


def found_in(body: bytes) -> set[str]:
    """Return which marked numbers stand in bytes: as text, as a double or as a float, of either order."""
    found = set()
    for name, value in MARKED.items():
        digits = re.sub(r"e.*", "", repr(value)).replace("0.", "").strip("0").replace(".", "")
        patterns = [digits.encode(), repr(value).encode()]
        patterns += [struct.pack(form, value) for form in ("<d", ">d", "<f", ">f")]
        if any(pattern in body for pattern in patterns):
            found.add(name)
    return found
