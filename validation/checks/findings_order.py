"""How beads that are not in the order of their chain are recognised: each limit from both sides."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from cgcore.judging import usual
from validation.check import Row, check, equal
from validation.context import Context
from validation.explicit import Array

SPREAD, RIGID, NEARER = 0.1, 0.05, 0.8
"""Relative spread of neighbours from which on beads may be in disorder; relative spread of a rigid pair, and its
distance relative to that of neighbours, below which it is taken for bonded."""

FRAMES, BEADS = 25, 150
"""Largest numbers of frames and of beads that are examined."""

MEDIAN, FAR = 4.0, 1000.0
"""Median distance of neighbours, and distance of all other beads [Å]."""

SAMPLED = {
    (60, 10): 60,
    (60, 1000): 60,
    (5000, 1): 500,
    (5000, 19): 500,
    (5000, 25): 400,
    (5000, 50): 200,
    (5000, 99): 101,
    (5000, 120): 100,
    (5000, 1000): 100,
}
"""Numbers of frames and bonds, and number of frames that determine the usual bond lengths: those with 10,000 bonds, but
100 to 500."""


@check("findings-order", quick=True)
def findings_about_order(context: Context) -> Iterator[Row]:
    """Beads in disorder: spread, distance and number of rigid pairs, frames and beads that are examined."""
    yield from _sampled()
    yield from _limits()
    yield from _examined()


def _sampled() -> Iterator[Row]:
    for (frames, bonds), count in SAMPLED.items():
        found = usual.sampled_frames(frames, bonds)
        name = f"{bonds} bonds in {frames} frames"
        yield equal(f"{name}, frames that are sampled", len(found), count)
        ends = int(found[0]), int(found[-1]), int(np.ptp(np.diff(found))) <= 1
        yield equal(f"{name}, first, last, evenly spaced", str(ends), str((0, frames - 1, True)))


def _positions(frames: int, beads: int, firsts: Any, distance: float, spread: float) -> Array:
    """Beads far from each other, except pairs of a first bead and the one after the next.

    Arguments:
        frames: number of frames.
        beads: number of beads.
        firsts: the first beads of the pairs.
        distance: mean distance of a pair [Å].
        spread: standard deviation of this distance, relative to it; it alternates between two values, of the same
            number in an even number of frames.
    """
    R = np.zeros((frames, beads, 3))
    R[..., 0] = FAR * np.arange(beads)
    R[..., 1] = FAR * np.random.default_rng(0).normal(size=(frames, beads))
    signs = np.where(np.arange(frames) % 2, -1.0, 1.0)
    for first in firsts:
        R[:, first + 2] = R[:, first]
        R[:, first + 2, 2] += distance * (1 + spread * signs)
    return R


def _found(R: Array, spread: float, median: float = MEDIAN) -> str:
    """The nearest rigid pair, and the frames of which it is reported."""
    limits = usual.BondLimits(median, spread * median, 0.0, np.inf)
    steps = np.diff(R, axis=1).transpose(2, 1, 0)
    found = usual.disorder(steps, limits, np.arange(len(R)))
    return "none" if found is None else f"{found.first} {found.second} {found.distance:.3f} {len(found.frames)}"


def _limits() -> Iterator[Row]:
    """Twelve beads with four rigid pairs or three, in 24 frames."""
    for near, rigid, loose in product((0.95, 1.05), (0.9, 1.1), (0.9, 1.1)):
        distance = near * NEARER * MEDIAN
        R = _positions(24, 12, (0, 4, 5, 9), distance, rigid * RIGID)
        known = f"0 2 {distance:.3f} 24" if near < 1 and rigid < 1 and loose > 1 else "none"
        name = f"{near:g} of the distance, {rigid:g} of the spread of a pair, {loose:g} of that of neighbours"
        yield equal(name, _found(R, loose * SPREAD), known)
    for beads, count in ((10, 3), (10, 2), (11, 3), (12, 3), (12, 4), (13, 4), (13, 3)):
        R = _positions(24, beads, (0, 3, 4, 7)[:count], 3.0, 0.01)
        known = "0 2 3.000 24" if count >= (beads - 1) / 3 else "none"
        yield equal(f"{count} rigid pairs of {beads} beads", _found(R, 0.2), known)
    for frames in (4, 5, 6):
        found = _found(_positions(frames, 12, (0, 3, 4, 7), 3.0, 0.0), 0.2)
        yield equal(f"rigid pairs in {frames} frames", found, f"0 2 3.000 {frames}" if frames >= 5 else "none")


def _examined() -> Iterator[Row]:
    """At most 25 frames and 150 beads are examined."""
    for frames in (FRAMES, FRAMES + 1, 2 * FRAMES, 2 * FRAMES + 1):
        # Distances differ in every second frame, which counts only if each frame is examined, or every third.
        R = _positions(frames, 12, (0, 3, 4, 7), 2.0, 0.3)
        every_second = FRAMES < frames <= 2 * FRAMES
        known = f"0 2 2.600 {frames}" if every_second else "none"
        yield equal(f"pairs that differ in every second of {frames} frames", _found(R, 0.2), known)
    for beads, last in ((BEADS, BEADS - 1), (BEADS + 50, BEADS - 1), (BEADS + 50, BEADS)):
        # 50 pairs are as many as 150 beads need; one more or one bead further, and there are too few.
        firsts = np.arange(last - 2, -1, -3)[:50]
        found = _found(_positions(24, beads, firsts[::-1], 3.0, 0.01), 0.2)
        known = f"{firsts[-1]} {firsts[-1] + 2} 3.000 24" if last < BEADS else "none"
        yield equal(f"50 rigid pairs up to bead {last} of {beads}", found, known)
