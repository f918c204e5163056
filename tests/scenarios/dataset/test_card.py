"""A card says what lies in the folder, and its code runs."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import structs

from scenarios.dataset import card, exporting
from scenarios.dataset.making import Order, make
from scenarios.dataset.manifest import MANIFEST, load
from twin.errors import DataError

BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def bare(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a card, without exports."""
    folder = tmp_path_factory.mktemp("bare") / "tiny"
    shutil.copytree(tiny, folder)
    assert card.run(folder, False) == 0
    return folder


@pytest.fixture(scope="module")
def full(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a card and exports."""
    folder = tmp_path_factory.mktemp("full") / "tiny"
    shutil.copytree(tiny, folder)
    exporting.run(folder, False, 20, 4, None, False)
    card.run(folder, False)
    return folder


def head(folder: Path) -> dict[str, Any]:
    text = (folder / "README.md").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return found


def body(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)[2]


def test_the_head_is_what_hugging_face_reads(bare: Path) -> None:
    found = head(bare)
    assert found["license"] == "cc-by-4.0"
    assert found["language"] == ["en"]
    assert {"synthetic", "digital-twin"} <= set(found["tags"])
    assert found["annotations_creators"] == ["machine-generated"]
    assert found["size_categories"] == ["1K<n<10K"]  # 40 runs of 60 rows
    assert found["task_categories"] == ["time-series-forecasting"]
    assert "configs" not in found  # no loader opens shards as they are


def test_the_head_leads_to_every_exported_file(full: Path) -> None:
    (config,) = head(full)["configs"]
    assert config["config_name"] == "windows"
    assert {each["split"]: (full / each["path"]).is_file() for each in config["data_files"]} == dict.fromkeys(
        load(full).splits, True
    )


@pytest.mark.parametrize(
    ("rows", "category"), [(999, "n<1K"), (1000, "1K<n<10K"), (10**7, "10M<n<100M"), (10**15, "n>1T")]
)
def test_sizes_are_grouped_by_tens(tiny: Path, rows: int, category: str) -> None:
    text = card._head(tiny, structs.replace(load(tiny), runs=1, rows=rows))
    assert yaml.safe_load(text.split("---\n")[1])["size_categories"] == [category]


def test_a_license_that_hugging_face_has_no_name_for_keeps_its_own(tiny: Path, tmp_path: Path) -> None:
    folder = changed(tiny, tmp_path, '"license": "CC-BY-4.0"', '"license": "LicenseRef-Ours"')
    card.run(folder, False)
    assert (head(folder)["license"], head(folder)["license_name"]) == ("other", "licenseref-ours")


def test_the_card_counts_classes_of_splits(bare: Path) -> None:
    said = load(bare)
    for split, counts in said.counts.items():
        row = " | ".join(map(str, [split, sum(counts.values()), *counts.values()]))
        assert f"| {row} |" in body(bare)


def test_the_card_says_what_the_specification_declares(bare: Path) -> None:
    text = body(bare)
    assert "| 3 | lower_leak | A hole in the lower tank. | lower.leak |" in text
    assert "exponential, 20 to 40 s" in text
    assert "| 2 | offset | offset | level | 0.02 to 0.04 m |" in text
    assert "| level | m | 0.001 |" in text  # the plant's noise of 1 mm
    assert "missing with probability 0.01" in text
    assert re.search(r"\d+ of \d+ parameters of the equipment of two_tanks are declared as guesses", text)
    assert load(bare).identity in text


def test_the_cards_code_runs(full: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(full)
    blocks = [block for block in BLOCK.findall(body(full)) if "from datasets" not in block]
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == ["160 (60, 2) healthy", "(60, 2) ['pump', 'level']"]


def test_the_command_of_the_card_makes_the_same_data_set(bare: Path, tmp_path: Path) -> None:
    words = next(line for line in body(bare).splitlines() if line.startswith("twin dataset make")).split()
    options = dict(zip(words[4::2], words[5::2], strict=True))
    runs, seed = int(options["--runs"]), int(options["--seed"])
    order = Order(bare / words[3], tmp_path / "again", runs=runs, seed=seed, codec=options["--codec"], workers=1)
    make(order)
    assert load(tmp_path / "again").identity == load(bare).identity


def test_a_card_is_the_same_bytes_each_time(full: Path, tmp_path: Path) -> None:
    before = {name: (full / name).read_bytes() for name in ("README.md", "croissant.json")}
    card.run(full, False)
    assert {name: (full / name).read_bytes() for name in before} == before


def test_a_card_tells_how_real_the_data_is_where_that_was_looked_at(bare: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(bare, folder)
    assert "Not compared with a recording yet" in body(folder)
    (folder / "realism").mkdir()
    found = {"score": 0.8125, "recording": "tanks | 2025", "details": {"level": [1, 2]}}
    (folder / "realism" / "realism.json").write_text(json.dumps(found), encoding="utf-8")
    card.run(folder, False)
    assert "| score | 0.8125 |" in body(folder)
    assert "| recording | tanks \\| 2025 |" in body(folder)
    (folder / "realism" / "realism.json").write_text("[", encoding="utf-8")
    card.run(folder, False)
    assert "Not compared with a recording yet" in body(folder)


def test_a_card_of_what_a_contract_protects_says_what_is_left_out(tiny_spec: Path, tmp_path: Path) -> None:
    (tmp_path / "terms.yaml").write_text(
        "contract: tanks\n"
        "suppliers: [{name: A | B, contact: a@example.com, recordings: [one], parameters: [upper.area]}]\n"
        "purposes: [training]\nlicense: CC-BY-NC-4.0\nretention: 2099-12-31\nforbids: [parameters, plant, truth]\n"
    )
    text = tiny_spec.read_text(encoding="utf-8").replace("runs: 40", "runs: 16")
    (tmp_path / "spec.yaml").write_text(f"{text}\ncontract: terms.yaml\ncontents: []\n", encoding="utf-8")
    make(Order(tmp_path / "spec.yaml", tmp_path / "out", workers=1))
    card.run(tmp_path / "out", False)
    said = body(tmp_path / "out")
    assert "left out: parameters, plant, truth" in said
    assert "to be kept until 2099-12-31" in said
    assert "| A \\| B | a@example.com | one | upper.area |" in said
    assert "How many parameters are guesses isn't told: the data set carries no plant" in said
    assert "Hidden truth is left out" in said
    assert "0.001" not in said  # the noise of the plant's instrument


def test_names_cant_break_out_of_the_card(tiny: Path, tmp_path: Path) -> None:
    nasty = '"about": "a|b\\n---\\n# <script>"'
    folder = changed(tiny, tmp_path, '"about": "Two tanks with a leak or a blocked outlet; forty short runs."', nasty)
    card.run(folder, False)
    assert "a\\|b --- # &lt;script>" in body(folder)


def test_a_codecs_name_cant_become_code(tiny: Path, tmp_path: Path) -> None:
    folder = changed(tiny, tmp_path, '"codec": "gzip"', '"codec": "gzip\\n```\\n# out"')
    with pytest.raises(DataError, match="its codec is none of"):
        card.run(folder, False)


def test_there_is_no_card_of_an_unfinished_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="writes one when it ends"):
        card.run(tmp_path, False)
    assert list(tmp_path.iterdir()) == []


def changed(tiny: Path, folder: Path, old: str, new: str) -> Path:
    """Return a copy of the data set with something else in its manifest."""
    copy = folder / "copy"
    shutil.copytree(tiny, copy)
    text = (copy / MANIFEST).read_text(encoding="utf-8")
    assert old in text
    (copy / MANIFEST).write_text(text.replace(old, new, 1), encoding="utf-8")
    return copy
