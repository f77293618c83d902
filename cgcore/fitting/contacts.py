"""Constraints on pairs: all terms that act between two beads together must keep them apart, see `constraints`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np

from cgcore.fitting.ground import Constraint, Ground
from cgcore.physics.bases import Power
from cgcore.physics.rows import Rows
from cgcore.physics.term import Term
from cgcore.physics.topology import BEAD

CONTACT = 1.0
CONTACT_PERCENT = 1.0
FARTHEST_CONTACT = 6.0

CORE, CORE_WIDTH = 4.0, 0.5
"""Height [kT] of the wall of pairs, and the distance [Å] below the closest sampled approach at which it is reached."""

CORE_STEPS = 20

OVERLAP_PART = 0.8
"""Part of the closest sampled approach that is used instead of `BEAD`, where beads overlap, if that is shorter."""

BARRIER = CONTACT + 3 * CORE
"""Height [kT] of a single power of the distance where beads overlap: that of the wall of other pairs, two widths below
the closest sampled approach."""

NAMES = {"repulsive": "repulsion", "excluded_volume": "excluded volume"}


def contacts(ground: Ground) -> Iterator[Constraint | None]:
    """One constraint for each kind of pairs that a term acts on."""
    held = dict(ground.fixed)
    terms = [term for term in (*ground.layout.terms, *held) if term.rows.pairs]
    for rows in dict.fromkeys(term.rows for term in terms if term not in held):
        acting = [term for term in terms if covers(term.rows, rows)]
        for groups in product(*(range(len(term.group_labels)) for term in acting)):
            kinds = {term.groups: k for term, k in zip(acting, groups, strict=True)}
            if any(kinds[term.groups] != k for term, k in zip(acting, groups, strict=True)):
                continue  # a pair has the same group in all terms with the same grouping
            felt = [
                _Part(term, k, held[term].reshape(-1, term.basis.size)[k] if term in held else None)
                for term, k in zip(acting, groups, strict=True)
                if term in held or ground.feels(term, k)
            ]
            if any(part.term.rows == rows and part.fixed is None for part in felt):
                yield from _contact(ground, rows, felt)


class _Part(NamedTuple):
    """A group of a term that acts between two beads, with its coefficients if it is not fitted."""

    term: Term
    group: int
    fixed: np.ndarray | None


def covers(rows: Rows, others: Rows) -> bool:
    """Whether a term with `rows` acts on all pairs of `others`; for listed pairs, chains are assumed to be whole."""
    if rows.listed is not None or others.listed is not None:
        apart = (abs(i - j) for i, j in others.listed or ())
        return rows == others or (rows.listed is None and all(rows.count(0, one, False) for one in apart))
    far = rows.farthest is None or (others.farthest is not None and others.farthest <= rows.farthest)
    return rows.nearest <= others.nearest and far and rows.chains in ("any", others.chains)


def _contact(ground: Ground, rows: Rows, acting: list[_Part]) -> Iterator[Constraint]:
    free = [part for part in acting if part.fixed is None]
    own = next(part.term for part in free if part.term.rows == rows)
    each = [ground.percentile(part.term, part.group, CONTACT_PERCENT) for part in free if part.term.rows == rows]
    sampled = max((one for one in each if one is not None), default=None)
    if sampled is None:
        return
    distance = min(sampled, FARTHEST_CONTACT)
    least = CONTACT * ground.kT
    where = "the closest sampled approach" if distance == sampled else "contact, which the data do not sample"
    name = " + ".join(_name(part) for part in acting)
    words = name if len(acting) == 1 else f"together {name}"
    text = f"{words} of at least {CONTACT:g} kT ({least:.3g} kcal/mol) at {distance:.2f} Å, {where}"

    def summed(x: np.ndarray, slopes: bool) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the free terms, and the contribution of the fixed terms."""
        normals, held = np.zeros((len(x), ground.layout.size)), np.zeros(len(x))
        for term, group, fixed in acting:
            values = term.weight * np.asarray((term.basis.derivatives if slopes else term.basis.functions)(x)).T
            if fixed is None:
                normals += ground.rows(term, group, values)
            else:
                held += values @ fixed
        return normals, held

    normals, held = summed(np.array([distance]), False)
    bounds = least - held
    if len(acting) > 1 or not isinstance(own.basis, Power):
        x = distance - np.linspace(0, 2 * CORE_WIDTH, CORE_STEPS + 1)
        steepest = 2 * CORE * ground.kT / CORE_WIDTH
        rising, held = summed(x, True)
        normals = np.vstack([normals, -rising])
        bounds = np.append(bounds, steepest * np.minimum((distance - x) / CORE_WIDTH, 1.0) + held)
        text += f", rising by {CORE:g} kT in the first {CORE_WIDTH:g} Å below it"
    else:
        # A single power rises too slowly if the closest sampled approach is short: from 1 kT at 4 Å to 3 kT at 3 Å.
        overlap = min(BEAD, OVERLAP_PART * distance)
        normals = np.vstack([normals, summed(np.array([overlap]), False)[0]])
        bounds = np.append(bounds, BARRIER * ground.kT)
        text += f", and of at least {BARRIER:g} kT at {overlap:.2f} Å, where beads overlap"
    yield Constraint(name, text, normals, bounds)


def _name(part: _Part) -> str:
    label = part.term.group_labels[part.group]
    return f"{NAMES.get(part.term.name, f'contact of {part.term.name}')}{f'[{label}]' if label else ''}"
