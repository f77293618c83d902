"""LAMMPS types of bonds, angles and dihedrals, and types of atoms for far pairs.

A type is a set of potentials, each given by a term and a group, which are summed into one table. Listed pairs, and
pairs below the separation from which all far-pair terms act, are bonded with the type of their interaction. All other
pairs are left to the pair style; their types follow from the classes of the beads in terms with groups.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from jaxtyping import Int

from cgcore.export.potentials import Potential, Sum
from cgcore.export.tables import felt

Acting = tuple[tuple[int, int], ...]
"""The potentials that act on a row: pairs of term number and group number, in ascending order."""

Row = tuple[int, ...]

STYLES = {"angle": "angles", "dihedral": "dihedrals"}


@dataclass(frozen=True, eq=False)
class Types:
    """The types of one chain.

    Arguments:
        potentials: potentials of all terms.
        rows: for each style, the beads of each row and its type, counted from 0.
        acting: for each style, the potentials that act on rows of each type.
        reach: for each bond type, the largest number of bonds along the chain that it spans; 0 for listed pairs.
        atoms: type of each bead, counted from 0.
        pairs: for each ascending pair of bead types, the potentials that act on far pairs.
    """

    potentials: tuple[Potential, ...]
    rows: dict[str, list[tuple[Row, int]]]
    acting: dict[str, list[Acting]]
    reach: list[int]
    atoms: Int[np.ndarray, " beads"]
    pairs: dict[tuple[int, int], Acting]

    def curve(self, acting: Acting) -> Sum:
        """The sum of the acting potentials."""
        each = [self.potentials[term].curves[group] for term, group in acting]
        return Sum([one for one in each if felt(one)])

    def names(self, every: Iterable[Acting], nothing: str) -> list[str]:
        """A unique keyword for each set of potentials."""
        found: list[str] = []
        for acting in every:
            named = [(self.potentials[t].term.name, self.potentials[t].labels[g]) for t, g in acting]
            named = [f"{name} {label}" for name, label in named] if self.curve(acting).of else [nothing]
            keyword = re.sub(r"[^A-Z0-9]+", "_", " ".join(named).upper()).strip("_")[:100]
            found.append(f"{keyword}_{len(found) + 1}" if keyword in found else keyword)
        return found


def bonded_below(every: Sequence[Potential]) -> int:
    """The separation from which the same terms act on all pairs; nearer pairs are bonded."""
    own = [one.term.rows for one in every if one.term.rows.pairs and one.term.rows.listed is None]
    return max((rows.nearest if rows.farthest is None else rows.farthest + 1
                for rows in own if rows.chains != "between"), default=1)  # fmt: skip


def types_of(every: tuple[Potential, ...], beads: int, species: Int[np.ndarray, " beads"] | None) -> Types:
    """The types of one chain."""
    rows: dict[str, list[tuple[Row, int]]] = {}
    acting: dict[str, list[Acting]] = {}
    for style, kind in STYLES.items():
        found: dict[Row, Acting] = {}
        for number, potential in enumerate(every):
            if potential.term.rows.kind == kind:
                _add(found, number, potential, beads, species)
        rows[style], acting[style] = _numbered(found)
    near = bonded_below(every)
    separations = range(1, max(near, 2))
    bonds: dict[Row, Acting] = {(i, i + apart): () for apart in separations for i in range(beads - apart)}
    listed: set[Row] = set()
    for number, potential in enumerate(every):
        own = potential.term.rows
        if own.kind in ("bonds", "pairs"):
            if own.listed is not None:
                listed |= {tuple(sorted(row)) for row in own.listed if max(row) < beads}
            _add(bonds, number, potential, beads, species, only=None if own.kind == "bonds" else near)
    # Far pairs that are bonded because they are listed get the far-pair potentials by their bond, too.
    for row in listed:
        bonds.setdefault(row, ())
        if row[1] - row[0] >= near:
            for number, potential in enumerate(every):
                if _far(potential):
                    all_rows, groups = potential.rows(beads, species)
                    (at,) = np.nonzero((all_rows == row).all(axis=1))
                    bonds[row] = tuple(sorted((*bonds[row], *((number, int(groups[k])) for k in at))))
    rows["bond"], acting["bond"] = _numbered(bonds)
    reach = [0] * len(acting["bond"])
    for row, kind in rows["bond"]:
        reach[kind] = 0 if row in listed else max(reach[kind], row[1] - row[0])
    atoms, pairs = _atoms(every, beads, species)
    return Types(every, rows, acting, reach, atoms, pairs)


def _far(potential: Potential) -> bool:
    rows = potential.term.rows
    return rows.pairs and rows.listed is None and rows.farthest is None and rows.chains != "between"


def _add(
    found: dict[Row, Acting],
    number: int,
    potential: Potential,
    beads: int,
    species: Int[np.ndarray, " beads"] | None,
    only: int | None = None,
) -> None:
    """Note the potential that acts on each row of a term; for pairs along the chain, only below `only`."""
    rows, groups = potential.rows(beads, species)
    if only is not None and potential.term.rows.listed is None:
        near = rows[:, 1] - rows[:, 0] < only
        rows, groups = rows[near], groups[near]
    for row, group in zip(rows.tolist(), groups.tolist(), strict=True):
        # A row and its reverse are the same.
        key = tuple(row if row[0] < row[-1] else row[::-1])
        found[key] = tuple(sorted((*found.get(key, ()), (number, group))))


def _numbered(found: dict[Row, Acting]) -> tuple[list[tuple[Row, int]], list[Acting]]:
    kinds: dict[Acting, int] = {}
    rows = [(row, kinds.setdefault(acting, len(kinds))) for row, acting in found.items()]
    return rows, list(kinds)


def _atoms(
    every: tuple[Potential, ...], beads: int, species: Int[np.ndarray, " beads"] | None
) -> tuple[Int[np.ndarray, " beads"], dict[tuple[int, int], Acting]]:
    """Types of beads, and potentials of pairs of types; beads of a type have equal classes in all far-pair terms."""
    far = [(number, one.term.groups) for number, one in enumerate(every) if _far(one)]
    classes = [groups.classes(species, beads, None, beads) for _, groups in far if groups is not None]
    kinds, atoms = (
        np.unique(np.stack(classes, axis=1), axis=0, return_inverse=True)
        if classes
        else (np.zeros((1, 0), int), np.zeros(beads, int))
    )
    pairs: dict[tuple[int, int], Acting] = {}
    for a, b in combinations_with_replacement(range(len(kinds)), 2):
        acting, column = [], 0
        for number, groups in far:
            group = 0
            if groups is not None:
                first, second = kinds[a, column], kinds[b, column]
                column += 1
                group = -1 if min(first, second) < 0 else int(groups.of_rows(2, True)[0][first, second])
            if group >= 0:
                acting.append((number, group))
        pairs[a, b] = tuple(acting)
    return atoms.reshape(-1), pairs
