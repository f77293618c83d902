"""`cgcore` as a process of its own: standard streams, signals and termination."""

from __future__ import annotations

import atexit
import os
import sys

from cgcore.cli import interrupts

TYPE_CHECKING = False  # as in cgcore/__init__.py
if TYPE_CHECKING:
    from typing import NoReturn


def run() -> NoReturn:
    """Entry point of the program."""
    interrupts.install()  # before the other imports, which take time
    from cgcore.cli import main, streams

    streams.install()
    ending = _Ending()
    atexit.register(ending)  # handlers run in reverse order, so this one runs last
    try:
        main()
    except SystemExit as end:
        ending.code = end.code if isinstance(end.code, int) else 0
    sys.exit(ending.code)


class _Ending:
    """Ends the process after all other clean-up, without the interpreter's teardown, which ignores signals."""

    code = 1

    def __call__(self) -> None:
        from cgcore.cli.streams import flush

        flush()
        os._exit(self.code)
