"""Limits beyond which a result is said to be something else, each tried just below and just above it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import cgcore
from cgcore.evaluation import ceiling
from cgcore.fitting import blocking
from cgcore.mapping.rigid import Distances
from validation.check import Row, at_least, at_most, check, equal, says
from validation.context import Context
from validation.explicit import Array
from validation.resampling import pools
from validation.sampled_chains import chain

fit_module: Any = importlib.import_module("cgcore.fitting.fit")  # the package has a function of that name

BELOW, ABOVE = 0.9, 1.1
"""Two values on either side of a limit, relative to it."""

OPTIMAL = 1e-8
"""Largest optimality gap, violation or residual of the optimality conditions of a fit that has converged."""

MUCH = 0.1
"""Largest excess of a correlation above its error that is not noted."""

FOUND = 1e-3
"""Tolerance of an excess that is found by bisection."""

FEWEST_PAIRS, BLOCKS, APART = 500, 20, 2
"""Smallest number of pairs of frames for a noise ceiling, number of blocks in time, and smallest difference between
the blocks of a pair."""

NEAR, RIGID = 2.0, 2e-3
"""Distance [Å] below which a pair of atoms may be constrained, and the standard deviation below which it is."""


@check("thresholds")
def thresholds(context: Context) -> Iterator[Row]:
    """When a fit has converged, errors are too small, frames are too few, and distances are constrained."""
    bonds = cgcore.default_prior().part(["bond"])
    data = context.some(60)
    safe = cgcore.fit(data, bonds)
    yield from _statuses(safe)
    yield from _correlated()
    yield from _folds(data, bonds)
    yield from _pairs(safe.fitted_prior)
    yield from _rigid()
    yield from _without_folds(data)


def _statuses(fit: cgcore.FitResult) -> Iterator[Row]:
    """A certificate decides what a status becomes: of fits with and without constraints, and in float32."""
    free = replace(fit, admissible=replace(fit.admissible, constraints=()))
    single = replace(free, options=replace(fit.options, precision="float32"))
    best = replace(fit.certificate, optimality_gap=0.0, violation=0.0, kkt_residual=0.0)
    kinds = {"constrained": fit, "free": free, "float32": single}
    # What each status becomes if the certificate is good, and if it is not.
    becomes = {
        "constrained": {
            "GRADIENT": ("CONSTRAINED", "SUBOPTIMAL"),
            "MAX_STEPS": ("CONSTRAINED", "MAX_STEPS"),
            "LINE_SEARCH_FAILED": ("CONSTRAINED", "LINE_SEARCH_FAILED"),
            "NON_FINITE": ("NON_FINITE", "NON_FINITE"),
        },
        "free": {
            "GRADIENT": ("GRADIENT", "SUBOPTIMAL"),
            "PRECISION_FLOOR": ("PRECISION_FLOOR", "SUBOPTIMAL"),
            "MAX_STEPS": ("MAX_STEPS", "MAX_STEPS"),
            "LINE_SEARCH_FAILED": ("PRECISION_FLOOR", "LINE_SEARCH_FAILED"),
        },
        "float32": {"GRADIENT": ("GRADIENT", "GRADIENT")},
    }
    values = {"gap": "optimality_gap", "violation": "violation", "residual": "kkt_residual"}
    for kind, known in becomes.items():
        for status, (good, bad) in known.items():
            for name, field in values.items():
                signs = (1, -1) if name == "gap" else (1,)
                found = [
                    fit_module._judged(
                        replace(
                            kinds[kind],
                            status=cgcore.Status[status],
                            certificate=replace(best, **{field: sign * part * OPTIMAL}),
                        )
                    ).status.name
                    for sign in signs
                    for part in (BELOW, ABOVE)
                ]
                yield equal(f"{kind}, {status}, {name} below and above", str(found), str([good, bad] * len(signs)))


def _bisected(value: Callable[[float], float], wanted: float) -> float:
    """Where a growing function has this value, between 0 and 1."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if value(middle) < wanted else (low, middle)
    return low


def _correlated() -> Iterator[Row]:
    """Error bars of so few blocks that no longer pools are possible, which are correlated with their neighbours."""
    one = cgcore.compress(
        cgcore.datasets.chignolin().subset(2), cgcore.Fingerprint.of(cgcore.default_prior().part(["bond"])), blocks=1
    ).blocks[0]
    for count in (8, 9):
        proteins, shares = np.zeros(count, int), np.full(count, 1 / count)
        blocks = [replace(one, protein="p", index=k) for k in range(count)]
        jagged = np.eye(count)

        def scores(part: float, count: int = count, jagged: Array = jagged) -> Array:
            return np.column_stack([part * np.linspace(-1, 1, count), (1 - part) * jagged])

        def excess(part: float, proteins: Array = proteins, shares: Array = shares, scores: Any = scores) -> float:
            known = pools(scores(part), shares, proteins)
            return known.correlation - known.uncertainty

        for beside in (BELOW, ABOVE):
            part = _bisected(excess, beside * MUCH)
            name = f"{count} blocks, {beside:g} of the limit"
            yield at_most(f"{name}, found", abs(excess(part) / (beside * MUCH) - 1), FOUND, "relative")
            found = blocking.blocking(blocks, scores(part), shares)
            assert found is not None
            known = pools(scores(part), shares, proteins)
            words = (
                f"pools of {one.frames} frames are still correlated with their neighbours ({known.correlation:.2f} ± "
                f"{known.uncertainty:.2f})"
            )
            noted = [note.split(", and")[0] for note in found.notes]
            yield equal(f"{name}, note", "; ".join(noted), words if beside > 1 else "")


