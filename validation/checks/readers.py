"""What the keys of a file mean: bonds, padding, names, weights, and what belongs to which frames."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

import cgcore
from cgcore.data import contents
from validation.check import Row, at_most, check, equal, says
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import Arrays, chain
from validation.tolerances import relative

FRAMES, BEADS, ROW = 5, 7, 9
"""Frames, real beads, and beads in a row."""

APART = 1000
"""Jump of the sites from one chain to the next."""

SPECIES = np.array([4, 2, 4, 0, 1, 2, 4])
NUMBERS = np.array([3, 4, 5, 9, 10, 11, 12])

SITES: dict[str, tuple[Arrays, list[int] | None, str]] = {
    "consecutive numbers": ({"resid": np.arange(4, 11)}, None, ""),
    "a jump of numbers": ({"resid": NUMBERS}, [1, 1, 4, 1, 1, 1], ""),
    "a row of numbers for each frame": ({"resid": np.tile(NUMBERS, (FRAMES, 1))}, [1, 1, 4, 1, 1, 1], ""),
    "inserted residues": ({"resid": np.array(["5", "6", "6A", "6B", "9", "10", "11"])}, [1, 1, 1, 3, 1, 1], ""),
    "numbers that begin again": ({"resid": np.array([5, 6, 7, 8, 2, 3, 4])}, [1, 1, 1, APART, 1, 1], ""),
    "a jump that is far": ({"resid": np.array([5, 6, 7, 2000, 2001, 2002, 2004])}, [1, 1, APART, 1, 1, 2], ""),
    "chains": ({"chain": np.array(list("AABBBBB"))}, [1, APART, 1, 1, 1, 1], ""),
    "chains and numbers": ({"chain_id": np.array(list("AABBBBB")), "resid": NUMBERS}, [1, APART, 4, 1, 1, 1], ""),
    "one chain": ({"chain": np.array("A")}, None, ""),
    "bonds": ({"bonds": np.array([[1, 0], [2, 1], [4, 5], [5, 6], [-1, -1]])}, [1, 1, APART, APART, 1, 1], ""),
    "bonds as columns": ({"bonds": np.array([[0, 1, 3, 4, 5], [1, 2, 4, 5, 6]])}, [1, 1, APART, 1, 1, 1], ""),
    "bonds and numbers": (
        {"bonds": np.array([[0, 1], [2, 3], [3, 4], [4, 5], [5, 6]]), "resid": NUMBERS},
        [1, APART, 1, 1, 1, 1],
        "",
    ),
    "a bond across": (
        {"bonds": np.array([[i, i + 1] for i in range(6)] + [[6, 0], [1, 5]])},
        None,
        "joins beads 0 and 6 and 1 more",
    ),
    "numbers of other beads": ({"resid": np.arange(5)}, None, "'resid' has shape (5,)"),
    "numbers that are none": ({"resid": np.linspace(0, 1, BEADS)}, None, "'resid' does not hold residue numbers"),
    "numbers that are names": ({"resid": np.array(list("ABCDEFG"))}, None, "'resid' does not hold residue numbers"),
    "chains of other frames": ({"chain": np.zeros((2, BEADS), int)}, None, "'chain' has shape (2, 7)"),
}
"""Keys, the differences between the sites of neighbours, and a part of the note about a key that cannot be used."""

NAMES: dict[str, tuple[Arrays, str]] = {
    "three letters": ({"resname": np.array(["ALA", "GLY", "TRP", "LYS", "ASP", "TYR", "SER"])}, "AGWKDYS"),
    "names of force fields": ({"resname": np.array(["NALA", "CYX", "HSD", "LYN", "ASH", "MSE", "CTYR"])}, "ACHKDMY"),
    "bytes, in lower case": (
        {"resname": np.array([b"hie", b"glh", b"arg", b"phe", b"pro", b"ile", b"asn"])},
        "HERFPIN",
    ),
    "an unknown name": ({"resname": np.array(["ALA", "XYZ", "TRP", "LYS", "ASP", "TYR", "SER"])}, "protein-7-1"),
    "a list of names": ({"id_to_aa": np.array(["ALA", "GLY", "TRP", "LYS", "MET"])}, "MWMAGWM"),
    "pairs": ({"aa_to_id": np.array([["MET", "4"], ["VAL", "2"], ["ALA", "0"], ["GLY", "1"]])}, "MVMAGVM"),
    "text": ({"id_to_aa": np.array(json.dumps({"4": "L", "2": "I", "0": "V", "1": "F"}))}, "LILVFIL"),
    "text, the other way round": (
        {"aa_to_id": np.array(json.dumps({"THR": 4, "SER": 2, "TRP": 0, "TYR": 1}))},
        "TSTWYST",
    ),
    "a list in text": ({"id_to_aa": np.array(json.dumps(["ALA", "GLY", "TRP", "LYS", "MET"]))}, "MWMAGWM"),
    "a table without a species": ({"id_to_aa": np.array(["ALA", "GLY", "TRP"])}, "protein-7-1"),
    "text that is no JSON": ({"id_to_aa": np.array("ALA GLY TRP LYS MET")}, "protein-7-1"),
    "text that is a number": ({"id_to_aa": np.array("5")}, "protein-7-1"),
    "pairs of numbers": ({"aa_to_id": np.array([["4", "0"], ["2", "1"], ["0", "2"], ["1", "3"]])}, "protein-7-1"),
    "pairs of names": ({"aa_to_id": np.array([["A", "G"], ["G", "A"]])}, "protein-7-1"),
    "a table that is none, and one": (
        {
            "id_to_aa": np.array([[["A"]]]),
            "aa_to_id": np.array([["MET", "4"], ["VAL", "2"], ["ALA", "0"], ["GLY", "1"]]),
        },
        "MVMAGVM",
    ),
    "numbers alone": ({}, "protein-7-1"),
}
"""Keys that name residues, and the name of the protein."""


@check("readers", quick=True)
def readers(context: Context) -> Iterator[Row]:
    """Bonds, padding, names, weights and tables of species by the keys of a file; contents, and parts of the frames."""
    rng = np.random.default_rng(0)
    R, F = chain(rng, FRAMES, BEADS, 3.8, 0.06, 20.0)
    arrays: Arrays = {"R": R, "F": F, "species": SPECIES}
    for name, (keys, jumps, note) in SITES.items():
        data = cgcore.from_arrays(**arrays, **keys)
        yield equal(name, str(_jumps(data)), str(jumps))
        yield equal(f"{name}, notes", len(data.notes) == bool(note) and note in "".join(data.notes), True)
    for name, (keys, protein) in NAMES.items():
        yield equal(f"name by {name}", cgcore.from_arrays(**arrays, **keys).sources[0].protein_names[0], protein)
    yield from _refused(arrays)
    yield from _named_species(arrays)
    yield from _padding(arrays)
    yield from _weights(arrays)
    yield from _parts(rng)
    with tempfile.TemporaryDirectory() as folder:
        yield from _contents(Path(folder), arrays)


def _jumps(data: cgcore.Dataset) -> list[int] | None:
    """Differences between the sites of the first frame's real beads."""
    sites = data.sites()
    return None if sites is None else np.diff(sites[0, : data.sources[0].lengths[0]]).tolist()


