"""Weights of frames and beads: factor, blocks and fit are those of the weighted mean."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import cgcore
from validation import explicit
from validation.check import Row, at_most, check, equal, refuses
from validation.context import Context, five_terms, unconstrained, with_harmonics
from validation.tolerances import near, products

FRAMES, BLOCKS = 40, 3
REPEATED = 52
"""Number of repetitions that gives more than 50,000 rows, which are summed by inner products."""

TOLERANCE = 1e-10


@check("weighting", quick=True)
def weighting(context: Context) -> Iterator[Row]:
    """Weights of frames and beads read from a file, for both ways to a factor, against the weighted explicit matrix."""
    prior = with_harmonics(five_terms(context.prior), 2, 2)
    batch = context.some(FRAMES).join()
    for name, times in (("few rows", 1), ("many rows", REPEATED)):
        R, F = (np.tile(np.asarray(x, float), (times, 1, 1)) for x in (batch.R, batch.F))
        yield from _weighted(name, prior, R, F, direct=times == 1)
    yield from _beside(prior, np.asarray(batch.R, float), np.asarray(batch.F, float))


def _beside(prior: cgcore.Prior, R: np.ndarray, F: np.ndarray) -> Iterator[Row]:
    """A source without weights, which are then 1, beside one with weights."""
    first = np.arange(len(R)) < len(R) // 2
    w = np.where(first, 1.0, np.random.default_rng(4).uniform(1.0, 5.0, len(R)))
    without = cgcore.from_arrays(R[first], F[first], name="without")
    weighted = cgcore.from_arrays(R[~first], F[~first], name="with", frame_weights=w[~first])
    sources = (*without.sources, *weighted.sources)
    data = cgcore.Dataset(sources, "both", "", (), "angstrom-kcal", accept_faults=True)
    factor = cgcore.compress(data, cgcore.Fingerprint.of(prior), blocks=BLOCKS)
    root = np.sqrt(w / w.mean()).reshape(-1, 1, 1)
    X = root[..., None] * explicit.matrix(R, prior.weights, prior.params)
    off = products(factor.S, X.reshape(-1, X.shape[-1]), (root * F).ravel())
    yield at_most("a source without weights beside one with weights, S", off, TOLERANCE, "relative")


def _weighted(name: str, prior: cgcore.Prior, R: np.ndarray, F: np.ndarray, *, direct: bool) -> Iterator[Row]:
    rng, beads = np.random.default_rng(3), R.shape[1]
    lengths = np.where(np.arange(len(R)) < len(R) // 2, beads, beads - 2)
    mask = np.arange(beads) < lengths[:, None]
    of_frames, of_beads = rng.uniform(0.2, 3.0, len(R)), rng.uniform(0.1, 2.0, mask.shape)
    w = np.where(mask, of_frames[:, None] * of_beads, 0.0)
    w *= mask.sum() / w.sum()
    with tempfile.TemporaryDirectory() as folder:
        given = {"R": R, "F": F, "mask": mask, "bead_weights": of_beads}
        np.savez(Path(folder, "weighted.npz"), **given, frame_weights=of_frames)
        data = cgcore.read(f"{folder}/weighted.npz", accept_faults=True)
        factor = cgcore.compress(data, cgcore.Fingerprint.of(prior), blocks=BLOCKS)
        options = unconstrained(objective="direct", truncation=0.0, max_steps=1)
        few = prior.part(["angle", "repulsive"])  # compiles quickly
        on_frames = cgcore.fit(data, few, options) if direct else None
        np.savez(Path(folder, "negative.npz"), **given, frame_weights=np.where(np.arange(len(R)) == 0, -0.5, of_frames))
        refused = refuses(lambda: cgcore.read(f"{folder}/negative.npz", accept_faults=True))
    X, Y = [], []
    for n in (beads, beads - 2):
        which = lengths == n
        root = np.sqrt(w[which, :n])[..., None]
        block = root[..., None] * explicit.matrix(R[which, :n], prior.weights, prior.params)
        X.append(block.reshape(-1, block.shape[-1]))
        Y.append((root * F[which, :n]).ravel())
    system = explicit.System(np.concatenate(X), np.concatenate(Y), int(mask.sum()))
    start = explicit.coefficients(prior.params)
    zero, best = system.loss(0 * start), system.loss(system.optimum(start, system.kept()))
    yield at_most(f"{name}, S", products(factor.S, system.X, system.F), TOLERANCE, "relative")
    yield near(f"{name}, loss at the start", factor.loss(start), system.loss(start), TOLERANCE, zero)
    if on_frames is not None:
        found, silent = on_frames.loss_history[0], {"kr": 0.0, "k_dih": 0 * prior.params["k_dih"], "epsilon_ex": 0.0}
        own = explicit.coefficients(prior.params | silent)
        yield near(f"{name}, direct objective at the start", found, system.loss(own), TOLERANCE, zero)
    fit = cgcore.fit(factor, prior, unconstrained(truncation=0.0))
    yield near(f"{name}, least loss", fit.train_loss, best, TOLERANCE, zero)
    expected = [sum(w[first:last].sum() for first, last in block.ranges) for block in factor.blocks]
    off = max(abs(block.weight / one - 1) for block, one in zip(factor.blocks, expected, strict=True))
    yield at_most(f"{name}, weights of {len(expected)} blocks", off, TOLERANCE, "relative")
    yield equal(f"{name}, a frame with a weight below 0, refused", refused, True)
