"""The catalogue: which assets there are, and words for those that aren't."""

import subprocess
import sys
from pathlib import Path

import pytest

from twin.catalogue import find, names, path_of
from twin.errors import DeclarationError, PlantError

LAMP = '''"""Lamp."""

from twin.declare import Asset, Input, Output, physics


class Lamp(Asset):
    """Lamp. Valid when lit."""

    power = Input("W", "electrical power")
    light = Output("W", "radiant power")

    @physics
    def shining(power):
        light = 0.9 * power
        return light
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lamp.py").write_text(LAMP, encoding="utf-8")
    return tmp_path


def test_every_file_of_assets_is_found_under_its_stem(repository: Path) -> None:
    stems = {file.stem for file in (repository / "assets").glob("[a-z]*.py")}
    assert set(names()) == stems
    assert {path_of(name).parent for name in names()} == {repository / "assets"}


def test_the_same_class_is_found_again() -> None:
    assert find("thermal_chamber") is find("thermal_chamber")
    assert find("thermal_chamber").__name__ == "ThermalChamber"


def test_an_unknown_asset_is_answered_with_its_neighbours() -> None:
    with pytest.raises(PlantError) as refused:
        find("thermal_chambre")
    assert str(refused.value).startswith("no asset 'thermal_chambre'; did you mean 'thermal_chamber'")


def test_a_folder_of_files_adds_its_assets(folder: Path) -> None:
    assert set(names(folder)) == {*names(), "lamp"}
    assert list(find("lamp", folder).outputs) == ["shining"]
    assert find("lamp", folder) is find("lamp", folder)
    assert "lamp" not in names()


def test_two_folders_may_hold_the_same_stem(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "lamp.py").write_text(LAMP.replace("0.9", "0.5"), encoding="utf-8")
    assert find("lamp", folder) is not find("lamp", other)
    assert (find("lamp", folder).shining(1.0), find("lamp", other).shining(1.0)) == (0.9, 0.5)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlantError, match="no such folder of asset files"):
        names(tmp_path / "nowhere")


def test_a_stem_that_is_taken_is_refused(folder: Path) -> None:
    (folder / "thermal_chamber.py").write_text(LAMP, encoding="utf-8")
    with pytest.raises(PlantError, match=r"thermal_chamber.py: asset 'thermal_chamber' is declared in .* too; rename"):
        find("lamp", folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def lamp(:", "lamp.py: SyntaxError: "),
        ("import nowhere_to_be_found", "lamp.py: ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        (
            LAMP.replace("power)", "light_)").replace("* power", "* light_"),
            "lamp.py: Lamp.shining: no quantity 'light_'; did",
        ),
        ('"""Nothing here."""', "lamp.py: declares 0 assets; one file declares one"),
        (LAMP + LAMP.replace("class Lamp", "class Torch"), "lamp.py: declares 2 assets; one file declares one"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(folder: Path, text: str, message: str) -> None:
    (folder / "lamp.py").write_text(text, encoding="utf-8")
    with pytest.raises(DeclarationError) as refused:
        find("lamp", folder)
    assert str(refused.value).startswith(f"{folder / message}")


def test_a_foreign_package_called_assets_is_reported_with_its_path(tmp_path: Path, repository: Path) -> None:
    foreign = tmp_path / "assets"
    foreign.mkdir()
    (foreign / "__init__.py").write_text("", encoding="utf-8")
    script = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(repository)!r}]\nimport twin.catalogue as c; c.names()"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (
        f"DeclarationError: a foreign package 'assets' at {foreign} hides {repository / 'assets'}"
        in run.stderr.replace("twin.errors.", "")
    )
