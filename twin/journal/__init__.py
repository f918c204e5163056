"""The only truth of a running twin: every reading, tick and action in one order, durable before it is acknowledged."""

from twin.journal.check import Verdict, verify
from twin.journal.entries import Draft, Entry, JournalFull, Kind
from twin.journal.prune import prune
from twin.journal.reader import Reader, follow
from twin.journal.writer import Journal

__all__ = ["Draft", "Entry", "Journal", "JournalFull", "Kind", "Reader", "Verdict", "follow", "prune", "verify"]
