"""The cost of priors with many coefficients: factor pass and fit, with splines by residue type for angles and pairs.

python -m benchmarks.coefficients [--frames 200] [--beads 100] [--kinds 1 5 20]
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

import cgcore
from benchmarks.suites.synthetic import chains
from cgcore import Groups, Rows, Term, bases

T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--beads", type=int, default=100)
    parser.add_argument("--kinds", type=int, nargs="+", default=[1, 5, 20])
    args = parser.parse_args()
    print("kinds of residues  coefficients  factor pass [s]  again [s]  fit [s]  gap      peak memory [GiB]")
    for kinds in args.kinds:
        R, F = chains(args.frames, args.beads)
        species = np.random.default_rng(1).integers(0, kinds, args.beads)
        data = cgcore.from_arrays(R, F, species=np.tile(species, (args.frames, 1)), accept_faults=True)
        prior = prior_of(kinds)
        fingerprint = cgcore.Fingerprint.of(prior)
        factor, first = timed(lambda d=data, f=fingerprint: cgcore.compress(d, f))
        _, second = timed(lambda d=data, f=fingerprint: cgcore.compress(d, f))
        result, fit = timed(lambda f=factor, p=prior: cgcore.fit(f, p))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)
        print(
            f"{kinds:17}  {fingerprint.layout.size:12}  {first:15.1f}  {second:9.1f}  {fit:7.1f}  "
            f"{result.certificate.optimality_gap:7.0e}  {peak:17.2f}",
            flush=True,
        )


def prior_of(kinds: int) -> cgcore.Prior:
    """A prior with splines for dihedrals, for angles by residue type, and for pairs by both residue types."""

    def knots(low: float, high: float, count: int) -> tuple[float, ...]:
        return tuple(np.linspace(low, high, count).tolist())

    central, types = (Groups.of_species(by, range(kinds)) for by in ("central", "types"))
    terms = [
        Term("dihedral", Rows("dihedrals"), bases.BSpline(knots(-np.pi, np.pi, 25), ends="periodic")),
        Term("angle", Rows("angles"), bases.BSpline(knots(1.2, 2.9, 12)), groups=central),
        Term("repulsive", Rows("pairs", 3), bases.BSpline(knots(3.5, 14, 10), ends="cutoff"), groups=types),
    ]
    return cgcore.default_prior().without_excluded_volume().with_terms(terms)


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """The result of a call, and its wall time [s], including compilation."""
    start = time.perf_counter()
    found = call()
    return found, time.perf_counter() - start


if __name__ == "__main__":
    main()
