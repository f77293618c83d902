"""Frames for comparing energies and forces: real, distorted and stretched ones."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np

import cgcore

SHAKE = 0.4
"""Standard deviation of random displacements [Å]. Bonds of 3.8 Å then vary by a tenth, far more than in any
simulation, and no beads overlap."""

LONG = 30
"""Number of beads of a chain that is too long for programs with one operation for each separation of pairs."""


def geometries(data: cgcore.Dataset, frames: int) -> dict[str, list[np.ndarray]]:
    """Chains without padding, real ones and distorted ones: shaken, mirrored (which negates every dihedral) and
    stretched."""
    rng = np.random.default_rng(0)
    batch = data.subset(frames).join()
    real = [R[beads].astype(float) for R, beads in zip(batch.R, batch.mask.astype(bool), strict=True)]
    shaken = [R + rng.normal(scale=SHAKE, size=R.shape) for R in real]
    mirrored, stretched = ([R * factors for R in real] for factors in ([1, 1, -1], [1.15, 1.0, 0.9]))
    return {"real": real, "distorted": shaken + mirrored + stretched}


def end_to_end(R: np.ndarray, beads: int) -> np.ndarray:
    """Chains with `beads` beads (frames, beads, 3), made of copies of shorter chains joined by a bond."""
    copies = -(-beads // R.shape[1])
    step = R[:, -1:] - R[:, :1] + (R[:, 1:2] - R[:, :1])
    return np.concatenate([R + k * step for k in range(copies)], axis=1)[:, :beads]


def consecutive(beads: int, width: int) -> jax.Array:
    """Indices (n, width) int32 of `width` consecutive beads of a chain; n is 0 if the chain is shorter."""
    return jnp.arange(max(beads - width + 1, 0), dtype=jnp.int32)[:, None] + jnp.arange(width, dtype=jnp.int32)


def by_term(prior: cgcore.Prior, chains: list[np.ndarray]) -> list[dict[str, tuple[np.ndarray, np.ndarray]]]:
    """cgcore's energy and forces of each term for each chain, computed in one padded batch, which also tests the
    mask."""
    longest = max(map(len, chains))
    R = np.full((len(chains), longest, 3), np.nan)
    for frame, chain in zip(R, chains, strict=True):
        frame[: len(chain)] = chain
    mask = ~np.isnan(R[..., 0])

    def both(R: jax.Array, mask: jax.Array) -> tuple[dict, dict]:
        terms = functools.partial(cgcore.term_energies, prior, prior.params)
        return terms(R, mask), jax.jacrev(terms)(R, mask)

    E, dE = jax.device_get(jax.jit(jax.vmap(both))(R, mask))
    return [{term: (E[term][f], -dE[term][f, : len(chain)]) for term in E} for f, chain in enumerate(chains)]


def force_difference(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """Median over beads of 2 |Fa - Fb| / (|Fa| + |Fb|), without beads that have no force."""
    one, other = (np.concatenate([x.reshape(-1, 3) for x in side]) for side in (a, b))
    size = np.linalg.norm(one, axis=1) + np.linalg.norm(other, axis=1)
    felt = size > 0
    return float(np.median(2 * np.linalg.norm(one - other, axis=1)[felt] / size[felt])) if felt.any() else 0.0
