"""`cgcore learning-curve`: whether more frames are worth it."""

from __future__ import annotations

from pathlib import Path

import click

from cgcore.cli import options, terminal
from cgcore.cli.targets import check_targets

RECORD, PICTURE = "learning_curve.json", "learning_curve.png"


@click.command("learning-curve")
@click.argument("data", required=False, type=options.PATH)
@options.config
@click.option("--output", type=options.PATH, metavar="DIR", help="Write the record and the picture to this folder.")
@click.option("--plot", "plot_file", type=options.PATH, metavar="FILE", help="Draw a picture: .png, .svg or .pdf.")
@click.option("--draws", type=int, default=8, show_default=True, metavar="N", help="Draws of blocks for each fold.")
@options.max_frames
@options.configured_seed
@options.units
@options.box
@options.accept_faults
@options.blocks
@options.cache
def learning_curve_command(
    data: str | None,
    config_file: str | None,
    output: str | None,
    plot_file: str | None,
    draws: int,
    max_frames: int | None,
    seed: int | None,
    units: str | None,
    box: tuple[float, float, float] | None,
    accept_faults: bool,
    blocks: int,
    cache: bool,
) -> None:
    """Estimate whether more frames than those in DATA would improve the fit.

    DATA is given as for `cgcore fit` and may be a factor. The fit is repeated with parts of the frames, and evaluated
    on frames that were held out; all frames are read only once.
    """
    from dataclasses import replace

    from cgcore.cli.fit import HeldOut, Reading, options_of, source_of
    from cgcore.cli.setup import prepare_jax
    from cgcore.config import Config, default_prior, load_config
    from cgcore.files import atomic_group
    from cgcore.fitting.fit import fit
    from cgcore.fitting.learning_curve import learning_curve
    from cgcore.report.progress import watching
    from cgcore.report.record import record_of_data, versions
    from cgcore.report.text import described
    from cgcore.serialize import write_json
    from cgcore.spline_file import with_splines

    plot_file = check_targets(output, [RECORD], plot_file, PICTURE)
    config = load_config(config_file, needs_data=data is None) if config_file is not None else Config(default_prior())
    prior = with_splines(config.prior, config.spline_file, config.residue_specific_angles)
    chosen = options_of(config, {"blocks": blocks})
    reading = Reading(units, box, accept_faults)
    source = source_of(
        data, reading, max_frames, seed, HeldOut(0.0, "each_protein"), replace(config, prior=prior), chosen
    )
    seed = config.seed if seed is None else seed
    prepare_jax(cache)
    with watching(chosen.max_steps) as watchers:
        result = fit(source.data, prior, chosen, progress=watchers)
    curve = learning_curve(result, draws=draws, seed=seed)
    written: list[Path] = []
    with atomic_group():
        if output is not None:
            written.append(Path(output) / RECORD)
            most = config.max_frames if max_frames is None else max_frames
            drawn = {"max_frames": most, "seed": seed}
            settings = {"file": config_file, **drawn, "units": units, "box": box, "options": chosen}
            of_data = record_of_data(result.data, None)
            write_json(written[-1], curve.as_dict() | {"config": settings, "data": of_data, "versions": versions()})
        if plot_file is not None:
            written.append(Path(plot_file))
            curve.plot(plot_file)
    terminal.say(f"Data: {described(result.data)}\n\n{curve.report()}")
    if written:
        terminal.written("\n" + "\n".join(f"Written: {path}" for path in written))
