"""Compact, self-avoiding chains, with forces of a known potential and noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

import cgcore

BOND, CLEAR = 3.85, 5.5
"""Length of a bond, and distance from earlier beads above which candidate positions are equally good [Å]."""

ROOM = 16.0
"""Radius of the sphere that confines 100 beads [Å]; the volume per bead is always the same."""

CANDIDATES = 6
"""Number of candidate positions for each bead; the one farthest from earlier beads is taken."""

NOISE = 20.0
"""Standard deviation of the noise of each force component [kcal/mol/Å], about that of CA beads in proteins."""

BATCH = 1000
"""Number of frames that are made together."""


class Frames(NamedTuple):
    """Positions [Å] and forces [kcal/mol/Å]."""

    R: Float[np.ndarray, "frames beads 3"]
    F: Float[np.ndarray, "frames beads 3"]


def batches(frames: int, beads: int, seed: int = 0) -> Iterator[Frames]:
    """Frames in batches; for the same seed they are the same, whatever their number.

    The forces are those of `cgcore.default_prior()` with noise. Its repulsion acts on pairs six or more apart, so that
    splines in the distance of all pairs can approximate it, but not represent it exactly.

    Arguments:
        frames: total number of frames.
        beads: number of beads of each chain.
        seed: seed of the first batch; the next ones have other seeds.
    """
    prior = cgcore.default_prior().without_excluded_volume()
    force = jax.jit(jax.vmap(lambda R: cgcore.forces(prior, prior.params, R, np.ones(beads))))
    for number, first in enumerate(range(0, frames, BATCH)):
        rng = np.random.default_rng((seed, number))
        R = positions(BATCH, beads, rng)
        F = np.asarray(force(R)) + NOISE * rng.normal(size=R.shape)
        keep = min(BATCH, frames - first)
        yield Frames(R[:keep], F[:keep])


def positions(frames: int, beads: int, rng: np.random.Generator) -> Float[np.ndarray, "frames beads 3"]:
    """Positions of chains grown bead by bead, with bond lengths, angles and dihedrals of CA beads [Å]."""
    R = np.zeros((frames, beads, 3))
    R[:, 1, 0] = BOND
    R[:, 2] = R[:, 1] + _bond(rng, frames)[:, None] * np.array([0.3, 0.95, 0.0]) / np.hypot(0.3, 0.95)
    room = ROOM * (beads / 100) ** (1 / 3)
    for bead in range(3, beads):
        places = _places(R[:, bead - 3 : bead], rng)
        apart = np.linalg.norm(places[:, :, None] - R[:, None, : bead - 2], axis=-1).min(axis=-1)
        outside = np.linalg.norm(places - R[:, :bead].mean(axis=1)[:, None], axis=-1) - room
        score = np.minimum(apart, CLEAR) - np.maximum(outside, 0.0)
        R[:, bead] = places[np.arange(frames), score.argmax(axis=1)]
    return R


def _places(
    before: Float[np.ndarray, "frames 3 3"], rng: np.random.Generator
) -> Float[np.ndarray, "frames candidates 3"]:
    """Candidate positions of the next bead, each with a random length, angle and dihedral."""
    shape = (len(before), CANDIDATES)
    length = _bond(rng, *shape)
    theta = np.clip(rng.normal(1.95, 0.3, shape), 1.35, 2.65)
    phi = rng.uniform(-np.pi, np.pi, shape)
    back, along = before[:, 0] - before[:, 1], _unit(before[:, 2] - before[:, 1])
    normal = _unit(np.cross(along, back))
    side = np.cross(normal, along)
    axes = np.stack([-along, side, normal], axis=1)
    local = np.stack([np.cos(theta), np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi)], axis=-1)
    return before[:, 2][:, None] + length[..., None] * np.einsum("fck,fkx->fcx", local, axes)


def _bond(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return BOND + np.clip(rng.normal(0.0, 0.097, shape), -0.3, 0.3)


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v, axis=-1, keepdims=True)
