"""Pictures of evaluations and trainings in the cases that `reports.data` and `reports.runs` leave out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cgcore.data.residues import UNKNOWN
from cgcore.evaluation.result import Evaluation, Protein, Residue, Sample
from cgcore.report.evaluation_figure import draw_evaluation
from cgcore.report.learning_curve import draw_learning_curve
from validation.check import Row, equal
from validation.reports.reading import panel, texts
from validation.reports.words_of_data import FORCES, SPREAD


def models() -> Iterator[Row]:
    """Evaluations without terms, energies and residues; beads along one chain and several; trainings without stages."""
    yield from _evaluations()
    yield from _trainings()


def _found(beads: int, proteins: int = 1, energies: Any = (1.0, 1.0)) -> Evaluation:
    """An invented evaluation."""
    residues = tuple(Residue(n + 1, "ALA" if n else UNKNOWN, 2, FORCES) for n in range(beads))
    every = tuple(Protein(f"chain ${k}", 10 - k, FORCES, SPREAD, residues) for k in range(proteins))
    sample = Sample(np.ones(3), np.ones(3), 1)
    return Evaluation("prior", "a.npz", "", 12, FORCES, {}, SPREAD, every, {}, np.array(energies, float), sample)


def _evaluations() -> Iterator[Row]:
    figure = draw_evaluation(_found(2))
    for title, words in (
        ("What each term", "the model has no terms"),
        ("Explained by kind", "the data name no residues\nand have no species"),
    ):
        yield equal(f"evaluation, panel {title!r}", texts(panel(figure, title)), words)
    ax = panel(figure, "Energy over")
    yield equal("evaluation, equal energies, range", round(abs(ax.containers[0][0].get_x()), 9), 0.0)
    title = figure.get_suptitle()
    yield equal("evaluation, title", title, "prior: loss 900.2500, 43.75 % of the variance explained")
    ax = panel(figure, "Error along")
    ticks = [one.get_text() for one in ax.get_xticklabels()]
    yield equal("evaluation, beads", str(ticks), str(["1\n2", "2\nALA"]))
    yield equal("evaluation, one protein", str((ax.get_xlabel(), texts(ax))), str(("bead", r"chain \$0")))
    for beads, proteins, codes, label in ((40, 1, True, "bead"), (41, 1, False, "bead"), (3, 2, False, "bead"),
                                          (3, 4, False, "bead"), (3, 5, False, "bead (4 of 5 proteins)")):  # fmt: skip
        ax = panel(draw_evaluation(_found(beads, proteins)), "Error along")
        marked = any("ALA" in one.get_text() for one in ax.get_xticklabels())
        name = f"evaluation, {proteins} proteins of {beads} beads, residues and label"
        yield equal(name, str((marked, ax.get_xlabel())), str((codes, label)))
    ax = panel(draw_evaluation(_found(2, energies=(np.nan, np.inf))), "Energy over")
    yield equal("evaluation, no energies", texts(ax), "no frame has a finite energy")


def _trainings() -> Iterator[Row]:
    stage = {"optimizer": "adam", "loss_history": [3.0, 2.0], "val_loss_history": [], "initial_val_loss": None}
    start = {"train_loss": 4.0, "val_loss": None}
    prior = {"skipped": "no prior"}
    for name, results, known in (
        ("none", {"prior_pretrain": prior}, "no epochs: every stage was skipped"),
        ("skipped", {"prior_pretrain": prior, "stage1": prior}, "no epochs: every stage was skipped"),
        ("one", {"prior_pretrain": prior, "stage1": prior, "stage2": stage},
         "stage 2, adam\ntraining, met during the epoch"),
        ("after a fit", {"prior_pretrain": {"val_loss": 1.5}, "stage1": stage},
         "stage 1, adam\ntraining, met during the epoch\nprior alone, fitted, held out: 1.5"),
        ("after a fit that is not finite", {"prior_pretrain": {"val_loss": np.nan}, "stage1": stage},
         "stage 1, adam\ntraining, met during the epoch"),
    ):  # fmt: skip
        yield equal(f"training, {name}", texts(draw_learning_curve(results, start).axes[0]), known)
