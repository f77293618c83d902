"""The prior's fit within a training: its settings and frames, and the constraints that it passes on to the stages."""

from __future__ import annotations

from dataclasses import dataclass

from cgcore.config.training import TrainingSettings
from cgcore.data import Dataset
from cgcore.fitting.door import Door
from cgcore.fitting.fit import Callbacks, fit
from cgcore.fitting.options import Options
from cgcore.fitting.result import FitResult
from cgcore.physics.prior import Prior
from cgcore.pipeline.model import CombinedModel
from cgcore.pipeline.splines import FIXED
from cgcore.pipeline.stage import Project


def fit_options(said: TrainingSettings, max_steps: int | None = None, tol_grad: float | None = None) -> Options:
    """The options of the prior's fit in a configuration; given steps and gradient norm take precedence."""
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


def why_no_fit(model: CombinedModel, said: TrainingSettings) -> str | None:
    """Why a training starts without a fit of the prior; None if it has one."""
    if model.prior is None:
        return "model.use_priors is false"
    if model.prior.splines is not None:
        return FIXED
    return None if said.pretrain_prior else "training.pretrain_prior is false"


@dataclass(frozen=True)
class PriorFit:
    """Fits of the model's prior.

    Arguments:
        model: model with the prior and the box.
        said: settings of the training.
        frames: frames to fit to.
        judged: findings about these frames; None if they have not been checked.
    """

    model: CombinedModel
    said: TrainingSettings
    frames: Dataset
    judged: Door | None = None

    @property
    def keeps(self) -> bool:
        """Whether stages train the prior within the constraints of its fit."""
        model = self.model.settings.model
        return self.model.prior is not None and model.train_priors and fit_options(self.said).level != "none"

    @property
    def planned(self) -> bool:
        """Whether the prior is fitted, to start from the result or to obtain its constraints."""
        return self.keeps or why_no_fit(self.model, self.said) is None

    def run(
        self, prior: Prior, options: Options, held_out: Dataset | None = None, progress: Callbacks = Callbacks()
    ) -> FitResult:
        """`cgcore.fit` of this prior.

        Raises:
            InputError: as `cgcore.fit`.
        """
        return fit(
            self.frames,
            prior,
            options,
            validation=held_out,
            displacement=self.model.displacement,
            displacement_name=self.model.displacement_name,
            progress=progress,
            judged=self.judged,
        )

    def keeps_admissible(self, result: FitResult | None, progress: Callbacks = Callbacks()) -> Project | None:
        """The projection that keeps a trained prior within the constraints of its fit; None without constraints.

        Arguments:
            result: result of the fit; None for a resumed run or one without a fit, in which case the fit is made to
                obtain the same constraints.
            progress: callbacks of such a fit.
        """
        if self.model.prior is None or not self.keeps:
            return None
        return (result or self.run(self.model.prior, fit_options(self.said), progress=progress)).nearest_admissible
