"""Immediate termination on signals, without leaving temporary files.

A KeyboardInterrupt can be swallowed or replaced by any library on the call stack, and is raised only after a long call
into compiled code has returned. Therefore it is not used: the signal wakes a separate thread, which removes the
temporary files and ends the process with the exit code that shells use for that signal.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from contextlib import suppress

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
SHOW_CURSOR = b"\x1b[?25h\n"
PATIENCE = 10.0
"""Time to wait for files that are being moved into place [s]; after that the disk is assumed to hang."""


def install() -> None:
    """Start watching for signals; one that is ignored, as under `nohup`, stays ignored."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    threading.Thread(target=_watch, args=(reader,), name="signals", daemon=True).start()
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for name in SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def _watch(reader: int) -> None:
    number = os.read(reader, 1)[0]
    withdraw()
    with suppress(OSError):
        if os.isatty(2) and select.select([], [2], [], 0)[1]:
            os.write(2, SHOW_CURSOR)  # progress bars hide the cursor
    os._exit(128 + number)


def withdraw() -> None:
    """Remove the temporary files of a process that is about to end."""
    # Not imported here: if nothing has imported it, there are no temporary files, and the main thread may hold the
    # import lock.
    temporaries = sys.modules.get("cgcore.files.temporaries")
    if (remove := getattr(temporaries, "withdraw", None)) is not None:
        remove(PATIENCE)
