"""The trainer, with the names that scripts use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cgcore.compat.combined_model import CombinedModel
from cgcore.compat.configuration import settings_from
from cgcore.compat.dataset_loader import DatasetLoader, loader_of
from cgcore.compat.prior_energy import plain_params
from cgcore.errors import InputError
from cgcore.pipeline import loader as pipeline_loader
from cgcore.pipeline import trainer as pipeline
from cgcore.pipeline.checkpoints import next_free
from cgcore.pipeline.model import PRIOR
from cgcore.pipeline.prior_fit import fit_options
from cgcore.pipeline.state import TrainingState
from cgcore.report.text import lbfgs_lines, opening

_NOTHING = {"train_loss": 0.0, "val_loss": 0.0, "converged": True}
"""The result of pre-training if there is no prior to fit."""


class _Trainer(pipeline.Trainer):
    """The pipeline's trainer, which also prints the progress of the prior's fit."""

    def pretrain_prior(self, max_steps: int | None = None, tol_grad: float | None = None) -> dict[str, Any]:
        print(opening(fit_options(self.settings.training, max_steps, tol_grad).max_steps), flush=True)
        found = super().pretrain_prior(max_steps, tol_grad)
        assert self.fit_result is not None
        warnings = (f"Warning: {sentence}" for sentence in self.fit_result.warnings)
        print("\n".join([lbfgs_lines(self.fit_result), *warnings]), flush=True)
        return found


class Trainer:
    """Pre-trains the prior and trains prior and network; prints the `[LBFGS]` lines.

    Arguments:
        model: a `CombinedModel`.
        config: a configuration file, a mapping, an object like `ConfigManager`, or `Settings`.
        train_loader: frames to train on: a `DatasetLoader`, or anything else that `loader_of` takes.
        val_loader: held-out frames; None for none.
        train_data: frames for the prior's fit (R, F, mask and species by name); None for the frames to train on.
        seed: seed of the network's initial parameters and of minibatches; None for that of the configuration.

    Attributes:
        trainer: the pipeline's own trainer, with the certificate (`fit_result`), the state and everything else.
        params: current parameters.
        best_params: parameters that the last stage kept; None before the first stage.

    Raises:
        InputError: as `cgcore.pipeline.Trainer`.
    """

    def __init__(
        self,
        model: CombinedModel | Any,
        config: Any,
        train_loader: Any,
        val_loader: Any = None,
        train_data: Any = None,
        seed: int | None = None,
    ) -> None:
        if not isinstance(model, CombinedModel):
            raise InputError(f"model is a {type(model).__module__}.{type(model).__name__}; give one of cgcore.compat")
        settings = settings_from(config)
        if seed is not None:
            settings = replace(settings, training=replace(settings.training, seed=int(seed)))
        self.model, self.config = model, config
        self.train_loader, self.val_loader = train_loader, val_loader
        train, held_out = loader_of(train_loader, "train_loader"), loader_of(val_loader, "val_loader")
        if train is None:
            raise InputError("train_loader holds no frames; give at least one")
        of_fit = loader_of(train_data)
        self.trainer = _Trainer(
            model.model,
            settings,
            train,
            held_out,
            fit_loader=None if of_fit is None or _same(of_fit, train) else of_fit,
        )
        self.best_params: dict[str, Any] | None = None

    @property
    def params(self) -> dict[str, Any]:
        """Current parameters."""
        return self.trainer.params

    @params.setter
    def params(self, params: Mapping[str, Any]) -> None:
        self.trainer.state = TrainingState.of(dict(params))
        self._tell_model()

    def pretrain_prior(self, max_steps: int | None = None, tol_grad: float | None = None) -> dict[str, Any]:
        """Fit the prior alone; prints the `[LBFGS]` lines.

        Arguments:
            max_steps, tol_grad: limits of the fit; None for the configured ones.

        Returns:
            train_loss, val_loss (the training loss if no frames are held out), steps, converged, grad_norm,
            loss_history and fitted_params (NumPy arrays). If there is no prior to fit, the losses are 0 and `converged`
            is true.

        Raises:
            InputError: as `cgcore.fit`.
        """
        prior = self.model.model.prior
        if prior is None or prior.splines is not None:
            print(f"Skipping prior pre-training ({'use_priors=False' if prior is None else 'splines are fixed'})")
            return dict(_NOTHING)
        return self._fitted(self.trainer.pretrain_prior(max_steps, tol_grad))

    def train_stage(
        self, optimizer_name: str, epochs: int, start_epoch: int = 0, checkpoint_freq: int = 0
    ) -> dict[str, Any]:
        """Train for the epochs from `start_epoch` to `epochs`.

        Arguments:
            optimizer_name: see `cgcore.pipeline.Trainer.train_stage`.
            epochs: last epoch of the stage, counted from the start, including those before `start_epoch`.
            start_epoch: number of epochs that the current `params` have already been trained for.
            checkpoint_freq: number of epochs after which parameters are written to `training.checkpoint_path`; they are
                also written at the end; 0 for never.

        Returns:
            As `cgcore.pipeline.Trainer.train_stage`; `val_loss` is the training loss if no frames are held out. If
            `start_epoch` is not below `epochs`, nothing is trained and `skipped` is true.

        Raises:
            InputError: as that method, or checkpoints are requested but no folder is configured.
        """
        if start_epoch >= epochs:
            return {"train_loss": 0.0, "val_loss": 0.0, "skipped": True}
        training = self.trainer.settings.training
        folder = training.checkpoint_path
        if checkpoint_freq and folder is None:
            raise InputError("checkpoint_freq is given, but training.checkpoint_path is not set; set it to a folder")

        def save(state: TrainingState) -> None:
            if folder is not None and checkpoint_freq:
                name = f"stage_{optimizer_name}_epoch{start_epoch + state.epoch}.npz"
                self.trainer.save_params(Path(folder) / name, state.kept)

        self.trainer.settings = replace(
            self.trainer.settings, training=replace(training, checkpoint_freq=checkpoint_freq)
        )
        try:
            result = self.trainer.train_stage(optimizer_name, epochs - start_epoch, save=save)
        finally:
            self.trainer.settings = replace(self.trainer.settings, training=training)
        return self._staged(dict(result))

    def train_full_pipeline(
        self, resume_from: str | os.PathLike[str] | None = None, checkpoint_freq: int | None = None
    ) -> dict[str, Any]:
        """Pre-training and both stages, as configured; parts that are switched off are absent from the result.

        Arguments:
            resume_from: a folder of checkpoints to resume from, or "auto".
            checkpoint_freq: number of epochs between checkpoints; None for the configured number.

        Raises:
            InputError: as `cgcore.pipeline.Trainer.train_full_pipeline`.
        """
        training = self.trainer.settings.training
        if checkpoint_freq is not None:
            training = replace(training, checkpoint_freq=checkpoint_freq)
        if (named := training.checkpoint_path) is not None and not (resume_from or training.resume):
            # A script may be run again unchanged; existing checkpoints are not overwritten.
            training = replace(training, checkpoint_path=next_free(named))
            if training.checkpoint_path != named:
                print(f"{named} holds checkpoints of an earlier run; new ones go to {training.checkpoint_path}")
        self.trainer.settings = replace(self.trainer.settings, training=training)
        results = {
            name: found
            for name, found in self.trainer.train_full_pipeline(resume_from).items()
            if "skipped" not in found
        }
        return {
            name: self._fitted(found) if name == "prior_pretrain" else self._staged(found)
            for name, found in results.items()
        }

    def evaluate_frame(self, frame_idx: int = 0) -> dict[str, Any]:
        """Energies (`E_...`) of a training frame, and RMSE and MAE of its force components [kcal/mol/Å]."""
        # In the order that the script sees, which may differ from the trainer's.
        own = isinstance(self.train_loader, DatasetLoader)
        frames = self.train_loader if own else self.trainer.train_loader
        R, F, mask, species = (x[frame_idx] for x in (frames.R, frames.F, frames.mask, frames.species))
        with self.trainer.model.precision():
            params, R = self.get_best_params(), R.astype(self.trainer.model.dtype)
            energies = jax.jit(self.model.compute_components)(params, R, mask, species)
            gradient = jax.jit(jax.grad(self.model.compute_energy, argnums=1))(params, R, mask, species)
            error = (-np.asarray(gradient) - F)[mask > 0]
        return {
            "energy_components": {name: float(value) for name, value in energies.items() if name.startswith("E_")},
            "force_rmse": float(np.sqrt(np.mean(error**2))),
            "force_mae": float(np.mean(np.abs(error))),
        }

    def get_best_params(self) -> dict[str, Any]:
        """The parameters that the last stage kept; before the first stage, the current ones."""
        return self.params if self.best_params is None else self.best_params

    def save_params(self, output_path: str | os.PathLike[str]) -> Path:
        """Write the best parameters as NPZ, since nothing is pickled; any other suffix is replaced by .npz.

        Raises:
            InputError: the file cannot be written.
        """
        path = Path(output_path).with_suffix(".npz")
        self.trainer.save_params(path, self.get_best_params())
        if path != Path(output_path):
            print(f"Parameters are in {path} (nothing is pickled)")
        return path

    def load_params(self, input_path: str | os.PathLike[str]) -> None:
        """Read a file written by `save_params`, under the name given to that method.

        Raises:
            InputError: the file does not exist, is damaged, or holds parameters of another model.
        """
        self.trainer.load_params(Path(input_path).with_suffix(".npz"))
        self._tell_model()
        self.best_params = self.params

    def _fitted(self, found: dict[str, Any]) -> dict[str, Any]:
        """Convert the result of a fit to the form that scripts read."""
        self._tell_model()
        held_out = found["val_loss"]
        return found | {
            "val_loss": found["train_loss"] if held_out is None else held_out,
            "loss_history": np.asarray(found["loss_history"]),
            "fitted_params": plain_params(found["fitted_params"]),
        }

    def _staged(self, found: dict[str, Any]) -> dict[str, Any]:
        """Convert the result of a stage likewise."""
        self._tell_model()
        self.best_params = self.params
        return found | {"val_loss": found["train_loss"] if found["val_loss"] is None else found["val_loss"]}

    def _tell_model(self) -> None:
        """Give the current parameters to the model's prior."""
        if self.model.prior is not None and PRIOR in self.params:
            self.model.prior.params = dict(self.params[PRIOR])


def _same(first: pipeline_loader.DatasetLoader, second: pipeline_loader.DatasetLoader) -> bool:
    """Whether two loaders seem to hold the same frames, in any order and up to a translation of each: frames are
    compared by their sums of |F|."""
    if (first.n_frames, first.N_max) != (second.n_frames, second.N_max):
        return False
    one, two = (np.sort(np.abs(loader.F).sum(axis=(1, 2))) for loader in (first, second))
    return np.array_equal(one, two)
