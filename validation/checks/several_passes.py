"""The pass over the frames of several sources and proteins, of which the pieces are processed by a stand-in; factors
of which more than two are merged."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np

import cgcore
from cgcore.data.batches import Piece
from cgcore.factor.block import Block
from cgcore.factor.compress import compress
from cgcore.factor.factor import Factor, merge
from cgcore.factor.histogram import EDGES, Histograms
from cgcore.factor.work import Part, Work
from validation.check import Row, at_most, check, equal, refusal
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import Arrays, chain
from validation.tolerances import relative

BEADS, SHORT, FRAMES, BLOCKS = (8, 12, 10), 9, 12, 2
"""Beads of three sources, and of a second protein of the second source; frames and blocks of each protein."""

GAPS = ((4,), (2, 10))
"""Last beads before gaps, in the short and in the long protein of the second source."""

WEIGHTS = (0.5, 4.0)
"""Mean weights of frames of the first two sources; the third one has none, so that its weights are 1."""

TOLERANCE = 1e-12
"""Sums of a few hundred products in double precision."""


@check("several-passes", quick=True)
def several_passes(context: Context) -> Iterator[Row]:
    """A pass over three sources, whose pieces are stand-ins; three factors that are merged, or that differ."""
    given = Sources.drawn()
    stand_in = StandIn()
    counted: list[tuple[int, int]] = []
    fingerprint = cgcore.Fingerprint.of(context.prior)
    with (
        patch("cgcore.data.batches.ROWS_AT_ONCE", 1),
        patch("cgcore.data.batches.BATCHES_OF_PIECE", 1),
    ):  # several pieces for each block
        factor = compress(
            given.data(),
            fingerprint,
            blocks=BLOCKS,
            execute=stand_in,
            progress=lambda done, total: counted.append((done, total)),
        )
    yield from _passed(factor, stand_in, given, counted)
    yield from _blocks(factor, given)
    yield from _merged(factor)
    yield from _differ(fingerprint)


@dataclass(frozen=True)
class Sources:
    """Three sources.

    Arguments:
        arrays: their arrays.
        short: which frames of the second are of the short protein, by turns, from the first on.
    """

    arrays: tuple[Arrays, ...]
    short: Array

    @classmethod
    def drawn(cls) -> Sources:
        """Sources with random weights, two proteins and gaps."""
        rng, short = np.random.default_rng(1), np.arange(2 * FRAMES) % 2 == 0
        every: list[Arrays] = []
        for k, n in enumerate(BEADS):
            frames = 2 * FRAMES if k == 1 else FRAMES
            every.append(dict(zip("RF", chain(rng, frames, n, 3.8, 0.06, 20.0), strict=True)))
            if k < len(WEIGHTS):
                every[k]["frame_weights"] = WEIGHTS[k] * rng.uniform(0.5, 1.5, frames)
        beads = np.arange(BEADS[1])
        every[1]["mask"] = (beads < SHORT) | ~short[:, None]
        gaps = [3 * sum(beads > gap for gap in own) for own in GAPS]
        every[1]["resid"] = beads + np.where(short[:, None], *gaps)
        return cls(tuple(every), short)

    def data(self) -> cgcore.Dataset:
        """Their data set."""
        sources = [cgcore.from_arrays(**one, name=f"{k}").sources[0] for k, one in enumerate(self.arrays)]
        return cgcore.Dataset(tuple(sources), "several", "", (), "angstrom-kcal", accept_faults=True)

    def mask(self, source: int) -> Array:
        """Which beads of a source are real."""
        R = self.arrays[source]["R"]
        return np.asarray(self.arrays[source].get("mask", np.ones(R.shape[:2])), bool)

    def weights(self, source: int) -> Array:
        """The weights of a source's beads, as they are given."""
        return self.mask(source) * np.asarray(self.arrays[source].get("frame_weights", 1.0)).reshape(-1, 1)

    @property
    def scale(self) -> float:
        """The factor by which the mean weight is 1."""
        every = range(len(self.arrays))
        return sum(int(self.mask(k).sum()) for k in every) / sum(float(self.weights(k).sum()) for k in every)


@dataclass
class StandIn:
    """Processes pieces into random rows and counts, which it keeps; the pieces of the data arrive in reversed order."""

    rows: dict[int, list[Array]] = field(default_factory=lambda: defaultdict(list))
    counts: dict[str, Any] = field(default_factory=lambda: defaultdict(int))
    frames: list[int] = field(default_factory=list)
    scale: float = 0.0

    def __call__(self, work: Work, pieces: Sequence[Piece]) -> Iterator[tuple[int, Part]]:
        """See `cgcore.factor.execution.Execute`."""
        self.scale, size, found = work.scale, work.fingerprint.layout.size + 1, []
        for number, piece in enumerate(pieces):
            rng = np.random.default_rng(number)
            A = rng.normal(size=(size + 3, size))
            self.rows[piece.segment].append(A)
            counts = {name: rng.integers(0, 9, len(edges) - 1) for name, edges in EDGES.items()}
            groups = {name: rng.integers(0, 9, (2, 5)) for name in ("one", "two")[: 1 + number % 2]}
            for name, own in (counts | groups).items():
                self.counts[name] = self.counts[name] + own
            self.frames.append(sum(len(cut.rows) for cut in piece.cuts))
            found.append((number, Part(np.linalg.qr(A).R, Histograms(counts, groups), self.frames[-1])))
        yield from reversed(found)


