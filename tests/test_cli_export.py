"""`cgcore export`: the output is the prior in the file, and bad input is refused before anything is written."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import openmm
import pytest
from cli_helpers import WEIGHTS, assert_refused, bundled, forces, prior_yaml, run, save
from helpers import relative

from cgcore.config import default_prior, load_config
from cgcore.export.stablehlo import read_stablehlo
from cgcore.serialize import write_priors
from validation.engines.lammps_reader import Lammps

R = bundled(slice(0, 1000, 200))["R"].astype(np.float64)


@pytest.fixture
def priors(tmp_path: Path) -> Path:
    return prior_yaml(tmp_path / "priors.yaml")


def expected(priors: Path) -> np.ndarray:
    """The expected forces, computed independently from the numbers in the file."""
    return forces(load_config(priors).prior.params, R, WEIGHTS)


def test_lammps(tmp_path: Path, priors: Path) -> None:
    out = tmp_path / "a" / "lammps"
    ran = run("export", priors, "--to", "lammps", "--beads", 10, "-o", out, "--mass", 100, "--cutoff", 40)
    assert (ran.code, ran.err) == (0, "")
    names = ["angle.table", "bond.table", "chain.data", "dihedral.table", "pair.table", "prior.in", "run.in"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert sorted(ran.out.splitlines()) == [f"Written: {out / name}" for name in names]
    engine = Lammps(out)
    assert engine.cutoff == 40
    assert "\n1 100.0\n" in (out / "chain.data").read_text(encoding="utf-8")
    assert relative([engine(frame)[1] for frame in R], expected(priors)) < 1e-7


def test_openmm(tmp_path: Path, priors: Path) -> None:
    out = tmp_path / "system.xml"
    ran = run("export", priors, "--to", "openmm", "--beads", 10, "--output", out, "--mass", 57.05)
    assert ran == (0, f"Written: {out}\n", "")
    system: Any = openmm.XmlSerializer.deserialize(out.read_text(encoding="utf-8"))
    assert system.getParticleMass(9)._value == 57.05
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    for frame, F in zip(R, expected(priors), strict=True):
        context.setPositions(frame / 10)
        found: Any = context.getState(forces=True).getForces(asNumpy=True)
        assert relative(found._value / 41.84, F) < 1e-8


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "tolerance"), [(None, 1e-5), ("float64", 1e-12)])
def test_stablehlo(tmp_path: Path, priors: Path, precision: str | None, tolerance: float) -> None:
    out = tmp_path / "prior.stablehlo"
    more = [] if precision is None else ["--precision", precision]
    ran = run("export", priors, "--to", "stablehlo", "--beads", 10, "-o", out, *more)
    assert ran == (0, f"Written: {out}\n", "")
    _, F = read_stablehlo(out)(R, np.ones(R.shape[:2], bool), np.zeros(R.shape[:2], int))
    assert F.dtype == (precision or "float32")
    assert relative(F, expected(priors)) < tolerance


def test_what_a_fit_writes_and_a_warning(tmp_path: Path) -> None:
    # As for the bundled data, which give a negative epsilon; no simulation must start from that without a warning.
    priors = tmp_path / "priors.yaml"
    start = default_prior()
    write_priors(priors, start, start.params | {"epsilon": -41.858278})
    ran = run("export", priors, "--to", "openmm", "--beads", 10, "-o", tmp_path / "system.xml")
    assert (ran.code, ran.out) == (0, f"Written: {tmp_path / 'system.xml'}\n")
    assert ran.err == (
        f"{priors}: epsilon = -41.8583 is negative: the repulsion attracts; "
        "do not simulate with it, but fit with --constraints safe\n"
    )


def test_bonds_that_are_not_bound_are_a_warning(tmp_path: Path) -> None:
    priors = prior_yaml(tmp_path / "priors.yaml", kr=-3.0)
    ran = run("export", priors, "--to", "openmm", "--beads", 10, "-o", tmp_path / "system.xml")
    assert (ran.code, "kr = -3 is not positive: bonds are not bound" in ran.err) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--to", "lammps", "--beads", "1"), ("beads is 1", "at least 2")),
        (("--to", "openmm", "--beads", "-4"), ("beads is -4", "at least 2")),
        (("--to", "stablehlo", "--beads", "0"), ("beads is 0", "at least 2")),
        (("--to", "lammps", "--beads", "ten"), ("--beads", "ten")),
        (("--to", "gromacs", "--beads", "10"), ("--to", "lammps", "openmm", "stablehlo")),
        (("--beads", "10"), ("--to",)),
        (("--to", "lammps"), ("--beads",)),
        (("--to", "lammps", "--beads", "10", "--cutoff", "5"), ("cutoff is 5", "give 30 to 200")),
        (("--to", "lammps", "--beads", "10", "--mass", "0"), ("mass is 0", "above 0")),
        (("--to", "openmm", "--beads", "10", "--mass", "nan"), ("mass is nan", "above 0")),
        (("--to", "openmm", "--beads", "10", "--cutoff", "50"), ("--cutoff has no effect with --to openmm",)),
        (("--to", "stablehlo", "--beads", "10", "--mass", "50"), ("--mass has no effect with --to stablehlo",)),
        (("--to", "lammps", "--beads", "10", "--precision", "float32"), ("--precision has no effect",)),
    ],
)
def test_bad_arguments(tmp_path: Path, priors: Path, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    assert_refused(run("export", priors, "-o", tmp_path / "out", *arguments), *words)
    assert [path.name for path in tmp_path.iterdir()] == ["priors.yaml"]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, ("model.priors is missing", "cgcore fit")),
        ({"model": None}, ("model.priors is missing",)),
        ({"model": {"use_priors": True}}, ("model.priors is missing",)),
        ({"model": {"use_priors": False, "priors": {"r0": 3.8}}}, ("model.use_priors is false",)),
        ({"model": {"priors": {"r0": "long"}}}, ("model.priors.r0", "write one number")),
        ({"model": {"priors": {"weight": {}}}}, ("model.priors.weight", "did you mean weights")),
    ],
)
def test_files_without_a_prior(tmp_path: Path, document: dict[str, Any], words: tuple[str, ...]) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(json.dumps(document))
    ran = run("export", path, "--to", "lammps", "--beads", 10, "-o", tmp_path / "out")
    assert_refused(ran, r"c\.yaml", *words)
    assert not (tmp_path / "out").exists()


def test_targets_that_cannot_be_written(tmp_path: Path, priors: Path) -> None:
    (tmp_path / "folder").mkdir()
    for target, out in (("lammps", priors), ("openmm", tmp_path / "folder"), ("stablehlo", priors / "x")):
        ran = run("export", priors, "--to", target, "--beads", 10, "-o", out)
        assert_refused(ran, f"cannot write {out}")
    assert_refused(run("export", priors, "--to", "lammps", "--beads", 10, "-o", ""), "--output is empty")
    assert_refused(run("export", tmp_path / "none", "--to", "lammps", "--beads", 10, "-o", "x"), "no such file")
    assert load_config(priors).prior.params["r0"] == 3.83


def test_without_openmm(tmp_path: Path, priors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openmm", None)
    ran = run("export", priors, "--to", "openmm", "--beads", 10, "-o", tmp_path / "system.xml")
    assert_refused(ran, r"pip install 'cgcore\[export\]'")


@pytest.mark.slow
def test_a_mixture_of_two_runs_is_a_warning(tmp_path: Path) -> None:
    data, config = save(tmp_path / "d.npz", bundled(12)), prior_yaml(tmp_path / "c.yaml", harmonics=1)
    assert (
        run("fit", data, "--config", config, "--output", tmp_path / "a", "--plot", tmp_path / "a" / "x.svg").code == 0
    )
    said = json.loads((tmp_path / "a" / "fit.json").read_text(encoding="utf-8"))["files"]
    assert said == {
        name: hashlib.sha256((tmp_path / "a" / name).read_bytes()).hexdigest() for name in ("priors.yaml", "x.svg")
    }
    priors, to = tmp_path / "a" / "priors.yaml", ("--to", "lammps", "--beads", 9, "-o", tmp_path / "out")
    mixed = "does not match .*fit.json; one of them comes from another run or was edited"
    assert not re.search(mixed, run("export", priors, *to).err)
    priors.write_text(config.read_text())  # as left by a run that was killed after moving only this file
    ran = run("export", priors, *to)
    assert (ran.code, bool(re.search(mixed, ran.err))) == (0, True)


@pytest.mark.slow
def test_lammps_files_need_no_openmm(tmp_path: Path, priors: Path) -> None:
    words = ["export", str(priors), "--to", "lammps", "--beads", "9", "-o", str(tmp_path / "out")]
    code = (
        f"import sys; from cgcore.cli.commands import cli; cli({words}, standalone_mode=False);"
        "print(*sorted({'openmm', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == ""
