"""The results of the study, in one JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.study.force_maps import MapRow
from benchmarks.study.losses import Losses
from benchmarks.study.simulated import Simulated
from cgcore.files import atomic_write


@dataclass(frozen=True)
class Study:
    """The results of the study.

    Arguments:
        about: description of the run: frames, simulated time, versions, machine.
        maps: results of each force map.
        losses: losses of each method on each protein.
        runs: results of the simulations.
    """

    about: dict[str, str]
    maps: list[MapRow]
    losses: list[Losses]
    runs: list[Simulated]

    def write(self, path: Path) -> None:
        """Write the results as JSON."""
        plain = asdict(self)
        for name in ("maps", "losses", "runs"):
            plain[name] = [row._asdict() for row in getattr(self, name)]
        atomic_write(path, json.dumps(plain, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Study:
        """Read a file written by `write`."""
        plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            plain["about"],
            [MapRow(**row) for row in plain["maps"]],
            [Losses(**row) for row in plain["losses"]],
            [Simulated(**row) for row in plain["runs"]],
        )

    @property
    def methods(self) -> list[str]:
        """Methods in the order of tables."""
        return list(dict.fromkeys(row.method for row in self.losses))

    @property
    def proteins(self) -> list[str]:
        """Names of the proteins in the order of tables."""
        return list(dict.fromkeys(row.protein for row in self.losses))

    def of(self, method: str) -> list[Losses]:
        """Losses of a method, protein by protein."""
        return [row for row in self.losses if row.method == method]

    def simulated(self, method: str, left_out: bool) -> list[Simulated]:
        """Simulations with a method's priors, protein by protein."""
        return [run for run in self.runs if run.method == method and run.left_out == left_out]
