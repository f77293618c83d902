"""Options of a fit besides the data: frozen terms, pooled groups, splines, and scans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import cgcore
from validation import admissible, explicit, explicit_terms
from validation.check import Row, at_most, check, equal
from validation.context import Context, five_terms, unconstrained, with_harmonics
from validation.explicit import Array, System
from validation.tolerances import near, relative

FRAMES, FOLDS = 60, 10
PROTEINS = 80
"""Number of frames of two proteins together, in folds of four."""
UNEQUAL = (30, 18, 12)
"""Number of frames of each of several proteins, which add up to `FRAMES`."""
QUADRATURE, MIDPOINTS = 3000, 1e-6
"""Number of points at which curvatures are summed, and the resulting tolerance (observed: 1e-8)."""
STRAIGHT = 1e-5
"""Relative curvature below which a direction in the space of splines counts as straight."""
TOLERANCE = 1e-9
CURVES = 1e-7
"""Tolerance of fits by inner products, whose strongest penalties are 1e7 times the weakest (observed: 1e-10)."""
WEIGHT, HARMONICS, SPECIES = 0.7, 2, (0, 1, 2)
SMOOTHNESS, POOLING = 1e-3, 0.3
NOISE, LENGTHS = 7, (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Seed of forces that no potential explains, and Debye lengths [Å]: one fits them best, and another one predicts unseen
forces best (losses differ by 1e-5)."""
LENGTH, OTHER, NEARER = 6.0, 12.0, 8.0
"""Debye lengths [Å] of the generated forces, of another prior, and of one that is better than the latter."""


@check("choices", quick=True)
def choices(context: Context) -> Iterator[Row]:
    """Frozen terms, pooled groups, cross-validated curves, splines, and a scan, against LAPACK on explicit matrices."""
    batch = context.some(FRAMES).join()
    R, F = np.asarray(batch.R, float), np.asarray(batch.F, float)
    yield from _frozen(with_harmonics(five_terms(context.prior), 2, 2), R, F)
    more = context.some(PROTEINS).join()
    yield from _curves(with_harmonics(five_terms(context.prior), 2, 2), *(np.asarray(x, float) for x in more[:2]))
    yield from _splines(context.prior, R, F)
    yield from _pooled(context.prior, R, F, np.zeros(FRAMES, int))
    yield from _pooled(context.prior, R, F, np.repeat(np.arange(len(UNEQUAL)), UNEQUAL))
    yield from _scanned(context.prior, R)


def _frozen(prior: cgcore.Prior, R: Array, F: Array) -> Iterator[Row]:
    system = explicit.system(cgcore.from_arrays(R, F).join(), prior.weights, prior.params)
    start, layout = explicit.coefficients(prior.params), cgcore.Layout.of(prior)
    held = np.zeros(len(start), bool)
    held[:2] = held[-2] = True  # the coefficients of the bond and the repulsion
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
    """|X c - F|² per bead, with penalties for roughness and for differences between groups."""

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
        """The coefficients of the least objective on the selected rows of forces."""
        X, F = self.system.X[rows], self.system.F[rows]
        penalty = np.vstack([np.sqrt(smoothness) * self.rough, np.sqrt(pooling) * self.apart])  # type: ignore[attr-defined]
        root = np.sqrt(rows.sum() / 3)
        return np.linalg.lstsq(np.vstack([X / root, penalty]), np.r_[F / root, np.zeros(len(penalty))], rcond=None)[0]

    def loss(self, c: Array, rows: Array) -> float:
        """Loss per bead on the selected rows."""
        return float(np.sum((self.system.X[rows] @ c - self.system.F[rows]) ** 2) / (rows.sum() / 3))


