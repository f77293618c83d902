"""The full pipeline: prior pre-training, then two stages that train prior and network together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np

from cgcore.config import Settings, load_settings
from cgcore.config.optimizers import OPTIMIZERS
from cgcore.errors import InputError
from cgcore.fitting.fit import Callbacks, fit
from cgcore.fitting.options import Options
from cgcore.fitting.result import FitResult
from cgcore.pipeline.evaluation import evaluate
from cgcore.pipeline.loader import DatasetLoader, frame_arrays
from cgcore.pipeline.model import PRIOR, CombinedModel
from cgcore.pipeline.optimizers import ModelParams
from cgcore.pipeline.parameters import from_named, read_params, require_same, save_params
from cgcore.pipeline.resuming import Resumable
from cgcore.pipeline.run import EpochReport, Job, Run, StageResult
from cgcore.pipeline.workplace import Workplace

STAGES = ("stage1", "stage2")


class Watch(NamedTuple):
    """Whom to tell how far the work is: of the fit, its result, a stage's name, optimizer and epochs, every epoch."""

    fit: Callbacks = Callbacks()
    fitted: Callable[[FitResult], object] | None = None
    begin: Callable[[str, str, int], object] | None = None
    epoch: Callable[[EpochReport], object] | None = None


class Trainer:
    """Trains a model on frames.

    Arguments:
        model: starts from its prior and from random network parameters of `training.seed`.
        config: a YAML file, what it holds, or `Settings`; the model's, as a rule.
        train_loader: frames to train on.
        val_loader: held-out frames; None: none.
        watch: whom to tell how far the work is.
        devices: to spread minibatches over; None: all local ones.

    Attributes:
        params: current parameters: after a stage those with the lowest held-out loss (`training.keep`).
        last_params: those that the last stage ended with.
        fit_result: the prior's fit, with certificate and curve; None before.

    Raises:
        InputError: frames do not suit the model, or the settings ask for what the data do not have.
    """

    def __init__(
        self,
        model: CombinedModel,
        config: str | os.PathLike[str] | Mapping[str, Any] | Settings,
        train_loader: DatasetLoader,
        val_loader: DatasetLoader | None = None,
        *,
        watch: Watch = Watch(),
        devices: Sequence[Any] | None = None,
    ) -> None:
        self.model, self.settings = model, load_settings(config)
        self.train_loader, self.val_loader = train_loader, val_loader
        self.watch = watch
        if self.settings.training.gammas.U and train_loader.U is None:
            raise InputError(
                f"{self.settings.name}: training.gammas.U is {self.settings.training.gammas.U:g}, but "
                f"{train_loader.dataset.path} has no energies (key 'U'); set it to 0"
            )
        network = model.settings.model.network
        n_species = None if network is None else network.n_species
        train, validation = (
            None if loader is None else frame_arrays(loader, model.N_max, n_species, model.dtype)
            for loader in (train_loader, val_loader)
        )
        assert train is not None
        with model.precision():
            per_device = self.settings.training.batch_per_device
            self.workplace = Workplace(model, train, validation, per_device, devices)
        self.params: ModelParams = model.initialize_params(jax.random.key(self.settings.training.seed))
        self.last_params: ModelParams = self.params
        self.fit_result: FitResult | None = None
        self._stages_run = 0

    def pretrain_prior(self, max_steps: int | None = None, tol_grad: float | None = None) -> dict[str, Any]:
        """Fit the prior alone to the training frames, by `cgcore.fit`; the network's parameters stay as they are.

        The fitted prior becomes `model.prior.params` and part of `params`.

        Arguments:
            max_steps: L-BFGS steps at most; None: `training.pretrain_prior_max_steps`, else 200.
            tol_grad: gradient norm to stop below; None: `training.pretrain_prior_tol_grad`, else 1e-6.

        Returns:
            `FitResult.as_dict()`: train_loss, val_loss, steps, converged, grad_norm, loss_history, fitted_params.

        Raises:
            InputError: there is no prior, or as `cgcore.fit`.
        """
        if self.model.prior is None:
            raise InputError("there is no prior to fit: model.use_priors is false")
        said = self.settings.training
        given = {
            "max_steps": said.pretrain_prior_max_steps if max_steps is None else max_steps,
            "min_steps": said.pretrain_prior_min_steps,
            "tol_grad": said.pretrain_prior_tol_grad if tol_grad is None else tol_grad,
        }
        if max_steps is not None and said.pretrain_prior_min_steps is not None:
            given["min_steps"] = min(said.pretrain_prior_min_steps, max_steps)
        self.fit_result = fit(
            self.train_loader.dataset,
            self.model.prior,
            Options(**{name: value for name, value in given.items() if value is not None}),
            validation=None if self.val_loader is None else self.val_loader.dataset,
            displacement=self.model.displacement,
            displacement_name=self.model.displacement_name,
            progress=self.watch.fit,
        )
        self.set_prior(self.fit_result.fitted_params)
        if self.watch.fitted is not None:
            self.watch.fitted(self.fit_result)
        return self.fit_result.as_dict()

    def train_stage(self, optimizer_name: str, epochs: int) -> StageResult:
        """Minibatch force matching of the combined model, starting from `params`.

        The loss is that of the prior's fit, per real bead, over a minibatch (plus `gammas.U` times the mean squared
        error of the energy). With `training.keep: best` and held-out frames, `params` become those of the epoch with
        the lowest held-out loss, those at the start included, so that a stage never ends worse than it began; else the
        last ones whose loss is finite. `last_params` are those of the last epoch in any case.

        Returns:
            see `run.StageResult`.

        Raises:
            InputError: the optimizer is unknown, or there is nothing to train.
        """
        self._stages_run += 1
        return self._run(f"stage{self._stages_run}", optimizer_name, epochs)

    def train_full_pipeline(self, resume_from: str | os.PathLike[str] | None = None) -> dict[str, Any]:
        """Prior pre-training and both stages, as configured, with checkpoints in `training.checkpoint_path`.

        Arguments:
            resume_from: a folder of checkpoints to go on from, and to add to. It has to be of the same model and
                data; the result is then that of a run that was never interrupted, to the bit.

        Returns:
            {"prior_pretrain": ..., "stage1": ..., "stage2": ...}; what was not to be done is {"skipped": why}.

        Raises:
            InputError: the checkpoints are of another model or other data, or the folder holds some already.
        """
        results: dict[str, Any] = {}
        with Resumable(self, resume_from or self.settings.training.checkpoint_path, resume_from is not None) as kept:
            if kept.begun:
                results, found = kept.restore()
            else:
                found = None
                results["prior_pretrain"] = self._skipped_fit() or self.pretrain_prior()
                kept.save(results)
            for number, (stage, plan) in enumerate(zip(STAGES, self.settings.training.stages, strict=True), start=1):
                if stage in results:
                    continue
                self._stages_run = number
                if plan is None or plan[1] == 0 or self._nothing_to_train:
                    results[stage] = {"skipped": self._why_no_stage(stage, plan)}
                    continue
                begun, found = (found, None) if found is not None and found.stage == stage else (None, found)
                results[stage] = self._run(stage, *plan, begun=begun, save=lambda run: kept.save(results, run))
        return results

    def losses(self) -> dict[str, float | None]:
        """Force loss of `params`, `train_loss` and `val_loss`, per real bead [(kcal/mol/Å)²]."""
        place = self.workplace
        with self.model.precision():
            params = place.place(self.params)
            held_out = None if place.validation is None else place.loss(params, place.validation)
            return {"train_loss": place.loss(params, place.train), "val_loss": held_out}

    def evaluate(self, loader: DatasetLoader) -> dict[str, Any]:
        """Force RMSE, MAE, cosine and what each component contributes, see `evaluation.evaluate`."""
        return evaluate(self.model, self.params, loader)

    def save_params(self, path: str | os.PathLike[str]) -> None:
        """Write `params` and the fingerprint of their model to an NPZ.

        Raises:
            InputError: the file cannot be written.
        """
        save_params(path, self.params, self.model.fingerprint(), self.model.N_max)

    def load_params(self, path: str | os.PathLike[str]) -> None:
        """Read what `save_params` wrote into `params` and `model.prior.params`.

        Raises:
            InputError: no such file, a damaged one, or parameters of another model.
        """
        arrays, fingerprint, _ = read_params(path)
        require_same(self.model.fingerprint(), fingerprint, os.fspath(path), "another model")
        with self.model.precision():
            self.params = from_named(self.params, arrays, os.fspath(path))
        if self.model.prior is not None:
            prior = {name: arrays[f"{PRIOR}/{name}"] for name in self.model.prior.names}
            self.model.prior = replace(self.model.prior, params=prior)

    def set_prior(self, params: Mapping[str, Any]) -> None:
        """Make these the parameters of the prior, in the model and in `params`."""
        assert self.model.prior is not None
        self.model.prior = replace(self.model.prior, params=dict(params))
        self.params = self.params | {PRIOR: self.model.prior_params()}

    def job(self, optimizer_name: str, epochs: int) -> Job:
        """The work of a stage, not begun."""
        if optimizer_name not in OPTIMIZERS:
            raise InputError(f"optimizer {optimizer_name!r} is unknown; known: {', '.join(OPTIMIZERS)}")
        if self._nothing_to_train:
            raise InputError(f"{self.settings.name}: {self._nothing_to_train}; there is nothing to train")
        if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 0:
            raise InputError(f"epochs is {epochs!r}; give a whole number of at least 0")
        chosen = self.settings.optimizers.get(optimizer_name) or OPTIMIZERS[optimizer_name]()
        return Job(self.workplace, self.settings, chosen, epochs)

    @property
    def _nothing_to_train(self) -> str | None:
        said = self.settings.model
        if self.model.network is None and not said.train_priors:
            return "model.ml_model is none and train_priors false"
        return None

    def _run(
        self,
        stage: str,
        optimizer_name: str,
        epochs: int,
        begun: Run | None = None,
        save: Callable[[Run], object] | None = None,
    ) -> StageResult:
        with self.model.precision():
            job = self.job(optimizer_name, epochs)
            if self.watch.begin is not None:
                self.watch.begin(stage, optimizer_name, epochs)
            run = job.start(stage, self.params) if begun is None else begun
            result = job.finish(run, self.watch.epoch, save)
            self.params, self.last_params = run.kept, run.last
        if self.model.prior is not None and self.settings.model.train_priors:
            trained = {name: np.asarray(value, np.float64) for name, value in self.params[PRIOR].items()}
            self.model.prior = replace(self.model.prior, params=trained)
        return result

    def _skipped_fit(self) -> dict[str, Any] | None:
        if self.model.prior is None:
            return {"skipped": "model.use_priors is false"}
        return None if self.settings.training.pretrain_prior else {"skipped": "training.pretrain_prior is false"}

    def _why_no_stage(self, stage: str, plan: tuple[str, int] | None) -> str:
        if plan is None:
            return f"training.{stage}_optimizer is none"
        return f"training.epochs_{plan[0]} is 0" if plan[1] == 0 else self._nothing_to_train or ""
