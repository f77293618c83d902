"""`cgcore` as a process of its own: its streams, its signals, its end."""

from __future__ import annotations

import atexit
import os
import sys
from typing import NoReturn

from cgcore.cli import interrupts, main, streams


def run() -> NoReturn:
    """Entry point of the program."""
    interrupts.install()
    streams.install()
    ending = _Ending()
    atexit.register(ending)  # the first to be registered is the last to run
    try:
        main()
    except SystemExit as end:
        ending.code = end.code if isinstance(end.code, int) else 0
    sys.exit(ending.code)


class _Ending:
    """Ends the process after all other clean-up, without the interpreter's teardown: signals are not seen in that."""

    code = 1

    def __call__(self) -> None:
        streams.flush()
        os._exit(self.code)
