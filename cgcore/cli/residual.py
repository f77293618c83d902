"""`cgcore residual`: the forces that a prior does not explain, for training a network."""

from __future__ import annotations

import click

from cgcore.cli import options, terminal


@click.command("residual")
@click.argument("priors", type=options.PATH)
@click.argument("data", type=options.PATH)
@click.option("-o", "--output", "output_file", type=options.PATH, required=True, metavar="FILE", help="NPZ to write.")
@options.units
@options.box
@options.accept_faults
@options.cache
def residual_command(
    priors: str,
    data: str,
    output_file: str,
    units: str | None,
    box: tuple[float, float, float] | None,
    accept_faults: bool,
    cache: bool,
) -> None:
    """Write DATA with the forces of the prior in PRIORS subtracted from the reference forces.

    PRIORS is the priors.yaml of `cgcore fit`, or any configuration that has a prior. DATA is a file of any format that
    `cgcore convert` reads, or a folder of them. The new file contains what a network beside the prior has to learn.
    """
    from cgcore.cli.setup import prepare_jax
    from cgcore.data import read
    from cgcore.evaluation.residual import write_residual
    from cgcore.files import check_writable
    from cgcore.physics.prior import Prior

    check_writable(output_file)
    options.refuse_factors([data])
    prior = Prior.read(priors)
    dataset = read(data, units=units, box=box, accept_faults=accept_faults)
    options.note_reading(dataset)
    prepare_jax(cache)
    write_residual(output_file, dataset, prior)
    terminal.written(f"Written: {output_file}, {dataset.n_frames} frames with the forces that the prior leaves")
