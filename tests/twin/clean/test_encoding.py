"""Encodings found in bytes."""

import os
from pathlib import Path

import pytest

from twin.clean.encoding import detect, read_yaml
from twin.errors import DataError, PlantError

KOREAN = "시간;온도(도);압력\n2024-01-01;1;2\n"


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        ("a;b\n", "ascii", "utf-8"),
        (KOREAN, "utf-8", "utf-8"),
        (KOREAN, "utf-8-sig", "utf-8-sig"),
        (KOREAN, "cp949", "cp949"),
        (KOREAN, "euc-kr", "cp949"),
        ("똠방각하의 온도와 압력을 기록함;펲시\n", "cp949", "cp949"),
        (KOREAN, "utf-16", "utf-16"),
        ("time;value\n" * 9, "utf-16-le", "utf-16-le"),
        ("time;value\n" * 9, "utf-16-be", "utf-16-be"),
        ("T (°C);Q (m³/h)\n", "cp1252", "cp1252"),
        ("T (°C)\n", "latin-1", "cp1252"),
        ("Temperatur (°C);Größe\n", "cp1252", "cp1252"),
    ],
)
def test_the_encoding_of_a_file_is_found(tmp_path: Path, text: str, encoding: str, found: str) -> None:
    (tmp_path / "f").write_bytes(text.encode(encoding))
    assert detect(tmp_path / "f") == found


def test_bytes_that_turn_up_late_count_too(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"1;2\n" * 1_000_000 + "비고: 펌프 교체\n".encode("cp949"))
    assert detect(tmp_path / "f") == "cp949"


@pytest.mark.parametrize("content", [b"\x80\x81\xff\xfe\n", b"PK\x03\x04\0\0\0\x01\x02", bytes(range(256))])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(DataError):
        detect(tmp_path / "f")


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f")
    with pytest.raises(DataError, match="it is no regular file"):
        detect(tmp_path / "f")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_a_recipe_may_be_written_in_any_of_them(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "r.yaml").write_bytes("about: 온도와 압력  # 설명\n".encode(encoding))
    assert read_yaml(tmp_path / "r.yaml") == {"about": "온도와 압력"}


def test_a_recipe_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes(b"about: \xff\xff\n")
    with pytest.raises(PlantError, match=r"r\.yaml: is neither UTF-8"):
        read_yaml(tmp_path / "r.yaml")
    with pytest.raises(PlantError, match="No such file"):
        read_yaml(tmp_path / "none.yaml")
