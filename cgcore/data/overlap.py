"""Finding two beads at the same position, the usual reason why a repulsion is not finite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cgcore.data.blocks import real_mask, row_blocks

if TYPE_CHECKING:
    from cgcore.data.dataset import Dataset


def locate_overlap(dataset: Dataset) -> str | None:
    """A sentence about the first two real beads, not neighbours, at exactly the same position, or None.

    Reads all frames; to be called only after a non-finite result. Frames are numbered as in their file.
    """
    for frames in dataset.sources:
        for block in row_blocks(frames.n_frames, frames.n_beads):
            R, _ = frames.load(block)
            # NaN equals nothing, so padding never overlaps.
            R[~real_mask(frames.lengths[block], frames.n_beads)] = np.nan
            for row in np.flatnonzero(_has_equal_beads(R)):
                pair = _first_pair(R[row])
                if pair is not None:
                    frame = frames.frame_numbers[block.start + row]
                    return (
                        f"{frames.source}: key 'R' has beads {pair[0]} and {pair[1]} of frame {frame} "
                        "(0-based) at exactly the same position; repair or remove this frame."
                    )
    return None


def _has_equal_beads(R: np.ndarray) -> np.ndarray:
    """Whether each frame has equal beads, (frames,) bool. After sorting by x, y and z, equal beads are adjacent."""
    order = np.lexsort((R[..., 2], R[..., 1], R[..., 0]), axis=-1)
    ordered = np.take_along_axis(R, order[..., None], axis=1)
    return (ordered[:, 1:] == ordered[:, :-1]).all(axis=2).any(axis=1)


def _first_pair(R: np.ndarray) -> tuple[int, int] | None:
    for i in range(len(R) - 2):
        same = (R[i + 2 :] == R[i]).all(axis=1)
        if same.any():
            return i, i + 2 + int(same.argmax())
    return None
