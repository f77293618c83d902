"""Files of other programs: which reader they need, groups of an HDF5 file, files that belong together, and names of
atoms."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.data.contents import species_names_of
from cgcore.mapping import map_to_beads
from cgcore.mapping.naming import read_named
from validation.check import Row, at_most, check, equal, says
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import chain
from validation.tolerances import relative

FRAMES, BEADS = 6, 7
SINGLE = 1e-6
"""Tolerance of positions in single precision."""

ATOMS = {
    "N": (7, (-0.8, 1.2, 0.1)),
    "CA": (6, (0.0, 0.0, 0.0)),
    "C": (6, (1.3, 0.7, 0.2)),
    "O": (8, (1.4, 1.9, 0.2)),
}
"""Element and position of the backbone's atoms in a residue [Å]."""

SIDE = {
    "ASN": {"CB": (6, (0.0, -1.0, 1.15)), "CG": (6, (0.2, -2.4, 0.8)), "OD1": (8, (1.2, -2.9, 1.3)),
            "ND2": (7, (-0.7, -3.0, 0.1))},
    "GLY": {},
    "SER": {"OG": (8, (0.9, -1.9, 1.7)), "CB": (6, (0.0, -1.0, 1.15))},
}  # fmt: skip
"""Side chains; in asparagine, a carbon is bonded to a nitrogen and to an oxygen."""

RESIDUES = ("GLY", "ASN", "SER", "ASN", "GLY")
RESID, CHAIN = np.array([4, 5, 8, 8, 9]), np.array(list("AAABB"))
"""Residues of two chains, the first of which has a gap, and ends with the number with which the second one begins."""


