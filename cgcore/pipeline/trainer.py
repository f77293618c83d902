"""The full pipeline: prior pre-training, then stages that train prior and network together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from cgcore.config import Settings, load_settings
from cgcore.config.optimizers import OPTIMIZERS, OptimizerSettings
from cgcore.config.training import AUTO
from cgcore.errors import InputError
from cgcore.fitting.fit import Callbacks, fit
from cgcore.fitting.options import Options
from cgcore.fitting.result import FitResult
from cgcore.physics.precision import require_float32
from cgcore.physics.prior import Prior, require_formulas
from cgcore.pipeline.checkpoints import Checkpoint
from cgcore.pipeline.evaluation import evaluate
from cgcore.pipeline.loader import DatasetLoader, frame_arrays
from cgcore.pipeline.minibatch_loss import MinibatchLoss
from cgcore.pipeline.model import PRIOR, CombinedModel
from cgcore.pipeline.optimizers import ModelParams
from cgcore.pipeline.parameters import from_named, read_params, require_same, save_params
from cgcore.pipeline.reports import EpochReport, StageResult
from cgcore.pipeline.resumable import identity, opened, restore
from cgcore.pipeline.resume_settings import settings_that_matter
from cgcore.pipeline.splines import FIXED, with_splines_read
from cgcore.pipeline.stage import Project, Stage
from cgcore.pipeline.state import TrainingState


class Watch(NamedTuple):
    """Who is told how far the work is.

    Arguments:
        fit: callbacks of the prior's fit.
        fitted: gets its result.
        record: makes of its result what checkpoints keep and `Trainer.fit_record` has, a mapping of plain values.
        begin: gets a stage's name, optimizer and epochs.
        epoch: gets a report of every epoch.
    """

    fit: Callbacks = Callbacks()
    fitted: Callable[[FitResult], object] | None = None
    record: Callable[[FitResult], Mapping[str, Any]] | None = None
    begin: Callable[[str, str, int], object] | None = None
    epoch: Callable[[EpochReport], object] | None = None


class Trainer:
    """Trains a model on frames.

    Arguments:
        model: starts from its prior and from random network parameters of `training.seed`.
        config: a YAML file, what it holds, or `Settings`; the model's, as a rule.
        train_loader: frames to train on.
        val_loader: held-out frames; None: none.
        watch: who is told how far the work is.
        devices: to spread minibatches over; None: all local ones.
        project: applied to the prior after each epoch where stages train it (see `Stage`); None: to the nearest prior
            that the constraints of its fit admit.
        fit_loader: frames for the prior's fit; None: those to train on.

    Attributes:
        state: how far the training is; never changed, but replaced.
        fit_result: the prior's fit, with certificate and curve; None before, and in a resumed run.
        fit_record: what `watch.record` made of it, in this run or in the one that it goes on from; None likewise.

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
        project: Project | None = None,
        fit_loader: DatasetLoader | None = None,
    ) -> None:
        self.model, self.settings = model, with_splines_read(load_settings(config))
        self.train_loader, self.val_loader = train_loader, val_loader
        self.fit_loader = fit_loader
        self.watch, self.project = watch, project
        training = self.settings.training
        if training.gammas.U and train_loader.U is None:
            raise InputError(
                f"{self.settings.name}: training.gammas.U is {training.gammas.U:g}, but "
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
            self.loss = MinibatchLoss(model, train, validation, training.batch_per_device, devices)
        self.state = TrainingState.of(model.initialize_params(jax.random.key(training.seed)))
        if model.prior is not None:
            self.state = self.state.with_prior(model.prior.params)
        self.fit_result: FitResult | None = None
        self.fit_record: Mapping[str, Any] | None = None
        self._changes: dict[str, list[dict[str, Any]]] = {}

    @property
    def params(self) -> ModelParams:
        """Current parameters: after a stage those with the lowest held-out loss (`training.keep`)."""
        return self.state.kept

    @property
    def last_params(self) -> ModelParams:
        """Parameters that the last epoch ended with."""
        return self.state.params

    @property
    def prior(self) -> Prior | None:
        """Weights and current parameters of the prior, in float64; None: there is none."""
        if self.model.prior is None:
            return None
        current = {name: np.asarray(value, np.float64) for name, value in self.params[PRIOR].items()}
        return replace(self.model.prior, params=current)

    def pretrain_prior(self, max_steps: int | None = None, tol_grad: float | None = None) -> dict[str, Any]:
        """Fit the prior alone to the training frames, by `cgcore.fit`; the network's parameters stay as they are.

        The fitted prior becomes `prior` and part of `params`.

        Arguments:
            max_steps: L-BFGS steps at most; None: `training.pretrain_prior_max_steps`, else 200.
            tol_grad: gradient norm to stop below; None: `training.pretrain_prior_tol_grad`, else 1e-6.

        Returns:
            `FitResult.as_dict()`: train_loss, val_loss, steps, converged, grad_norm, loss_history, fitted_params.

        Raises:
            InputError: there is no prior, or as `cgcore.fit`.
        """
        prior = self.prior
        if prior is None:
            raise InputError("there is no prior to fit: model.use_priors is false")
        require_formulas(prior, "nothing to fit")
        options = self._fit_options(max_steps, tol_grad)
        result = self._fit(prior, options, validation=True)
        self.fit_result = result
        self.fit_record = None if self.watch.record is None else self.watch.record(result)
        self.set_prior(result.fitted_params)
        if self.watch.fitted is not None:
            self.watch.fitted(result)
        return result.as_dict()

    def _fit_options(self, max_steps: int | None = None, tol_grad: float | None = None) -> Options:
        said = self.settings.training
        given = {
            "max_steps": said.pretrain_prior_max_steps if max_steps is None else max_steps,
            "min_steps": said.pretrain_prior_min_steps,
            "tol_grad": said.pretrain_prior_tol_grad if tol_grad is None else tol_grad,
            "constraints": said.pretrain_prior_constraints,
            "smoothness": said.pretrain_prior_smoothness,
            "truncation": said.pretrain_prior_truncation,
            "temperature": said.temperature,
        }
        if max_steps is not None and said.pretrain_prior_min_steps is not None:
            given["min_steps"] = min(said.pretrain_prior_min_steps, max_steps)
        return Options(**{name: value for name, value in given.items() if value is not None})

    def _fit(self, prior: Prior, options: Options, *, validation: bool) -> FitResult:
        held_out = self.val_loader if validation else None
        return fit(
            (self.fit_loader or self.train_loader).dataset,
            prior,
            options,
            validation=None if held_out is None else held_out.dataset,
            displacement=self.model.displacement,
            displacement_name=self.model.displacement_name,
            progress=self.watch.fit,
        )

    def _keep_admissible(self) -> Project | None:
        """What keeps a prior that stages train within the constraints of its fit; None where these are none.

        A run that goes on after a kill, or that fits no prior, has no result of a fit: the same set comes from the
        training frames once more.
        """
        if self.model.prior is None or not self.settings.model.train_priors:
            return None
        options = self._fit_options()
        if options.level == "none":
            return None
        result = self.fit_result or self._fit(self.model.prior, options, validation=False)
        return partial(result.admissible.nearest_params, result.prior.terms)

    def train_stage(
        self, optimizer_name: str, epochs: int, save: Callable[[TrainingState], object] | None = None
    ) -> StageResult:
        """Minibatch force matching of the combined model, starting from `params`.

        The loss is that of the prior's fit, per real bead, over a minibatch (plus `gammas.U` times the mean squared
        error of the energy). With `training.keep: best` and held-out frames, `params` become those of the epoch with
        the lowest held-out loss, those at the start included, so that a stage never ends worse than it began; else the
        last ones whose loss is finite. `last_params` are those of the last epoch in any case. `save` is called for each
        checkpoint that is due.

        Returns:
            see `reports.StageResult`.

        Raises:
            InputError: the optimizer is unknown, or there is nothing to train.
        """
        before = 0 if self.state.stage is None else int(self.state.stage.removeprefix("stage"))
        return self._run(f"stage{before + 1}", optimizer_name, epochs, save=save)

    def train_full_pipeline(self, resume_from: str | os.PathLike[str] | None = None) -> dict[str, Any]:
        """Prior pre-training and all stages, as configured, with checkpoints in `training.checkpoint_path`.

        Arguments:
            resume_from: a folder of checkpoints to go on from, and to add to; "auto": `training.checkpoint_path`, where
                it holds any, else the run starts anew; None: `training.resume`. They have to be of the same model, data
                and settings; the result is then that of a run that was never interrupted, to the bit. Only the epochs
                of the stage in progress and of later ones may be others; the result of the stage says so.

        Returns:
            {"prior_pretrain": ..., "stage1": ..., "stage2": ...}; what was not to be done is {"skipped": why}.

        Raises:
            InputError: the checkpoints are of another model, other data or other settings, they are damaged, or the
                folder holds some already.
        """
        resume = resume_from or self.settings.training.resume
        folder = self.settings.training.checkpoint_path
        with opened(folder, resume) as kept:

            def save(state: TrainingState) -> None:
                kept.save(state, self._record(results))

            if kept.found is not None:
                results = self._restore(kept.found, os.fspath((folder if resume == AUTO else resume) or ""))
            else:
                results = {"prior_pretrain": self._skipped_fit() or self.pretrain_prior()}
                save(self.state)
            for stage, plan in self.settings.training.plan.items():
                if stage in results:
                    continue
                if plan is None or plan[1] == 0 or self._nothing_to_train:
                    results[stage] = {"skipped": self._why_no_stage(stage, plan)}
                    continue
                begun = self.state if self.state.stage == stage else None
                result = self._run(stage, *plan, begun=begun, save=save)
                if stage in self._changes:
                    result["changed_on_resume"] = self._changes[stage]
                results[stage] = dict(result)
        return results

    def losses(self) -> dict[str, float | None]:
        """Force loss of `params`, `train_loss` and `val_loss`, per real bead [(kcal/mol/Å)²]."""
        loss = self.loss
        with self.model.precision():
            params = loss.place_params(self.params)
            held_out = None if loss.validation is None else loss.loss(params, loss.validation)
            return {"train_loss": loss.loss(params, loss.train), "val_loss": held_out}

    def evaluate(self, loader: DatasetLoader) -> dict[str, Any]:
        """Force RMSE, MAE, cosine and what each component contributes, see `evaluation.evaluate`."""
        return evaluate(self.model, self.params, loader)

    def save_params(self, path: str | os.PathLike[str], params: ModelParams | None = None) -> None:
        """Write `params`, or those given, and the fingerprint of their model to an NPZ.

        Raises:
            InputError: the file cannot be written.
        """
        splines = None if self.model.prior is None else self.model.prior.splines
        save_params(path, params or self.params, self.model.fingerprint(), self.model.N_max, splines)

    def load_params(self, path: str | os.PathLike[str]) -> None:
        """Read what `save_params` wrote into `params`.

        Raises:
            InputError: no such file, a damaged one, or parameters of another model.
        """
        saved = read_params(path)
        require_same(self.model.fingerprint(), saved.fingerprint, os.fspath(path), "another model")
        self.state = TrainingState.of(from_named(self.params, saved.arrays, os.fspath(path)))

    def set_prior(self, params: Mapping[str, Any]) -> None:
        """Make these the current parameters of the prior."""
        self.state = self.state.with_prior(dict(params))

    def stage(self, optimizer_name: str, epochs: int) -> Stage:
        """The work of a stage.

        Raises:
            InputError: the optimizer is unknown, there is nothing to train, or epochs are no number of them.
        """
        if optimizer_name not in OPTIMIZERS:
            raise InputError(f"optimizer {optimizer_name!r} is unknown; known: {', '.join(OPTIMIZERS)}")
        if self._nothing_to_train:
            raise InputError(f"{self.settings.name}: {self._nothing_to_train}; there is nothing to train")
        if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 0:
            raise InputError(f"epochs is {epochs!r}; give a whole number of at least 0")
        optimizer = self._optimizer(optimizer_name)
        if self.project is None:
            self.project = self._keep_admissible()
        if self.model.dtype == "float32" and (prior := self.prior) is not None:
            require_float32(f"{self.settings.name}: training.precision is float32, and the prior", prior)
        return Stage(self.loss, self.settings, optimizer, epochs, self.project)

    def _optimizer(self, name: str) -> OptimizerSettings:
        configured = self.settings.optimizers
        if configured and name not in configured:
            at = f"optimizer.{name}"
            raise InputError(f"{self.settings.name}: {at} is wrong; name it in a stage, and `cgcore check` says why")
        return configured.get(name) or OPTIMIZERS[name]()

    @property
    def _nothing_to_train(self) -> str | None:
        if self.model.network is None and not self.settings.model.train_priors:
            fixed = self.model.prior is not None and self.model.prior.splines is not None
            return f"there is no network, and {FIXED if fixed else 'model.train_priors is false'}"
        return None

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
        """What checkpoints say besides the state."""
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
        """Bring the trainer to where the checkpoint was taken; the results so far."""
        stages = self.settings.training.plan

        def like(stage: str | None) -> TrainingState:
            plan = None if stage is None else stages[stage]
            return self.state if plan is None else self.stage(*plan).like(self.params)

        with self.model.precision():
            gone = restore(found, self._record({}), like, self.settings.training, name)
        self.state, self._changes, self.fit_record = gone.state, gone.changes, gone.fit
        return gone.results

    def _skipped_fit(self) -> dict[str, Any] | None:
        if self.model.prior is None:
            return {"skipped": "model.use_priors is false"}
        if self.model.prior.splines is not None:
            return {"skipped": FIXED}
        return None if self.settings.training.pretrain_prior else {"skipped": "training.pretrain_prior is false"}

    def _why_no_stage(self, stage: str, plan: tuple[str, int] | None) -> str:
        optimizer, epochs = self.settings.training.keys_of_stage(stage)
        if plan is None:
            return f"{optimizer} is none"
        return f"{epochs} is 0" if plan[1] == 0 else self._nothing_to_train or ""