def _refused(arrays: Arrays) -> Iterator[Row]:
    """Keys that contradict the positions, beside ones that do not."""
    mask = np.ones((FRAMES, BEADS))
    holed, short, half = mask.copy(), mask.copy(), mask.copy()
    holed[3, 2], short[2, 1:], half[1, 6] = 0, 0, 0.5
    weights = np.ones(FRAMES)
    for keys, words in (
        ({"bonds": np.array([[0, 1], [6, 7]])}, "contains bead 7, but beads are numbered 0 to 6"),
        ({"bonds": np.array([[0, 1], [5, 6]])}, "accepted"),
        ({"bonds": np.array([[0, 2], [2, 4], [3, 4]])}, "for instance beads 0 and 2"),
        ({"bonds": np.array([[0, 2], [3, 4]])}, "accepted"),
        ({"N_max": np.array(8)}, "key 'N_max' is 8, but 'R' has 7 beads"),
        ({"N_max": np.full(FRAMES, 7)}, "accepted"),
        ({"mask": holed}, "key 'mask' at frame 3 (0-based) has padding before a real bead"),
        ({"mask": short}, "key 'mask' at frame 2 (0-based) has fewer than two real beads"),
        ({"mask": half}, "key 'mask' is 0.5 at frame 1, bead 6"),
        ({"mask": np.where(np.arange(FRAMES)[:, None] == 4, 0, mask)}, "at frame 4 (0-based) says that all beads are"),
        ({"mask": mask[0]}, "accepted"),
        ({"species": np.where(np.arange(BEADS) == 5, 1.5, SPECIES)}, "key 'species' is 1.5 at frame 0, bead 5"),
        ({"species": np.ones((FRAMES, 6), int)}, "key 'species' has shape (5, 6)"),
        ({"species": np.where(np.arange(BEADS) > 0, -1, SPECIES)}, "for fewer than two beads at frame 0"),
        ({"F": arrays["F"][:, :, :2]}, "key 'F' has shape (5, 7, 2), but 'R' has (5, 7, 3)"),
        ({"frame_weights": np.where(weights * np.arange(FRAMES) == 3, -1.0, 1.0)}, "weights of frame 3 are negative"),
        ({"frame_weights": 0 * weights}, "all weights are 0"),
        ({"bead_weights": np.ones(6)}, "key 'bead_weights' has shape (6,)"),
        ({"bead_weights": np.arange(7)}, "accepted"),
    ):
        (key,) = keys
        yield says(f"{key}: {words}", partial(cgcore.from_arrays, **arrays | keys), words)


