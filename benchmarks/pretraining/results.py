"""The results, in one JSON file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.study.simulated import Simulated
from cgcore.files import atomic_write
from cgcore.pipeline.reports import StageResult


class Alone(NamedTuple):
    """Results of a prior without a network.

    Arguments:
        prior: method by which the prior was made.
        loss: held-out force loss per real bead [(kcal/mol/Å)²].
        simulated: result of its simulation; None if there was none.
    """

    prior: str
    loss: float
    simulated: Simulated | None


class Trained(NamedTuple):
    """Results of one training with one seed.

    Arguments:
        prior: method by which the starting prior was made.
        mode: treatment of the prior in training.
        seed: seed of the network's initial parameters and of minibatches.
        steps: numbers of steps at which held-out losses were computed; the first is 0.
        losses: held-out force loss at each of these steps, per real bead [(kcal/mol/Å)²].
        simulated: result of a simulation with the parameters of the lowest loss; None if there was none.
    """

    prior: str
    mode: str
    seed: int
    steps: list[int]
    losses: list[float]
    simulated: Simulated | None = None

    @classmethod
    def of(cls, prior: str, mode: str, seed: int, stage: StageResult) -> Trained:
        """The results reported by a training stage."""
        losses = [float(loss) for loss in (stage["initial_val_loss"], *stage["val_loss_history"]) if loss is not None]
        each = stage["steps"] // max(stage["epochs"], 1)
        return cls(prior, mode, seed, [each * k for k in range(len(losses))], losses)

    @property
    def title(self) -> str:
        """Prior, mode and seed."""
        return f"{self.prior}, {self.mode}, seed {self.seed}"

    @property
    def lowest(self) -> float:
        """The lowest held-out loss."""
        return float(np.nanmin(self.losses))

    def steps_to(self, loss: float) -> int | None:
        """Number of steps after which the loss first was at or below `loss`; None if it never was."""
        return next((step for step, seen in zip(self.steps, self.losses, strict=True) if seen <= loss), None)


@dataclass(frozen=True)
class Results:
    """The results of the benchmark.

    Arguments:
        about: description of the run: frames, training, simulations, versions, machine.
        alone: results of the priors without a network.
        trained: results of all trainings.
    """

    about: dict[str, str]
    alone: list[Alone] = field(default_factory=list)
    trained: list[Trained] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Write the results as JSON."""
        plain = {
            "about": self.about,
            **{name: [_plain(row) for row in getattr(self, name)] for name in ("alone", "trained")},
        }
        atomic_write(path, json.dumps(plain, indent=1) + "\n")

    @classmethod
    def read(cls, paths: Sequence[Path]) -> Results:
        """Read files written by `write`: the trainings of all files, and everything else from the first."""
        first, *others = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        return cls(
            first["about"],
            [Alone(**_with_simulated(row)) for row in first["alone"]],
            [Trained(**_with_simulated(row)) for plain in (first, *others) for row in plain["trained"]],
        )

    @property
    def seeds(self) -> list[int]:
        """Seeds of the trainings, sorted."""
        return sorted({one.seed for one in self.trained})

    def arms(self) -> dict[tuple[str, str], list[Trained]]:
        """Trainings with all seeds, by prior and mode, in the order in which they were made."""
        found: dict[tuple[str, str], list[Trained]] = {}
        for one in self.trained:
            found.setdefault((one.prior, one.mode), []).append(one)
        return found

    @property
    def best_prior(self) -> float:
        """Held-out loss of the best prior alone."""
        return min(one.loss for one in self.alone)

    @property
    def within_reach(self) -> float:
        """The lowest loss that every training reached."""
        return max(one.lowest for one in self.trained)


def simulated(rows: Sequence[Alone | Trained]) -> list[Simulated]:
    """The simulations of these rows that were run."""
    return [row.simulated for row in rows if row.simulated is not None]


def lost(rows: Sequence[Alone | Trained]) -> str:
    """Number of lost replicas and total number, as text."""
    runs = simulated(rows)
    return f"{sum(run.lost for run in runs)} of {sum(run.replicas for run in runs)}"


def _plain(row: Alone | Trained) -> dict[str, Any]:
    return row._asdict() | {"simulated": None if row.simulated is None else row.simulated._asdict()}


def _with_simulated(row: dict[str, Any]) -> dict[str, Any]:
    found = row["simulated"]
    return row | {"simulated": None if found is None else Simulated(**found)}
