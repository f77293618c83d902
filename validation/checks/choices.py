"""What a fit is asked for beside the data: terms that stay as they are, groups that are held together, scans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

import cgcore
from validation import explicit, explicit_terms
from validation.check import Row, at_most, check, equal
from validation.context import Context, five_terms, unconstrained, with_harmonics
from validation.explicit import Array, System
from validation.tolerances import near, relative

FRAMES, FOLDS = 60, 10
TOLERANCE = 1e-9
WEIGHT, HARMONICS, SPECIES = 0.7, 2, (0, 1, 2)
SMOOTHNESS, POOLING = 1e-3, 0.3
LENGTH, OTHER = 6.0, 12.0
"""Debye lengths [Å]: of the forces that are made, and of another prior."""


@check("choices", quick=True)
def choices(context: Context) -> Iterator[Row]:
    """Frozen terms, pooled groups and their cross-validation, and a scan, against LAPACK on explicit matrices."""
    batch = context.some(FRAMES).join()
    R, F = np.asarray(batch.R, float), np.asarray(batch.F, float)
    yield from _frozen(with_harmonics(five_terms(context.prior), 2, 2), R, F)
    yield from _pooled(context.prior, R, F)
    yield from _scanned(context.prior, R)


def _frozen(prior: cgcore.Prior, R: Array, F: Array) -> Iterator[Row]:
    system = explicit.system(cgcore.from_arrays(R, F).join(), prior.weights, prior.params)
    start, layout = explicit.coefficients(prior.params), cgcore.Layout.of(prior)
    held = np.zeros(len(start), bool)
    held[:2] = held[-2] = True  # the bond's and the repulsion's
    X, rest = system.X[:, ~held], system.F - system.X[:, held] @ start[held]
    scale = np.linalg.norm(X, axis=0)
    best = start.copy()
    best[~held] = np.linalg.lstsq(X / scale, rest, rcond=None)[0] / scale
    chosen = replace(prior, frozen=frozenset({"bond", "repulsive"}))
    fit = cgcore.fit(cgcore.from_arrays(R, F), chosen, unconstrained(truncation=0.0))
    c = explicit.coefficients(fit.fitted_params)
    yield near("frozen, loss at the start", fit.certificate.initial_loss, system.loss(start), TOLERANCE, 1.0)
    yield near("frozen, least loss", fit.train_loss, system.loss(best), TOLERANCE, 1.0)
    yield at_most("frozen, coefficients", relative(c[~held], best[~held]), 1e-6, "relative")
    yield equal("frozen, what stays", str(c[held].tolist()), str(start[held].tolist()))
    yield equal("frozen, coefficients that are fitted", len(fit.identifiability.kept), layout.size - 3)


def _groups() -> cgcore.Term:
    groups = cgcore.Groups.of_species("central", (*SPECIES, 9))
    return cgcore.Term("angle", cgcore.Rows("angles"), cgcore.bases.Fourier(HARMONICS), WEIGHT, groups)


@dataclass(frozen=True)
class _Penalised:
    """|X c - F|² over the beads, with the penalties of roughness and of groups that differ."""

    system: System
    size: int

    def __post_init__(self) -> None:
        A, each = self.system.X / np.sqrt(self.system.beads), self.system.X.shape[1] // self.size
        n = np.tile(np.arange(1.0, HARMONICS + 1), 2)
        D = WEIGHT * np.tile(n**2, each) / np.sqrt(2)
        felt = np.linalg.norm(A, axis=0) > 0
        unit = np.linalg.norm(A[:, felt] / D[felt], 2) ** 2
        parts = A.reshape(len(A), each, self.size).transpose(1, 0, 2)
        share = np.sum(parts**2, axis=(1, 2)) / np.sum(parts**2)
        M = sum(part.T @ part for part in parts)
        away = np.eye(each) - share[None]
        object.__setattr__(self, "rough", np.diag(np.sqrt(unit) * D * felt))
        object.__setattr__(self, "apart", np.kron(away, np.linalg.cholesky(M).T) / np.sqrt(each))

    def optimum(self, rows: Array, smoothness: float, pooling: float) -> Array:
        """The coefficients of the least objective on some of the rows of forces."""
        X, F = self.system.X[rows], self.system.F[rows]
        penalty = np.vstack([np.sqrt(smoothness) * self.rough, np.sqrt(pooling) * self.apart])  # type: ignore[attr-defined]
        root = np.sqrt(rows.sum() / 3)
        return np.linalg.lstsq(np.vstack([X / root, penalty]), np.r_[F / root, np.zeros(len(penalty))], rcond=None)[0]

    def loss(self, c: Array, rows: Array) -> float:
        """Loss of some of the rows, per bead."""
        return float(np.sum((self.system.X[rows] @ c - self.system.F[rows]) ** 2) / (rows.sum() / 3))


def _pooled(prior: cgcore.Prior, R: Array, F: Array) -> Iterator[Row]:
    """Groups of angles, one of which no bead is in: at a strength that is given, and at all of the grid."""
    chosen = prior.part([]).with_terms([_groups()])
    species = np.tile((5 * np.arange(R.shape[1]) // 3) % len(SPECIES), (len(R), 1))
    data = cgcore.from_arrays(R, F, species=species, accept_faults=True)
    known = _Penalised(explicit_terms.system(data.join(), chosen.terms), 2 * HARMONICS)
    every = np.ones(len(known.system.F), bool)
    factor = cgcore.compress(data, cgcore.Fingerprint.of(chosen))
    settings = {"constraints": "none", "smoothness": SMOOTHNESS}
    fit = cgcore.fit(factor, chosen, cgcore.Options(**settings, pooling=POOLING))
    best = known.optimum(every, SMOOTHNESS, POOLING)
    yield at_most("pooled, coefficients", relative(np.ravel(fit.fitted_params["angle"]), best), 1e-6, "relative")
    yield near("pooled, loss", fit.train_loss, known.loss(best, every), TOLERANCE, 1.0)
    yield equal("pooled, a group that no bead is in", "angle[species 9]" in fit.identifiability.without_data, True)
    free = cgcore.fit(factor, chosen, cgcore.Options(**settings))
    assert free.pooling is not None
    curve = free.pooling.curve
    assert curve is not None
    folds = np.repeat(np.arange(FOLDS), len(every) // FOLDS)
    losses = np.array(
        [
            [known.loss(known.optimum(folds != k, SMOOTHNESS, value), folds == k) for value in curve.values]
            for k in range(FOLDS)
        ]
    )
    held_out, train = (
        losses.mean(axis=0),
        [known.loss(known.optimum(every, SMOOTHNESS, p), every) for p in curve.values],
    )
    lowest = int(np.argmin(held_out))
    error = np.std(losses - losses[:, [lowest]], axis=0, ddof=1) / np.sqrt(FOLDS)
    spread = np.std(losses, axis=0, ddof=1) / np.sqrt(FOLDS)
    chosen_at = int(np.argmax(held_out <= held_out[lowest] + error))
    yield at_most("pooled, training losses of the grid", relative(curve.train_loss, train), 1e-7, "relative")
    yield at_most("pooled, held-out losses of the grid", relative(curve.held_out_loss, held_out), 1e-7, "relative")
    yield at_most("pooled, standard errors", relative(curve.standard_error, error), 1e-5, "relative")
    yield at_most("pooled, errors of the losses", relative(curve.held_out_error, spread), 1e-6, "relative")
    yield equal("pooled, chosen", curve.chosen, chosen_at)
    yield equal("pooled, strength of the fit", free.pooling.strength, curve.values[chosen_at])


def _scanned(prior: cgcore.Prior, R: Array) -> Iterator[Row]:
    """Forces of a screened charge: its length is found, whether it is the first that is tried or the last."""
    angle = cgcore.Term("angle", cgcore.Rows("angles"), cgcore.bases.Fourier(HARMONICS))
    salt = cgcore.Term("salt", cgcore.Rows("pairs", 3), cgcore.bases.DebyeHueckel(LENGTH))
    truth = prior.part([]).with_terms([angle, salt])
    forces = explicit_terms.system(cgcore.from_arrays(R, R, accept_faults=True).join(), truth.terms).X
    c = np.array([20.0, -10.0, 5.0, 8.0, 300.0])
    F = (forces @ c).reshape(R.shape) + np.random.default_rng(0).normal(size=R.shape)
    data = cgcore.from_arrays(R, F, accept_faults=True)
    options = cgcore.Options(constraints="none")
    for order in ((LENGTH, OTHER), (OTHER, LENGTH)):
        found = cgcore.scan(data, truth, {"salt.length": order}, options)
        name = f"scan of {order[0]:g} and {order[1]:g} Å"
        yield equal(f"{name}, values", str(found.values), str(tuple((value,) for value in order)))
        yield equal(f"{name}, best", order[found.best], LENGTH)
        yield equal(f"{name}, result", found.result.train_loss, found.train_loss[found.best])
        yield equal(f"{name}, length of the result", found.result.prior.further[-1].basis.length, LENGTH)  # type: ignore[attr-defined]
        curve = found.result.curve
        assert curve is not None
        expected = curve.held_out_loss[curve.chosen]
        yield equal(f"{name}, held-out loss", found.held_out_loss[found.best], expected)
