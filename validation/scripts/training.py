"""What scripts get from `Trainer`: the fit, stages, errors of a frame and files, against plain loops in NumPy."""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import cgcore
from validation import explicit
from validation.check import Row, at_most, equal, refuses
from validation.explicit import System
from validation.scripts import plain_training
from validation.scripts.plain_training import RULES, Frame, Plan
from validation.settings.prior_configurations import prior_alone
from validation.tolerances import apart, near, relative

LENGTHS, N_MAX = (3, 2, 3, 3, 2, 3, 3), 3
"""Number of beads of the frames in turn, and of a row: programs for bonds and angles alone compile soon."""

FRAMES, DRAWN, DRAW, FRACTION = 40, 20, 3, 0.3
"""Number of frames in the file, those that a script draws and the seed of the draw, and the held-out fraction."""

SIZE, EPOCHS, RATE, SEED, OWN_SEED = 4, 2, 0.05, 5, 7
"""SEED, OWN_SEED: seed in the configuration, and that which a script gives the trainer."""

LIMITS = (150, 2e-6)
"""Largest number of steps and gradient norm that a script gives the fit."""

EXACT = 1e-10
"""Tolerance of the same steps in float64 with another order of sums (observed: 1e-14). Each step may amplify rounding a
few times."""

OPTIMUM = 1e-8
"""Excess loss of a fit without constraints over that by LAPACK: below 1e-6, the largest gap that claims convergence,
by the square of what rounding leaves of the gradient (observed: 1e-14)."""


@dataclass(frozen=True)
class Script:
    """A script's frames and configuration.

    Arguments:
        train, held_out: the parts of its loader, in the order of the draw.
        others: as many further frames as there are to train on.
        config: its configuration.
        prior: the prior in that.
    """

    train: Any
    held_out: Any
    others: dict[str, np.ndarray]
    config: dict[str, Any]
    prior: cgcore.Prior

    @classmethod
    def written(cls, folder: Path, prior: cgcore.Prior) -> Script:
        from cgcore.compat import DatasetLoader

        batch = cgcore.datasets.chignolin().subset(FRAMES).join()
        R, F = (np.asarray(x, np.float32)[:, :N_MAX] for x in (batch.R, batch.F))
        mask = np.arange(N_MAX) < np.resize(LENGTHS, FRAMES)[:, None]
        R, F = (np.where(mask[..., None], x, 0) for x in (R, F))
        np.savez(folder / "frames.npz", R=R, F=F, mask=mask.astype(np.float32), species=np.zeros(mask.shape, int))
        loader = DatasetLoader(folder / "frames.npz", max_frames=DRAWN, seed=DRAW)
        train, held_out = loader.split_train_val(FRACTION)
        rows = np.random.RandomState(DRAW).permutation(FRAMES)[DRAWN:][: len(train)]
        others = {"R": R[rows], "F": F[rows], "mask": mask[rows], "species": np.zeros((len(rows), N_MAX), int)}
        training = {"precision": "float64", "batch_per_device": SIZE, "epochs_adam": EPOCHS, "pretrain_prior": False}
        training |= {"stage1_optimizer": "adam", "stage2_optimizer": None}
        training |= {"pretrain_prior_constraints": "none", "pretrain_prior_truncation": 0.0, "checkpoint_freq": 9}
        model = prior_alone(prior)
        config = {"seed": SEED, "model": model, "training": training, "optimizer": {"adam": {"lr": RATE}}}
        return cls(train, held_out, others, config, prior)

    def trainer(
        self, *, held_out: bool = True, train_data: Any = None, seed: int | None = None, **training: Any
    ) -> Any:
        from cgcore.compat import CombinedModel, Trainer

        config = self.config | {"training": self.config["training"] | training}
        model = CombinedModel(config, self.train.R[0], None, self.train.species[0], N_MAX)
        return Trainer(model, config, self.train, self.held_out if held_out else None, train_data, seed)

    def frames(self, part: Any) -> list[Frame]:
        """The frames of a loader in the order of the file, which is that of the pipeline."""
        systems = [
            self.system(part.R[k : k + 1], part.F[k : k + 1], part.mask[k : k + 1]) for k in np.argsort(part._rows)
        ]
        return [Frame(system.X, system.F) for system in systems]

    def system(self, R: Any, F: Any, mask: Any) -> System:
        return explicit.system(SimpleNamespace(R=R, F=F, mask=mask), self.prior.weights, self.prior.params)

    def plan(self, seed: int) -> Plan:
        return Plan(replace(RULES["chemtrain"], seed=seed), RATE, 0.0, SIZE, EPOCHS)


