"""The one local door of a running twin: what people may do, who may do it, and how it is asked and answered.

The door is a Unix socket in the data folder that its owner alone can open; who may open it is the operating
system's matter. An action that is accepted becomes an entry of the journal and is answered once it is on disk, so
that a restart or a replay sees what people did. Nothing here, and nothing behind it, writes to equipment.
"""

import os
import re
import stat
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Literal, NamedTuple, Self

import msgspec
import zmq
from msgspec import Meta, Struct

from twin.errors import DataError

Kind = Literal["acknowledge", "shelve", "unshelve", "comment", "maintenance", "bypass", "restore", "suppress"]
Role = Literal["operator", "engineer", "maintainer"]

_OPERATOR: frozenset[Kind] = frozenset({"acknowledge", "shelve", "unshelve", "comment"})
MAY: Mapping[Role, frozenset[Kind]] = {
    "operator": _OPERATOR,
    "engineer": _OPERATOR | {"suppress", "bypass", "restore"},
    "maintainer": _OPERATOR | {"maintenance", "bypass", "restore"},
}
"""Which kinds of action each role may do."""

NEEDS_TIME: frozenset[Kind] = frozenset({"shelve"})
"""Kinds of action that end by themselves, after `Action.minutes`."""
NEEDS_TEXT: frozenset[Kind] = frozenset({"shelve", "comment", "maintenance", "bypass", "suppress"})
"""Kinds of action that say why, in `Action.text`."""

MAX_BYTES = 1 << 16
"""Longest request."""
LONGEST_PATH = 100
"""Longest path of a Unix socket in bytes; the system's own limit is a little higher."""

# No control characters, and none that turn the direction of what stands beside them.
_LINE = r"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]*\Z"
_TARGET = r"\A[A-Za-z0-9_][A-Za-z0-9_.:/@#-]{0,255}\Z"
_WRITTEN = {
    "who": "give a name on one line, up to 64 characters",
    "text": "say it on one line, up to 2000 characters",
    "target": "name an advisory as adv-2, an asset or a tag",
}
LONGEST = 525_600.0
"""Longest time that an action can name [min]."""


