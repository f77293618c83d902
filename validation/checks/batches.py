"""The ways to compute a factor: by QR, by Gram matrices, in several batches, merged, and loaded from a file."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

import cgcore
from cgcore.factor.block import Block
from validation import explicit, explicit_terms
from validation.check import Row, at_most, check, equal, refuses
from validation.context import Context, five_terms, unconstrained, with_harmonics
from validation.tolerances import near

TOLERANCE = 1e-9
"""The condition number of the Gram computation is that of the preconditioned columns (observed: 1e-13)."""

SHAKE = 0.05
"""Size of random displacements [Å], which make all frames different."""

FEW, MANY = 1001, 2003
"""Numbers of frames of ten beads. In one block, they are processed in batches of several hundred, the last of which
is partial. Fewer than 50,000 rows are summed by QR, more by their Gram matrix."""

DIFFERENT, OFTEN = 40, 50
"""Number of different frames, and how often they are repeated for more than 50,000 rows."""
CLOSE, WEAK = 1e-5, 1e-8
"""Distance of the centres of two Gaussians [Å], and tolerance of the singular value of their difference: rounding,
1e-16 of the largest one, is 1e-10 of it; from Gram matrices, it would be off by 1e-5."""

COLUMNS = 300
"""Number of columns above which triangles are merged one by one."""

KELVIN = (330.0, 300.0)

SAMPLED = 134
"""Number of evenly spaced frames in the sample of the Gram computation. If these are nearly straight chains, they do
not represent the slopes of the other frames, and cgcore must repeat the pass by QR."""

BINS = {
    "bond": np.linspace(2.0, 6.0, 401),
    "angle": np.linspace(0.0, np.pi, 181),
    "dihedral": np.linspace(-np.pi, np.pi, 181),
}
CLOSEST = np.linspace(0.0, 20.0, 401)
"""Bins of cgcore's histograms [Å, rad]."""


@check("batches", quick=True)
def batches(context: Context) -> Iterator[Row]:
    """Factors of several batches computed in each way, merged, saved and loaded, against the explicit matrix."""
    prior = with_harmonics(five_terms(context.prior), 2, 2)
    whole = context.data.join()
    lengths = whole.mask.astype(bool).sum(axis=1)
    most = lengths == lengths.max()
    R, F = (x[most][:, : lengths.max()].astype(float) for x in (whole.R, whole.F))
    rng = np.random.default_rng(0)
    take = rng.integers(0, len(R), MANY)
    R, F = R[take] + rng.normal(scale=SHAKE, size=(MANY, *R.shape[1:])), F[take]
    alike = R.copy()
    alike[np.linspace(0, MANY - 1, SAMPLED).round().astype(int)] = _nearly_straight(R.shape[1])
    for name, frames in (("QR", R[:FEW]), ("Gram", R), ("Gram, alike where sampled", alike)):
        forces = F[: len(frames)]
        system = _system(prior, frames, forces)
        data = cgcore.from_arrays(frames, forces)
        factor = cgcore.compress(data, cgcore.Fingerprint.of(prior), blocks=1)
        label = f"{name}, {len(frames)} frames"
        yield equal(f"{label}, beads and frames", f"{factor.beads} {factor.frames}", f"{system.beads} {len(frames)}")
        yield from _same(label, factor, prior, system)
        if frames is R:
            yield from _sampled(label, factor, R)
        coinciding = frames.copy()
        coinciding[-1, 7] = coinciding[-1, 0]  # in the last batch of the last of several blocks
        bad = cgcore.from_arrays(coinciding, forces, accept_faults=True)
        refused = refuses(partial(cgcore.compress, bad, cgcore.Fingerprint.of(prior), blocks=3))
        yield equal(f"{label}, beads that coincide in one of them, refused", refused, True)
    yield from _apart(prior, R[:FEW], F[:FEW])
    yield from _dependent(R[:DIFFERENT], F[:DIFFERENT])


def _dependent(R: np.ndarray, F: np.ndarray) -> Iterator[Row]:
    """Two terms that are nearly the same function: a single direction that Gram matrices would lose."""
    centres = (7.0, 7.0 + CLOSE)
    terms = tuple(
        cgcore.Term(f"pair{k}", cgcore.Rows("pairs", 3), cgcore.bases.Gaussian((centre,), 2.0))
        for k, centre in enumerate(centres)
    )
    data = cgcore.from_arrays(np.tile(R, (OFTEN, 1, 1)), np.tile(F, (OFTEN, 1, 1)), accept_faults=True)
    prior = cgcore.default_prior().part([]).with_terms(terms)
    S = np.asarray(cgcore.compress(data, cgcore.Fingerprint.of(prior), blocks=1).S)[:, :2]
    beads = np.arange(R.shape[1])
    X = np.concatenate([explicit_terms.matrix(one, terms, 0 * beads, beads).reshape(-1, 2) for one in R])
    found, known = (np.linalg.svd(x, compute_uv=False) for x in (S, np.sqrt(OFTEN) * X))
    yield at_most("nearly the same terms, larger singular value", abs(found[0] / known[0] - 1), TOLERANCE, "relative")
    yield at_most("nearly the same terms, smaller singular value", abs(found[1] / known[1] - 1), WEAK, "relative")
    yield at_most("nearly the same terms, their ratio", known[1] / known[0], 1e-5)


