"""Which archives have to go: those older than is asked for, and the oldest where the disk has to be shared."""

from typing import NamedTuple

from twin.keep.manifest import Manifest, Record

MOST_AT_ONCE = 48
"""Archives deleted for their age in an hour: a clock that is wrong for a moment shall not take the whole history."""
DAY = 86_400_000_000
"""[us]"""


class Limits(NamedTuple):
    """How long archives are kept [s], how much room they and the journal may take [byte]; whether it is pruned."""

    keep: float
    most: int | None = None
    prune: bool = True


class Going(NamedTuple):
    """An archive that has to go, and why."""

    record: Record
    reason: str


def ordered(manifest: Manifest) -> list[Record]:
    """Return the archives in the order in which their readings came."""
    return sorted(manifest.archives, key=lambda record: (record.received[1], record.through, record.name))


def aged(manifest: Manifest, limits: Limits, now: int) -> list[Going]:
    """Return archives whose last entry was received longer ago than is asked for.

    Parameters
    ----------
    manifest : Manifest
        Those there are.
    limits : Limits
        How long they are kept.
    now : int
        The present [us UTC].
    """
    begin = now - round(limits.keep * 1e6)
    reason = f"older than {limits.keep / 86400.0:g} days"
    return [Going(record, reason) for record in ordered(manifest) if record.received[1] < begin][:MOST_AT_ONCE]


def crowded(manifest: Manifest, limits: Limits, others: int) -> list[Going]:
    """Return the oldest archives, as many as have to go for the rest to fit beside `others` [byte]."""
    if limits.most is None:
        return []
    surplus = sum(record.bytes for record in manifest.archives) + others - limits.most
    found = []
    for record in ordered(manifest):
        if surplus <= 0:
            break
        surplus -= record.bytes
        found.append(Going(record, f"no room within {limits.most / 1e9:g} GB"))
    return found


def deletable(going: list[Going], journal: str, first: int) -> list[Going]:
    """Return those of whose entries the journal has none any more.

    Parameters
    ----------
    going : list of Going
        Those that have to go.
    journal : str
        The identity of the journal.
    first : int
        Its first entry that is not pruned.
    """
    return [one for one in going if one.record.journal != journal or one.record.through < first]


def shortage(manifest: Manifest, limits: Limits, others: int) -> str:
    """Return what an operator must know about too little room, or nothing."""
    if limits.most is None:
        return f"archives are kept for only {limits.keep / 3600.0:g} hours" if limits.keep < 86_400.0 else ""
    archives = sum(record.bytes for record in manifest.archives)
    if archives + others > limits.most:
        return (
            f"{(archives + others) / 1e9:.2f} GB of journal and archives, {limits.most / 1e9:g} GB are allowed, and "
            "nothing more may be deleted: allow more, or look why the journal isn't pruned"
        )
    cut = next((gone for gone in reversed(manifest.deleted) if gone.reason.startswith("no room")), None)
    kept = [record.received for record in manifest.archives]
    span = max(r[1] for r in kept) - min(r[0] for r in kept) if kept else 0
    if cut is not None and span < DAY:
        return f"only {span / 3.6e9:.1f} hours of archives fit into {limits.most / 1e9:g} GB; allow more, or send less"
    return ""
