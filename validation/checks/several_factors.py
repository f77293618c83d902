"""Blocks of factors of which several hold the same frames, and blocks of several proteins that can be afforded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import cgcore
from cgcore.factor.block import Block, counted_twice
from cgcore.factor.compress import affordable_blocks
from validation.check import Row, check, equal
from validation.context import Context
from validation.sampled_chains import FRAMES, LONG, SHORT, equilibrium

MOST_NUMBERS, MANY = 2**27, 2000
"""Largest number of stored numbers in all blocks; a number of coefficients for which it matters."""


@check("several-factors", quick=True)
def several_factors(context: Context) -> Iterator[Row]:
    """Frames that several pairs of blocks share, in words, and numbers of blocks for several proteins and sources."""
    pairs = (
        ("a", "a", [[0, 10]], [[5, 12]]),
        ("b", "b", [[0, 4], [6, 9]], [[2, 8]]),
        ("c", "c", [[0, 4], [6, 9]], [[4, 6], [9, 11]]),
    )
    blocks = [_block(name, own, k) for k, (name, _, *both) in enumerate(pairs) for own in both]
    blocks += [_block(name, [[0, 3]], 10, sha256="e") for name in ("e1", "e2", "e3")]
    blocks += [_block(f"{name}{k}", [[0, frames]], frames) for name, frames in (("f", 7), ("g", 9)) for k in (1, 2)]
    said = [sentence.split(";")[0] for sentence in counted_twice(blocks)]
    known = [
        "a is given more than once: 5 frames are counted twice",
        "b is given more than once: 4 frames are counted twice",
        "e1 and e2 and e3 hold the same frames: 6 frames are counted twice",
        "f1 and f2 hold the same frames: 7 frames are counted twice",
        "g1 and g2 hold the same frames: 9 frames are counted twice",
    ]
    yield equal("frames that are counted twice", "; ".join(said), "; ".join(known))

    parts = [cgcore.from_arrays(**equilibrium(k), name=f"{k}").sources[0] for k in range(3)]
    data = cgcore.Dataset(tuple(parts), "several", "", (), "angstrom-kcal")
    runs, beads = 2 * len(parts), len(parts) * FRAMES * (2 * LONG + SHORT) // 3
    for size in (MANY, 100):
        most = MOST_NUMBERS // (runs * (size + 1) ** 2)
        most = min(most, max(3 * beads // (runs * size), 2)) if size == MANY else most
        yield equal(f"blocks of {runs} runs for {size} coefficients", affordable_blocks(data, size), most)


def _block(source: str, ranges: list[list[int]], seed: int, sha256: str = "") -> Block:
    """A block of these frames of a source, which is known by its name, unless its checksum is given."""
    S = np.triu(np.random.default_rng(seed).normal(size=(3, 3)))
    frames = sum(stop - start for start, stop in ranges)
    return Block(S, 10 * frames, frames, source, "p", 0, sha256 or source, np.array(ranges), 10.0 * frames)
