"""`cgcore export --species`: a prior that differs by species, for the chain in a file or for given species numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_helpers import assert_refused, bundled, run, save

from cgcore.config import default_prior
from cgcore.physics.bases import Harmonic
from cgcore.physics.groups import Groups
from cgcore.physics.rows import Rows
from cgcore.physics.term import Term

DATA = bundled(slice(0, 20))
SPECIES = DATA["species"][0].tolist()


@pytest.fixture
def priors(tmp_path: Path) -> Path:
    kinds = sorted(set(SPECIES))
    term = Term("bent", Rows("angles"), Harmonic(), 1.0, Groups.of_species("central", kinds))
    given = default_prior().with_terms([term], {"bent": [[5.0 + k, 10.0] for k in range(len(kinds))]})
    given.write(tmp_path / "priors.yaml")
    return tmp_path / "priors.yaml"


@pytest.mark.parametrize("target", ["openmm", "lammps"])
def test_data_and_numbers_are_the_same(tmp_path: Path, priors: Path, target: str) -> None:
    file = save(tmp_path / "d.npz", DATA)
    for name, species in (("a", file), ("b", ",".join(map(str, SPECIES)))):
        ran = run("export", priors, "--to", target, "--beads", 10, "--species", species, "-o", tmp_path / name)
        assert (ran.code, ran.err) == (0, "")
    first, second = tmp_path / "a", tmp_path / "b"
    if target == "openmm":
        assert first.read_bytes() == second.read_bytes()
        return
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()
    assert f"{len(set(SPECIES[1:-1]))} angle types" in (first / "chain.data").read_text(encoding="utf-8")


def test_refusals(tmp_path: Path, priors: Path) -> None:
    export = "export", priors, "--beads", 10, "-o", tmp_path / "out", "--to"
    assert_refused(run(*export, "openmm"), "'bent' of the prior differs by species", "--species")
    assert_refused(run(*export, "lammps", "--species", "1,2,3"), "give 10 whole numbers")
    assert_refused(run(*export, "stablehlo", "--species", "1,2,3"), "--species has no effect with --to stablehlo")
    other = save(tmp_path / "d.npz", {name: v[:, :8] if v.ndim > 1 else v for name, v in DATA.items()})
    assert_refused(run(*export, "openmm", "--species", other), "does not contain 10 beads")
    assert not (tmp_path / "out").exists()
