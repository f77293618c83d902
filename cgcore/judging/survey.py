"""One pass over the frames of a source, in NumPy: bond lengths, forces along bonds, and what tells frames apart.

Memory grows by 24 bytes a frame: its hashes and its mean square force.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from cgcore.data import Frames
from cgcore.data.blocks import row_blocks
from cgcore.data.splitting import protein_rows
from cgcore.judging.finding import RECORDED, Finding, Severity
from cgcore.judging.stretch import Stretch
from cgcore.physics.space import Displacement, free

SAMPLED = 500
"""Frames of a protein whose bond lengths say what is usual."""

GROUPS = 10
"""Contiguous parts of a protein's frames, one of which is left out in turn to see how sure a ratio is."""

LONG, SHORT, SPREADS = 1.3, 0.6, 10.0
"""A bond is an outlier if it is longer or shorter than so many medians, and further from it than so many robust
standard deviations. CA atoms: 3.8 Å with a spread of 0.06, so above 5.0 Å, where a bond would hold 300 kT; a cis
peptide bond (2.9 Å, 0.76 medians) is none."""

LOOSE, RIGID, NEARER = 0.1, 0.05, 0.8
"""Bond lengths whose relative spread is above the first are none of a chain in order (CA atoms: 0.015); a pair whose
distance has one below the second, and is below so many medians of the neighbours, is bonded."""

DISORDER_FRAMES, DISORDER_BEADS = 25, 150
"""Frames and beads at most whose pairs are looked at: 14 MB."""

NORMAL = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True)
class BondLimits:
    """What is usual: median and robust standard deviation [Å], and the ends beyond which a bond is an outlier."""

    median: float
    spread: float
    low: float
    high: float


@dataclass(frozen=True)
class OddBond:
    """Bonds between the beads `bead` and `bead` + 1 of a protein that are outliers, or neighbours that are no bond and
    look like one.

    Arguments:
        bead: the first one.
        frames: frames of the file, in order.
        lengths: in these [Å].
        of: frames of that protein.
        limits: what is usual.
    """

    bead: int
    frames: Int[np.ndarray, " odd"]
    lengths: Float[np.ndarray, " odd"]
    of: int
    limits: BondLimits

    @property
    def always(self) -> bool:
        """In all frames but a few."""
        return len(self.frames) >= 0.95 * self.of


@dataclass(frozen=True)
class RigidPair:
    """Two beads that are no neighbours in the row, and as far apart in all frames as bonded beads are.

    Arguments:
        first, second: the beads.
        distance: mean [Å].
        spread: of the distances of neighbours in the row, relative to their median.
        frames: of the protein.
    """

    first: int
    second: int
    distance: float
    spread: float
    frames: Int[np.ndarray, " frames"]


