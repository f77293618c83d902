"""Priors and data for simulations that are quick to compile."""

from __future__ import annotations

from typing import Any

import numpy as np

import cgcore
from cgcore.physics.prior import Prior, Weights

TARGET = np.radians(112.0)


def sound_prior(**more: Any) -> Prior:
    """A prior for stable simulations: stiff angles away from 0 and 180 degrees, and beads that repel each other.

    The angle's energy is k (cos(theta) - cos(112 degrees))², up to a constant.
    """
    k = 20.0
    params = {"r0": 3.86, "kr": 350.0, "a": [-2 * k * np.cos(TARGET), k / 2], "b": [0.0, 0.0]}
    params |= {"epsilon": 1.0, "sigma": 5.0, "epsilon_ex": 1.0, "sigma_ex": 4.5}
    params |= {"k_dih": [0.5], "gamma_dih": [0.3]} | more
    return Prior(Weights(0.5, 1.0, 0.25, 1.0, 1.0), params)


def bundled(beads: int = 5, frames: int = 200) -> cgcore.Dataset:
    """The first beads of some of the bundled frames."""
    batch = cgcore.datasets.chignolin().subset(frames).join()
    return cgcore.from_arrays(batch.R[:, :beads], batch.F[:, :beads], species=batch.species[:, :beads])
