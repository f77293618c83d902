"""`python -m validation`: run the checks, print one table, exit 1 if one fails and 2 for bad input."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import click

from cgcore import InputError
from validation.compiling import compile_quickly
from validation.gate.command import gate

BAD_INPUT = 2
WORKERS = 2
"""Number of checks that run at a time. A user's script runs alone, in the main thread."""


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", metavar="PATTERN", help="Run only checks whose names contain or match PATTERN (wildcard *).")
@click.option("--list", "listing", is_flag=True, help="List the checks and exit.")
@click.option("--quick", is_flag=True, help="Use less data, fewer repetitions and faster compilation.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), metavar="FILE", help="Write all rows to FILE.")
@click.option("--data", metavar="NPZ", help="Run the data-driven checks on this file or folder.")
@click.option("--units", metavar="NAME", help="Units of --data (angstrom-kcal).")
@click.option("--config", metavar="YAML", help="Take the prior from this configuration file.")
@click.option("--reference", type=click.Path(path_type=Path), metavar="SCRIPT", help="Compare cgcore with this script.")
@click.option("--record", type=click.Path(path_type=Path), metavar="DIR", help="Record the script's results in DIR.")
@click.pass_context
def cli(
    click_context: click.Context,
    only: str | None,
    listing: bool,
    quick: bool,
    json_file: Path | None,
    data: str | None,
    units: str | None,
    config: str | None,
    reference: Path | None,
    record: Path | None,
) -> None:
    """Validate cgcore independently: run the checks, print one row for each comparison, and exit with 1 if any
    fails."""
    if click_context.invoked_subcommand is not None:
        return
    from validation.check import all_checks, chosen
    from validation.context import context_of, distinct
    from validation.runner import run, watching
    from validation.table import text, write_json

    if listing:
        for check in all_checks():
            click.echo(f"{check.name:<20} {check.summary}  [{', '.join(check.tags)}]")
        return
    if json_file is not None and not json_file.absolute().parent.is_dir():
        raise InputError(f"{json_file}: there is no folder {json_file.parent}; make it first")
    if record is not None and reference is None:
        raise InputError("--record writes what a script gives; give the script with --reference")
    if reference is not None and not reference.is_file():
        raise InputError(f"{reference}: there is no such file; check the path")
    if reference is not None and record is not None:
        from validation.live.writing import refuse

        refuse(record, reference)
    context = replace(context_of(data, units, config), quick=quick, reference=reference, record=record)
    if config is None and reference is None:  # a script is compared from the start it expects
        context = replace(context, prior=distinct(context.prior))
    checks = chosen(context, only)
    start = time.perf_counter()
    with watching(len(checks)) as watch:
        rows = run(checks, context, watch, workers=1 if reference is not None else WORKERS)
    click.echo(text(rows, time.perf_counter() - start))
    if json_file is not None:
        write_json(json_file, rows, {"data": context.name, "sha256": context.data.sha256, "quick": quick})
    sys.exit(1 if any(row.passed is False for row in rows) else 0)


cli.add_command(gate)


def main() -> None:
    """Entry point. Bad input ends with one sentence on standard error and exit code 2."""
    if "--quick" in sys.argv:  # before anything starts XLA
        compile_quickly()
    try:
        cli()
    except InputError as error:
        print(f"validation: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)


if __name__ == "__main__":
    main()
