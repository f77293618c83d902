"""What the findings about a data set are based on: the stiffness of its bonds, from forces and from fluctuations."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

import cgcore
from validation.admissible import KT_PER_KELVIN
from validation.check import Row, at_most, check, equal, refuses
from validation.context import Context
from validation.explicit import Array
from validation.stored.stored_frames import KJ_PER_KCAL
from validation.tolerances import near, relative

FRAMES, PARTS, KELVIN = (60, 41), 10, 320.0
"""Number of frames of two proteins; parts into which the frames of each are cut for the jackknife; temperature."""

SHORTER, SHORT = 0.9, 4
"""Å by which a bond of the first protein is shortened, as by a cis peptide bond, and the bead that it begins at."""

BROKEN = 20.0
"""Å by which a part of a chain is moved away."""

EXACT = 1e-10
"""Tolerance of the same sums in another order (observed: 1e-14)."""

Rows = tuple[Array, Array, Array]
"""For a part of the frames: columns of the regression (stretch of bonds, 1), forces, and the stretch of each bond."""


@check("judgement", quick=True)
def judgement(context: Context) -> Iterator[Row]:
    """kr var(r) / kT of two proteins with bonds of two lengths, its jackknife error, and sizes of bonds and forces."""
    batch = context.some(sum(FRAMES)).join()
    lengths = np.full(len(batch.R), int(batch.mask[0].sum()))
    lengths[FRAMES[0] :] -= 2
    R, F = (np.array(x, float) for x in (batch.R, batch.F))
    first = R[: FRAMES[0]]
    step = first[:, SHORT + 1] - first[:, SHORT]
    first[:, SHORT + 1 :] -= SHORTER * (step / np.linalg.norm(step, axis=-1, keepdims=True))[:, None]
    chains = [(R[k, :n], F[k, :n]) for k, n in enumerate(lengths)]
    mask = np.arange(R.shape[1]) < lengths[:, None]
    data = cgcore.from_arrays(R, F, mask, temperature=KELVIN, accept_faults=True)
    found = cgcore.inspect(data).judgement
    (source,) = found.sources
    ratio = source.ratio
    assert ratio is not None
    yield equal("findings about bonds", [one.code for one in found.findings if "bond" in one.code] == [], True)
    yield equal("temperature", source.temperature, KELVIN)
    proteins = [chains[: FRAMES[0]], chains[FRAMES[0] :]]
    medians = [float(np.median(np.concatenate([_lengths(R) for R, _ in one]))) for one in proteins]
    yield near("median bond", source.median_bond, float(np.average(medians, weights=FRAMES)), EXACT, 1.0)
    sizes = [np.sqrt(np.mean(F**2)) for _, F in chains]
    yield at_most("sizes of forces", relative(source.force_rms, sizes), EXACT, "relative")

    parts = [part for one in proteins for part in _parts(one)]
    kT = KT_PER_KELVIN * KELVIN
    kr, variance, explained, formal = _fitted(parts)
    yield near("kr", ratio.kr, kr, EXACT, 1.0)
    yield near("kr var(r) / kT", ratio.value, kr * variance / kT, EXACT, 1.0)
    yield near("squared forces that bonds explain", ratio.explained, explained, EXACT, 1.0)
    without = [_fitted([*parts[:k], *parts[k + 1 :]]) for k in range(len(parts))]
    others = np.array([kr * variance for kr, variance, *_ in without])
    jackknife = np.sqrt((len(others) - 1) / len(others) * np.sum((others - others.mean()) ** 2))
    error = max(jackknife, formal * variance) / kT
    yield near("error of kr var(r) / kT", ratio.error, error, EXACT, 1.0)
    yield from _refused()


def _refused() -> Iterator[Row]:
    """Frames that are certainly wrong are refused wherever they enter a fit."""
    data = cgcore.datasets.chignolin().subset(sum(FRAMES))
    batch, prior = data.join(), cgcore.default_prior().part(["bond"])  # compiles quickly
    broken = batch.R.copy()
    broken[0, SHORT:] += BROKEN
    given = {
        "right": (batch.R, batch.F),
        "wrong sign": (batch.R, -batch.F),
        "wrong unit": (batch.R, KJ_PER_KCAL * batch.F),
        "one broken bond": (broken, batch.F),
    }
    for case, (R, F) in given.items():
        other = cgcore.from_arrays(R, F, batch.mask)
        for way, (train, held_out) in {"fitted to": (other, None), "held out": (data, other)}.items():
            refused = refuses(partial(cgcore.fit, train, prior, validation=held_out))
            yield equal(f"{case}, {way}, refused", refused, case != "right")


def _lengths(R: Array) -> Array:
    return np.linalg.norm(np.diff(R, axis=0), axis=1)


def _parts(chains: list[tuple[Array, Array]]) -> list[Rows]:
    """Contiguous parts of a protein's frames."""
    middles = np.median([_lengths(R) for R, _ in chains], axis=0)
    rows = []
    for R, F in chains:
        steps, r = np.diff(R, axis=0), _lengths(R)
        X = np.zeros((*R.shape, 2))
        for bond, (unit, stretch) in enumerate(zip(steps / r[:, None], r - middles, strict=True)):
            pull = unit[:, None] * np.array([stretch, 1.0])
            X[bond] += pull
            X[bond + 1] -= pull
        rows.append((X.reshape(-1, 2), F.ravel(), r - middles))
    cuts = np.array_split(np.arange(len(rows)), PARTS)
    return [_joined([rows[k] for k in part]) for part in cuts]


def _joined(rows: list[Rows]) -> Rows:
    X, F, stretch = (np.concatenate(column) for column in zip(*rows, strict=True))
    return X, F, stretch


def _fitted(parts: list[Rows]) -> tuple[float, float, float, float]:
    """kr, the variance of bonds, the fraction of the squared forces that is explained, and the formal error of kr."""
    X, F, stretch = _joined(parts)
    c, left, *_ = np.linalg.lstsq(X, F, rcond=None)
    covariance = np.linalg.inv(X.T @ X) * left[0] / (len(F) - 2)
    return float(c[0]), float(np.mean(stretch**2)), float(1 - left[0] / (F @ F)), float(np.sqrt(covariance[0, 0]))
