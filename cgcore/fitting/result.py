"""The result of a fit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cgcore.data import Dataset
from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients
from cgcore.fitting.admissible import Admissible
from cgcore.fitting.certificate import Certificate
from cgcore.fitting.cross_validation import Curve
from cgcore.fitting.frozen import Freedom
from cgcore.fitting.identifiability import Identifiability
from cgcore.fitting.options import Options
from cgcore.fitting.plan import Plan
from cgcore.fitting.pooling import Pooling
from cgcore.physics.prior import Params, Prior
from cgcore.physics.space import Displacement
from cgcore.solver.status import Status
from cgcore.timing import Seconds

if TYPE_CHECKING:
    from cgcore.fitting.error_bars import ErrorBars


@dataclass(frozen=True, eq=False)
class FitResult:
    """The result of a fit: parameters, how the fit ended, and how good it is.

    Results are compared by identity; to compare their contents, compare their fields.

    Arguments:
        status: why the fit ended.
        steps: number of L-BFGS steps.
        evaluations: number of evaluations of loss and gradient.
        train_loss: loss of `fitted_params` [(kcal/mol/Å)²], in float64.
        val_loss: loss of `fitted_params` on held-out frames; None if no frames were held out.
        initial_val_loss: loss of the initial parameters on held-out frames; None if no frames were held out.
        grad_norm: gradient norm at the end, in the coordinates of the fit.
        loss_history: the objective before each step: the loss, plus the penalty if the fit is smoothed.
        initial_params: initial parameters.
        fitted_params: fitted parameters, in the canonical gauge.
        prior: the prior that was fitted, with its initial parameters.
        data: frames or factor to which the prior was fitted.
        validation: held-out frames or factor.
        displacement: the displacement that was used.
        factor: the factor of the training frames, which can be fitted again or saved.
        held_out: the factor of the held-out frames, for the fitted terms; None if no frames were held out.
        options: the settings.
        plan: the objective, and the directions along which it was minimised.
        smoothness: strength of the smoothness penalty relative to the data; None if the fit was not smoothed.
        smoothest: coefficients without penalty; None if the fit was not smoothed.
        cutoff: relative singular value below which directions kept their initial values; None if there were none.
        curve: cross-validation over strengths or cut-offs; None if there was none.
        pooling: strength of the pooling of groups, and how it was chosen; None if there was none.
        roughness: root mean square curvature of the fitted angle and dihedral potentials [kcal/mol/rad²].
        temperature: temperature in which the constraints are stated [K].
        float32_error: largest error of the forces in float32, relative to the root mean square force.
        admissible: the coefficients that the constraints allow, for projections.
        certificate: losses and bounds that show how good the fit is.
        identifiability: what the data determine.
        warnings: unphysical fitted values and similar problems.
        notes: assumptions, with reasons.
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
    data: Dataset | Factor
    validation: Dataset | Factor | None
    displacement: Displacement
    factor: Factor
    held_out: Factor | None
    options: Options
    plan: Plan
    smoothness: float | None
    smoothest: Coefficients | None
    cutoff: float | None
    curve: Curve | None
    pooling: Pooling | None
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
        """How the fit ended, in a sentence."""
        return self.status.message

    @property
    def dtype(self) -> np.dtype:
        """Precision of the solver; losses and parameters in the result are float64."""
        return np.dtype(self.options.precision)

    @property
    def fitted_prior(self) -> Prior:
        """The prior with the fitted parameters, from which another fit can start, and which can be exported."""
        return replace(self.prior, params=self.fitted_params)

    @cached_property
    def errors(self) -> ErrorBars:
        """Error bars, computed when they are first requested; `cgcore.error_bars` has settings.

        Raises:
            InputError: there are none because the fit did not converge, or because there are too few data.
        """
        from cgcore.fitting.error_bars import error_bars

        return error_bars(self)

    def nearest_admissible(self, params: Params) -> tuple[Params, float]:
        """The nearest parameters that satisfy the constraints, with frozen ones as given, and their distance: the
        change of the forces, root mean square per bead [kcal/mol/Å].
        """
        freedom = Freedom.of(replace(self.prior, params=params))
        c, distance = self.admissible.nearest(freedom.coefficients(params))
        return freedom.params(c), distance

    def report(self) -> str:
        """The report that `cgcore fit` prints."""
        from cgcore.report.text import report

        return report(self)

    def save(
        self, folder: str | os.PathLike[str], *, config_file: str | None = None, unused: Sequence[str] = ()
    ) -> tuple[Path, Path]:
        """Write `fit.json` and `priors.yaml` into a folder, as `cgcore fit` does. The folder is created if it is
        missing.

        Arguments:
            folder: the folder.
            config_file: the configuration from which the prior was read, for the record.
            unused: keys of the configuration that the fit did not use, for the record.

        Returns: the two paths.

        Raises:
            InputError: a file cannot be written.
        """
        from cgcore.report.record import write

        return write(folder, self, config_file, unused)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the fit into a file, as `cgcore fit --plot` does: .html, .png, .svg or .pdf.

        Raises:
            InputError: the suffix is none of these, matplotlib is not installed, or the file cannot be written.
        """
        from cgcore.report.plot import write_plot

        dataset = self.data if isinstance(self.data, Dataset) else None
        write_plot(
            path,
            self,
            self.factor.histograms,
            dataset,
            self.temperature,
            report=self.report(),
            displacement=self.displacement,
        )

    def __repr__(self) -> str:
        lines = [
            f"{self.status.name}: {self.message}",
            f"{self.steps} steps in {self.dtype}, optimality gap {self.certificate.optimality_gap:.1e}",
            f"loss {self.certificate.initial_loss:.8g} -> {self.train_loss:.8g} (kcal/mol/Å)²"
            + ("" if self.val_loss is None else f", held out {self.val_loss:.8g}"),
            *(f"warning: {sentence}" for sentence in self.warnings[:3]),
            ".report() says more, .save(folder) and .plot(file) write it",
        ]
        return "FitResult(\n  " + "\n  ".join(lines) + "\n)"

    def as_dict(self) -> dict[str, Any]:
        """The keys that users' scripts read, as plain Python values that `json.dumps` accepts."""
        from cgcore.serialize import plain

        return plain(
            {
                "train_loss": self.train_loss,
                "val_loss": self.val_loss,
                "steps": self.steps,
                "converged": self.converged,
                "grad_norm": self.grad_norm,
                "loss_history": self.loss_history,
                "fitted_params": self.fitted_params,
            }
        )
