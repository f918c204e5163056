"""What if: scenarios to choose from, the runs there are, and the form that a scenario's numbers are changed in."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from dash import dcc, html

from twin.history.plan import Plan
from twin.monitor.words import duration, unit
from viz import parts
from viz.jobs import LONGEST_VALUE, Job, Progress, percent
from viz.questions import Change, Description, Later, Listed, text
from viz.words import Language, word

STATES = {
    "waiting": "run_waits", "running": "run_running", "done": "run_done", "interrupted": "run_interrupted",
    "failed": "run_failed",
}  # fmt: skip


def home(
    listed: Sequence[Listed] | str | None, runs: Sequence[tuple[Job, Progress | None]], trouble: str,
    plan: Plan | None, language: Language,
) -> Any:  # fmt: skip
    """Return the scenarios there are, or why there are none; and the runs, the newest first."""
    return [
        parts.quiet(word("what_if_doc", language)),
        html.P(trouble, role="alert", className="wrong") if trouble else None,
        parts.panel(word("scenarios", language), _scenarios(listed, language)),
        parts.panel(word("runs", language), _runs(runs, plan, language)),
    ]


def _scenarios(listed: Sequence[Listed] | str | None, language: Language) -> Any:
    if listed is None:
        return parts.quiet(word("scenarios_read", language))
    if isinstance(listed, str):
        return wrong(listed)
    if not listed:
        return parts.quiet(word("scenarios_none", language))
    return html.Ul([
        html.Li([html.Span(one.name, className="name"), wrong(one.error)]) if one.error else
        html.Li([
            dcc.Link(text(one.question, language), href=f"/what-if?{urlencode({'scenario': one.name})}"),
            html.Div(f"{one.name} · {one.plant}", className="note"),
        ]) for one in listed
    ], className="questions")  # fmt: skip


def _runs(runs: Sequence[tuple[Job, Progress | None]], plan: Plan | None, language: Language) -> Any:
    if not runs:
        return parts.quiet(word("runs_none", language))
    rows = [
        (
            [dcc.Link(title(job, language), href=address(job)), html.Div(changed(job), className="note")],
            job.scenario, job.who, parts.clock(job.asked, plan), state(job, progress, language),
        ) for job, progress in runs
    ]  # fmt: skip
    heads = [word(n, language) for n in ("run", "scenario", "by", "asked_at", "state")]
    return parts.table(heads, rows, word("runs", language), ("", "", "", "time", "state"))


def title(job: Job, language: Language) -> str:
    """Return what a run is called: its name, or else its question."""
    return job.name or text(job.question, language)


def changed(job: Job) -> str:
    """Return in a line what a run has otherwise than its scenario."""
    return ", ".join(change.replace("=", " = ", 1) for change in job.changes)


def address(job: Job, **more: str) -> str:
    """Return where a run is shown."""
    return f"/what-if?{urlencode({'run': job.id, **more})}"


def state(job: Job, progress: Progress | None, language: Language) -> str:
    """Return how a run stands, and of one that goes on how far it is."""
    said = word(STATES[job.state], language)
    return f"{said} {percent(progress):.0f} %" if progress is not None and progress.total else said


def wrong(said: str) -> html.P:
    """Return a complaint of the command as it was made."""
    return html.P(said, role="alert", className="wrong")


def back(language: Language) -> html.P:
    """Return the way back to the list."""
    return html.P(dcc.Link(word("all_runs", language), href="/what-if"), className="back")


def form(found: Description | str | None, again: Job | None, language: Language, *, able: bool, live: bool) -> Any:
    """Return the form of a scenario, filled as it is written, or as it was for an earlier run."""
    if found is None:
        return [back(language), parts.quiet(word("scenarios_read", language))]
    if isinstance(found, str):
        return [back(language), wrong(found)]
    given = dict(change.split("=", 1) for change in again.changes) if again is not None else {}
    filled = {**found.settings(), **given}
    variants = [
        _changes(
            f"{word('variant', language)}: {text(variant.about, language)}", variant.name, variant.changes, filled,
            language, variant.later,
        ) for variant in found.variants if not found.vary
    ]  # fmt: skip
    if found.vary:
        lines = [f"{each.path}: {each.text}" for each in found.vary]
        variants = [parts.panel(word("varied", language), html.Ul([html.Li(line) for line in lines]))]
    assumed = _changes(word("assumed", language), "assume", found.assume, filled, language) if found.assume else None
    return [
        back(language),
        html.H2(text(found.question, language)),
        parts.quiet(word("scenario_of", language, found.plant, duration(found.length, language))),
        assumed, *variants,
        _how(found, again, language, live=live),
        parts.quiet(word("reports", language, ", ".join(_said(m.english, m.korean, language) for m in found.measures))),
        html.Div(html.Button(
            word("run_start", language), className="main",
            **parts.attributes({"data-what-if": "start", "data-scenario": found.scenario}),
        ), className="form") if able else parts.quiet(word("run_look_only", language)),
    ]  # fmt: skip


def _changes(
    heading: str, variant: str, changes: Sequence[Change], filled: dict[str, str], language: Language,
    later: Sequence[Later] = (),
) -> Any:  # fmt: skip
    said = [
        html.Li(word("after_start", language, duration(each.at, language), f"{each.path} = {each.text}"))
        for each in later
    ]
    if not changes:
        return parts.panel(heading, html.Ul(said) if said else parts.quiet(word("nothing_changed", language)))
    rows = [
        (
            _said(each.english, each.korean, language), each.path,
            _typed(f"{variant}:{each.path}", filled[f"{variant}:{each.path}"], each.text, f"{heading}, {each.path}"),
            bounds(each),
        ) for each in changes
    ]  # fmt: skip
    heads = [word(n, language) for n in ("what", "place", "value", "between")]
    table = parts.table(heads, rows, heading, ("", "place", "typed", "time"))
    return parts.panel(heading, table, html.Ul(said) if said else None, name="settings")


def _typed(place: str, value: str, written: str, label: str) -> html.Div:
    """Return a field for a value that the scenario has `written`; text, for it may have a sign, a unit or a share."""
    field = dcc.Input(
        value, id={"setting": place}, type="text", maxLength=LONGEST_VALUE, autoComplete="off", className="few"
    )
    return html.Div(
        html.Label([html.Span(label, className="hidden"), field]),
        **parts.attributes({"data-setting": place, "data-written": written}),
    )


def bounds(change: Change) -> str:
    """Return between what a quantity lies, in SI; a dash where nothing bounds it."""
    if change.low is None and change.high is None:
        return parts.NONE
    low, high = (parts.NONE if end is None else parts.number(end) for end in (change.low, change.high))
    return f"{low} … {high} {unit(change.unit)}".strip()


def _how(found: Description, again: Job | None, language: Language, *, live: bool) -> html.Section:
    """Return how often it is run, with which random numbers, how precisely and from where."""
    count = found.replications if again is None or again.replications is None else again.replications
    seed = found.seed if again is None or again.seed is None else again.seed
    start = (again.start if again is not None else "") or found.start
    offered = ["rest", "live"] if live or start == "live" else ["rest"]
    labels = {"rest": word("from_rest", language), "live": word("from_live", language)}
    return parts.panel(
        word("how", language),
        html.Div([
            html.Label([word("replications", language), dcc.Input(
                count, id="what-if-replications", type="number", min=2, max=100_000, step=1, className="few",
            )]),
            html.Label([word("precision", language), dcc.Input(
                again.precision if again is not None else "", id="what-if-precision", type="text", maxLength=40,
                autoComplete="off", className="few",
            )]),
            html.Label([word("seed", language), dcc.Input(
                seed, id="what-if-seed", type="number", min=0, max=2**53, step=1, className="few",
            )]),
        ], className="form"),
        html.Div([html.Span(word("start_from", language), className="note"), *(
            html.Button(labels[name], **parts.attributes({
                "data-start": name, "aria-pressed": "true" if name == start else "false",
            })) for name in offered
        )], role="group", className="starts", **parts.labelled(word("start_from", language))),
        parts.quiet(word("precision_doc", language)),
    )  # fmt: skip


def _said(english: str, korean: str, language: Language) -> str:
    return korean if language == "ko" else english
