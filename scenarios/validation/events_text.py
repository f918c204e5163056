"""What a page says of events: how soon an advisory followed each, and what was raised beside."""

from collections.abc import Iterator

from scenarios.dataset.card_text import table
from scenarios.shown import NONE
from scenarios.validation.events import Announced


def found_events(found: Announced) -> Iterator[str]:
    """Yield what followed events, and all advisories by file."""
    name = found.what.begins
    yield (
        f"The live monitor runs over each file by itself; the first {found.what.teach} rows teach it. Where "
        f"a list of events lies beside the file, each {name!r} in it should be followed by an advisory, and nothing "
        "else should; of other files no such event is known."
    )
    rows = []
    for each in found.files:
        delays = [NONE if delay is None else f"{delay:.0f}" for delay in each.delays()]
        count = "no list" if each.events is None else str(len(each.events))
        rows.append((each.file, count, ", ".join(delays), str(len(each.raised))))
    yield table(("file", name, "first advisory after it [s]", "advisories"), rows)
    raised = [
        (each.file, f"{one.begin:.0f}", NONE if one.behind is None else f"{one.behind:.0f}", one.cause)
        for each in found.files for one in each.raised
    ]  # fmt: skip
    if raised:
        yield table(("advisory in", "raised at [s]", f"after {name} [s]", "says"), raised)


def limits(found: Announced) -> Iterator[str]:
    """Yield what the numbers themselves say against trusting them further."""
    count = sum(len(each.events or ()) for each in found.files)
    yield f"{count} events {found.what.begins!r} are few: they show that such a thing can be found, not how often."
    for each in found.files:
        missed = each.delays().count(None)
        if missed:
            yield f"{each.file}: {missed} of {len(each.events or ())} events were followed by no advisory."
        if each.events is None and each.raised:
            yield f"{each.file}: {len(each.raised)} advisories, and no event is known that would explain them."
    for file, why in found.unread:
        yield f"{file} was not watched: {why}"
