"""One pass over the frames of a source, in NumPy: bond lengths, forces along bonds, and hashes of frames.

Internally, arrays are (xyz, beads, frames): neighbours are accessed by slicing, and the innermost loop is long for any
chain length. Memory grows by 24 bytes per frame, for its hashes and its mean square force.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from cgcore.data import Frames
from cgcore.data.blocks import row_blocks
from cgcore.data.splitting import protein_rows
from cgcore.judging.finding import RECORDED, Finding, Severity
from cgcore.judging.hashes import hashes
from cgcore.judging.stretch import Stretch, frame_sums
from cgcore.judging.usual import BondLimits, RigidPair, bond_limits, disorder, sampled_frames
from cgcore.physics.space import Displacement, free
from cgcore.threads import cores

PARTS = 10
"""Number of contiguous parts of a protein's frames for the jackknife error of the ratio."""

BLOCK_BYTES = 2**20
"""Size of the float64 positions of frames that are processed together. With smaller blocks, the overhead of NumPy calls
dominates; with larger ones, returning memory pages to the system at the end of each call does (measured for 1.87
million frames x 10 beads in one thread: 0.97 s with 2^18, 0.74 s with 2^20, 0.85 s with 2^21)."""

MOST_THREADS = 4
"""Largest number of threads: more would wait for the interpreter lock, and each needs 10 MB."""

TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True)
class OddBond:
    """A bond between the beads `bead` and `bead` + 1 of a protein that is an outlier in some frames, or neighbours that
    are not bonded but look it.

    Arguments:
        bead: the first bead.
        frames: numbers of these frames in the file, in order.
        lengths: bond lengths in these frames [Å].
        of: number of all frames of the protein.
        limits: limits of usual bond lengths.
    """

    bead: int
    frames: Int[np.ndarray, " odd"]
    lengths: Float[np.ndarray, " odd"]
    of: int
    limits: BondLimits

    @property
    def always(self) -> bool:
        """Whether this holds in at least 95 % of the frames."""
        return len(self.frames) >= 0.95 * self.of


@dataclass
class Survey:
    """The properties of a source that are judged.

    Arguments:
        source: name of the source.
        temperatures: temperatures stated in the file [K].
        frame: number of each frame in the file.
        protein: label of the protein of each frame.
        positions, forces: hashes of positions and forces of real beads, for each frame.
        force: mean square force component of each frame [(kcal/mol/Å)²].
        unforced: number of beads with zero force in each frame.
        lengths: number of real beads of each frame.
        odd: bonds that are outliers.
        joined: neighbours that are declared not to be bonded, but are as close as bonded ones.
        disorder: for each protein whose beads are not in chain order, a pair of beads that shows it.
        median: median bond length [Å]; NaN without bonds.
        stretch: regression of forces on bond lengths.
    """

    source: str
    temperatures: tuple[float, ...]
    frame: Int[np.ndarray, " frames"]
    protein: Int[np.ndarray, " frames"]
    positions: np.ndarray
    forces: np.ndarray
    force: Float[np.ndarray, " frames"]
    unforced: Int[np.ndarray, " frames"]
    lengths: Int[np.ndarray, " frames"]
    odd: list[OddBond] = field(default_factory=list)
    joined: list[OddBond] = field(default_factory=list)
    disorder: list[RigidPair] = field(default_factory=list)
    median: float = float("nan")
    stretch: Stretch = field(default_factory=Stretch)

    def about(
        self, code: str, severity: Severity, frames: np.ndarray, text: str, beads: tuple[int, ...] = ()
    ) -> Finding:
        """A finding about frames of the source."""
        return Finding(code, severity, text, self.source, tuple(np.sort(frames)[:RECORDED].tolist()), beads)


def survey(source: Frames, temperatures: tuple[float, ...], displacement: Displacement = free) -> Survey:
    """Survey a source in one pass over its frames (some are read twice)."""
    n = source.n_frames
    found = Survey(
        source.source,
        temperatures,
        np.asarray(source.frame_numbers),
        source.protein,
        np.zeros(n, np.uint64),
        np.zeros(n, np.uint64),
        np.zeros(n),
        np.zeros(n, np.int64),
        source.lengths,
    )
    medians = []
    for _, rows in protein_rows(source):
        length = int(source.lengths[rows[0]])
        sites = source.sites_of(int(source.protein[rows[0]]))[:length]
        limits = _survey_protein(source, found, rows, np.diff(sites) == 1, displacement)
        if limits is not None:
            medians.append((limits.median, len(rows)))
    if medians:
        found.median = float(np.average([m for m, _ in medians], weights=[k for _, k in medians]))
    return found


