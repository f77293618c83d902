"""`cgcore compress` and `cgcore merge`: make and join factor files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cgcore.cli import options, terminal
from cgcore.cli.inputs import refuse_input_as_output

if TYPE_CHECKING:
    from cgcore.factor.factor import Factor

output = click.option(
    "-o", "--output", "output_file", type=options.PATH, required=True, metavar="FILE", help="Factor file to write."
)


@click.command("compress")
@click.argument("data", nargs=-1, required=True, type=options.PATH)
@output
@options.config
@options.units
@options.box
@options.accept_faults
@options.blocks
@click.option(
    "--scheduler",
    metavar="ADDRESS|local:N",
    help="Use the workers of a Dask scheduler, or N processes started on this machine (docs/cluster.md).",
)
@click.option(
    "--keep",
    "folder",
    type=options.PATH,
    metavar="DIR",
    help="Keep parts in DIR until the factor is written, and go on from those in it.  [default: with --scheduler, "
    "FILE.parts]",
)
@options.cache
def compress_command(
    data: tuple[str, ...],
    output_file: str,
    config_file: str | None,
    units: str | None,
    box: tuple[float, float, float] | None,
    accept_faults: bool,
    blocks: int,
    scheduler: str | None,
    folder: str | None,
    cache: bool,
) -> None:
    """Reduce DATA to one factor, which is all that a fit needs.

    DATA are files of any format that `cgcore convert` reads, or folders of them. The size of the factor does not depend
    on the number of frames, and nothing is lost: a fit to the factor gives the same result as a fit to the frames.
    """
    from cgcore.cli.execution import executing, notes_of_sources
    from cgcore.cli.setup import prepare_jax
    from cgcore.cluster import clear
    from cgcore.config import Config, default_prior, load_config
    from cgcore.data import read
    from cgcore.factor.compress import compress, splines_of
    from cgcore.factor.factor import merge
    from cgcore.factor.fingerprint import Fingerprint
    from cgcore.factor_file import save_factor
    from cgcore.fitting.door import door
    from cgcore.fitting.options import Options
    from cgcore.report.progress import Together, watching
    from cgcore.spline_file import with_splines

    refuse_input_as_output(output_file, data, "factor")
    config = Config(default_prior()) if config_file is None else load_config(config_file)
    prior = with_splines(config.prior, config.spline_file, config.residue_specific_angles)
    checked = Options(blocks=blocks)
    options.refuse_factors(data)
    if folder is None and scheduler is not None:
        folder = f"{output_file}.parts"
    with executing(scheduler, folder, cache) as (execute, each), watching() as watchers:
        datasets = each(lambda path: read(path, units=units, box=box, accept_faults=accept_faults), data)
        doors = each(lambda dataset: door(dataset, None, None), datasets)
        prepare_jax(cache)
        if scheduler is not None:
            notes_of_sources(datasets)
        progress = Together(watchers.frames, datasets)
        factors = each(
            lambda dataset: compress(
                dataset,
                Fingerprint.of(prior),
                blocks=checked.blocks,
                fixed=splines_of(prior),
                progress=progress.of(dataset),
                execute=execute,
            ),
            datasets,
        )
    for judged, made in zip(doors, factors, strict=True):
        for sentence in judged.said(made):
            terminal.note(sentence)
    with options.warnings_said():
        factor = merge(*factors)
    save_factor(output_file, factor)
    if folder is not None:
        clear(folder)
    _say(output_file, factor)


@click.command("merge")
@click.argument("files", nargs=-1, required=True, type=options.PATH)
@output
def merge_command(files: tuple[str, ...], output_file: str) -> None:
    """Join the factors of disjoint data sets into one.

    The result is exactly the factor of the joined data. If frames occur twice, a warning names them.
    """
    from cgcore.factor.factor import merge
    from cgcore.factor_file import load_factor, save_factor

    refuse_input_as_output(output_file, (), "factor")
    factors = [load_factor(path) for path in files]
    for path, other in zip(files, factors, strict=True):
        factors[0].fingerprint.require(other.fingerprint, f"{files[0]} and {path}")
    with options.warnings_said():
        factor = merge(*factors)
    save_factor(output_file, factor)
    _say(output_file, factor)


def _say(path: str, factor: Factor) -> None:
    terminal.written(f"{path}: {factor.frames} frames, {factor.beads} real beads, {len(factor.blocks)} blocks")