def _folds(data: cgcore.Dataset, prior: cgcore.Prior) -> Iterator[Row]:
    """A learning curve needs four folds in time, of however many proteins."""
    batch = data.join()
    kinds = (np.arange(len(batch.R)) % 2)[:, None] + np.zeros(batch.R.shape[1], int)
    two = cgcore.from_arrays(batch.R, batch.F, species=kinds, accept_faults=True)
    options = cgcore.Options(constraints="none", smoothness=None)
    for count in (3, 4, 5):
        fit = cgcore.fit(cgcore.compress(two, cgcore.Fingerprint.of(prior), blocks=count), prior, options)
        words = f"{count} blocks in time are too few for a learning curve, which needs at least 4"
        work = partial(cgcore.learning_curve, fit, draws=1)
        yield says(f"learning curve of {count} blocks of two proteins", work, words if count < 4 else "accepted")


def _pairs(prior: cgcore.Prior) -> Iterator[Row]:
    """A noise ceiling needs pairs of frames, which are two blocks apart in time or in different files."""
    rng = np.random.default_rng(5)
    R, F = chain(rng, 80, 5, 3.8, 0.06, 20.0)
    numbers = []
    for count in range(30, 45):
        sizes = [len(part) for part in np.array_split(np.arange(count), BLOCKS)]
        block = np.repeat(np.arange(BLOCKS), sizes)
        pairs = int(np.sum(np.triu(np.abs(block[:, None] - block) >= APART, 1)))
        numbers.append(pairs)
        if not BELOW * FEWEST_PAIRS < pairs < ABOVE * FEWEST_PAIRS:
            continue
        data = cgcore.from_arrays(R[:count], F[:count], accept_faults=True)
        words = "too few frames to find pairs" if pairs < FEWEST_PAIRS else "accepted"
        yield says(f"noise ceiling of {pairs} pairs", partial(ceiling.noise_ceiling, data, prior), words)
    yield at_least("most pairs that are too few", max(n for n in numbers if n < FEWEST_PAIRS), BELOW * FEWEST_PAIRS)
    yield at_most("fewest pairs that are enough", min(n for n in numbers if n >= FEWEST_PAIRS), ABOVE * FEWEST_PAIRS)


def _rigid() -> Iterator[Row]:
    """Distances of atoms below 2 Å in the first frame whose standard deviation is below 0.002 Å."""
    lengths = np.array([1.0, 1.4, BELOW * NEAR, 0.995 * NEAR, 1.005 * NEAR, ABOVE * NEAR])
    spreads = np.array([0.0, BELOW, ABOVE]) * RIGID
    every = [(length, spread) for length in lengths for spread in spreads]
    first = np.zeros((2 * len(every), 3))
    first[::2, 1] = first[1::2, 1] = 10.0 * np.arange(len(every))
    first[1::2, 0] = [length for length, _ in every]
    pairs = np.arange(2 * len(every)).reshape(-1, 2)
    seen = Distances(pairs, first)
    frames = np.tile(first, (40, 1, 1))
    frames[:, 1::2, 0] += np.outer(np.where(np.arange(40) % 2, 1.0, -1.0), [spread for _, spread in every])
    seen.add(frames[:1])
    yield equal("constrained distances, one frame", len(seen.rigid()), 0)
    seen = Distances(pairs, first)
    for part in np.array_split(frames, 3):
        seen.add(part)
    known = [
        pair for pair, (length, spread) in zip(pairs.tolist(), every, strict=True) if length < NEAR and spread < RIGID
    ]
    yield equal("constrained distances", str(seen.rigid().tolist()), str(known))


def _without_folds(data: cgcore.Dataset) -> Iterator[Row]:
    """What is taken where there are too few folds for cross-validation, and what the folds of a pooling are."""
    groups = cgcore.Groups.of_species("central", (0, 1))
    kinds = cgcore.Term("kinds", cgcore.Rows("angles"), cgcore.bases.Fourier(1), 1.0, groups)
    prior = cgcore.default_prior().part(["bond"]).with_terms([kinds])
    batch = data.join()
    beads = np.arange(batch.R.shape[1]) % 2
    for proteins, blocks in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 1)):
        # In each further protein, one bead more is of the second kind.
        own = (np.arange(len(batch.R)) * proteins // len(batch.R))[:, None]
        species = np.where(np.arange(len(beads)) < 2 * own, 1, beads)
        some = cgcore.from_arrays(batch.R, batch.F, species=species, accept_faults=True)
        factor = cgcore.compress(some, cgcore.Fingerprint.of(prior), blocks=blocks)
        name = f"{proteins} proteins of {blocks} blocks"
        fit = cgcore.fit(factor, prior, cgcore.Options(constraints="none"))
        assert fit.pooling is not None
        folds = "protein" if proteins > 2 else "time" if blocks > 1 else "none"
        curve = fit.pooling.curve
        yield equal(f"{name}, folds of the pooling", "none" if curve is None else curve.held, folds)
        cut = cgcore.fit(factor, prior, cgcore.Options(constraints="none", truncation="auto"))
        if curve is None:
            yield equal(f"{name}, strength of the pooling", fit.pooling.strength, 0.1)
        if blocks == 1:
            yield equal(f"{name}, smoothness and cut-off", f"{fit.smoothness} {cut.cutoff}", "0.001 0.01")
