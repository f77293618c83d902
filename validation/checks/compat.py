"""What existing scripts get from the classes that they import from `cgcore.compat`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import cgcore
from validation.check import Row, check
from validation.context import Context, distinct, five_terms, four_terms, with_harmonics
from validation.scripts import models, priors, settings, training
from validation.settings.prior_configurations import prior_block


@check("compat", quick=True, needs=("e3nn_jax", "orbax.checkpoint"))
def compat(context: Context) -> Iterator[Row]:
    """Configuration, rows, boxes, energies and forces as scripts call them, against NumPy."""
    prior = with_harmonics(five_terms(distinct(cgcore.default_prior())), 2, 2)
    chains = models.Chains.shaken(cgcore.datasets.chignolin())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from settings.configuration(folder)
        yield from settings.forms(folder, {"priors": prior_block(prior), "ml_model": "none"}, prior)
        yield from settings.rows_of_beads()
        yield from settings.preprocessing()
        yield from models.of_the_first_frame(prior, chains)
        yield from models.of_the_model(prior, chains)
        yield from models.without_parts(prior, chains)
        yield from priors.of_the_prior(prior, chains)
        yield from priors.of_splines(prior, chains)
        yield from priors.nothing_to_fit(folder, prior, chains)


@check("compat-training", needs=("e3nn_jax", "orbax.checkpoint"))
def compat_training(context: Context) -> Iterator[Row]:
    """Fits, stages and saved files as scripts call them, against LAPACK and a training in NumPy."""
    prior = with_harmonics(four_terms(distinct(cgcore.default_prior())), 2, 2)
    with tempfile.TemporaryDirectory() as name:
        yield from training.training(Path(name), prior)