def training(folder: Path, prior: cgcore.Prior) -> Iterator[Row]:
    """A script that fits to other frames than it trains on, trains, and evaluates a frame; then stages one by one."""
    script = Script.written(folder, prior)
    trainer = script.trainer(train_data=script.others, seed=OWN_SEED)
    yield equal("parameters before any training", apart(trainer.get_best_params()["prior"], prior.params), 0.0)
    shared = trainer.trainer.stage("adam", EPOCHS)
    _share(trainer.trainer, shared)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        fit = trainer.pretrain_prior(*LIMITS)
    yield from _fitted(script, trainer, fit, printed.getvalue())
    results, fitted = trainer.train_full_pipeline(), fit["fitted_params"]
    yield equal("parts of the result", ", ".join(results), "stage1")
    epochs = plain_training.train(script.frames(script.train), N_MAX, fitted, script.plan(OWN_SEED), 1)
    yield from _staged("pipeline", script, trainer, results["stage1"], epochs[-1].params)
    yield from _frame_errors(script, trainer)
    yield from _one_by_one(folder, script, shared)
    yield from _folders(folder, script)


def _share(trainer: Any, made: Any) -> None:
    """Let the stages of this trainer use the programs of a stage that is compiled."""
    begin = trainer.stage

    def stage(*arguments: Any) -> Any:
        own = begin(*arguments)
        own.run_epoch = made.run_epoch
        return own

    trainer.stage = stage


def _fitted(script: Script, trainer: Any, found: dict[str, Any], printed: str) -> Iterator[Row]:
    system = script.system(**{name: script.others[name] for name in ("R", "F", "mask")})
    held_out = script.system(script.held_out.R, script.held_out.F, script.held_out.mask)
    params, zero = found["fitted_params"], system.loss(np.zeros(system.X.shape[1]))
    c, start = explicit.coefficients(params), explicit.coefficients(script.prior.params)
    loss = system.loss(c)
    yield near("fit, train_loss", found["train_loss"], loss, EXACT, zero)
    yield near("fit, val_loss", found["val_loss"], held_out.loss(c), EXACT, zero)
    best = system.loss(system.optimum(start, system.kept()))
    yield at_most("fit, loss above the least one", loss / best - 1, OPTIMUM, "relative")
    yield equal("fit, converged", found["converged"], True)
    arrays = [found["loss_history"], *params.values()]
    yield equal("fit, NumPy arrays", all(isinstance(x, np.ndarray) for x in arrays), True)
    yield equal("fit, losses of its steps", len(found["loss_history"]), found["steps"])
    options = trainer.trainer.fit_result.options
    yield equal("fit, limits", str((options.max_steps, options.tol_grad)), str(LIMITS))
    for name, own in (("current", trainer.params), ("best", trainer.get_best_params())):
        yield equal(f"fit, {name} parameters", apart(own["prior"], params), 0.0)
    yield equal("fit, the model's prior", apart(trainer.model.prior.params, params), 0.0)
    lines = [f"Prior Pre-Training (LBFGS, max_steps={LIMITS[0]})", "[LBFGS] Starting optimization..."]
    lines += [f"[LBFGS] Completed: {found['steps']} steps", f"[LBFGS] Final loss: {found['train_loss']:.6e}"]
    lines += [f"[LBFGS] Grad norm: {found['grad_norm']:.3e} (tol={LIMITS[1]:.3e})", "[LBFGS] Converged: True"]
    lines += ["[LBFGS] Fitted parameters:", f"  r0: {float(params['r0']):.6f}"]
    at = [printed.splitlines().index(line) if line in printed.splitlines() else -1 for line in lines]
    yield equal("fit, lines printed once and in order", at == sorted(set(at)) and at[0] >= 0, True)


