"""A what-if run: how far it is, what came of it, and two of them side by side."""

from typing import Any, NamedTuple
from urllib.parse import urlencode

from dash import dcc, html

from twin.errors import TwinError
from twin.history.plan import Plan
from twin.monitor.words import duration
from viz import parts
from viz.answers import Answer, answer_of
from viz.api import BASE
from viz.jobs import DATA_FILES, ENDED, LONGEST_NAME, Job, Progress, Store, percent
from viz.pages import what_if_table as tables
from viz.pages.what_if import address, back, state, title, wrong
from viz.words import Language, word

MOST_OTHERS = 20
"""Runs that are offered to be compared with."""
MOST_FAILURES = 20
NOT_AGAIN = (2, 3)
"""Exit codes of what was asked wrongly: asked again alike, it fails again."""


class About(NamedTuple):
    """What a run is shown by: whose reader may act or not, and how far it is, where it hasn't ended."""

    store: Store
    plan: Plan | None
    language: Language
    able: bool
    progress: Progress | None
    place: int


def content(about: About, job: Job | None, other: Job | None) -> Any:
    """Return a run, or two that are compared."""
    language = about.language
    if job is None:
        return [back(language), parts.quiet(word("run_gone", language))]
    if other is not None:
        return [back(language), *_beside(about, job, other)]
    asked = word("asked_by", language, job.who, parts.clock(job.asked, about.plan), job.scenario)
    shown = _ended(about, job) if job.state in ENDED else [_going(about, job), _changed(job, language)]
    return [back(language), html.H2(title(job, language)), parts.quiet(asked), *shown]


def _going(about: About, job: Job) -> Any:
    """Return how far a run is."""
    language, progress = about.language, about.progress or Progress()
    cancel = _button("cancel", job, word("run_cancel", language)) if about.able and not job.cancelled else None
    if job.state == "waiting":
        return parts.panel(
            word("progress", language), html.P(word("run_waiting", language, about.place)), html.Div(cancel)
        )
    share, said = percent(progress), word("run_starting", language)
    if progress.total:
        count = word("run_progress", language, progress.done + progress.failed, progress.total)
        said = f"{share:.0f} % · {count}"
    if progress.left is not None and not job.cancelled:
        said += f" · {word('run_left', language, duration(progress.left, language))}"
    failed = parts.beyond(word("run_branches_failed", language, progress.failed)) if progress.failed else None
    bar = html.Progress(value=f"{share:.1f}", max="100", **parts.labelled(word("progress", language)))
    return parts.panel(
        word("progress", language), bar, html.P([f"{said} ", failed]),
        html.P(word("run_ending", language, job.cancelled)) if job.cancelled else None, html.Div(cancel),
    )  # fmt: skip


def _ended(about: About, job: Job) -> list[Any]:
    """Return what came of a run, and what can be done with it."""
    language = about.language
    try:
        answer, trouble = answer_of(about.store.out(job) / "answer.json"), ""
    except TwinError as err:
        answer, trouble = None, str(err)
    said = "" if job.state == "interrupted" and answer is not None else job.message  # how it ended is told above
    message = trouble or said or (word("run_code", language, job.code) if job.state == "failed" else "")
    return [
        _ending(about, job, answer),
        wrong(message) if message else None,
        _results(answer, language) if answer is not None else None,
        _files(about.store, job, language),
        _changed(job, language),
        _failures(answer, language) if answer is not None else None,
        _does(about, job, answer is not None),
    ]


def _ending(about: About, job: Job, answer: Answer | None) -> Any:
    language = about.language
    when = parts.clock(job.ended, about.plan)
    if job.state == "interrupted" and job.cancelled:
        said = word("run_cancelled", language, job.cancelled, when)
    elif job.state == "interrupted":
        said = word("run_broken_off", language, when)
    elif job.state == "failed":
        return html.P([parts.beyond(state(job, None, language)), f" · {when}"], role="status", className="ending")
    else:
        said = f"{state(job, None, language)} · {when}"
    part = f" {word('run_part', language)}" if answer is not None and answer.ending == "interrupted" else ""
    return html.P(said + part, role="status", className="ending")


def _results(answer: Answer, language: Language) -> Any:
    return parts.panel(
        word("result", language),
        tables.variants(answer, language),
        parts.quiet(word("result_doc", language)),
        parts.quiet(word(
            "result_of", language, answer.replications, answer.basis.seed, duration(answer.length, language),
            word("from_rest" if answer.basis.start == "rest" else "from_twin", language),
        )),
    )  # fmt: skip


