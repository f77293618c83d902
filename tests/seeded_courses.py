"""Faults of one line in cgcore, as in `seeded_fits`: courses of stages, and the calls that a training makes."""

from __future__ import annotations

from fault_helpers import Edits, Faults, faults_of, uncompiled

from cgcore.pipeline import compiled_epoch, minibatch_loss
from cgcore.pipeline.minibatch_loss import MinibatchLoss
from cgcore.pipeline.stage import Stage
from cgcore.pipeline.state import TrainingState
from cgcore.pipeline.trainer import Trainer

COURSES: Edits = {
    "a checkpoint at the end alone": (
        Stage,
        "finish",
        "if save is not None and (ended or (frequency and state.epoch % frequency == 0)):",
        "if save is not None and ended:",
    ),
    "no checkpoint at the end": (
        Stage,
        "finish",
        "(ended or (frequency and state.epoch % frequency == 0))",
        "(frequency and state.epoch % frequency == 0)",
    ),
    "no checkpoint of a stage that failed": (
        Stage,
        "finish",
        "ended = state.epoch == self.epochs or not state.finite",
        "ended = state.epoch == self.epochs",
    ),
    "a stage that goes on after NaN": (
        Stage,
        "finish",
        "while state.epoch < self.epochs and state.finite:",
        "while state.epoch < self.epochs:",
    ),
    "the loss of the last parameters": (
        Stage,
        "finish",
        "self.loss.place_params(state.kept), self.loss.train",
        "self.loss.place_params(state.params), self.loss.train",
    ),
    "the held-out loss of the last parameters": (
        Stage,
        "finish",
        "val_loss = self._val_loss(state.kept)",
        "val_loss = self._val_loss(state.params)",
    ),
    "means of held-out frames by training frames": (
        Stage,
        "finish",
        'self.loss.in_mean("val", val_loss)',
        'self.loss.in_mean("train", val_loss)',
    ),
    "the first epoch's compilation in the speed": (Stage, "finish", "times[1:] or times", "times"),
    "the mean speed": (Stage, "finish", "statistics.median(times[1:] or times)", "statistics.mean(times[1:] or times)"),
    "the last epoch for the best": (Stage, "finish", "best_epoch=state.kept_epoch", "best_epoch=state.epoch"),
    "no held-out loss without epochs": (
        Stage,
        "finish",
        "state.val_losses[-1] if state.val_losses else state.initial_loss",
        "state.val_losses[-1] if state.val_losses else None",
    ),
    "the best held-out loss for the first": (
        Stage,
        "finish",
        "initial_val_loss=state.initial_loss",
        "initial_val_loss=state.kept_loss",
    ),
    "steps of one epoch": (
        Stage,
        "finish",
        "steps=state.epoch * self.updates_per_epoch",
        "steps=self.updates_per_epoch",
    ),
    "projections that are not reported": (
        Stage,
        "finish",
        "prior_projection=state.prior_projection",
        "prior_projection=None",
    ),
    "epochs of the plan for those done": (Stage, "finish", "epochs=state.epoch,", "epochs=self.epochs,"),
    "the first loss of each epoch": (Stage, "_report", "state.losses[-1], val_loss", "state.losses[0], val_loss"),
    "the first held-out loss of each epoch": (Stage, "_report", "state.val_losses[-1] if", "state.val_losses[0] if"),
    "the seed of every stage": (Stage, "step", 'int(state.stage.removeprefix("stage"))', "1"),
    "the seed of every epoch": (Stage, "step", ", state.epoch)", ", 0)"),
    "the seed of every training": (Stage, "step", "seed = (state.seed, ", "seed = (0, "),
    "distances of no projection": (
        Stage,
        "step",
        "self._val_loss(params), keep, moved)",
        "self._val_loss(params), keep)",
    ),
    "projections that change nothing": (
        Stage,
        "step",
        "trained = trained | self.loss.place_params({PRIOR: prior})",
        "pass",
    ),
    "fixed parts that are lost": (Stage, "split", "if part in self._fixed}", "if False}"),
    "the last projection for the largest": (TrainingState, "after_epoch", "max(distances, default=None)", "moved"),
    "frame 0 for padding": (minibatch_loss, "minibatches", "* size, -1, np.int32)", "* size, 0, np.int32)"),
    "minibatches larger than the data": (
        MinibatchLoss,
        "__init__",
        "min(per_device, -(-self.n_train // mesh.size))",
        "per_device",
    ),
    "held-out frames from the first": (
        MinibatchLoss,
        "__init__",
        "minibatches(self.n_train + np.arange(len(validation.R))",
        "minibatches(np.arange(len(validation.R))",
    ),
    "minibatches of the first call": (
        MinibatchLoss,
        "loss",
        "return per_bead(jax.tree.map(lambda *x: np.concatenate(x), *parts))",
        "return per_bead(parts[0])",
    ),
    "minibatches one call short": (
        MinibatchLoss,
        "loss",
        "per_bead(jax.tree.map(lambda *x: np.concatenate(x), *parts))",
        "per_bead(jax.tree.map(lambda *x: np.concatenate(x), *(parts[:-1] or parts)))",
    ),
    "the mean of means": (
        minibatch_loss,
        "per_bead",
        "float(force / max(beads, 1.0))",
        "float(np.mean(np.asarray(sums.force) / np.maximum(np.asarray(sums.beads), 1.0)))",
    ),
    "incomplete minibatches that are kept": (
        compiled_epoch,
        "updates_of",
        "loss.n_train // loss.size",
        "-(-loss.n_train // loss.size)",
    ),
    "no minibatch at all": (
        compiled_epoch,
        "updates_of",
        "max(loss.n_train // loss.size, 1)",
        "loss.n_train // loss.size",
    ),
}

