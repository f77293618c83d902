"""Speed of the factor pass and the fit relative to one plain value and gradient, and accuracy of S against LAPACK.

python -m benchmarks.factor_pass [--frames 400] [--beads 100]
"""

from __future__ import annotations

import argparse

import jax
import jax.numpy as jnp
import numpy as np

import cgcore
from benchmarks.suites.synthetic import chains
from benchmarks.timing import best_of
from cgcore.data.batches import Batch, all_cuts
from cgcore.factor.compress import BLOCKS
from cgcore.factor.gram import located
from cgcore.factor.triangle import merged, triangle
from cgcore.factor.work import frames_last, rows_of
from cgcore.fitting.direct import AllFrames
from cgcore.fitting.problem import DirectPhysical
from cgcore.physics.internal import Chains
from cgcore.physics.space import free
from cgcore.threads import one_blas_thread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--beads", type=int, default=100)
    args = parser.parse_args()
    prior = cgcore.default_prior()
    speed(prior, cgcore.from_arrays(*chains(args.frames, args.beads)))
    accuracy(prior)


def speed(prior: cgcore.Prior, dataset: cgcore.Dataset) -> None:
    """Print times of the parts, and their ratios to one evaluation of the plain loss in float32."""
    data = dataset.join()
    fingerprint = cgcore.Fingerprint.of(prior)
    start = jax.tree.map(lambda x: jnp.asarray(x, np.float32), prior.params)
    R, F, mask = jax.tree.map(jnp.asarray, (data.R, data.F, data.mask.astype(bool)))
    frames = AllFrames(R, F, mask, None, None, None)
    plain = jax.jit(jax.value_and_grad(DirectPhysical(prior, free, str(data.R.dtype))))
    unit = best_of(7, lambda: plain(start, frames))
    factor = cgcore.compress(dataset, fingerprint)
    parts = {
        "plain value and gradient, float32": unit,
        "factor pass": best_of(7, lambda: cgcore.compress(dataset, fingerprint)),
        "factor pass by QR of the rows": best_of(3, lambda: qr_pass(dataset, fingerprint)),
        "fit on the factor (truncation auto)": best_of(7, lambda: cgcore.fit(factor, prior)),
        "whole default fit": best_of(7, lambda: cgcore.fit(dataset, prior)),
        "200 plain steps, at one evaluation each": 200 * unit,
    }
    print(f"{dataset.n_frames} frames x {dataset.n_beads} beads")
    for name, seconds in parts.items():
        per_frame = seconds / dataset.n_frames * 1e6
        print(f"  {name:42s} {seconds * 1e3:10.2f} ms {per_frame:10.1f} us per frame {seconds / unit:9.3f} x plain")
    print(f"  200 plain steps / whole default fit: {200 * unit / parts['whole default fit']:.0f}")


def accuracy(prior: cgcore.Prior) -> None:
    """Print errors of L at the initial parameters and of L* on the chignolin set, relative to LAPACK on the explicit
    matrix."""
    dataset = cgcore.datasets.chignolin()
    fingerprint = cgcore.Fingerprint.of(prior)
    X = np.hstack(rows(dataset, fingerprint)).T
    c = np.append(cgcore.to_coefficients(prior.params), -1.0)
    loss, lowest = np.sum((X @ c) ** 2), optimum(X, len(X))
    for name, S in {
        "factor pass": cgcore.compress(dataset, fingerprint).S,
        "QR of the rows": qr_pass(dataset, fingerprint),
    }.items():
        relative_loss = abs(np.sum((S @ c) ** 2) / loss - 1)
        print(f"  {name:16s} relative error of L {relative_loss:.1e}, of L* {abs(optimum(S, len(X)) / lowest - 1):.1e}")


def rows(dataset: cgcore.Dataset, fingerprint: cgcore.Fingerprint) -> list[np.ndarray]:
    """The rows [X | F] of each batch."""

    def of(batch: Batch) -> np.ndarray:
        R, F = frames_last(batch.R, batch.F)
        at, _ = located(free, R, batch.lengths)
        chains = Chains(jnp.asarray(R), jnp.asarray(batch.lengths), at, None, (None,) * len(fingerprint.terms))
        made, _ = rows_of(fingerprint.layout, free, chains, F)
        return np.asarray(made)

    with jax.enable_x64(True):
        return [of(cut.load()) for cut in all_cuts(dataset, dataset.segments(BLOCKS))]


def qr_pass(dataset: cgcore.Dataset, fingerprint: cgcore.Fingerprint) -> np.ndarray:
    """S by Householder QR of each batch's rows."""
    with one_blas_thread():
        return merged([triangle(batch.T) for batch in rows(dataset, fingerprint)])


def optimum(rows: np.ndarray, height: int) -> float:
    """The optimum by least squares with column scaling, without singular values below eps times `height`."""
    scaled = rows[:, :-1] / np.linalg.norm(rows[:, :-1], axis=0)
    U, s, _ = np.linalg.svd(scaled, full_matrices=False)
    U = U[:, s > s[0] * np.finfo(np.float64).eps * height]
    return float(np.sum((rows[:, -1] - U @ (U.T @ rows[:, -1])) ** 2))


if __name__ == "__main__":
    main()
