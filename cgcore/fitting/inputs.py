"""Inputs of a fit: paths are read, and inputs that leave nothing to fit are refused."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

import numpy as np

from cgcore.data import Dataset, read
from cgcore.errors import InputError
from cgcore.factor.factor import Factor
from cgcore.factor.triangle import design, target
from cgcore.factor_file import is_factor, load_factor
from cgcore.physics.prior import Prior

Source: TypeAlias = Dataset | Factor | str | os.PathLike[str]


def opened(source: Source | Any, what: str) -> Dataset | Factor:
    """Frames or a factor; a path is read, other values are returned unchanged.

    Raises:
        InputError: `source` is none of these; or as `cgcore.read` and `cgcore.load_factor`.
    """
    if isinstance(source, Dataset | Factor):
        return source
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        if not path:
            raise InputError(f"{what} is an empty path; give a file or folder")
        return load_factor(path) if is_factor(path) else read(path)
    raise InputError(
        f"{what} is a {type(source).__name__}; give a Dataset (cgcore.read, cgcore.from_arrays), a Factor, or a path"
    )


def require_prior(prior: Prior | Any) -> None:
    """Refuse anything but a prior, and a prior without terms.

    Raises:
        InputError: `prior` cannot be fitted; the message says why.
    """
    if not isinstance(prior, Prior):
        raise InputError(f"prior is a {type(prior).__name__}; give a Prior (cgcore.default_prior, Prior.read)")
    if not any(term.weight for term in prior.terms):
        raise InputError("all weights are 0, so there is nothing to fit; give at least one term a weight above 0")


def require_task(factor: Factor) -> None:
    """Refuse data on which no term acts, and data without forces.

    Raises:
        InputError: the data cannot be fitted; the message says why.
    """
    if not np.any(design(factor.S)):
        raise InputError(
            "no term of the prior acts on these data, so there is nothing to fit: a term needs a weight above 0, "
            "harmonics, and chains that are long enough"
        )
    if not np.any(target(factor.S)):
        raise InputError("key 'F': the reference forces are all 0, so there is nothing to fit to")
