"""Coverage of a fit's error bars, measured on synthetic forces with known truth and known correlation in time.

python -m benchmarks.coverage [--sets 500] [--times 0,5,10,20] [--output FILE]

The frames are those of the bundled set. The forces are those of a known prior, plus noise of realistic size that is
correlated in time: a first-order autoregressive process whose correlation falls by a factor of e in the given number of
frames. Each set of forces is fitted, and the intervals are compared with the same fit to the forces without noise.
Blocks have 50 frames.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.signal import lfilter

import cgcore
from cgcore.files import atomic_write

SMOOTHNESS = 3e-3
"""The smoothness that cross-validation chooses on the bundled set."""

POTENTIALS = {"bond": (3.7, 4.05), "angle": (1.4, 2.65), "dihedral": (-3.0, 3.0)}
POINTS = 15
CONSTRAINTS = ("none", "safe")


def main() -> None:
    """Print the table, and write it to --output."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sets", type=int, default=500, help="sets of forces for each row of the table")
    parser.add_argument("--times", default="0,5,10,20", help="correlation times in frames")
    parser.add_argument("--output", type=Path, metavar="FILE", help="Markdown file to write")
    given = parser.parse_args()
    times = [float(text) for text in given.times.split(",")]
    text = pd.DataFrame(measured(given.sets, times)).to_markdown(index=False, disable_numparse=True)
    print(text)
    if given.output is not None:
        atomic_write(given.output, text + "\n")


def measured(sets: int, times: Sequence[float], constraints: Sequence[str] = CONSTRAINTS) -> list[dict[str, str]]:
    """A row for each correlation time and each level of constraints."""
    synthetic = Synthetic.of_bundled()
    rows = []
    for level in constraints:
        options = cgcore.Options(smoothness=SMOOTHNESS, constraints=level)  # type: ignore[arg-type]
        truth = cgcore.fit(synthetic.factor(None), synthetic.prior, options)
        for time in times:
            seen = [covered(fit, truth, synthetic) for fit in _fits(synthetic, time, sets, options)]
            found = {name: np.concatenate([one[name] for one in seen]) for name in seen[0]}
            rows.append(
                {"constraints": level, "correlation time": f"{time:g} frames"}
                | {name: f"{100 * np.nanmean(hits):.1f} %" for name, hits in found.items()}
            )
    return rows


def covered(fit: cgcore.FitResult, truth: cgcore.FitResult, synthetic: Synthetic) -> dict[str, np.ndarray]:
    """Whether intervals contain the truth: 1 or 0, NaN without an interval."""
    errors = cgcore.error_bars(fit)
    hits: dict[str, list[float]] = {"parameters": []}
    for name, one in errors.parameters.items():
        inside = (one.low <= truth.fitted_params[name]) & (truth.fitted_params[name] <= one.high)
        hits["parameters"] += np.where(one.decided & ~one.held, inside, np.nan).ravel().tolist()
    c = cgcore.to_coefficients(truth.fitted_params)
    for term, (low, high) in POTENTIALS.items():
        x = np.linspace(low, high, POINTS)
        one, own = errors.potential([(term, 0)], x, np.ones(POINTS)), synthetic.energies(term, x, c)
        hits[f"{term} potential"] = np.where(one.decided, (one.low <= own) & (own <= one.high), np.nan).tolist()
    explained = truth.certificate.loss + 3 * synthetic.noise**2
    gain = truth.certificate.initial_loss - truth.certificate.loss
    for name, value in (("train_loss", explained), ("train_gain", gain)):
        one = errors.losses[name]
        hits["loss" if name == "train_loss" else "decrease of the loss"] = [float(one.low <= value <= one.high)]
    return {name: np.array(one) for name, one in hits.items()}


class Synthetic(NamedTuple):
    """Frames with forces of a known prior.

    Arguments:
        prior: initial prior of the fits.
        made: factor of the frames.
        Q: orthonormal basis of the columns of each block.
        R: corresponding triangular factor of each block.
        forces: forces of the known prior, block by block.
        noise: standard deviation of the noise of each component [kcal/mol/Å].
    """

    prior: cgcore.Prior
    made: cgcore.Factor
    Q: list[Float[np.ndarray, "rows n"]]
    R: list[Float[np.ndarray, "n n"]]
    forces: list[Float[np.ndarray, " rows"]]
    noise: float

    @classmethod
    def of_bundled(cls) -> Synthetic:
        """The bundled frames with the forces of their own fit, and noise of the size of its residuals."""
        data, prior = cgcore.datasets.chignolin(), cgcore.default_prior()
        result = cgcore.fit(data, prior)
        c = cgcore.to_coefficients(result.fitted_params)
        batch = data.join()
        lengths = np.asarray(batch.mask).astype(bool).sum(axis=1)
        with jax.enable_x64(True):
            X = np.asarray(cgcore.design_matrix(prior.linear, jnp.asarray(batch.R, jnp.float64), jnp.asarray(lengths)))
        X = X.transpose(3, 2, 1, 0)
        Q, R, forces = [], [], []
        for block in result.factor.blocks:
            rows = X[block.ranges[0, 0] : block.ranges[0, 1]].reshape(-1, X.shape[-1])
            q, r = np.linalg.qr(rows)
            Q.append(q)
            R.append(r)
            forces.append(rows @ c)
        return cls(prior, result.factor, Q, R, forces, float(np.sqrt(result.train_loss / 3)))

    def factor(self, noise: Float[np.ndarray, "frames components"] | None) -> cgcore.Factor:
        """The factor of the frames with this noise added to the known forces."""
        blocks, start = [], 0
        for block, Q, R, known in zip(self.made.blocks, self.Q, self.R, self.forces, strict=True):
            F = known if noise is None else known + noise[start : start + block.frames].ravel()
            start += block.frames
            z = Q.T @ F
            S = np.zeros((len(R) + 1, len(R) + 1))
            S[:-1, :-1], S[:-1, -1], S[-1, -1] = R, z, np.sqrt(max(F @ F - z @ z, 0.0))
            signs = np.where(np.diag(S) < 0, -1.0, 1.0)
            blocks.append(replace(block, S=signs[:, None] * S))
        return replace(self.made, blocks=tuple(blocks))

    def energies(self, term: str, x: np.ndarray, c: np.ndarray) -> np.ndarray:
        """Energies of a term, minus their mean [kcal/mol]."""
        layout = self.made.fingerprint.layout
        own = next(one for one in layout.terms if one.name == term)
        energy = own.weight * c[layout.slices[term]] @ np.asarray(own.basis.functions(x))
        return energy - energy.mean()


def correlated(rng: np.random.Generator, frames: int, components: int, time: float) -> np.ndarray:
    """Noise of variance 1 whose correlation falls by a factor of e in `time` frames, (frames, components)."""
    if time == 0:
        return rng.normal(size=(frames, components))
    phi = np.exp(-1 / time)
    driven = rng.normal(size=(frames, components)) * np.sqrt(1 - phi**2)
    driven[0] /= np.sqrt(1 - phi**2)
    return np.asarray(lfilter([1.0], [1.0, -phi], driven, axis=0))


def _fits(synthetic: Synthetic, time: float, sets: int, options: cgcore.Options) -> Iterator[cgcore.FitResult]:
    rng = np.random.default_rng(0)
    components = len(synthetic.forces[0]) // synthetic.made.blocks[0].frames
    for _ in range(sets):
        noise = synthetic.noise * correlated(rng, synthetic.made.frames, components, time)
        yield cgcore.fit(synthetic.factor(noise), synthetic.prior, options)


if __name__ == "__main__":
    main()
