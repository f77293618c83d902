"""Constraints of pairs: whatever acts between two beads has to keep them apart, see `constraints`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from cgcore.fitting.ground import Constraint, Ground
from cgcore.physics.bases import Power
from cgcore.physics.rows import Rows
from cgcore.physics.term import Term

CONTACT = 1.0
CONTACT_PERCENT = 1.0
FARTHEST_CONTACT = 6.0

CORE, CORE_WIDTH = 4.0, 0.5
"""Height [kT] of the wall of pairs that is reached this far [Å] below the closest sampled approach."""

CORE_STEPS = 20

NAMES = {"repulsive": "repulsion", "excluded_volume": "excluded volume"}


def contacts(ground: Ground) -> Iterator[Constraint | None]:
    """One for each kind of pairs that a term acts on."""
    terms = [term for term in ground.layout.terms if term.rows.pairs and term.rows.listed is None]
    for rows in dict.fromkeys(term.rows for term in terms):
        acting = [term for term in terms if _covers(term.rows, rows)]
        for groups in product(*(range(len(term.group_labels)) for term in acting)):
            felt = [(term, k) for term, k in zip(acting, groups, strict=True) if ground.feels(term, k)]
            if any(term.rows == rows for term, _ in felt):
                yield from _contact(ground, rows, felt)


def _covers(rows: Rows, others: Rows) -> bool:
    """Whether a term of these rows acts on all pairs of the others."""
    far = rows.farthest is None or (others.farthest is not None and others.farthest <= rows.farthest)
    return rows.nearest <= others.nearest and far and rows.chains in ("any", others.chains)


def _contact(ground: Ground, rows: Rows, acting: list[tuple[Term, int]]) -> Iterator[Constraint]:
    own = next(term for term, _ in acting if term.rows == rows)
    sampled = ground.factor.closest.percentile(own.name, CONTACT_PERCENT)
    if sampled is None:
        return
    distance = min(sampled, FARTHEST_CONTACT)
    least = CONTACT * ground.kT
    where = "the closest sampled approach" if distance == sampled else "contact, which the data do not sample"
    labels = [term.group_labels[k] for term, k in acting]
    name = " + ".join(
        f"{NAMES.get(term.name, f'contact of {term.name}')}{f'[{label}]' if label else ''}"
        for (term, _), label in zip(acting, labels, strict=True)
    )
    words = name if len(acting) == 1 else f"together {name}"
    text = f"{words} of at least {CONTACT:g} kT ({least:.3g} kcal/mol) at {distance:.2f} Å, {where}"

    def summed(x: np.ndarray, slopes: bool) -> np.ndarray:
        parts = [
            ground.rows(
                term, k, term.weight * np.asarray((term.basis.derivatives if slopes else term.basis.functions)(x)).T
            )
            for term, k in acting
        ]
        return sum(parts[1:], start=parts[0])

    normals, bounds = summed(np.array([distance]), False), np.array([least])
    if not all(isinstance(term.basis, Power) for term, _ in acting) or len(acting) > 1:
        x = distance - np.linspace(0, 2 * CORE_WIDTH, CORE_STEPS + 1)
        steepest = 2 * CORE * ground.kT / CORE_WIDTH
        normals = np.vstack([normals, -summed(x, True)])
        bounds = np.append(bounds, steepest * np.minimum((distance - x) / CORE_WIDTH, 1.0))
        text += f", rising by {CORE:g} kT in the first {CORE_WIDTH:g} Å below it"
    yield Constraint(name, text, normals, bounds)
