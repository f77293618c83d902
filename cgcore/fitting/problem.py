"""The interface of solver and physics: the function to minimise, for each objective and each kind of coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from cgcore.data import Dataset
from cgcore.factor.triangle import Coefficients, Triangle, design, target
from cgcore.fitting.direct import AllFrames, all_frames, loss_over
from cgcore.fitting.frozen import Freedom
from cgcore.fitting.options import Options
from cgcore.fitting.spectrum import Spectrum
from cgcore.physics.coefficients import Layout, to_coefficients
from cgcore.physics.prior import Params, Prior
from cgcore.physics.space import Displacement
from cgcore.physics.term import Term


class Problem(NamedTuple):
    """A loss of a pytree, the initial values, further arguments of the loss, and the conversion to coefficients."""

    loss: Callable[..., Float[Array, ""]]
    start: PyTree
    args: tuple[Any, ...]
    coefficients: Callable[[PyTree], Coefficients]


def compressed_whitened(y: Array, U: Array, shortfall: Array) -> Array:
    """|U y - shortfall|^2: the loss along the kept directions; columns of U for other directions are 0."""
    return jnp.sum((U @ y - shortfall) ** 2)


@dataclass(frozen=True)
class CompressedPhysical:
    """|A c(params) - z|^2, with A and z divided by the square root of the number of beads."""

    terms: tuple[Term, ...]

    def __call__(self, params: Params, A: Array, z: Array) -> Array:
        return jnp.sum((A @ to_coefficients(params, jnp, self.terms) - z) ** 2)


@dataclass(frozen=True)
class DirectPhysical:
    """The force-matching loss as a function of the parameters, over the data: the plain algorithm."""

    prior: Prior
    displacement: Displacement
    precision: str = "float64"

    def __call__(self, params: Params, frames: AllFrames) -> Array:
        return loss_over(self.prior, params, frames, self.displacement, self.precision)


@dataclass(frozen=True)
class DirectWhitened:
    """The same loss in whitened coordinates y, with c = origin + basis @ y, for a prior whose parameters are c."""

    prior: Prior
    displacement: Displacement
    precision: str = "float64"

    def __call__(self, y: Array, basis: Array, origin: Array, frames: AllFrames) -> Array:
        params = as_params(self.prior, origin + basis @ y)
        return loss_over(self.prior, params, frames, self.displacement, self.precision)


def as_params(prior: Prior, c: Any) -> Params:
    """The coefficients c as parameters of a prior that has no others, see `Prior.in_coefficients`."""
    own = Layout.of(prior).slices
    return {term.name: c[own[term.name]].reshape(term.shape) for term in prior.terms}


def problem(
    options: Options,
    freedom: Freedom,
    objective: Triangle,
    spectrum: Spectrum,
    kept: np.ndarray,
    data: Dataset | None,
    displacement: Displacement,
) -> Problem:
    """The problem for these options, in their precision.

    `objective` is the triangular factor of the objective; `data` are needed only for the direct objective.
    """
    prior, dtype = freedom.free, np.dtype(options.precision)
    origin, bare = to_coefficients(prior.params, terms=prior.terms), prior.without_values()
    start = _cast(prior.params, dtype)
    U, basis = spectrum.U * kept, spectrum.basis * kept

    def from_params(params: Params) -> Coefficients:
        return to_coefficients(_cast(params, np.float64), terms=prior.terms)

    def from_y(y: Array | np.ndarray) -> Coefficients:
        return origin + basis @ np.asarray(y, np.float64)

    root = np.sqrt(max(spectrum.beads, 1))
    if options.objective == "compressed":
        if options.coordinates == "whitened":
            shortfall = (target(objective) - design(objective) @ origin) / root
            return Problem(compressed_whitened, np.zeros(len(origin), dtype), _cast((U, shortfall), dtype), from_y)
        A, z = design(objective) / root, target(objective) / root
        return Problem(CompressedPhysical(prior.terms), start, _cast((A, z), dtype), from_params)
    assert data is not None
    species = any(term.groups is not None for term in prior.terms)
    frames = all_frames(data, dtype, species, freedom.held(), displacement)
    if options.coordinates == "physical":
        return Problem(DirectPhysical(bare, displacement, options.precision), start, (frames,), from_params)
    args, whitened = (*_cast((basis, origin), dtype), frames), bare.in_coefficients()
    return Problem(
        DirectWhitened(whitened, displacement, options.precision), np.zeros(len(origin), dtype), args, from_y
    )


def _cast(tree: PyTree, dtype: Any) -> Any:
    return jax.tree.map(lambda x: np.asarray(x, dtype), tree)
