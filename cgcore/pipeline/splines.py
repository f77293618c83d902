"""Priors with splines in the pipeline; they are fixed, i.e. neither fitted nor trained by stages."""

from __future__ import annotations

from dataclasses import replace

from cgcore.config.settings import Settings
from cgcore.errors import InputError
from cgcore.physics.prior import Prior
from cgcore.spline_file import with_splines

FIXED = "the prior's bonds, angles and dihedrals are splines, and it is fixed"


def with_splines_read(settings: Settings) -> Settings:
    """Read the splines named by the settings into their prior; without splines, the settings are unchanged.

    Raises:
        InputError: as `cgcore.spline_file.read_splines`.
    """
    model = settings.model
    if model.prior is None:
        return settings
    prior = model.prior
    if prior.splines is None:
        prior = with_splines(prior, model.spline_file, model.residue_specific_angles)
    if prior.splines is None:
        return settings
    return replace(settings, model=replace(model, prior=prior, spline_file=None, train_priors=False))


def require_formulas(prior: Prior, what: str) -> None:
    """Refuse splines where formulas are required; `what` begins the message.

    Raises:
        InputError: the prior has splines.
    """
    if prior.splines is not None:
        raise InputError(
            f"{what}: the prior's bonds, angles and dihedrals are fixed splines; set model.priors.use_spline_priors to "
            "false for the formulas, or leave it out"
        )