def _named_species(arrays: Arrays) -> Iterator[Row]:
    """Names of species that follow from those of residues, if each species has one name, in a file of one protein."""
    names = np.array(["TRP", "LYS", "TRP", "ALA", "GLY", "LYS", "TRP"])
    two = np.tile(SPECIES, (FRAMES, 1))
    two[3:, 0] = 1
    table, other = {0: "ALA", 1: "GLY", 2: "LYS", 4: "TRP"}, np.append(names[:-1], "SER")
    cases: list[tuple[str, Arrays, dict[int, str]]] = [
        ("residues", {"resname": names}, table),
        ("residues of which two are alike", {"resname": np.where(names == "GLY", "ALA", names)}, table | {1: "ALA"}),
        ("residues, two of a species", {"resname": other}, {}),
        ("residues, two of which one is padding", {"resname": other, "mask": np.arange(7) < 6}, table),
        ("residues of two proteins", {"resname": names, "species": two}, {}),
        ("a table beside residues", {"resname": names, "id_to_aa": np.array(list("ABCDE"))}, dict(enumerate("ABCDE"))),
    ]  # fmt: skip
    for name, keys, known in cases:
        found = contents.species_names_of(cgcore.from_arrays(**arrays | keys))
        yield equal(f"names of species by {name}", str(found), str(known))


def _padding(arrays: Arrays) -> Iterator[Row]:
    """Padding by a mask, by species of -1 at the end, or by residues named PAD: of one length or of two."""
    wide: Arrays = {key: np.concatenate([arrays[key], np.full((FRAMES, 2, 3), np.nan)], axis=1) for key in ("R", "F")}
    species = np.tile(np.append(SPECIES, [-1, -1]), (FRAMES, 1))
    names = np.append(np.full(BEADS, "ALA"), ["PAD", "pad"])
    mask = np.append(np.ones(BEADS), [0, 0])
    lengths = np.full(FRAMES, BEADS)
    species[2:4, 5:] = -1
    two = np.where((np.arange(FRAMES) == 2) | (np.arange(FRAMES) == 3), 5, BEADS)
    cases: list[tuple[str, Arrays, Array]] = [
        ("mask", {"mask": mask}, lengths),
        ("mask of each frame", {"mask": np.arange(ROW) < two[:, None]}, two),
        ("species", {"species": species}, two),
        ("names", {"resname": names}, lengths),
        ("names and species", {"resname": names, "species": np.where(species < 0, 3, species)}, lengths),
        ("mask over species", {"mask": mask, "species": species}, lengths),
    ]
    for name, keys, expected in cases:
        data = cgcore.from_arrays(**wide, **keys)
        yield equal(f"padding by {name}", str(data.sources[0].lengths.tolist()), str(expected.tolist()))
        yield equal(f"padding by {name}, real beads", data.real_beads, int(expected.sum()))
    for name, own, filler in (
        ("smaller", NUMBERS, [2, 2]),
        ("larger", NUMBERS, [90, 95]),
        ("NaN", NUMBERS.astype(float), [np.nan, np.nan]),
        ("empty", NUMBERS.astype(str), ["", "PAD"]),
    ):
        jumps = _jumps(cgcore.from_arrays(**wide, mask=mask, resid=np.append(own, filler)))
        yield equal(f"numbers of padding, {name}", str(jumps), "[1, 1, 4, 1, 1, 1]")
    whole = np.append(np.arange(7), [20, 2])
    yield equal("numbers without a gap", str(_jumps(cgcore.from_arrays(**wide, mask=mask, resid=whole))), "None")


