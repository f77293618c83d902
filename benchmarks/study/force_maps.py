"""Comparison of three force maps of the same frames: their noise, and whether they give the same prior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

import cgcore
from benchmarks.study.losses import parts_of
from benchmarks.study.methods import METHODS, SAFE, Training
from benchmarks.study.proteins import MAPS, Protein

BEST = "optimal"


class MapRow(NamedTuple):
    """The results of a force map.

    Arguments:
        force_map: name of the map.
        noise: mean square force on a bead, over all proteins [(kcal/mol/Å)²].
        held_out: mean square force of maps made from the first 80 % of frames, on the other frames; None if unknown.
        loss: training loss of the safe fit [(kcal/mol/Å)²].
        explained: fraction of the mean square force that the fit explains.
        r0: rest length of bonds [Å].
        kr: stiffness of bonds times their weight [kcal/mol/Å²].
        apart: root mean square difference between the forces of its prior and of the optimal map's prior, relative to
            the latter.
        error: statistical error of its prior's forces, likewise: half the difference between the priors of odd and of
            even runs of frames, since two halves differ by twice the error of the whole.
    """

    force_map: str
    noise: float
    held_out: float | None
    loss: float
    explained: float
    r0: float
    kr: float
    apart: float
    error: float


def compared(proteins: Sequence[Protein]) -> list[MapRow]:
    """A row for each map, for the safe fit to all proteins."""
    start = cgcore.default_prior()
    training, halves = {}, {}
    for force_map in MAPS:
        parts = parts_of(proteins, force_map)
        training[force_map] = Training([part for own in parts.values() for part in own])
        halves[force_map] = [Training([part for own in parts.values() for part in own[k::2]]) for k in range(2)]
    fitted = {name: METHODS[SAFE](own) for name, own in training.items()}
    design = training[BEST].factor(start).S[:, :-1]
    coefficients = {name: cgcore.to_coefficients(prior.params) for name, prior in fitted.items()}

    def apart(c: np.ndarray, other: np.ndarray) -> float:
        return float(np.linalg.norm(design @ (c - other)) / np.linalg.norm(design @ coefficients[BEST]))

    rows = []
    for name, own in training.items():
        factor = own.factor(start)
        noise = factor.loss(np.zeros(factor.fingerprint.layout.size))
        loss = factor.loss(coefficients[name])
        first, second = (cgcore.to_coefficients(METHODS[SAFE](half).params) for half in halves[name])
        prior = fitted[name]
        rows.append(
            MapRow(
                name,
                noise,
                _held_out(proteins, name),
                loss,
                1 - loss / noise,
                float(prior.params["r0"]),
                float(prior.params["kr"] * prior.weights.bond),
                apart(coefficients[name], coefficients[BEST]),
                apart(first, second) / 2,
            )
        )
    return rows


def _held_out(proteins: Sequence[Protein], force_map: str) -> float | None:
    """Held-out noise of a map, averaged over the beads of all proteins."""
    known = [(protein.held_out_noise[force_map], protein.R.shape[0] * protein.R.shape[1]) for protein in proteins]
    if any(noise is None for noise, _ in known):
        return None
    return sum(noise * beads for noise, beads in known if noise is not None) / sum(beads for _, beads in known)