class Action(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person does.

    Attributes
    ----------
    kind : str
        What is done.
    who : str
        The person's name.
    role : str
        In which role; `MAY` says what it may do.
    target : str
        An advisory's id, an asset or a tag.
    minutes : float
        How long it holds; 0 where it holds until it is undone.
    text : str
        Why, in one line.
    id : str
        32 hexadecimal digits, made by whoever asks: the same action sent twice is stored once.
    """

    kind: Kind
    who: Annotated[str, Meta(min_length=1, max_length=64, pattern=_LINE)]
    role: Role
    target: Annotated[str, Meta(pattern=_TARGET)]
    minutes: Annotated[float, Meta(ge=0.0, le=LONGEST)] = 0.0
    text: Annotated[str, Meta(max_length=2000, pattern=_LINE)] = ""
    id: Annotated[str, Meta(pattern=r"\A([0-9a-f]{32})?\Z")] = ""


class Act(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="act"):
    """Ask for an action to be stored."""

    action: Action


class Ask(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="status"):
    """Ask how ingest is doing."""


class Prune(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="prune"):
    """Ask for what is before an entry to be pruned; it is, as far as archives and a snapshot cover it."""

    before: Annotated[int, Meta(ge=1, le=2**62)]


class Stored(Struct, frozen=True, tag_field="t", tag="stored"):
    """The action is on disk, as this entry of the journal."""

    entry: int


class Status(Struct, frozen=True, tag_field="t", tag="status"):
    """How ingest is doing."""

    status: dict[str, Any]


class Pruned(Struct, frozen=True, tag_field="t", tag="pruned"):
    """The first entry that is there, whether it is still being pruned, and why it was refused since it was asked."""

    first: int
    busy: bool
    refused: str = ""


class Refused(Struct, frozen=True, tag_field="t", tag="refused"):
    """Nothing was stored; `text` says why."""

    text: str


Answer = Stored | Status | Pruned | Refused

_requests = msgspec.msgpack.Decoder(Act | Ask | Prune)
_answers = msgspec.msgpack.Decoder(Answer)
encode = msgspec.msgpack.Encoder().encode
"""Turns a request, an answer or an action into bytes."""


class Decision(NamedTuple):
    """What ingest does with a request: store the action, tell its status, prune, or answer at once."""

    store: Action | None = None
    tell_status: bool = False
    answer: Answer | None = None
    prune: int = 0


def decide(frame: bytes, stored: Mapping[str, int]) -> Decision:
    """Return what is to be done with a request.

    Parameters
    ----------
    frame : bytes
        The request as it came in.
    stored : mapping
        Entry of the journal for the id of each action that is on disk already.
    """
    if len(frame) > MAX_BYTES:
        return Decision(answer=Refused(f"a request of {len(frame)} bytes; the longest has {MAX_BYTES}"))
    try:
        request = _requests.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        return Decision(answer=Refused(f"the request is not understood: {str(err)[:200]}"))
    if isinstance(request, Ask):
        return Decision(tell_status=True)
    if isinstance(request, Prune):
        return Decision(prune=request.before)
    action = request.action
    if not action.id:
        return Decision(answer=Refused("the action has no id; whoever asks makes one"))
    if action.id in stored:
        return Decision(answer=Stored(stored[action.id]))
    wrong = refusal(action)
    return Decision(answer=Refused(wrong)) if wrong else Decision(store=action)


def refusal(action: Action) -> str:
    """Return why an action can't be done, or nothing."""
    for name, value, pattern, most in (
        ("who", action.who, _LINE, 64), ("text", action.text, _LINE, 2000), ("target", action.target, _TARGET, 256),
    ):  # fmt: skip
        if len(value) > most or not re.search(pattern, value):
            return f"{name}: {value[:40]!r} can't be stored; {_WRITTEN[name]}"
    if not action.who:
        return "who: nobody; give the name of who does it"
    if not 0.0 <= action.minutes <= LONGEST:
        return f"minutes: {action.minutes:g}; give 0 to {LONGEST:g}, a year"
    if action.kind not in MAY[action.role]:
        able = " or ".join(role for role, kinds in MAY.items() if action.kind in kinds)
        return f"{action.who}: role {action.role} may not {action.kind}; ask the {able}"
    if action.kind in NEEDS_TIME and not action.minutes > 0.0:
        return f"{action.kind} {action.target}: for how long? give minutes (--minutes) > 0"
    if action.kind in NEEDS_TEXT and not action.text.strip():
        return f"{action.kind} {action.target}: why? give a text (--text)"
    if action.kind not in NEEDS_TIME and action.kind not in ("maintenance", "bypass", "suppress") and action.minutes:
        return f"{action.kind} {action.target}: it has no duration; leave minutes out"
    return ""


def door_of(data: Path) -> Path:
    """Return the path of the socket of a data folder that is being served.

    Raises
    ------
    DataError
        If the path is too long for a socket and the folder doesn't say where the socket is instead.
    """
    door = data.absolute() / "door"
    if len(os.fsencode(door)) <= LONGEST_PATH:
        return door
    told = data / "door.at"
    try:
        with told.open("rb") as file:
            text = file.read(LONGEST_PATH + 2).removesuffix(b"\n")
    except OSError as err:
        raise DataError(f"{told}: can't be read: {err.strerror}; is ingest running on this folder?") from None
    if not re.fullmatch(rb"/[^\x00\n]{1,%d}" % (LONGEST_PATH - 1), text):
        raise DataError(f"{told}: this is no path of a socket; remove it and restart ingest")
    return Path(os.fsdecode(text))


class Client:
    """Speaks to the door of a data folder, one request at a time; use it from one thread.

    Parameters
    ----------
    data : Path
        The twin's data folder.
    timeout : float
        How long an answer may take [s].
    """

    def __init__(self, data: Path, timeout: float = 5.0) -> None:
        self.data, self.timeout = data, timeout
        self._context = zmq.Context()

    def act(self, action: Action) -> int:
        """Return the entry of the journal that holds the action, once it is on disk.

        Raises
        ------
        DataError
            If it is refused, or nobody answers. Then it may have been stored or not: an action with its `id`
            given can be sent again, and is stored once.
        """
        if not action.id:
            action = msgspec.structs.replace(action, id=uuid.uuid4().hex)
        answer = self._ask(Act(action))
        if not isinstance(answer, Stored):
            raise DataError(f"{self.data}: ingest answered an action with something else; use one version of twin")
        return answer.entry

    def status(self) -> dict[str, Any]:
        """Return how ingest is doing.

        Raises
        ------
        DataError
            If nobody answers.
        """
        answer = self._ask(Ask())
        if not isinstance(answer, Status):
            raise DataError(f"{self.data}: ingest answered with something else; use one version of twin")
        return answer.status

    def prune(self, before: int) -> Pruned:
        """Have what is before an entry pruned, as far as ingest finds it covered; ask again until it isn't busy.

        Raises
        ------
        DataError
            If nobody answers.
        """
        answer = self._ask(Prune(before))
        if not isinstance(answer, Pruned):
            raise DataError(f"{self.data}: ingest answered with something else; use one version of twin")
        return answer

    def close(self) -> None:
        """Let go of the door."""
        self._context.destroy(linger=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _ask(self, request: Act | Ask | Prune) -> Answer:
        door = door_of(self.data)
        try:
            found = stat.S_ISSOCK(door.lstat().st_mode)
        except OSError:
            found = False
        if not found:
            raise DataError(f"{self.data}: no ingest is serving this folder; start it with `twin live`")
        try:
            frame = encode(request)
        except UnicodeEncodeError:
            raise DataError(f"{self.data}: the request holds what is no text; write it in UTF-8") from None
        if len(frame) > MAX_BYTES:
            raise DataError(f"{self.data}: a request of {len(frame)} bytes; the longest has {MAX_BYTES}")
        milliseconds = max(1, round(self.timeout * 1e3))
        with self._context.socket(zmq.DEALER) as socket:
            socket.linger, socket.immediate, socket.sndtimeo = 0, 1, milliseconds
            socket.maxmsgsize = 16 * MAX_BYTES
            socket.connect(f"ipc://{door}")
            try:
                socket.send(frame)
            except zmq.Again:
                raise DataError(f"{self.data}: ingest can't be reached within {self.timeout:g} s; restart it") from None
            if not socket.poll(milliseconds):
                raise DataError(
                    f"{self.data}: no answer within {self.timeout:g} s; see whether ingest runs and the disk has room"
                )
            return _understood(socket.recv_multipart(), self.data)


def _understood(frames: list[bytes], data: Path) -> Answer:
    try:
        answer: Answer = _answers.decode(frames[-1])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise DataError(f"{data}: ingest's answer is not understood; use one version of twin") from None
    if isinstance(answer, Refused):
        raise DataError(answer.text)
    return answer