def _weights(arrays: Arrays) -> Iterator[Row]:
    """Weights of frames times weights of beads, which are 0 in padding."""
    frames, beads = np.array([1.0, 0.0, 2.5, 1.5, 3.0]), 1 + 0.25 * np.arange(BEADS)
    mask = (np.arange(BEADS) < 5).astype(float)
    cases: list[tuple[str, Arrays, Array]] = [
        ("frames", {"frame_weights": frames}, frames[:, None] * mask),
        ("frames, as a column", {"frame_weights": frames[:, None]}, frames[:, None] * mask),
        ("beads", {"bead_weights": beads}, np.tile(beads * mask, (FRAMES, 1))),
        ("both", {"frame_weights": frames, "bead_weights": np.outer(frames, beads)}, np.outer(frames**2, beads) * mask),
    ]
    for name, keys, expected in cases:
        source = cgcore.from_arrays(**arrays, mask=mask, **keys).sources[0]
        found = source.weights_of(np.array([4, 1, 2]))
        assert found is not None
        yield at_most(f"weights of {name}", relative(found, expected[[4, 1, 2]]), 1e-15, "relative")


def _parts(rng: np.random.Generator) -> Iterator[Row]:
    """Held-out tails of each protein, segments in time, and drawn frames."""
    R, F = chain(rng, 23, BEADS, 3.8, 0.06, 20.0)
    species = np.tile(SPECIES, (23, 1))
    short = np.arange(23) % 3 == 1
    species[short, 0] = 3
    data = cgcore.from_arrays(R, F, species=species)
    rows = [np.flatnonzero(~short), np.flatnonzero(short)]
    for fraction, counts in ((0.33, (5, 3)), (0.01, (1, 1)), (0.97, (14, 7))):
        tails = np.sort(np.concatenate([own[len(own) - n :] for own, n in zip(rows, counts, strict=True)]))
        fitted, held = data.split(fraction)
        assert held is not None
        yield equal(f"held out, {fraction}", _frames(held), str(tails.tolist()))
        yield equal(f"fitted, {fraction}", _frames(fitted), str(np.setdiff1d(np.arange(23), tails).tolist()))
    found = [(one.block, one.rows.tolist()) for one in data.segments(3)]
    expected = [(block, part.tolist()) for own in rows for block, part in enumerate(np.array_split(own, 3))]
    yield equal("segments", str(found), str(expected))
    drawn = np.sort(np.random.default_rng(4).choice(23, 9, replace=False))
    yield equal("drawn frames", _frames(data.subset(9, seed=4)), str(drawn.tolist()))


def _frames(data: cgcore.Dataset) -> str:
    return str([number for source in data.sources for number in source.frame_numbers.tolist()])


def _contents(folder: Path, arrays: Arrays) -> Iterator[Row]:
    """A folder of two files: proteins that occur in both, chains, species and their names, and other arrays."""
    table = np.array(["ALA", "GLY", "TRP", "LYS", "MET"])
    both = arrays | {"id_to_aa": table, "resid": NUMBERS, "temperature": np.array([310.0, 300.0])}
    other: Arrays = {key: arrays[key][:3] for key in ("R", "F")} | {"species": SPECIES, "id_to_aa": table}
    other |= {"chain": np.array(list("AABBBCC")), "energy": np.arange(3.0), "mask": np.array([1] * 6 + [0])}
    last = both | {key: arrays[key][:2] + 0.5 for key in ("R", "F")}
    for name, keys in (("a", both), ("b", other), ("c", last)):
        np.savez(folder / f"{name}.npz", allow_pickle=False, **keys)
    data = cgcore.read(folder)
    yield equal(
        "sources",
        str([tuple(one) for one in contents.sources_of(data)]),
        str([("a.npz", 5, 7), ("b.npz", 3, 7), ("c.npz", 2, 7)]),
    )
    yield equal(
        "proteins", str([tuple(one) for one in contents.proteins_of(data)]), str([("MWMAGWM", 7, 7), ("MWMAGW", 6, 3)])
    )
    np.savez(folder / "c.npz", allow_pickle=False, **last | {"id_to_aa": table[::-1]})
    found = contents.species_names_of(cgcore.read(folder))
    yield equal("names of species of files that disagree", str(found), str({}))
    breaks = {"MWMAGWM": "3 missing after bead 2", "MWMAGW": "chains of 2 + 3 + 1 beads"}
    yield equal("chains and gaps", str(contents.breaks_of(data)), str(breaks))
    yield equal("species", str(contents.species_of(data)), str({0: 10, 1: 10, 2: 20, 4: 7 * 3 + 3 * 2}))
    yield equal("names of species", str(contents.species_names_of(data)), str(dict(enumerate(table.tolist()))))
    yield equal("real beads", data.real_beads, 7 * BEADS + 3 * 6)
    yield equal("temperatures", str(data.temperatures), str((300.0, 310.0)))
    yield equal("other arrays", str(contents.extras_of(data).get("energy")), "float64, 3")
