"""Periodic boxes of frames: unwrapping chains that were wrapped into the box.

Each bead is moved to the image nearest to the bead before it, also across a gap, and each further chain to the image
whose centre is nearest to that of the chains before it. The result depends on positions only up to box vectors, so that
wrapped and unwrapped frames give the same, and everything that follows works in free space.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from cgcore.data.chains import FAR
from cgcore.errors import InputError

LEAST_HEIGHT = 12.0
"""Smallest height of a box [Å]. A thinner box cannot hold a protein, and the distance of neighbours (3.8 Å, up to twice
that across a gap) would approach half of it. A box in nm looks like this."""


def box_vectors(name: str, value: object, n_frames: int = 1, factor: float = 1.0) -> np.ndarray | None:
    """Box vectors as rows, (1 or frames, 3, 3), float64 [Å]; None if all are 0, which means no box.

    Arguments:
        name: name of `value`, for messages.
        value: one length; three lengths; three lengths and the angles between them [degrees]; three vectors as rows; or
            any of these except a single length for each frame.
        n_frames: number of frames.
        factor: conversion factor to Å.

    Raises:
        InputError: `value` is none of these, or the box is too small to hold a protein.
    """
    try:
        box = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {value!r:.60}; give three lengths") from None
    vectors = _vectors(box, n_frames) if np.isfinite(box).all() else None
    if vectors is None or not np.isfinite(vectors).all():
        several = f", for all frames or for each of {n_frames}" if n_frames > 1 else ""
        raise InputError(
            f"{name} has shape {box.shape}; give three finite lengths above 0, three lengths and three angles, or "
            f"three vectors as rows{several}"
        )
    if not vectors.any():
        return None
    vectors = vectors * factor
    volume = np.abs(np.linalg.det(vectors))
    faces = np.cross(vectors[:, [1, 2, 0]], vectors[:, [2, 0, 1]])
    least = float(np.min(volume[:, None] / np.maximum(np.linalg.norm(faces, axis=2), 1e-300)))
    if least < LEAST_HEIGHT:
        raise InputError(
            f"{name} is only {least:.3g} Å thick, too thin for a protein; give it in the unit of the positions (is it "
            "in nm?)"
        )
    return vectors


def _vectors(box: np.ndarray, n_frames: int) -> np.ndarray | None:
    if box.size == 1:
        box = np.repeat(box.reshape(1), 3)
    if box.shape in ((3,), (6,)):
        box = box[None]
    one_by_one = box.ndim == 2 and len(box) in (1, n_frames)
    # All positive: three lengths for each of three frames, and not three vectors, which have zeros or negative numbers.
    if box.shape == (3, 3) and not (one_by_one and (box > 0).all()):
        return box[None]
    if one_by_one and box.shape[1] in (3, 6) and (box[:, :3] < 0).any():
        return None
    if one_by_one and box.shape[1] == 3:
        return np.eye(3) * box[:, None, :]
    if one_by_one and box.shape[1] == 6:
        return _from_angles(box)
    return box if box.ndim == 3 and box.shape[1:] == (3, 3) and len(box) in (1, n_frames) else None


def _from_angles(box: np.ndarray) -> np.ndarray:
    """Box vectors for the crystallographic a, b, c, alpha, beta, gamma, with a along x and b in the xy plane."""
    a, b, c = box[:, :3].T
    cos_alpha, cos_beta, cos_gamma = np.cos(np.radians(box[:, 3:])).T
    sin_gamma = np.sqrt(np.maximum(1 - cos_gamma**2, 0.0))
    vectors = np.zeros((len(box), 3, 3))
    with np.errstate(divide="ignore", invalid="ignore"):
        y = (cos_alpha - cos_beta * cos_gamma) / sin_gamma
        vectors[:, 0, 0] = a
        vectors[:, 1, :2] = np.stack([b * cos_gamma, b * sin_gamma], axis=1)
        vectors[:, 2] = np.stack([c * cos_beta, c * y, c * np.sqrt(np.maximum(1 - cos_beta**2 - y**2, 0.0))], axis=1)
    vectors[~box.any(axis=1)] = 0.0
    return vectors


def nearest_images(steps: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """The lattice vectors to subtract from steps so that they lead to the nearest image, (frames, steps, 3).

    Arguments:
        steps: differences of positions (frames, steps, 3).
        vectors: box vectors as rows, (1 or frames, 3, 3).
    """
    return np.rint(steps @ np.linalg.inv(vectors)) @ vectors


def made_whole(R: np.ndarray, vectors: np.ndarray, sites: np.ndarray, length: int) -> np.ndarray:
    """Unwrapped positions of frames of one protein, in float64; positions of whole chains are unchanged.

    Arguments:
        R: positions (frames, beads, 3) [Å], with padding after `length` beads.
        vectors: box vectors (1 or frames, 3, 3) [Å].
        sites: sites of the beads (beads,), see `chains`.
        length: number of real beads.
    """
    whole = R.astype(np.float64)
    jumps = np.diff(sites[:length])
    steps = np.diff(whole[:, :length], axis=1)
    # Within a chain, also across gaps, each bead is placed relative to the one before it.
    wrong = np.where((jumps < FAR)[:, None], nearest_images(steps, vectors), 0.0)
    whole[:, 1:length] -= np.cumsum(wrong, axis=1)
    starts = [*(np.flatnonzero(jumps >= FAR) + 1).tolist(), length]
    for start, stop in pairwise(starts):
        chain = whole[:, start:stop]
        apart = chain.mean(axis=1, keepdims=True) - whole[:, :start].mean(axis=1, keepdims=True)
        chain -= nearest_images(apart, vectors)
    return whole
