"""What a person reads of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cgcore.factor.factor import Factor
from cgcore.fitting.admissible import Admissible
from cgcore.fitting.certificate import Certificate
from cgcore.fitting.cross_validation import Curve
from cgcore.fitting.identifiability import Identifiability
from cgcore.fitting.options import Options
from cgcore.physics.prior import Params, Prior
from cgcore.solver.status import Status
from cgcore.timing import Seconds


@dataclass(frozen=True)
class FitResult:
    """A fit: how it ended, what it found, and how good that is.

    Arguments:
        status: why it ended.
        steps: L-BFGS steps.
        evaluations: evaluations of loss and gradient.
        train_loss: loss of `fitted_params` [(kcal/mol/Å)²], float64.
        val_loss: their loss on held-out frames; None where none were held out.
        initial_val_loss: the initial parameters' loss on them; None likewise.
        grad_norm: gradient norm at the end, in the coordinates of the fit.
        loss_history: the loss before each step.
        initial_params: where the fit started.
        fitted_params: where it ended, in the canonical gauge.
        prior: the prior that was fitted, with its starting parameters.
        factor: the factor of the training frames, which can be fitted again or saved.
        options: settings.
        smoothness: strength of the smoothness penalty relative to the data; None where the fit was not smoothed.
        cutoff: relative singular value below which directions were left at their start; None where none were left.
        curve: cross-validation over strengths or cut-offs; None where it was not asked for or not possible.
        roughness: root mean square curvature of the fitted angle and dihedral potentials [kcal/mol/rad²].
        temperature: that the constraints are stated in [K].
        float32_error: largest error of the forces in float32, relative to the root mean square force.
        admissible: the coefficients that the constraints allow, to project others onto.
        certificate: losses that the fit is judged by.
        identifiability: what the data determine.
        warnings: fitted values that physics does not allow, and the like.
        notes: what was assumed, and why.
        seconds: wall time.
    """

    status: Status
    steps: int
    evaluations: int
    train_loss: float
    val_loss: float | None
    initial_val_loss: float | None
    grad_norm: float
    loss_history: list[float]
    initial_params: Params
    fitted_params: Params
    prior: Prior
    factor: Factor
    options: Options
    smoothness: float | None
    cutoff: float | None
    curve: Curve | None
    roughness: float
    temperature: float
    float32_error: float
    admissible: Admissible
    certificate: Certificate
    identifiability: Identifiability
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: Seconds

    @property
    def converged(self) -> bool:
        """Whether the fit ended at a minimum."""
        return self.status.converged

    @property
    def message(self) -> str:
        """How it ended, in a sentence."""
        return self.status.message

    def as_dict(self) -> dict[str, Any]:
        """The keys that users' scripts read."""
        return {
            "train_loss": self.train_loss,
            "val_loss": self.val_loss,
            "steps": self.steps,
            "converged": self.converged,
            "grad_norm": self.grad_norm,
            "loss_history": self.loss_history,
            "fitted_params": self.fitted_params,
        }
