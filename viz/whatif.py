"""What-if in the view: what is shown of scenarios and runs, and the routes by which people start, end and keep them."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from dash import Dash, Input, Output, State, dcc, html
from dash.exceptions import PreventUpdate
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, Response
from msgspec import Meta, Struct

from twin.errors import DataError, TwinError
from viz import parts
from viz.accounts import Account, may
from viz.api import BASE
from viz.asker import Asker, asker
from viz.audit import Audit, What
from viz.feed import Feed
from viz.jobs import ENDED, LONGEST_NAME, MOST_CHANGES, REPORTS, Job, one_line, refuse_long
from viz.pages import what_if, what_if_run
from viz.questions import Description, Questions
from viz.runner import COMMAND, Runner
from viz.words import Language, language_of, word

T = TypeVar("T")
NOW = 0.5
"""How long a page waits for the command to answer [s]; it says so then, and follows."""
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""What a report may do, beside what the guard forbids everybody: be looked at."""
MEDIA = {
    "html": "text/html; charset=utf-8", "json": "application/json", "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
_log = logging.getLogger("viz")

Short = Annotated[str, Meta(max_length=300)]


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    """What the browser asks to be done; `id` is the same when it asks again, and a run is begun once."""

    kind: Literal["start", "cancel", "go_on", "name", "delete"]
    id: Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
    run: Short = ""
    scenario: Short = ""
    settings: Annotated[dict[Short, Short], Meta(max_length=MOST_CHANGES)] = {}
    replications: Annotated[int, Meta(ge=2, le=100_000)] | None = None
    precision: Short = ""
    seed: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    start: Literal["", "rest", "live"] = ""
    name: Short = ""
    lang: str = "en"


class Said(Struct, frozen=True):
    """What became of it, in words; whether it was done; and which run is to be shown, if any."""

    said: str
    done: bool
    run: str = ""


class WhatIf:
    """The page and its routes.

    Parameters
    ----------
    feed : Feed
        Of the twin beside which scenarios are run; runs end with it.
    audit : Audit
        Where what people do is recorded before it is done.
    command : sequence of str
        What `twin what-if` is called by.
    """

    def __init__(self, feed: Feed, audit: Audit, command: Sequence[str] = COMMAND) -> None:
        self._feed, self._audit = feed, audit
        self.runner, self.questions = Runner(feed.folder, command), Questions(command)
        feed.at_end(self.runner.close)
        feed.at_end(self.questions.close)
        self._threads = ThreadPoolExecutor(4, "what-if acts")
        self._decode = msgspec.json.Decoder(Asked).decode

    def router(self) -> APIRouter:
        """Return the routes."""
        found = APIRouter(prefix=f"{BASE}/what-if")
        found.post("/act")(self.act)
        found.get("/runs/{run}/{name:path}")(self.file)
        return found

    def declare(
        self, app: Dash, apart: Callable[..., Any], spoken: Callable[..., tuple[dict[str, str], Language]]
    ) -> None:
        """Let the page follow what happens, without touching what is typed."""

        def follow(_beat: Any, search: str, language: str | None, mark: str) -> tuple[Any, str]:
            query, reader = spoken(search, language)
            now, children = self._shown(query, reader, asker().account, 0.0)
            if now == mark:
                raise PreventUpdate
            return children(), now

        app.callback(
            Output("what-if-pulse", "children"), Output("what-if-mark", "data"), Input("beat", "data"),
            State("url", "search"), State("language", "data"), State("what-if-mark", "data"),
        )(apart(follow))  # fmt: skip

    def content(self, query: Mapping[str, str], language: Language, account: Account) -> Any:
        """Return the page."""
        mark, children = self._shown(query, language, account, NOW)
        return html.Div([
            html.H1(word("what_if", language)),
            html.Div(children(), id="what-if-pulse"),
            html.P(id="what-if-said", role="status", **parts.attributes({
                "data-wait": word("run_asking", language), "data-failed": word("run_no_answer", language),
            })),
            dcc.Store(id="what-if-mark", data=mark),
        ], className="what-if")  # fmt: skip

    def _shown(
        self, query: Mapping[str, str], language: Language, account: Account, wait: float
    ) -> tuple[str, Callable[[], Any]]:
        """Return a mark that changes with what there is to see, and what returns that."""
        self.runner.attend()
        able = may(account, "acknowledge")
        plan, store = self._feed.seen.plan, self.runner.store
        if run := query.get("run", ""):
            job = store.job(run)
            other = store.job(query.get("beside", "")) if job else None
            progress = store.progress(job) if job and job.state not in ENDED else None
            place = self.runner.place(job) if job and job.state == "waiting" else 0
            about = what_if_run.About(store, plan, language, able, progress, place)
            return repr((run, job, other, progress, place)), lambda: what_if_run.content(about, job, other)
        if name := query.get("scenario", ""):
            found = self._asked(lambda: self.questions.describe(name, wait))
            again = store.job(query.get("again", ""))
            live = plan is not None and self._feed.seen.state != "ended"
            return repr((name, found if isinstance(found, str) else found is None)), lambda: what_if.form(
                found, again, language, able=able, live=live
            )
        listed = self._asked(lambda: self.questions.scenarios(wait))
        runs = [(job, store.progress(job) if job.state == "running" else None) for job in store.jobs()]
        trouble = self.runner.trouble
        return repr((listed, runs, trouble)), lambda: what_if.home(listed, runs, trouble, plan, language)

    def _asked(self, ask: Callable[[], T]) -> T | str:
        """Return what the command answers, or its complaint."""
        try:
            return ask()
        except TwinError as err:
            return str(err)

    async def act(self, request: Request) -> Response:
        """Do what is asked, and say what became of it."""
        try:
            asked = self._decode(await request.body())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            raise HTTPException(400, f"no action: {str(err)[:200]}; send kind, id, and what it needs") from None
        who = asker()
        loop = asyncio.get_running_loop()
        said = await loop.run_in_executor(self._threads, lambda: self._done(asked, who, language_of(asked.lang)))
        return Response(msgspec.json.encode(said), media_type="application/json")

    def _done(self, asked: Asked, who: Asker, language: Language) -> Said:
        if not may(who.account, "acknowledge"):
            self._record("refused", asked, who, "the role may not")
            return Said(word("run_may_not", language, who.account.role), done=False)
        try:
            if asked.kind == "start":
                return self._started(asked, who, language)
            return self._changed(asked, who, language)
        except TwinError as err:
            self._record("refused", asked, who, str(err))
            return Said(word("run_not_done", language, err), done=False)

    def _started(self, asked: Asked, who: Asker, language: Language) -> Said:
        found = self.questions.describe(asked.scenario)
        if found is None:
            raise DataError(f"{asked.scenario}: can't be described now; ask again")
        job = job_of(asked, found, who.account.name, language)
        changes = " ".join(job.changes)
        self._audit.write("action", target=f"what-if start {asked.scenario} {changes}", outcome="asked", **_about(who))
        return Said(word("run_begun", language), done=True, run=self.runner.start(job).id)

    def _changed(self, asked: Asked, who: Asker, language: Language) -> Said:
        job = self.runner.store.job(asked.run)
        if job is None:
            return Said(word("run_gone", language), done=False)
        name = asked.name.strip()
        if asked.kind == "name" and not one_line(name, LONGEST_NAME):
            return Said(word("one_line", language, LONGEST_NAME), done=False)
        what = f"what-if {asked.kind} {job.id} {name if asked.kind == 'name' else job.scenario}"
        self._audit.write("action", target=what, outcome="asked", **_about(who))
        if asked.kind == "name":
            self.runner.name(job, name)
            return Said(word("run_named", language), done=True)
        if asked.kind == "cancel":
            done = self.runner.cancel(job, who.account.name)
            return Said(word("run_cancelling" if done else "run_over_already", language), done=done)
        if asked.kind == "delete":
            done = self.runner.delete(job)
            return Said(word("run_deleted" if done else "run_goes_on", language), done=done)
        self.runner.go_on(job)
        return Said(word("run_begun", language), done=True, run=job.id)

    def _record(self, what: What, asked: Asked, who: Asker, outcome: str) -> None:
        """Record what was refused; where that can't be, it is told at least."""
        try:
            target = f"what-if {asked.kind} {asked.run or asked.scenario}"
            self._audit.write(what, target=target, outcome=outcome, **_about(who))
        except TwinError as err:
            _log.error("%s (what-if %s: %s)", err, asked.kind, outcome)

    async def file(self, run: str, name: str) -> Response:
        """Answer a file of a run: a report to look at, under a policy that lets it do nothing; others to be kept."""
        who, context = asker(), copy_context()
        job = await asyncio.to_thread(context.run, self.runner.store.job, run)
        path = await asyncio.to_thread(self.runner.store.file, job, name) if job is not None else None
        if job is None or path is None:
            raise HTTPException(404, "no such file of a run")
        media = MEDIA[path.suffix.removeprefix(".")]
        if name in REPORTS:
            return FileResponse(path, media_type=media, headers={"Content-Security-Policy": REPORT_POLICY})
        await asyncio.to_thread(self._audit.write, "export", target=f"what-if {job.id} {name}", **_about(who))
        return FileResponse(path, media_type=media, filename=f"{job.scenario}_{job.id}_{path.name}")


def job_of(asked: Asked, found: Description, who: str, language: Language) -> Job:
    """Return the run that is asked for: what differs from the scenario, and nothing that it doesn't have.

    Raises
    ------
    DataError
        If it would change what the scenario doesn't name, or a value is too long or empty.
    """
    known = found.settings()
    strange = next((place for place in asked.settings if place not in known), None)
    if strange is not None:
        raise DataError(f"{strange[:100]}: {found.scenario} changes no such number; load the page again")
    changes = [f"{place}={text.strip()}" for place, text in asked.settings.items() if text.strip() != known[place]]
    refuse_long(changes)
    if not one_line(asked.precision, 40):
        raise DataError("precision: write it on one line, like 1 %")
    return Job(
        id="", token=asked.id, scenario=found.scenario, question=found.question, who=who, asked=0.0, changes=changes,
        replications=None if asked.replications == found.replications else asked.replications,
        precision=asked.precision.strip(), seed=None if asked.seed == found.seed else asked.seed,
        start="" if asked.start == found.start else asked.start, language=language,
    )  # fmt: skip


def _about(who: Asker) -> dict[str, str]:
    return {"who": who.account.name, "role": who.account.role, "address": who.address}
