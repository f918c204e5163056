"""What was found out about a file while it was read: facts, and lines that were mended or left out."""

from typing import Literal, NamedTuple

Trouble = Literal[
    "preamble",
    "empty_line",
    "repeated_header",
    "units_row",
    "trailing_cell",
    "truncated",
    "ragged",
    "bad_time",
    "disorder",
    "twice",
    "empty",
    "missing",
    "unreadable",
    "unknown_tag",
    "quality_unknown",
]

TROUBLES: dict[Trouble, tuple[str, str]] = {
    "preamble": ("lines before the header: skipped", "머리글 앞의 줄: 건너뜀"),
    "empty_line": ("lines without any value: skipped", "값이 없는 줄: 건너뜀"),
    "repeated_header": ("header repeated: skipped", "반복된 머리글: 건너뜀"),
    "units_row": ("line of units: skipped", "단위 줄: 건너뜀"),
    "trailing_cell": ("separator at the end of the line: ignored", "줄 끝의 구분자: 무시함"),
    "truncated": ("last line is cut off: skipped", "마지막 줄이 잘림: 건너뜀"),
    "ragged": ("too many or too few cells: line skipped", "칸 수가 맞지 않는 줄: 건너뜀"),
    "bad_time": ("time can't be read: line skipped", "시각을 읽을 수 없는 줄: 건너뜀"),
    "disorder": ("older than the line before: put in order of time", "앞줄보다 오래된 시각: 시간순으로 정렬함"),
    "twice": ("local time comes twice: told apart by order of lines", "두 번 오는 현지 시각: 줄 순서로 구별함"),
    "empty": ("empty cell: no reading", "빈 칸: 값 없음"),
    "missing": ("marked as missing: Bad", "결측 표시: Bad로 표시"),
    "unreadable": ("text instead of a number: Bad", "수가 아닌 글자: Bad로 표시"),
    "unknown_tag": ("tag that the recording doesn't name: left out", "기록에 없는 태그: 뺌"),
    "quality_unknown": ("quality that isn't explained: Bad", "설명되지 않은 품질: Bad로 표시"),
}
"""What may be wrong with lines and cells, in English and in Korean."""

EXAMPLES = 3
MOST_KINDS = 10_000
"""Different places that are counted one by one; a hostile file can't fill the memory with names."""


class Example(NamedTuple):
    """A line of the file and what stood there."""

    line: int
    said: str


class Count(NamedTuple):
    """How often something was found at a place (a column, a tag, or nothing), and the first examples."""

    trouble: Trouble
    place: str
    times: int
    examples: tuple[Example, ...]


class Notes:
    """Facts about a file, and counts of what was wrong with it."""

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}
        self._counts: dict[tuple[Trouble, str], int] = {}
        self._examples: dict[tuple[Trouble, str], list[Example]] = {}

    def fact(self, name: str, said: object) -> None:
        """Take note of what was decided about the file."""
        self.facts[name] = str(said)

    def count(self, trouble: Trouble, times: int = 1, *, place: str = "", line: int = 0, said: str = "") -> None:
        """Count something found, with an example."""
        if not times:
            return
        key = trouble, place[:100]
        if key not in self._counts and len(self._counts) >= MOST_KINDS:
            key = trouble, "..."
        self._counts[key] = self._counts.get(key, 0) + times
        examples = self._examples.setdefault(key, [])
        if line and len(examples) < EXAMPLES:
            examples.append(Example(line, said[:60]))

    def counts(self) -> tuple[Count, ...]:
        """Return all that was counted, in the order in which it was first found."""
        return tuple(Count(*key, times, tuple(self._examples[key])) for key, times in self._counts.items())

    def times(self, trouble: Trouble) -> int:
        """Return how often something was found in all."""
        return sum(times for (kind, _), times in self._counts.items() if kind == trouble)
