"""CURVE keys in strict text files: the twin's own, one for each gateway, and the list of those that may connect.

``DIR/keys/server.key`` holds two lines, ``public KEY`` and ``secret KEY``; a gateway's file four: ``gateway
NAME``, ``server KEY``, ``public KEY`` and ``secret KEY``. ``DIR/keys/allow.txt`` holds a line ``NAME KEY`` for
each gateway. Keys are written as 40 characters of Z85; a line that begins with ``# `` is a remark.
"""

import fcntl
import os
import re
import secrets
import stat
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import zmq
from zmq.utils import z85

from twin.errors import DataError

MAX_BYTES = 1 << 20
"""Larger files are no lists of keys."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_KEY = re.compile(r"[0-9A-Za-z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
# Printed in the manual pages of libzmq: everybody holds them.
_PUBLISHED = frozenset(
    {
        "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
        "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
        "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
        "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
    }
)


class KeyPair(NamedTuple):
    """A public key and the secret one that belongs to it, as Z85 text."""

    public: str
    secret: str


class GatewayKey(NamedTuple):
    """All that a gateway needs to prove who it is, and to know that it speaks to its twin."""

    gateway: str
    server: str
    public: str
    secret: str


def folder_of(data: Path) -> Path:
    """Return where a data folder keeps its keys."""
    return data / "keys"


def server_keys(data: Path) -> KeyPair | None:
    """Return the twin's own keys, or None where it has none yet.

    Raises
    ------
    DataError
        If the file can be read by others, or holds no pair of keys.
    """
    path = folder_of(data) / "server.key"
    if not os.path.lexists(path):
        return None
    fields = _fields(path, ("public", "secret"))
    return KeyPair(*_pair(path, fields))


def gateway_keys(path: Path) -> GatewayKey:
    """Read a gateway's key file.

    Raises
    ------
    DataError
        If the file can't be read, can be read by others, or holds something else.
    """
    fields = _fields(path, ("gateway", "server", "public", "secret"))
    return GatewayKey(
        checked_name(fields["gateway"], str(path)), _checked_key(fields["server"], str(path)), *_pair(path, fields)
    )


def new(data: Path, gateway: str, to: Path | None = None) -> Path:
    """Make the keys of a gateway, allow it to connect, and return its key file.

    Parameters
    ----------
    data : Path
        The twin's data folder; its own keys are made with the first gateway's.
    gateway : str
        The gateway's name.
    to : Path, optional
        Folder of the new file ``NAME.key``; else the folder of keys.

    Raises
    ------
    DataError
        If the gateway has keys already, or a file can't be written.
    """
    name = checked_name(gateway, "keys")
    path = (to or folder_of(data)) / f"{name}.key"
    if name == "server" and to is None:
        raise DataError("keys: 'server' is the name of the twin's own key file; give the gateway another name")
    with _locked(data):
        if name in allowed(data):
            raise DataError(
                f"{_list(data)}: {name} may connect already; remove its line there before you make it new keys"
            )
        server = server_keys(data) or _make_server(data)
        pair = _generate()
        fields = {"gateway": name, "server": server.public, "public": pair.public, "secret": pair.secret}
        _create(path, "".join(f"{word} {value}\n" for word, value in fields.items()))
        _write_list(data, {**allowed(data), name: pair.public})
    return path


def allow(data: Path, gateway: str, public: str) -> None:
    """Let a gateway connect that made its keys itself and tells only the public one.

    Raises
    ------
    DataError
        If name or key is malformed, or either is on the list already with another partner.
    """
    name = checked_name(gateway, "keys")
    key = _checked_key(public, "keys")
    with _locked(data):
        _ = server_keys(data) or _make_server(data)
        found = allowed(data)
        if found.get(name) != key:
            _write_list(data, _added(found, name, key, str(_list(data))))


def allowed(data: Path) -> dict[str, str]:
    """Return the public key of each gateway that may connect, by its name.

    Raises
    ------
    DataError
        If the list can't be read, has a malformed line, or tells a name or a key twice.
    """
    path = _list(data)
    if not os.path.lexists(path):
        return {}
    found: dict[str, str] = {}
    for where, line in _lines(path, private=False):
        name, space, key = line.partition(" ")
        if not space:
            raise DataError(f"{where}: expected `NAME KEY`; mend the line or remove it")
        found = _added(found, checked_name(name, where), _checked_key(key, where), where)
    return found


def checked_name(text: str, where: str) -> str:
    """Return the name of a gateway, which is the name of a file as well."""
    if not _NAME.fullmatch(text):
        raise DataError(f"{where}: {text[:80]!r} is no name of a gateway; use up to 64 of A-Z a-z 0-9 _ . -")
    return text


def public_part(secret: str) -> str:
    """Return the public key that belongs to a secret one."""
    return zmq.curve_public(secret.encode()).decode()


def _added(found: Mapping[str, str], name: str, key: str, where: str) -> dict[str, str]:
    if name in found:
        raise DataError(f"{where}: {name} has a line already; keep one of them")
    owner = next((other for other, known in found.items() if known == key), None)
    if owner is not None:
        raise DataError(f"{where}: {name} has the key of {owner}; every gateway needs its own")
    return {**found, name: key}


def _list(data: Path) -> Path:
    return folder_of(data) / "allow.txt"


def _write_list(data: Path, keys: Mapping[str, str]) -> None:
    write_whole(_list(data), "".join(f"{name} {key}\n" for name, key in sorted(keys.items())), 0o600)


def _generate() -> KeyPair:
    while True:
        public, secret = (key.decode() for key in zmq.curve_keypair())
        if public[0] not in "-#@&<>(":  # what a command line or our own remarks would take for something else
            return KeyPair(public, secret)


def _make_server(data: Path) -> KeyPair:
    pair = _generate()
    _create(folder_of(data) / "server.key", f"public {pair.public}\nsecret {pair.secret}\n")
    return pair


def _pair(path: Path, fields: Mapping[str, str]) -> tuple[str, str]:
    public, secret = (_checked_key(fields[word], str(path)) for word in ("public", "secret"))
    if public_part(secret) != public:
        raise DataError(f"{path}: the secret key does not belong to the public one; make new keys")
    return public, secret


def _checked_key(text: str, where: str) -> str:
    """Return a key; the message never shows it, it may be a secret one."""
    if not _KEY.fullmatch(text) or not _decodes(text):
        raise DataError(f"{where}: a key is 40 characters of Z85; copy it whole, and quote it for the shell")
    if text in _PUBLISHED:
        raise DataError(f"{where}: this key is printed in libzmq's manual, everybody holds it; make new keys")
    return text


def _decodes(text: str) -> bool:
    """Return whether every five characters are four bytes, and not more than four hold."""
    try:
        return bool(z85.encode(z85.decode(text)) == text.encode())
    except (ValueError, struct.error):
        return False


def _fields(path: Path, words: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for where, line in _lines(path, private=True):
        word, _, value = line.partition(" ")
        if word not in words or word in found:
            raise DataError(f"{where}: expected one line each of {', '.join(words)}; make new keys")
        found[word] = value
    missing = [word for word in words if word not in found]
    if missing:
        raise DataError(f"{path}: no line `{missing[0]} ...`; copy the file whole, or make new keys")
    return found


def _lines(path: Path, *, private: bool) -> Iterator[tuple[str, str]]:
    """Yield where each line stands, and the line, without remarks; a file with secrets must be its owner's alone."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise DataError(f"{path}: it is no regular file; check the path")
            forbidden = 0o077 if private else 0o022
            if mode & forbidden:
                wrong = "can be read" if private else "can be changed"
                raise DataError(f"{path}: it {wrong} by others than its owner; run chmod 600 on it")
            raw = file.read(MAX_BYTES + 1)
    except OSError as err:
        raise DataError(f"{path}: can't be read: {err.strerror}; check the path") from None
    if len(raw) > MAX_BYTES or not raw.isascii():
        raise DataError(f"{path}: this is no file of keys; make new keys")
    for number, line in enumerate(raw.decode().split("\n"), 1):
        if line and not line.startswith("# "):
            yield f"{path}:{number}", line


@contextmanager
def _locked(data: Path) -> Iterator[None]:
    """Make the folder of keys, and keep every other process that changes it waiting."""
    folder = folder_of(data)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as err:
        raise DataError(f"{folder}: can't be made: {err.strerror}; check the path") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _create(path: Path, text: str) -> None:
    """Write a file that is not there yet, for its owner alone."""
    if os.path.lexists(path):
        raise DataError(f"{path}: it is there already; remove it before you make new keys")
    write_whole(path, text, 0o600)


def write_whole(path: Path, text: str, mode: int) -> None:
    """Write a file so that readers see all of it or what was there before, whenever the power fails.

    Raises
    ------
    DataError
        If it can't be written.
    """
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        above = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(above)
        finally:
            os.close(above)
    except OSError as err:
        raise DataError(f"{path}: can't be written: {err.strerror}; check the folder and the disk") from None
