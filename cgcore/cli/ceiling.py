"""`cgcore ceiling`: how much of the forces any function of the positions could explain."""

from __future__ import annotations

import click

from cgcore.cli import options, terminal


@click.command("ceiling")
@click.argument("priors", type=options.PATH)
@click.argument("data", required=False, type=options.PATH)
@click.option("--json", "json_file", type=options.PATH, metavar="FILE", help="Write the numbers to this file.")
@options.max_frames
@options.seed
@options.units
@options.box
@options.accept_faults
@options.cache
def ceiling_command(
    priors: str,
    data: str | None,
    json_file: str | None,
    max_frames: int | None,
    seed: int,
    units: str | None,
    box: tuple[float, float, float] | None,
    accept_faults: bool,
    cache: bool,
) -> None:
    """Estimate how much of the forces in DATA any function of the positions could explain.

    PRIORS is the priors.yaml of `cgcore fit`. DATA is a file of any format that `cgcore convert` reads, or a folder of
    them; without it, the command reads the bundled chignolin set. Similar frames are compared: the difference between
    their forces is noise that no model of the beads can explain.
    """
    from cgcore.cli.setup import prepare_jax
    from cgcore.data import read
    from cgcore.datasets import chignolin
    from cgcore.evaluation import noise_ceiling
    from cgcore.files import check_writable
    from cgcore.physics.prior import Prior
    from cgcore.report.record import versions
    from cgcore.serialize import write_json

    if json_file is not None:
        check_writable(json_file)
    options.refuse_factors([] if data is None else [data])
    prior = Prior.read(priors)
    whole = chignolin() if data is None else read(data, units=units, box=box, accept_faults=accept_faults)
    dataset = whole.subset(max_frames, seed)
    options.note_reading(dataset)
    prepare_jax(cache)
    found = noise_ceiling(dataset, prior)
    if json_file is not None:
        of_data = {"path": dataset.path, "sha256": dataset.sha256, "used_frames": dataset.frame_ranges()}
        write_json(json_file, found.as_dict() | {"priors": priors, "data": of_data, "versions": versions()})
    terminal.say(found.report())
    if json_file is not None:
        terminal.written(f"\nWritten: {json_file}")
