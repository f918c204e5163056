"""Becomes another program: at low priority, open to SIGINT, and interrupted when the thread that started it ends.

Run as a script, by path: ``leash.py PARENT PROGRAM ARGUMENT...``. Done here, between fork and exec, it would run in a
copy of a process with many threads, where only what is safe in a signal's handler may be done.
"""

import ctypes
import os
import signal
import sys

NICE = 10
"""How much the program stands back behind the live twin."""
_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Become the program."""
    parent, program = int(arguments[0]), arguments[1:]
    # A view that was started in the background by a shell ignores SIGINT, and what it starts would, too.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        sys.exit(130)  # it ended before this could be asked for
    os.nice(NICE)
    os.execv(program[0], program)  # noqa: S606 - a shell is what is not wanted


if __name__ == "__main__":
    main(sys.argv[1:])
