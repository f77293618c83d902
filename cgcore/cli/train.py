"""`cgcore train`: pre-train the prior, then train prior and network together."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cgcore.cli import options, terminal
from cgcore.cli import together as company
from cgcore.cli.check import compared
from cgcore.cli.models import PARAMS, PRIORS
from cgcore.cli.targets import check_targets
from cgcore.errors import InputError

if TYPE_CHECKING:
    from cgcore.config import Settings
    from cgcore.files import Group
    from cgcore.fitting.door import Door
    from cgcore.pipeline.loader import DatasetLoader
    from cgcore.pipeline.trainer import Trainer

RECORD, FIT = "train.json", "fit.json"
PICTURE, CHECKPOINTS = "learning-curve.png", "checkpoints"


@click.command("train")
@click.argument("config", required=False, type=options.PATH)
@click.argument("data", required=False, type=options.PATH)
@click.option("--example", is_flag=True, help="Print a complete configuration and exit.")
@click.option(
    "--resume",
    type=options.PATH,
    metavar="DIR|auto",
    help="Continue from the checkpoints in this folder; auto: from those in --output, if there are any.",
)
@click.option(
    "--output",
    type=options.PATH,
    metavar="DIR",
    help="Write parameters, record, picture and checkpoints to this folder.",
)
@click.option(
    "--plot", "plot_file", type=options.PATH, metavar="FILE", help="Draw the learning curve: .png, .svg or .pdf."
)
@options.max_frames
@options.configured_seed
@options.units
@options.box
@options.accept_faults
@options.cache
@company.options
def train_command(
    config: str | None,
    data: str | None,
    example: bool,
    resume: str | None,
    output: str | None,
    plot_file: str | None,
    max_frames: int | None,
    seed: int | None,
    units: str | None,
    box: tuple[float, float, float] | None,
    accept_faults: bool,
    cache: bool,
    **several: Any,
) -> None:
    """Train the prior and a network on the forces in DATA.

    CONFIG is a YAML file; `cgcore train --example` prints one. DATA is an NPZ file with R, F, mask and species, a file
    of another format (see `cgcore convert --help`), or a folder of such files; without DATA, the command reads
    `data.path` of CONFIG, or else the bundled chignolin set. The folder given to --resume is one that --output or
    training.checkpoint_path named in an earlier run.
    """
    if example:
        terminal.say(_example(), newline=False)
        return
    if config is None:
        raise InputError("CONFIG is missing; `cgcore train --example > train.yaml` writes one to begin with")
    try:
        found = compared(config, needs_data=data is None)
        _require_packages()
    except ImportError as error:
        raise InputError(f"training needs {error.name}, which is not installed; pip install 'cgcore[train]'") from None
    found.reading.check()
    with company.together(company.Company(**several)) as writes:
        said = found.settings
        assert said is not None
        if said.unused:
            terminal.note(f"{config}: the training does not use {', '.join(said.unused)}")
        seed = said.training.seed if seed is None else seed
        said, resume = _with_checkpoints(said, output, resume)
        if not writes:
            output = plot_file = None
        plot_file = check_targets(output, (RECORD, FIT, PARAMS, PRIORS), plot_file, PICTURE)
        reading = {"units": units, "box": box, "accept_faults": accept_faults}
        train, validation, record = _frames(said, data, reading, max_frames, seed)
        from cgcore.cli.setup import prepare_jax
        from cgcore.fitting.door import door
        from cgcore.report.comparison_text import comparison_text

        # Always checked; a fit of the prior, if there is one, adds its own warnings.
        judged = door(train.dataset, None if validation is None else validation.dataset, said.training.temperature)
        prepare_jax(cache)
        about = {"file": config, "seed": seed, "units": train.dataset.units}
        _run(said, comparison_text(found), train, validation, judged, resume, output, plot_file, about, record)


def _run(
    said: Settings,
    comparison: str,
    train: DatasetLoader,
    validation: DatasetLoader | None,
    judged: Door,
    resume: str | None,
    output: str | None,
    plot_file: str | None,
    settings_of_data: Mapping[str, Any],
    data: Mapping[str, Any],
) -> None:
    import jax

    from cgcore.config import Config
    from cgcore.files import atomic_group
    from cgcore.pipeline.model_for_data import model_for
    from cgcore.pipeline.trainer import Trainer
    from cgcore.pipeline.watch import Watch
    from cgcore.report import text
    from cgcore.report.record import record as record_of_fit
    from cgcore.report.text import named
    from cgcore.report.training_progress import TrainingProgress
    from cgcore.report.training_text import closing, opening

    with options.warnings_said():
        model = model_for(said, train)
    with TrainingProgress(terminal.say) as shown:
        watch = Watch(
            fit=shown.fit,
            fitted=lambda result: shown.say(f"{text.report(result)}\n"),
            begin=shown.begin,
            epoch=lambda report: shown.epoch(*report),
            record=lambda result: record_of_fit(result, Config(result.prior), dict(settings_of_data), dict(data)),
        )
        trainer = Trainer(model, said, train, validation, watch=watch, judged=judged)
        if not trainer.prior_fit.planned:  # then there is no factor either, by which a fit judges units and signs
            judged.require_right()
        trained = [part for part in model.names if part != "prior" or trainer.settings.model.train_priors]
        held_out = 0 if validation is None else validation.n_frames
        devices = len(jax.devices())
        about = " + ".join(model.names), " and ".join(trained) or "nothing", named(train.dataset)
        if said.dialect == "chemtrain":
            shown.say(f"{comparison}\n")
        shown.say(opening(*about, train.n_frames, held_out, devices))
        initial = trainer.losses()
        results = trainer.train_full_pipeline(resume)
    compared = validation or train
    evaluation = trainer.evaluate(compared) | {"of": "training" if validation is None else "held-out"}
    record = {
        "results": results,
        "initial": initial,
        "evaluation": evaluation,
        "model": model.fingerprint(),
        "config": {**settings_of_data, "settings": trainer.settings},
        "data": data,
    }
    # Files are written first, so that no failure of the terminal can prevent it.
    try:
        with atomic_group() as group:
            if plot_file is not None:
                from cgcore.report.learning_curve import write_learning_curve

                write_learning_curve(plot_file, results, initial)
            written = [] if output is None else _write(Path(output), trainer, record, group)
    finally:
        terminal.say(f"\n{closing(results, initial, evaluation)}")
    if written:
        terminal.written(f"\nWritten: {', '.join(map(str, written))}")
    if plot_file is not None:
        terminal.written(f"Drawn: {plot_file}")
    sys.exit(0 if all(r.get("converged", True) and r.get("finite", True) for r in results.values()) else 1)


def _write(folder: Path, trainer: Trainer, record: Mapping[str, Any], group: Group) -> list[Path]:
    """Write all output files of a training and return their paths."""
    from cgcore.report.record import versions
    from cgcore.serialize import write_json, write_priors

    trainer.save_params(folder / PARAMS)
    written = [folder / RECORD, folder / PARAMS]
    if trainer.fit_record is not None:
        write_json(folder / FIT, trainer.fit_record)
        written.append(folder / FIT)
    if (prior := trainer.prior) is not None:
        write_priors(folder / PRIORS, prior, prior.params)
        written.append(folder / PRIORS)
    # Last, and with the checksums of the others, so that a mixture with files of another run is detected.
    about = {"versions": versions("flax", "e3nn_jax", "orbax-checkpoint"), "files": group.digests(folder)}
    write_json(folder / RECORD, {**record, **about})
    return written


def _frames(
    said: Settings, path: str | None, reading: Mapping[str, Any], max_frames: int | None, seed: int
) -> tuple[DatasetLoader, DatasetLoader | None, dict[str, Any]]:
    """Frames to train on, held-out frames, and what `train.json` records about both."""
    from cgcore.data import read
    from cgcore.datasets import chignolin
    from cgcore.pipeline.loader import DatasetLoader

    path = said.data_path if path is None else path
    most = said.data.max_frames if max_frames is None else max_frames
    options.refuse_factors([] if path is None else [path])
    whole = DatasetLoader(chignolin() if path is None else read(path, **reading), most, seed)
    options.note_reading(whole.dataset)
    train, validation = whole.split_train_val(said.training.val_fraction, said.training.hold_out)
    if said.training.val_fraction and validation is None:
        terminal.note(f"{whole.dataset.path}: too few frames to hold any out")
    record = {
        "path": whole.dataset.path,
        "sha256": whole.dataset.sha256,
        "frames": train.n_frames,
        "used_frames": train.dataset.frame_ranges(),
        "held_out_frames": None if validation is None else validation.dataset.frame_ranges(),
    }
    return train, validation, record


def _with_checkpoints(said: Settings, output: str | None, resume: str | None) -> tuple[Settings, str | None]:
    """Settings with the checkpoint folder, if there is one, and the folder (or "auto") to resume from."""
    from cgcore.config.training import AUTO
    from cgcore.pipeline.checkpoints import holds_checkpoints, next_free

    resume, named = resume or said.training.resume, said.training.checkpoint_path
    if resume is not None and resume != AUTO and os.path.isdir(Path(resume) / CHECKPOINTS):
        resume = str(Path(resume) / CHECKPOINTS)
    folder = str(Path(output) / CHECKPOINTS) if named is None and output is not None else named
    if resume == AUTO and folder is not None:
        begun = holds_checkpoints(folder)
        terminal.note(
            f"{folder}: "
            f"{'continues from the newest checkpoint' if begun else 'holds no checkpoint, so training starts anew'}"
        )
    if resume is None and said.dialect == "chemtrain" and named is not None:
        folder = next_free(named)
        if folder != named:
            terminal.note(f"{named}: holds checkpoints of an earlier run (--resume {named}); new ones go to {folder}")
    return replace(said, training=replace(said.training, checkpoint_path=folder)), resume


def _require_packages() -> None:
    import e3nn_jax  # noqa: F401
    import flax  # noqa: F401
    import orbax.checkpoint  # noqa: F401


def _example() -> str:
    from importlib.resources import files

    return (files("cgcore.pipeline") / "example.yaml").read_text(encoding="utf-8")
