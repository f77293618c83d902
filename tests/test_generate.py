"""All-atom data generated here, and maps of their forces."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_helpers import assert_refused, run
from click.testing import CliRunner

from cgcore.data import read
from cgcore.data.residues import letter
from cgcore.errors import InputError
from cgcore.generate import PEPTIDES, TOPOLOGY, TRAJECTORY, Peptide, Run, alanines, generate
from cgcore.generate.command import main
from cgcore.generate.heavy_atoms import heavy_atoms
from cgcore.generate.solvent import native_solvent
from cgcore.generate.soundness import require_stereochemistry
from cgcore.mapping import map_to_beads

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of OpenMM's own modules

BLOCKS = 8


def coefficients(R: np.ndarray, F: np.ndarray) -> np.ndarray:
    """Least squares for k and k r0 of springs between neighbours, and between beads two apart."""
    columns = []
    for apart in (1, 2):
        step = R[:, apart:] - R[:, :-apart]
        unit = step / np.linalg.norm(step, axis=2, keepdims=True)
        for pull in (step, -unit):  # on the first bead of a spring: for k = 1, and for k r0 = 1
            column = np.zeros_like(R)
            column[:, :-apart] += pull
            column[:, apart:] -= pull
            columns.append(column.ravel())
    return np.linalg.lstsq(np.stack(columns, axis=1), F.ravel(), rcond=None)[0]


@pytest.mark.slow
def test_parameters_agree_under_the_three_maps(tmp_path: Path) -> None:
    generate(tmp_path, Run(frames=300, every=30, equilibration=1000), alanines(5))
    found = {}
    for force_map in ("slice", "residue", "optimal"):
        made = map_to_beads(tmp_path / TOPOLOGY, [tmp_path / TRAJECTORY], force_map=force_map)
        batch = made.dataset.join()
        parts = [
            coefficients(R, F)
            for R, F in zip(np.array_split(batch.R, BLOCKS), np.array_split(batch.F, BLOCKS), strict=True)
        ]
        found[force_map] = np.array(parts)
        noises = {one.name: one.noise for one in made.maps}
    errors = {name: parts.std(axis=0, ddof=1) / np.sqrt(BLOCKS) for name, parts in found.items()}
    for name in ("slice", "residue"):
        apart = found[name].mean(axis=0) - found["optimal"].mean(axis=0)
        assert (np.abs(apart) < 5 * np.hypot(errors[name], errors["optimal"])).all(), (name, apart, errors)
    assert noises["optimal"] < 0.5 * min(noises["slice"], noises["residue"])
    assert (errors["optimal"][:2] < errors["slice"][:2]).all()


@pytest.mark.slow
def test_what_is_generated_is_read_and_refused_where_atoms_are(tmp_path: Path) -> None:
    few = ["--alanines", "2", "--frames", "3", "--every", "5", "--flexible"]
    done = CliRunner().invoke(main, [*few, "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    with np.load(tmp_path / TRAJECTORY) as archive:
        assert archive["coords"].shape == archive["Fs"].shape == (3, 32, 3)
        assert archive["temperature"] == 300
    with pytest.raises(InputError, match="cgcore map"):
        read(tmp_path / TRAJECTORY)
    files = (tmp_path / TOPOLOGY, tmp_path / TRAJECTORY, "-o", tmp_path / "b.npz")
    assert_refused(run("map", *files), "3 frames are too few for the optimal map of 32 atoms", "--map residue")
    assert "32 atoms, 2 beads" in run("map", *files, "--map", "residue").out


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"frames": 0}, "frames is 0"),
        ({"temperature": -1.0}, "temperature"),
        ({"solvent": "water"}, "'water'"),
        ({"step": 0.0}, "step"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Run(**settings)  # pyright: ignore[reportArgumentType]


def test_a_pdb_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pdb").write_text("nothing\n")
    with pytest.raises(InputError, match=r"a\.pdb: OpenMM cannot use it"):
        generate(tmp_path, Run(frames=1), tmp_path / "a.pdb")


def positions(name: str) -> tuple[Any, dict[tuple[int, str], np.ndarray]]:
    """OpenMM's topology, and the positions of the atoms in each residue [nm]."""
    from openmm import app

    topology, places = heavy_atoms(app, PEPTIDES[name])
    R = np.array(places._value)
    return topology, {(atom.residue.index, atom.name): R[atom.index] for atom in topology.atoms()}


