"""The documents name commands, options and files that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from twin.cli import twin

DOCUMENTS = sorted(
    path for folder in (".", "docs", "docs/decisions") for path in (Path(__file__).parents[2] / folder).glob("*.md")
)
FENCED = re.compile(r"^```.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^(?: {4}|\t)(.+)$", re.MULTILINE)
INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
OURS = re.compile(r"(?<![\w/])(?:twin|assets|scenarios|docs|examples|benchmarks|tests|viz)/[\w./*-]*[\w*]\.\w+")
RUN = re.compile(r"(?:^|/)twin ([a-z]+(?: .*)?)$")

each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)


def code(text: str) -> Iterator[str]:
    """Yield every piece of code of a document, a line each, without remarks."""
    for block in FENCED.findall(text):
        yield from (line.partition("  #")[0].rstrip() for line in block.replace("\\\n", " ").splitlines())
    prose = FENCED.sub("", text)
    yield from (line.partition("  #")[0].rstrip() for line in INDENTED.findall(prose))
    yield from (" ".join(span.split()) for span in INLINE.findall(prose))


def commands(text: str) -> Iterator[tuple[str, click.Command, list[str]]]:
    """Yield every `twin ...` of a document: as it stands there, the command that it means, and the words behind."""
    for line in code(text):
        found = RUN.search(line)
        if not found:
            continue
        name, *words = found[1].split()
        assert name in twin.list_commands(click.Context(twin)), f"{line}: there is no command {name!r}"
        command = twin.get_command(click.Context(twin), name)  # type: ignore[attr-defined]
        assert command is not None
        if isinstance(command, click.Group) and words:
            for inner in words[0].split("|"):
                assert inner in command.commands, f"{line}: there is no command {name} {inner}"
                yield line, command.commands[inner], words[1:]
        else:
            yield line, command, words


@each_document
def test_every_command_and_option_that_a_document_names_exists(path: Path) -> None:
    for line, command, words in commands(path.read_text(encoding="utf-8")):
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        given = {word.partition("=")[0].strip("[],") for word in words if word.startswith("--")}
        assert given <= {*known, "--help"}, line


def test_the_readme_names_every_step_from_a_file_to_a_live_twin(repository: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    named = [line.split()[1] for line, _, _ in commands(text)]
    steps = ("init", "check", "clean", "observe", "live", "replay")
    assert [name for name in dict.fromkeys(named) if name in steps] == sorted(steps, key=steps.index)


@each_document
def test_a_document_names_no_missing_file(path: Path, repository: Path) -> None:
    text = path.read_text(encoding="utf-8")
    missing = [link for link in LINK.findall(text) if "://" not in link and not reached(path, link)]
    named = {found for line in code(text) for found in OURS.findall(line)}
    assert missing == []
    patterns = [re.sub("[A-Z]{3,}", "*", name) for name in sorted(named)]  # PLANT stands for any
    assert [pattern for pattern in patterns if not list(repository.glob(pattern))] == []


def test_make_bench_runs_scripts_that_exist(repository: Path) -> None:
    text = (repository / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    told = re.search(r"^SCRIPTS := (.+)$", text, re.MULTILINE)
    assert told
    assert [name for name in told[1].split() if not (repository / "benchmarks" / f"{name}.py").is_file()] == []


def reached(path: Path, link: str) -> bool:
    """Return whether a link of a document leads to a file, and to a heading of it."""
    name, _, anchor = link.partition("#")
    target = path.parent / name if name else path
    if not anchor or not target.is_file():
        return target.exists()
    heads = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
    return anchor in {re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-") for head in heads}
