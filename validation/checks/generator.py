"""The generator of all-atom data: the backbone that it builds, what it refuses, and the forces that it writes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from cgcore.generate.heavy_atoms import heavy_atoms
from cgcore.generate.peptides import SHAPES, Peptide
from cgcore.generate.simulate import TOPOLOGY, TRAJECTORY, Run, generate
from cgcore.generate.soundness import require_bonds, require_stereochemistry
from validation import explicit
from validation.check import Row, at_most, check, equal, refuses
from validation.context import Context
from validation.explicit import Array
from validation.stored.written_formats import KJ, NM
from validation.tolerances import relative

DEGREES = 1.0
"""Tolerance of the backbone's angles, whose positions a PDB file rounds to 0.001 Å."""

SINGLE = 5e-5
"""Tolerance of forces in single precision, relative to the largest (observed: 6e-6)."""

TRANS, CIS, PROBE = 3.45, 3.35, 0.01
"""Distances of neighbouring CA atoms [Å] on both sides of the limit of 3.4 Å, and a small displacement [Å]."""

REST, MOST_STRETCH = 1.5, 0.2
"""Rest length of a bond and the largest deviation [Å]."""

RUN = {"frames": 3, "every": 20, "temperature": 320.0, "equilibration": 50, "seed": 4}


@check("generator", needs=("openmm", "PeptideBuilder"))
def generator(_: Context) -> Iterator[Row]:
    """Backbones against the angles of their letters, refusals on both sides of each limit, and frames of a peptide
    against forces of OpenMM's own solvent."""
    yield from _backbones()
    yield from _bonds()
    yield from _stereochemistry()
    yield from _frames()


def _backbones() -> Iterator[Row]:
    """phi and psi of each residue, with caps and without."""
    from openmm import app

    for capped in (False, True):
        shape = "".join(SHAPES)
        topology, positions = heavy_atoms(app, Peptide("AYDAGTWK", shape, capped))
        R = NM * np.array(positions._value)
        at = {(atom.residue.index - capped, atom.name): R[atom.index] for atom in topology.atoms()}
        names = [residue.name for residue in topology.residues()]
        whose = "with caps" if capped else "without caps"
        yield equal(f"{whose}, residues", len(names), len(shape) + 2 * capped)
        ends = [sorted(atom.name for atom in residue.atoms()) for residue in topology.residues()]
        known = [["C", "CH3", "O"], ["C", "N"]] if capped else [ends[0], sorted({*ends[-1], "OXT"})]
        yield equal(f"{whose}, atoms of the ends", str([ends[0], ends[-1]]), str(known))
        off = [0.0]
        for k, letter in enumerate(shape):
            for angle, words in zip(SHAPES[letter], (("C", "N", "CA", "C"), ("N", "CA", "C", "N")), strict=True):
                offsets = (-1, 0, 0, 0) if words[0] == "C" else (0, 0, 0, 1)
                if all((k + n, word) in at for n, word in zip(offsets, words, strict=True)):
                    four = np.stack([at[k + n, word] for n, word in zip(offsets, words, strict=True)])
                    found = -np.degrees(explicit.value("dihedral", four[None])[0])  # minus the IUPAC one
                    off.append(abs((found - angle + 180) % 360 - 180))
        yield equal(f"{whose}, angles of the backbone", len(off) - 1, 2 * len(shape) - (0 if capped else 2))
        yield at_most(f"{whose}, angles of the backbone, off", max(off), DEGREES, "degrees")


def _bonds() -> Iterator[Row]:
    """Three atoms in a row, the last of which is too far away or too close."""
    import openmm

    system, force = openmm.System(), openmm.HarmonicBondForce()
    for k in range(2):
        force.addBond(k, k + 1, REST / NM, 1.0)
    system.addForce(force)
    for stretch in (-MOST_STRETCH, MOST_STRETCH):
        for beyond in (-PROBE, PROBE):
            length = REST + stretch + np.sign(stretch) * beyond
            R = np.array([[0.0, 0, 0], [REST, 0, 0], [REST + length, 0, 0]])
            refused = refuses(lambda R=R: require_bonds("it", openmm, system, R))
            yield equal(f"a bond of {length:.2f} Å instead of {REST} Å, refused", refused, beyond > 0)


def _stereochemistry() -> Iterator[Row]:
    """Two residues, cis or trans, L or D, with CB and without."""
    names = ("N", "CA", "C", "CB")
    # An L amino acid: seen from its H, which is above, CO, R and N follow each other clockwise.
    left = np.array([[0.0, 1.4, -0.4], [0, 0, 0], [1.2, -0.7, -0.4], [-1.2, -0.7, -0.4]])
    for apart, mirrored, bare in ((TRANS, (), ()), (CIS, (), ()), (TRANS, (0,), ()), (TRANS, (1,), ()),
                                  (TRANS, (1,), (1,)), (TRANS, (0,), (1,))):  # fmt: skip
        residues, atoms, R = [SimpleNamespace(index=k) for k in range(2)], list[Any](), list[Array]()
        for residue in residues:
            own = left * (np.where(residue.index in mirrored, [-1.0, 1.0, 1.0], 1.0)) + [0, 0, apart * residue.index]
            for name, place in zip(names, own, strict=True):
                if name != "CB" or residue.index not in bare:
                    atoms.append(SimpleNamespace(residue=residue, name=name, index=len(R)))
                    R.append(place)
        topology = SimpleNamespace(atoms=lambda own=atoms: iter(own), residues=lambda own=residues: iter(own))
        found = refuses(lambda own=topology, R=R: require_stereochemistry("it", own, np.array(R)))
        known = apart == CIS or any(k not in bare for k in mirrored)
        yield equal(f"CA {apart} Å apart, {mirrored} mirrored, {bare} without CB, refused", found, known)


def _frames() -> Iterator[Row]:
    """Forces of the frames that are written, from a system that OpenMM itself makes."""
    import openmm
    from openmm import app

    for solvent, rigid in (("obc2", True), ("gbn2", False)):
        with tempfile.TemporaryDirectory() as folder:
            generate(Path(folder), Run(**RUN, solvent=solvent, rigid=rigid), Peptide("AY", "EE", capped=True))
            pdb = app.PDBFile(f"{folder}/{TOPOLOGY}")
            with np.load(f"{folder}/{TRAJECTORY}") as held:
                arrays = dict(held)
        field = app.ForceField("amber14-all.xml", f"implicit/{solvent}.xml")
        constraints = app.HBonds if rigid else None
        system = field.createSystem(pdb.topology, nonbondedMethod=app.NoCutoff, constraints=constraints)
        context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
        known = []
        for R in arrays["coords"]:
            context.setPositions(R.astype(float) / NM)
            F = context.getState(getForces=True).getForces(asNumpy=True)
            known.append(np.array(F._value) * KJ / NM)  # kJ/mol/nm, the units of OpenMM
        yield at_most(f"{solvent}, forces", relative(arrays["Fs"], np.array(known)), SINGLE, "relative")
        yield equal(f"{solvent}, temperature", float(arrays["temperature"]), RUN["temperature"])
        yield equal(f"{solvent}, frames", len(arrays["coords"]), RUN["frames"])
        hydrogens = [(a.index, b.index) for a, b in pdb.topology.bonds() if "H" in (a.element.symbol, b.element.symbol)]
        i, j = np.array(hydrogens).T
        lengths = np.linalg.norm(arrays["coords"][:, i] - arrays["coords"][:, j], axis=-1)
        yield equal(f"{solvent}, bonds to hydrogen are rigid", bool(np.ptp(lengths, axis=0).max() < 1e-3), rigid)
