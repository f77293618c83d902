"""The command line. Everything heavy is imported inside a command, so that `cgcore --help` answers at once."""

from __future__ import annotations

import sys

import click

from cgcore.cli.config import config_command
from cgcore.cli.export import export_command
from cgcore.cli.factors import compress_command, merge_command
from cgcore.cli.fit import fit_command
from cgcore.cli.inspect import inspect_command
from cgcore.cli.train import train_command
from cgcore.errors import InputError

BAD_INPUT = 2
INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="cgcore")
def cli() -> None:
    """Fit the physics prior of a coarse-grained protein force field to reference forces, and prove the fit.

    Exit codes: 0 converged, 1 ended otherwise (what was found is written all the same), 2 bad input.
    """


cli.add_command(fit_command)
cli.add_command(train_command)
cli.add_command(inspect_command)
cli.add_command(compress_command)
cli.add_command(merge_command)
cli.add_command(export_command)
cli.add_command(config_command)


def main() -> None:
    """Entry point: bad input is one sentence on standard error and exit code 2."""
    try:
        sys.exit(cli.main(standalone_mode=False))
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "cgcore"
        # Click lists the choices of a missing option on lines of their own.
        _refuse(f"{' '.join(error.format_message().split())} (see {command} --help)")
    except (InputError, click.ClickException) as error:
        _refuse(str(error))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)


def _refuse(sentence: str) -> None:
    print(f"cgcore: {sentence}", file=sys.stderr)
    sys.exit(BAD_INPUT)
