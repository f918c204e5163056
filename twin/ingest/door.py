"""Ingest's end of the local door: a Unix socket in the data folder that its owner alone can open."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import zmq

from twin.errors import DataError
from twin.ingest.keys import write_whole
from twin.service import LONGEST_PATH, MAX_BYTES, Answer, Refused, encode

_MOST_AT_ONCE = 50
_PREFIX = "twin-door-"


class Request(NamedTuple):
    """What somebody asks, and whom to answer."""

    peer: bytes
    frame: bytes


class Door:
    """Takes requests and returns answers; the one who serves decides.

    Parameters
    ----------
    data : Path
        The data folder. Where its path is too long for a socket, the socket is in the system's folder for temporary
        files, and ``door.at`` says where.
    context : zmq.Context
        Where the socket belongs.
    """

    def __init__(self, data: Path, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        self._told = data / "door.at"
        _clear(self._told)
        self.path = data.absolute() / "door"
        if len(os.fsencode(self.path)) > LONGEST_PATH:
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX)) / "door"
            write_whole(self._told, f"{self.path}\n", 0o600)
        self.socket = context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.maxmsgsize = MAX_BYTES
        self.socket.rcvhwm = self.socket.sndhwm = 64
        before = os.umask(0o177)  # the socket is never open to others, not for a moment
        try:
            self.socket.bind(f"ipc://{self.path}")
        except zmq.ZMQError as err:
            raise DataError(f"{self.path}: can't be served: {zmq.strerror(err.errno or 0)}; check the folder") from None
        finally:
            os.umask(before)

    def take(self) -> list[Request]:
        """Return what was asked, without waiting."""
        taken: list[Request] = []
        while len(taken) < _MOST_AT_ONCE:
            try:
                peer, *frames = self.socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                break
            if len(frames) == 1:
                taken.append(Request(peer, frames[0]))
            else:
                self.answer(peer, Refused(f"a request of {len(frames)} frames; send one"))
        return taken

    def answer(self, peer: bytes, answer: Answer) -> None:
        """Answer, or drop the answer where nobody waits for it any more."""
        with contextlib.suppress(zmq.ZMQError):
            self.socket.send_multipart([peer, encode(answer)], zmq.DONTWAIT)

    def close(self) -> None:
        """Take the socket away."""
        self.socket.close()
        self.path.unlink(missing_ok=True)
        _clear(self._told)


def _clear(told: Path) -> None:
    """Remove the temporary folder of an ingest that is gone, and what tells of it."""
    try:
        folder = Path(told.read_text(encoding="utf-8").removesuffix("\n")).parent
        ours = folder.parent == Path(tempfile.gettempdir()) and folder.name.startswith(_PREFIX)
        if ours and folder.lstat().st_uid == os.geteuid() and not folder.is_symlink():
            shutil.rmtree(folder)
    except (OSError, UnicodeDecodeError):
        pass  # nothing that could be removed
    told.unlink(missing_ok=True)
