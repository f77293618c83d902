"""Force maps from atoms to beads, against explicit solutions and definitions; topologies and refusals."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, NamedTuple

import format_helpers as forms
import MDAnalysis
import numpy as np
import pytest
from cli_helpers import assert_refused, run
from hypothesis import given, settings
from hypothesis import strategies as st

from cgcore.data import read
from cgcore.errors import InputError
from cgcore.mapping import map_to_beads
from cgcore.mapping.beads import SPECIES, Beads, ca_beads
from cgcore.mapping.force_maps import OptimalMaps, noise, residue_map, slice_map
from cgcore.mapping.rigid import Distances, candidate_pairs, groups
from cgcore.mapping.topology import Topology, read_topology

PDB = Path(__file__).parent / "data" / "ala5.pdb"
BEADS, FRAMES = 5, 60


def atoms() -> Any:
    """Atoms of the PDB, as MDAnalysis represents them."""
    return MDAnalysis.Universe(str(PDB)).atoms


class Atomistic(NamedTuple):
    """Frames of all atoms [Å, kcal/mol/Å], and their topology."""

    R: np.ndarray
    F: np.ndarray
    topology: Topology


@pytest.fixture(scope="module")
def peptide() -> Atomistic:
    """Five alanines with caps; hydrogens move with the atom that they are bonded to, and stiff pairs carry noise."""
    topology = read_topology(PDB)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = atoms().positions.astype(np.float64)
    rng = np.random.default_rng(3)
    heavy = np.array([not name.startswith("H") for name in topology.names.tolist()])
    apart = np.linalg.norm(first[:, None] - first[None], axis=2)
    parent = np.where(heavy, np.arange(len(first)), np.where(heavy, apart, np.inf).argmin(axis=1))
    steps = rng.normal(scale=0.1, size=(FRAMES, len(first), 3))
    steps[0] = 0.0
    F = rng.normal(scale=2.0, size=steps.shape)
    for i, j in zip(*np.nonzero(np.triu(heavy[:, None] & heavy & (apart < 1.7) & (apart > 0))), strict=True):
        pull = rng.normal(scale=30.0, size=(FRAMES, 3))  # a bond: both of its atoms feel opposite forces
        F[:, i] += pull
        F[:, j] -= pull
    return Atomistic(first + steps[:, parent], F, topology)


@pytest.fixture(scope="module")
def folder(peptide: Atomistic, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The frames as an NPZ of projections and as a TRR, and the topology as PDB and GRO."""
    made = tmp_path_factory.mktemp("map")
    np.savez(made / "a.npz", coords=peptide.R, Fs=peptide.F, temperature=300.0)
    forms.trr(made / "a.trr", {"R": peptide.R, "F": peptide.F}, box=60.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        atoms().write(str(made / "a.gro"))
    return made


# The maps


def problem(seed: int, n_residues: int, size: int, ties: int) -> tuple[np.ndarray, Beads, np.ndarray]:
    """A Gram matrix of a few random forces, beads on the second atom of each residue, and groups without two CAs."""
    rng = np.random.default_rng(seed)
    n = n_residues * size
    X = rng.normal(size=(3 * n + 7, n)) @ rng.normal(size=(n, n))
    atoms = np.arange(n_residues) * size + 1
    names = np.array(["x"] * n_residues)
    beads = Beads(atoms, np.arange(n), np.repeat(np.arange(n_residues), size), atoms, names, names, atoms)
    pairs = np.array([(size * (k % n_residues) + rng.integers(size), size * (k % n_residues) + 2) for k in range(ties)])
    return X.T @ X, beads, groups(n, pairs.reshape(-1, 2))


def by_kkt(G: np.ndarray, beads: Beads, group: np.ndarray, penalty: float) -> np.ndarray:
    """Each row of the map from its KKT system, with one constraint for each equation."""
    n = len(G)
    rows = []
    equal = [(i, int(np.flatnonzero(group == group[i])[0])) for i in range(n)]
    for bead in range(len(beads.atoms)):
        C, d = [], []
        for other, atom in enumerate(beads.atoms):
            C.append(np.eye(n)[atom])
            d.append(float(other == bead))
        for i, first in equal:
            if i != first:
                C.append(np.eye(n)[i] - np.eye(n)[first])
                d.append(0.0)
        A = np.array(C)
        H = 2 * (G + penalty * np.eye(n))
        system = np.block([[H, A.T], [A, np.zeros((len(A), len(A)))]])
        rows.append(np.linalg.lstsq(system, np.concatenate([np.zeros(n), d]), rcond=None)[0][:n])
    return np.array(rows)


@settings(deadline=None, derandomize=True, max_examples=30)
@given(st.integers(0, 1000), st.integers(2, 4), st.integers(3, 5), st.integers(0, 4), st.sampled_from([0.0, 1e-3, 0.1]))
def test_the_optimal_map_is_the_solution_of_its_kkt_system(
    seed: int, n_residues: int, size: int, ties: int, ridge: float
) -> None:
    G, beads, group = problem(seed, n_residues, size, ties)
    W = OptimalMaps(G, beads, group).map(ridge)
    explicit = by_kkt(G, beads, group, ridge * np.trace(G) / len(G))
    np.testing.assert_allclose(W, explicit, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(W[:, beads.atoms], np.eye(n_residues))
    for i in range(len(G)):
        np.testing.assert_array_equal(W[:, i], W[:, np.flatnonzero(group == group[i])[0]])


@settings(deadline=None, derandomize=True, max_examples=30)
@given(st.integers(0, 1000), st.integers(2, 4), st.integers(3, 5), st.integers(0, 4))
def test_no_map_is_less_noisy_than_the_optimal_one(seed: int, n_residues: int, size: int, ties: int) -> None:
    G, beads, group = problem(seed, n_residues, size, ties)
    best = noise(OptimalMaps(G, beads, group).map(), G, 1)
    for other in (slice_map(beads, group), residue_map(beads, group)):
        assert best <= noise(other, G, 1) * (1 + 1e-12)


def test_forces_that_add_up_to_nothing_leave_the_map_finite() -> None:
    G, beads, group = problem(0, 3, 4, 0)
    P = np.eye(len(G)) - 1 / len(G)
    W = OptimalMaps(P @ G @ P, beads, group).map()
    assert np.abs(W).max() < 100


def test_noise_is_the_mean_square_force_on_a_bead(peptide: Atomistic) -> None:
    beads = ca_beads(peptide.topology)
    F = peptide.F[:, beads.solute]
    G = np.einsum("fix,fjx->ij", F, F)
    W = np.random.default_rng(0).normal(size=(BEADS, len(beads.solute)))
    mapped = np.einsum("bi,fix->fbx", W, F)
    assert noise(W, G, FRAMES) == pytest.approx(np.sum(mapped**2) / (FRAMES * BEADS), rel=1e-10)


def test_slice_and_residue_maps_are_what_they_are_called(peptide: Atomistic) -> None:
    beads = ca_beads(peptide.topology)
    free = np.arange(len(beads.solute))
    names, residue = peptide.topology.names[beads.solute], peptide.topology.residue[beads.solute]
    for bead, row in enumerate(slice_map(beads, free)):
        assert names[row == 1].tolist() == ["CA"]
        assert row.sum() == 1
        assert residue[row == 1] == bead + 1
    for bead, row in enumerate(residue_map(beads, free)):
        np.testing.assert_array_equal(row, residue == bead + 1)
    tied = groups(len(free), np.array([[i, i + 1] for i in np.flatnonzero(names == "CA")]))  # HA follows CA
    for row in slice_map(beads, tied):
        assert names[row == 1].tolist() == ["CA", "HA"]


def test_constraints_across_residues(peptide: Atomistic) -> None:
    beads = ca_beads(peptide.topology)
    names = peptide.topology.names[beads.solute]
    ca, c, n = (np.flatnonzero(names == name) for name in ("CA", "C", "N"))
    peptide_bond = groups(len(names), np.array([[c[1], n[1]]]))
    assert slice_map(beads, peptide_bond).sum() == BEADS
    with pytest.raises(InputError, match=r"of two residues.*--map optimal or slice"):
        residue_map(beads, peptide_bond)
    all_bonds = groups(len(names), np.array([[ca[0], c[1]], [c[1], n[1]], [n[1], ca[1]]]))
    with pytest.raises(InputError, match="connect the CA atoms of two residues"):
        OptimalMaps(np.eye(len(names)), beads, all_bonds)


# Rigid pairs


def test_rigid_bonds_are_found_also_across_the_box(peptide: Atomistic) -> None:
    topology = peptide.topology
    pairs = candidate_pairs(topology.residue, topology.names)
    vectors = np.eye(3)[None] * 20.0
    wrapped = np.mod(peptide.R, 20.0)
    found = []
    for R, box in ((peptide.R, None), (wrapped, vectors)):
        distances = Distances(pairs, R[0], None if box is None else box[0])
        distances.add(R[:20], box)
        distances.add(R[20:], box)
        found.append(distances.rigid())
    hydrogens = sum(name.startswith("H") for name in topology.names.tolist())
    np.testing.assert_array_equal(*found)
    bonds = found[0][np.linalg.norm(peptide.R[0][found[0][:, 0]] - peptide.R[0][found[0][:, 1]], axis=1) < 1.2]
    assert len(bonds) == hydrogens


def test_one_frame_says_nothing_of_rigidity(peptide: Atomistic) -> None:
    distances = Distances(candidate_pairs(peptide.topology.residue, peptide.topology.names), peptide.R[0])
    distances.add(peptide.R[:1])
    assert len(distances.rigid()) == 0


# From input files to output files


@pytest.mark.parametrize("force_map", ["slice", "residue", "optimal"])
@pytest.mark.parametrize(("topology", "trajectory"), [(str(PDB), "a.npz"), ("a.gro", "a.trr")])
def test_mapped_frames_are_the_map_times_the_atoms(
    peptide: Atomistic, folder: Path, tmp_path: Path, force_map: str, topology: str, trajectory: str
) -> None:
    made = map_to_beads(folder / topology, [folder / trajectory], force_map=force_map)
    made.dataset.write(tmp_path / "beads.npz")
    data = read(tmp_path / "beads.npz")
    beads = ca_beads(peptide.topology)
    W = next(one.W for one in made.maps if one.name == force_map)
    wanted = np.einsum("bi,fix->fbx", W, peptide.F[:, beads.solute])
    places = peptide.R[:, peptide.topology.names == "CA"]
    tolerance = 1e-12 if trajectory == "a.npz" else 1e-3
    np.testing.assert_allclose(data.join().F, wanted, atol=100 * tolerance)
    np.testing.assert_allclose(np.diff(data.join().R, axis=1), np.diff(places, axis=1), atol=tolerance)
    assert data.sources[0].protein_names == ("AAAAA",)
    assert [SPECIES[k] for k in data.join().species[0]] == ["ALA"] * BEADS
    assert made.rigid > 0


def test_noise_before_and_after_is_shown(folder: Path, tmp_path: Path) -> None:
    ran = run("map", PDB, folder / "a.trr", "-o", tmp_path / "b.npz")
    assert ran.code == 0, ran
    for words in ("62 atoms, 5 beads", "rigid distances", "slice", "residue", "optimal", "held out", "60 frames"):
        assert words in ran.out
    made = map_to_beads(PDB, [folder / "a.trr"])
    noises = {one.name: one.noise for one in made.maps}
    assert noises["optimal"] < 0.5 * min(noises["slice"], noises["residue"])
    held = {one.name: one.held_out for one in made.maps}
    assert held["optimal"] is not None
    assert held["slice"] is not None
    assert held["optimal"] < held["slice"]
    assert f"{noises['slice']:.4f}" in ran.out


def test_frames_in_several_files_are_one_set(folder: Path) -> None:
    made = map_to_beads(PDB, [folder / "a.npz", folder / "a.trr"])
    assert made.dataset.n_frames == 2 * FRAMES
    assert len({source.sha256 for source in made.dataset.sources}) == 2


def test_chains_of_a_topology_are_chains(tmp_path: Path) -> None:
    lines = [line for line in PDB.read_text().splitlines() if line.startswith(("ATOM", "HETATM"))]
    second = [line[:21] + "B" + line[22:] for line in lines]
    (tmp_path / "two.pdb").write_text("\n".join([*lines, "TER", *second, "END"]) + "\n")
    topology = read_topology(tmp_path / "two.pdb")
    assert len(np.unique(ca_beads(topology).chain)) == 2


def mdcath_atoms(peptide: Atomistic) -> dict[str, Any]:
    number = {"H": 1, "C": 6, "N": 7, "O": 8}
    topology = peptide.topology
    return {
        "z": [number[name[0]] for name in topology.names.tolist()],
        "resid": topology.resid,
        "resname": topology.resname,
    }


@pytest.mark.parametrize("named", [True, False])
def test_mdcath_is_topology_and_trajectory(peptide: Atomistic, tmp_path: Path, named: bool) -> None:
    pdb = PDB.read_text() if named else ""
    forms.mdcath(tmp_path / "a.h5", FRAMES, pdb, mdcath_atoms(peptide))
    with forms.File(tmp_path / "a.h5", "r+") as file:
        for kelvin in ("320", "413"):
            for replica in ("0", "1"):
                for key, values in (("coords", peptide.R), ("forces", peptide.F)):
                    file[f"1abcA00/{kelvin}/{replica}/{key}"][...] = values
    made = map_to_beads(tmp_path / "a.h5")
    assert made.dataset.n_frames == 4 * FRAMES
    assert made.dataset.temperatures == (320.0, 413.0)
    assert made.dataset.sources[0].source == "a.h5:1abcA00/320/0"
    beads = ca_beads(peptide.topology)
    np.testing.assert_allclose(made.dataset.join().R[:FRAMES], np.float32(peptide.R[:, beads.atoms]), atol=1e-5)
    warm = map_to_beads(tmp_path / "a.h5", temperature=413.0)
    assert warm.dataset.temperatures == (413.0,)
    assert_refused(run("map", tmp_path / "a.h5", "-o", tmp_path / "b.npz", "--temperature", 300), "no frames at 300 K")


def test_a_topology_names_beads(peptide: Atomistic, folder: Path, tmp_path: Path) -> None:
    places = peptide.topology.names == "CA"
    arrays = {"R": peptide.R[:, places], "F": peptide.F[:, places]}
    forms.trr(tmp_path / "ca.trr", arrays)
    lines = [line for line in PDB.read_text().splitlines() if line[12:16].strip() == "CA"]
    (tmp_path / "ca.pdb").write_text("\n".join([*lines, "END"]) + "\n")
    for topology in (PDB, tmp_path / "ca.pdb"):
        ran = run("convert", tmp_path / "ca.trr", "--topology", topology, "-o", tmp_path / "b.npz")
        assert ran.code == 0, ran
        data = read(tmp_path / "b.npz")
        assert data.sources[0].protein_names == ("AAAAA",)
        assert data.join().species[0].tolist() == [0] * BEADS
    output = ("-o", tmp_path / "c.npz")
    atoms_of = run("convert", folder / "a.trr", "--topology", PDB, *output)
    assert_refused(atoms_of, "62 atoms", "7 residues", "cgcore map .*ala5.pdb")
    forms.trr(tmp_path / "other.trr", forms.frames(3))
    assert_refused(run("convert", tmp_path / "other.trr", "--topology", PDB, *output), "62 atoms, 5 of them CA")


# PSF and prmtop


def test_psf_and_prmtop_name_the_same_atoms(peptide: Atomistic, tmp_path: Path) -> None:
    topology = peptide.topology
    columns = zip(topology.resid, topology.resname, topology.names, strict=True)
    psf = ["PSF", "", "       1 !NTITLE", " REMARKS", "", f"{len(topology):8d} !NATOM"]
    psf += [
        f"{k:8d} PEP  {resid:<4d} {resname:<4s} {name:<4s} X    {0.0:10.6f}     {12.0:9.4f}           0"
        for k, (resid, resname, name) in enumerate(columns, 1)
    ]
    (tmp_path / "a.psf").write_text("\n".join([*psf, "", "       0 !NBOND: bonds", "", ""]))
    starts = np.flatnonzero(np.append(True, np.diff(topology.residue) != 0)) + 1
    pointers = [len(topology), 1, *[1] * 6, 0, 0, 0, len(starts), *[0] * 19]
    joined = {"BONDS": [0, 12, 1], "ANGLES": [0, 12, 15, 1], "DIHEDRALS": [0, 12, 15, 18, 1]}
    sections = {
        "POINTERS": ("%FORMAT(10I8)", [f"{n:8d}" for n in pointers], 10),
        "ATOM_NAME": ("%FORMAT(20a4)", [f"{name:<4s}" for name in topology.names], 20),
        "CHARGE": ("%FORMAT(5E16.8)", [f"{0.0:16.8E}"] * len(topology), 5),
        "MASS": ("%FORMAT(5E16.8)", [f"{12.0:16.8E}"] * len(topology), 5),
        "ATOM_TYPE_INDEX": ("%FORMAT(10I8)", [f"{1:8d}"] * len(topology), 10),
        "RESIDUE_LABEL": ("%FORMAT(20a4)", [f"{topology.resname[k - 1]:<4s}" for k in starts], 20),
        "RESIDUE_POINTER": ("%FORMAT(10I8)", [f"{k:8d}" for k in starts], 10),
        "AMBER_ATOM_TYPE": ("%FORMAT(20a4)", ["CT  "] * len(topology), 20),
    }
    for what, numbers in joined.items():
        for kind in ("INC", "WITHOUT"):
            sections[f"{what}_{kind}_HYDROGEN"] = ("%FORMAT(10I8)", [f"{n:8d}" for n in numbers], 10)
    text = "%VERSION  VERSION_STAMP = V0001.000  DATE = 01/01/26  00:00:00\n%FLAG TITLE\n%FORMAT(20a4)\n\n"
    for flag, (form, words, width) in sections.items():
        rows = ["".join(words[k : k + width]) for k in range(0, len(words), width)]
        text += "\n".join([f"%FLAG {flag}", form, *rows]) + "\n"
    (tmp_path / "a.prmtop").write_text(text)
    wanted = ca_beads(topology)
    for name in ("a.psf", "a.prmtop"):
        found = ca_beads(read_topology(tmp_path / name))
        np.testing.assert_array_equal(found.atoms, wanted.atoms)
        np.testing.assert_array_equal(found.solute, wanted.solute)
        np.testing.assert_array_equal(found.species, wanted.species)


# Refusals


def test_what_does_not_belong_together_is_refused(folder: Path, tmp_path: Path) -> None:
    output = ("-o", tmp_path / "b.npz")
    forms.trr(tmp_path / "few.trr", forms.frames(3))
    assert_refused(run("map", PDB, tmp_path / "few.trr", *output), "few.trr: has 10 atoms", "ala5.pdb has 62")
    assert_refused(run("map", folder / "a.trr", *output), "does not name its atoms", "topology")
    (tmp_path / "no.pdb").write_text("nothing\n")
    assert_refused(run("map", tmp_path / "no.pdb", folder / "a.trr", *output), "no.pdb", "PDB, PSF, GRO or prmtop")
    lines = PDB.read_text().splitlines()
    (tmp_path / "no_ca.pdb").write_text("\n".join(line.replace(" CA ", " XX ") for line in lines))
    assert_refused(run("map", tmp_path / "no_ca.pdb", folder / "a.trr", *output), "0 residues with atoms N, CA and C")
    short = (folder / "a.trr").read_bytes()
    (tmp_path / "short.trr").write_bytes(short[: len(short) // 2 - 5])
    assert_refused(run("map", PDB, tmp_path / "short.trr", *output), "short.trr: the file ends inside frame")
    assert_refused(run("map", tmp_path / "none.pdb", folder / "a.trr", *output), "none.pdb: no such file")
    assert not (tmp_path / "b.npz").exists()


def test_forces_that_are_not_finite_are_refused(peptide: Atomistic, tmp_path: Path) -> None:
    F = peptide.F.copy()
    F[17, 20, 1] = np.nan
    np.savez(tmp_path / "a.npz", R=peptide.R, F=F)
    assert_refused(run("map", PDB, tmp_path / "a.npz", "-o", tmp_path / "b.npz"), "frame 17", "NaN")


def test_calcium_is_no_bead() -> None:
    names = np.array(["N", "CA", "C", "N", "CA", "C", "CA"])
    residue = np.array([0, 0, 0, 1, 1, 1, 2])
    text = np.array(["ALA"] * 6 + ["CA"])
    topology = Topology("t", names, residue, residue, text, text)
    assert ca_beads(topology).atoms.tolist() == [1, 4]
