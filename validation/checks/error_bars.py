"""Error bars and learning curves against refits of drawn frames, by LAPACK, and by SciPy under constraints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

import cgcore
from cgcore.export.potentials import Sum, potentials
from cgcore.fitting.blocking import Blocking, blocking
from cgcore.report.bands import band
from validation import admissible, explicit
from validation.check import Row, at_most, check, equal
from validation.context import Context, five_terms, with_harmonics
from validation.duality import stated
from validation.explicit import Array
from validation.explicit_terms import functions
from validation.resampling import Blocks, Pools, blocks_of, fold_of, pools
from validation.tolerances import near, relative

FRAMES, RESAMPLES, SEED, LEVEL = 410, 40, 3, 0.9
"""The first three quarters of the frames, 307, make blocks of unequal size."""
SMOOTHNESS = 1e-2
EXACT = 1e-8
"""Tolerance between least squares from squares and from rows. At the condition number of these few harmonics, half
of the digits remain (observed: 1e-11)."""
SOLVED = 1e-6
"""Tolerance where SciPy's SLSQP is involved."""

CASES = {"blocks": (1, 20, "blocks"), "two proteins": (2, 10, "blocks"), "six proteins": (6, 3, "auto")}
"""Number of proteins, blocks of each protein, and what is resampled."""

NUMBERS = ((20,), (9, 8), (12, 2), (14, 1), (5, 6, 7), (3, 4, 5, 3), (30, 6, 9))
"""Numbers of blocks of each protein."""

DRIFT, DRIFTS = 600.0, 25.0
"""Amplitude [kcal/mol/Å²] and frequency of a stiffness that oscillates four times over all frames, which are in
blocks of fifteen."""

LEFT = 4
"""Number of directions that a truncated fit leaves out."""

DRAWS = 2
PARTS = (0.06, 0.1, 0.15, 0.22, 0.33, 0.5, 0.7, 1.0)
"""Fractions of the frames that are not held out."""
FORM = 0.2
"""Smallest of these fractions from which loss = limit + a / N is fitted."""