@check("readers-files", quick=True, needs=("h5py", "MDAnalysis"))
def readers_of_files(context: Context) -> Iterator[Row]:
    """mdCATH, mlcg, AMBER's HDF5, sets of NPY files, folders, files of atoms, and names from a topology."""
    rng = np.random.default_rng(0)
    R, F = chain(rng, FRAMES, BEADS, 3.8, 0.06, 20.0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from _kinds(folder, R, F)
        yield from _npy(folder, R, F)
        yield from _mlcg(folder, R, F)
        yield from _amber(folder, R, F)
        yield from _mdcath(folder, rng)


def _kinds(folder: Path, R: Array, F: Array) -> Iterator[Row]:
    """The first bytes of a file count, then its name; in a folder, the first format that occurs."""
    np.savez(folder / "a.npz", R=R, F=F)
    (folder / "a.trr").write_bytes((folder / "a.npz").read_bytes())
    yield at_most("NPZ with another name", relative(cgcore.read(folder / "a.trr").join().F, F), 0, "relative")
    for suffix, content, words in (
        (".xtc", b"\0\0\x07\xcb" + bytes(30), "XTC files hold no forces"),
        (".npz", b"\0\0\x07\xe7" + bytes(30), "XTC files hold no forces"),
        (".bin", b"\x54\0\0\0CORD" + bytes(30), "a DCD file holds no forces"),
        (".pdb", b"REMARK\n", "a PDB file holds no forces"),
        (".gro", b"title\n", "a topology holds no forces"),
        (".yml", b"model:\n", "a YAML file holds no forces"),
        (".dat", b"1 2 3\n", "is neither an NPZ archive nor another known file"),
    ):
        (folder / f"b{suffix}").write_bytes(content)
        yield says(f"{suffix} that begins with {content[:8]!r}", partial(cgcore.read, folder / f"b{suffix}"), words)
    mixed = folder / "mixed"
    mixed.mkdir()
    yield says("an empty folder", partial(cgcore.read, mixed), "the folder holds no *.npz file")
    for kind, values in (("coords", R), ("forces", F), ("coords_2", R + 1), ("forces_2", F)):
        np.save(mixed / f"y_{kind}.npy", values)
    np.save(mixed / "z_coords.npy", R)
    names = [source.source for source in cgcore.read(mixed).sources]
    yield equal("sets of NPY files", str(names), str(["y_coords.npy", "y_coords_2.npy"]))
    for name in ("2.npz", "1.npz", ".0.npz"):
        np.savez(mixed / name, R=R, F=F)
    yield equal("NPZ first", str([one.source for one in cgcore.read(mixed).sources]), str(["1.npz", "2.npz"]))


def _npy(folder: Path, R: Array, F: Array) -> Iterator[Row]:
    """Names of the files of a set, species of a frame or of each, and what is refused."""
    species = np.array([4, 2, 4, 0, 1, 2, 4])
    each = np.tile(species, (FRAMES, 1))
    each[3:, 0] = 7
    for number, (positions, given, values) in enumerate(
        (("positions", "embeds", species), ("coordinates", "species", each), ("coords", "embeddings", each))
    ):
        place = folder / f"set{number}"
        place.mkdir()
        np.save(place / f"x_{positions}_1.npy", R)
        yield says(
            f"{positions} alone",
            partial(cgcore.read, place / f"x_{positions}_1.npy"),
            "x_forces_1.npy into the same folder",
        )
        np.save(place / "x_forces_1.npy", F)
        np.save(place / f"x_{given}_1.npy", values)
        found = cgcore.read(place / "x_forces_1.npy")
        yield equal(f"{given} of {positions}", bool((found.join().species == values).all()), True)
        yield equal(f"{given}, proteins", len(found.sources[0].protein_names), 1 + (values is each))
        np.save(place / "x_forces_1.npy", F[:4])
        words = "has shape (4, 7, 3), but x_"
        yield says("forces of other frames", partial(cgcore.read, place / "x_forces_1.npy"), words)
    place = folder / "atoms"
    place.mkdir()
    np.save(place / "forces.npy", F)
    for length, words in (
        (2.5, "neighbours are 2.5 Å apart"),
        (2.7, "accepted"),
        (1.1, "suggests atoms"),
        (0.9, "looks like nm"),
    ):
        np.save(place / "coords.npy", R * length / np.median(np.linalg.norm(np.diff(R[0], axis=0), axis=-1)))
        yield says(f"neighbours at {length} Å", partial(cgcore.read, place / "coords.npy"), words)
    np.save(place / "coords.npy", 0.25 * R)
    yield says("numbers in nm, read in Å", partial(cgcore.read, place / "coords.npy"), "looks like nm")
    yield says("beads in nm", partial(cgcore.read, place / "coords.npy", units="nm-kj"), "accepted")
    np.save(place / "coords.npy", 0.025 * 2.4 * R)
    yield says("atoms in nm", partial(cgcore.read, place / "coords.npy", units="nm-kj"), "suggests atoms")


def _mlcg(folder: Path, R: Array, F: Array) -> Iterator[Row]:
    """Molecules in groups at different depths, in the order of their names, and what is refused."""
    import h5py

    path = folder / "molecules.h5"

    def written(change: Callable[[Any], object] | None = None) -> Path:
        with h5py.File(path, "w") as file:
            for number, (name, kelvin) in enumerate((("B/deep/two", 310), ("A/one", 300), ("B/three", "warm"))):
                group = file.create_group(name)
                group["cg_coords"], group["cg_forces"] = R[number:], F[number:]
                group.attrs["temperature"], group.attrs["N_frames"] = kelvin, FRAMES - number
                group.attrs["cg_embeds"] = np.arange(BEADS) + number
                group["other"] = np.zeros(3)
            if change is not None:
                change(file["B/three"])
        return path

    data = cgcore.read(written())
    names = [f"molecules.h5:{name}" for name in ("A/one", "B/deep/two", "B/three")]
    yield equal("molecules", str([source.source for source in data.sources]), str(names))
    yield at_most("frames of molecules", relative(data.join().R, np.concatenate([R[1:], R, R[2:]])), 0, "relative")
    yield equal("species of molecules", str(data.join().species[[0, 5, 11], 0].tolist()), str([1, 0, 2]))
    yield equal("temperatures of molecules", str(data.temperatures), str((300.0, 310.0)))
    yield equal("keys left unread", str(sorted(data.skipped_keys)), str([f"{name[13:]}/other" for name in names]))

    def without(key: str) -> Callable[[Any], object]:
        return lambda group: group.pop(key)

    def delta(group: Any) -> None:
        group.move("cg_forces", "cg_delta_forces")

    def attribute(key: str, value: Any) -> Callable[[Any], object]:
        return lambda group: group.attrs.__setitem__(key, value)

    for name, change, words in (
        ("delta forces alone", delta, "B/three: cg_delta_forces are forces minus those of a prior"),
        ("no forces", without("cg_forces"), "B/three: holds no cg_forces"),
        ("more frames than it has", attribute("N_frames", 5), "N_frames is 5, and cg_coords has 4 frames"),
        ("fewer frames than it has", attribute("N_frames", 3), "N_frames is 3, and cg_coords has 4 frames"),
        ("the same number of frames", attribute("N_frames", 4), "accepted"),
        ("species of other beads", attribute("cg_embeds", np.arange(6)), "cg_embeds has shape (6,)"),
    ):
        yield says(f"molecule with {name}", partial(cgcore.read, written(change)), words)
    for depth, words in ((1, "accepted"), (5, "accepted"), (6, "is an HDF5 file of an unknown kind")):
        with h5py.File(path, "w") as file:
            group = file.create_group("/".join("ABCDEF"[:depth]))
            group["cg_coords"], group["cg_forces"] = R, F
        yield says(f"molecule in {depth - 1} groups", partial(cgcore.read, path), words)


def _amber(folder: Path, R: Array, F: Array) -> Iterator[Row]:
    """AMBER's conventions in HDF5 by their names, without forces, and with another number of them."""
    import h5py

    for name, forces, words in (("none", None, "forces"), ("fewer", F[:4], "forces (4, 7, 3)"), ("all", F, "accepted")):
        with h5py.File(folder / "amber.h5", "w") as file:
            file["coordinates"] = R
            if forces is not None:
                file["forces"] = forces
        yield says(f"AMBER HDF5, forces: {name}", partial(cgcore.read, folder / "amber.h5"), words)
    with h5py.File(folder / "other.h5", "w") as file:
        file["positions"], file["forces"] = R, F
    yield says("another HDF5", partial(cgcore.read, folder / "other.h5"), "is an HDF5 file of an unknown kind")


def _mdcath(folder: Path, rng: np.random.Generator) -> Iterator[Row]:
    """All atoms at two temperatures, in two replicas, which state their names by a PDB or by elements alone; and names
    of beads from the same PDB."""
    import h5py

    sides = [ATOMS | SIDE[name] for name in RESIDUES]
    names = [atom for one in sides for atom in one]
    residue = np.repeat(np.arange(len(sides)), [len(one) for one in sides])
    z = np.array([element for one in sides for element, _ in one.values()])
    places = np.concatenate(
        [np.array([x for _, x in one.values()]) + np.array([3.8 * k, 0.3 * k, 0]) for k, one in enumerate(sides)]
    )
    path, ca = folder / "domain.h5", np.flatnonzero(np.array(names) == "CA")
    runs = [(kelvin, run) for kelvin in ("1000", "320") for run in ("1", "0")]
    # Noise that leaves bonds recognisable, and makes no distance rigid.
    R = {run: places + rng.normal(scale=0.02, size=(8, *places.shape)) for run in runs}
    F = {run: rng.normal(size=(8, *places.shape)) for run in runs}
    pdb = "\n".join(["REMARK", *map(_line, range(len(z)), names, residue.tolist(), places), "END", ""])
    for label, text in (("by its PDB", pdb), ("by elements", "")):
        with h5py.File(path, "w") as file:
            domain = file.create_group("1abcA00")
            domain["z"], domain["resid"] = z, RESID[residue]
            domain["resname"] = np.array(RESIDUES, "S")[residue]
            domain["chain"], domain["pdbProteinAtoms"] = CHAIN.astype("S")[residue], text
            for (kelvin, run), x in R.items():
                group = domain.create_group(f"{kelvin}/{run}")
                group["coords"], group["forces"] = x.astype("f4"), F[kelvin, run].astype("f4")
                group["box"] = 6 * np.eye(3)
        order = [(kelvin, run) for kelvin in ("320", "1000") for run in ("0", "1")]
        found = map_to_beads(path, force_map="slice").dataset
        sources = [f"domain.h5:1abcA00/{kelvin}/{run}" for kelvin, run in order]
        yield equal(f"{label}, sources", str([one.source for one in found.sources]), str(sources))
        yield equal(f"{label}, temperatures", str(found.temperatures), str((320.0, 1000.0)))
        yield from _labels(label, found)
        batch, wanted = found.join(), np.concatenate([R[run][:, ca] for run in order])
        yield at_most(
            f"{label}, steps", relative(np.diff(batch.R, axis=1), np.diff(wanted, axis=1)), SINGLE, "relative"
        )
        yield at_most(
            f"{label}, forces", relative(batch.F, np.concatenate([F[run][:, ca] for run in order])), SINGLE, "relative"
        )
        cold = map_to_beads(path, force_map="slice", temperature=1000).dataset
        yield equal(f"{label}, at 1000 K", str([one.source for one in cold.sources]), str(sources[2:]))
    yield says("atoms as beads", partial(cgcore.read, path), f"holds all atoms ({len(z)} of them)")
    yield says("no such temperature", partial(map_to_beads, path, temperature=321), "has no frames at 321 K")

    top, only = folder / "all.pdb", folder / "ca.pdb"
    top.write_text(pdb, encoding="utf-8")
    only.write_text(
        "\n".join(line for line in pdb.splitlines() if line[12:16].strip() == "CA") + "\nEND\n", encoding="utf-8"
    )
    x, f = R["320", "0"][:, ca], F["320", "0"][:, ca]
    for stated in ({}, {"species": np.array([9, 8, 7, 8, 9])}):
        np.savez(folder / "beads.npz", allow_pickle=False, R=x, F=f, **stated)
        for topology in (top, only):
            found = read_named(topology, [folder / "beads.npz"])
            label = f"{topology.stem} atoms, beads with {len(stated)} further key"
            yield from _labels(label, found, stated.get("species"))
            names, numbers = species_names_of(found), found.join().species[0].tolist()
            yield equal(f"{label}, names of species", str([names.get(k) for k in numbers]), str(list(RESIDUES)))
    np.savez(folder / "fewer.npz", R=x[:, :4], F=f[:, :4])
    words = f"has 4 beads, but {top} has {len(z)} atoms, 5 of them CA"
    yield says("other beads", partial(read_named, top, [folder / "fewer.npz"]), words)


def _labels(label: str, data: cgcore.Dataset, species: Array | None = None) -> Iterator[Row]:
    """Residues, gap and chains. Species are numbered in the alphabetical order of the 20 three-letter codes."""
    numbers = np.array([7, 2, 15, 2, 7]) if species is None else species
    yield equal(f"{label}, protein", str(data.sources[0].protein_names), str(("GNSNG",)))
    yield equal(f"{label}, species", str(data.join().species[-1].tolist()), str(numbers.tolist()))
    sites = data.sites()
    assert sites is not None
    yield equal(f"{label}, sites", str(np.diff(sites[0]).tolist()), str([1, 3, 1000, 1]))


def _line(k: int, name: str, n: int, x: Array) -> str:
    """A line of a PDB."""
    place = "".join(f"{one:8.3f}" for one in x.tolist())
    return (
        f"ATOM  {k + 1:5d}  {name:<3s} {RESIDUES[n]} {CHAIN[n]}{RESID[n]:4d}    {place}  1.00  0.00           {name[0]}"
    )
