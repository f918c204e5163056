"""What a page says of a fit and its scores: parameters with intervals, errors with baselines, and what limits them."""

from collections.abc import Iterator, Sequence

from scenarios.dataset.card_text import table
from scenarios.shown import NONE, scale
from scenarios.validation.calibrating import HELD_OUT, OTHER, OWN, SEEN, Calibrated, Scored
from twin import unknowns
from twin.calibrate.wanted import Window

WHAT = {
    OWN: "rows that were fitted",
    HELD_OUT: "second half, by a fit to the first half",
    SEEN: "another file, with which the values that the fit begins from were found",
    OTHER: "another file, nothing fitted to it",
}
NOMINAL = 0.95
SHORT_OF = 0.90
"""Coverage below this is said to be short of the nominal one."""


def method(found: Calibrated) -> Iterator[str]:
    """Yield how it was fitted, and what was found."""
    fit, wanted = found.fit, found.fit.study.wanted
    said = found.as_dict()
    yield "## Fit"
    yield (
        f"Driven by the recorded inputs, the plant runs freely through `{found.file}`; nothing of what it is compared "
        f"with ({_tags(wanted.score)}) is fed back. Least squares over the whole run, from several starts, with the "
        f"unknown initial state estimated; {window(wanted.initialise)} initialise a score and aren't scored. Intervals "
        "are of 95 % and count correlated residuals as the fewer readings that they are worth. Intervals tell what the "
        "data can't; an equation that is wrong is not in them."
    )
    free = {f.path: f"{number(unknowns.value(fit.study.plant, f.path))} ± {number(f.spread)}" for f in fit.study.free}
    yield table(
        ("estimate", "value", "95 % interval", "unit", "before the fit", ""),
        [
            (name, number(each["value"]), f"{number(each['low'])} to {number(each['high'])}", each["unit"],
             free.get(name, "initial state"), each["note"])
            for name, each in said["parameters"].items()
        ],
    )  # fmt: skip
    if said["held"]:
        yield "Held at the plant's values, because these data can't tell them:"
        yield "\n".join(f"- `{name}`: {why}" for name, why in said["held"].items())
    rows = []
    for tag, each in said["tags"].items():
        errors, unit = in_use((each["rmse"], each["left_out"]), each["unit"])
        rows.append((tag, *errors, unit, number(each["memory"])))
    yield table(("tag", "RMSE of the fit", "RMSE in blocks left out", "unit", "rows that count as one"), rows)
    if not said["converged"]:
        yield "**The fit has not converged**: its numbers are the best that were found."


def scores(found: Calibrated) -> Iterator[str]:
    """Yield errors of free runs beside those of baselines."""
    rows = [row for each in found.scores for row in _rows(each)]
    head = ("rows scored", "file", "count", "tag", "RMSE", "bias", "max", "unit", "NRMSE", "in the 95 % band",
            "RMSE, last reading held", "RMSE, linear model")  # fmt: skip
    yield table(head, rows)
    yield (
        "A score sees the first rows alone and begins from what they tell; the fit's own error is of a run that begins "
        "as all rows tell. NRMSE is the RMSE over the standard deviation of the readings. The band is what the fit's "
        "uncertainty and its error in blocks left out predict. The linear model is a state-space model of up to four "
        "states, identified on the rows that the plant was fitted to, and run as freely."
    )


def _rows(each: Scored) -> Iterator[tuple[str, ...]]:
    said = each.found.as_dict()
    for tag, score in said["tags"].items():
        runs = (said["baselines"][name] for name in ("persistence", "linear"))
        beside = [None if run is None else run[tag]["rmse"] for run in runs]
        errors, unit = in_use((score["rmse"], score["bias"], score["max"], *beside), score["unit"])
        shares = (number(score["nrmse"]), f"{100.0 * score['coverage']:.1f} %")
        yield (WHAT[each.kind], each.file, str(said["scored"]), tag, *errors[:3], unit, *shares, *errors[3:])


def limits(found: Calibrated) -> Iterator[str]:
    """Yield what the numbers themselves say against trusting them further."""
    if not any(each.kind == OTHER for each in found.scores):
        yield (
            "No other file of this source was there that is new to the plant: what was held back is of the same day, "
            "machine and kind of input as what was fitted."
        )
    for each in found.scores:
        yield from _short_of(each)
    for note in dict.fromkeys(note for each in found.scores for note in each.found.score.notes):
        yield f"{note}."
    if found.fit.held:
        names = ", ".join(each.name for each in found.fit.held)
        yield f"Held, and so not validated: {names}."
    for file, why in found.unread:
        yield f"{file} could not be scored: {why}"


def _short_of(each: Scored) -> Iterator[str]:
    """Yield where a band is too narrow, and where a linear model does better."""
    said = each.found.as_dict()
    linear = said["baselines"]["linear"]
    for tag, score in said["tags"].items():
        where = f"{each.file}, {tag}, {WHAT[each.kind]}"
        if score["coverage"] < SHORT_OF:
            yield (
                f"{where}: {100.0 * score['coverage']:.1f} % of the readings lie in the band that should hold "
                f"{100.0 * NOMINAL:.0f} %: it is too narrow there."
            )
        if linear is not None and linear[tag]["rmse"] < score["rmse"]:
            errors, unit = in_use((score["rmse"], linear[tag]["rmse"]), score["unit"])
            yield f"{where}: the linear model is nearer, {errors[1]} against {errors[0]} {unit}."


def window(wanted: Window) -> str:
    """Return the first part of a record in words."""
    return f"{wanted.rows} rows" if wanted.rows else f"{wanted.seconds:g} s"


def in_use(errors: Sequence[float | None], unit: str) -> tuple[list[str], str]:
    """Return errors in the unit that people use for the first one, and that unit."""
    by = scale(unit, errors[:1])
    return [number(None if error is None else by.span(error)) for error in errors], by.difference_symbol


def number(value: float | None) -> str:
    """Return four significant digits; what isn't there is a dash."""
    return NONE if value is None or value != value else f"{value:.4g}"


def _tags(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
