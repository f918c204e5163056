"""What was found in readings and what was changed: how often, first, last, and the first few of each."""

from typing import Any, Literal, NamedTuple

import numpy as np

from twin.clean.block import BAD, NEVER, UNCERTAIN

Cause = Literal[
    "quality_mapped",
    "quality_unknown",
    "not_a_number",
    "duplicate",
    "conflict",
    "late",
    "unknown_code",
    "not_a_count",
    "rollover",
    "reset",
    "jump",
    "recalibrated",
    "extrapolated",
    "range",
    "stuck",
    "spike",
    "gap",
    "missed",
    "unbridged",
]

CAUSES: dict[Cause, tuple[str, str]] = {
    "quality_mapped": ("status taken from the source's own code", "출처의 품질 코드를 상태 코드로 바꿈"),
    "quality_unknown": ("status code that is not explained: Bad", "설명되지 않은 품질 코드: Bad로 표시"),
    "not_a_number": ("no finite number: Bad", "유한한 수가 아님(NaN/Inf): Bad로 표시"),
    "duplicate": ("same instant, same value: left out", "같은 시각 같은 값: 뺌"),
    "conflict": ("same instant, other value: the later one is Bad", "같은 시각 다른 값: 나중 값을 Bad로 표시"),
    "late": ("older than one before: passed on in order of arrival", "앞선 값보다 오래된 시각: 도착 순서대로 넘김"),
    "unknown_code": ("mode number without a meaning: Bad", "정의되지 않은 모드 번호: Bad로 표시"),
    "not_a_count": ("below 0 or not below the modulus: Bad", "0 미만이거나 최대값 이상인 계수: Bad로 표시"),
    "rollover": ("counter rolled over: the total goes on", "계수기가 한 바퀴 돎: 누계를 이어 감"),
    "reset": ("counter was reset: the total goes on, Uncertain", "계수기 초기화: 누계를 잇고 Uncertain으로 표시"),
    "jump": ("counter stepped further than it can: Uncertain", "계수기가 허용보다 크게 뜀: Uncertain으로 표시"),
    "recalibrated": ("first reading under another calibration", "다른 교정이 적용된 첫 값"),
    "extrapolated": ("beyond the calibration's points: Uncertain", "교정점 밖의 값: Uncertain으로 표시"),
    "range": ("outside its range: flagged, value kept", "범위를 벗어남: 표시만 하고 값은 그대로 둠"),
    "stuck": ("stands still: flagged, value kept", "값이 멈춤: 표시만 하고 값은 그대로 둠"),
    "spike": ("spike: flagged, value kept", "튀는 값: 표시만 하고 값은 그대로 둠"),
    "gap": ("came after a long silence (seconds shown)", "긴 공백 뒤의 값(예시는 초)"),
    "missed": ("came too late for the grid: left out", "정렬 격자에 늦게 도착: 뺌"),
    "unbridged": ("silence too long to bridge on the grid", "정렬로 잇기에는 너무 긴 공백"),
}
"""What may be found, in English and in Korean."""

EXAMPLES = 3

_INDEX = {cause: number for number, cause in enumerate(CAUSES)}


class Finding(NamedTuple):
    """What was found of one kind in one tag; times in microseconds UTC, examples are times and raw values."""

    tag: str
    cause: Cause
    times: int
    first: int
    last: int
    examples: tuple[tuple[int, float], ...]


class Total(NamedTuple):
    """How many readings of a tag came in, went out, and with which severity."""

    tag: str
    arrived: int
    good: int
    uncertain: int
    bad: int


class Tally:
    """Counts of everything found, by tag and cause; arrays only, so that it can be part of a snapshot."""

    def __init__(self, tags: tuple[str, ...]) -> None:
        self._tags = tags
        shape = len(tags), len(CAUSES)
        self._arrays = {
            "arrived": np.zeros(len(tags), np.int64),
            "left": np.zeros((len(tags), 3), np.int64),
            "count": np.zeros(shape, np.int64),
            "first": np.full(shape, np.iinfo(np.int64).max),
            "last": np.full(shape, NEVER),
            "example_time": np.zeros((*shape, EXAMPLES), np.int64),
            "example_value": np.zeros((*shape, EXAMPLES)),
        }

    def arrive(self, tag: np.ndarray) -> None:
        """Count readings as they come."""
        self._arrays["arrived"] += np.bincount(tag, minlength=len(self._tags))

    def leave(self, tag: np.ndarray, quality: np.ndarray) -> None:
        """Count readings as they go on, by severity."""
        severity = np.minimum(quality >> 30, 2).astype(np.intp)
        counts = np.bincount(3 * tag + severity, minlength=3 * len(self._tags))
        self._arrays["left"] += counts.reshape(-1, 3)

    def found(self, cause: Cause, tag: np.ndarray, time: np.ndarray, value: np.ndarray) -> None:
        """Count what was found; the readings of each tag in order of arrival."""
        if not tag.size:
            return
        column, arrays = _INDEX[cause], self._arrays
        stored = {int(number): int(arrays["count"][number, column]) for number in np.unique(tag)}
        for row in np.flatnonzero(arrays["count"][tag, column] < EXAMPLES):
            number = int(tag[row])
            if (at := stored[number]) < EXAMPLES:
                stored[number] = at + 1
                arrays["example_time"][number, column, at] = time[row]
                arrays["example_value"][number, column, at] = value[row]
        np.add.at(arrays["count"][:, column], tag, 1)
        np.minimum.at(arrays["first"][:, column], tag, time)
        np.maximum.at(arrays["last"][:, column], tag, time)

    def findings(self) -> tuple[Finding, ...]:
        """Return all that was found, tag by tag."""
        arrays, causes = self._arrays, tuple(CAUSES)
        return tuple(
            Finding(
                self._tags[tag],
                causes[column],
                (times := int(arrays["count"][tag, column])),
                int(arrays["first"][tag, column]),
                int(arrays["last"][tag, column]),
                tuple(
                    (int(arrays["example_time"][tag, column, n]), float(arrays["example_value"][tag, column, n]))
                    for n in range(min(times, EXAMPLES))
                ),
            )
            for tag, column in zip(*np.nonzero(arrays["count"]), strict=True)
        )

    def totals(self) -> tuple[Total, ...]:
        """Return how many readings each tag had."""
        rows = zip(self._tags, self._arrays["arrived"], self._arrays["left"], strict=True)
        return tuple(Total(tag, int(arrived), *map(int, left)) for tag, arrived, left in rows)

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of all arrays."""
        return {name: array.copy() for name, array in self._arrays.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        for name, array in self._arrays.items():
            array[...] = state[name]


def severity(quality: int) -> str:
    """Return the first word of a status code's meaning."""
    return "bad" if quality >= BAD else "uncertain" if quality >= UNCERTAIN else "good"
