"""Gaps and several chains in a frame: every computation uses the same rows as a loop over beads."""

from __future__ import annotations

from typing import Any

import helpers
import jax
import numpy as np
import pytest

import cgcore
from cgcore import Fingerprint, Options
from cgcore.factor_file import require_meaning
from cgcore.fitting.loss import force_matching_loss
from cgcore.physics import energy
from cgcore.physics.coefficients import Layout, to_coefficients
from cgcore.physics.space import free
from cgcore.report.force_sample import force_sample

BEADS, FRAMES = 11, 6
SITES = {
    "gap of two residues": np.array([0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12]),
    "gap of one residue": np.array([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]),
    "two chains": np.array([0, 1, 2, 3, 4, 1004, 1005, 1006, 1007, 1008, 1009]),
    "a single bead between": np.array([0, 1, 2, 3, 1003, 2003, 2004, 2006, 2007, 2008, 2009]),
    "one chain": np.arange(BEADS),
}
PRIOR = helpers.prior(np.random.default_rng(3))

# Compiled once for all sites, which are traced.
_evaluate = jax.jit(lambda *args: (energy.term_energies(*args), energy.forces(*args)), static_argnums=5)
_loss = jax.jit(force_matching_loss, static_argnums=6)


def term_rows(sites: np.ndarray) -> dict[str, list[tuple[int, ...]]]:
    """Beads of the rows of each term, from the rule alone."""
    n = len(sites)
    chains = [(i, j) for i in range(n) for j in range(i + 1, n)]
    return {
        **{
            name: [tuple(range(i, i + k)) for i in range(n - k + 1) if (np.diff(sites[i : i + k]) == 1).all()]
            for name, k in helpers.SPANS.items()
        },
        "repulsive": [(i, j) for i, j in chains if sites[j] - sites[i] >= 6],
        "excluded_volume": [(i, j) for i, j in chains if 2 <= sites[j] - sites[i] <= 5],
    }


