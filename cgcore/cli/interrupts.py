"""Signals that end the process take effect at once and leave no temporary files.

A KeyboardInterrupt is an exception that any library on the way may swallow or turn into another one, and that comes
only when a long call into compiled code has returned. So none is raised: a thread of its own is woken by the signal,
removes the temporary files and ends the process, with the exit code that shells give to that signal.
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
"""For files that are just being moved into place [s]; after that the disk is taken for dead."""


def install() -> None:
    """Begin to watch; a signal that is ignored, as below `nohup`, stays so."""
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
            os.write(2, SHOW_CURSOR)  # progress bars hide it
    os._exit(128 + number)


def withdraw() -> None:
    """Remove the temporary files of a process that is about to end."""
    # Not imported here: where nobody has, there are no temporary files, and the main thread may hold the import lock.
    temporaries = sys.modules.get("cgcore.files.temporaries")
    if (remove := getattr(temporaries, "withdraw", None)) is not None:
        remove(PATIENCE)
