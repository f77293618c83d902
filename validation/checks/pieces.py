"""The pass over frames in pieces that other processes work on: sent as bytes, in any order, and kept in files."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.cluster import keeping
from cgcore.cluster.parcel import Parcel
from cgcore.data.batches import Piece
from cgcore.factor.preconditioning import Preconditioner
from cgcore.factor.work import Part, Work
from validation import explicit_terms
from validation.check import Row, at_most, check, equal
from validation.context import Context
from validation.explicit import Array, System
from validation.tolerances import products, relative

FRAMES, BLOCKS = 36, 3
TOLERANCE = 1e-10
BOX = 40.0
"""Edge of the smallest periodic box [Å]."""
CLOSEST = np.linspace(0.0, 20.0, 401)
"""Bin edges of the distance of closest pairs [Å]."""


@check("pieces", quick=True)
def pieces(context: Context) -> Iterator[Row]:
    """Factors whose parts arrive as bytes, in another order or from files: each block against the explicit matrix."""
    batch = context.some(FRAMES).join()
    R, F = np.asarray(batch.R, float), np.asarray(batch.F, float)
    R -= R.mean(axis=1, keepdims=True)  # the values used for padding are in the middle of the chains
    beads = R.shape[1]
    lengths = np.where(np.arange(len(R)) % 6 < 2, beads, beads - 2)
    mask = np.arange(beads) < lengths[:, None]
    species = np.where(mask, (5 * np.arange(beads) // 3) % 3, 0)
    weights = np.random.default_rng(0).uniform(0.5, 2.0, len(R))
    types = cgcore.Groups.of_species
    terms = (
        cgcore.Term("angle", cgcore.Rows("angles"), cgcore.bases.Fourier(2), 0.25, types("central", (0, 1, 2))),
        cgcore.Term("contact", cgcore.Rows("pairs", 3), cgcore.bases.Power(4), 0.9),
    )
    prior = context.prior.part([]).with_terms(terms)
    with tempfile.TemporaryDirectory() as name:
        folder, half = Path(name), len(R) // 2
        for file, own in (("a.npz", slice(half)), ("b.npz", slice(half, None))):
            np.savez(folder / file, R=R[own], F=F[own], mask=mask[own], species=species[own], resid=_sites(beads),
                     frame_weights=weights[own])  # fmt: skip
        data = cgcore.read([folder / "a.npz", folder / "b.npz"], accept_faults=True)
        counts: list[tuple[int, int]] = []
        kept = keeping(folder / "parts", _posted, lambda have, of: counts.append((have, of)))
        ways: dict[str, Any] = {"posted": _posted, "kept": kept, "kept before": kept}
        fingerprint = cgcore.Fingerprint.of(prior)
        factors = {way: cgcore.compress(data, fingerprint, blocks=BLOCKS, execute=on) for way, on in ways.items()}
        parts = sorted((folder / "parts").rglob("*.npz"))
        parts[0].write_bytes(parts[1].read_bytes())  # the part of another piece
        factors["one of another piece"] = cgcore.compress(data, fingerprint, blocks=BLOCKS, execute=kept)
        alone = cgcore.read(folder / "a.npz", accept_faults=True)
        apart = [cgcore.compress(alone, fingerprint, blocks=BLOCKS, execute=on) for on in (kept, _posted)]
        before = len(counts)
        ways_to_read: list[dict[str, Any]] = [{"units": "angstrom-kj"}, {"box": (BOX, BOX, BOX)}]
        for said in ways_to_read:
            other = cgcore.read(folder / "a.npz", accept_faults=True, **said)
            cgcore.compress(other, fingerprint, blocks=BLOCKS, execute=kept)
        otherwise = counts[before:]
        del counts[before:]
        yield from _other_basis(folder / "bases", prior, alone)
    total = len(parts)
    # The weights of one file have another mean than those of both, so that none of the parts can be used for it.
    yield equal("one file of both, parts that were there", str(counts.pop()), str((0, total // 2)))
    yield equal("read in another unit, or in a box, parts that were there", str(otherwise), str([(0, total // 2)] * 2))
    S, other = (factor.S.T @ factor.S for factor in apart)
    yield at_most("one file of both, sums", relative(S, other), TOLERANCE, "relative")
    yield equal("kept, parts that were there", str(counts), str([(0, total), (total, total), (total - 1, total)]))
    scale = mask.sum() / np.sum(mask * weights[:, None])
    known = _known(R, F, lengths, species, np.sqrt(weights * scale), terms, half)
    for way, factor in factors.items():
        yield equal(f"{way}, blocks", len(factor.blocks), len(known))
        off = max(
            products(block.S, one.X, one.F) if block.beads == one.beads else np.inf
            for block, one in zip(factor.blocks, known, strict=True)
        )
        yield at_most(f"{way}, S of each block", off, TOLERANCE, "relative")
        yield equal(f"{way}, angles that are counted", int(factor.histograms.counts["angle"].sum()), _angles(lengths))
        counts_of = factor.histograms.groups["contact"][0]
        off = int(np.abs(counts_of - np.histogram(_closest(R, lengths), CLOSEST)[0]).sum())
        yield equal(f"{way}, closest pairs, frames elsewhere", off, 0)
    yield from _stored(factors["posted"])
    yield from _in_boxes(fingerprint, R, F, species)


def _other_basis(folder: Path, prior: cgcore.Prior, data: cgcore.Dataset) -> Iterator[Row]:
    """Parts kept for one preconditioner are not used for another, nor for rows that are not preconditioned at all."""
    layout = cgcore.Fingerprint.of(prior).layout
    triangles = [np.eye(term.basis.size) for term in layout.terms]
    bases = {
        "no preconditioner": None,
        "one": Preconditioner(tuple(triangles)),
        "twice as large": Preconditioner(tuple(2 * T for T in triangles)),
        "of the first term alone": Preconditioner((triangles[0], *[None] * (len(triangles) - 1))),
    }
    counts: list[tuple[int, int]] = []
    for basis in bases.values():

        def kept(work: Work, pieces: Sequence[Piece], basis: Preconditioner | None = basis) -> Iterator[Any]:
            keep = keeping(folder, lambda _, own: ((n, work.of_piece(one)) for n, one in enumerate(own)), found)
            for number, _ in keep(replace(work, basis=basis), pieces):
                yield number, work.of_piece(pieces[number])

        def found(have: int, of: int) -> None:
            counts.append((have, of))

        cgcore.compress(data, cgcore.Fingerprint.of(prior), blocks=1, execute=kept)
    for case, (have, _) in zip(bases, counts, strict=True):
        yield equal(f"preconditioner, {case}, parts that were there", have, 0)


def _stored(factor: cgcore.Factor) -> Iterator[Row]:
    """Everything that a factor holds survives saving and loading, also which rows are missing at gaps."""
    factor, loaded = replace(factor, temperatures=(290.0, 310.0)), None
    with tempfile.TemporaryDirectory() as folder, suppress(cgcore.InputError):
        cgcore.save_factor(Path(folder) / "factor.npz", factor)
        loaded = cgcore.load_factor(Path(folder) / "factor.npz")
    yield equal("saved, refused", loaded is None, False)
    if loaded is None:
        return
    for name in (one.name for one in fields(factor.blocks[0])):
        pairs = [(getattr(x, name), getattr(y, name)) for x, y in zip(loaded.blocks, factor.blocks, strict=True)]
        same = all(np.array_equal(x, y) for x, y in pairs)
        yield equal(f"saved and loaded, {name} of each block", same, True)
    gaps = [(block.frames * np.array([1, 2, 3])).tolist() for block in factor.blocks]
    yield equal("saved and loaded, rows that gaps take away", [b.broken.tolist() for b in loaded.blocks] == gaps, True)
    for name in ("fingerprint", "temperatures"):
        yield equal(f"saved and loaded, {name}", getattr(loaded, name) == getattr(factor, name), True)
    for name in ("counts", "groups"):
        ours, theirs = (getattr(one.histograms, name) for one in (loaded, factor))
        same = ours.keys() == theirs.keys() and all(np.array_equal(ours[key], theirs[key]) for key in theirs)
        yield equal(f"saved and loaded, {name} of histograms", bool(theirs) and same, True)


def _in_boxes(fingerprint: cgcore.Fingerprint, R: Array, F: Array, species: Array) -> Iterator[Row]:
    """Drawn frames of a file with a box for each frame, across whose faces the chains lie, against whole chains."""
    boxes = BOX * (1 + np.arange(len(R))[:, None] * np.array([0.01, 0.02, 0.03]))
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "boxes.npz"
        np.savez(file, R=np.mod(R, boxes[:, None]), F=F, species=species, box=boxes)
        drawn = cgcore.read(file, accept_faults=True).subset(len(R) // 2, 1)
        rows = drawn.sources[0].frame_numbers
        found = cgcore.compress(drawn, fingerprint, blocks=BLOCKS, execute=_posted)
    whole = cgcore.from_arrays(R[rows], F[rows], species=species[rows], accept_faults=True)
    known = cgcore.compress(whole, fingerprint, blocks=BLOCKS)
    yield equal("in boxes, frames before the last that are left out", len(rows) < rows[-1] + 1, True)
    sums = [[block.S.T @ block.S for block in factor.blocks] for factor in (found, known)]
    yield at_most("in boxes, sums of each block", relative(*sums), TOLERANCE, "relative")


def _closest(R: Array, lengths: Array) -> Array:
    """For each frame, the smallest distance [Å] of beads at least three sites apart."""
    sites = _sites(R.shape[1])
    i, j = np.nonzero(sites - sites[:, None] >= 3)
    real = j < lengths[:, None]
    return np.where(real, np.linalg.norm(R[:, i] - R[:, j], axis=-1), np.inf).min(axis=1)


def _sites(beads: int) -> Array:
    """Sites with a gap after the fourth bead."""
    return np.arange(beads) + 2 * (np.arange(beads) > 3)


def _angles(lengths: Array) -> int:
    """Number of angles in chains that are cut after their fourth bead."""
    return int(np.sum(lengths - 4))


def _known(
    R: Array, F: Array, lengths: Array, species: Array, roots: Array, terms: Sequence[cgcore.Term], half: int
) -> list[System]:
    """The weighted system of each block: equal runs of frames of each protein in each file, in order of appearance."""
    found, sites = [], _sites(R.shape[1])
    for own in (np.arange(half), np.arange(half, len(R))):
        for n in dict.fromkeys(lengths[own].tolist()):
            for run in np.array_split(own[lengths[own] == n], BLOCKS):
                X = [roots[f] * explicit_terms.matrix(R[f, :n], terms, species[f, :n], sites[:n]) for f in run]
                Y = [roots[f] * F[f, :n] for f in run]
                size = X[0].shape[-1]
                found.append(System(np.concatenate(X).reshape(-1, size), np.concatenate(Y).ravel(), int(n) * len(run)))
    return found


def _posted(work: Work, pieces: Sequence[Piece]) -> Iterator[tuple[int, Part]]:
    """As with a cluster: pieces and parts are sent as bytes, the last piece first."""
    for number in reversed(range(len(pieces))):
        sent = pickle.loads(pickle.dumps((work, Parcel.of(pieces[number]))))
        yield number, pickle.loads(pickle.dumps(sent[0].of_piece(sent[1].piece())))
