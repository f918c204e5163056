"""What the monitor remembers: conditions, holds and counts as plain records that encode to the same bytes."""

from typing import Literal, NamedTuple

from msgspec import Struct

Life = Literal["normal", "unacknowledged", "acknowledged", "returned", "shelved", "suppressed", "out_of_service"]
"""State of an advisory by ISA-18.2; `returned` is returned to normal and not acknowledged."""

HIDDEN: tuple[Life, ...] = ("shelved", "suppressed", "out_of_service")
"""Listed, with the reason and until when, but not announced."""


class Change(NamedTuple):
    """A transition, or an action that changed nothing, for the log.

    Attributes
    ----------
    time : float
        Source time [s].
    advisory : str
        Its id; empty where an asset or a tag is meant.
    before, after : str
        States; equal where there was no transition.
    by : str
        Who did it; ``twin`` where nobody did.
    text : str
        What was said about it.
    cause : str
        Code of why: a kind of action, or one of those that `twin.monitor.texts.causes` lists.
    subject : str
        Key of the condition, asset or tag.
    """

    time: float
    advisory: str
    before: Life
    after: Life
    by: str
    text: str
    cause: str
    subject: str


class Hold(Struct):
    """Why conditions about `target` are not announced, since when and until when (``inf``: until undone) [s]."""

    kind: Literal["start", "stop", "maintenance", "suppress", "bypass", "shelve"]
    target: str
    since: float
    until: float
    by: str = "twin"
    text: str = ""


class Item(Struct):
    """A condition that was once over its limit, with what became of it.

    Attributes
    ----------
    over : bool
        Over its limit, deadband applied, delays not; `turned` is when that changed last.
    active : bool
        The same with delays.
    told : bool
        This excursion was announced.
    unseen : bool
        What was announced is not acknowledged.
    life : str
        State when it was last listed.
    """

    key: str
    code: str
    since: float
    values: dict[str, float | str]
    about: tuple[str, ...]
    turned: float
    id: str = ""
    size: float = 0.0
    peak: float = 0.0
    probability: float = 0.0
    over: bool = False
    active: bool = False
    told: bool = False
    unseen: bool = False
    life: Life = "normal"
    raised: float = 0.0
    changed: float = 0.0
    next_code: str = ""
    next_since: float = 0.0
    shelf: Hold | None = None
    note: str = ""


class State(Struct):
    """All that the monitor remembers; the same history gives the same bytes.

    Attributes
    ----------
    raised : list
        When which key was announced, for a day.
    crossings : list
        When which key went over its limit, delays not applied, for a minute.
    chattering : dict
        When a key was last seen to chatter, for an hour.
    """

    time: float = float("-inf")
    count: int = 0
    items: dict[str, Item] = {}
    holds: list[Hold] = []
    running: dict[str, bool] = {}
    raised: list[tuple[float, str]] = []
    crossings: list[tuple[float, str]] = []
    chattering: dict[str, float] = {}
    flood: bool = False
