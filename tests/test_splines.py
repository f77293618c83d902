"""Splines in place of formulas: forces against SciPy's piecewise polynomials, files, and all uses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pipeline_helpers as h
import pytest
import yaml
from cli_helpers import bundled, run, save
from helpers import frames, np_coordinates, np_gradients, prior
from scipy.interpolate import CubicSpline, PPoly

from cgcore import (
    Fingerprint,
    InputError,
    Options,
    Prior,
    compress,
    evaluate,
    fit,
    forces,
    from_arrays,
    read,
    simulate,
)
from cgcore.export.stablehlo import read_stablehlo
from cgcore.physics.energy import term_energies
from cgcore.physics.splines import Spline, Splines, TypedSplines
from cgcore.pipeline.trained import load_trained
from cgcore.pipeline.trainer import Trainer
from cgcore.spline_file import read_splines, write_splines

EXACT = 1e-11
"""Tolerance relative to the largest force: both sides are float64, with complex steps on one and autodiff on the
other."""

TYPES = 5


def random_spline(rng: np.random.Generator, low: float, high: float, knots: int, periodic: bool = False) -> Spline:
    """A spline through random values of several kcal/mol, with uneven knots."""
    inner = np.sort(rng.uniform(low, high, knots - 2))
    x = np.array([low, *inner, high])
    y = rng.normal(scale=3.0, size=knots)
    if periodic:
        y[-1] = y[0]
    made = CubicSpline(x, y, bc_type="periodic" if periodic else "not-a-knot")
    return Spline(made.x, made.c.T[:, ::-1])


def random_splines(seed: int, typed: bool = True) -> Splines:
    """Splines with ranges so narrow that some bonds and angles of random chains are outside."""
    rng = np.random.default_rng(seed)
    grid = [random_spline(np.random.default_rng(7), 1.6, 2.3, 9)] * TYPES
    each = [Spline(s.knots, rng.normal(size=s.coefficients.shape)) for s in grid]
    types = TypedSplines(
        np.stack([s.knots for s in each]), np.stack([s.coefficients for s in each]), np.array([1, 0, 1, 1, 0])
    )
    return Splines(
        random_spline(rng, 3.75, 3.85, 8),
        random_spline(rng, 1.6, 2.3, 11),
        random_spline(rng, -np.pi, np.pi, 12, periodic=True),
        types if typed else None,
    )


def reference(p: Prior, R: np.ndarray, species: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
    """Energies and forces of a frame without padding, by SciPy and complex steps."""
    s, w, q, gradients = p.splines, p.weights, np_coordinates(R), np_gradients(R)
    assert s is not None

    def at(spline: Spline, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        poly = PPoly(np.asarray(spline.coefficients).T[::-1], np.asarray(spline.knots))
        low, high = spline.knots[0], spline.knots[-1]
        inside = (x >= low) & (x <= high)
        return poly(np.clip(x, low, high)), np.where(inside, poly.derivative()(np.clip(x, low, high)), 0.0)

    def angles(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, slopes = at(s.angle, x)
        if (types := s.angle_types) is not None:
            for row, kind in enumerate(species[1:-1]):
                if 0 <= kind < TYPES and types.own[kind]:
                    own = Spline(types.knots[kind], types.coefficients[kind])
                    (values[row],), (slopes[row],) = at(own, x[row : row + 1])
        return values, slopes

    def repulsion(epsilon: float, sigma: float, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return epsilon * (sigma / r) ** 4, -4 * epsilon * sigma**4 / r**5

    first = s.dihedral.knots[0]
    of = {
        "bond": at(s.bond, q["bond"]),
        "angle": angles(q["angle"]),
        "dihedral": at(s.dihedral, first + np.mod(q["dihedral"] - first, 2 * np.pi)),
        "repulsive": repulsion(p.params["epsilon"], p.params["sigma"], q["repulsive"]),
    }
    if w.excluded_volume is not None:
        of["excluded_volume"] = repulsion(p.params["epsilon_ex"], p.params["sigma_ex"], q["excluded_volume"])
    energies = {name: getattr(w, name) * float(values.sum()) for name, (values, _) in of.items()}
    forces = -sum(
        (getattr(w, name) * np.einsum("r,rix->ix", slopes, gradients[name]) for name, (_, slopes) in of.items()),
        start=np.zeros_like(R),
    )
    return energies, forces


_both = jax.jit(
    lambda p, *frame: (
        term_energies(p, p.params, *frame),
        -jax.grad(lambda R: sum(term_energies(p, p.params, R, *frame[1:]).values()))(frame[0]),
    ),
    static_argnums=0,
)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("typed", [True, False])
def test_energies_and_forces_are_those_of_scipy(seed: int, typed: bool) -> None:
    rng = np.random.default_rng(seed)
    p = replace(prior(rng), splines=random_splines(seed, typed))
    data = frames(rng, [9, 7], 9, fill=np.nan)
    species = rng.integers(-1, TYPES + 2, size=(2, 9))
    outside = 0
    for R, mask, kinds, n in zip(data.R, data.mask, species, data.lengths, strict=True):
        energies, forces = _both(p, R, mask, kinds)
        expected, expected_forces = reference(p, R[:n], kinds[:n])
        outside += int(np.sum(np.abs(np_coordinates(R[:n])["bond"] - 3.8) > 0.05))
        for name, value in expected.items():
            assert float(energies[name]) == pytest.approx(value, rel=1e-11, abs=1e-11), name
        np.testing.assert_allclose(forces[:n], expected_forces, atol=EXACT * np.abs(expected_forces).max(), rtol=0)
        assert not np.any(np.asarray(forces[n:]))
    assert outside > 0


def test_outside_the_knots_a_bond_feels_nothing() -> None:
    splines = random_splines(0)
    for r in (3.0, 5.0):
        R = np.array([[0.0, 0, 0], [r, 0, 0]])
        p = replace(prior(np.random.default_rng(0)), splines=splines)
        energies, forces = _both(p, R, np.ones(2, bool), np.zeros(2, int))
        end = PPoly(splines.bond.coefficients.T[::-1], splines.bond.knots)(np.clip(r, *splines.bond.knots[[0, -1]]))
        assert float(energies["bond"]) == pytest.approx(0.5 * float(end), rel=1e-12)
        assert not np.any(np.asarray(forces))


@pytest.mark.slow
def test_a_dihedral_goes_round() -> None:
    """Knots that start elsewhere, with a part of the circle shifted by 2 pi, describe the same potential."""
    splines, data = random_splines(0), frames(np.random.default_rng(0), [9], 9)
    knots, coefficients = splines.dihedral
    moved = Spline(np.r_[knots[4:], knots[1:5] + 2 * np.pi], np.r_[coefficients[4:], coefficients[:4]])
    found = []
    for dihedral in (splines.dihedral, moved):
        p = replace(prior(np.random.default_rng(0)), splines=replace(splines, dihedral=dihedral))
        energies, forces = _both(p, data.R[0], data.mask[0], np.zeros(9, int))
        found.append((float(energies["dihedral"]), np.asarray(forces)))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-10)
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-9 * np.abs(found[0][1]).max(), rtol=0)


def arrays(splines: Splines) -> dict[str, Any]:
    """Arrays as written by users' own fitting script, including entries that no reader needs and pickled ones."""
    own = splines.arrays() | {"temperature": np.array(320.0), "note": np.array({"kde": 1}, object)}
    return {name: array.astype(np.float32) if name == "angle_type_mask" else array for name, array in own.items()}


