"""The comparison with csg_fmatch: input files of both programs, and the evaluation. The program itself is not
needed."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.interpolate import CubicSpline

import cgcore
from benchmarks.measure import Run
from benchmarks.measure import measured as run
from benchmarks.votca import __main__ as command
from benchmarks.votca import chains, inputs, programs
from benchmarks.votca.coordinates import distances, forces, measured, squared_residuals
from benchmarks.votca.grids import Grid, grids
from benchmarks.votca.results import fitted, piecewise, tables
from cgcore.config.loading import load_config
from validation import explicit_terms

BEADS = 12
KNOTS = {
    "bond": Grid(3.5, 4.2, 5),
    "angle": Grid(1.3, 2.7, 6),
    "dihedral": Grid(-np.pi, np.pi, 8),
    "pair": Grid(2.0, 30.0, 7),
}


@pytest.fixture(scope="module")
def frames() -> chains.Frames:
    """Three chains with arbitrary forces."""
    rng = np.random.default_rng(5)
    R = chains.positions(3, BEADS, rng)
    return chains.Frames(R, rng.normal(size=R.shape))


def natural(grid: Grid, seed: int) -> CubicSpline:
    """A slope as in csg_fmatch."""
    values = np.random.default_rng(seed).normal(size=grid.intervals + 1)
    return CubicSpline(grid.knots, values, bc_type="natural")


def test_chains_have_the_shape_of_those_of_proteins() -> None:
    R = chains.positions(20, 60, np.random.default_rng(0))
    bond, angle = measured("bond", R)[0], measured("angle", R)[0]
    assert (bond.min() > 3.5, bond.max() < 4.2) == (True, True)
    # The first angle is that of the start.
    assert (angle[:, 1:].min() > 1.34, angle[:, 1:].max() < 2.66) == (True, True)
    assert np.median(distances(R)[0].min(axis=1)) > 3.0


def test_a_trr_gives_back_positions_and_forces(frames: chains.Frames, tmp_path: Path) -> None:
    inputs.write_trr(tmp_path / "frames.trr", [frames, frames])
    (read,) = inputs.read_trr(tmp_path / "frames.trr")
    np.testing.assert_allclose(read.R, np.concatenate([frames.R] * 2), atol=1e-5)
    np.testing.assert_allclose(read.F, np.concatenate([frames.F] * 2), atol=1e-5)
    # cgcore reads the same numbers: the units are those of the format.
    batch = cgcore.read(str(tmp_path / "frames.trr")).join()
    np.testing.assert_allclose(batch.R, read.R, atol=1e-5)
    np.testing.assert_allclose(batch.F, read.F, atol=1e-5)


def test_the_topology_names_each_row_of_beads() -> None:
    root = ET.fromstring(inputs.topology(BEADS))
    assert [bead.get("name") for bead in root.iter("bead")] == [f"B{i}" for i in range(BEADS)]
    found = {term.tag: (term.findtext("beads") or "").split() for term in root.findall("bonded/*")}
    assert {name: len(beads) for name, beads in found.items()} == {"bond": 2 * 11, "angle": 3 * 10, "dihedral": 4 * 9}
    assert found["dihedral"][4:8] == ["P:B1", "P:B2", "P:B3", "P:B4"]


def test_settings_hold_the_grids_in_the_units_of_csg_fmatch() -> None:
    root = ET.fromstring(inputs.options(KNOTS, inputs.Setting(6, True)))
    assert root.findtext("fmatch/frames_per_block") == "6"
    assert root.findtext("fmatch/constrainedLS") == "true"
    for name, grid in KNOTS.items():
        kind = "non-bonded" if name == "pair" else "bonded"
        (term,) = (one for one in root.findall(kind) if one.findtext("name") == name)
        low, high, step, out = (
            float(term.findtext(f"fmatch/{key}") or "") for key in ("min", "max", "step", "out_step")
        )
        scale = 10 if name in ("bond", "pair") else 1
        assert (low, high) == pytest.approx((grid.low / scale, grid.high / scale))
        # The number of knots and table points as the program computes it.
        assert int((high - low) / step + 1.00000001) == grid.intervals + 1
        assert 1 + int((high - low) / out) == 3 * grid.intervals + 1
        assert (term.findtext("fmatch/periodic") == "1") == (name == "dihedral")


def test_terms_have_the_same_knots(tmp_path: Path) -> None:
    (tmp_path / "terms.yaml").write_text(inputs.terms(KNOTS))
    prior = load_config(tmp_path / "terms.yaml").prior
    assert prior is not None
    found = {term.name: term for term in prior.terms}
    assert found.keys() == {"bond", "angle", "dihedral", "repulsive"}
    for name, grid in KNOTS.items():
        basis = found[inputs.TERMS[name]].basis
        assert isinstance(basis, cgcore.bases.BSpline)
        assert basis.degree == 4
        assert basis.knots[: grid.intervals + 1] == tuple(grid.knots.tolist())
        assert len(basis.knots) - grid.intervals == (2 if name == "pair" else 1)
    assert found["repulsive"].rows.nearest == 4


@pytest.mark.parametrize("name", ["bond", "angle", "pair"])
def test_every_slope_of_csg_fmatch_is_one_of_cgcores(name: str) -> None:
    grid = KNOTS[name]
    x = np.linspace(grid.low, grid.high, 200)
    knots, ends = (grid.further, "cutoff") if name == "pair" else (grid.knots, "open")
    slopes = explicit_terms.splines(knots.tolist(), inputs.DEGREE, ends, x, 1)
    for seed in range(3):
        wanted = natural(grid, seed)(x)
        coefficients = np.linalg.lstsq(slopes.T, wanted, rcond=None)[0]
        np.testing.assert_allclose(coefficients @ slopes, wanted, atol=1e-9)


def test_a_table_determines_the_spline_also_beyond_its_ends() -> None:
    grid = KNOTS["angle"]
    slope = natural(grid, 1)
    found = piecewise(grid, slope(np.linspace(grid.low, grid.high, 3 * grid.intervals + 1)))
    x = np.linspace(grid.low - 0.1, grid.high + 0.1, 50)
    np.testing.assert_allclose(found(x), slope(x), atol=1e-9)
    with pytest.raises(ValueError, match="18 values are not 3 for each of 6 intervals"):
        piecewise(grid, np.zeros(18))


def test_tables_are_read_in_units_and_sign_of_cgcore(tmp_path: Path) -> None:
    for name, grid in KNOTS.items():
        x = np.linspace(grid.low, grid.high, 3 * grid.intervals + 1)
        force = 41.84 * (x - 1) if name in ("bond", "pair") else 4.184 * (x - 1)
        np.savetxt(tmp_path / f"{name}.force", np.stack([x, force, 0 * x], axis=1), fmt="%.10g %.10g %g i")
    found = tables(tmp_path, KNOTS)
    for name, x in {"bond": 3.6, "angle": 2.0, "pair": 5.0}.items():
        assert found[name](np.array([x])) == pytest.approx(1 - x)
    # U'(x) = 1 - x for IUPAC's dihedral x; for the dihedral -x the slope is x - 1.
    assert found["dihedral"](np.array([-2.1])) == pytest.approx(1.1)


def test_forces_of_written_coefficients_are_those_of_the_explicit_matrix(frames: chains.Frames, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    declared = yaml.safe_load(inputs.terms(KNOTS))
    (tmp_path / "terms.yaml").write_text(inputs.terms(KNOTS))
    prior = load_config(tmp_path / "terms.yaml").prior
    assert prior is not None
    coefficients = {term.name: rng.normal(size=term.size) for term in prior.terms}
    for name, c in coefficients.items():
        declared["model"]["terms"][name] |= {"coefficients": c.tolist(), "weight": 0.7}
    (tmp_path / "priors.yaml").write_text(yaml.safe_dump(declared))
    found = forces(frames.R, fitted(tmp_path))
    c = np.concatenate([coefficients[term.name] for term in prior.terms])
    for R, F in zip(frames.R, found, strict=True):
        expected = 0.7 * explicit_terms.matrix(R, prior.terms, np.zeros(BEADS, int), np.arange(BEADS)) @ c
        np.testing.assert_allclose(F, expected, atol=1e-9 * np.abs(expected).max())


def test_grids_reach_from_the_smallest_to_the_largest(frames: chains.Frames) -> None:
    found = grids([frames.R[:1], frames.R[1:]])
    r = distances(frames.R)[0]
    assert (found["pair"].low, found["pair"].high) == (r.min(), r.max())
    assert found["dihedral"][:2] == (-np.pi, np.pi)


def test_without_potentials_the_loss_is_that_of_the_forces(frames: chains.Frames, tmp_path: Path) -> None:
    inputs.write_trr(tmp_path / "frames.trr", [frames])
    for nothing in ({}, dict.fromkeys(KNOTS, np.zeros_like)):
        assert squared_residuals(*frames, nothing) == pytest.approx(np.sum(frames.F**2))
    assert command.loss(tmp_path / "frames.trr", {}) == pytest.approx(np.sum(frames.F**2) / (3 * BEADS), rel=1e-5)


def test_blocks_are_as_large_as_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, frames = [], 100_000
    for free in (2**40, 2**32, 1):
        monkeypatch.setattr(programs, "available", lambda free=free: free)
        sizes.append([one.frames_per_block for one in programs.settings(frames, 100, KNOTS)])
    assert sizes[0] == [frames, frames, 6]
    assert (
        frames % sizes[1][0] < frames // sizes[1][0]
    )  # blocks of equal size leave out fewer frames than there are blocks
    assert sizes[2][0] == 1
    assert all(above[0] > below[0] for above, below in pairwise(sizes))


def test_a_program_is_measured(tmp_path: Path) -> None:
    held = run([sys.executable, "-c", "print(len(bytearray(60 * 2**20)))"], tmp_path)
    assert held.printed == f"{60 * 2**20}\n"
    assert held.mebibytes > 60
    assert held.core_seconds > 0
    assert held.seconds > 0
    with pytest.raises(RuntimeError, match="ended with 3"):
        run([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)


def test_without_the_program_the_command_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "argv", ["votca"])
    with pytest.raises(SystemExit, match="2"):
        command.main()
    assert capsys.readouterr().err == "csg_fmatch is not on the PATH; install it with: apt-get install votca\n"


def test_the_rows_of_the_table(frames: chains.Frames, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nothing = dict.fromkeys(KNOTS, np.zeros_like)
    monkeypatch.setattr(chains, "batches", lambda *_, **__: [frames])
    monkeypatch.setattr(programs, "cgcore", lambda *_: programs.Outcome("ours", Run(2.0, 1.0, 30.0), nothing))
    monkeypatch.setattr(programs, "csg_fmatch", lambda *_: programs.Outcome("theirs", Run(3.0, 3.0, 9.0), nothing))
    rows = list(command.compared(3, BEADS, tmp_path))
    assert [row["program"] for row in rows] == ["no potential", "ours", "theirs", "theirs", "theirs"]
    assert (rows[1]["core seconds"], rows[1]["peak MiB"]) == ("1.0", "30")
    assert rows[1]["loss"] == rows[0]["loss"]


def test_a_failure_of_csg_fmatch_is_a_row(
    frames: chains.Frames, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*_: object) -> programs.Outcome:
        raise RuntimeError("csg_fmatch ended with 6: frame 10\n  what():  zero_column\n")

    nothing = dict.fromkeys(KNOTS, np.zeros_like)
    monkeypatch.setattr(chains, "batches", lambda *_, **__: [frames])
    monkeypatch.setattr(programs, "cgcore", lambda *_: programs.Outcome("ours", Run(2.0, 1.0, 30.0), nothing))
    monkeypatch.setattr(programs, "csg_fmatch", fails)
    *_, last = command.compared(3, BEADS, tmp_path)
    assert last == {"program": "csg_fmatch, blocks of 6, pressed smoothness", "loss": "failed: what():  zero_column"}
