"""Roofline of the factor pass and the solve: minimal operation counts compared with the speed of this processor.

python -m benchmarks.roofline [--frames 4000] [--beads 100]

roofline.md explains how operations are counted, and gives results.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

import cgcore
from benchmarks.suites.synthetic import chains
from benchmarks.timing import best_of
from cgcore.data.batches import all_cuts, sample_cuts
from cgcore.factor import compress as factor_pass
from cgcore.factor import gram
from cgcore.factor.work import frames_last
from cgcore.fitting.spectrum import spectrum
from cgcore.physics.internal import Chains
from cgcore.physics.pair_forces import pair_forces
from cgcore.physics.space import free
from cgcore.threads import batch_threads, one_blas_thread

SIZE, COPIED = 3000, 2**25
PAIR = 21
"""Number of operations for a pair: difference 3, square 5, r^-6 4, force 3, addition to both beads 6."""

pairs = jax.jit(pair_forces, static_argnums=(0, 1))


def explicit(beads: int, n_angle: int, n_dihedral: int) -> dict[str, float]:
    """Minimal number of operations for a frame if the matrix X is computed explicitly."""
    n = 2 + 2 * n_angle + 2 * n_dihedral + 1 + 1  # kr, kr r0, the series, the repulsion, and the forces
    rows = 3 * beads
    return {
        "bonds": 30 * (beads - 1),
        "angles": (55 + 38 * n_angle) * (beads - 2),
        "dihedrals": (110 + 50 * n_dihedral) * (beads - 3),
        "pairs": PAIR * (beads - 6) * (beads - 5) / 2,
        "triangular solve": rows * n**2,
        "Gram matrix": rows * n * (n + 1),
    }


def internal(beads: int, n_angle: int, n_dihedral: int) -> dict[str, float]:
    """Number of operations for a frame in internal coordinates, as in `cgcore.factor.gram`."""
    a, d, forces = 2 * n_angle, 2 * n_dihedral, 4  # columns; forces: two of bonds, repulsion, reference
    return {
        "coordinates": 12 * (beads - 1) + 55 * (beads - 2) + 110 * (beads - 3),
        "slopes": 5 * a * (beads - 2) + 5 * d * (beads - 3),
        "triangular solve": (a**2 + 4) * (beads - 2) + d**2 * (beads - 3),
        "pairs": PAIR * (beads - 6) * (beads - 5) / 2,
        # Inner products of 3 numbers (5 operations each): 6 of two angles, 10 of two dihedrals, 12 mixed.
        "couplings": 5 * 28 * (beads - 2),
        "projections": (6 * a + 8 * d + 12 * d + 2 * (9 + 12) * forces) * (beads - 2),
        "Gram matrix": 2 * (a * (a + d + forces) + d * (d + forces)) * (beads - 2) + 2 * forces**2 * 3 * beads,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--frames", type=int, default=4000)
    parser.add_argument("--beads", type=int, default=100)
    args = parser.parse_args()
    flops, bandwidth = peak_flops(), peak_bandwidth()
    print(f"matrix product {flops / 1e9:.1f} Gflop/s in float64, copy {bandwidth / 1e9:.1f} GB/s read and written")
    factor = pass_over_data(args.frames, args.beads, flops, bandwidth)
    solve(factor, flops)


def peak_flops() -> float:
    """Speed of a float64 matrix product with all threads."""
    A = np.random.default_rng(0).normal(size=(SIZE, SIZE))
    return 2 * SIZE**3 / best_of(3, lambda: A @ A)


def peak_bandwidth() -> float:
    """Speed of a copy by two threads, counting bytes read plus bytes written."""
    source, target = np.ones(COPIED), np.empty(COPIED)
    halves = [slice(None, COPIED // 2), slice(COPIED // 2, None)]
    with ThreadPoolExecutor(2) as pool:
        return 2 * source.nbytes / best_of(5, lambda: list(pool.map(lambda h: np.copyto(target[h], source[h]), halves)))


def pass_over_data(frames: int, beads: int, flops: float, bandwidth: float) -> cgcore.Factor:
    """Time the steps of the pass separately, with a batch per core, and the whole pass."""
    prior = cgcore.default_prior()
    fingerprint = cgcore.Fingerprint.of(prior)
    layout = fingerprint.layout
    repulsive = next(term for term in layout.terms if term.rows.pairs)
    dataset = cgcore.from_arrays(*chains(frames, beads))
    segments = dataset.segments(factor_pass.BLOCKS)
    batches = [cut.load() for cut in all_cuts(dataset, segments)]
    with jax.enable_x64(True):
        whitening = factor_pass._preconditioner(fingerprint, free, sample_cuts(dataset, segments))

    def on_every_batch(step: Callable[..., Any], *made: list[Any]) -> tuple[float, list[Any]]:
        """The time of a step per frame [s], applied to the results of earlier steps for each batch, and its results."""

        def one(*arguments: Any) -> Any:
            with jax.enable_x64(True):
                return jax.block_until_ready(step(*arguments))

        with ThreadPoolExecutor(batch_threads()) as pool:
            results = list(pool.map(one, batches, *made))
            return best_of(5, lambda: list(pool.map(one, batches, *made))) / frames, results

    def whole_chains(batch: Any, moved: Any, at: Any) -> Chains:
        return Chains(moved[0], batch.lengths, at[0], None, (None,) * len(layout.terms))

    with one_blas_thread(), jax.enable_x64(True):
        turned, moved = on_every_batch(lambda b: frames_last(b.R, b.F))
        located, at = on_every_batch(lambda b, m: gram.located(free, m[0], b.lengths), moved)
        prepared, made = on_every_batch(
            lambda b, m, at: gram._prepared(layout, free, whitening, whole_chains(b, m, at), m[1]), moved, at
        )
        multiplied, _ = on_every_batch(lambda _, made, at: gram._products(layout, *made[:3], at[0]), made, at)
        paired, _ = on_every_batch(lambda b, m, at: pairs(repulsive, free, whole_chains(b, m, at)), moved, at)
    whole = best_of(5, lambda: cgcore.compress(dataset, fingerprint)) / frames

    harmonics = [len(prior.params[name]) for name in ("a", "k_dih")]
    plain, ours = (count(beads, *harmonics) for count in (explicit, internal))
    parts = {
        "frames innermost": (turned, 0.0),
        "coordinates": (located, ours["coordinates"]),
        "pairs": (paired, ours["pairs"]),
        "slopes, solve, couplings": (
            max(prepared - paired, 0.0),
            ours["slopes"] + ours["triangular solve"] + ours["couplings"],
        ),
        "projections, Gram matrix": (multiplied, ours["projections"] + ours["Gram matrix"]),
        "whole pass": (whole, sum(ours.values())),
        "whole pass, X made": (whole, sum(plain.values())),
    }
    print(f"{frames} frames x {beads} beads, {len(batches)} batches; operations of a frame:")
    for name, counted in (("in internal coordinates", ours), ("with X made", plain)):
        print(
            f"  {name}, {sum(counted.values()):,.0f}: " + ", ".join(f"{part} {n:,.0f}" for part, n in counted.items())
        )
    for name, (seconds, n) in parts.items():
        print(
            f"  {name:26s} {seconds * 1e6:7.1f} us per frame, floor {n / flops * 1e6:6.2f}, "
            f"{100 * n / flops / seconds:5.1f} % of it"
        )
    read = 2 * 4 * 3 * beads
    print(f"  reading R and F, {read} bytes a frame, takes {read / bandwidth * 1e6:.2f} us: not the limit")
    return cgcore.compress(dataset, fingerprint)


def solve(factor: cgcore.Factor, flops: float) -> None:
    """Time the SVD of S, which takes 20 n^3 operations (Golub and Van Loan, 8.6), and the whole fit."""
    n = factor.S.shape[0] - 1
    with one_blas_thread():
        seconds = best_of(20, lambda: spectrum(factor.S, factor.beads))
    fit = best_of(10, lambda: cgcore.fit(factor, cgcore.default_prior()))
    print(f"solve: SVD of {n} x {n}, {20 * n**3:,} operations, floor {20 * n**3 / flops * 1e6:.1f} us")
    print(f"  spectrum {seconds * 1e6:.0f} us, fit on the factor {fit * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
