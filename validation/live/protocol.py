"""The arguments of a user's script. This file is the whole protocol: change it if your script expects another one.

    params_fit, loss_hist = fit_priors_lbfgs(
        prior_params, displacement, dataset, bonds, angles, rep_pairs, apply_fn_priors)

prior_params      dict of float64 JAX arrays: r0, kr, a, b, epsilon, sigma, k_dih, gamma_dih (epsilon_ex and sigma_ex
                  if that term is on, theta0 and k_theta if the configuration has them)
displacement      displacement(Ra, Rb) = Ra - Rb, jax-md's convention; arrays of any shape
dataset           `Frames`: dataset["R"], dataset.R and so on for R, F (frames, beads, 3) in Å and kcal/mol/Å,
                  mask (frames, beads) float, 1 = real bead, and species (frames, beads) int32; a pytree
bonds, angles     int32 (n, 2) and (n, 3), rows of consecutive beads of the longest chain, including padding
rep_pairs         int32 (n, 2), pairs with j - i >= 6
apply_fn_priors   apply_fn_priors(params, R, mask, species): weighted prior energy of one frame [kcal/mol], of all four
                  terms; with a leading axis of frames, one energy a frame. Its forces are minus its gradient in R.

`apply_fn_priors` recognises its arguments by type and shape, so that other orders and keywords work as well: params is
the mapping, R the floating array (..., beads, 3), and mask a floating or boolean array with R's shape without the 3.
All other arguments (species, topology, displacement, neighbour lists, keys) are ignored: the chain determines the rows
of each term. With params alone it returns the energy as a function of the other arguments. Without a mask all beads
count as real, which is refused on data with padding. A term counts only if all of its beads are real.

Padded beads are parked on a helix far from the chain, so that a script that computes distances itself and masks them
afterwards meets no zero length. All arrays are float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import cgcore
from validation.geometries import consecutive

NAMES = {
    "R": ("R", "r", "x", "pos", "position", "positions", "coords", "coordinates"),
    "F": ("F", "f", "force", "forces"),
    "mask": ("mask", "masks", "atom_mask", "bead_mask"),
    "species": ("species", "types", "atom_types", "Z"),
    "params": ("params", "prior_params", "energy_params"),
}
"""Alternative names that scripts use."""

WHOLE = ("train", "training")
"""Keys of parts of the data; all data are used for training."""

PARKING = 1e3
"""Distance [Å] of parked beads from the first bead of their frame, far from any real bead."""


class Frames(dict):
    """Arrays by name, also available as attributes and by the names in `NAMES`.

    `len` is the number of frames. A number, slice or index array instead of a name selects frames. Iteration yields the
    names, as for any mapping.
    """

    def __missing__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key in WHOLE:
                return self
            if key in ("N_max", "n_beads"):
                return int(self["R"].shape[-2])
            for name, others in NAMES.items():
                if key in others and name in self:
                    return self[name]
            raise KeyError(f"{key!r}; dataset has {', '.join(self)} (see validation/live/protocol.py)")
        return Frames({name: value[key] for name, value in self.items()})

    def __getitem__(self, key: Any) -> Any:
        # Arrays and slices have no hash, so dict would refuse them.
        return super().__getitem__(key) if isinstance(key, str) else self.__missing__(key)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __len__(self) -> int:
        return int(self["R"].shape[0])

    def get(self, key: Any, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default


jax.tree_util.register_pytree_node(
    Frames,
    lambda frames: (list(frames.values()), tuple(frames.keys())),
    lambda names, values: Frames(zip(names, values, strict=True)),
)


class Protocol:
    """The seven arguments for these frames and this prior, and how the script used them.

    Arguments:
        batch: padded frames, `R, F, mask, species` as `Dataset.join` gives them.
        prior: weights and starting parameters.

    `used` contains the precisions in which `apply_fn_priors` was called; it is empty if the script never called it.
    """

    def __init__(self, batch: Any, prior: cgcore.Prior) -> None:
        self._prior = prior
        self._real = np.asarray(batch.mask, bool)
        self._batch = batch
        self.used: set[str] = set()

    def arguments(self) -> dict[str, Any]:
        """The arguments by name, in the order of the call. The arrays are new each time, since a script may donate
        them."""
        beads = self._real.shape[1]
        i, j = np.triu_indices(beads, k=6)
        return {
            "prior_params": {
                k: jnp.asarray(v, float) for k, v in {**self._prior.params, **self._prior.carried}.items()
            },
            "displacement": displacement,
            "dataset": self._dataset(),
            "bonds": consecutive(beads, 2),
            "angles": consecutive(beads, 3),
            "rep_pairs": jnp.asarray(np.stack([i, j], axis=1), jnp.int32),
            "apply_fn_priors": self.apply_fn_priors,
        }

    def apply_fn_priors(self, *args: Any, **named: Any) -> Any:
        """See the docstring of this module.

        Raises:
            TypeError: positions are missing, or the mask is missing although the data have padding.
        """
        given = _sorted_out(args, named)
        if "params" not in given:
            raise TypeError("apply_fn_priors(params, R, mask) was called without a mapping of prior parameters")
        if "R" not in given:
            if len(args) + len(named) == 1:
                return partial(self.apply_fn_priors, given["params"])
            raise TypeError("apply_fn_priors(params, R, mask) was called without positions R of shape (beads, 3)")
        params, R, mask = given["params"], jnp.asarray(given["R"]), given.get("mask")
        if mask is None:
            if not self._real.all():
                raise TypeError(
                    "apply_fn_priors was called without a mask, and these data have padded beads; "
                    "call apply_fn_priors(params, R, mask) with the floating or boolean mask of the frame"
                )
            mask = jnp.ones(R.shape[:-1], bool)
        types = [R.dtype, *(x.dtype for x in map(jnp.asarray, jax.tree.leaves(dict(params))))]
        self.used.add("float64" if all(t == jnp.float64 for t in types) else "float32")
        energy = partial(cgcore.energy, self._prior, dict(params))
        if R.ndim == 2:
            return energy(R, jnp.asarray(mask))
        return jax.vmap(energy)(R, jnp.broadcast_to(jnp.asarray(mask), R.shape[:-1]))

    def _dataset(self) -> Frames:
        R, F = (np.asarray(x, float) for x in (self._batch.R, self._batch.F))
        k = np.arange(R.shape[1])
        helix = np.stack([3 * np.cos(1.7 * k), 3 * np.sin(1.7 * k), 2.0 * k + PARKING], axis=1)
        real = self._real[..., None]
        return Frames(
            R=jnp.asarray(np.where(real, R, R[:, :1] + helix)),
            F=jnp.asarray(np.where(real, F, 0.0)),
            mask=jnp.asarray(self._real, float),
            species=jnp.asarray(self._batch.species, jnp.int32),
        )


def displacement(Ra: Any, Rb: Any, **unused: Any) -> Any:
    """Displacement in free space in jax-md's convention [Å]."""
    return Ra - Rb


def _sorted_out(args: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """The arguments params, R and mask of a call, recognised by name or by type and shape."""
    known = {other: name for name, others in NAMES.items() for other in others}
    given = {known[name]: value for name, value in named.items() if name in known and value is not None}
    rest = [*args, *(value for name, value in named.items() if name not in known)]
    for value in rest:
        if "params" not in given and isinstance(value, Mapping) and "r0" in value:
            given["params"] = value
    arrays = [x for x in rest if hasattr(x, "shape") and hasattr(x, "dtype")]
    if "R" not in given:
        positions = [x for x in arrays if x.ndim >= 2 and x.shape[-1] == 3 and jnp.issubdtype(x.dtype, jnp.floating)]
        given |= {"R": positions[0]} if positions else {}
    if "R" in given and "mask" not in given:
        beads = jnp.shape(given["R"])[:-1]
        # Species are integers, a mask is not.
        masks = [x for x in arrays if x.shape and x.shape == beads[-x.ndim :] and not _whole(x.dtype)]
        given |= {"mask": masks[0]} if masks else {}
    return given


def _whole(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, jnp.integer)
