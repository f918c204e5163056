"""The answer in one or two sentences, with numbers and how sure they are."""

from typing import Final

from scenarios.answer import Answer, Difference, Told, Variant
from scenarios.shown import Said, Scale, decimals, difference_said, number_said, scale_of, shown, verdict, with_unit
from scenarios.words import Language, word
from twin.monitor.words import plain

FEW: Final = 4
"""Variants that are told of singly; of more the extremes."""


def answered(answer: Answer, language: Language) -> list[str]:
    """Return the answer as sentences about the number that is reported first."""
    told = answer.measures[0]
    by = scale_of(told, [variant.numbers[told.name] for variant in answer.variants])
    found = [_best(answer, language)] if answer.best else []
    found.append(_values(answer, told, by, language))
    if len(answer.variants) <= FEW:
        found += [_change(answer, each, told, language) for each in answer.variants[1:] if _known(each, told)]
    return found


def _known(variant: Variant, told: Told) -> bool:
    return variant.numbers[told.name].middle is not None


def notes(answer: Answer, language: Language) -> list[str]:
    """Return what has to be said beside the answer: what brackets mean, and what is missing."""
    footnote = "footnote" if len(answer.variants) > 1 else "footnote_one"
    sizes = [variant.replications for variant in answer.variants]
    count = str(sizes[0]) if len(set(sizes)) == 1 else word("between", language, min(sizes), max(sizes))
    found = [word(footnote, language, count)]
    if answer.ending == "interrupted":
        found.insert(0, word("interrupted", language))
    failures = sum(len(variant.failures) for variant in answer.variants)
    if failures:
        found.append(word("some_failed", language, failures))
    return found


def label(told: Told, language: Language) -> str:
    """Return what a reported number is called."""
    return plain(told.korean if language == "ko" else told.english)


def called(variant: Variant, language: Language) -> str:
    """Return what a variant is called."""
    said = plain(variant.korean if language == "ko" else variant.english)
    return word("as_is", language) if said == "as_is" else said


def within(variant: Variant, language: Language) -> str:
    """Return ``as it is``, or ``with “slower”``."""
    said = called(variant, language)
    return said if said == word("as_is", language) else word("with_variant", language, said)


def bracketed(said: Said, language: Language) -> str:
    """Return a number with its interval in brackets, if it has one."""
    return word("in_brackets", language, said.middle, said.interval) if said.interval else said.middle


def _lead(told: Told, language: Language) -> str:
    what, _, key = told.name.rpartition(".")
    if told.probability and key == "on_time" and what.startswith("order."):
        return word("lead_on_time", language, plain(what.removeprefix("order.")))
    return word("lead_chance" if told.probability else "lead_mean", language, label(told, language))


def _values(answer: Answer, told: Told, by: Scale, language: Language) -> str:
    """Return what the number is with each variant, or with the extremes of many."""
    known = [variant for variant in answer.variants if _known(variant, told)]

    def value(variant: Variant) -> str:
        return bracketed(number_said(variant.numbers[told.name], by, language), language)

    first = answer.variants[0]
    lead = _lead(told, language)
    missing = [each for each in answer.variants if each not in known][:FEW]
    gaps = [word("no_values", language, label(told, language), within(each, language)) for each in missing]
    if not known:
        return gaps[0]
    parts = [(value(each), within(each, language)) for each in known]
    if len(answer.variants) > FEW:
        ranked = sorted(known, key=lambda each: each.numbers[told.name].middle or 0.0)
        low, high = ((value(each), within(each, language)) for each in (ranked[0], ranked[-1]))
        base = [word("one_value", language, lead, value(first), within(first, language))] if first in known else []
        said = " ".join([*base, word("extremes", language, len(known), *low, *high)])
    elif len(known) == 1:
        said = word("one_value", language, lead, *parts[0])
    elif len(known) == 2:
        said = word("two_values", language, lead, *parts[0], *parts[1])
    else:
        listed = word("part_join", language).join(word("part_value", language, *part) for part in parts)
        said = word("many_values", language, lead, listed)
    return " ".join([said, *gaps]) if len(answer.variants) <= FEW else said


def _change(answer: Answer, variant: Variant, told: Told, language: Language) -> str:
    """Return how a variant differs from the first, carefully where that isn't sure."""
    found = variant.differences[told.name]
    by = scale_of(told, [each.numbers[told.name] for each in answer.variants])
    name, which = within(variant, language), verdict(found, told.better)
    if which == "unknown" or found.middle is None:
        return _sentence("change_unknown", language, name)
    if which == "same":
        return _sentence("change_same", language, name, found.size)
    if which == "none":
        ends = (_end(value, found, by, language) for value in (found.low, found.high))
        return _sentence("change_none", language, name, *ends)
    said = difference_said(found, by, language, signed=False)
    if found.low == found.high:
        said = said._replace(interval=word("in_all_pairs", language, found.size))
    said = said._replace(middle=word(_way(found.middle, by), language, said.middle))
    return _sentence(f"change_{which}", language, name, bracketed(said, language))


def _end(value: float | None, found: Difference, by: Scale, language: Language) -> str:
    """Return an end of a difference's interval as more or less."""
    size = 0.0 if value is None else value
    half = 0.5 * ((found.high or 0.0) - (found.low or 0.0))
    number = shown(abs(by.span(size)), decimals(by.span(size), by.span(half), by.coarse))
    return word(_way(size, by), language, with_unit(number, by.difference_symbol, language))


def _way(value: float, by: Scale) -> str:
    return f"{'more' if value > 0.0 else 'less'}{'_points' if by.points else ''}"


def _sentence(name: str, language: Language, *filled: object) -> str:
    said = word(name, language, *filled)
    return said[:1].upper() + said[1:]


def _best(answer: Answer, language: Language) -> str:
    """Return what a search has found."""
    best = answer.best
    if best is None:
        return ""
    variant = next(each for each in answer.variants if each.name == best.variant)
    told = answer.told(best.number)
    by = scale_of(told, [each.numbers[told.name] for each in answer.variants])
    changes = ", ".join(f"{plain(path)} = {plain(text)}" for path, text in variant.changes.items())
    value = bracketed(number_said(variant.numbers[told.name], by, language), language)
    filled = (called(variant, language), changes or word("nothing_changed", language), label(told, language), value)
    return word("best_found", language, best.evaluations, *filled)