def _passed(factor: Factor, stand_in: StandIn, given: Sources, counted: Sequence[tuple[int, int]]) -> Iterator[Row]:
    """Sums over the pieces, what is counted in between, and the scale of the weights."""
    total = FRAMES * (len(BEADS) + 1)
    known = [(int(done), total) for done in np.cumsum(stand_in.frames)]
    yield equal("several pieces for each block", min(len(rows) for rows in stand_in.rows.values()) > 1, True)
    yield equal("frames done after each piece", str(list(counted)), str(known))
    for name in (*EDGES, "one", "two"):
        kept = factor.histograms.counts if name in EDGES else factor.histograms.groups
        yield equal(f"counts of all pieces, {name}", np.array_equal(kept.get(name, ()), stand_in.counts[name]), True)
    for segment, rows in stand_in.rows.items():
        A, S = np.concatenate(rows), factor.blocks[segment].S
        yield at_most(f"products of block {segment}", relative(S.T @ S, A.T @ A), TOLERANCE, "relative")
    yield at_most("scale of the weights", abs(stand_in.scale / given.scale - 1), TOLERANCE, "relative")


def _blocks(factor: Factor, given: Sources) -> Iterator[Row]:
    """Beads, weights and broken rows of each block, by the frames that it names."""
    order = ["0", "0", "1", "1", "1", "1", "2", "2"]
    yield equal("sources of the blocks", str([block.source for block in factor.blocks]), str(order))
    seen: dict[int, list[int]] = defaultdict(list)
    for number, block in enumerate(factor.blocks):
        source = int(block.source)
        frames = [k for start, stop in block.ranges.tolist() for k in range(start, stop)]
        seen[source] += frames
        mask, weights = given.mask(source)[frames], given.weights(source)[frames]
        broken = [_broken(given, source, frame) for frame in frames]
        yield equal(f"block {number}, frames", block.frames, FRAMES // BLOCKS)
        yield equal(f"block {number}, beads", block.beads, int(mask.sum()))
        yield equal(f"block {number}, broken rows", str(block.broken.tolist()), str(np.sum(broken, axis=0).tolist()))
        off = abs(block.weight / (float(weights.sum()) * given.scale) - 1)
        yield at_most(f"block {number}, weight", off, TOLERANCE, "relative")
    known = {k: list(range(len(one["R"]))) for k, one in enumerate(given.arrays)}
    yield equal("each frame once", {k: sorted(own) for k, own in seen.items()} == known, True)


def _broken(given: Sources, source: int, frame: int) -> list[int]:
    """Bonds, angles and dihedrals of a frame that span a gap: consecutive beads whose numbers are not consecutive."""
    n = int(given.mask(source)[frame].sum())
    resid = given.arrays[source]["resid"][frame, :n] if source == 1 else np.arange(n)
    return [sum(int(resid[k + bonds] - resid[k]) != bonds for k in range(n - bonds)) for bonds in (1, 2, 3)]


def _merged(factor: Factor) -> Iterator[Row]:
    """Three copies of a factor, of which every frame is counted three times, and three factors of different content."""
    parts = [replace(factor, blocks=(block,)) for block in factor.blocks[::2]]
    triple = {name: 3 * counts for name, counts in factor.histograms.counts.items()}
    groups = {name: 3 * counts for name, counts in factor.histograms.groups.items()}
    found = merge(*parts[:3])
    same = [np.array_equal(found.histograms.counts[name], counts) for name, counts in triple.items()]
    same += [np.array_equal(found.histograms.groups[name], counts) for name, counts in groups.items()]
    yield equal("histograms of three merged factors", all(same), True)
    blocks: tuple[Block, ...] = tuple(replace(block, sha256=block.source) for block in factor.blocks)
    first, last = (replace(factor, blocks=(blocks[k],)) for k in (0, -1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        merge(first, last, first, last)
    said = [str(one.message).split(";")[0] for one in caught]
    half = FRAMES // BLOCKS
    known = [f"{name} is given more than once: {half} frames are counted twice" for name in "02"]
    yield equal("sources that are merged twice", str(said), str(known))
    other = replace(factor, fingerprint=replace(factor.fingerprint, displacement="box"))
    for name, three in (("second", (factor, other, factor)), ("third", (factor, factor, other))):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the same frames thrice
            message = refusal(partial(merge, *three)) or "accepted"
        yield equal(f"another {name} factor", message.rpartition(": ")[2], "free against box")


def _differ(fingerprint: cgcore.Fingerprint) -> Iterator[Row]:
    """All differences are named; names that two terms share are found wherever they stand."""
    other = replace(fingerprint, displacement="box", units="nm, kJ/mol, rad", fixed="splines")
    message = refusal(lambda: fingerprint.require(other)) or "accepted"
    known = [f"{key}: {getattr(fingerprint, key) or 'nothing'} against {getattr(other, key)}"
             for key in ("displacement", "fixed", "units")]  # fmt: skip
    yield equal("all settings that differ", "; ".join(known) in message, True)
    plain = fingerprint.as_dict()
    n = len(plain["terms"])
    for a, b in ((0, 1), (n - 2, n - 1), (0, n - 1)):
        terms = [{**term, "name": plain["terms"][a]["name"]} if k == b else term
                 for k, term in enumerate(plain["terms"])]  # fmt: skip
        work = partial(cgcore.Fingerprint.from_dict, plain | {"terms": terms})
        yield equal(f"one name of terms {a} and {b}", _refused_value(work), "two terms have one name")


def _refused_value(work: Callable[[], object]) -> str:
    try:
        work()
    except ValueError as error:
        return str(error)
    return "accepted"
