"""What every shipped asset declares is there in Korean, and none of it translates words that are gone."""

import re

import pytest

from twin.declare import Asset, Fault, Input, Output, Param, State
from twin.monitor.book import pages


@pytest.fixture(autouse=True)
def shipped(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--assets"):
        pytest.skip("a folder of one's own needs no Korean")


def test_every_fault_says_in_korean_what_it_is_and_what_to_do(cls: type[Asset]) -> None:
    page = pages()[cls.__name__]
    assert page.faults.keys() == cls.roles[Fault].keys()
    for name, fault in cls.roles[Fault].items():
        assert isinstance(fault, Fault)
        translated = page.faults[name]
        assert (translated.doc.english, translated.respond.english) == (fault.doc, fault.respond), f"{name}: is stale"
        assert translated.respond.korean.endswith(("십시오.", "시오.")), f"{name}: is no instruction"


def test_every_quantity_that_can_be_told_has_its_korean(cls: type[Asset]) -> None:
    page = pages()[cls.__name__]
    declared = {n: q.doc for role in (Param, State, Input, Output) for n, q in cls.roles[role].items()}
    assert {name: phrase.english for name, phrase in page.quantities.items()} == declared


def test_translations_are_korean_and_no_two_faults_of_an_asset_read_the_same(cls: type[Asset]) -> None:
    page = pages()[cls.__name__]
    written = [page.name.korean, *(phrase.korean for phrase in page.quantities.values())]
    for fault in page.faults.values():
        written += [fault.name, fault.doc.korean, fault.respond.korean]
    strange = [text for text in written if not re.search("[가-힣]", text) or re.search(r"[{}\n]|^\s|\s$", text)]
    assert strange == []
    read = [fault.name for fault in page.faults.values()]
    assert len(set(read)) == len(read)
