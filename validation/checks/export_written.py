"""What exports write beside forces: data files and tables of LAMMPS, Systems of OpenMM, and functions of StableHLO."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.export import export_energy, openmm_system, read_stablehlo, write_lammps, write_stablehlo
from cgcore.physics.bases import Gaussian, Harmonic, Power
from validation.check import Row, at_most, check, equal, says
from validation.checks.export_limits import BEADS, KINDS, SPECIES, prior_with
from validation.context import Context
from validation.explicit import Array

MASS = 95.0


@check("export-written", needs=("openmm", "flatbuffers"))
def export_written(context: Context) -> Iterator[Row]:
    """Sizes, masses, types, ranges, names and batches of what is exported, and refused functions."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _data(Path(folder))
        yield from _tables(Path(folder))
        yield from _functions(Path(folder))
    yield from _systems()


def _data(folder: Path) -> Iterator[Row]:
    """The data file of a chain: numbers, box, masses, atoms, and rows of beads."""
    far = cgcore.Term("far", cgcore.Rows("pairs", 4), Gaussian((6.0,), 2.0), 1.0, KINDS)
    own = np.random.default_rng(0).normal(size=(BEADS, 3)) * 5
    turn = np.array([np.cos(np.pi / 6), np.sin(np.pi / 6), 0.0]) * 3.8
    zigzag = np.stack([np.arange(BEADS), np.arange(BEADS) % 2, np.zeros(BEADS)], axis=1) * turn
    grouped = prior_with(r0=-3.8).with_terms([far])
    for name, prior, given, R, types in (
        ("one type, given positions", prior_with(), own, own, 1),
        ("three types, an extended chain", grouped, None, zigzag, 3),
    ):
        write_lammps(folder, prior, BEADS, mass=MASS, positions=given, species=SPECIES)
        lines = [line.split() for line in (folder / "chain.data").read_text().splitlines() if line]
        counts = {
            " ".join(words[1:]): int(words[0])
            for words in lines[1:]
            if words[1:2] and words[0].isdigit() and words[1].isalpha()
        }
        pairs = sum(BEADS - apart for apart in range(1, 6))
        numbers = {"atoms": BEADS, "bonds": pairs, "angles": BEADS - 2, "dihedrals": BEADS - 3}
        yield equal(f"{name}, numbers", str({key: counts[key] for key in numbers}), str(numbers))
        yield equal(f"{name}, types of atoms", counts["atom types"], types)
        box = {words[2]: [float(x) for x in words[:2]] for words in lines if words[2:3] and words[2].endswith("lo")}
        edges = np.array([box[f"{x}lo"] for x in "xyz"]).T
        off = np.abs(edges - [R.min(axis=0) - 30.0, R.max(axis=0) + 30.0]).max()
        yield at_most(f"{name}, box", float(off), 1e-9, "Å")
        starts = {words[0]: k for k, words in enumerate(lines) if words[0] in ("Masses", "Atoms", "Bonds")}
        masses = [(int(kind), float(mass)) for kind, mass in lines[starts["Masses"] + 1 : starts["Atoms"]]]
        yield equal(f"{name}, masses", str(masses), str([(kind, MASS) for kind in range(1, types + 1)]))
        atoms = np.array(lines[starts["Atoms"] + 1 : starts["Bonds"]], float)
        yield at_most(f"{name}, positions", float(np.abs(atoms[:, 3:] - R).max()), 1e-9, "Å")
        found = [atoms[:, k].astype(int).tolist() for k in range(3)]
        kinds = [1] * BEADS if types == 1 else [int(k) + 1 for k in np.searchsorted([0, 1, 2], SPECIES)]
        same = len(set(zip(found[2], kinds, strict=True))) == len(set(found[2])) == types
        yield equal(f"{name}, atoms and molecules", str(found[:2]), str([[*range(1, BEADS + 1)], [1] * BEADS]))
        yield equal(f"{name}, types of atoms follow species", same, True)


def _sections(path: Path) -> dict[str, tuple[list[str], Array]]:
    """The sections of a table file: the line of parameters, and the rows."""
    found, head = {}, list[list[str]]()
    for block in path.read_text().split("\n\n")[1:]:
        lines = [line.split() for line in block.splitlines() if line]
        if len(lines) == 2:
            head = lines
        elif lines:
            found[head[0][0]] = head[1], np.array(lines, float)
    return found


