"""What people do in the view: an action is recorded, handed to the twin's service, and answered in words."""

import math
import time
from asyncio import to_thread
from typing import Annotated

import msgspec
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from msgspec import Meta, Struct

from twin.errors import TwinError
from twin.history.reader import History
from twin.monitor import texts
from twin.monitor.life import Change
from twin.service import NEEDS_TEXT, NEEDS_TIME, Action, Client, Kind, Role
from viz.accounts import may
from viz.api import BASE
from viz.asker import Asker, asker
from viz.audit import Audit
from viz.feed import Feed
from viz.words import Language, language_of, word

PATIENCE = 10.0
"""How long the twin may take to say what it made of an action [s]; it goes on without us."""
LOOK = 0.05
"""How often is looked whether it has [s]."""
ROLES: dict[str, Role] = {"operator": "operator", "engineer": "engineer"}
"""As which role of the service an account acts; a viewer does nothing."""


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
        said = await to_thread(self._done, asked, asker())
        return Response(msgspec.json.encode(said), media_type="application/json")

    def _done(self, asked: Asked, who: Asker) -> Said:
        """Do it where it may be done and is whole, and record it either way."""
        language = language_of(asked.lang)
        about = {"who": who.account.name, "role": who.account.role, "address": who.address}
        said = f"{asked.kind} {asked.target}"
        if not may(who.account, asked.kind):
            self._audit.write("refused", target=said, outcome="the role may not", **about)
            return Said(word("may_not", language, who.account.role), done=False)
        text = asked.text.strip() if asked.kind in NEEDS_TEXT else ""
        minutes = asked.minutes or 0.0 if asked.kind in NEEDS_TIME else 0.0
        if asked.kind in NEEDS_TEXT and not text:
            return Said(word("say_why", language), done=False)
        if asked.kind in NEEDS_TIME and not minutes > 0.0:
            return Said(word("say_how_long", language), done=False)
        longest = float(self._feed.seen.status.get("longest_shelf_s", math.inf)) / 60.0
        if minutes > longest:
            return Said(word("too_long", language, f"{longest:.0f}"), done=False)
        try:
            role = ROLES[who.account.role]
            action = Action(asked.kind, who.account.name, role, asked.target, minutes, text, asked.id)
            self._audit.write("action", target=said, outcome="asked", **about)
            with Client(self._feed.folder) as client:
                entry = client.act(action)
        except TwinError as err:
            self._audit.write("refused", target=said, outcome=str(err), **about)
            return Said(word("not_noted", language, err), done=False)
        return self._told(asked.kind, self._came_of(entry), said, about, language)

    def _told(
        self, kind: Kind, changes: list[Change], said: str, about: dict[str, str], language: Language
    ) -> Said:  # fmt: skip
        """Return in words what the twin made of an action."""
        if not changes:
            return Said(word("noted", language), done=None)
        refused = next((c.cause for c in changes if c.cause.startswith("refused_")), "")
        if refused:
            self._audit.write("refused", target=said, outcome=refused, **about)
            return Said(texts.word("causes", refused, language), done=False)
        return Said(word("done", language, word("comment_do" if kind == "comment" else kind, language)), done=True)

    def _came_of(self, entry: int) -> list[Change]:
        """Return what the twin made of an entry of the journal; nothing where it doesn't say soon."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                with History(self._feed.folder) as history:
                    if changes := history.changes(entry):
                        return changes
            except TwinError:
                return []  # it is in the journal all the same
            time.sleep(LOOK)
        return []