def _nearly_straight(beads: int) -> np.ndarray:
    """A chain along x with displacements of a hundredth of an Å (beads, 3)."""
    R = np.zeros((beads, 3))
    R[:, 0] = 3.8 * np.arange(beads)
    R[::2, 1] = R[::3, 2] = 0.01
    return R


def _system(prior: cgcore.Prior, R: np.ndarray, F: np.ndarray) -> explicit.System:
    X = explicit.matrix(R, prior.weights, prior.params)
    return explicit.System(X.reshape(-1, X.shape[-1]), F.reshape(-1), R.shape[0] * R.shape[1])


def _same(label: str, factor: cgcore.Factor, prior: cgcore.Prior, system: explicit.System) -> Iterator[Row]:
    """The factor's matrix and its least loss."""
    S, stacked = np.asarray(factor.S), np.column_stack([system.X, system.F])
    size = np.linalg.norm(stacked, axis=0)
    products = [(x / size).T @ (x / size) for x in (S, stacked)]
    yield at_most(f"{label}, products of columns", float(np.abs(products[0] - products[1]).max()), 1e-12, "relative")
    start = explicit.coefficients(prior.params)
    zero, best = system.loss(0 * start), system.loss(system.optimum(start, system.kept()))
    fit = cgcore.fit(factor, prior, unconstrained(truncation=0.0))
    yield near(f"{label}, loss at the start", factor.loss(start), system.loss(start), TOLERANCE, zero)
    yield near(f"{label}, least loss", fit.train_loss, best, TOLERANCE, zero)


def _sampled(label: str, factor: cgcore.Factor, R: np.ndarray) -> Iterator[Row]:
    """Histograms of the sampled coordinates, by NumPy. A value on a bin edge may count in either bin."""
    consecutive = [np.stack([R[:, k : R.shape[1] - w + 1 + k] for k in range(w)], axis=2) for w in (2, 3, 4)]
    values = (explicit.value(kind, at) for kind, at in zip(BINS, consecutive, strict=True))
    for (name, edges), value in zip(BINS.items(), values, strict=True):
        counted = np.histogram(np.clip(value, edges[0], edges[-1]), edges)[0]
        off = int(np.abs(counted - factor.histograms.counts[name]).sum())
        yield at_most(f"{label}, histogram of {name}, values elsewhere", off, 4)
    i, j = np.triu_indices(R.shape[1], 2)
    for name, near_by in (("repulsive", j - i >= 6), ("excluded_volume", j - i <= 5)):
        closest = np.linalg.norm(R[:, i[near_by]] - R[:, j[near_by]], axis=-1).min(axis=1)
        off = int(np.abs(np.histogram(closest, CLOSEST)[0] - factor.histograms.groups[name][0]).sum())
        yield at_most(f"{label}, closest pairs of {name}, frames elsewhere", off, 4)


def _apart(prior: cgcore.Prior, R: np.ndarray, F: np.ndarray) -> Iterator[Row]:
    """Frames in two parts, one with shorter chains, merged again; and factors that must not be merged."""
    fingerprint = cgcore.Fingerprint.of(prior)
    half = len(R) // 2
    cuts, beads = [slice(half), slice(half, None)], [R.shape[1], R.shape[1] - 2]
    parts = [
        cgcore.compress(cgcore.from_arrays(R[cut, :n], F[cut, :n], temperature=kelvin), fingerprint, blocks=1)
        for cut, n, kelvin in zip(cuts, beads, KELVIN, strict=True)
    ]
    systems = [_system(prior, R[cut, :n], F[cut, :n]) for cut, n in zip(cuts, beads, strict=True)]
    system = explicit.System(
        np.concatenate([one.X for one in systems]),
        np.concatenate([one.F for one in systems]),
        sum(one.beads for one in systems),
    )
    merged = cgcore.merge(*parts)
    yield from _same("two parts merged", merged, prior, system)
    bonds = sum(R[cut].shape[0] * (n - 1) for cut, n in zip(cuts, beads, strict=True))
    counted = [int(counts.sum()) for counts in (merged.histograms.counts["bond"], *merged.histograms.groups.values())]
    yield equal("two parts merged, bonds and closest pairs", str(counted), str([bonds, len(R), len(R)]))
    yield equal("two parts merged, temperatures", str(merged.temperatures), str(tuple(sorted(KELVIN))))
    yield from _many_columns(merged)
    with tempfile.TemporaryDirectory() as folder:
        cgcore.save_factor(Path(folder) / "factor.npz", merged)
        loaded = cgcore.load_factor(Path(folder) / "factor.npz")
    yield equal("saved and loaded, the same numbers", bool(np.array_equal(loaded.S, merged.S)), True)
    yield equal("saved and loaded, fingerprint", loaded.fingerprint == fingerprint, True)
    yield equal(
        "saved and loaded, histograms and closest pairs",
        all(
            np.array_equal(counts, theirs[name])
            for mine, theirs in (
                (loaded.histograms.counts, merged.histograms.counts),
                (loaded.histograms.groups, merged.histograms.groups),
            )
            for name, counts in mine.items()
        ),
        True,
    )
    copied = replace(parts[0], blocks=tuple(replace(block, source="copy", sha256="0") for block in parts[0].blocks))
    yield equal("the same frames twice, warned of", _warned(parts[0], parts[0]), True)
    yield equal("the same frames in another file, warned of", _warned(parts[0], copied), True)
    yield equal("other frames, warned of", _warned(*parts), False)
    yield from _twice(parts[0])
    weights = prior.weights._replace(angle=prior.weights.dihedral, dihedral=prior.weights.angle)
    for what, other in (
        ("other weights", cgcore.Prior(weights, prior.params)),
        ("fewer harmonics", with_harmonics(prior, 1, 2)),
    ):
        yield equal(f"{what}, fit refused", refuses(lambda other=other: cgcore.fit(merged, other)), True)
        made = replace(parts[0], fingerprint=cgcore.Fingerprint.of(other))
        yield equal(f"{what}, merge refused", refuses(lambda made=made: cgcore.merge(merged, made)), True)


