"""Training of a network together with one of three priors, which is kept fixed or trained as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import as_file, files
from typing import NamedTuple

import numpy as np

import cgcore
from benchmarks.study.methods import INITIAL, PLAIN, SAFE, Part
from benchmarks.study.proteins import Protein
from benchmarks.study.simulated import FORCE_MAP
from cgcore.pipeline import DatasetLoader, Settings, Trainer, load_settings, model_for
from cgcore.pipeline.reports import StageResult

PRIORS = (INITIAL, PLAIN, SAFE)

FROZEN, FREE, KEPT_SAFE = "frozen", "trained freely", "trained, kept safe"
MODES = (FROZEN, FREE, KEPT_SAFE)
"""Treatments of the prior in training: kept fixed, trained freely, or trained and moved after each epoch to the
nearest prior within the constraints of the safe fit."""

HELD_OUT = 0.2


class Split(NamedTuple):
    """Frames of all proteins; the last ones in time of each protein are held out."""

    train: list[Part]
    held_out: list[Part]


def split(proteins: Sequence[Protein]) -> Split:
    """Split the frames into training frames and held-out frames."""
    cuts = [(protein, round((1 - HELD_OUT) * len(protein.R))) for protein in proteins]
    return Split(
        [Part(protein, slice(0, cut), FORCE_MAP) for protein, cut in cuts],
        [Part(protein, slice(cut, None), FORCE_MAP) for protein, cut in cuts],
    )


def joined(parts: Sequence[Part]) -> cgcore.Dataset:
    """All frames as one data set; those of smaller proteins are padded."""
    batches = [part.protein.frames(part.force_map, part.rows).join() for part in parts]
    most = max(batch.R.shape[1] for batch in batches)
    R, F, mask, species = (
        np.concatenate([np.pad(a, [(0, 0), (0, most - a.shape[1]), (0, 0)][: a.ndim]) for a in arrays])
        for arrays in zip(*batches, strict=True)
    )
    (temperature,) = {part.protein.temperature for part in parts}
    return cgcore.from_arrays(R, F, mask, species, name="all proteins", temperature=temperature)


def settings(prior: cgcore.Prior, mode: str, seed: int) -> Settings:
    """The settings of `cgcore train --example` with this prior, treatment and seed."""
    with as_file(files("cgcore.pipeline") / "example.yaml") as path:
        example = load_settings(path)
    training = replace(
        example.training, seed=seed, pretrain_prior_constraints="none" if mode == FREE else "safe", checkpoint_freq=0
    )
    model = replace(example.model, prior=prior, train_priors=mode != FROZEN)
    return replace(example, model=model, training=training)


def trained(said: Settings, train: DatasetLoader, held_out: DatasetLoader, epochs: int) -> tuple[Trainer, StageResult]:
    """Train stage 1; the trainer ends with the parameters of the epoch with the lowest held-out loss.

    Arguments:
        said: settings, including the starting prior.
        train: training frames.
        held_out: held-out frames.
        epochs: number of epochs.
    """
    plan = said.training.plan["stage1"]
    assert plan is not None
    trainer = Trainer(model_for(said, train), said, train, held_out)
    return trainer, trainer.train_stage(plan[0], epochs)
