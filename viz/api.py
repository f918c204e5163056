"""What the browser asks for beside pages: trends, what has come since, the stream, and exports."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from itertools import chain
from typing import Any, Literal, TypeVar
from urllib.parse import unquote

import msgspec
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Scope

from twin.history.plan import Plan
from twin.history.reader import UNREADABLE, History
from viz import export, payload
from viz.feed import Feed, Seen
from viz.words import Language, language_of

T = TypeVar("T")
BASE = "/api/v1"
HEARTBEAT = 15.0
"""How long a stream says nothing at most [s]."""
PACE = 0.05
"""Least time between two events of a stream [s]: no eye sees more."""
LONGEST = 366 * 86400.0
FARTHEST = 2**62
"""Sequence numbers are below [us]."""
MOST_POINTS = 2000
MOST_NAMES = 40
MOST_EVENTS = 100
"""Events that are kept for other browsers that show the same."""

_encode = msgspec.json.Encoder().encode  # writes NaN as null


class Api:
    """Routes over a feed.

    Parameters
    ----------
    feed : Feed
        What has been seen.

    Attributes
    ----------
    known : callable
        Whether who opened a stream may still look; asked as it goes, for a stream may outlast its session.
    exported : callable
        Told what was exported, before it is sent.
    """

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.known: Callable[[Scope], object] = lambda scope: True
        self.exported: Callable[[str], None] = lambda what: None
        self._threads, self._files = ThreadPoolExecutor(2, "trend"), ThreadPoolExecutor(1, "export")
        self._events: dict[tuple[Any, ...], bytes] = {}
        self._number = -1

    def router(self) -> APIRouter:
        """Return the routes."""
        found = APIRouter(prefix=BASE)
        found.get("/trend")(self.trend)
        found.get("/delta")(self.delta)
        found.get("/stream")(self.stream)
        found.get("/export.{kind}")(self.export)
        return found

    async def health(self) -> dict[str, str]:
        """Answer that the view serves, and nothing else: nobody has to log in to ask."""
        return {"view": "serves"}

    async def trend(
        self, asset: str = "", names: str = "", span: float = 300.0, until: float | None = None, points: float = 750.0,
        lang: str = "en", archive: str = "",
    ) -> Response:  # fmt: skip
        """Answer a span of history, or of an archive."""
        most = int(_checked(points, 2, MOST_POINTS, "points"))
        body = await self._apart(
            lambda: _encode(self._trend(archive, asset, names, span, until, most, lang)), self._threads
        )
        return Response(body, media_type="application/json")

    async def _apart(self, work: Callable[[], T], threads: Executor) -> T:
        """Do what takes long beside the streams.

        Few threads of our own: a server's many would each keep the memory of the largest answer that they ever made.
        Exports have one of theirs, so that boards needn't wait for them.
        """
        return await asyncio.get_running_loop().run_in_executor(threads, work)

    def _trend(
        self, archive: str, asset: str, names: str, span: float, until: float | None, points: int, lang: str
    ) -> dict[str, Any]:  # fmt: skip
        span, until, language = _checked(span, 1e-3, LONGEST, "span"), _until(until), language_of(lang)
        try:
            if archive:
                return self._archived(archive, names, language, span, until, points)
            plan = self._plan()
            wanted = self._wanted(plan, asset, names)
            with History(self.feed.folder) as history:
                return payload.trend(
                    history, plan, self.feed.seen, wanted, language, span=span, until=until, points=points
                )
        except UNREADABLE as err:
            raise HTTPException(503, str(err)) from None

    def _archived(
        self, archive: str, names: str, language: Language, span: float, until: float | None, points: int
    ) -> dict[str, Any]:  # fmt: skip
        """Return a span of an archive."""
        from viz.archived import trend  # HDF5 takes memory that a view without archives needn't have

        plan, tags = self.feed.seen.plan, _named(names)
        return trend(self.feed.folder, archive, tags, plan, language, span=span, until=until, points=points)

    async def delta(self, asset: str = "", names: str = "", since: int = 0) -> Response:
        """Answer what has come since."""
        _checked(since, 0, FARTHEST, "since")
        plan = self._plan()
        return Response(
            self._delta(self.feed.seen, plan, asset, names, since, ahead=True), media_type="application/json"
        )

    async def stream(self, request: Request, asset: str = "", names: str = "", since: int = 0) -> StreamingResponse:
        """Send what comes, from `since` or from where the browser's last connection ended."""
        if asset or names:
            self._wanted(self._plan(), asset, names)
        last = request.headers.get("last-event-id", "")
        begin = int(last) if last.isascii() and last.isdecimal() and len(last) < 19 else since
        _checked(begin, 0, FARTHEST, "since")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        said = self._said(asset, names, begin, request.scope)
        return StreamingResponse(said, media_type="text/event-stream", headers=headers)

    async def _said(self, asset: str, names: str, seq: int, scope: Scope) -> AsyncIterator[bytes]:
        """Yield an event whenever something was seen."""
        number, told, asked = 0, -1.0, time.monotonic()
        yield b"retry: 500\n\n"
        while not self.feed.closed:
            seen = await self.feed.changed(number, HEARTBEAT)
            if time.monotonic() - asked > HEARTBEAT:
                asked = time.monotonic()
                if not await asyncio.to_thread(self.known, scope):
                    return
            if seen.number == number:
                yield b": still here\n\n"
                continue
            number = seen.number
            if seen.plan is None:
                nothing = {"since": seq, "seq": seq, "t": [], "columns": {}, "head": None, "trouble": seen.trouble}
                yield b"data: %s\n\n" % _encode({**nothing, "advisories": seen.advisories, "now": 0.0})
                await asyncio.sleep(PACE)
                continue
            look = float((seen.ahead or {}).get("time", -1.0))
            try:
                event = self._event(seen, seen.plan, asset, names, seq, ahead=look != told)
            except HTTPException:
                return  # the plant is another by now: whoever asks again is told so
            seq, told = event[0], look
            yield event[1]
            await asyncio.sleep(PACE)

    def _event(self, seen: Seen, plan: Plan, asset: str, names: str, seq: int, *, ahead: bool) -> tuple[int, bytes]:
        """Return the sequence number that an event reaches, and the event; browsers that show the same share it."""
        if seen.number != self._number or len(self._events) > MOST_EVENTS:
            self._events.clear()
            self._number = seen.number
        key = (asset, names, seq, ahead)
        if key not in self._events:
            self._events[key] = self._delta(seen, plan, asset, names, seq, ahead=ahead)
        body = self._events[key]
        reached = max(seq, round(seen.rows[-1].time * payload.MICRO)) if seen.rows else seq
        return reached, b"id: %d\ndata: %s\n\n" % (reached, body)

    def _delta(self, seen: Seen, plan: Plan, asset: str, names: str, seq: int, *, ahead: bool) -> bytes:
        wanted = self._wanted(plan, asset, names)
        return _encode({**payload.delta(seen, plan, wanted, seq, with_ahead=ahead), "now": seen.now})

    async def export(
        self, kind: Literal["csv", "parquet"], asset: str = "", names: str = "", span: float = 300.0,
        until: float | None = None, lang: str = "en", units: str = "{}", archive: str = "",
    ) -> Response:  # fmt: skip
        """Answer what is on the screen as a file: every instant of the span, in the units shown, in plant time."""
        span, until = _checked(span, 1e-3, LONGEST, "span"), _until(until)
        chosen = _units(units)

        def made() -> tuple[float, bytes]:
            zone = self.feed.seen.plan.zone if self.feed.seen.plan else "UTC"
            write = export.as_csv if kind == "csv" else export.as_parquet
            try:
                with closing(self._slices(archive, asset, names, span, until, lang)) as parts:
                    first = next(parts)
                    body = write(export.table(said, zone, chosen) for said in chain([first], parts))
                self.exported(f"{archive or asset or names} {span:g} s until {first['until']:.0f}")
                return first["until"], body
            except export.Unavailable as err:
                raise HTTPException(501, str(err)) from None
            except export.Unknown as err:
                raise HTTPException(400, str(err)) from None
            except UNREADABLE as err:
                raise HTTPException(503, str(err)) from None

        context = copy_context()  # who asks
        end, body = await self._apart(lambda: context.run(made), self._files)
        name = _safe(f"{asset or archive.removesuffix('.h5') or 'tags'}_{end:.0f}.{kind}")
        media = "text/csv; charset=utf-8" if kind == "csv" else "application/vnd.apache.parquet"
        return Response(body, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})

    def _slices(
        self, archive: str, asset: str, names: str, span: float, until: float | None, lang: str
    ) -> Generator[dict[str, Any]]:
        """Yield what is exported, some rows at a time."""
        if archive:
            yield self._archived(archive, names, language_of(lang), span, until, export.MOST_ROWS // 4)
            return
        plan = self._plan()
        wanted = self._wanted(plan, asset, names)
        with History(self.feed.folder) as history:
            yield from export.slices(
                history, plan, self.feed.seen, wanted, language_of(lang), span=span, until=until
            )  # fmt: skip

    def _plan(self) -> Plan:
        seen = self.feed.seen
        if seen.plan is None:
            raise HTTPException(503, seen.trouble or "the twin has not described its plant yet")
        return seen.plan

    def _wanted(self, plan: Plan, asset: str, names: str) -> Sequence[payload.Chart]:
        named = _named(names)
        if asset and asset not in {machine.name for machine in plan.machines}:
            raise HTTPException(404, "no such asset")
        found = payload.charts(plan, asset, named)
        if named and len(found) < len(set(named)):
            raise HTTPException(404, "no such tag")
        return found


def _checked(value: float, low: float, high: float, name: str) -> float:
    if not low <= value <= high:  # nor is what is no number
        raise HTTPException(400, f"{name}: {str(value)[:40]}; give {low:g} to {high:g}")
    return value


def _until(until: float | None) -> float | None:
    return None if until is None else _checked(until, 0.0, 1e11, "until")


def _named(names: str) -> list[str]:
    """Return names of tags; each was escaped, for it may have a comma in it."""
    found = [unquote(name) for name in names.split(",") if name]
    if len(found) > MOST_NAMES:
        raise HTTPException(400, f"names: {len(found)}; ask for {MOST_NAMES} at most")
    return found


def _units(text: str) -> dict[str, str]:
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise HTTPException(400, f"units: {err}; give an object of units by name") from None


def _safe(name: str) -> str:
    return json.dumps("".join(c if c.isalnum() or c in "._-" else "_" for c in name))[1:-1]
