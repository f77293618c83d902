"""What the factor pass and the solve have to compute at least, against what this processor can do, in one run.

python -m benchmarks.roofline [--frames 4000] [--beads 100]

roofline.md says how the operations are counted, and what was found.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import numpy as np

import cgcore
from benchmarks.suites.synthetic import chains
from benchmarks.timing import best_of
from cgcore.blas import one_blas_thread
from cgcore.factor import compress as factor_pass
from cgcore.factor.batches import all_cuts
from cgcore.factor.whitening import preconditioner
from cgcore.fitting.spectrum import spectrum
from cgcore.physics.geometry import free

SIZE, COPIED = 3000, 2**25


def operations(beads: int, n_angle: int, n_dihedral: int) -> dict[str, float]:
    """Floating-point operations of a frame, each needed at least once."""
    n = 2 + 2 * n_angle + 2 * n_dihedral + 1 + 1  # kr, kr r0, the series, the repulsion, and the forces
    pairs = (beads - 6) * (beads - 5) / 2
    rows = 3 * beads
    return {
        "bonds": 30 * (beads - 1),
        "angles": (55 + 38 * n_angle) * (beads - 2),
        "dihedrals": (110 + 50 * n_dihedral) * (beads - 3),
        "pairs": 21 * pairs,
        "triangular solve": rows * n**2,
        "Gram matrix": rows * n * (n + 1),
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
    """Of a float64 matrix product with all threads."""
    A = np.random.default_rng(0).normal(size=(SIZE, SIZE))
    return 2 * SIZE**3 / best_of(3, lambda: A @ A)


def peak_bandwidth() -> float:
    """Of a copy by two threads, bytes read plus bytes written."""
    source, target = np.ones(COPIED), np.empty(COPIED)
    halves = [slice(None, COPIED // 2), slice(COPIED // 2, None)]
    with ThreadPoolExecutor(2) as pool:
        return 2 * source.nbytes / best_of(5, lambda: list(pool.map(lambda h: np.copyto(target[h], source[h]), halves)))


def pass_over_data(frames: int, beads: int, flops: float, bandwidth: float) -> cgcore.Factor:
    """The parts of the pass by themselves, a batch a core, and the whole."""
    prior = cgcore.default_prior()
    fingerprint = cgcore.Fingerprint.of(prior)
    dataset = cgcore.from_arrays(*chains(frames, beads))
    batches = [cut.load() for cut in all_cuts(dataset, dataset.segments(factor_pass.BLOCKS))]
    rows = partial(factor_pass._rows, fingerprint.weights, fingerprint.layout, free)
    counted = operations(beads, fingerprint.layout.n_angle, fingerprint.layout.n_dihedral)
    matrix = sum(counted[name] for name in ("bonds", "angles", "dihedrals", "pairs"))
    products = counted["triangular solve"] + counted["Gram matrix"]

    def each(work: object) -> float:
        """Seconds a frame of `work` on every batch."""
        with ThreadPoolExecutor(factor_pass._threads()) as pool:
            return best_of(5, lambda: list(pool.map(work, range(len(batches))))) / frames  # type: ignore[arg-type]

    with one_blas_thread(), jax.enable_x64(True):
        made = [jax.block_until_ready(rows(b.R, b.F, b.lengths)[0]) for b in batches]
        T = preconditioner(np.hstack([np.asarray(x) for x in made[:8]]).T)

        def design(k: int) -> object:
            with jax.enable_x64(True):
                b = batches[k]
                return jax.block_until_ready(rows(b.R, b.F, b.lengths))

        def gram(k: int) -> object:
            with jax.enable_x64(True):
                return jax.block_until_ready(factor_pass._gram(made[k], T))

        parts = {"design matrix": (each(design), matrix), "solve and Gram matrix": (each(gram), products)}
    whole = best_of(5, lambda: cgcore.compress(dataset, fingerprint)) / frames
    parts["whole pass"] = (whole, matrix + products)
    print(f"{frames} frames x {beads} beads, {len(batches)} batches; operations of a frame:")
    print("  " + ", ".join(f"{name} {n:,.0f}" for name, n in counted.items()))
    for name, (seconds, n) in parts.items():
        print(
            f"  {name:22s} {seconds * 1e6:7.1f} us a frame, floor {n / flops * 1e6:6.2f}, "
            f"{100 * n / flops / seconds:5.1f} % of it"
        )
    read = 2 * 4 * 3 * beads
    print(f"  reading R and F, {read} bytes a frame, takes {read / bandwidth * 1e6:.2f} us: not the limit")
    return cgcore.compress(dataset, fingerprint)


def solve(factor: cgcore.Factor, flops: float) -> None:
    """Singular value decomposition of S against 20 n^3 operations (Golub and Van Loan, 8.6), and the whole fit."""
    n = factor.S.shape[0] - 1
    with one_blas_thread():
        seconds = best_of(20, lambda: spectrum(factor.S, factor.beads))
    fit = best_of(10, lambda: cgcore.fit(factor, cgcore.default_prior()))
    print(f"solve: SVD of {n} x {n}, {20 * n**3:,} operations, floor {20 * n**3 / flops * 1e6:.1f} us")
    print(f"  spectrum {seconds * 1e6:.0f} us, fit on the factor {fit * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