def test_files(tmp_path: Path) -> None:
    splines = random_splines(3)
    save(tmp_path / "theirs.npz", arrays(splines))
    read = read_splines(tmp_path / "theirs.npz")
    assert read == splines
    assert read_splines(tmp_path / "theirs.npz", True) == splines
    assert read_splines(tmp_path / "theirs.npz", False) == random_splines(3, typed=False) != splines
    save(tmp_path / "off.npz", arrays(splines) | {"residue_specific_angles": np.array(False)})
    assert read_splines(tmp_path / "off.npz", True).angle_types is None
    write_splines(tmp_path / "ours.npz", read)
    assert read_splines(tmp_path / "ours.npz") == splines
    with np.load(tmp_path / "ours.npz") as written:
        assert written["angle_type_coeffs"].shape == (TYPES, 8, 4)
        assert (int(written["angle_n_types"]), bool(written["residue_specific_angles"])) == (TYPES, True)
        np.testing.assert_array_equal(written["dih_knots"], splines.dihedral.knots)
    without = arrays(random_splines(3, typed=False))
    save(tmp_path / "shared.npz", {k: v for k, v in without.items() if "angle_type" not in k})
    assert read_splines(tmp_path / "shared.npz", True) == random_splines(3, typed=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dih_knots": None}, "key 'dih_knots' is missing"),
        ({"bond_knots": np.array([1.0, 3.0, 2.0, *range(4, 9)])}, "knots of the bond spline do not increase"),
        ({"angle_coeffs": np.zeros((3, 4))}, "angle spline has knots of shape"),
        ({"bond_coeffs": np.full((7, 4), np.nan)}, "bond spline is not finite"),
        ({"bond_coeffs": np.array([None] * 3, object)}, "key 'bond_coeffs' is a pickled object"),
        ({"angle_type_mask": np.ones(3)}, "angle_type_mask (3,)"),
        ({"bond_knots": np.array(["a"] * 8)}, "give numbers"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    kept = {name: array for name, array in (arrays(random_splines(0)) | change).items() if array is not None}
    save(tmp_path / "s.npz", kept)
    with pytest.raises(InputError) as raised:
        read_splines(tmp_path / "s.npz")
    assert str(raised.value).startswith(f"{tmp_path / 's.npz'}: ")
    assert words in str(raised.value)


def sound_splines() -> Splines:
    """Potentials that keep a chain together."""
    r, theta, phi = np.linspace(3.2, 4.4, 25), np.linspace(0.6, 3.1, 31), np.linspace(-np.pi, np.pi, 31)
    made = (CubicSpline(r, 150 * (r - 3.85) ** 2), CubicSpline(theta, 40 * (theta - 1.9) ** 2))
    around = CubicSpline(phi, np.r_[np.cos(phi[:-1]), np.cos(phi[0])], bc_type="periodic")
    bond, angle, dihedral = (Spline(spline.x, spline.c.T[:, ::-1]) for spline in (*made, around))
    return Splines(bond, angle, dihedral)


@pytest.fixture
def priors(tmp_path: Path) -> Path:
    replace(prior(np.random.default_rng(0)), splines=sound_splines()).write(tmp_path / "priors.yaml")
    return tmp_path / "priors.yaml"


def test_a_prior_with_splines_is_written_and_read(tmp_path: Path, priors: Path) -> None:
    assert yaml.safe_load(priors.read_text())["model"]["priors"]["spline_file"] == "priors.splines.npz"
    assert (tmp_path / "priors.splines.npz").exists()
    read = Prior.read(priors)
    assert read == replace(prior(np.random.default_rng(0)), splines=sound_splines())
    assert read != prior(np.random.default_rng(0))
    assert "splines" in repr(read)


@pytest.mark.slow
def test_evaluated_simulated_and_exported(tmp_path: Path, priors: Path) -> None:
    data = bundled(slice(0, 400, 4))
    file = save(tmp_path / "d.npz", data | {"temperature": np.array(320.0)})
    p = Prior.read(priors)
    expected = [reference(p, R.astype(float), s) for R, s in zip(data["R"], data["species"], strict=True)]
    found = evaluate(p, from_arrays(data["R"], data["F"]))
    errors = [np.sum((F - G) ** 2) for (_, F), G in zip(expected, data["F"].astype(float), strict=True)]
    assert found.errors.loss == pytest.approx(np.sum(errors) / 1000, rel=1e-10)

    ran = run("simulate", priors, file, "--replicas", 2, "--time", "0.5ps", "--interval", 0.1)
    assert (ran.code, ran.err) == (0, "")
    assert "prior with splines" in ran.out
    with pytest.raises(InputError, match="unstable"):
        simulate(p, from_arrays(data["R"], data["F"]), timestep=200.0, time=1.0, interval=200.0)

    ran = run("export", priors, "--to", "stablehlo", "--beads", 10, "--precision", "float64", "-o", tmp_path / "m")
    assert (ran.code, ran.err) == (0, "")
    R = data["R"][:3].astype(float)
    energies, forces = read_stablehlo(tmp_path / "m")(R, np.ones((3, 10), bool), data["species"][:3])
    for k, (energy, force) in enumerate(expected[:3]):
        assert energies[k] == pytest.approx(sum(energy.values()), rel=1e-10)
        np.testing.assert_allclose(forces[k], force, atol=1e-9 * np.abs(force).max(), rtol=0)
    for target in ("openmm", "lammps"):
        ran = run("export", priors, "--to", target, "--beads", 10, "--species", file, "-o", tmp_path / target)
        assert (ran.code, ran.err) == (0, "")


def test_a_factor_of_a_prior_with_splines_needs_their_forces(tmp_path: Path, priors: Path) -> None:
    data, prior = read(save(tmp_path / "d.npz", bundled(2))), Prior.read(priors)
    splines = prior.part((), splines=True)
    for of, fixed in ((prior, None), (prior.part(("repulsive",)), splines)):
        with pytest.raises(InputError, match="give this prior's as `fixed`"):
            compress(data, Fingerprint.of(of), fixed=fixed)
    assert compress(data, Fingerprint.of(prior), fixed=splines).fingerprint.fixed.startswith("splines")


@pytest.mark.slow
def test_a_fit_is_of_the_pairs_to_what_the_splines_leave(tmp_path: Path, priors: Path) -> None:
    file, prior = save(tmp_path / "d.npz", bundled(20)), Prior.read(priors)
    found = fit(file, prior, Options(constraints="none", truncation=0.0))
    splines, arrays = prior.part((), splines=True), dict(np.load(file))
    with jax.enable_x64(True):
        held = jax.vmap(lambda R, kinds: forces(splines, splines.params, R, np.ones(len(R)), kinds))
        left = arrays["F"] - np.asarray(held(arrays["R"].astype(np.float64), arrays["species"]))
    rest = from_arrays(arrays["R"].astype(np.float64), left, species=arrays["species"], accept_faults=True)
    pairs = prior.part(term.name for term in prior.linear)
    assert {term.rows.kind for term in pairs.terms} == {"pairs"}
    wanted = fit(rest, pairs, Options(constraints="none", truncation=0.0))
    assert found.train_loss == pytest.approx(wanted.train_loss, rel=1e-12)
    assert found.fitted_params["epsilon"] == pytest.approx(wanted.fitted_params["epsilon"], rel=1e-9)
    factor = tmp_path / "f.npz"
    assert run("compress", file, "--config", priors, "-o", factor).code == 0
    for data in (file, factor):
        ran = run("fit", data, "--config", priors, "--output", tmp_path / "out")
        assert ran.code == 0
    again = Prior.read(tmp_path / "out" / "priors.yaml")
    assert again.splines == prior.splines
    assert "different settings" in run("fit", factor).err


@pytest.mark.slow
def test_a_training_leaves_it_alone_and_its_file_holds_it(tmp_path: Path) -> None:
    splines = random_splines(1, typed=False)
    write_splines(tmp_path / "s.npz", splines)
    loader = h.loader(4)
    priors = h.PRIORS | {"spline_file": str(tmp_path / "s.npz")}
    said = h.settings({"priors": priors}, {"pretrain_prior": True, "epochs_adam": 1, "stage2_optimizer": None})
    model = h.model(said, loader)
    trainer = Trainer(model, said, loader)
    assert trainer.prior is not None
    before, losses = trainer.prior.params, trainer.losses()
    results = trainer.train_full_pipeline()
    assert "splines, and it is fixed" in results["prior_pretrain"]["skipped"]
    assert all(np.array_equal(value, trainer.prior.params[name]) for name, value in before.items())
    assert results["stage1"]["train_loss"] != losses["train_loss"]
    with pytest.raises(InputError, match="nothing to fit"):
        trainer.pretrain_prior()

    alone = h.settings({"priors": priors, "ml_model": "none"})
    model = h.model(alone, loader)
    trainer = Trainer(model, alone, loader)
    trainer.save_params(tmp_path / "params.npz")
    (tmp_path / "s.npz").unlink()
    read, params = load_trained(tmp_path / "params.npz", precision="float64")
    assert read.prior is not None
    assert read.prior.splines == splines
    R, species = loader.R[0].astype(float), loader.species[0]
    energy = jax.jit(read.compute_energy)(params, R, np.ones(10), species)
    assert float(energy) == pytest.approx(sum(reference(read.prior, R, species)[0].values()), rel=1e-10)