def expected(R: np.ndarray, sites: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
    """Energy of each term, and the forces, one row at a time, each as a small chain of its own."""
    energies: dict[str, float] = dict.fromkeys(helpers.TERMS, 0.0)
    forces = np.zeros_like(R)
    for name, rows in term_rows(sites).items():
        for row in rows:
            beads = list(row)
            # A pair as the ends of the shortest chain that has one.
            far = {"repulsive": 7, "excluded_volume": 3}.get(name)
            local = R[beads] if far is None else np.linspace(R[beads[0]], R[beads[1]], far) + _bulge(far)
            weights = helpers.only(name)._replace(**{name: getattr(PRIOR.weights, name)})
            energies[name] += float(helpers.np_energies(weights, PRIOR.params, local)[name])
            F = helpers.np_forces(weights, PRIOR.params, local)
            forces[beads] += F if far is None else F[[0, -1]]
    return energies, forces


def _bulge(n: int) -> np.ndarray:
    """Displacements that move the beads between the ends of a pair off its line."""
    bulge = np.random.default_rng(0).normal(size=(n, 3))
    bulge[[0, -1]] = 0
    return bulge


@pytest.fixture(scope="module", params=SITES)
def case(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    R = helpers.chain(np.random.default_rng(5), BEADS)
    return R, SITES[request.param]


@pytest.mark.slow
def test_energy_and_forces(case: tuple[np.ndarray, np.ndarray]) -> None:
    R, sites = case
    mask = np.ones(BEADS)
    energies, forces = expected(R, sites)
    found, derived = _evaluate(PRIOR, PRIOR.params, R, mask, None, free, sites)
    for name, value in found.items():
        assert float(value) == pytest.approx(energies[name], rel=1e-12, abs=1e-12), name
    assert helpers.relative(derived, forces) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("length", [BEADS, 8])
def test_the_design_matrix(case: tuple[np.ndarray, np.ndarray], length: int) -> None:
    R, sites = case
    layout, c = Layout.of(PRIOR), to_coefficients(PRIOR.params)
    _, forces = expected(R[:length], sites[:length])
    lengths = np.array([length])
    X = helpers.design_matrix(PRIOR.weights, layout, R[None], lengths, free, sites[:, None])
    found = np.einsum("nxbf,n->bx", np.asarray(X), c)
    assert helpers.relative(found[:length], forces) < 1e-12
    assert not found[length:].any()


def broken_set(sites: np.ndarray, n_frames: int = FRAMES, **extras: Any) -> cgcore.Dataset:
    """Frames of chains padded by two beads, with random forces."""
    rng = np.random.default_rng(8)
    frames = helpers.frames(rng, [len(sites)] * n_frames, len(sites) + 2, fill=np.nan)
    resid = np.append(sites, [0, 0])
    return cgcore.from_arrays(frames.R, frames.F, frames.mask, resid=resid, **extras)


@pytest.mark.slow
def test_factor_and_loss_over_the_data(case: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    _, sites = case
    data = broken_set(sites)
    batch, c = data.join(), to_coefficients(PRIOR.params)
    residual = [np.sum((expected(R[:BEADS], sites)[1] - F[:BEADS]) ** 2) for R, F in zip(batch.R, batch.F, strict=True)]
    loss = np.sum(residual) / data.real_beads
    with jax.enable_x64(True):
        direct = _loss(PRIOR, PRIOR.params, batch.R, batch.F, batch.mask, None, free, data.sites())
    assert float(direct) == pytest.approx(loss, rel=1e-12)
    fingerprint = Fingerprint.of(PRIOR)
    for few_rows in (10**6, 1):  # by QR of the rows, and by their Gram matrix
        monkeypatch.setattr("cgcore.factor.compress.FEW_ROWS", few_rows)
        factor = cgcore.compress(data, fingerprint, blocks=2)
        assert factor.loss(c) == pytest.approx(loss, rel=1e-11)
        counted = {name: int(counts.sum()) for name, counts in factor.histograms.counts.items()}
        rows = term_rows(sites)
        require_meaning(factor)
        assert counted == {name: FRAMES * len(rows[name]) for name in ("bond", "angle", "dihedral")}


def test_histograms_and_closest_pairs_of_an_inspection(case: tuple[np.ndarray, np.ndarray]) -> None:
    _, sites = case
    data = broken_set(sites)
    found = cgcore.inspect(data)
    rows, R = term_rows(sites), data.join().R
    assert {name: found.ranges[name].values for name in found.ranges} == {
        name: FRAMES * len(rows[name]) for name in ("bond", "angle", "dihedral") if rows[name]
    }
    distances = {
        (f, pair): np.linalg.norm(R[f, pair[0]] - R[f, pair[1]]) for f in range(FRAMES) for pair in rows["repulsive"]
    }
    (frame, pair), closest = min(distances.items(), key=lambda item: item[1])
    assert found.closest is not None
    assert (found.closest.frame, found.closest.beads) == (frame, pair)
    assert found.closest.distance == pytest.approx(closest)


@pytest.mark.slow
def test_picture_knows_the_rows(case: tuple[np.ndarray, np.ndarray]) -> None:
    _, sites = case
    data = broken_set(sites, 3)
    sample = force_sample(data, PRIOR, PRIOR.params)
    forces = np.concatenate([expected(R[:BEADS], sites)[1].ravel() for R in data.join().R])
    assert helpers.relative(sample.predicted, forces) < 1e-12
    assert len(sample.distances) == 3 * len(term_rows(sites)["repulsive"])


@pytest.mark.slow
def test_objectives_agree_on_broken_chains() -> None:
    data = broken_set(SITES["gap of two residues"], 40)
    prior = helpers.prior(np.random.default_rng(1), 1, 1)
    compressed = cgcore.fit(data, prior, Options(constraints="none", truncation=0.0))
    direct = cgcore.fit(data, prior, Options(objective="direct", truncation=0.0))
    # Both converge to a gradient of 1e-6 in coordinates in which the loss is a square: 1e-12 relative to about 300.
    assert direct.train_loss == pytest.approx(compressed.train_loss, rel=1e-12)


def test_a_gap_leaves_the_rows_of_the_whole_chain() -> None:
    """Missing beads remove their rows and create no new ones."""
    whole = term_rows(np.arange(10))
    kept = [0, 1, 2, 3, 6, 7, 8, 9]
    for name, rows in term_rows(np.array(kept)).items():
        assert [tuple(kept[i] for i in row) for row in rows] == [row for row in whole[name] if set(row) <= set(kept)]
