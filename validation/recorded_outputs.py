"""Recorded outputs of the original implementation, with sidecars that describe each and state its tolerances."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cgcore
from validation.context import REFERENCE
from validation.tolerances import ROUNDING


@dataclass(frozen=True)
class Recorded:
    """One recorded run.

    Arguments:
        name: name of the file without .json.
        output: results of the run.
        sidecar: hashes, settings, versions, and tolerances with their reasons.
        data: the frames of the run.
    """

    name: str
    output: dict[str, Any]
    sidecar: dict[str, Any]
    data: cgcore.Dataset

    @property
    def precision(self) -> str:
        """float32 or float64."""
        return self.sidecar["settings"]["dtype"]

    @property
    def steps(self) -> int:
        """Largest number of steps."""
        return self.sidecar["settings"]["max_steps"]

    @property
    def final_loss(self) -> float:
        """Loss of the recorded parameters, in float64."""
        return self.output["independent_float64"]["final_loss"]

    @property
    def optimal_loss(self) -> float:
        """L* by LAPACK's rule."""
        return self.output["independent_float64"]["optimal_loss"]

    @property
    def gap(self) -> float:
        """Optimality gap of the recorded final loss."""
        return self.gap_of(self.final_loss)

    def gap_of(self, loss: float) -> float:
        """(loss - L*) / L*; if L* is 0 up to rounding, relative to the rounding of the loss without any prior."""
        rounding = ROUNDING * self.output["independent_float64"]["zero_prior_loss"]
        return (loss - self.optimal_loss) / max(self.optimal_loss, rounding)

    @property
    def beaten_by_default(self) -> bool:
        """Whether the default fit must end lower. With few frames it need not, because it leaves out noise."""
        return self.sidecar.get("beaten_by_default", True)

    def tolerance(self, what: str, default: float | None = None) -> float:
        """A tolerance from the sidecar, which states its reason; `default` if the sidecar has none."""
        known = self.sidecar["tolerance"]
        return known[what]["value"] if default is None or what in known else default

    @cached_property
    def prior(self) -> cgcore.Prior:
        """Weights and starting parameters of the run."""
        return cgcore.Prior(cgcore.Weights(**self.sidecar["settings"]["weights"]), self.output["initial_params"])


def recorded_outputs(folder: Path = REFERENCE) -> list[Recorded]:
    """Every recorded run in a folder; its files are checked against the hashes in the sidecars.

    Raises:
        InputError: a file does not match its sidecar.
    """
    return [_load(sidecar) for sidecar in sorted(folder.glob("*.json.toml"))]


def _load(path: Path) -> Recorded:
    sidecar = tomllib.loads(path.read_text(encoding="utf-8"))
    output = path.parent / sidecar["output"]
    about_data = path.parent / f"{sidecar['data']}.toml"
    data = path.parent / tomllib.loads(about_data.read_text(encoding="utf-8"))["file"]
    for file, sha256 in ((output, sidecar["output_sha256"]), (data, sidecar["data_sha256"])):
        if (found := hashlib.sha256(file.read_bytes()).hexdigest()) != sha256:
            raise cgcore.InputError(f"{file}: its SHA-256 is {found}, {path.name} says {sha256}; restore the file")
    return Recorded(
        output.name.removesuffix(".json"),
        json.loads(output.read_text(encoding="utf-8")),
        sidecar,
        cgcore.read(data.resolve()),
    )
