"""Training beside the stages themselves: which parts are left out and why, options of the fit, chains with gaps."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

import cgcore
from cgcore.spline_file import write_splines
from validation import explicit
from validation.check import Row, check, equal, says
from validation.context import Context, with_harmonics
from validation.networks.two_beads import CUTOFF, NETWORK
from validation.settings.prior_configurations import prior_alone, prior_block
from validation.splined import drawn
from validation.tolerances import near

FRAMES, BEFORE, MISSING = 14, 5, 2
"""Number of frames, of beads before a gap, and of residues that are missing in it."""

EXACT = 1e-11
"""Tolerance of the same sums in float64 in another order (observed: 1e-15)."""

ALLEGRO = {"ml_model": "allegro", "cutoff": CUTOFF, "allegro": NETWORK | {"avg_num_neighbors": 5.0}}

FIXED = "the prior's bonds, angles and dihedrals are splines, and it is fixed"


@check("stages", needs=("e3nn_jax",))
def stages(context: Context) -> Iterator[Row]:
    """Parts of a training that are left out, options of its fit, and losses of files with gaps and without."""
    prior = with_harmonics(context.prior, 2, 2)
    batch = context.some(FRAMES).join()
    R, F = (np.asarray(x, float) for x in (batch.R, batch.F))
    data = cgcore.from_arrays(R, F, species=np.zeros(R.shape[:2], int))
    yield from _left_out(prior, data)
    yield from _refused(prior, data)
    yield from _options(prior)
    yield from _gaps(prior, R, F)


def _config(prior: cgcore.Prior, training: dict[str, Any], **model: Any) -> dict[str, Any]:
    said = prior_alone(prior) | model
    return {"dialect": "cgcore", "model": said, "training": {"precision": "float64"} | training}


def _trainer(config: dict[str, Any], *data: cgcore.Dataset) -> Any:
    from cgcore.pipeline import DatasetLoader, Trainer, model_for

    loaders = [DatasetLoader(one) for one in data]
    return Trainer(model_for(config, loaders[0]), config, *loaders)


def _left_out(prior: cgcore.Prior, data: cgcore.Dataset) -> Iterator[Row]:
    """Trainings without any part, and the reason for each."""
    listed = [{"optimizer": "adam", "epochs": 1}, {"optimizer": "none"}, {"optimizer": "lion", "epochs": 0}]
    two = {"stage1_optimizer": "none", "stage2_optimizer": "lion", "epochs_lion": 0}
    off = "training.pretrain_prior is false"
    nothing = "there is no network, and model.train_priors is false"
    with tempfile.TemporaryDirectory() as folder:
        write_splines(f"{folder}/splines.npz", drawn().given)
        splines = {"spline_file": f"{folder}/splines.npz", "weights": prior_block(prior)["weights"]}
        no_stage = ("training.stages[1].optimizer is none", "training.stages[2].epochs is 0")
        cases = {
            "a prior that is not trained": (
                _config(prior, {"pretrain_prior": False, "stages": listed}, train_priors=False),
                (off, nothing, *no_stage),
            ),
            "no prior": (
                _config(prior, two, use_priors=False, **ALLEGRO),
                ("model.use_priors is false", "training.stage1_optimizer is none", "training.epochs_lion is 0"),
            ),
            "splines": (
                _config(prior, {"stages": listed}, priors=splines),
                (FIXED, f"there is no network, and {FIXED}", *no_stage),
            ),
        }
        for name, (config, why) in cases.items():
            parts = ("prior_pretrain", *(f"stage{number}" for number in range(1, len(why))))
            known = {part: {"skipped": text} for part, text in zip(parts, why, strict=True)}
            yield equal(f"left out, {name}", str(_trainer(config, data).train_full_pipeline()), str(known))


def _refused(prior: cgcore.Prior, data: cgcore.Dataset) -> Iterator[Row]:
    """Stages that cannot be made, and those that can."""
    still = _trainer(_config(prior, {"pretrain_prior": False}, train_priors=False), data)
    yield says("refused, nothing to train", lambda: still.stage("adam", 1), "there is nothing to train")
    beside = _trainer(_config(prior, {}, train_priors=False, **ALLEGRO), data)
    yield says("refused, a network to train", lambda: beside.stage("adam", 1), "accepted")
    known = "known: adabelief, yogi, adam, lion, sgd_nesterov, polyak_sgd, fromage"
    yield says("refused, an unknown optimizer", lambda: beside.stage("adamw", 1), known)
    said = {"dialect": "chemtrain", "training": {"stage1_optimizer": "adam", "stage2_optimizer": "none"}}
    wrong = _config(prior, {"pretrain_prior": False}) | said | {"optimizer": {"lion": {"b1": 7.0}}}
    other = _trainer(wrong, data)
    yield says("refused, an optimizer with a mistake", lambda: other.stage("lion", 1), "optimizer.lion is wrong")


def _options(prior: cgcore.Prior) -> Iterator[Row]:
    """Numbers that a call gives beside those of the configuration: a smaller maximum of steps takes the minimum
    along."""
    from cgcore.config import load_settings
    from cgcore.pipeline.prior_fit import fit_options

    said = {"pretrain_prior_max_steps": 30, "pretrain_prior_min_steps": 10, "pretrain_prior_tol_grad": 1e-4}
    training = load_settings(_config(prior, said)).training
    calls: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
        ({}, {"max_steps": 30, "min_steps": 10, "tol_grad": 1e-4}),
        ({"max_steps": 6}, {"max_steps": 6, "min_steps": 6, "tol_grad": 1e-4}),
        ({"max_steps": 20, "tol_grad": 1e-3}, {"max_steps": 20, "min_steps": 10, "tol_grad": 1e-3}),
    )
    for given, known in calls:
        at = ", ".join(f"{name} {value:g}" for name, value in given.items()) or "nothing given"
        yield equal(f"options of the fit, {at}", str(fit_options(training, **given)), str(cgcore.Options(**known)))
    unsaid = load_settings(_config(prior, {})).training
    found = fit_options(unsaid, max_steps=6)
    yield equal("options of the fit, no minimum of steps", str(found), str(cgcore.Options(max_steps=6)))


def _gaps(prior: cgcore.Prior, R: np.ndarray, F: np.ndarray) -> Iterator[Row]:
    """Losses of frames with a gap beside others without, against the explicit matrix of each chain."""
    train, held_out = slice(FRAMES // 2), slice(FRAMES // 2, None)
    residues = np.r_[:BEFORE, BEFORE + MISSING : R.shape[1]]
    whole = np.arange(len(residues))
    c = explicit.coefficients(prior.params)
    config = _config(prior, {"pretrain_prior": False, "batch_per_device": 4})
    for name, gap in (("training frames", (True, False)), ("held-out frames", (False, True)), ("both", (True, True))):
        data, known = [], {}
        for part, rows, own in zip(("train", "val"), (train, held_out), gap, strict=True):
            kept = residues if own else whole
            positions, forces = R[rows][:, kept], F[rows][:, kept]
            data.append(cgcore.from_arrays(positions, forces, species=np.zeros(positions.shape[:2], int), resid=kept))
            X = explicit.matrix(positions, prior.weights, prior.params, kept)
            known[part] = float(np.sum((X @ c - forces) ** 2)) / forces[..., 0].size
        for part, loss in _trainer(config, *data).losses().items():
            expected = known[part.removesuffix("_loss")]
            yield near(f"gap in {name}, {part}", loss or 0.0, expected, EXACT, expected)
