"""A short training stage, epoch by epoch, with the defaults of both dialects, against a plain loop."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import cgcore
from validation import explicit
from validation.check import Row, at_least, at_most, check, equal
from validation.context import Context, distinct, four_terms, with_harmonics
from validation.scripts import plain_training
from validation.scripts.plain_training import RULES, Adam, Frame, Plan, Tree
from validation.settings.prior_configurations import prior_alone
from validation.tolerances import apart, near, relative

N_MAX, LENGTHS, HELD_OUT = 8, (8, 7, 8, 8, 6, 8, 8), (6, 8, 6, 6)
"""Number of beads in a row, and in each frame. The held-out frames have a different proportion of padding, and seven
frames do not fill minibatches of three."""

SIZE, EPOCHS, DECAY, LONGER = 3, 3, 0.05, 0.1
"""LONGER: excess length of the starting prior's bonds [Å]."""

PLANS = {
    "chemtrain": Plan(RULES["chemtrain"], 0.3, DECAY, SIZE, EPOCHS),
    "cgcore": Plan(RULES["cgcore"], 0.5, DECAY, SIZE, EPOCHS),
}
"""The learning rates are chosen so that the last epoch of the first stage is not the best. With cgcore's rules the
held-out loss of the first stage falls, rises and falls again (observed: 1131, 1004, 1091, 1057), and the second
stage never returns to its initial loss (1284, 1414, 1233)."""

EXACT = 1e-10
"""Tolerance of the same steps in float64 with another order of sums (observed: 1e-15). Each step may amplify
rounding a few times."""

CLEAR = 0.01
"""Relative difference of two held-out losses above which it is clear which is lower (observed: 0.03)."""


Params = dict[str, np.ndarray]


@dataclass(frozen=True)
class _Parts:
    """Training and held-out frames, for cgcore and as rows of the explicit matrix, and the starting prior."""

    loaders: tuple[Any, Any]
    frames: tuple[list[Frame], list[Frame]]
    prior: cgcore.Prior


@check("training-steps", quick=True)
def training_steps(context: Context) -> Iterator[Row]:
    """Parameters after each epoch, and what a stage keeps and reports, against a plain loop in NumPy."""
    from cgcore.pipeline import Trainer, model_for

    parts, loss = _parts(), None
    for dialect, plan in PLANS.items():
        config = _settings(dialect, parts.prior)
        trainer: Any = Trainer(model_for(config, parts.loaders[0]), config, *parts.loaders, devices=jax.devices()[:1])
        # Compiled once: both trainers share the loss, as their frames are the same, and both stages share a compiled
        # epoch.
        loss = trainer.loss = loss or trainer.loss
        stage = trainer.stage("adam", EPOCHS)
        trainer.stage = lambda *_, compiled=stage: compiled
        params = {name: np.asarray(value, float) for name, value in parts.prior.params.items()}
        for number in (1, 2):
            params = yield from _stage(dialect, trainer, parts.frames, params, plan, number)
        yield from _beside_a_network(dialect, stage, plan)


def _parts() -> _Parts:
    from cgcore.pipeline import DatasetLoader

    prior = with_harmonics(distinct(four_terms(cgcore.default_prior())), 2, 2)
    prior = replace(prior, params=prior.params | {"r0": prior.params["r0"] + LONGER})
    batch = cgcore.datasets.chignolin().subset(len(LENGTHS + HELD_OUT)).join()
    R, F = (np.asarray(x, float)[:, :N_MAX] for x in (batch.R, batch.F))
    mask = np.arange(N_MAX) < np.array(LENGTHS + HELD_OUT)[:, None]
    frames = [_frame(prior, *arrays) for arrays in zip(R, F, mask, strict=True)]
    padded = [np.where(mask[..., None], x, np.nan) for x in (R, F)]
    train, held_out = slice(len(LENGTHS)), slice(len(LENGTHS), None)
    loaders = [
        DatasetLoader(cgcore.from_arrays(padded[0][own], padded[1][own], mask[own], np.zeros(mask[own].shape, int)))
        for own in (train, held_out)
    ]
    return _Parts((loaders[0], loaders[1]), (frames[train], frames[held_out]), prior)


def _frame(prior: cgcore.Prior, R: np.ndarray, F: np.ndarray, real: np.ndarray) -> Frame:
    X = explicit.matrix(R[None, real], prior.weights, prior.params)
    return Frame(X.reshape(-1, X.shape[-1]), F[real].reshape(-1))


