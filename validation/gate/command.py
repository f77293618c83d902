"""`python -m validation gate`: compare the fits with the record, or make a new record."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import click

from cgcore import InputError


@click.command()
@click.option("--update", is_flag=True, help="Record the values measured now; needs --reason.")
@click.option("--reason", metavar="TEXT", help="Reason for the new record.")
@click.option(
    "--gates", type=click.Path(path_type=Path), metavar="TOML", help="The record; the default is cgcore's own."
)
@click.option("--data", metavar="NPZ", help="Fit this file or folder; needs a record of its own (--gates).")
@click.option("--units", metavar="NAME", help="Units of --data (angstrom-kcal).")
@click.option("--config", metavar="YAML", help="Take the prior from this configuration file; needs --gates.")
def gate(
    update: bool, reason: str | None, gates: Path | None, data: str | None, units: str | None, config: str | None
) -> None:
    """Fail if a fit needs more steps, or reaches less, than validation/gates.toml allows.

    The gate compares steps, evaluations, status, optimality gap and held-out loss for each data set and way to fit;
    never time.
    """
    import jax

    from validation.context import context_of
    from validation.gate.compare import compare
    from validation.gate.file import BUNDLED, read, updated, write
    from validation.gate.modes import measure
    from validation.table import text

    if update is not bool(reason and reason.strip()):
        raise InputError('--update and --reason "..." belong together; give both')
    if (data is not None or config is not None) and gates is None:
        raise InputError("other data or another prior need a record of their own; name one with --gates")
    path = BUNDLED if gates is None else gates
    context = context_of(data, units, config)
    with jax.enable_x64(True):
        if update:
            known = replace(read(path if path.exists() else BUNDLED), path=path)
            values = dict(measure(context))
            write(updated(known, values, (reason or "").strip()))
            click.echo(f"{path}: {len(values)} fits recorded")
            return
        start = time.perf_counter()
        rows = list(compare(context, read(path)))
    click.echo(text(rows, time.perf_counter() - start))
    sys.exit(1 if any(row.passed is False for row in rows) else 0)
