"""Random chains with forces, of any size."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

Frames = Float[np.ndarray, "frames beads 3"]


def chains(frames: int, beads: int, seed: int = 0) -> tuple[Frames, Frames]:
    """Positions of random chains with bonds near 3.85 Å that do not turn back [Å], and random forces."""
    rng = np.random.default_rng(seed)
    R = np.zeros((frames, beads, 3))
    step = _unit(rng.normal(size=(frames, 3)))
    for bead in range(1, beads):
        step = _unit(0.6 * step + 0.7 * rng.normal(size=(frames, 3)))
        R[:, bead] = R[:, bead - 1] + (3.85 + 0.08 * rng.normal(size=(frames, 1))) * step
    return R.astype(np.float32), (20 * rng.normal(size=R.shape)).astype(np.float32)


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v, axis=1, keepdims=True)
