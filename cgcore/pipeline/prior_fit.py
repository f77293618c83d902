"""The prior's own fit inside a training: with which settings, on which frames, and what it leaves to the stages."""

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
    """What a configuration says of the prior's fit; steps and gradient norm that are given come before it."""
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
    """Why a training begins without a fit of the prior; None where it has one."""
    if model.prior is None:
        return "model.use_priors is false"
    if model.prior.splines is not None:
        return FIXED
    return None if said.pretrain_prior else "training.pretrain_prior is false"


@dataclass(frozen=True)
class PriorFit:
    """Fits of the model's prior.

    Arguments:
        model: whose prior, in whose box.
        said: settings of the training.
        frames: to fit to.
        judged: what was found in them before; None: nobody looked.
    """

    model: CombinedModel
    said: TrainingSettings
    frames: Dataset
    judged: Door | None = None

    def run(
        self, prior: Prior, options: Options, held_out: Dataset | None = None, progress: Callbacks = Callbacks()
    ) -> FitResult:
        """`cgcore.fit` of this prior.

        Raises:
            InputError: as there.
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
        """What keeps a prior that stages train within the constraints of its fit; None where these are none.

        Arguments:
            result: of the fit; None: a run that goes on after a kill, or that fits no prior, has none, and the same set
                comes from the training frames once more.
            progress: called as that goes on.
        """
        if self.model.prior is None or not self.model.settings.model.train_priors:
            return None
        options = fit_options(self.said)
        if options.level == "none":
            return None
        return (result or self.run(self.model.prior, options, progress=progress)).nearest_admissible
