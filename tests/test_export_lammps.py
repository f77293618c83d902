"""LAMMPS tables, read back by an independent reader that was compared with a record of LAMMPS itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factor_helpers import four_term_prior
from helpers import ALL_ON, chain, forces, np_energies, np_forces, prior, relative

from cgcore.config import default_prior
from cgcore.data import Batch
from cgcore.errors import InputError
from cgcore.export.lammps import write_lammps
from cgcore.physics.prior import Prior, Weights
from validation.engines.lammps_reader import Lammps, read_data, read_positions, section_of

RECORDED = json.loads((Path(__file__).parent / "data" / "lammps.json").read_text(encoding="utf-8"))
FORCE = 1e-8
"""Tolerance relative to the largest force; 1e-5 is required. Observed, also with LAMMPS itself: 1e-9."""


def with_excluded_volume(base: Prior, weight: float = 0.6) -> Prior:
    return Prior(base.weights._replace(excluded_volume=weight), base.params | RECORDED["excluded_volume"])


def exported(folder: Path, given: Prior, beads: int, **more: Any) -> Lammps:
    write_lammps(folder, given, beads, **more)
    return Lammps(folder)


@pytest.mark.slow
@pytest.mark.parametrize("every", [False, True])
def test_forces_on_real_frames(tmp_path: Path, chignolin: Batch, every: bool) -> None:
    given = with_excluded_volume(default_prior()) if every else four_term_prior()
    R = chignolin.R[::40].astype(np.float64)
    engine = exported(tmp_path, given, 10)
    found = [engine(frame) for frame in R]
    expected = [forces(given.weights, given.params, frame, np.ones(10, bool)) for frame in R]
    assert relative([F for _, F in found], np.array(expected)) < FORCE
    terms = np_energies(given.weights, given.params, R)
    total = {style: np.array([E[style] for E, _ in found]) for style in found[0][0]}
    assert relative(total["bond"], terms["bond"] + terms.get("excluded_volume", 0.0)) < 1e-9
    assert relative(total["angle"], terms["angle"]) < 1e-9
    assert relative(total["dihedral"], terms["dihedral"]) < 1e-9
    assert relative(total["pair"], terms["repulsive"]) < 1e-8


def test_the_reader_does_what_lammps_does(tmp_path: Path, chignolin: Batch) -> None:
    # Recorded from LAMMPS by tests/scripts/record_lammps.py; both compute in double precision.
    engine = exported(tmp_path, with_excluded_volume(default_prior()), 10)
    for frame, energies, F in zip(RECORDED["frames"], RECORDED["energies"], RECORDED["forces"], strict=True):
        E, found = engine(chignolin.R[frame].astype(np.float64))
        assert relative(found, np.array(F)) < 1e-12
        assert pytest.approx(energies, rel=1e-12) == E


@pytest.mark.slow
@pytest.mark.parametrize("beads", [2, 3, 4, 5, 6, 7, 8, 20])
def test_any_length_and_any_prior(tmp_path: Path, beads: int) -> None:
    rng = np.random.default_rng(beads)
    given = prior(rng, *rng.integers(0, 12, size=2))
    R = chain(rng, beads)
    E, F = exported(tmp_path, given, beads)(R)
    assert relative(F, np_forces(given.weights, given.params, R)) < 1e-7
    assert sum(E.values()) == pytest.approx(float(sum(np_energies(given.weights, given.params, R).values())), rel=1e-7)


@pytest.mark.parametrize("excluded_volume", [None, 0.7])
def test_pairs_up_to_five_apart_are_left_to_bonds(tmp_path: Path, excluded_volume: float | None) -> None:
    given = prior(np.random.default_rng(0), weights=ALL_ON._replace(excluded_volume=excluded_volume))
    engine = exported(tmp_path, given, 25)
    assert list(engine.repelled()) == [(i, j, 1.0) for i in range(25) for j in range(i + 6, 25)]
    close = [(i, j) for kind, i, j in engine.lists["Bonds"] if kind == 2]
    assert sorted(close) == [(i, j) for i in range(25) for j in range(i + 2, min(i + 6, 25))]


def test_weights_are_in_the_tables(tmp_path: Path) -> None:
    given = prior(np.random.default_rng(1), weights=Weights(1.0, 1.0, 1.0, 1.0, 1.0))
    doubled = Prior(Weights(2.0, 3.0, 5.0, 7.0, 11.0), given.params)
    one, other = exported(tmp_path / "a", given, 9), exported(tmp_path / "b", doubled, 9)
    R = chain(np.random.default_rng(2), 9)
    terms = np_energies(given.weights, given.params, R)
    assert one(R)[0]["bond"] == pytest.approx(terms["bond"] + terms["excluded_volume"], rel=1e-8)
    assert other(R)[0]["bond"] == pytest.approx(2 * terms["bond"] + 11 * terms["excluded_volume"], rel=1e-8)
    for style, factor in {"angle": 3, "dihedral": 5, "pair": 7}.items():
        assert other(R)[0][style] == pytest.approx(factor * one(R)[0][style], rel=1e-12)


def test_the_dihedral_is_iupacs(tmp_path: Path) -> None:
    given = Prior(Weights(0.0, 0.0, 1.0, 0.0), four_term_prior().params)
    write_lammps(tmp_path, given, 4)
    table = section_of((tmp_path / "dihedral.table").read_text(encoding="utf-8"), "DIHEDRAL")
    n = np.array([1, 2])
    k, gamma = given.params["k_dih"], given.params["gamma_dih"]
    expected = np.sum(k * (1 + np.cos(n * np.deg2rad(table.x)[:, None] + gamma)), axis=1)  # + and not -
    np.testing.assert_allclose(table.energy, expected, rtol=1e-12)
    mirrored = np.array([[0, 0, 0], [3.8, 0, 0], [5, 3.6, 0], [8, 4.5, 2.0]], float)
    R = mirrored * [1, 1, -1]
    F = Lammps(tmp_path)(R)[1]
    assert relative(F, np_forces(given.weights, given.params, R)) < FORCE
    assert relative(F, np_forces(given.weights, given.params, mirrored) * [1, 1, -1]) > 0.01


@pytest.mark.slow
def test_errors_between_the_points(tmp_path: Path) -> None:
    """The bounds stated in tables.py, measured half way between points, where the errors are largest."""
    given = with_excluded_volume(default_prior())
    engine = exported(tmp_path, given, 10)
    p, w = given.params, given.weights
    for least, bound in ((2.0, 7e-6), (3.0, 3e-7), (4.0, 3e-8)):
        squared = np.arange(np.ceil(least**2), 3599, 0.1)
        r = np.sqrt(squared)
        exact = 4 * w.repulsive * p["epsilon"] * p["sigma"] ** 4 / r**5
        assert np.max(np.abs(engine.pair(squared)[1] * r / exact - 1)) < bound, least
    r = np.arange(2.0, 31.0, 0.0013)
    exact = 4 * 0.6 * p["epsilon_ex"] * p["sigma_ex"] ** 4 / r**5
    assert np.max(np.abs(engine.curves["bond", 2](r)[1] / exact - 1)) < 4.4 * (0.013 / 2) ** 4
    theta = np.linspace(0, np.pi, 20011)
    for n in (1, 10):
        series = Prior(w, p | {name: np.eye(n)[n - 1] if name == "b" else np.zeros(n) for name in "ab"})
        curve = exported(tmp_path / str(n), series, 3).curves["angle", 1]
        assert np.max(np.abs(curve(theta)[0] - w.angle * np.sin(n * theta))) < 1e-9 * w.angle
        assert np.max(np.abs(curve(theta)[1] + w.angle * n * np.cos(n * theta))) < 1e-9 * n * w.angle


def test_beyond_the_cutoff_pairs_feel_nothing(tmp_path: Path) -> None:
    given = default_prior()
    straight = np.arange(30)[:, None] * np.array([3.8, 0.0, 0.0]) + np.random.default_rng(0).normal(size=(30, 3)) / 10
    exact = np_forces(given.weights, given.params, straight)
    far = relative(exported(tmp_path / "a", given, 30)(straight)[1], exact)
    short = exported(tmp_path / "b", given, 30, cutoff=30.0)
    assert short.cutoff == 30.0
    assert 1e-9 < far < 1e-7  # pairs beyond 60 Å are left out
    assert 10 * far < relative(short(straight)[1], exact) < 1e-5
    assert "cut off at 30 Å, where it is 1.0e-04 kcal/mol" in (tmp_path / "b" / "prior.in").read_text(encoding="utf-8")


def test_beads_that_nothing_keeps_apart_may_meet(tmp_path: Path) -> None:
    # A fit with --nonnegative may give epsilon = 0, or a rounding error.
    given = default_prior()
    weak = Prior(given.weights, given.params | {"epsilon": 1e-17})
    R = chain(np.random.default_rng(0), 8)
    R[7] = R[0] + [0.01, 0.0, 0.0]
    E, F = exported(tmp_path / "a", weak, 8)(R)
    assert E["pair"] == 0
    assert np.isfinite(F).all()
    with pytest.raises(ValueError, match="outside the table"):
        exported(tmp_path / "b", given, 8)(R)


def test_data_file(tmp_path: Path) -> None:
    paths = write_lammps(tmp_path, default_prior(), 12, mass=99.5)
    assert sorted(path.name for path in paths) == sorted(path.name for path in tmp_path.iterdir())
    text = (tmp_path / "chain.data").read_text(encoding="utf-8")
    assert "\nMasses\n\n1 99.5\n" in text
    header, lists = read_data(tmp_path / "chain.data")
    assert header["atoms"] == 12
    assert [len(lists[name]) for name in ("Bonds", "Angles", "Dihedrals")] == [11 + 10 + 9 + 8 + 7, 10, 9]
    R = read_positions(tmp_path / "chain.data")
    lengths = np.linalg.norm(np.diff(R, axis=0), axis=1)
    np.testing.assert_allclose(lengths, float(default_prior().params["r0"]), rtol=1e-12)
    box = [[float(word) for word in line.split()[:2]] for line in text.splitlines() if line.endswith("hi")]
    assert all(low < x.min() and x.max() < high for (low, high), x in zip(box, R.T, strict=True))
    given = chain(np.random.default_rng(0), 12)
    write_lammps(tmp_path, default_prior(), 12, positions=given)
    np.testing.assert_array_equal(read_positions(tmp_path / "chain.data"), given)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"beads": 1}, "beads is 1; give at least 2"),
        ({"beads": 0}, "beads is 0; give at least 2"),
        ({"mass": 0.0}, "mass is 0.0; give a finite number above 0"),
        ({"mass": float("nan")}, "mass is nan; give"),
        ({"cutoff": 29.0}, "cutoff is 29.0; give 30 to 200 Å"),
        ({"cutoff": float("nan")}, "cutoff is nan; give 30 to 200 Å"),
        ({"positions": np.zeros((9, 3))}, r"positions have shape \(9, 3\); give \(10, 3\)"),
        ({"positions": np.full((10, 3), np.nan)}, "positions are not finite; give finite numbers"),
    ],
)
def test_refusals(tmp_path: Path, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        exported(tmp_path / "out", default_prior(), **({"beads": 10} | arguments))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for target in (tmp_path / "file", tmp_path / "file" / "sub"):
        with pytest.raises(InputError, match="cannot write"):
            write_lammps(target, default_prior(), 10)
    (tmp_path / "out" / "run.in").mkdir(parents=True)
    with pytest.raises(InputError, match=r"run\.in: it is a directory"):
        write_lammps(tmp_path / "out", default_prior(), 10)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["run.in"]
