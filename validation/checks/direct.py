"""The direct objective when its frames fill more than one batch, and differ in length, species and sites."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import cgcore
from validation import explicit_terms
from validation.check import Row, at_most, check, equal
from validation.context import Context, unconstrained
from validation.explicit import System
from validation.tolerances import near, relative

DIFFERENT, TIMES, BEADS = 30, (100, 117), (10, 8)
"""Different frames, and for each file how often they occur and the number of beads."""
BATCH = 2**17 // (3 * BEADS[0])
"""Number of frames of a batch."""
EXACT, STOPPED = 1e-10, 1e-6
"""Tolerances of losses, and of coefficients of a fit that stops at a small gradient (observed: 1e-9)."""


@check("direct", quick=True)
def direct(context: Context) -> Iterator[Row]:
    """The direct objective over several batches of two files, at the start and at its minimum."""
    batch = context.some(DIFFERENT).join()
    R, F = np.asarray(batch.R, float), np.asarray(batch.F, float)
    types = cgcore.Groups.of_species("central", (0, 1))
    terms = (
        cgcore.Term("bond", cgcore.Rows("bonds"), cgcore.bases.Gaussian((3.5, 4.1), 0.4), 0.7),
        cgcore.Term("angle", cgcore.Rows("angles"), cgcore.bases.Gaussian((1.6, 2.4), 0.4), 0.25, types),
    )
    rng = np.random.default_rng(0)
    c = {term.name: rng.normal(size=term.shape) for term in terms}
    prior = cgcore.default_prior().part([]).with_terms(terms, c)
    X, Y, beads = [], [], 0
    with tempfile.TemporaryDirectory() as name:
        paths = []
        for file, (times, n) in enumerate(zip(TIMES, BEADS, strict=True)):
            species = (np.arange(n) + file) % 3 % 2
            sites = np.arange(n) + 2 * file * (np.arange(n) > 2)  # the second file's chains have a gap
            weights = rng.uniform(0.5, 2.0, n)
            paths.append(Path(name) / f"{file}.npz")
            R_n, F_n = (np.tile(x[:, :n], (times, 1, 1)) for x in (R, F))
            np.savez(paths[-1], R=R_n, F=F_n, species=species, resid=sites, bead_weights=weights)
            for k in range(DIFFERENT):
                root = np.sqrt(times * np.repeat(weights, 3))
                X.append(root[:, None] * explicit_terms.matrix(R[k, :n], terms, species, sites).reshape(3 * n, -1))
                Y.append(root * F[k, :n].ravel())
            beads += times * DIFFERENT * weights.sum()
        data = cgcore.read(paths, accept_faults=True)
        fit = cgcore.fit(data, prior, unconstrained(objective="direct", truncation=0.0))
    system = System(np.concatenate(X), np.concatenate(Y), beads)
    start = np.concatenate([np.ravel(c[term.name]) for term in terms])
    zero = system.loss(0 * start)
    yield equal("frames, more than in a batch", BATCH < data.n_frames < 2 * BATCH, True)
    yield near("loss at the start", fit.loss_history[0], system.loss(start), EXACT, zero)
    scale = np.linalg.norm(system.X, axis=0)
    best = np.linalg.lstsq(system.X / scale, system.F, rcond=None)[0] / scale
    found = np.concatenate([np.ravel(fit.fitted_params[term.name]) for term in terms])
    yield at_most("coefficients", relative(found * scale, best * scale), STOPPED, "relative")
    yield near("least loss", fit.train_loss, system.loss(best), EXACT, zero)
