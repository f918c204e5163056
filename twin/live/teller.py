"""Tells a person at a terminal what a running twin says, from its history, as it comes."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from twin.documents import Advisory
from twin.errors import DataError
from twin.history.reader import History
from twin.monitor import texts
from twin.monitor.life import Change

NEW = ("raised", "renamed")
"""Causes of changes that say something new, which is told whole."""


class Teller:
    """Follows the history of a data folder; times are the plant's.

    Parameters
    ----------
    say : callable
        Told each line.
    anew : bool
        Whether what was said before is left out.
    """

    def __init__(self, folder: Path, language: str, say: Callable[[str], None], *, anew: bool = False) -> None:
        self.folder, self.language, self.say = folder, language, say
        self._zone: tzinfo = UTC
        self._seen = len(self._read()[0]) if anew else 0

    def look(self) -> None:
        """Tell what is new."""
        changes, standing = self._read()
        self._seen = min(self._seen, len(changes))  # history was begun anew
        for change in changes[self._seen :]:
            self._tell(change, standing.get(change.advisory))
        self._seen = len(changes)

    def _read(self) -> tuple[list[Change], dict[str, Advisory]]:
        try:
            with History(self.folder) as history:
                self._zone = history.zone()
                changes = history.changes()
                return changes, {advisory.id: advisory for advisory in history.standing()}
        except DataError:
            return [], {}  # there is none yet, or none for the moment

    def _tell(self, change: Change, advisory: Advisory | None) -> None:
        """Say a transition, with the whole text where something new is told."""
        when = datetime.fromtimestamp(change.time, self._zone).strftime("%H:%M:%S")
        self.say(f"{when} {texts.said(change, self.language)}")
        if advisory is not None and change.cause in NEW:
            for line in texts.text(advisory.code, advisory.values, self.language, now=change.time, zone=self._zone):
                self.say(f"    {line}")
