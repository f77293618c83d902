"""Losses on forces that a prior was not fitted to: other frames of the same proteins, and another protein."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import cgcore
from benchmarks.study.methods import METHODS, Part, Training, loss
from benchmarks.study.proteins import Protein

FOLDS = 5
"""Number of runs of frames of each protein; each is held out once."""


class Losses(NamedTuple):
    """Losses of one method on one protein [(kcal/mol/Å)²].

    Arguments:
        method: method by which priors were made.
        protein: protein whose forces are predicted.
        train: loss of the prior of all frames of all proteins.
        held_out: loss on each run of frames, of the prior of the other runs of all proteins.
        left_out: loss of the prior of the other proteins.
    """

    method: str
    protein: str
    train: float
    held_out: list[float]
    left_out: float


Priors = Mapping[tuple[str, str | None], cgcore.Prior]
"""Priors by method and by the protein that was left out (None for none)."""


def parts_of(proteins: Sequence[Protein], force_map: str) -> dict[str, list[Part]]:
    """The runs of frames of each protein."""
    made = {}
    for protein in proteins:
        ends = [len(protein.R) * k // FOLDS for k in range(FOLDS + 1)]
        made[protein.name] = [Part(protein, slice(*pair), force_map) for pair in pairwise(ends)]
    return made


def measured(
    parts: Mapping[str, Sequence[Part]], say: Callable[[str], object] = print
) -> tuple[list[Losses], dict[tuple[str, str | None], cgcore.Prior]]:
    """Losses of all methods on all proteins, and the priors of all frames.

    Arguments:
        parts: runs of frames of each protein.
        say: called with a text when a method is done.
    """
    found, priors = [], {}
    for method, prior_of in METHODS.items():
        everything = prior_of(Training([part for own in parts.values() for part in own]))
        others = {
            name: prior_of(Training([part for other, own in parts.items() if other != name for part in own]))
            for name in parts
        }
        folds = [
            prior_of(Training([part for own in parts.values() for part in (*own[:k], *own[k + 1 :])]))
            for k in range(FOLDS)
        ]
        priors |= {(method, None): everything} | {(method, name): prior for name, prior in others.items()}
        for name, own in parts.items():
            held_out = [loss(prior, [part]) for prior, part in zip(folds, own, strict=True)]
            found.append(Losses(method, name, loss(everything, own), held_out, loss(others[name], own)))
        say(f"{method}: losses measured")
    return found, priors