@pytest.mark.parametrize("name", PEPTIDES)
def test_peptides_are_of_the_sequence_of_l_amino_acids_and_trans(name: str) -> None:
    topology, at = positions(name)
    peptide = PEPTIDES[name]
    residues = [residue for residue in topology.residues() if residue.name not in ("ACE", "NME")]
    assert "".join(letter(residue.name) or "?" for residue in residues) == peptide.sequence
    assert topology.getNumResidues() == len(peptide.sequence) + 2 * peptide.capped
    for residue in residues:
        n, ca, c = (at[residue.index, atom] for atom in ("N", "CA", "C"))
        if residue.name != "GLY":
            assert np.cross(n - ca, c - ca) @ (at[residue.index, "CB"] - ca) > 0
    for one, other in pairwise(residues):
        # 2.9 Å in a cis peptide, 3.8 Å in a trans peptide.
        assert 0.37 < np.linalg.norm(at[one.index, "CA"] - at[other.index, "CA"]) < 0.4


def test_a_helix_starts_as_one_and_a_hairpin_with_its_ends_together() -> None:
    _, helix = positions("aaqaa3")
    assert np.linalg.norm(helix[1, "O"] - helix[5, "N"]) == pytest.approx(0.29, abs=0.03)
    _, hairpin = positions("trpzip2")
    assert np.linalg.norm(hairpin[0, "CA"] - hairpin[11, "CA"]) < 1.6


@pytest.mark.slow
def test_the_native_solvent_gives_the_forces_of_the_force_field() -> None:
    import openmm
    from openmm import app

    topology, places = heavy_atoms(app, alanines(2))
    forcefield = app.ForceField("amber14-all.xml", "implicit/obc2.xml")
    model = app.Modeller(topology, places)
    model.addHydrogens(forcefield)
    system = forcefield.createSystem(model.topology, nonbondedMethod=app.NoCutoff)
    found = []
    for change in (lambda: None, lambda: native_solvent(openmm, system)):
        change()
        kinds = [force.getName() for force in system.getForces()]
        context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
        context.setPositions(model.positions)
        found.append(context.getState(getForces=True).getForces(asNumpy=True)._value)
    assert "GBSAOBCForce" in kinds
    assert "CustomGBForce" not in kinds
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-3 * np.abs(found[0]).max())


@pytest.mark.slow
def test_a_seed_gives_the_same_frames_again(tmp_path: Path) -> None:
    for name in ("once", "again"):
        generate(tmp_path / name, Run(frames=2, every=5, equilibration=5), PEPTIDES["aaqaa3"])
    first, second = (np.load(tmp_path / name / TRAJECTORY) for name in ("once", "again"))
    np.testing.assert_array_equal(first["coords"], second["coords"])


@pytest.mark.parametrize(("change", "words"), [("cis", "the bond before residue 3 is cis"), ("D", "residue 1 is a D")])
def test_what_a_clash_turned_over_is_refused(change: str, words: str) -> None:
    from openmm import app

    topology, places = heavy_atoms(app, Peptide("AAA", "EEE"))
    R = 10 * np.array(places._value)
    require_stereochemistry("AAA", topology, R)
    atoms = [(atom.residue.index, atom.name) for atom in topology.atoms()]
    if change == "cis":
        moved, fixed = atoms.index((2, "CA")), atoms.index((1, "CA"))
        R[moved] = R[fixed] + 2.9 / 3.8 * (R[moved] - R[fixed])
    else:
        R = R * [1, 1, -1]
    with pytest.raises(InputError, match=words):
        require_stereochemistry("AAA", topology, R)


@pytest.mark.slow
def test_threaded_rings_are_refused(tmp_path: Path) -> None:
    clash = ["--sequence", "SWTWENGKWTWK", "--shape", "EEEEElmEEEEE", "--frames", "1"]
    done = CliRunner().invoke(main, [*clash, "-o", str(tmp_path / "new")])
    assert done.exit_code == 2
    assert "SWTWENGKWTWK: a bond is off by" in done.output
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("AXB", "EEE"), "'AXB'"),
        (("A", "E"), "two or more"),
        (("AAA", "EE"), "does not fit AAA"),
        (("AAA", "EEx"), "does not fit AAA"),
    ],
)
def test_peptides_that_cannot_be_built_are_refused(given: tuple[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Peptide(*given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--peptide", "gb1", "--alanines", "3"], "give one of them"),
        (["--shape", "EEE"], "--shape needs --sequence"),
        (["--alanines", "1"], "give at least 2"),
    ],
)
def test_one_peptide_is_named(given: list[str], words: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [*given, "-o", str(tmp_path)])
    assert done.exit_code == 2
    assert words in done.output