@check("error-bars", quick=True, needs=("scipy",))
def error_bars(context: Context) -> Iterator[Row]:
    """Error bars by blocks, strata and proteins, and the learning curve, from refits of explicit matrices."""
    prior = with_harmonics(five_terms(context.prior), 2, 2)
    batch = context.some(FRAMES).join()
    R, F = np.asarray(batch.R, float), np.asarray(batch.F, float)
    yield from _bands(R, F)
    yield from _of_any_number()
    yield from _truncated(R, F, prior)
    held = len(R) * 3 // 4
    # With a stiffness that drifts, errors of neighbouring blocks are correlated.
    drift = DRIFT * np.sin(DRIFTS * np.arange(len(R)) / len(R))
    drifting = F + drift[:, None, None] * (explicit.matrix(R, prior.weights, prior.params)[..., :2] @ [1.0, 3.8])
    for name, (proteins, blocks, by) in CASES.items():
        forces = drifting if proteins == 1 else F
        species = (np.arange(held) * proteins // held)[:, None] * np.ones(R.shape[1], int)
        data = cgcore.from_arrays(R[:held], forces[:held], species=species, accept_faults=True)
        factor = cgcore.compress(data, cgcore.Fingerprint.of(prior), blocks=blocks)
        unseen = cgcore.from_arrays(R[held:], forces[held:], accept_faults=True) if proteins == 1 else None
        options = cgcore.Options(constraints="none", smoothness=SMOOTHNESS)
        fit = cgcore.fit(factor, prior, options, validation=unseen)
        around = blocks_of(fit, prior, R[:held], forces[:held], proteins, blocks, SMOOTHNESS)
        yield from _errors(name, fit, around, by)
        if unseen is None:
            continue
        others = blocks_of(fit, prior, R[held:], forces[held:], 1, 20, SMOOTHNESS)
        yield from _losses(f"{name}, held out", fit, others, "val", False)
        yield from _curve(fit, around)
        safe = cgcore.fit(factor, prior, cgcore.Options(smoothness=SMOOTHNESS))
        yield from _admitted(safe, prior, R[:held], forces[:held])


def _bands(R: Array, F: Array) -> Iterator[Row]:
    """Values and errors of the potential of each group, and the band of two terms on the same rows in a picture."""
    angle = cgcore.Term("angle", cgcore.Rows("angles"), cgcore.bases.Fourier(2), 0.7, cgcore.Groups("terminal"))
    turn = cgcore.Term("turn", cgcore.Rows("angles"), cgcore.bases.Gaussian((1.6, 2.0), 0.2), 0.4)
    prior = cgcore.default_prior().part([]).with_terms([angle, turn])
    fit = cgcore.fit(cgcore.from_arrays(R, F), prior, cgcore.Options(constraints="none", truncation=0.0))
    found, x = cgcore.error_bars(fit, resamples=20), np.linspace(1.4, 2.6, 7)
    waves, bells = (term.weight * functions(term.basis, x, {}).T for term in (angle, turn))
    for group, c in enumerate(np.asarray(fit.fitted_params["angle"])):
        rows = np.zeros((len(x), c.size * 2 + bells.shape[1]))
        rows[:, c.size * group : c.size * (group + 1)] = waves
        own = found.potential([("angle", group)], x)
        yield at_most(f"potential of group {group}, values", relative(own.value, waves @ c), EXACT, "relative")
        theirs = found.linear(rows).standard_error
        yield at_most(f"potential of group {group}, errors", relative(own.standard_error, theirs), EXACT, "relative")
        rows[:, -bells.shape[1] :] = bells
        of_angle, of_turn = potentials(fit.prior, fit.fitted_params)
        within = band(fit, Sum((of_angle.curves[group], of_turn.curves[0])), x, None)
        assert within is not None
        theirs = fit.errors.linear(rows)
        off = relative((within.below, within.above), (theirs.value - theirs.low, theirs.high - theirs.value))
        yield at_most(f"band of group {group} and another term", off, EXACT, "relative")


def _of_any_number() -> Iterator[Row]:
    """Pools of proteins with different numbers of blocks, of blocks out of order, and of single proteins."""
    rng, bonds = np.random.default_rng(1), cgcore.Fingerprint.of(cgcore.default_prior().part(["bond"]))
    one = cgcore.compress(cgcore.datasets.chignolin().subset(2), bonds, blocks=1).blocks[0]
    for counts in NUMBERS:
        proteins = np.repeat(np.arange(len(counts)), counts)
        drift = np.sin(np.arange(len(proteins)))[:, None] * [1.0, 0.0, 0.0]  # neighbours are correlated
        scores, shares = rng.normal(size=(len(proteins), 3)) + drift, rng.uniform(0.5, 2.0, len(proteins))
        shares /= shares.sum()
        index = np.concatenate([np.arange(count) for count in counts])
        blocks = [replace(one, protein=str(p), index=int(k)) for p, k in zip(proteins, index, strict=True)]
        order = rng.permutation(len(blocks)) if len(counts) == 1 else np.arange(len(blocks))
        found = blocking([blocks[k] for k in order], scores[order], shares[order])
        assert found is not None
        known, name = pools(scores, shares, proteins), f"{' + '.join(map(str, counts))} blocks"
        own = replace(known, of=known.of[order])
        yield from _pooling(name, found, own, "blocks")
        drawn = found.weights(RESAMPLES, np.random.default_rng(SEED))
        yield at_most(f"{name}, weights of draws", relative(drawn, own.drawn(RESAMPLES, SEED)), EXACT, "relative")


def _truncated(R: Array, F: Array, prior: cgcore.Prior) -> Iterator[Row]:
    """A fit that leaves directions out: only quantities that mostly depend on the others have errors."""
    batch = cgcore.from_arrays(R, F).join()
    system = explicit.system(batch, prior.weights, prior.params)
    values, _, basis = system.directions
    cutoff = float(np.sqrt(values[-LEFT] * values[-LEFT - 1]))
    kept = system.kept(cutoff)
    # Each row has a chosen fraction of its square along the directions of the fit.
    rng, fractions = np.random.default_rng(0), np.array([0.0, 0.1, 0.4, 0.49, 0.51, 0.6, 0.9, 1.0])
    along = rng.normal(size=(len(fractions), len(values)))
    for part, share in ((kept, fractions), (~kept, 1 - fractions)):
        along[:, part] *= np.sqrt(share / np.sum(along[:, part] ** 2, axis=1))[:, None]
    fit = cgcore.fit(cgcore.from_arrays(R, F), prior, cgcore.Options(constraints="none", truncation=cutoff))
    errors = cgcore.error_bars(fit, resamples=RESAMPLES).linear(along @ np.linalg.inv(basis)).standard_error
    yield equal("truncated, directions of the fit", str(fit.identifiability.kept), str(kept.tolist()))
    decided = (fractions > 0.5).tolist()
    yield equal("truncated, which quantities the data decide", str(np.isfinite(errors).tolist()), str(decided))


def _errors(name: str, fit: cgcore.FitResult, around: Blocks, by: str) -> Iterator[Row]:
    from scipy.stats import t as student

    found = cgcore.error_bars(fit, by=by, resamples=RESAMPLES, seed=SEED, level=LEVEL)
    by_proteins = by == "auto"
    known = pools(around.scores(), around.shares, around.proteins, by_proteins)
    yield from _pooling(name, found.blocking, known, by)
    refits = np.array([around.refit(weights) for weights in known.drawn(RESAMPLES, SEED)])
    spread = np.std(refits, axis=0, ddof=1) * np.sqrt(known.inflation)
    own = [around.decided(row) > 0.5 for row in np.eye(len(around.c))]
    ours = found.linear(np.eye(len(around.c))).standard_error
    yield equal(f"{name}, coefficients that the data decide", str(np.isfinite(ours).tolist()), str(own))
    yield at_most(f"{name}, errors of coefficients", relative(ours[own] / spread[own], np.ones(sum(own))), EXACT)
    t = float(student.ppf((1 + LEVEL) / 2, known.freedom))
    told: dict[str, bool] = {}  # whether a parameter is known to differ from 0
    phases = 0
    for parameter, (value, gradient) in _parameters(around.c, fit.prior).items():
        own = found.parameters[parameter.split("[")[0]]
        number = int(parameter.split("[")[1][:-1]) if "[" in parameter else ()
        moved = np.array([_parameters(c, fit.prior)[parameter][0] for c in refits]) - value
        if parameter.startswith("gamma"):
            moved = (moved + np.pi) % (2 * np.pi) - np.pi
        error = float(np.sqrt(known.inflation * np.mean(moved**2)))
        decided = around.decided(gradient) > 0.5
        if parameter == "r0" or parameter.startswith("gamma"):  # neither is determined where its amplitude may be 0
            decided = decided and told[parameter.replace("gamma", "k").replace("r0", "kr")]
        told[parameter] = decided and abs(value) > t * error
        phases += decided and parameter.startswith("gamma")
        label = f"{name}, {parameter}"
        yield equal(f"{label}, decided by the data", bool(np.isfinite(own.standard_error[number])), decided)
        if decided:
            low = max(value - t * error, 0.0) if parameter.startswith("k_dih") else value - t * error
            theirs = (value, error, low, value + t * error)
            yield at_most(
                f"{label}, value, error and interval", relative([x[number] for x in own], theirs), EXACT, "relative"
            )
    if name == "two proteins":
        yield equal(f"{name}, some phases are decided", phases > 0, True)
    yield from _losses(name, fit, around, "train", by_proteins)


def _pooling(name: str, chosen: Blocking, known: Pools, by: str) -> Iterator[Row]:
    """Which blocks are drawn together."""
    yield equal(f"{name}, pools", len(chosen.strata), len(known.strata))
    if name == "blocks":
        yield equal(f"{name}, some are pooled", len(known.strata) < len(known.of), True)
    yield equal(f"{name}, pool of each block", str(chosen.pools.tolist()), str(known.of.tolist()))
    yield equal(f"{name}, degrees of freedom", chosen.degrees_of_freedom, known.freedom)
    yield near(f"{name}, correlation of neighbours", chosen.level.correlation, known.correlation, EXACT, 1.0)
    if by == "blocks":
        yield near(f"{name}, its error", chosen.level.uncertainty, known.uncertainty, EXACT, 1.0)
    yield near(f"{name}, error of the forces", chosen.level.error, known.error, EXACT, 1.0)
    yield near(f"{name}, inflation", chosen.inflation, known.inflation, EXACT, 1.0)


def _parameters(c: Array, prior: cgcore.Prior) -> dict[str, tuple[float, Array]]:
    """The usual parameters, and their gradients with respect to the coefficients."""
    n, m, eye = len(prior.params["a"]), len(prior.params["k_dih"]), np.eye(len(c))
    found = {"kr": (c[0], eye[0]), "r0": (c[1] / c[0], (eye[1] - c[1] / c[0] * eye[0]) / c[0])}
    for k in range(n):
        found |= {f"a[{k}]": (c[2 + k], eye[2 + k]), f"b[{k}]": (c[2 + n + k], eye[2 + n + k])}
    for k in range(m):
        p, q = 2 + 2 * n + k, 2 + 2 * n + m + k
        size = np.hypot(c[p], c[q])
        found[f"k_dih[{k}]"] = size, (c[p] * eye[p] + c[q] * eye[q]) / size
        found[f"gamma_dih[{k}]"] = np.arctan2(c[q], c[p]), (c[p] * eye[q] - c[q] * eye[p]) / size**2
    last = 2 + 2 * n + 2 * m
    for k, end in ((last, ""), (last + 1, "_ex")):
        scale = float(prior.params[f"sigma{end}"]) ** 4
        found[f"epsilon{end}"] = c[k] / scale, eye[k] / scale
    return found


def _losses(name: str, fit: cgcore.FitResult, around: Blocks, which: str, by_proteins: bool) -> Iterator[Row]:
    """Errors of a loss, and of its decrease from the start."""
    found = cgcore.error_bars(fit, by="auto" if by_proteins else "blocks", resamples=2, seed=0).losses
    fitted, start = around.losses(around.c), around.losses(explicit.coefficients(fit.prior.params))
    for key, parts in ((f"{which}_loss", fitted), (f"{which}_gain", start - fitted)):
        own = pools(parts[:, None], around.shares, around.proteins, by_proteins)
        theirs = parts.sum(), np.sqrt(own.variance(parts, around.shares))
        ours = float(found[key].value), float(found[key].standard_error)
        yield at_most(f"{name}, {key} and its error", relative(ours, theirs), EXACT, "relative")


def _curve(fit: cgcore.FitResult, around: Blocks) -> Iterator[Row]:
    """The learning curve, draw by draw."""
    found = cgcore.learning_curve(fit, draws=DRAWS, seed=SEED)
    fold, rng = fold_of([len(around.parts)]), np.random.default_rng(SEED)
    folds, sizes_of = int(fold.max()) + 1, around.beads / around.beads.sum() * fit.factor.frames
    held_out, train, counts = np.zeros((3, folds, len(PARTS)))
    for f in range(folds):
        others = np.flatnonzero(fold != f)
        sizes = [max(round(part * len(others)), 1) for part in PARTS]
        for k, size in enumerate(sizes):
            for _ in range(DRAWS):
                weights = np.zeros(len(fold))
                weights[rng.choice(others, size=size, replace=False)] = 1.0
                at, whole = around.losses(around.refit(weights)), around.losses(around.c)
                counts[f, k] += weights @ sizes_of / DRAWS
                held_out[f, k] += at[fold == f].sum() / around.shares[fold == f].sum() / DRAWS
                train[f, k] += (at - whole) @ weights / (weights @ around.shares) / DRAWS
    frames = counts.mean(axis=0)
    use = frames >= FORM * frames[-1]
    lines = [np.polyfit(1 / frames[use], one[use], 1, w=frames[use]) for one in held_out]
    slopes, limits = np.array(lines).T / [[fit.factor.frames], [1.0]]
    whole = fit.certificate.zero_prior_loss - fit.certificate.loss
    errors = cgcore.error_bars(fit).blocking
    for what, ours, theirs in (
        ("frames", found.frames, frames),
        ("held-out losses", found.held_out_loss, held_out.mean(axis=0)),
        ("training losses", found.train_loss, train.mean(axis=0) + around.losses(around.c).sum()),
        ("errors", found.standard_error, np.std(held_out - held_out[:, -1:], axis=0, ddof=1) / np.sqrt(folds)),
        ("limit", found.limit, limits.mean()),
        ("excess and its error", (found.excess, found.excess_error),
         (slopes.mean(), np.std(slopes, ddof=1) / np.sqrt(folds))),
        ("excess that the error bars expect", found.expected_excess, errors.inflation * errors.level.error**2),
        ("explained", found.explained, whole),
    ):  # fmt: skip
        yield at_most(f"learning curve, {what}", relative(ours, theirs), EXACT, "relative")


def _admitted(fit: cgcore.FitResult, prior: cgcore.Prior, R: Array, F: Array) -> Iterator[Row]:
    """Some of the refits under constraints, which are the constraints of the fit."""
    around, rows = blocks_of(fit, prior, R, F, 1, 20, SMOOTHNESS), stated(fit)
    found = cgcore.error_bars(fit, resamples=RESAMPLES, seed=SEED)
    known = pools(around.scores(), around.shares, around.proteins)
    worst, held = 0.0, 0
    for weights, c in list(zip(known.drawn(RESAMPLES, SEED), found.coefficients, strict=True))[:4]:
        M, t = around.objective(weights)
        best = admissible.minimum(M, t, rows, around.c)
        reached, least = (float(np.sum((M @ x - t) ** 2)) for x in (c, best))
        worst = max(worst, abs(reached / least - 1))
        held += int(np.any(np.abs(rows.slack(c)["kr"]) >= 0) and min(rows.slack(c).values()) > -SOLVED)
    yield at_most("refits under constraints, objective", worst, SOLVED, "relative")
    yield equal("refits under constraints, admissible", held, 4)
