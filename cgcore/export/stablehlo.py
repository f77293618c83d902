"""Any energy function as StableHLO: energy and forces of a batch of frames, with the parameters as constants.

The file can be read by `jax.export.deserialize`, without cgcore. JAX guarantees this for releases up to 6 months newer
and up to 3 weeks older than the one that wrote it; beyond that, keep the parameters and export again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from cgcore.errors import InputError
from cgcore.export.checks import check_beads, check_finite
from cgcore.files import atomic_write, open_regular

Energy = Callable[
    [Any, Float[Array, "beads 3"], Bool[Array, " beads"], Int[Array, " beads"]],
    Float[Array, ""],
]
"""A pure function energy(params, R, mask, species) of one frame."""

Evaluate = Callable[
    [Float[Any, "frames beads 3"], Bool[Any, "frames beads"], Int[Any, "frames beads"]],
    tuple[Float[np.ndarray, " frames"], Float[np.ndarray, "frames beads 3"]],
]

PLATFORMS = ("cpu", "cuda")
"""Default platforms; a machine without a GPU can export for one that has it."""


def export_energy(
    energy: Energy,
    params: Any,
    beads: int,
    *,
    dtype: Any = np.float32,
    batch: int | None = None,
    platforms: Sequence[str] = PLATFORMS,
) -> jax.export.Exported:
    """Lower an energy function to StableHLO: (R, mask, species) -> (energy, forces) for a batch of frames.

    Arguments:
        energy: energy of one frame [kcal/mol], a function of (params, R, mask, species).
        params: its parameters, which become constants; floating-point ones are cast to `dtype`.
        beads: number of beads in a row, padding included.
        dtype: precision of R, energy and forces, float32 or float64; mask is boolean, species int32.
        batch: number of frames; None leaves it open, which nearly every function allows.
        platforms: platforms by JAX's names.

    Returns:
        The exported function, with energies [kcal/mol] and forces [kcal/mol/Å].

    Raises:
        InputError: an argument is out of range, or a parameter is not finite in `dtype`.
    """
    check_beads(beads)
    dtype = np.dtype(dtype)
    if dtype.name not in ("float32", "float64"):
        raise InputError(f"dtype is {dtype}; give float32 or float64")
    if batch is not None and batch < 1:
        raise InputError(f"batch is {batch}; give at least 1, or None to leave it open")

    with jax.enable_x64(dtype == np.float64):
        baked = jax.tree.map(lambda leaf: _cast(leaf, dtype), params)
        for path, leaf in jax.tree_util.tree_leaves_with_path(baked):
            check_finite(f"{jax.tree_util.keystr(path, simple=True)} in {dtype}", np.asarray(leaf))

        def evaluate(
            R: Float[Array, "frames beads 3"], mask: Bool[Array, "frames beads"], species: Int[Array, "frames beads"]
        ) -> tuple[Float[Array, " frames"], Float[Array, "frames beads 3"]]:
            both = jax.vmap(jax.value_and_grad(energy, argnums=1), in_axes=(None, 0, 0, 0))
            values, gradients = both(baked, R, mask, species)
            return values, jnp.where(mask[..., None], -gradients, 0.0)

        frames = jax.export.symbolic_shape("frames")[0] if batch is None else batch
        arguments = (
            jax.ShapeDtypeStruct((frames, beads, 3), dtype),
            jax.ShapeDtypeStruct((frames, beads), np.bool_),
            jax.ShapeDtypeStruct((frames, beads), np.int32),
        )
        return jax.export.export(jax.jit(evaluate), platforms=platforms)(*arguments)


def write_stablehlo(path: str | os.PathLike[str], exported: jax.export.Exported) -> None:
    """Write the result of `export_energy` to a file, completely or not at all.

    Raises:
        InputError: the file cannot be written, or flatbuffers is not installed.
    """
    require_flatbuffers()
    atomic_write(path, bytes(exported.serialize()))


def read_stablehlo(path: str | os.PathLike[str]) -> Evaluate:
    """Read an exported function from a file.

    Returns:
        A function (R, mask, species) of a batch of frames that returns energies [kcal/mol] and forces [kcal/mol/Å].

    Raises:
        InputError: the file cannot be read, holds something else, or flatbuffers is not installed.
    """
    require_flatbuffers()
    with open_regular(path) as file:
        content = bytearray(file.read())
    try:
        exported = jax.export.deserialize(content)
        R, mask, species = exported.in_avals
        evaluate = jax.jit(exported.call)
    # An arbitrary file can raise any error in JAX's reader.
    except Exception:
        raise InputError(f"{path}: is not a function that this version of JAX can read; export it again") from None

    def call(*arrays: Any) -> tuple[np.ndarray, np.ndarray]:
        with jax.enable_x64(R.dtype == np.float64):
            given = [jnp.asarray(x, aval.dtype) for x, aval in zip(arrays, (R, mask, species), strict=True)]
            if given[0].shape[1:] != R.shape[1:]:
                raise InputError(f"R has shape {given[0].shape}; {path} takes frames of {R.shape[1]} beads")
            values, forces = evaluate(*given)
            return np.asarray(values), np.asarray(forces)

    return call


def require_flatbuffers() -> None:
    """Refuse if JAX cannot write or read exports.

    Raises:
        InputError: flatbuffers is not installed.
    """
    if find_spec("flatbuffers") is None:
        raise InputError("a StableHLO file needs flatbuffers, which is not installed; pip install 'cgcore[export]'")


def _cast(leaf: Any, dtype: np.dtype) -> Any:
    with np.errstate(over="ignore"):  # overflow is refused later, with the parameter's name
        return jnp.asarray(leaf, dtype) if jnp.issubdtype(jnp.result_type(leaf), jnp.floating) else leaf
