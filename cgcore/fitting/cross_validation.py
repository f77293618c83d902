"""Cross-validation of the freedom of a fit (smoothness, truncation or pooling), computed from block factors alone.

Folds are contiguous in time, see `folds`, or they are the proteins. The one-standard-error rule (Breiman et al.,
Classification and Regression Trees, 1984) takes the most restrained fit whose held-out loss is within one standard
error of the best. The error is that of the paired difference to the best fit, fold by fold: losses differ far more
between folds than between fits, and in the same way for all fits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients, residual
from cgcore.fitting.folds import Fold, protein_folds, time_folds

Held = Literal["time", "protein"]
Losses = Float[np.ndarray, "folds grid"]
Optima = Float[np.ndarray, "grid n"]
"""Coefficients for each value of the grid."""


@dataclass(frozen=True)
class Curve:
    """Loss against the restraint of a fit; every list runs along `values`, the most restrained first.

    Arguments:
        kind: "smoothness", the strength of the smoothness penalty relative to the data, "truncation", the smallest
            relative singular value of a direction that is fitted, or "pooling", the strength that holds groups
            together.
        values: strengths or cut-offs, descending.
        directions: how many directions the data decide: the trace of the map from forces to fitted forces, for a
            truncation the number of directions kept.
        train_loss: loss on all the data [(kcal/mol/Å)²].
        held_out_loss: loss on the folds that a fit has not seen, per real bead.
        standard_error: standard error, over folds, of the difference of the held-out loss from the best one.
        held_out_error: standard error of the held-out loss itself, over folds.
        held_out_protein_loss: loss on the protein that a fit has not seen; None if there is only one protein.
        roughness: root mean square curvature of the angle and dihedral potentials [kcal/mol/rad²].
        folds: number of folds.
        held: what a fold is: "time", runs of frames of all proteins, or "protein", all frames of one protein.
        best: index of the lowest held-out loss.
        chosen: index of the most restrained fit within one standard error of it.
    """

    kind: Literal["smoothness", "truncation", "pooling"]
    values: list[float]
    directions: list[float]
    train_loss: list[float]
    held_out_loss: list[float]
    standard_error: list[float]
    held_out_error: list[float]
    held_out_protein_loss: list[float] | None
    roughness: list[float]
    folds: int
    held: Held
    best: int
    chosen: int

    @property
    def choice(self) -> float:
        """The chosen value."""
        return self.values[self.chosen]


class Fits(ABC):
    """Fits for all values of a grid."""

    @abstractmethod
    def whole(self) -> Optima:
        """Fits to all the data."""

    @abstractmethod
    def left_out(self, folds: Sequence[Fold]) -> Iterator[Optima]:
        """For each fold, fits to all other folds; together, the folds are all the data."""


def cross_validated(
    kind: Literal["smoothness", "truncation", "pooling"],
    values: Sequence[float],
    factor: Factor,
    fits: Fits,
    directions: Sequence[float],
    roughness: Callable[[Coefficients], float],
    held: Held = "time",
) -> Curve | None:
    """The curve of these fits; None if there are too few data for two folds."""
    proteins = protein_folds(factor) if len(factor.proteins) > 1 else []
    folds = time_folds(factor) if held == "time" else proteins
    if len(folds) < 2:
        return None
    losses = _held_out(folds, fits)
    by_protein = losses if held == "protein" else _held_out(proteins, fits) if proteins else None
    held_out = np.average(losses, axis=0, weights=[fold.beads for fold in folds])
    best = int(np.argmin(held_out))
    roots = np.sqrt(len(folds))
    error = np.std(losses - losses[:, [best]], axis=0, ddof=1) / roots
    fitted = fits.whole()
    return Curve(
        kind=kind,
        values=list(values),
        directions=list(directions),
        train_loss=[factor.loss(c) for c in fitted],
        held_out_loss=held_out.tolist(),
        standard_error=error.tolist(),
        held_out_error=(np.std(losses, axis=0, ddof=1) / roots).tolist(),
        held_out_protein_loss=None if by_protein is None else by_protein.mean(axis=0).tolist(),
        roughness=[roughness(c) for c in fitted],
        folds=len(folds),
        held=held,
        best=best,
        chosen=int(np.argmax(held_out <= held_out[best] + error)),
    )


def _held_out(folds: Sequence[Fold], fits: Fits) -> Losses:
    """Loss of each fold at the optima of fits to all other folds."""
    fitted = fits.left_out(folds)
    return np.array([residual(fold.S, c) / fold.beads for fold, c in zip(folds, fitted, strict=True)])