CALLS: Edits = {
    "stages that start from the beginning": (
        Trainer,
        "_run",
        "stage.begin(name, self.params) if",
        "stage.begin(name, self.model.initialize_params(jax.random.key(0))) if",
    ),
    "stages that are not announced": (Trainer, "_run", "self.watch.begin(name, optimizer_name, epochs)", "pass"),
    "a first stage again": (Trainer, "train_stage", 'f"stage{before + 1}"', '"stage1"'),
    "checkpoints that are not asked for": (Trainer, "train_stage", ", save=save)", ")"),
    "no checkpoints within stages": (Trainer, "train_full_pipeline", "begun=begun, save=save)", "begun=begun)"),
    "the first skipped stage is the last": (
        Trainer,
        "train_full_pipeline",
        'results[stage] = {"skipped": why}\n',
        'results[stage] = {"skipped": why}; break\n',
    ),
    "a fit without held-out frames": (
        Trainer,
        "pretrain_prior",
        "None if self.val_loader is None else self.val_loader.dataset",
        "None",
    ),
    "options of the configuration alone": (
        Trainer,
        "pretrain_prior",
        "fit_options(self.settings.training, max_steps, tol_grad)",
        "fit_options(self.settings.training)",
    ),
    "a fit that is not watched": (Trainer, "pretrain_prior", "held_out, self.watch.fit)", "held_out)"),
    "a fit that nobody is told of": (Trainer, "pretrain_prior", "if self.watch.fitted is not None:", "if False:"),
    "no record of the fit, told": (
        Trainer,
        "pretrain_prior",
        "None if self.watch.record is None else self.watch.record(result)",
        "None",
    ),
    "a fit that is forgotten": (Trainer, "pretrain_prior", "self.fit_result = result", "pass"),
    "a fitted prior that is not used": (
        Trainer,
        "pretrain_prior",
        "self.set_prior(of_first(dict(result.fitted_params)))",
        "pass",
    ),
    "the kept prior alone": (TrainingState, "with_prior", "params=self.params | exact, kept", "kept"),
    "a prior in the fit's precision": (
        TrainingState,
        "with_prior",
        "np.asarray(value, np.float64)",
        "np.asarray(value)",
    ),
    "numbers of epochs below 0": (Trainer, "stage", " or epochs < 0", ""),
    "flags for numbers of epochs": (Trainer, "stage", "isinstance(epochs, bool) or ", ""),
    "updates that cannot be counted": (Stage, "__init__", "> MOST_UPDATES:", "> 2 * MOST_UPDATES:"),
    "energies that are missing": (Trainer, "__init__", "if training.gammas.U and train_loader.U is None:", "if False:"),
    "the frames of stages for the fit": (
        Trainer,
        "__init__",
        "(fit_loader or train_loader).dataset",
        "train_loader.dataset",
    ),
    "frames of the fit that are not recorded": (
        Trainer,
        "_record",
        '({} if self.fit_loader is None else {"fit": self.fit_loader})',
        "{}",
    ),
    "the parameters of the trainer always": (Trainer, "save_params", "params or self.params", "self.params"),
    "a file of another model": (
        Trainer,
        "load_params",
        'require_same(self.model.fingerprint(), saved.fingerprint, os.fspath(path), "another model")',
        "pass",
    ),
}

FAULTS: Faults = uncompiled(faults_of({"training-courses": COURSES, "training-calls": CALLS}))
