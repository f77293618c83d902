"""Overhead of the solver: L-BFGS steps compared with jitted evaluations of value and gradient.

python -m benchmarks.lbfgs_step [--frames 400] [--beads 100]
"""

from __future__ import annotations

import argparse

import jax
import numpy as np

import cgcore
from benchmarks.suites.synthetic import chains
from benchmarks.timing import best_of
from cgcore.fitting.direct import AllFrames
from cgcore.fitting.problem import DirectPhysical
from cgcore.physics.space import free


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--beads", type=int, default=100)
    parser.add_argument("--steps", type=int, default=10)
    args = parser.parse_args()
    data = cgcore.from_arrays(*chains(args.frames, args.beads)).join()
    prior = cgcore.default_prior()
    loss = DirectPhysical(prior, free, str(data.R.dtype))
    R, F, mask = jax.tree.map(jax.numpy.asarray, (data.R, data.F, data.mask.astype(bool)))
    frames = AllFrames(R, F, mask, None, None, None)
    start = jax.tree.map(lambda x: jax.numpy.asarray(x, data.R.dtype), prior.params)
    limits = cgcore.Limits(max_steps=args.steps, min_steps=args.steps, tol_grad=0.0)

    one = jax.jit(jax.value_and_grad(loss))
    evaluation = best_of(5, lambda: one(start, frames))
    solutions: list[cgcore.Solution] = []
    precision = "float32" if data.R.dtype == np.float32 else "float64"
    fit = best_of(3, lambda: solutions.append(cgcore.minimise(loss, start, frames, limits=limits, precision=precision)))
    evaluations = solutions[-1].evaluations
    print(f"{args.frames} frames x {args.beads} beads, {data.R.dtype}")
    print(f"value and gradient   {evaluation * 1e3:8.2f} ms  ({evaluation / args.frames * 1e6:.1f} us per frame)")
    print(f"{args.steps} L-BFGS steps      {fit * 1e3:8.2f} ms  ({evaluations} evaluations)")
    print(f"steps / (evaluations x value and gradient) = {fit / (evaluations * evaluation):.3f}")


if __name__ == "__main__":
    main()
