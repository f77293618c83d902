"""The full pipeline: prior pre-training, then stages that train prior and network together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from cgcore.config import Settings, load_settings
from cgcore.config.training import AUTO
from cgcore.errors import InputError
from cgcore.fitting.door import Door
from cgcore.fitting.result import FitResult
from cgcore.judging.precision import require_float32
from cgcore.physics.prior import Prior
from cgcore.pipeline.checkpoints import Checkpoint
from cgcore.pipeline.evaluation import evaluate
from cgcore.pipeline.loader import DatasetLoader
from cgcore.pipeline.minibatch_loss import MinibatchLoss
from cgcore.pipeline.model import PRIOR, CombinedModel
from cgcore.pipeline.optimizers import ModelParams
from cgcore.pipeline.parameters import from_named, read_params, require_same, save_params
from cgcore.pipeline.prior_fit import PriorFit, fit_options, why_no_fit
from cgcore.pipeline.reports import StageResult
from cgcore.pipeline.resumable import identity, opened, restore
from cgcore.pipeline.resume_settings import settings_that_matter
from cgcore.pipeline.splines import require_formulas, with_splines_read
from cgcore.pipeline.stage import Project, Stage
from cgcore.pipeline.stage_settings import nothing_to_train, stage_optimizer, why_no_stage
from cgcore.pipeline.state import TrainingState
from cgcore.pipeline.watch import Watch
from cgcore.processes import of_first, require_agreement
from cgcore.serialize import to_json


class Trainer:
    """Trains a model on frames.

    Arguments:
        model: training starts from its prior, and from random network parameters with seed `training.seed`.
        config: a YAML file, its content, or `Settings`; usually those of the model.
        train_loader: training frames.
        val_loader: held-out frames; None for none.
        watch: callbacks for progress.
        devices: devices over which minibatches are spread; None for all devices of all processes (see
            `jax.distributed`).
        project: projection of the prior after each epoch if the stages train it (see `Stage`); None for the nearest
            prior that satisfies the constraints of its fit.
        fit_loader: frames for the fit of the prior; None for the training frames.
        judged: findings of `cgcore.fitting.door.door` about the frames of the fit; None to check them in the fit.

    Attributes:
        state: progress of the training; replaced, never modified.
        fit_result: the fit of the prior, with its certificate; None before it, and in a resumed run.
        fit_record: record that `watch.record` made from the fit, in this run or the one that it continues; None if
            there is none.

    Raises:
        InputError: the frames do not match the model, the settings require something that the data do not have, or
            another process was given another model, other data or other settings.
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
        project: Project | None = None,
        fit_loader: DatasetLoader | None = None,
        judged: Door | None = None,
    ) -> None:
        self.model, self.settings = model, with_splines_read(load_settings(config))
        self.train_loader, self.val_loader = train_loader, val_loader
        self.fit_loader = fit_loader
        self.watch, self.project = watch, project
        training = self.settings.training
        self.prior_fit = PriorFit(model, training, (fit_loader or train_loader).dataset, judged)
        if training.gammas.U and train_loader.U is None:
            raise InputError(
                f"{self.settings.name}: training.gammas.U is {training.gammas.U:g}, but "
                f"{train_loader.dataset.path} has no energies (key 'U'); set it to 0"
            )
        self.loss = MinibatchLoss.of_loaders(model, train_loader, val_loader, training.batch_per_device, devices)
        self.state = TrainingState.of(model.initialize_params(jax.random.key(training.seed)))
        if model.prior is not None:
            self.state = self.state.with_prior(model.prior.params)
        self.fit_result: FitResult | None = None
        self.fit_record: Mapping[str, Any] | None = None
        self._changes: dict[str, list[dict[str, Any]]] = {}
        require_agreement("model, data or settings", lambda: to_json([jax.__version__, self._record({})]))

    @property
    def params(self) -> ModelParams:
        """Current parameters: after a stage those with the lowest held-out loss (`training.keep`)."""
        return self.state.kept

    @property
    def last_params(self) -> ModelParams:
        """Parameters at the end of the last epoch."""
        return self.state.params

    @property
    def prior(self) -> Prior | None:
        """The prior with its current parameters in float64; None if there is none."""
        if self.model.prior is None:
            return None
        current = {name: np.asarray(value, np.float64) for name, value in self.params[PRIOR].items()}
        return replace(self.model.prior, params=current)

    def pretrain_prior(self, max_steps: int | None = None, tol_grad: float | None = None) -> dict[str, Any]:
        """Fit only the prior to the training frames, by `cgcore.fit`; the network's parameters are not changed.

        The fitted prior becomes `prior` and part of `params`.

        Arguments:
            max_steps: maximum number of L-BFGS steps; None for `training.pretrain_prior_max_steps`, or else 200.
            tol_grad: gradient norm below which the fit stops; None for `training.pretrain_prior_tol_grad`, or else
                1e-6.

        Returns:
            `FitResult.as_dict()`: train_loss, val_loss, steps, converged, grad_norm, loss_history, fitted_params.

        Raises:
            InputError: there is no prior, or as `cgcore.fit`.
        """
        prior = self.prior
        if prior is None:
            raise InputError("there is no prior to fit: model.use_priors is false")
        require_formulas(prior, "nothing to fit")
        options = fit_options(self.settings.training, max_steps, tol_grad)
        held_out = None if self.val_loader is None else self.val_loader.dataset
        result = self.prior_fit.run(prior, options, held_out, self.watch.fit)
        self.fit_result = result
        self.fit_record = None if self.watch.record is None else self.watch.record(result)
        self.set_prior(of_first(dict(result.fitted_params)))
        if self.watch.fitted is not None:
            self.watch.fitted(result)
        return result.as_dict()

    def train_stage(
        self, optimizer_name: str, epochs: int, save: Callable[[TrainingState], object] | None = None
    ) -> StageResult:
        """Minibatch force matching of the combined model, starting from `params`.

        The loss is that of the prior's fit, per real bead, over a minibatch (plus `gammas.U` times the mean squared
        error of the energy). With `training.keep: best` and held-out frames, `params` become those of the epoch with
        the lowest held-out loss, including the start, so that a stage never ends worse than it began; otherwise the
        last ones with a finite loss. `last_params` are always those of the last epoch. `save` is called for each
        checkpoint that is due.

        Returns:
            The report, see `reports.StageResult`.

        Raises:
            InputError: the optimizer is unknown, or there is nothing to train.
        """
        before = 0 if self.state.stage is None else int(self.state.stage.removeprefix("stage"))
        return self._run(f"stage{before + 1}", optimizer_name, epochs, save=save)

    def train_full_pipeline(self, resume_from: str | os.PathLike[str] | None = None) -> dict[str, Any]:
        """Prior pre-training and all stages, as configured, with checkpoints in `training.checkpoint_path`.

        Arguments:
            resume_from: a folder of checkpoints from which to resume, and to which new ones are added; "auto" for
                `training.checkpoint_path`, if it contains any, otherwise the run starts from the beginning; None for
                `training.resume`. The checkpoints must belong to the same model, data and settings; the result is then
                identical, bit for bit, to that of an uninterrupted run. Only the number of epochs of the current stage
                and of later ones may differ; the result of the stage notes this.

        Returns:
            {"prior_pretrain": ..., "stage1": ..., "stage2": ...}; the value of a skipped part is {"skipped": reason}.

        Raises:
            InputError: the checkpoints belong to another model, other data or other settings, they are damaged, or the
                folder already contains some.
        """
        resume = resume_from or self.settings.training.resume
        folder = self.settings.training.checkpoint_path
        with opened(folder, resume) as kept:

            def save(state: TrainingState) -> None:
                kept.save(state, self._record(results))

            if kept.found is not None:
                results = self._restore(kept.found, os.fspath((folder if resume == AUTO else resume) or ""))
            else:
                why = why_no_fit(self.model, self.settings.training)
                results = {"prior_pretrain": {"skipped": why} if why else self.pretrain_prior()}
                save(self.state)
            for stage, plan in self.settings.training.plan.items():
                if stage in results:
                    continue
                why = why_no_stage(self.model, self.settings, stage)
                if plan is None or why is not None:
                    results[stage] = {"skipped": why}
                    continue
                begun = self.state if self.state.stage == stage else None
                result = self._run(stage, *plan, begun=begun, save=save)
                if stage in self._changes:
                    result["changed_on_resume"] = self._changes[stage]
                results[stage] = dict(result)
        return results

    def losses(self) -> dict[str, float | None]:
        """`train_loss` and `val_loss`: force losses of `params` per real bead [(kcal/mol/Å)²]."""
        loss = self.loss
        with self.model.precision():
            params = loss.place_params(self.params)
            held_out = None if loss.validation is None else loss.loss(params, loss.validation)
            return {"train_loss": loss.loss(params, loss.train), "val_loss": held_out}

    def evaluate(self, loader: DatasetLoader) -> dict[str, Any]:
        """Force RMSE, MAE, cosine, and the contribution of each component, see `evaluation.evaluate`."""
        return evaluate(self.model, jax.tree.map(np.asarray, self.params), loader)

    def save_params(self, path: str | os.PathLike[str], params: ModelParams | None = None) -> None:
        """Write the given parameters, or `params`, with the fingerprint of their model to an NPZ.

        Raises:
            InputError: the file cannot be written.
        """
        splines = None if self.model.prior is None else self.model.prior.splines
        save_params(path, params or self.params, self.model.fingerprint(), self.model.N_max, splines)

    def load_params(self, path: str | os.PathLike[str]) -> None:
        """Read a file written by `save_params` into `params`.

        Raises:
            InputError: the file does not exist, is damaged, or contains parameters of another model.
        """
        saved = read_params(path)
        require_same(self.model.fingerprint(), saved.fingerprint, os.fspath(path), "another model")
        self.state = TrainingState.of(from_named(self.params, saved.arrays, os.fspath(path)))

    def set_prior(self, params: Mapping[str, Any]) -> None:
        """Set the current parameters of the prior."""
        self.state = self.state.with_prior(dict(params))

    def stage(self, optimizer_name: str, epochs: int) -> Stage:
        """Create a stage.

        Raises:
            InputError: the optimizer is unknown, there is nothing to train, or `epochs` is not a valid number.
        """
        optimizer = stage_optimizer(self.settings, optimizer_name)
        if why := nothing_to_train(self.model, self.settings):
            raise InputError(f"{self.settings.name}: {why}; there is nothing to train")
        if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 0:
            raise InputError(f"epochs is {epochs!r}; give a whole number of at least 0")
        if self.project is None:
            self.project = self.prior_fit.keeps_admissible(self.fit_result, self.watch.fit)
        if self.model.dtype == "float32" and (prior := self.prior) is not None:
            require_float32(f"{self.settings.name}: training.precision is float32, and the prior", prior)
        return Stage(self.loss, self.settings, optimizer, epochs, self.project)

    def _run(
        self,
        name: str,
        optimizer_name: str,
        epochs: int,
        begun: TrainingState | None = None,
        save: Callable[[TrainingState], object] | None = None,
    ) -> StageResult:
        with self.model.precision():
            stage = self.stage(optimizer_name, epochs)
            if self.watch.begin is not None:
                self.watch.begin(name, optimizer_name, epochs)
            state = stage.begin(name, self.params) if begun is None else stage.placed(begun)
            self.state, result = stage.finish(state, self.watch.epoch, save)
        return result

    def _record(self, results: Mapping[str, Any]) -> dict[str, Any]:
        """The record in checkpoints besides the state."""
        return {
            "results": results,
            "model": self.model.fingerprint(),
            "data": identity(
                {"train": self.train_loader, "validation": self.val_loader}
                | ({} if self.fit_loader is None else {"fit": self.fit_loader})
            ),
            "precision": self.model.dtype,
            "settings": settings_that_matter(self.settings, self.loss.size),
            "changes": self._changes,
            "fit": self.fit_record,
        }

    def _restore(self, found: Checkpoint, name: str) -> dict[str, Any]:
        """Restore the trainer from a checkpoint; returns the results so far."""
        stages = self.settings.training.plan

        def like(stage: str | None) -> TrainingState:
            plan = None if stage is None else stages[stage]
            return self.state if plan is None else self.stage(*plan).like(self.params)

        with self.model.precision():
            gone = restore(found, self._record({}), like, self.settings.training, name)
        self.state, self._changes, self.fit_record = gone.state, gone.changes, gone.fit
        return gone.results
