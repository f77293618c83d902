"""The judgement of a data set: is it what it says it is, by the physics that all such data obey?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cgcore.constants import BOLTZMANN
from cgcore.data import Dataset
from cgcore.errors import InputError
from cgcore.judging import bond_rules, force_rules, set_rules
from cgcore.judging.finding import Finding, Severity
from cgcore.judging.precision import ROOM_TEMPERATURE
from cgcore.judging.stretch import Ratio
from cgcore.judging.survey import Survey, survey
from cgcore.physics.space import Displacement, free

OVERRIDE = "--accept-faults"
"""The option that goes on all the same; in Python `read(..., accept_faults=True)`."""

EQUIPARTITION = ("unit", "sign", "temperature", "equipartition", "sources")
"""Findings that hold for frames sampled with the forces that they have, and not for those made by a prior."""


@dataclass(frozen=True)
class SourceJudgement:
    """Arguments:
    source: its name.
    temperature: that its ratio is for [K].
    ratio: kr var(r) / kT, see `stretch`; None where it cannot be told.
    median_bond: [Å]; NaN without bonds.
    frames: numbers of its frames in the file.
    force_rms: root mean square force component of each [kcal/mol/Å].
    """

    source: str
    temperature: float
    ratio: Ratio | None
    median_bond: float
    frames: np.ndarray
    force_rms: np.ndarray


@dataclass(frozen=True)
class Judgement:
    """What was found, and the numbers that it rests on.

    Arguments:
        path: of the data.
        findings: what is wrong first.
        sources: in order.
    """

    path: str
    findings: tuple[Finding, ...]
    sources: tuple[SourceJudgement, ...]

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """What a fit is refused for."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.WRONG)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What may be meant."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.WARNING)

    def without_equipartition(self) -> Judgement:
        """The same for forces that turned out to be a prior's own."""
        kept = tuple(finding for finding in self.findings if finding.code not in EQUIPARTITION)
        return Judgement(self.path, kept, self.sources)

    def require_right(self) -> None:
        """Refuse data that are certainly wrong.

        Raises:
            InputError: with the first of what is wrong, how much more there is, and the option that overrides.
        """
        if not self.wrong:
            return
        first, *rest = self.wrong
        more = f" (and {len(rest)} more, see `cgcore inspect`)" if rest else ""
        where = self.path if len(self.sources) == 1 else f"{self.path}: {first.source}"
        raise InputError(f"{where}: {first.text}{more}; {OVERRIDE} fits to them as they are")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a record."""
        return {
            "findings": [finding.as_dict() for finding in self.findings],
            "sources": [
                {
                    "source": one.source,
                    "temperature": one.temperature,
                    "kr_var_over_kT": None if one.ratio is None else one.ratio._asdict(),
                    "median_bond": None if np.isnan(one.median_bond) else one.median_bond,
                }
                for one in self.sources
            ],
        }


def judge(dataset: Dataset, temperature: float | None = None, displacement: Displacement = free) -> Judgement:
    """Look at all frames of a data set as a physicist would.

    Arguments:
        dataset: checked frames.
        temperature: of sources that say none [K]; None: room temperature.
        displacement: in jax-md's convention: bonds go to the nearest image.

    Raises:
        InputError: a file changed after it was read.
    """
    # What is too large to be squared in float64 is refused by the pass that fits, and by a sentence of its own.
    with np.errstate(over="ignore", invalid="ignore"):
        return _judged(dataset, temperature, displacement)


def _judged(dataset: Dataset, temperature: float | None, displacement: Displacement) -> Judgement:
    surveys = [survey(source, source.temperatures, displacement) for source in dataset.sources]
    kelvins = [_kelvin(one, temperature) for one in surveys]
    ratios = [one.stretch.ratio(BOLTZMANN * kelvin) for one, kelvin in zip(surveys, kelvins, strict=True)]
    found: list[Finding] = []
    for one, ratio, kelvin in zip(surveys, ratios, kelvins, strict=True):
        found += bond_rules.bonds(one)
        faulty = list(force_rules.forces(one))
        found += faulty
        # Forces that are known to be wrong are not judged again by what comes of them.
        if not any(finding.severity is Severity.WRONG for finding in faulty):
            found += force_rules.equipartition(one, ratio, kelvin, bool(one.temperatures) or temperature is not None)
    found += set_rules.duplicates(surveys)
    found += set_rules.disagreements(surveys, ratios)
    found.sort(key=lambda finding: finding.severity is Severity.WARNING)
    sources = tuple(
        SourceJudgement(one.source, kelvin, ratio, one.median, one.frame, np.sqrt(one.force))
        for one, kelvin, ratio in zip(surveys, kelvins, ratios, strict=True)
    )
    return Judgement(dataset.path, tuple(found), sources)


def _kelvin(one: Survey, given: float | None) -> float:
    # What the data say comes first: a fit may well be constrained at another temperature than that of its frames.
    said = [kelvin for kelvin in one.temperatures if np.isfinite(kelvin) and kelvin > 0]
    return float(np.mean(said)) if said else given or ROOM_TEMPERATURE
