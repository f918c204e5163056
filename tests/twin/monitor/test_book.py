"""Where the Korean of an asset package comes from, and what is refused."""

from pathlib import Path

import pytest

from twin.errors import DeclarationError, PlantError
from twin.monitor import book
from twin.monitor.book import english_name, in_korean, pages, read_pages

FAN = """
Fan:
  name: [fan, 송풍기]
  faults:
    dirt: {name: 오염, en: lost to dirt, ko: 오염으로 상실, respond: [Clean it., 청소하십시오.]}
"""


def test_a_package_brings_its_own_translations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "korean.yaml").write_text(FAN, encoding="utf-8")
    shipped = book.folders()
    monkeypatch.setattr(book, "folders", lambda: (*shipped, tmp_path))
    pages.cache_clear()
    try:
        assert in_korean("Fan", "respond", "dirt", "Clean it.") == "청소하십시오."
        assert in_korean("Fan", "respond", "dirt", "Wash it.") == ""
        assert in_korean("CentrifugalPump", "name", "", "") == "원심 펌프"
        assert english_name("Fan") == "fan"
        assert english_name("OtherFan") == "other fan"
        monkeypatch.setattr(book, "folders", lambda: (tmp_path, tmp_path))
        pages.cache_clear()
        with pytest.raises(DeclarationError, match="Fan: translated in another package too"):
            pages()
    finally:
        pages.cache_clear()


@pytest.mark.parametrize(
    ("old", "new"),
    [("en: lost to dirt, ", ""), ("[Clean it., 청소하십시오.]", "[Clean it.]"), ("  faults:", "  fault:")],
)
def test_an_incomplete_translation_is_refused(tmp_path: Path, old: str, new: str) -> None:
    file = tmp_path / "korean.yaml"
    file.write_text(FAN.replace(old, new), encoding="utf-8")
    with pytest.raises(DeclarationError, match="incomplete near"):
        read_pages(file)


def test_a_file_that_is_no_mapping_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "korean.yaml"
    file.write_text("- 송풍기\n", encoding="utf-8")
    with pytest.raises(PlantError, match=r"korean\.yaml:1"):
        read_pages(file)