class _Bonds(NamedTuple):
    """Bonds selected from some frames: bead, frame and length of each."""

    bead: Int[np.ndarray, " bonds"]
    frame: Int[np.ndarray, " bonds"]
    length: Float[np.ndarray, " bonds"]


class _Block(NamedTuple):
    """The result for a block of frames of a protein: sums for each part, outlier bonds, and neighbours that look bonded
    but are declared not to be."""

    sums: Float[np.ndarray, "sums parts"]
    odd: _Bonds | None = None
    near: _Bonds | None = None


def _survey_protein(
    source: Frames,
    found: Survey,
    rows: Int[np.ndarray, " rows"],
    bonded: Bool[np.ndarray, " bonds"],
    displacement: Displacement,
) -> BondLimits | None:
    length, number = len(bonded) + 1, found.frame[rows]
    R, _ = source.load(rows[sampled_frames(len(rows), len(bonded))])
    steps = _steps(R[:, :length], displacement)
    sampled = _lengths(steps)
    limits = bond_limits(sampled[bonded])
    if limits is not None and (rigid := disorder(steps, limits, number)) is not None:
        found.disorder.append(rigid)
    middles = np.median(sampled, axis=1)[:, None]
    n_parts = min(PARTS, len(rows))
    part = np.repeat(np.arange(n_parts), [len(frames) for frames in np.array_split(rows, n_parts)])

    @np.errstate(over="ignore", invalid="ignore")  # the setting applies to one thread; see `judge`
    def look(block: slice) -> _Block | None:
        own = rows[block]
        R, F = (x[:, :length] for x in source.load(own))
        found.positions[own], found.forces[own] = hashes(R), hashes(F)
        F = _frames_last(F)
        squares = np.einsum("xbf,xbf->bf", F, F)
        found.force[own] = squares.mean(axis=0) / 3
        if (unforced := squares == 0).any():
            found.unforced[own] = unforced.sum(axis=0)
        if limits is None:
            return None
        steps = _steps(R, displacement)
        r = _lengths(steps)
        steps /= np.maximum(r, TINY)  # unit vectors; 0 for beads at the same place
        usual, bonds = (r <= limits.high) & (r >= limits.low), bonded[:, None]
        counted = usual & bonds
        deviation = np.where(counted, r - middles, 0.0)
        sums = np.stack(frame_sums(steps, deviation, counted, F, squares)) @ (part[block, None] == range(n_parts))
        if counted.all():
            return _Block(sums)
        return _Block(sums, *(_chosen(counted != others, r, number[block]) for others in (bonds, usual)))

    with ThreadPoolExecutor(min(cores(), MOST_THREADS)) as pool:
        blocks = [one for one in pool.map(look, row_blocks(len(rows), source.n_beads, BLOCK_BYTES)) if one is not None]
    if limits is not None:
        found.stretch.parts.append(np.sum([block.sums for block in blocks], axis=0))
        found.odd += _by_bead([block.odd for block in blocks if block.odd is not None], len(rows), limits)
        near = _by_bead([block.near for block in blocks if block.near is not None], len(rows), limits)
        found.joined += [bond for bond in near if bond.always]
    return limits


def _frames_last(x: Float[np.ndarray, "frames beads 3"]) -> Float[np.ndarray, "xyz beads frames"]:
    return x.T.astype(np.float64, order="C")


def _steps(R: Float[np.ndarray, "frames beads 3"], displacement: Displacement) -> Float[np.ndarray, "xyz bonds frames"]:
    """Vectors from each bead to the next one, in a box to its nearest image [Å]."""
    if displacement is free or R.shape[1] < 2:
        R = _frames_last(R)
        return R[:, 1:] - R[:, :-1]
    with jax.enable_x64(True):  # the setting applies to one thread
        R = R.astype(np.float64)
        return _frames_last(np.asarray(jax.vmap(jax.vmap(displacement))(R[:, 1:], R[:, :-1])))


def _lengths(steps: Float[np.ndarray, "xyz bonds frames"]) -> Float[np.ndarray, "bonds frames"]:
    return np.sqrt(np.einsum("xbf,xbf->bf", steps, steps))


def _chosen(
    which: Bool[np.ndarray, "bonds frames"], r: Float[np.ndarray, "bonds frames"], number: Int[np.ndarray, " frames"]
) -> _Bonds:
    bead, frame = np.nonzero(which)
    return _Bonds(bead, number[frame], r[bead, frame])


def _by_bead(parts: list[_Bonds], of: int, limits: BondLimits) -> list[OddBond]:
    if not parts:
        return []
    bead, frame, r = (np.concatenate(column) for column in zip(*parts, strict=True))
    return [OddBond(int(k), frame[bead == k], r[bead == k], of, limits) for k in np.unique(bead)]
