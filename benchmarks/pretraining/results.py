"""All that was measured, as one JSON file."""

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
    """A prior without a network.

    Arguments:
        prior: how it was made.
        loss: held-out force loss, per real bead [(kcal/mol/Å)²].
        simulated: what a simulation makes of it; None: there was none.
    """

    prior: str
    loss: float
    simulated: Simulated | None


class Trained(NamedTuple):
    """A training with one seed.

    Arguments:
        prior: that it starts from.
        mode: what becomes of the prior in it.
        seed: of the network's start and of minibatches.
        steps: at which held-out losses were taken; the first is 0.
        losses: held-out force loss at each of them, per real bead [(kcal/mol/Å)²].
        simulated: what a simulation makes of the parameters with the lowest of these losses; None: there was none.
    """

    prior: str
    mode: str
    seed: int
    steps: list[int]
    losses: list[float]
    simulated: Simulated | None = None

    @classmethod
    def of(cls, prior: str, mode: str, seed: int, stage: StageResult) -> Trained:
        """What a stage reports."""
        losses = [float(loss) for loss in (stage["initial_val_loss"], *stage["val_loss_history"]) if loss is not None]
        each = stage["steps"] // max(stage["epochs"], 1)
        return cls(prior, mode, seed, [each * k for k in range(len(losses))], losses)

    @property
    def title(self) -> str:
        """Prior, mode and seed."""
        return f"{self.prior}, {self.mode}, seed {self.seed}"

    @property
    def lowest(self) -> float:
        """Lowest loss."""
        return float(np.nanmin(self.losses))

    def steps_to(self, loss: float) -> int | None:
        """Steps after which the loss was first at or below this one; None: never."""
        return next((step for step, seen in zip(self.steps, self.losses, strict=True) if seen <= loss), None)


@dataclass(frozen=True)
class Results:
    """Results.

    Arguments:
        about: what the run was: frames, training, simulations, versions, machine.
        alone: the priors without a network.
        trained: all trainings.
    """

    about: dict[str, str]
    alone: list[Alone] = field(default_factory=list)
    trained: list[Trained] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """As JSON."""
        plain = {
            "about": self.about,
            **{name: [_plain(row) for row in getattr(self, name)] for name in ("alone", "trained")},
        }
        atomic_write(path, json.dumps(plain, indent=1) + "\n")

    @classmethod
    def read(cls, paths: Sequence[Path]) -> Results:
        """What `write` wrote, the trainings of all these files together; all else is that of the first."""
        first, *others = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        return cls(
            first["about"],
            [Alone(**_with_simulated(row)) for row in first["alone"]],
            [Trained(**_with_simulated(row)) for plain in (first, *others) for row in plain["trained"]],
        )

    @property
    def seeds(self) -> list[int]:
        """Of the trainings, in order."""
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
    """Those that there were."""
    return [row.simulated for row in rows if row.simulated is not None]


def lost(rows: Sequence[Alone | Trained]) -> str:
    """Number of replicas lost, of how many."""
    runs = simulated(rows)
    return f"{sum(run.lost for run in runs)} of {sum(run.replicas for run in runs)}"


def _plain(row: Alone | Trained) -> dict[str, Any]:
    return row._asdict() | {"simulated": None if row.simulated is None else row.simulated._asdict()}


def _with_simulated(row: dict[str, Any]) -> dict[str, Any]:
    found = row["simulated"]
    return row | {"simulated": None if found is None else Simulated(**found)}