def _pooled(prior: cgcore.Prior, R: Array, F: Array, protein: Array) -> Iterator[Row]:
    """Groups of angles, one of which contains no bead, fitted at a given pooling strength and at every strength of
    the grid. `protein` is a number for each frame: the folds are the proteins if there are several."""
    chosen, count = prior.part([]).with_terms([_groups()]), protein.max() + 1
    name = "pooled" if count == 1 else "pooled, proteins"
    species = (5 * np.arange(R.shape[1]) // 3 + protein[:, None]) % len(SPECIES)
    data = cgcore.from_arrays(R, F, species=species, accept_faults=True)
    known = _Penalised(explicit_terms.system(data.join(), chosen.terms), 2 * HARMONICS)
    every = np.ones(len(known.system.F), bool)
    factor = cgcore.compress(data, cgcore.Fingerprint.of(chosen))
    settings = {"constraints": "none", "smoothness": SMOOTHNESS}
    fit = cgcore.fit(factor, chosen, cgcore.Options(**settings, pooling=POOLING))
    best = known.optimum(every, SMOOTHNESS, POOLING)
    yield at_most(f"{name}, coefficients", relative(np.ravel(fit.fitted_params["angle"]), best), 1e-6, "relative")
    yield near(f"{name}, loss", fit.train_loss, known.loss(best, every), TOLERANCE, 1.0)
    yield equal(f"{name}, a group that no bead is in", "angle[species 9]" in fit.identifiability.without_data, True)
    free = cgcore.fit(factor, chosen, cgcore.Options(**settings))
    assert free.pooling is not None
    curve = free.pooling.curve
    assert curve is not None
    by_frame = np.arange(FRAMES) * FOLDS // FRAMES if count == 1 else protein
    folds, sizes = np.repeat(by_frame, len(every) // FRAMES), np.bincount(by_frame)
    losses = np.array(
        [
            [known.loss(known.optimum(folds != k, SMOOTHNESS, value), folds == k) for value in curve.values]
            for k in range(len(sizes))
        ]
    )
    held_out, train = (
        np.average(losses, axis=0, weights=sizes),
        [known.loss(known.optimum(every, SMOOTHNESS, p), every) for p in curve.values],
    )
    lowest = int(np.argmin(held_out))
    error = np.std(losses - losses[:, [lowest]], axis=0, ddof=1) / np.sqrt(len(sizes))
    spread = np.std(losses, axis=0, ddof=1) / np.sqrt(len(sizes))
    chosen_at = int(np.argmax(held_out <= held_out[lowest] + error))
    yield at_most(f"{name}, training losses of the grid", relative(curve.train_loss, train), 1e-7, "relative")
    yield at_most(f"{name}, held-out losses of the grid", relative(curve.held_out_loss, held_out), 1e-7, "relative")
    yield at_most(f"{name}, standard errors", relative(curve.standard_error, error), 1e-5, "relative")
    yield at_most(f"{name}, errors of the losses", relative(curve.held_out_error, spread), 1e-6, "relative")
    yield equal(f"{name}, chosen", curve.chosen, chosen_at)
    yield equal(f"{name}, strength of the fit", free.pooling.strength, curve.values[chosen_at])


def _scanned(prior: cgcore.Prior, R: Array) -> Iterator[Row]:
    """Forces that include a screened charge: the scan finds its Debye length, tried first or second."""
    angle = cgcore.Term("angle", cgcore.Rows("angles"), cgcore.bases.Fourier(HARMONICS))
    salt = cgcore.Term("salt", cgcore.Rows("pairs", 3), cgcore.bases.DebyeHueckel(LENGTH))
    truth = prior.part([]).with_terms([angle, salt])
    forces = explicit_terms.system(cgcore.from_arrays(R, R, accept_faults=True).join(), truth.terms).X
    c = np.array([20.0, -10.0, 5.0, 8.0, 300.0])
    F = (forces @ c).reshape(R.shape) + np.random.default_rng(0).normal(size=R.shape)
    data = cgcore.from_arrays(R, F, accept_faults=True)
    options = cgcore.Options(constraints="none")
    for order in ((LENGTH, OTHER), (OTHER, LENGTH, NEARER)):
        found = cgcore.scan(data, truth, {"salt.length": order}, options)
        name = f"scan of {', '.join(f'{length:g}' for length in order)} Å"
        yield equal(f"{name}, values", str(found.values), str(tuple((value,) for value in order)))
        yield equal(f"{name}, best", order[found.best], LENGTH)
        yield equal(f"{name}, result", found.result.train_loss, found.train_loss[found.best])
        yield equal(f"{name}, length of the result", found.result.prior.further[-1].basis.length, LENGTH)  # type: ignore[attr-defined]
        curve = found.result.curve
        assert curve is not None
        expected = curve.held_out_loss[curve.chosen]
        yield equal(f"{name}, held-out loss", found.held_out_loss[found.best], expected)
    noise = cgcore.from_arrays(R, np.random.default_rng(NOISE).normal(size=R.shape), accept_faults=True)
    found = cgcore.scan(noise, truth, {"salt.length": LENGTHS}, options)
    lowest = [int(np.argmin(losses)) for losses in (found.train_loss, found.held_out_loss)]
    yield equal("scan of noise, fits of the lowest losses differ", lowest[0] != lowest[1], True)
    yield equal("scan of noise, best", found.best, lowest[1])
    yield equal("scan of noise, result", found.result.train_loss, found.train_loss[lowest[1]])


def _curves(prior: cgcore.Prior, R: Array, F: Array) -> Iterator[Row]:
    """Cross-validation of smoothness and of truncation, repeating every fit of the grid without each fold."""
    protein = np.repeat([0, 1], len(R) // 2)
    data = cgcore.from_arrays(R, F, species=protein[:, None] * np.ones(R.shape[1], int), accept_faults=True)
    whole = explicit.system(data.join(), prior.weights, prior.params)
    factor, start = cgcore.compress(data, cgcore.Fingerprint.of(prior)), explicit.coefficients(prior.params)
    rows = len(whole.F) // len(R)
    fold = np.repeat(np.tile(np.repeat(np.arange(FOLDS), len(R) // 2 // FOLDS), 2), rows)
    protein = np.repeat(protein, rows)
    D = admissible.curvature(prior.weights, prior.params)
    strongest = np.linalg.qr(admissible.smoothed(whole, prior, 1.0, 0 * start)[0][len(whole.F) :], mode="r")

    def part(rows: Array) -> System:
        return System(whole.X[rows], whole.F[rows], int(rows.sum()) // 3)

    def smooth(system: System, strength: float) -> Array:
        root = np.sqrt(system.beads)
        M = np.vstack([system.X / root, np.sqrt(strength) * strongest])
        scale = np.linalg.norm(M, axis=0)
        t = np.r_[system.F / root, np.zeros(len(strongest))]
        return np.linalg.lstsq(M / scale, t, rcond=None)[0] / scale

    def cut(system: System, cutoff: float) -> Array:
        return system.optimum(start, system.kept(cutoff))

    for name, fitted, settings in (
        ("smoothness", smooth, cgcore.Options(constraints="none")),
        ("truncation", cut, unconstrained()),
    ):
        fit = cgcore.fit(factor, prior, settings)
        curve = fit.curve
        assert curve is not None

        def unseen(labels: Array, count: int, values: list[float] = curve.values, fitted: Any = fitted) -> Array:
            """For each part, the losses on it of the fits to the other parts (parts, values)."""
            pairs = [(part(labels == k), part(labels != k)) for k in range(count)]
            return np.array([[own.loss(fitted(others, x)) for x in values] for own, others in pairs])

        losses = unseen(fold, FOLDS)
        every = [fitted(whole, value) for value in curve.values]
        held_out, lowest = losses.mean(axis=0), int(np.argmin(losses.mean(axis=0)))
        error = np.std(losses - losses[:, [lowest]], axis=0, ddof=1) / np.sqrt(FOLDS)
        chosen = int(np.argmax(held_out <= held_out[lowest] + error))
        roughness = [float(np.linalg.norm(D @ c)) for c in every]
        for what, ours, theirs in (
            ("training losses", curve.train_loss, [whole.loss(c) for c in every]),
            ("held-out losses", curve.held_out_loss, held_out),
            ("standard errors", curve.standard_error, error),
            ("losses on the other protein", curve.held_out_protein_loss, unseen(protein, 2).mean(axis=0)),
            ("roughness", curve.roughness, roughness),
        ):
            yield at_most(f"{name}, {what} of the grid", relative(ours, theirs), CURVES, "relative")
        yield equal(f"{name}, best and chosen", f"{curve.best} {curve.chosen}", f"{lowest} {chosen}")
        used = float((fit.smoothness if name == "smoothness" else fit.cutoff) or 0.0)
        yield equal(f"{name}, of the fit", used, curve.values[chosen])
        c = explicit.coefficients(fit.fitted_params)
        yield near(f"{name}, loss of the fit", whole.loss(c), whole.loss(every[chosen]), CURVES, 1.0)
        if name == "smoothness":
            directions = [_trace(whole, D, value) for value in curve.values]
            yield at_most("smoothness, directions", relative(curve.directions, directions), 1e-6, "relative")
            U = whole.directions[1]
            hat = whole.X @ np.linalg.solve(_normal(whole, D, curve.values[chosen]), whole.X.T @ U)
            decided = np.sum(U * hat, axis=0) > 0.5
            yield equal("smoothness, directions of the fit", str(fit.identifiability.kept), str(decided.tolist()))


def _normal(system: System, D: Array, strength: float) -> Array:
    """The matrix of the normal equations of a fit with this smoothness."""
    series = np.linalg.norm(D, axis=0) > 0
    unit = np.linalg.norm(system.X[:, series] / np.linalg.norm(D[:, series], axis=0), 2) ** 2
    return system.X.T @ system.X + strength * unit * D.T @ D


def _trace(system: System, D: Array, strength: float) -> float:
    """Trace of the map from forces to fitted forces under a roughness penalty."""
    scale = np.outer(size := np.linalg.norm(system.X, axis=0), size)
    return float(np.trace(np.linalg.solve(_normal(system, D, strength) / scale, system.X.T @ system.X / scale)))


def _splines(prior: cgcore.Prior, R: Array, F: Array) -> Iterator[Row]:
    """A smoothed fit of splines of bonds, angles and pairs.

    Each kind of potential has its own unit of roughness, and straight potentials have none.
    """
    bases, rows = cgcore.bases, cgcore.Rows
    terms = (
        cgcore.Term("bond", rows("bonds"), bases.BSpline((3.7, 3.8, 3.9, 4.0)), 0.5),
        cgcore.Term("angle", rows("angles"), bases.BSpline((1.4, 1.7, 2.0, 2.3, 2.6)), 0.25),
        cgcore.Term("pair", rows("pairs", 3, 4), bases.BSpline((4.0, 6.0, 8.0, 10.0, 12.0), 3, "cutoff"), 0.9),
    )
    chosen = prior.part([]).with_terms(terms)
    data = cgcore.from_arrays(R, F, accept_faults=True)
    system, n = explicit_terms.system(data.join(), chosen.terms), [term.basis.size for term in terms]
    A, ends = system.X / np.sqrt(system.beads), np.cumsum(n)
    penalties, straight = [], []
    for term, end in zip(terms, ends, strict=True):
        basis: Any = term.basis
        knots = np.array(basis.knots)
        x = knots[0] + (knots[-1] - knots[0]) * (np.arange(QUADRATURE) + 0.5) / QUADRATURE
        bent = explicit_terms.splines(tuple(knots), 3, basis.ends, x, 2).T * term.weight / np.sqrt(QUADRATURE)
        bent = np.asarray(np.linalg.qr(bent, mode="r"))  # the same sum of squares, with as many rows as coefficients
        D = np.zeros((len(bent), A.shape[1]))
        D[:, end - term.basis.size : end] = bent
        values, V = np.linalg.eigh(bent.T @ bent)
        straight.append(A[:, end - term.basis.size : end] @ V[:, values < STRAIGHT**2 * values[-1]])
        penalties.append(D)
    Q = np.linalg.qr(np.hstack(straight))[0]
    M, t = [A], [system.F / np.sqrt(system.beads)]
    for D in penalties:
        Z = A @ np.linalg.pinv(D, STRAIGHT)
        unit = np.linalg.norm(Z - Q @ (Q.T @ Z), 2) ** 2
        M.append(np.sqrt(SMOOTHNESS * unit) * D)
        t.append(np.zeros(len(D)))
    scale = np.linalg.norm(np.vstack(M), axis=0)
    best = np.linalg.lstsq(np.vstack(M) / scale, np.concatenate(t), rcond=None)[0] / scale
    fit = cgcore.fit(data, chosen, cgcore.Options(constraints="none", smoothness=SMOOTHNESS))
    found = np.concatenate([np.ravel(fit.fitted_params[term.name]) for term in terms])
    yield at_most("splines, smoothed, forces", relative(A @ found, A @ best), MIDPOINTS, "relative")
    yield near("splines, smoothed, loss", fit.train_loss, system.loss(best), MIDPOINTS, 1.0)
