"""What people do in the view: an action is recorded, handed to the twin's service, and answered in words."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, TypeVar

import msgspec
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from msgspec import Meta, Struct

from twin.errors import TwinError
from twin.history.reader import History
from twin.monitor import texts
from twin.monitor.life import Change
from twin.service import NEEDS_TEXT, NEEDS_TIME, Action, Client, Kind, Role, refusal
from viz.accounts import may
from viz.api import BASE
from viz.asker import Asker, asker
from viz.audit import Audit, What
from viz.feed import Feed
from viz.words import Language, language_of, word

T = TypeVar("T")
LONGEST_TEXT = 500
"""Characters of a reason or a comment."""
PATIENCE = 10.0
"""How long the twin may take to say what it made of an action [s]; it goes on without us."""
LOOK = 0.1
"""How often is looked whether it has [s]."""
ROLES: dict[str, Role] = {"operator": "operator", "engineer": "engineer"}
"""As which role of the service an account acts; a viewer does nothing."""
_log = logging.getLogger("viz")


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    """What the browser asks to be done; `id` is the same when it asks again, and it is done once."""

    kind: Kind
    target: Annotated[str, Meta(max_length=256)]
    id: Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
    minutes: float | None = None
    text: Annotated[str, Meta(max_length=2000)] = ""
    lang: str = "en"


class Said(Struct, frozen=True):
    """What became of it, in words, and whether it was done: yes, no, or not known yet."""

    said: str
    done: bool | None


class Acts:
    """The route for actions.

    Parameters
    ----------
    feed : Feed
    audit : Audit
        Where an action is recorded before it is done.
    """

    def __init__(self, feed: Feed, audit: Audit) -> None:
        self._feed, self._audit = feed, audit
        self._threads = ThreadPoolExecutor(8, "act")
        self._decode = msgspec.json.Decoder(Asked).decode

    def router(self) -> APIRouter:
        """Return the route."""
        found = APIRouter(prefix=BASE)
        found.post("/act")(self.act)
        return found

    async def act(self, request: Request) -> Response:
        """Do what is asked, and say what became of it."""
        try:
            asked = self._decode(await request.body())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            raise HTTPException(400, f"no action: {str(err)[:200]}; send kind, target, id, minutes, text") from None
        language, who = language_of(asked.lang), asker()
        said, entry = await self._apart(lambda: self._noted(asked, who, language))
        if entry is not None:
            said = await self._came_of(asked, who, entry, language)
        return Response(msgspec.json.encode(said), media_type="application/json")

    async def _apart(self, work: Callable[[], T]) -> T:
        """Do what may take long in threads of our own: a service that hangs is not to hold up the pages."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _noted(self, asked: Asked, who: Asker, language: Language) -> tuple[Said, int | None]:
        """Hand an action over where it may be done and is whole; return its entry of the journal."""
        if not may(who.account, asked.kind):
            self._record("refused", asked, who, "the role may not")
            return Said(word("may_not", language, who.account.role), done=False), None
        text = asked.text.strip() if asked.kind in NEEDS_TEXT else ""
        minutes = asked.minutes or 0.0 if asked.kind in NEEDS_TIME else 0.0
        if wrong := self._wrong(asked.kind, text, minutes, language):
            return Said(wrong, done=False), None
        action = Action(
            asked.kind, who.account.name, ROLES[who.account.role], asked.target, minutes, text, asked.id
        )  # fmt: skip
        if refused := refusal(action):
            return Said(word("not_noted", language, refused), done=False), None
        try:
            self._audit.write("action", target=f"{asked.kind} {asked.target}", outcome="asked", **_about(who))
        except TwinError as err:
            return Said(word("not_noted", language, err), done=False), None
        try:
            with Client(self._feed.folder) as client:
                return Said("", done=None), client.act(action)
        except TwinError as err:
            self._record("refused", asked, who, str(err))
            ended = self._feed.seen.state == "ended"
            return Said(word("nobody_notes", language) if ended else word("not_noted", language, err), done=False), None

    def _wrong(self, kind: Kind, text: str, minutes: float, language: Language) -> str:
        """Return in words what has to be written first; nothing where all is there."""
        if kind in NEEDS_TEXT and not text:
            return word("say_why", language)
        if not text.isprintable() or len(text) > LONGEST_TEXT:
            return word("one_line", language, LONGEST_TEXT)
        if kind in NEEDS_TIME and not minutes > 0.0:
            return word("say_how_long", language)
        longest = float(self._feed.seen.status.get("longest_shelf_s", math.inf)) / 60.0
        return word("too_long", language, f"{longest:.0f}") if minutes > longest else ""

    async def _came_of(self, asked: Asked, who: Asker, entry: int, language: Language) -> Said:
        """Return in words what the twin made of an action; that it is noted where it doesn't say soon."""
        deadline = time.monotonic() + PATIENCE
        changes: list[Change] = []
        while not changes and time.monotonic() < deadline and not self._feed.closed:
            changes = await self._apart(lambda: self._changes(entry))
            await asyncio.sleep(0.0 if changes else LOOK)
        if not changes:
            return Said(word("noted", language), done=None)
        refused = next((c.cause for c in changes if c.cause.startswith("refused_")), "")
        if refused:
            await self._apart(lambda: self._record("refused", asked, who, refused))
            return Said(texts.word("causes", refused, language), done=False)
        done = word("comment_do" if asked.kind == "comment" else asked.kind, language)
        return Said(word("done", language, done), done=True)

    def _changes(self, entry: int) -> list[Change]:
        try:
            with History(self._feed.folder) as history:
                return history.changes(entry)
        except TwinError:
            return []  # the action is in the journal all the same

    def _record(self, what: What, asked: Asked, who: Asker, outcome: str) -> None:
        """Record what became of an action; where that can't be, it is told at least."""
        try:
            self._audit.write(what, target=f"{asked.kind} {asked.target}", outcome=outcome, **_about(who))
        except TwinError as err:
            _log.error("%s (%s %s: %s)", err, asked.kind, asked.target, outcome)


def _about(who: Asker) -> dict[str, str]:
    return {"who": who.account.name, "role": who.account.role, "address": who.address}
