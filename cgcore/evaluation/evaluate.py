"""Comparison of a model's forces with the reference, in one pass whose memory does not grow with the data."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

from cgcore.data import Dataset
from cgcore.data.batches import Cut
from cgcore.data.blocks import real_mask
from cgcore.data.splitting import protein_rows
from cgcore.errors import InputError
from cgcore.evaluation.gathering import Gathering, Looked
from cgcore.evaluation.result import Evaluation
from cgcore.factor_file import frames_of
from cgcore.physics.energy import term_energies
from cgcore.physics.prior import Params, Prior
from cgcore.physics.space import Displacement, free
from cgcore.x64 import Precision, solving

FRAMES_AT_ONCE = 32

Parts = Callable[[Any, Array, Array, Array | None], list[Callable[[Array], dict[str, Array]]]]
"""parts(params, mask, species, sites) returns functions of the positions of one frame, each of which gives the energies
of some terms by name [kcal/mol]. Terms that share work come from the same function."""


def evaluate(model: Any, data: Dataset | str | os.PathLike[str] | Any, displacement: Displacement = free) -> Evaluation:
    """Compare the forces and energies of a model with all frames of a data set.

    Arguments:
        model: a `Prior`; or a trained model and its parameters, as `cgcore.pipeline.trained.load_trained` returns them.
        data: frames, see `cgcore.read`, or the path of a file or folder.
        displacement: displacement function of the prior in jax-md's convention; a trained model has its own.

    Returns:
        Loss, explained variance, and errors by term, protein, bead and kind of residue, in kcal/mol and kcal/mol/Å.

    Raises:
        InputError: the data cannot be read or do not suit the model, or JAX is tracing.

    Examples:
        >>> import cgcore
        >>> found = cgcore.evaluate(cgcore.default_prior(), cgcore.datasets.BUNDLED)
        >>> print(found.frames, f"{found.errors.loss:.1f}")
        1000 1494.3
    """
    dataset = frames_of(data)
    if isinstance(model, Prior):
        prior = model

        def parts(
            params: Params, mask: Array, species: Array, sites: Array | None
        ) -> list[Callable[[Array], dict[str, Array]]]:
            if not prior.terms:  # JAX refuses to differentiate nothing
                return []
            return [lambda R: term_energies(prior, params, R, mask, species, displacement, sites)]

        return evaluate_parts("prior", parts, prior.params, dataset)
    if not isinstance(model, tuple):
        raise InputError(f"a {type(model).__name__} cannot be evaluated; give a Prior, or a model and its parameters")
    own, params = model
    return own.evaluate(params, dataset)


def evaluate_parts(
    name: str, parts: Parts, params: Any, dataset: Dataset, n_beads: int | None = None, dtype: Precision = "float64"
) -> Evaluation:
    """Compare the forces and energies of any energy function with all frames of a data set.

    Arguments:
        name: name of the model.
        parts: the energy function, see `Parts`.
        params: parameters of the energy function, in `dtype`.
        dataset: frames to compare with.
        n_beads: number of beads in a row, padding included; None for as many as each file has.
        dtype: precision in which the energy is computed; all sums are taken in float64.

    Raises:
        InputError: JAX is tracing, or a file changed after it was read.
    """
    gathering, first = Gathering(dataset), 0
    # A batch is not larger than the number of frames: padding costs a network as much as frames do.
    longest = max(len(rows) for source in dataset.sources for _, rows in protein_rows(source))
    size = min(FRAMES_AT_ONCE, longest)
    with solving("evaluate", dtype):
        look = jax.jit(jax.vmap(partial(_look, parts), (None, 0, None, None, None)))
        for source in dataset.sources:
            width = n_beads or source.n_beads
            for protein, rows in protein_rows(source):
                length = int(source.lengths[rows[0]])
                species = source.species(rows[:1])
                kinds = np.zeros(width, np.int32)
                if species is not None:
                    kinds[:length] = species[0, :length]
                mask, sites = real_mask(np.array([length]), width)[0], None
                if source.sites is not None:
                    sites = np.zeros(width, np.int32)
                    sites[:length] = source.sites_of(int(source.protein[rows[0]]))[:length]
                for start in range(0, len(rows), size):
                    some = rows[start : start + size]
                    batch = Cut(0, source, some, size).load()
                    R = _about_centre(batch.R[:, :length])
                    # Batches are padded with copies of their first frame, so that all geometries are harmless.
                    R[len(some) :] = R[0]
                    R = np.pad(R, ((0, 0), (0, width - length), (0, 0))).astype(dtype)
                    energies, forces = look(params, R, mask, kinds, sites)
                    looked = Looked(
                        {name: np.asarray(x, np.float64)[: len(some)] for name, x in energies.items()},
                        {name: np.asarray(x, np.float64)[: len(some), :length] for name, x in forces.items()},
                    )
                    F = batch.F[: len(some), :length].astype(np.float64)
                    gathering.add(protein, None if species is None else kinds[:length], first + some, looked, F)
            first += source.n_frames
    return gathering.evaluation(name)


def _look(
    parts: Parts, params: Any, R: Array, mask: Array, species: Array, sites: Array | None
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Energy and force of each term of one frame."""
    energies: dict[str, Array] = {}
    forces: dict[str, Array] = {}
    for part in parts(params, mask, species, sites):
        gradients, values = jax.jacrev(lambda R, part=part: (part(R),) * 2, has_aux=True)(R)
        energies |= values
        forces |= {name: -gradient for name, gradient in gradients.items()}
    return energies, forces


def _about_centre(R: Float[np.ndarray, "frames beads 3"]) -> Float[np.ndarray, "frames beads 3"]:
    """Centred frames in float64: far from the origin, a lower precision has no digits left for distances."""
    R = R.astype(np.float64)
    return R - R.mean(axis=1, keepdims=True)