@dataclass
class Survey:
    """What a source holds.

    Arguments:
        source: its name.
        temperatures: that it says [K].
        frame: number in the file of each frame that follows.
        protein: label of its protein.
        positions, forces: hashes of its real beads.
        force: mean square force component [(kcal/mol/Å)²].
        unforced: number of its beads on which no force acts at all.
        odd: bonds that are outliers.
        joined: neighbours that are said not to be bonded, and are as near as if they were.
        disorder: a pair of beads that shows that beads are not in the order of their chain, for each such protein.
        median: of bond lengths [Å]; NaN without any.
        stretch: the regression of forces on bonds.
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
        """A finding about these frames of the source."""
        return Finding(code, severity, text, self.source, tuple(np.sort(frames)[:RECORDED].tolist()), beads)


def survey(source: Frames, temperatures: tuple[float, ...], displacement: Displacement = free) -> Survey:
    """Look at every frame of a source once (and at some twice)."""
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


def _survey_protein(
    source: Frames,
    found: Survey,
    rows: Int[np.ndarray, " rows"],
    bonded: Bool[np.ndarray, " bonds"],
    displacement: Displacement,
) -> BondLimits | None:
    length, number = len(bonded) + 1, found.frame[rows]
    sample = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), SAMPLED)).astype(int))]
    positions = _whole(source.load(sample)[0][:, :length], displacement)
    sampled = _bonds(positions)[1]
    limits = _limits(sampled[:, bonded])
    if limits is not None and (rigid := _disorder(positions, limits, number)) is not None:
        found.disorder.append(rigid)
    middles = np.median(sampled, axis=0)
    odd: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    near: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for part in np.array_split(np.arange(len(rows)), min(GROUPS, len(rows))):
        sums = Stretch.Sums()
        for block in row_blocks(len(part), source.n_beads):
            places = part[block]
            own = rows[places]
            R, F = (x[:, :length] for x in source.load(own))
            found.positions[own], found.forces[own] = _hashes(R), _hashes(F)
            F = F.astype(np.float64)
            squares = np.einsum("fbx,fbx->fb", F, F)
            found.force[own] = squares.mean(axis=1) / 3
            found.unforced[own] = np.count_nonzero(squares == 0, axis=1)
            along, r = _bonds(_whole(R, displacement))
            if limits is None:
                continue
            outside = (r > limits.high) | (r < limits.low)
            for kind, which in ((odd, outside & bonded), (near, ~outside & ~bonded)):
                frame, bead = np.nonzero(which)
                kind.append((number[places[frame]], bead, r[frame, bead]))
            sums.add(along, np.where(bonded & ~outside, r - middles, 0.0), bonded & ~outside, F, squares)
        found.stretch.groups.append(sums)
    if limits is not None:
        found.odd += _by_bead(odd, len(rows), limits)
        found.joined += [bond for bond in _by_bead(near, len(rows), limits) if bond.always]
    return limits


def _whole(R: Float[np.ndarray, "frames beads 3"], displacement: Displacement) -> Float[np.ndarray, "frames beads 3"]:
    """Each bead at the image that is nearest to the bead before it."""
    if displacement is free or R.shape[1] < 2:
        return R
    steps = np.asarray(jax.vmap(jax.vmap(displacement))(R[:, 1:], R[:, :-1]), np.float64)
    return R[:, :1] + np.concatenate([np.zeros_like(steps[:, :1]), np.cumsum(steps, axis=1)], axis=1)


def _bonds(R: Float[np.ndarray, "frames beads 3"]) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors from each bead to the next, and their distance [Å]."""
    step = np.diff(R.astype(np.float64), axis=1)
    r = np.sqrt(np.einsum("fbx,fbx->fb", step, step))
    return step / np.where(r > 0, r, 1.0)[..., None], r


def _limits(r: Float[np.ndarray, "frames bonds"]) -> BondLimits | None:
    if r.size == 0:
        return None
    median = float(np.median(r))
    spread = NORMAL * float(np.median(np.abs(r - median)))
    return BondLimits(
        median,
        spread,
        min(SHORT * median, median - SPREADS * spread),
        max(LONG * median, median + SPREADS * spread),
    )


def _disorder(R: Float[np.ndarray, "frames beads 3"], limits: BondLimits, number: np.ndarray) -> RigidPair | None:
    """A rigid pair where neighbours are not; None where neighbours are, or little can be said."""
    spread = limits.spread / limits.median
    frames = R[:: -(-len(R) // DISORDER_FRAMES), :DISORDER_BEADS].astype(np.float64)
    n = frames.shape[1]
    if spread < LOOSE or len(frames) < 5 or n < 3:
        return None
    d = np.linalg.norm(frames[:, :, None] - frames[:, None], axis=-1)
    mean, deviation = d.mean(axis=0), d.std(axis=0)
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) > 1
    rigid = apart & (deviation < RIGID * mean) & (mean < NEARER * limits.median)
    # The chain has a bond for each bead but one; a few rigid pairs are other things, such as a bridge.
    if np.count_nonzero(np.triu(rigid)) < (n - 1) / 3:
        return None
    i, j = np.unravel_index(np.argmin(np.where(rigid, mean, np.inf)), mean.shape)
    return RigidPair(int(min(i, j)), int(max(i, j)), float(mean[i, j]), spread, number)


def _by_bead(parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]], of: int, limits: BondLimits) -> list[OddBond]:
    if not parts:
        return []
    frame, bead, r = (np.concatenate(column) for column in zip(*parts, strict=True))
    return [OddBond(int(k), frame[bead == k], r[bead == k], of, limits) for k in np.unique(bead)]


def _hashes(values: Float[np.ndarray, "frames beads 3"]) -> np.ndarray:
    """64 bits of each frame: equal for equal values, and for others by chance in one pair of some 2^60."""
    words = (values + values.dtype.type(0)).reshape(len(values), -1)  # -0.0 is 0.0
    if words.itemsize == 4:
        words = words.view(np.uint32).astype(np.uint64)
    else:
        words = words.view(np.uint64)
        words = words ^ (words >> np.uint64(32))  # so that the lowest bits differ, too, where values came from float32
    random = np.random.default_rng(words.shape[1]).integers(0, 2**64, words.shape[1], np.uint64)
    return words @ (random | np.uint64(1))