def _many_columns(factor: cgcore.Factor) -> Iterator[Row]:
    """Merging triangles with so many columns that they are merged one by one."""
    rng = np.random.default_rng(4)
    triangles = [np.triu(rng.normal(size=(COLUMNS, COLUMNS))) for _ in range(3)]
    blocks = [replace(factor.blocks[0], S=S * np.where(np.diag(S) < 0, -1.0, 1.0)[:, None]) for S in triangles]
    S = replace(factor, blocks=tuple(blocks)).S
    expected = sum(block.S.T @ block.S for block in blocks)
    yield at_most("many columns, products", float(np.abs(S.T @ S - expected).max() / np.abs(expected).max()), 1e-12)
    yield equal("many columns, triangle", bool(np.array_equal(S, np.triu(S)) and (np.diag(S) >= 0).all()), True)


OVERLAPS = {
    "touching": [[(0, 10), (10, 25)], [(25, 30)]],
    "all of it in another": [[(0, 100)], [(20, 30)]],
    "several in a long one": [[(0, 100)], [(10, 20), (30, 40), (50, 60)]],
    "one behind several in a long one": [[(0, 100)], [(10, 20)], [(40, 45)], [(95, 120)]],
    "the same three times": [[(5, 15)], [(5, 15)], [(5, 15)]],
    "some of each": [[(0, 30), (50, 60)], [(20, 55)], [(59, 70), (80, 90)], [(84, 85)]],
}
"""First and last frames of the ranges of several parts of one file."""


def _twice(factor: cgcore.Factor) -> Iterator[Row]:
    """The number of frames that a warning reports as counted twice, against the count from sets of frame numbers."""
    for name, ranges in OVERLAPS.items():
        given, counted = [], np.zeros(200, int)
        for own in ranges:
            frames = sum(stop - start for start, stop in own)
            block = replace(factor.blocks[0], ranges=np.array(own), frames=frames, sha256="one")
            given.append(replace(factor, blocks=(block,)))
            for start, stop in own:
                counted[start:stop] += 1
        twice = int(np.maximum(counted - 1, 0).sum())
        yield equal(f"ranges, {name}, frames counted twice", _counted_twice(*given), twice)
    block = factor.blocks[0]
    copies = [
        replace(factor, blocks=(replace(block, frames=frames, sha256=content, source=content),))
        for content, frames in (("one", 30), ("two", 30), ("three", 31))
    ]
    yield equal("copies, frames counted twice", _counted_twice(*copies), 30)
    several = [
        replace(factor, blocks=tuple(_block(factor, name, n, size) for n, size in enumerate(sizes)))
        for name, sizes in (("one", (1.0, 1.2, 1.4, 1.6)), ("two", (1.6, 1.0, 1.2)))
    ]
    yield equal("copies of three of four blocks, frames counted twice", _counted_twice(*several), 21)


def _block(factor: cgcore.Factor, source: str, number: int, size: float) -> Block:
    """The seven frames of a source that follow those of the former block, with forces of this size."""
    block, ranges = factor.blocks[0], np.array([[7 * number, 7 * number + 7]])
    return replace(block, S=size * block.S, frames=7, ranges=ranges, source=source, sha256=source)


def _counted_twice(*factors: cgcore.Factor) -> int:
    """Total number of frames in the warnings of a merge; 0 without a warning."""
    return sum(
        int(frames) for said in _said(*factors) for frames in re.findall(r"(\d+) frames are counted twice", said)
    )


def _warned(*factors: cgcore.Factor) -> bool:
    return bool(_said(*factors))


def _said(*factors: cgcore.Factor) -> list[str]:
    """The warnings of a merge."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        cgcore.merge(*factors)
    return [str(one.message) for one in said if issubclass(one.category, cgcore.InputWarning)]
