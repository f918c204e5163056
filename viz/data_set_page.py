"""The page of data sets: what is shown of them, and the routes by which charts ask for a run's signals."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

from dash import html
from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response

from twin.errors import TwinError
from viz import data_set_realism as realism
from viz.api import BASE, MOST_NAMES
from viz.data_set_asking import Asking
from viz.data_sets import FOLDER, MOST_LISTED, DataSets
from viz.feed import Feed
from viz.pages import data_set_realism, data_set_run, data_set_runs, data_sets
from viz.pages.data_set_runs import EACH, Asked
from viz.whatif import REPORT_POLICY
from viz.words import Language, language_of, word

POLICY = f"{REPORT_POLICY}; sandbox"
"""What a report may do: it came with the data set, from wherever that did."""
MOST = 2**40
"""Greatest whole number that a route takes."""
LONGEST_NUMBER = 10
"""Digits of a run or a machine in an address."""


class DataSetPage:
    """The page and its routes.

    Parameters
    ----------
    feed : Feed
        Of the twin beside whose data the data sets lie.
    folder : Path or None
        Where data sets are; else in the folder ``datasets`` of the twin's data.
    """

    def __init__(self, feed: Feed, folder: Path | None = None) -> None:
        self._feed, self._sets, self._asking = feed, DataSets(folder or feed.folder / FOLDER), Asking()
        self._threads = ThreadPoolExecutor(2, "data sets")
        feed.at_end(self._asking.close)

    def router(self) -> APIRouter:
        """Return the routes."""
        found = APIRouter(prefix=f"{BASE}/data-sets")
        found.get("/trend")(self.trend)
        found.get("/realism")(self.report)
        return found

    def content(self, query: Mapping[str, str], language: Language) -> Any:
        """Return the page that an address asks for."""
        try:
            shown = self._shown(query, language)
        except TwinError as err:
            shown = [data_sets.back(language), data_sets.wrong(str(err))]
        return html.Div([html.H1(word("data_sets", language)), *shown], className="data-sets")

    def _shown(self, query: Mapping[str, str], language: Language) -> list[Any]:
        name = query.get("set", "")
        if not name:
            return self._home(language)
        place, found = self._sets.place(name), self._sets.manifest(name)
        asked = Asked(query.get("split", ""), query.get("kind", ""), query.get("machine", "").strip(),
                      max(_number(query.get("first", "")) or 0, 0))  # fmt: skip
        run = query.get("run", "").strip().replace(",", "")
        if run:
            number = _number(run)
            chosen = self._chosen(asked)
            told = self._asking.ask(what="run", place=str(place), run=-1 if number is None else number, **chosen)
            return data_set_run.content(name, found, told, asked, language)
        part = query.get("part", "")
        part = part if part in data_sets.PARTS else "about"
        return [*data_sets.head(name, found, part, language), *self._part(part, name, asked, language)]

    def _home(self, language: Language) -> list[Any]:
        plan = self._feed.seen.plan
        try:
            names = self._sets.names()[:MOST_LISTED]
        except TwinError as err:
            return data_sets.home([], self._sets.folder, str(err), plan, language)
        listed = [self._sets.listed(name) for name in names]
        scored = [(each, self._score(each.name) if each.manifest else None) for each in listed]
        return data_sets.home(scored, self._sets.folder, "", plan, language)

    def _score(self, name: str) -> float | None:
        """Return how real a data set is found to be, if that was looked at and can be read."""
        try:
            found = realism.realism_of(self._sets.place(name))
        except TwinError:
            return None  # its own page says why
        return found.score if found else None

    def _part(self, part: str, name: str, asked: Asked, language: Language) -> list[Any]:
        """Return a part of a data set, or why it can't be shown."""
        place, found = self._sets.place(name), self._sets.manifest(name)
        try:
            if part == "channels":
                return data_sets.channels(found, language)
            if part == "realism":
                return data_set_realism.content(name, place, found, language)
            if part == "about":
                return data_sets.about(found, self._asking.ask(what="splits", place=str(place)), language)
            if asked.machine and _number(asked.machine) is None:
                said = data_sets.wrong(word("set_no_machine", language, asked.machine[:40]))
                return [*data_set_runs.content(name, found, asked, None, language), said]
            first, chosen = asked.first // EACH * EACH, self._chosen(asked)
            listed = self._asking.ask(what="runs", place=str(place), first=first, count=EACH, **chosen)
            if listed["of"] <= first and listed["of"]:  # beyond the last
                first = (listed["of"] - 1) // EACH * EACH
                listed = self._asking.ask(what="runs", place=str(place), first=first, count=EACH, **chosen)
            return data_set_runs.content(name, found, asked._replace(first=first), listed, language)
        except TwinError as err:
            return [data_sets.wrong(str(err))]

    def _chosen(self, asked: Asked) -> dict[str, Any]:
        return {"split": asked.split, "kind": asked.kind, "machine": _number(asked.machine)}

    async def trend(
        self, set: str, run: Annotated[int, Query(ge=0, le=MOST)], channels: str = "", until: float = 1e12,
        points: Annotated[int, Query(ge=2, le=MOST)] = 800, begin: float = 0.0,
    ) -> Response:  # fmt: skip
        """Answer a span of a run."""
        numbers = dict.fromkeys(_number(text) for text in channels.split(","))
        wanted = [number for number in numbers if number is not None][:MOST_NAMES]
        if not (0.0 <= begin <= until <= 1e12):
            raise HTTPException(400, f"begin: {begin:g} until {until:g}; give times within the run")

        def said() -> bytes:
            place = self._sets.place(set)
            return self._asking.said(
                what="trend", place=str(place), run=run, channels=wanted, begin=begin, end=until, points=points
            )

        try:
            body = await asyncio.get_running_loop().run_in_executor(self._threads, said)
        except TwinError as err:
            raise HTTPException(503, str(err)) from None
        return Response(body, media_type="application/json")

    async def report(self, set: str, lang: str = "en") -> Response:
        """Answer the report of a comparison with a recording: to look at, under a policy that lets it do nothing."""
        try:
            body = await asyncio.to_thread(lambda: realism.report(self._sets.place(set), language_of(lang)))
        except TwinError as err:
            raise HTTPException(404, str(err)) from None
        return Response(body, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": POLICY})


def _number(text: str) -> int | None:
    """Return a whole number that an address has; None where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER else None
