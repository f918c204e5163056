"""Who may use the live view: names, roles and scrypt hashes in one file that its owner alone can read.

The file stands in the folder ``view`` of the twin's data folder. A person who can write it can give themselves any
role, so whatever others could read or write is refused before anything is served.
"""

import fcntl
import getpass
import hashlib
import hmac
import ipaddress
import os
import re
import secrets
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, ClassVar, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from twin import service
from twin.errors import DataError, unknown
from viz.audit import read_private, view_of, write_private

Role = Literal["viewer", "operator", "engineer"]
ROLES: tuple[Role, ...] = get_args(Role)

SHORTEST, LONGEST = 12, 128
"""Length of a password in characters; NIST SP 800-63B asks for length, and for no kinds of characters."""
LEAST_VARIED = 5
"""How many different characters a password has at least: `aaaaaaaaaaaa` is long, and the first that is tried."""

_NAME = re.compile(r"[A-Za-z0-9_.가-힣 -]{1,64}")
# 32 MiB and about 0.3 s for a try: OWASP's second choice, whose memory two tries at once don't feel.
_COST, _PASSES = 1 << 15, 3
_MEMORY = 64 << 20


class Account(Struct, frozen=True):
    """A person as a request knows them.

    Attributes
    ----------
    name : str
        What actions are signed with.
    role : str
        What `may` goes by.
    mark : str
        Changes whenever the role or the password does, which ends the sessions that were begun before.
    """

    name: str
    role: Role
    mark: str = ""


class _Stored(Struct, frozen=True, forbid_unknown_fields=True):
    role: Role
    salt: Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
    hash: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    # Bounds, so that a damaged file can't ask for all the memory there is.
    cost: Annotated[int, Meta(ge=1 << 14, le=1 << 15)]
    passes: Annotated[int, Meta(ge=1, le=8)]


_decoder = msgspec.json.Decoder(dict[str, _Stored])


def may(account: Account, kind: service.Kind) -> bool:
    """Return whether an account may do a kind of action; a viewer may do none."""
    return account.role != "viewer" and kind in service.MAY[account.role]


def here() -> Account:
    """Return the account of everybody who reaches the view on the loopback address without a login.

    Whoever can open that port can run programs on this machine already, as one of its users: they are an engineer
    here, under the name of the user that serves the view. Where users of one machine must be told apart, the view
    asks for a login on the loopback address too.
    """
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user without an entry in passwd
        name = f"user {os.getuid()}"
    return Account(name=re.sub(r"[^A-Za-z0-9_.가-힣 -]", "_", name)[:64] or "user", role="engineer")


class Patience:
    """How long whoever failed to log in has to wait, by name and by address; it is forgotten with the process.

    Nobody is locked out for good: the wait doubles with every failure up to a longest, and a try during the wait
    is answered without being looked at, so it prolongs nothing.

    Parameters
    ----------
    clock : callable
        Tells the time that waits are counted in [s].
    """

    FREE = 5
    """Failures that cost nothing: fingers slip."""
    LONGEST: ClassVar[Mapping[str, float]] = {"name": 30.0, "address": 300.0}
    """Longest wait [s]; short for a name, since a stranger can make its owner wait."""
    FORGOTTEN = 900.0
    """How long after the last failure it is as if none had been [s]."""
    MOST = 10_000
    """How many names and addresses are remembered; of more, those that failed the longest ago are forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def begin(self, name: str, address: str) -> float:
        """Return how long to wait [s]; where that is 0, a failure is counted until `succeeded` takes it back.

        Tries sent all at once would otherwise all be looked at before the first has failed.
        """
        now, keys = self._clock(), (_counted(name), ("address", address))
        wait = max(self._wait(key, now) for key in keys)
        if wait > 0.0:
            return wait
        for key in keys:
            count, last = self._failures.pop(key, (0, now))
            self._failures[key] = (1 if now - last > self.FORGOTTEN else count + 1, now)
        while len(self._failures) > self.MOST:
            self._failures.popitem(last=False)
        return 0.0

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of a name, and the try just counted of the address.

        The address keeps the rest: else whoever has one account could try the others' without end.
        """
        self._failures.pop(_counted(name), None)
        count, last = self._failures.pop(("address", address), (0, 0.0))
        if count > 1:
            self._failures[("address", address)] = (count - 1, last)

    def _wait(self, key: tuple[str, str], now: float) -> float:
        count, last = self._failures.get(key, (0, now))
        if count < self.FREE or now - last > self.FORGOTTEN:
            return 0.0
        # The exponent is bounded before the power is taken: a float ends at 2**1024.
        return max(0.0, last + min(self.LONGEST[key[0]], 2.0 ** min(count - self.FREE, 16)) - now)


def accounts_of(data: Path) -> Path:
    """Return where the accounts of a data folder are.

    Raises
    ------
    DataError
        If the folder ``view`` can't be made, or others can read it.
    """
    return view_of(data) / "accounts.json"


