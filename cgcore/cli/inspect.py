"""`cgcore inspect`: what a data set holds, and what is wrong with it."""

from __future__ import annotations

import click

from cgcore.cli import options, terminal


@click.command("inspect")
@click.argument("data", required=False, type=options.PATH)
@options.units
@options.box
@click.option("--json", "json_file", type=options.PATH, metavar="FILE", help="Write the findings as JSON.")
@click.option("--plot", "plot_file", type=options.PATH, metavar="FILE", help="Draw a picture: .png, .svg or .pdf.")
@options.cache
def inspect_command(
    data: str | None,
    units: str | None,
    box: tuple[float, float, float] | None,
    json_file: str | None,
    plot_file: str | None,
    cache: bool,
) -> None:
    """Show what DATA contain, and what is wrong with them.

    DATA is a file of any format that `cgcore convert` reads, or a folder of them; without DATA, the command shows the
    bundled chignolin set. The exit code is 0 whatever is found; `cgcore fit` refuses data that are certainly wrong.
    """
    from cgcore.cli.setup import prepare_jax
    from cgcore.data import read
    from cgcore.datasets import chignolin
    from cgcore.files import atomic_group, check_writable
    from cgcore.inspection import inspect
    from cgcore.report.inspection import render
    from cgcore.report.inspection_record import inspection_record
    from cgcore.serialize import write_json

    options.refuse_factors([data] if data is not None else [])
    if plot_file is not None:
        from cgcore.report.picture import require_picture

        require_picture(plot_file)
    for target in (json_file, plot_file):
        if target is not None:
            check_writable(target)
    dataset = read(data, units=units, box=box) if data is not None else chignolin()
    prepare_jax(cache)
    found = inspect(dataset)
    try:
        with atomic_group():
            if json_file is not None:
                write_json(json_file, inspection_record(found))
            if plot_file is not None:
                from cgcore.report.inspection_figure import draw_inspection
                from cgcore.report.picture import write_picture

                write_picture(plot_file, draw_inspection(found))
    finally:
        terminal.say(render(found))
    for verb, target in (("Written", json_file), ("Drawn", plot_file)):
        if target is not None:
            terminal.written(f"{verb}: {target}")
