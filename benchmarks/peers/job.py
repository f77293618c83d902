"""The task of every peer: frames, loss and start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import cgcore
from benchmarks.suites.synthetic import chains

Flat = np.ndarray
"""All parameters in one vector, ordered alphabetically by name."""


PRIOR = cgcore.default_prior().without_excluded_volume()
"""A prior with the four terms of the usual algorithm."""


@dataclass(frozen=True)
class Job:
    """Frames and a prior, from which everything else follows."""

    name: str
    dataset: cgcore.Dataset
    prior: cgcore.Prior

    @cached_property
    def frames(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """R and F in float64, and the mask."""
        batch = self.dataset.join()
        return batch.R.astype(np.float64), batch.F.astype(np.float64), batch.mask.astype(bool)

    @cached_property
    def start(self) -> Flat:
        """The prior's parameters."""
        return np.concatenate([np.ravel(self.prior.params[name]) for name in sorted(self.prior.params)])

    def params(self, x: Any) -> dict[str, Any]:
        """The parameters by name, from a vector of NumPy, JAX or PyTorch."""
        params, at = {}, 0
        for name in sorted(self.prior.params):
            shape = np.shape(self.prior.params[name])
            params[name] = x[at : at + shape[0]] if shape else x[at]
            at += shape[0] if shape else 1
        return params

    def coefficients(self, x: Flat) -> np.ndarray:
        """The coefficients c of a vector of parameters, from which the gap is computed."""
        return cgcore.to_coefficients(self.params(np.asarray(x, np.float64)))

    def loss(self, x: jax.Array, R: jax.Array, F: jax.Array, mask: jax.Array) -> jax.Array:
        """cgcore's force-matching loss, which all peers in JAX or SciPy minimise."""
        return cgcore.force_matching_loss(self.prior, self.params(x), R, F, mask)

    def residuals(self, x: jax.Array, R: jax.Array, F: jax.Array, mask: jax.Array) -> jax.Array:
        """Residuals whose squares sum to the loss, for least-squares peers."""
        forces = jax.vmap(cgcore.forces, in_axes=(None, None, 0, 0))(self.prior, self.params(x), R, mask)
        return jnp.ravel(jnp.where(mask[..., None], forces - F, 0.0)) / jnp.sqrt(jnp.sum(mask))

    @cached_property
    def fitted(self) -> cgcore.FitResult:
        """A fit of all directions that float64 resolves, for its factor and its optimum."""
        return cgcore.fit(self.dataset, self.prior, cgcore.Options(truncation=0.0))

    @property
    def best(self) -> float:
        """L*: the lowest loss over all directions that float64 resolves."""
        return self.fitted.certificate.optimal_loss_resolved

    def gap(self, c: np.ndarray, best: float | None = None) -> float:
        """(L - L*) / L* at coefficients c; negative if c also fits directions that are only rounding."""
        best = self.best if best is None else best
        return (self.fitted.factor.loss(c) - best) / best


def chignolin() -> Job:
    """The bundled set: 1,000 frames of 10 beads."""
    batch = cgcore.datasets.chignolin().join()
    return Job("chignolin", cgcore.from_arrays(batch.R, batch.F, batch.mask), PRIOR)


def synthetic(frames: int = 400, beads: int = 100) -> Job:
    """Random chains, which have different angles and far more pairs."""
    return Job("synthetic", cgcore.from_arrays(*chains(frames, beads)), PRIOR)


JOBS: dict[str, Callable[[], Job]] = {"chignolin": chignolin, "synthetic": synthetic}