def add(path: Path, name: str, role: str, password: str) -> Account:
    """Make an account, or give the one of that name another role and password.

    Raises
    ------
    DataError
        If the name, the role or the password won't do, or the file can't be written.
    """
    name = unicodedata.normalize("NFC", name)
    if not _NAME.fullmatch(name) or name != name.strip():
        raise DataError(f"{name[:40]!r}: that is no name; use 1 to 64 letters, digits, blanks, '.', '_' and '-'")
    chosen = next((known for known in ROLES if known == role), None)
    if chosen is None:
        raise DataError(f"{name}: {unknown('role', role, ROLES)}; give one of them")
    _check_password(name, password)
    salt = secrets.token_bytes(16)
    stored = _Stored(chosen, salt.hex(), _hashed(password, salt, _COST, _PASSES).hex(), _COST, _PASSES)
    with _changing(path) as accounts:
        accounts[name] = stored
    return _account(name, stored)


def remove(path: Path, name: str) -> None:
    """Remove an account, which ends its sessions at their next request.

    Raises
    ------
    DataError
        If there is none of that name, or the file can't be written.
    """
    name = unicodedata.normalize("NFC", name)
    with _changing(path) as accounts:
        if name not in accounts:
            raise DataError(f"{path}: {unknown('account', name, accounts)}; name one that is there")
        del accounts[name]


def listed(path: Path) -> tuple[Account, ...]:
    """Return every account, by name; none where there is no file.

    Raises
    ------
    DataError
        If the file can't be read, is damaged, or others can read it.
    """
    return tuple(_account(name, stored) for name, stored in sorted(_read(path).items()))


def found(path: Path, name: str) -> Account | None:
    """Return the account of a name, or nothing.

    Raises
    ------
    DataError
        As `listed`.
    """
    stored = _read(path).get(name)
    return None if stored is None else _account(name, stored)


def check(path: Path, name: str, password: str) -> Account | None:
    """Return the account if the password is its own; a name that isn't there takes as long.

    Raises
    ------
    DataError
        As `listed`.
    """
    name = unicodedata.normalize("NFC", name)
    stored = _read(path).get(name)
    # What no password can be is not hashed: the answer tells nothing, since the lengths are no secret.
    if len(password) > LONGEST:
        return None
    against = stored or _Stored("viewer", "0" * 32, "0" * 64, _COST, _PASSES)
    given = _hashed(password, bytes.fromhex(against.salt), against.cost, against.passes)
    same = hmac.compare_digest(given, bytes.fromhex(against.hash))
    return _account(name, stored) if stored is not None and same else None


def required(bind: str) -> bool:
    """Return whether people have to log in to a view at an address; not where this machine alone reaches it."""
    host = bind.strip("[]").lower()
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def _counted(name: str) -> tuple[str, str]:
    """Return under what a name's failures are counted: however it is spelt, it is one account's."""
    return "name", unicodedata.normalize("NFC", name[:64])[:64]


def refuse_open(bind: str, accounts: Path) -> None:
    """Refuse to serve at an address where a login is required, and nobody can log in.

    Raises
    ------
    DataError
        If there is no account.
    """
    if required(bind) and not listed(accounts):
        raise DataError(f"{bind}: nobody can log in; make an account with `twin view DATA --add-account NAME`")


def _check_password(name: str, password: str) -> None:
    length = len(unicodedata.normalize("NFKC", password))
    if not SHORTEST <= length <= LONGEST:
        raise DataError(f"{name}: a password of {length} characters; give {SHORTEST} to {LONGEST}, a sentence will do")
    if len(set(password)) < LEAST_VARIED or password.casefold().replace(name.casefold(), "") == "":
        raise DataError(f"{name}: that password is tried first; give one that isn't your name or one key repeated")


def _hashed(password: str, salt: bytes, cost: int, passes: int) -> bytes:
    # Keyboards differ in how they compose Hangul and accents: what looks the same is the same password.
    text = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=cost, r=8, p=passes, maxmem=_MEMORY, dklen=32)


def _account(name: str, stored: _Stored) -> Account:
    return Account(name, stored.role, hashlib.sha256(f"{stored.role} {stored.hash}".encode()).hexdigest()[:16])


def _read(path: Path) -> dict[str, _Stored]:
    content = read_private(path)
    if content is None:
        return {}
    try:
        return _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise DataError(
            f"{path}: is damaged: {str(err)[:200]}; put back a copy or remove it and add accounts"
        ) from None


@contextmanager
def _changing(path: Path) -> Iterator[dict[str, _Stored]]:
    """Read, change and write, while another command that does the same waits."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        accounts = _read(path)
        yield accounts
        write_private(path, msgspec.json.format(msgspec.json.encode(dict(sorted(accounts.items())))))
    finally:
        os.close(folder)
