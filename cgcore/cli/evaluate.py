"""`cgcore evaluate`: how good a saved model's forces are, by term, by bead and by kind of residue."""

from __future__ import annotations

from pathlib import Path

import click

from cgcore.cli import options, terminal
from cgcore.cli.targets import check_targets
from cgcore.errors import InputError

RECORD, PICTURE = "evaluation.json", "evaluation.png"


@click.command("evaluate")
@click.argument("model", metavar="FILE", type=options.PATH)
@click.argument("data", required=False, type=options.PATH)
@click.option("--output", type=options.PATH, metavar="DIR", help="Write the record and the picture to this folder.")
@click.option("--plot", "plot_file", type=options.PATH, metavar="FILE", help="Draw a picture: .png, .svg or .pdf.")
@options.max_frames
@options.configured_seed
@options.units
@options.box
@options.accept_faults
@options.cache
def evaluate_command(
    model: str,
    data: str | None,
    output: str | None,
    plot_file: str | None,
    max_frames: int | None,
    seed: int | None,
    units: str | None,
    box: tuple[float, float, float] | None,
    accept_faults: bool,
    cache: bool,
) -> None:
    """Compare the forces of a saved model with those in DATA.

    FILE is the priors.yaml of `cgcore fit`, any configuration that has a prior, or the params.npz of `cgcore train` (or
    the folder that holds it). DATA is an NPZ file or a folder of them; without DATA, the command reads `data.path` of
    the configuration, or else the bundled chignolin set. Nothing is fitted. The loss is per real bead, as in a fit.
    """
    from cgcore.cli.models import load_model, note_mixture, params_file
    from cgcore.cli.setup import prepare_jax
    from cgcore.config import load_config
    from cgcore.data import read
    from cgcore.datasets import chignolin
    from cgcore.evaluation import evaluate
    from cgcore.files import atomic_group

    plot_file = check_targets(output, [RECORD], plot_file, PICTURE)
    if Path(model).suffix.lower() == ".xml":
        raise InputError(
            f"{model}: an OpenMM System does not distinguish terms; give the priors.yaml from which it was made"
        )
    if params_file(model) is None:
        config = load_config(model, needs_data=data is None)
        data = config.data_path if data is None else data
        max_frames = config.max_frames if max_frames is None else max_frames
        seed = config.seed if seed is None else seed
    options.refuse_factors([] if data is None else [data])
    whole = chignolin() if data is None else read(data, units=units, box=box, accept_faults=accept_faults)
    dataset = whole.subset(max_frames, seed or 0)
    options.note_reading(dataset)
    prepare_jax(cache)
    note_mixture(model)
    found = evaluate(load_model(model, dataset.n_beads), dataset)
    written: list[Path] = []
    with atomic_group():
        if output is not None:
            from cgcore.report.record import versions
            from cgcore.serialize import write_json

            written.append(Path(output) / RECORD)
            settings = {"model": model, "max_frames": max_frames, "seed": seed or 0, "units": dataset.units, "box": box}
            data_of = {"path": dataset.path, "sha256": dataset.sha256, "used_frames": dataset.frame_ranges()}
            write_json(written[-1], found.as_dict() | {"config": settings, "data": data_of, "versions": versions()})
        if plot_file is not None:
            written.append(Path(plot_file))
            found.plot(plot_file)
    terminal.say(found.report())
    if written:
        terminal.written("\n" + "\n".join(f"Written: {path}" for path in written))