def _files(store: Store, job: Job, language: Language) -> Any:
    """Return links to the report and to what can be kept."""
    order = ("ko", "en") if language == "ko" else ("en", "ko")
    words = {"en": "report_en", "ko": "report_ko"}
    reports = [(f"report.{one}.html", word(words[one], language)) for one in order]
    files = [(name, name) for name in (*DATA_FILES, *store.tables(job))]
    looked_at = [
        html.A(said, href=_at(job, name), target="_blank", className="report")
        for name, said in reports if store.file(job, name)
    ]  # fmt: skip
    kept = [
        html.A(said.removeprefix("tables/"), href=_at(job, name), download="")
        for name, said in files if store.file(job, name)
    ]  # fmt: skip
    if not looked_at and not kept:
        return None
    return parts.panel(word("files", language), html.Div([*looked_at, *kept], className="files"))


def _at(job: Job, name: str) -> str:
    return f"{BASE}/what-if/runs/{job.id}/{name}"


def _changed(job: Job, language: Language) -> Any:
    """Return what the run has otherwise than its scenario."""
    rows = [tuple(change.partition("=")[::2]) for change in job.changes]
    for name, value in (
        ("replications", job.replications), ("precision", job.precision), ("seed", job.seed),
        ("start_from", word(f"from_{job.start}", language) if job.start else None),
    ):  # fmt: skip
        if value not in (None, ""):
            rows.append((word(name, language), str(value)))
    if not rows:
        return None
    heads = (word("place", language), word("value", language))
    heading = word("asked_otherwise", language)
    return parts.panel(heading, parts.table(heads, rows, heading), name="settings")


def _failures(answer: Answer, language: Language) -> Any:
    """Return which branches came to nothing, and why."""
    found = [(v.said(language), key, why) for v in answer.variants for key, why in v.failures.items()]
    if not found:
        return None
    heads = [word(n, language) for n in ("variant", "branch", "why")]
    more = len(found) - MOST_FAILURES
    return parts.panel(
        word("run_branches_failed", language, len(found)),
        parts.table(heads, found[:MOST_FAILURES], word("run_branches_failed", language, len(found))),
        parts.quiet(word("more", language, more)) if more > 0 else None,
    )


def _does(about: About, job: Job, answered: bool) -> Any:
    """Return what can be done with a run that has ended."""
    language = about.language
    again = dcc.Link(
        word("run_again", language), className="button",
        href=f"/what-if?{urlencode({'scenario': job.scenario, 'again': job.id})}",
    )  # fmt: skip
    beside = _others(about, job) if answered else None
    if not about.able:
        return parts.panel(word("what_next", language), beside, parts.quiet(word("run_look_only", language)))
    onward = job.state in ("interrupted", "failed") and job.code not in NOT_AGAIN
    return parts.panel(
        word("what_next", language),
        html.Div([
            html.Label([word("run_name", language), dcc.Input(
                job.name, id="what-if-name", type="text", maxLength=LONGEST_NAME, autoComplete="off",
            )]),
            _button("name", job, word("run_keep", language)),
        ], className="form"),
        html.Div([again, _button("go_on", job, word("run_go_on", language)) if onward else None], className="form"),
        beside,
        html.Details([
            html.Summary(word("run_delete", language)),
            html.P(word("run_delete_sure", language)),
            _button("delete", job, word("run_delete_now", language)),
        ]),
    )  # fmt: skip


def _others(about: About, job: Job) -> Any:
    """Return the runs that this one can be compared with, of the same scenario first."""
    ended = [one for one in about.store.jobs() if one.id != job.id and one.state in ENDED]
    found = [one for one in ended if about.store.file(one, "answer.json")]
    if not found:
        return None
    found.sort(key=lambda one: one.scenario != job.scenario)
    said = [
        html.Li([
            dcc.Link(title(one, about.language), href=address(job, beside=one.id)),
            html.Span(f" {one.scenario} · {one.who} · {parts.clock(one.asked, about.plan)}", className="note"),
        ]) for one in found[:MOST_OTHERS]
    ]  # fmt: skip
    return html.Details([html.Summary(word("run_beside", about.language)), html.Ul(said)])


def _button(kind: str, job: Job, said: str) -> html.Button:
    return html.Button(said, **parts.attributes({"data-what-if": kind, "data-run": job.id}))


def _beside(about: About, one: Job, other: Job) -> list[Any]:
    """Return two runs side by side."""
    language = about.language
    runs = [(word("run_first", language), one), (word("run_second", language), other)]
    said = [
        html.Div([html.Dt(head), html.Dd([
            dcc.Link(title(job, language), href=address(job)),
            html.Div(f"{job.scenario} · {job.who} · {parts.clock(job.asked, about.plan)}", className="note"),
        ])]) for head, job in runs
    ]  # fmt: skip
    try:
        answers = [answer_of(about.store.out(job) / "answer.json") for _, job in runs]
    except TwinError as err:
        return [html.Dl(said), wrong(str(err))]
    first, second = answers
    if first is None or second is None:
        return [html.Dl(said), parts.quiet(word("run_no_result", language))]
    return [
        html.H2(word("run_compare", language)),
        html.Dl(said),
        tables.settings(one, other, language),
        *tables.beside(first, second, language),
        parts.quiet(word("beside_doc", language)),
    ]
