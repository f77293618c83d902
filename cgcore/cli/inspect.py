"""`cgcore inspect`: what a data set holds."""

from __future__ import annotations

import click

from cgcore.cli import options, terminal


@click.command("inspect")
@click.argument("data", required=False, type=options.PATH)
@options.units
@options.cache
def inspect_command(data: str | None, units: str, cache: bool) -> None:
    """Print what DATA (an NPZ or a folder of them; the bundled set if left out) holds."""
    from cgcore.cli.setup import prepare_jax
    from cgcore.data import read
    from cgcore.datasets import chignolin
    from cgcore.inspection import inspect
    from cgcore.report.inspection import render

    options.refuse_factors([data] if data is not None else [])
    dataset = read(data, units=units) if data is not None else chignolin()
    prepare_jax(cache)
    terminal.say(render(inspect(dataset)))