def _staged(name: str, script: Script, trainer: Any, found: dict[str, Any], known: dict[str, Any]) -> Iterator[Row]:
    """Rows of a stage that must end with these parameters of the prior."""
    yield equal(f"{name}, epochs", found["epochs"], EPOCHS)
    trees = {"params": trainer.params, "best_params": trainer.best_params, "get_best_params": trainer.get_best_params()}
    each = {key: tree["prior"] for key, tree in trees.items()} | {"the model's prior": trainer.model.prior.params}
    for key, params in each.items():
        yield at_most(f"{name}, {key}", apart(params, known), EXACT, "relative")
    train, held_out = script.frames(script.train), script.frames(script.held_out)
    loss = plain_training.losses(train, N_MAX, known)[0]
    unseen = plain_training.losses(held_out, N_MAX, known)[0] if trainer.val_loader is not None else loss
    yield near(f"{name}, train_loss", found["train_loss"], loss, EXACT, loss)
    yield near(f"{name}, val_loss", found["val_loss"], unseen, EXACT, loss)


def _frame_errors(script: Script, trainer: Any) -> Iterator[Row]:
    """Energies and errors of one frame, numbered as in the script, for the best parameters."""
    k = int(np.flatnonzero(script.train.mask.sum(axis=1) == 2)[-1])
    best = trainer.best_params
    trainer.params = {"prior": dict(script.prior.params)}
    yield equal("parameters that were set", apart(trainer.params["prior"], script.prior.params), 0.0)
    yield equal("parameters that were set, the model's", apart(trainer.model.prior.params, script.prior.params), 0.0)
    found = trainer.evaluate_frame(k)
    trainer.params = best
    R, F, mask = (getattr(script.train, name)[k] for name in ("R", "F", "mask"))
    energies = explicit.energies(R[mask > 0].astype(float), script.prior.weights, best["prior"])
    system = script.system(R[None], F[None], mask[None])
    error = system.X @ explicit.coefficients(best["prior"]) - system.F
    total = sum(energies.values())
    known = {f"E_{name}": value for name, value in energies.items()}
    known |= {"E_excluded_volume": 0.0, "E_allegro": 0.0, "E_prior_total": total, "E_total": total}
    own = found["energy_components"]
    yield equal("a frame, names of energies", ", ".join(sorted(own)), ", ".join(sorted(known)))
    for name, value in known.items():
        yield at_most(f"a frame, {name}", abs(own.get(name, np.nan) - value), EXACT * abs(total), "kcal/mol")
    rmse, mae = np.sqrt(np.mean(error**2)), np.mean(np.abs(error))
    yield at_most("a frame, force_rmse", relative(found["force_rmse"], rmse), EXACT, "relative")
    yield at_most("a frame, force_mae", relative(found["force_mae"], mae), EXACT, "relative")


