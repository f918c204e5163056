"""`python -m twin.live.leash MODULE ...`: run a module as ``python -m`` does, until whoever holds the leash is gone.

The leash is a pipe at stdin. When it is let go, be it that the holder was killed, the module gets SIGTERM.
"""

import os
import runpy
import signal
import sys
import threading


def _wait() -> None:
    """Return when the other end is closed; what comes through it means nothing."""
    while os.read(0, 1 << 10):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    del sys.argv[0]
    threading.Thread(target=_wait, name="leash", daemon=True).start()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