def _settings(dialect: str, prior: cgcore.Prior) -> dict[str, Any]:
    """A configuration that omits all settings in which the dialects differ."""
    training = {"precision": "float64", "pretrain_prior": False, "pretrain_prior_constraints": "none"}
    training |= {"batch_per_device": SIZE, "checkpoint_freq": 1}
    model = prior_alone(prior)
    adam = {"lr": PLANS[dialect].peak, "weight_decay": DECAY}
    return {"dialect": dialect, "model": model, "training": training, "optimizer": {"adam": adam}}


def _stage(
    dialect: str, trainer: Any, frames: tuple[list[Frame], list[Frame]], start: Params, plan: Plan, number: int
) -> Generator[Row, None, Params]:
    """Rows of a stage that starts from these parameters of the prior; returns the parameters that it must end with."""
    from cgcore.pipeline.trained import load_trained

    (train, held_out), name, best = frames, f"{dialect}, stage {number}", plan.rules.best
    known = plain_training.train(train, N_MAX, start, plan, number)
    states: list[Any] = []
    result = trainer.train_stage("adam", EPOCHS, save=states.append)
    pairs = zip(states, known, strict=True)
    off = max(apart(state.params["prior"], epoch.params) for state, epoch in pairs)
    yield at_most(f"{name}, parameters after each epoch", off, EXACT, "relative")
    losses = [epoch.loss for epoch in known]
    yield at_most(f"{name}, loss that each epoch met", relative(result["loss_history"], losses), EXACT, "relative")
    yield equal(f"{name}, updates", result["steps"], EPOCHS * plan.updates(len(LENGTHS)))

    reached = [start, *(epoch.params for epoch in known)]
    every = [plain_training.losses(held_out, N_MAX, params)[0] for params in reached]
    found = [result["initial_val_loss"], *result["val_loss_history"]]
    yield at_most(f"{name}, held-out losses", relative(found, every), EXACT, "relative")
    yield near(f"{name}, last_val_loss", result["last_val_loss"], every[-1], EXACT, every[-1])
    least = int(np.argmin(every))
    if number == 1 or best:
        yield at_least(f"{name}, last held-out loss above the least one", every[-1] / every[least] - 1, CLEAR)
    if best:
        below = np.partition(every, 1)[1] / every[least] - 1
        yield at_least(f"{name}, least held-out loss below the next", below, CLEAR)
        falls = np.divide(every[least + 1 : -1], every[least + 2 :]) - 1
        yield at_least(f"{name}, fall of the held-out loss after the least one", falls.max(), CLEAR)

    kept = least if best else EPOCHS
    yield equal(f"{name}, epoch that is kept", result["best_epoch"], kept)
    off = apart(trainer.params["prior"], reached[kept])
    yield at_most(f"{name}, parameters that are kept", off, EXACT, "relative")
    off = apart(trainer.prior.params, reached[kept])
    yield at_most(f"{name}, parameters of the prior that is written", off, EXACT, "relative")
    with tempfile.TemporaryDirectory() as folder:
        trainer.save_params(f"{folder}/saved.npz")
        saved = load_trained(f"{folder}/saved.npz", precision="float64")[1]["prior"]
    yield at_most(f"{name}, parameters that are saved", apart(saved, reached[kept]), EXACT, "relative")
    for part, own in (("train", train), ("val", held_out)):
        by_bead, in_mean = plain_training.losses(own, N_MAX, reached[kept])
        yield near(f"{name}, {part}_loss", result[f"{part}_loss"], by_bead, EXACT, by_bead)
        yield near(f"{name}, {part}_loss_in_mean", result[f"{part}_loss_in_mean"], in_mean, EXACT, in_mean)
    return reached[kept]


def _beside_a_network(dialect: str, stage: Any, plan: Plan) -> Iterator[Row]:
    """The optimizer of a stage on artificial parameters of a prior and a network, and its effect on each."""
    rng = np.random.default_rng(0)
    params: Tree = {("prior", "kr"): np.array(150.0), ("allegro", "w"): rng.normal(size=3)}
    optimizer, known = stage.run_epoch.optimizer, Adam(plan, EPOCHS * plan.updates(len(LENGTHS)))
    moved = _nested(params)
    state, update = optimizer.init(moved), jax.jit(optimizer.update)
    for _ in range(EPOCHS):
        gradient: Tree = {key: rng.normal(size=np.shape(value)) for key, value in params.items()}
        updates, state = update(_nested(gradient), state, moved)
        moved = jax.tree.map(jnp.add, moved, updates)
        params = known.step(params, gradient)
    for (part, key), value in params.items():
        off = relative(moved[part][key], value)
        yield at_most(f"{dialect}, steps of a parameter of {part}", off, EXACT, "relative")


def _nested(tree: Tree) -> dict[str, dict[str, Any]]:
    return {part: {name: jnp.asarray(value)} for (part, name), value in tree.items()}
