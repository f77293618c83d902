"""The part of a configuration about the prior and its fit, and the prior used without a configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cgcore.physics.prior import Prior, Weights


@dataclass(frozen=True)
class Config:
    """The prior and the settings of its fit, as a configuration file gives them.

    Arguments:
        prior: weights of the terms and initial parameters.
        use_priors: `model.use_priors`.
        pretrain_prior: `training.pretrain_prior`.
        max_steps: `training.pretrain_prior_max_steps`; None if the file does not set it.
        min_steps: `training.pretrain_prior_min_steps`; None if the file does not set it.
        tol_grad: `training.pretrain_prior_tol_grad`; None if the file does not set it.
        val_fraction: `training.val_fraction`; None if the file does not set it.
        hold_out: `training.hold_out`.
        constraints: `training.pretrain_prior_constraints`; None if the file does not set it.
        smoothness: `training.pretrain_prior_smoothness`; None if the file does not set it.
        truncation: `training.pretrain_prior_truncation`; None if the file does not set it.
        temperature: `training.temperature` [K]; None if the file does not set it.
        spline_file: NPZ file of splines that replace the formulas for bonds, angles and dihedrals; None for formulas.
        residue_specific_angles: whether species use their own angle splines; None follows the file of splines.
        data_path: `data.path` as the system finds it; None if there is none, or if it was not requested.
        max_frames: `data.max_frames`; None for all frames.
        seed: `training.seed`.
        unused: dotted names of keys that belong to other programs or steps.
    """

    prior: Prior
    use_priors: bool = True
    pretrain_prior: bool = True
    max_steps: int | None = None
    min_steps: int | None = None
    tol_grad: float | None = None
    val_fraction: float | None = None
    hold_out: Literal["last_rows", "each_protein"] = "each_protein"
    constraints: Literal["safe", "nonnegative", "none"] | None = None
    smoothness: float | Literal["auto"] | None = None
    truncation: float | Literal["auto"] | None = None
    temperature: float | None = None
    spline_file: str | None = None
    residue_specific_angles: bool | None = None
    data_path: str | None = None
    max_frames: int | None = None
    seed: int = 0
    unused: tuple[str, ...] = ()

    @property
    def skip_reason(self) -> str | None:
        """Why there is nothing to fit, or None."""
        if not self.use_priors:
            return "model.use_priors is false"
        return None if self.pretrain_prior else "training.pretrain_prior is false"


def default_prior() -> Prior:
    """The prior from which a fit starts if nothing is configured.

    Returns:
        Bonds, angles and dihedrals with 10 and 2 harmonics, repulsion and excluded volume, with initial parameters in
        Å, kcal/mol and radians.

    Examples:
        >>> import cgcore
        >>> prior = cgcore.default_prior()
        >>> prior.weights
        Weights(bond=0.5, angle=0.25, dihedral=0.25, repulsive=1.0, excluded_volume=1.0)
        >>> print(f"{float(prior.params['r0']):.2f} Å")
        3.84 Å
    """
    # The initial_params and settings.weights of the recorded reference run chignolin.float64.json, plus excluded
    # volume, without which beads 2 to 5 positions apart could overlap.
    return Prior(
        Weights(bond=0.5, angle=0.25, dihedral=0.25, repulsive=1.0, excluded_volume=1.0),
        {
            "r0": 3.8375435,
            "kr": 154.50629422490843,
            "a": [
                *(-0.02086511, -0.36341857, -0.50767196, 0.09906029, 0.8319552),
                *(-0.00770968, -0.13320648, -1.14116021, 0.18145372, -0.55828783),
            ],
            "b": [
                *(0.67521775, 0.14797897, -0.12157499, -0.8289584, 0.17162394),
                *(0.48646108, 0.56000923, -0.13905056, -0.896762, -1.20144583),
            ],
            "epsilon": 1.0,
            "sigma": 3.0,
            "k_dih": [0.47037187851535034, 0.9495107825945361],
            "gamma_dih": [1.3759673785180062, 1.6211158177819938],
            "epsilon_ex": 1.0,
            "sigma_ex": 3.5,
        },
    )
