"""The judgement of a data set: whether it obeys the physics that such data must obey."""

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
"""The option that accepts such data; in Python `read(..., accept_faults=True)`."""

EQUIPARTITION = ("unit", "sign", "temperature", "equipartition", "sources")
"""Codes of findings that are valid only for frames sampled with their own forces, not for forces of a prior."""


@dataclass(frozen=True)
class SourceJudgement:
    """The numbers that findings about a source are based on.

    Arguments:
        source: name of the source.
        temperature: temperature for which the ratio was computed [K].
        ratio: kr var(r) / kT, see `stretch`; None if it cannot be determined.
        median_bond: median bond length [Å]; NaN without bonds.
        frames: numbers of its frames in the file.
        force_rms: root mean square force component of each frame [kcal/mol/Å].
    """

    source: str
    temperature: float
    ratio: Ratio | None
    median_bond: float
    frames: np.ndarray
    force_rms: np.ndarray


@dataclass(frozen=True)
class Judgement:
    """All findings about a data set, and the underlying numbers.

    Arguments:
        path: path of the data.
        findings: findings; certain problems come first.
        sources: numbers of each source, in order.
    """

    path: str
    findings: tuple[Finding, ...]
    sources: tuple[SourceJudgement, ...]

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """Findings because of which a fit is refused."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.WRONG)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings that may be intended."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.WARNING)

    def without_equipartition(self) -> Judgement:
        """The judgement without findings that are invalid for forces of a prior."""
        kept = tuple(finding for finding in self.findings if finding.code not in EQUIPARTITION)
        return Judgement(self.path, kept, self.sources)

    def require_right(self) -> None:
        """Refuse data that are certainly wrong.

        Raises:
            InputError: the data are wrong; the message gives the first problem, the number of others, and the option
                that overrides.
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
    """Check all frames of a data set for physical plausibility.

    Arguments:
        dataset: checked frames.
        temperature: temperature of sources that state none [K]; None for room temperature.
        displacement: displacement function in jax-md's convention, which leads to the nearest image in a box.

    Raises:
        InputError: a file changed after it was read.
    """
    # Values whose squares overflow float64 are refused by the factor pass, with a message of its own.
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
        # Forces that are already known to be wrong would also violate equipartition, so this is not checked.
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
    # The data take precedence: a fit may be constrained at a temperature that differs from that of its frames.
    said = [kelvin for kelvin in one.temperatures if np.isfinite(kelvin) and kelvin > 0]
    return float(np.mean(said)) if said else given or ROOM_TEMPERATURE