def _one_by_one(folder: Path, script: Script, shared: Any) -> Iterator[Row]:
    """Stages of a trainer without held-out frames: where it starts and ends, files, and what they hold."""
    from cgcore.compat import Trainer

    kept = folder / "kept"
    trainer = script.trainer(held_out=False, train_data=script.train.get_all(), checkpoint_path=str(kept))
    own = trainer.trainer
    yield equal("the frames to train on are those of the fit", own.fit_loader is None, True)
    # The same frames and programs as before, but no loss of held-out ones.
    own.loss = copy.copy(shared.loss)
    own.loss.validation = None
    _share(own, shared)
    skipped = trainer.train_stage("adam", 2, start_epoch=2)
    yield equal("a stage that is done", str(skipped), "{'train_loss': 0.0, 'val_loss': 0.0, 'skipped': True}")
    yield equal("a stage that is done, best_params", str(trainer.best_params), "None")
    plan, frames = script.plan(SEED), script.frames(script.train)
    first = plain_training.train(frames, N_MAX, script.prior.params, plan, 1)
    found = trainer.train_stage("adam", EPOCHS + 3, start_epoch=3, checkpoint_freq=1)
    yield from _staged("stage from an epoch on", script, trainer, found, first[-1].params)
    names = {f"stage_adam_epoch{number}.npz": epoch.params for number, epoch in enumerate(first, 4)}
    yield equal("files of the stage", _names(kept), ", ".join(names))
    second = plain_training.train(frames, N_MAX, first[-1].params, plan, 2)
    found = trainer.train_stage("adam", EPOCHS)
    yield from _staged("next stage", script, trainer, found, second[-1].params)
    yield equal("files of a stage that writes none", _names(kept), ", ".join(names))
    yield equal("checkpoints of the configuration, afterwards", own.settings.training.checkpoint_freq, 9)

    trainer.params = {"prior": dict(script.prior.params)}
    with contextlib.redirect_stdout(io.StringIO()):
        written = trainer.save_params(folder / "best.pkl")
    yield equal("saved parameters, name", written.name, "best.npz")
    for path, params in ((folder / "best.pkl", second[-1].params), *((kept / key, x) for key, x in names.items())):
        trainer.load_params(path)
        own_params = {"params": trainer.params, "best": trainer.get_best_params()}
        for key, tree in own_params.items():
            yield at_most(f"{path.name} read, {key}", apart(tree["prior"], params), EXACT, "relative")
        yield at_most(
            f"{path.name} read, the model's prior", apart(trainer.model.prior.params, params), EXACT, "relative"
        )
    nowhere = script.trainer()
    refused = refuses(lambda: nowhere.train_stage("adam", EPOCHS, checkpoint_freq=1))
    yield equal("checkpoints without a folder are refused", refused, True)
    none = script.train.split_train_val(0)[1]
    yield equal("no frames to train on are refused", refuses(lambda: Trainer(trainer.model, script.config, none)), True)
    other = trainer.model.model
    yield equal("a model of another kind is refused", refuses(lambda: Trainer(other, script.config, none)), True)


def _names(folder: Path) -> str:
    return ", ".join(sorted(path.name for path in folder.iterdir()))


def _folders(folder: Path, script: Script) -> Iterator[Row]:
    """Folder and frequency of checkpoints with which the pipeline is run, and what becomes of its results."""
    (folder / "run" / "1").mkdir(parents=True)
    fit = {"train_loss": 3.0, "val_loss": None, "loss_history": [4.0, 3.0], "fitted_params": {"r0": 3.8}}
    stage = {"train_loss": 2.0, "val_loss": None}
    for name, resumed, said, frequency, known in (
        ("new run", None, None, None, ("run-2", 9, "None")),
        ("new run, frequency", None, None, 0, ("run-2", 0, "None")),
        ("resumed run", "auto", None, 4, ("run", 4, "auto")),
        ("run that is to be resumed", None, "auto", None, ("run", 9, "None")),
    ):
        trainer = script.trainer(checkpoint_path=str(folder / "run"), resume=said)
        own, seen = trainer.trainer, []

        def inner(resume: Any, own: Any = own, seen: list[Any] = seen) -> dict[str, Any]:
            now = own.settings.training
            seen.append((Path(now.checkpoint_path).name, now.checkpoint_freq, str(resume)))
            return {"prior_pretrain": dict(fit), "stage1": {"skipped": "no"}, "stage2": dict(stage)}

        own.train_full_pipeline = inner
        with contextlib.redirect_stdout(io.StringIO()):
            results = trainer.train_full_pipeline(resumed, frequency)
        yield equal(f"{name}, folder, frequency, resumed from", str(seen), str([known]))
        losses = {key: (part["train_loss"], part["val_loss"]) for key, part in results.items()}
        yield equal(f"{name}, results", str(losses), str({"prior_pretrain": (3.0, 3.0), "stage2": (2.0, 2.0)}))
