"""Recognises losses other than the intended one: another normalisation, or another energy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import cgcore
from validation.explicit import System

NEAR = 1e-5
"""Relative difference below which a loss is recognised. With few alternatives, such agreement is no coincidence;
losses in float32 agree more closely."""


def recognised(found: float, system: System, start: np.ndarray, prior: cgcore.Prior, mask: Any) -> str | None:
    """Description of a wrong initial loss, if it is one of the usual ones; else None."""
    for energy, c in _energies(start, prior):
        for norm, value in _norms(system, c, np.asarray(mask, bool)):
            if np.isfinite(value) and abs(found - value) <= NEAR * abs(value):
                return " and ".join(part for part in (norm, energy) if part)
    return None


def _norms(system: System, c: np.ndarray, mask: np.ndarray) -> Iterator[tuple[str, float]]:
    """Common normalisations of the same sum of squares: a description and the loss."""
    loss, frames, places = system.loss(c), len(mask), mask.size
    total = loss * system.beads
    yield "", loss
    yield "per component, a third of the loss per real bead", loss / 3
    yield "half of the loss, 1/2 |dF|^2", loss / 2
    yield "a sixth of the loss, 1/2 |dF|^2 per component", loss / 6
    yield "the root of the loss", float(np.sqrt(loss))
    yield "per frame, not per real bead", total / frames
    yield "the sum, not divided by the number of real beads", total
    if places > system.beads:
        yield "averaged over padded beads as well", total / places
        yield "per component and averaged over padded beads as well", total / places / 3
        squares = (system.X @ c - system.F) ** 2
        lengths = np.repeat(*np.unique(mask.sum(axis=1)[mask.any(axis=1)], return_counts=True))
        means = [part.mean() for part in np.split(squares, np.cumsum(3 * lengths)[:-1])]
        yield "the mean of each frame's own mean, not of all beads", 3 * float(np.mean(means))


def _energies(start: np.ndarray, prior: cgcore.Prior) -> Iterator[tuple[str, np.ndarray]]:
    """Coefficients that correspond to other energies."""
    angle, dihedral = 2 * len(prior.params["a"]), 2 * len(prior.params["k_dih"])
    ends = np.cumsum([0, 2, angle, dihedral, *[1] * (len(start) - 2 - angle - dihedral)])
    columns = {name: slice(a, b) for name, a, b in zip(prior.weights._fields, ends, ends[1:], strict=False)}
    weights = np.ones_like(start)
    for name, place in columns.items():
        weights[place] = getattr(prior.weights, name)
    turned = start.copy()
    turned[columns["dihedral"].start + dihedral // 2 : columns["dihedral"].stop] *= -1
    yield "", start
    yield "forces of the other sign", -start
    yield "the dihedral of the other sign (IUPAC's; phi here is minus that)", turned
    yield "no term weights", np.divide(start, weights, out=np.zeros_like(start), where=weights > 0)
    yield "term weights counted twice", start * weights
    for name, place in columns.items():
        without = start.copy()
        without[place] = 0
        yield f"without the {name} term", without
    yield "without any prior", 0 * start
