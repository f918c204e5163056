"""What was changed on the way from a file to readings, and why: as text in English or Korean, and as plain data."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from twin.clean.cleaner import Cleaner
from twin.clean.names import plain
from twin.clean.notes import TROUBLES, Count, Notes
from twin.clean.tally import CAUSES, Finding, Total

Language = Literal["en", "ko"]

_WORDS = {
    "of": ("recording", "기록"),
    "file": ("the file", "파일"),
    "lines": ("lines and cells", "줄과 칸"),
    "readings": ("readings", "값"),
    "found": ("found in readings", "값에서 찾은 것"),
    "nothing": ("nothing", "없음"),
    "times": ("times", "회"),
    "line": ("line", "줄"),
    "units": ("units", "단위"),
    "first": ("first", "처음"),
    "last": ("last", "마지막"),
    "tag": ("tag", "태그"),
    "arrived": ("in", "입력"),
    "good": ("good", "양호"),
    "uncertain": ("uncertain", "불확실"),
    "bad": ("bad", "불량"),
}
_FACTS = {
    "file": "파일",
    "type": "형식",
    "encoding": "인코딩",
    "separator": "구분자",
    "decimal sign": "소수점",
    "thousands": "천 단위 구분자",
    "header": "머리글",
    "columns not used": "쓰지 않은 열",
    "rows": "행",
    "sheet": "시트",
    "group": "그룹",
}


class Conversion(NamedTuple):
    """The unit a tag's readings came in, and the one they went on in."""

    tag: str
    unit: str
    si: str


class Report(NamedTuple):
    """Everything that was decided, left out, flagged or converted; what isn't listed is as it was."""

    recording: str
    facts: dict[str, str]
    lines: tuple[Count, ...]
    conversions: tuple[Conversion, ...]
    totals: tuple[Total, ...]
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, recording: str, notes: Notes, engine: Cleaner) -> "Report":
        """Return the report of a file that has been read, and of the engine that took its readings."""
        totals = tuple(total for total in engine.tally.totals() if total.arrived)
        heard = {total.tag for total in totals}
        conversions = tuple(Conversion(*row) for row in engine.conversions() if row[0] in heard)
        return cls(recording, dict(notes.facts), notes.counts(), conversions, totals, engine.tally.findings())

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, with a sentence beside every kind of finding."""
        return {
            "recording": self.recording,
            "facts": self.facts,
            "lines": [
                {
                    "found": count.trouble,
                    "means": TROUBLES[count.trouble][0],
                    "at": count.place,
                    "times": count.times,
                    "examples": [example._asdict() for example in count.examples],
                }
                for count in self.lines
            ],
            "conversions": [conversion._asdict() for conversion in self.conversions],
            "totals": [total._asdict() for total in self.totals],
            "findings": [
                {
                    "tag": finding.tag,
                    "found": finding.cause,
                    "means": CAUSES[finding.cause][0],
                    "times": finding.times,
                    "first": written(finding.first),
                    "last": written(finding.last),
                    "examples": [{"time": written(time), "value": value} for time, value in finding.examples],
                }
                for finding in self.findings
            ],
        }

    def text(self, language: Language = "en") -> str:
        """Return lines for people."""
        at = 0 if language == "en" else 1
        word = {key: both[at] for key, both in _WORDS.items()}
        out = [f"{word['of']}: {plain(self.recording)}", f"{word['file']}:"]
        out += [f"  {name if not at else _FACTS.get(name, name)}: {plain(said)}" for name, said in self.facts.items()]
        out.append(f"{word['lines']}:")
        out += [self._line(count, at, word) for count in self.lines] or [f"  {word['nothing']}"]
        out.append(f"{word['units']}: " + ", ".join(f"{plain(c.tag)} {c.unit} -> {c.si}" for c in self.conversions))
        out.append(f"{word['readings']}:")
        columns = ("tag", "arrived", "good", "uncertain", "bad")
        rows = [tuple(word[name] for name in columns), *((plain(t.tag), *map(str, t[1:])) for t in self.totals)]
        out += _aligned(rows)
        out.append(f"{word['found']}:")
        out += [self._finding(finding, at, word) for finding in self.findings] or [f"  {word['nothing']}"]
        return "\n".join(out)

    @staticmethod
    def _line(count: Count, at: int, word: dict[str, str]) -> str:
        where = f" [{plain(count.place)}]" if count.place else ""
        seen = "; ".join(f"{word['line']} {e.line}" + (f" {e.said!r}" if e.said else "") for e in count.examples)
        return f"  {count.times} {word['times']}{where}: {TROUBLES[count.trouble][at]}" + (f" ({seen})" if seen else "")

    @staticmethod
    def _finding(finding: Finding, at: int, word: dict[str, str]) -> str:
        seen = "; ".join(f"{written(time)} {value:g}" for time, value in finding.examples)
        return (
            f"  {plain(finding.tag)}: {finding.times} {word['times']}: {CAUSES[finding.cause][at]}, "
            f"{word['first']} {written(finding.first)}, {word['last']} {written(finding.last)} ({seen})"
        )


def written(time: int) -> str:
    """Return an instant [us UTC] as text."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
    return moment.isoformat().replace("+00:00", "Z")


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [f"  {row[0].ljust(widths[0])}  {'  '.join(map(str.rjust, row[1:], widths[1:]))}" for row in rows]
