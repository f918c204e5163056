"""Korean particles: by the last sound of names, numbers, units and English words."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import TwinError
from twin.monitor.particles import PAIRS, ending, with_particle

TABLE = [  # 은/는, 이/가, 을/를, 과/와, 으로/로, as a Korean reads them aloud
    ("펌프", "는 가 를 와 로"),
    ("베어링", "은 이 을 과 으로"),
    ("누설", "은 이 을 과 로"),  # after ㄹ 으로 is 로
    ("막힘", "은 이 을 과 으로"),
    ("TI-101", "은 이 을 과 로"),  # 일
    ("TI-102", "는 가 를 와 로"),  # 이
    ("TI-103", "은 이 을 과 으로"),  # 삼
    ("TI-104", "는 가 를 와 로"),  # 사
    ("TI-105", "는 가 를 와 로"),  # 오
    ("TI-106", "은 이 을 과 으로"),  # 육
    ("TI-107", "은 이 을 과 로"),  # 칠
    ("TI-108", "은 이 을 과 로"),  # 팔
    ("TI-109", "는 가 를 와 로"),  # 구
    ("TI-110", "은 이 을 과 으로"),  # 십, 영, 공
    ("pump_1", "은 이 을 과 로"),
    ("PLC", "는 가 를 와 로"),  # 씨
    ("SCR", "은 이 을 과 로"),  # 알
    ("HTML", "은 이 을 과 로"),  # 엘
    ("RPM", "은 이 을 과 으로"),  # 엠
    ("LAN", "은 이 을 과 으로"),  # 엔, 랜
    ("펌프 A", "는 가 를 와 로"),  # 에이
    ("tank", "는 가 를 와 로"),  # 탱크
    ("pump", "는 가 를 와 로"),  # 펌프
    ("valve", "는 가 를 와 로"),  # 밸브
    ("motor", "는 가 를 와 로"),  # 모터
    ("exchanger", "는 가 를 와 로"),
    ("spindle", "은 이 을 과 로"),  # 스핀들
    ("machine", "은 이 을 과 으로"),  # 머신
    ("heating", "은 이 을 과 으로"),  # 히팅
    ("38.2 °C", "는 가 를 와 로"),  # 도
    ("4 bar", "는 가 를 와 로"),
    ("4 kPa", "은 이 을 과 로"),  # 킬로파스칼
    ("293 K", "은 이 을 과 으로"),  # 켈빈
    ("1450 rpm", "은 이 을 과 으로"),  # 알피엠
    ("12 l/s", "는 가 를 와 로"),  # 리터, 초: either may come last
    ("83%", "는 가 를 와 로"),  # 퍼센트
    ("3", "은 이 을 과 으로"),
    ("누설(41%)", "은 이 을 과 로"),  # what is in brackets isn't heard
    ("베어링 온도(T_b)", "는 가 를 와 로"),
    ("속도(w(rms))", "는 가 를 와 로"),
    ("'마모'", "는 가 를 와 로"),
]
UNKNOWN = ["top", "블랙 box top", "12 m³/h", "ß", "Ж", "", "(", "온도 →"]


@pytest.mark.parametrize(("word", "particles"), TABLE)
def test_the_particle_fits_the_last_sound(word: str, particles: str) -> None:
    want = [word + particle for particle in particles.split()]
    assert [with_particle(word, form) for form in ("은", "이", "을", "과", "으로")] == want


@pytest.mark.parametrize("word", UNKNOWN)
def test_both_forms_are_written_where_the_sound_is_not_known(word: str) -> None:
    assert with_particle(word, "은") == f"{word}은(는)"
    assert with_particle(word, "으로") == f"{word}(으)로"


def test_letters_written_apart_sound_the_same() -> None:
    assert ending(unicodedata.normalize("NFD", "누설")) == ending("누설") == "ㄹ"


def test_an_unknown_particle_is_refused() -> None:
    with pytest.raises(TwinError, match="no particle '에서'"):
        with_particle("펌프", "에서")


@given(st.text(), st.sampled_from(sorted(PAIRS)))
def test_a_word_is_never_changed(word: str, form: str) -> None:
    got = with_particle(word, form)
    assert got.removeprefix(word) in PAIRS[form]