def _tables(folder: Path) -> Iterator[Row]:
    """Ranges of the tables of bonds and far pairs, rest lengths, and comments about what is cut off."""
    listed = cgcore.Term("listed", cgcore.Rows("pairs", listed=((0, 5), (1, 6))), Gaussian((6.0,), 2.0))
    for r0, cutoff, reach in ((3.8, 50.0, 38.0), (2.0, 60.0, 30.0)):
        prior = prior_with(r0=r0).without_excluded_volume().with_terms([listed], {"listed": np.array([1.0])})
        write_lammps(folder, prior, BEADS, cutoff=cutoff)
        every = _sections(folder / "bond.table")
        ends = {name: round(float(rows[-1, 1]), 9) for name, (_, rows) in every.items()}
        known = {"BOND": reach, "NONE": 100 * reach, "LISTED": cutoff}
        at = f"bonds of {r0:g} Å and a cut-off of {cutoff:g} Å"
        yield equal(f"{at}, ends of tables", str(ends), str(known))
        rests = {words[words.index("EQ") + 1] for words, _ in every.values()}
        yield equal(f"{at}, rest lengths", str(rests), str({repr(r0)}))
        (_, rows), *others = _sections(folder / "pair.table").values()
        yield equal(
            f"{at}, far pairs, tables and the range of the first",
            str((len(others), round(float(rows[-1, 1]), 9))),
            str((0, cutoff)),
        )
        said = (folder / "prior.in").read_text()
        left = f"cut off at {cutoff:g} Å, where it is {rows[-1, 2]:.1e} kcal/mol"
        yield equal(f"{at}, what is left out", left in said, True)
        yield equal(f"{at}, bonded pairs", "all beads up to 5 apart" in said, True)


def _systems() -> Iterator[Row]:
    """Masses, names and groups of forces of an OpenMM System, and pairs that are left out of far pairs."""
    near = [cgcore.Term(f"x{k}", cgcore.Rows("pairs", 1, 2), Harmonic()) for k in range(30)]
    far = cgcore.Term("far", cgcore.Rows("pairs", 3), Power(6))
    every = prior_with().with_terms([*near, far], {**{one.name: np.ones(2) for one in near}, "far": np.ones(1)})
    system: Any = openmm_system(every, BEADS, mass=MASS)
    masses = [system.getParticleMass(k)._value for k in range(system.getNumParticles())]
    yield equal("OpenMM, masses", str(masses), str([MASS] * BEADS))
    names = ["bond", "angle", "dihedral", "repulsive", "excluded_volume", *(one.name for one in near), "far"]
    known = dict(zip(names, np.minimum(np.arange(len(names)), 31).tolist(), strict=True))
    found = {force.getName(): force.getForceGroup() for force in system.getForces()}
    yield equal("OpenMM, names and groups of forces", str(found), str(known))
    excluded: list[Any] = [force for force in system.getForces() if hasattr(force, "getNumExclusions")]
    pairs = [
        sorted(tuple(sorted(one.getExclusionParticles(k))) for k in range(one.getNumExclusions())) for one in excluded
    ]
    nearer = [(i, j) for i in range(BEADS) for j in range(i + 1, min(i + 6, BEADS))]
    yield equal("OpenMM, pairs that are left out of each force", str(pairs), str([nearer] * len(pairs)))


def _functions(folder: Path) -> Iterator[Row]:
    """Functions of StableHLO: precisions and sizes that are refused, padding, numbers of frames, and other files."""

    def energy(params: Any, R: Any, mask: Any, species: Any) -> Any:
        return params["k"] * (mask * species * (R**2).sum(axis=1)).sum() / params["n"]

    make = partial(export_energy, energy, {"k": 3.0, "n": 2}, 3)
    for name, given, words in (
        ("half precision", {"dtype": np.float16}, "give float32 or float64"),
        ("whole numbers", {"dtype": "int32"}, "give float32 or float64"),
        ("no frames", {"batch": 0}, "batch is 0"),
    ):
        yield says(f"StableHLO, {name}", partial(make, **given), words)
    yield says("StableHLO, one bead", partial(export_energy, energy, {"k": 3.0, "n": 2}, 1), "beads is 1")
    for size, dtype, words in (
        (1e39, "float32", "k in float32 would hold"),
        (np.nan, "float64", "k in float64 would hold"),
    ):
        yield says(
            f"StableHLO, a parameter {size:g}",
            partial(export_energy, energy, {"k": size, "n": 2}, 3, dtype=dtype),
            words,
        )
    rng = np.random.default_rng(5)
    R, mask, species = (
        rng.normal(size=(2, 3, 3)),
        np.array([[True] * 3, [True, True, False]]),
        np.array([[1, 2, 3]] * 2),
    )
    for batch in (None, 2):
        made = make(batch=batch, dtype="float64")
        yield equal(f"StableHLO, batch {batch}, platforms", str(made.platforms), "('cpu', 'cuda')")
        write_stablehlo(folder / "function", made)
        evaluate = read_stablehlo(folder / "function")
        E, F = evaluate(R, mask, species)
        weights = 1.5 * mask * species
        off = np.abs(E - np.sum(weights * (R**2).sum(axis=2), axis=1)).max()
        yield at_most(f"StableHLO, batch {batch}, energies", float(off), 1e-12, "kcal/mol")
        off = np.abs(F + 2 * weights[..., None] * R).max()
        yield at_most(f"StableHLO, batch {batch}, forces", float(off), 1e-12, "kcal/mol/Å")
        yield says(
            f"StableHLO, batch {batch}, frames of 2 beads",
            partial(evaluate, R[:, :2], mask[:, :2], species[:, :2]),
            "takes frames of 3 beads",
        )
    (folder / "other").write_bytes(b"text")
    yield says("StableHLO, another file", partial(read_stablehlo, folder / "other"), "is not a function that")
