"""The command line. Modules are imported only when needed, so that `cgcore --help` answers at once.

`process` runs it as a process of its own, `main` inside another process.
"""

from __future__ import annotations

import sys

BAD_INPUT = 2
INTERRUPTED = 130


def main() -> None:
    """Run the command in `sys.argv`; it ends by raising SystemExit.

    Invalid input and all other errors give one sentence on standard error and exit code 2; a traceback is shown only
    with `cgcore --debug`.
    """
    try:
        code = _run()
    except SystemExit:
        raise
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BaseException as error:  # some libraries raise errors that are not Exceptions
        from cgcore.cli.failures import explain

        code = explain(error, BAD_INPUT, INTERRUPTED)
    sys.exit(code)


def _run() -> int:
    from cgcore.cli import terminal
    from cgcore.cli.commands import cli

    terminal.begin()
    try:
        code = cli.main(prog_name="cgcore", standalone_mode=False) or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    if (why := terminal.lost()) is not None:
        if not terminal.has_results():
            terminal.refuse(f"standard output cannot be written ({why}), and the command writes nothing else")
            return BAD_INPUT
        terminal.note(f"standard output cannot be written ({why}); the files are complete")
    return code
