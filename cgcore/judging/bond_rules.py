"""Rules for positions: undeclared gaps and chains, broken frames, and beads that are not in chain order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cgcore.judging.finding import Finding, Severity, named
from cgcore.judging.survey import OddBond, Survey


def bonds(survey: Survey) -> Iterator[Finding]:
    """Implausible bonds, and neighbours that look bonded but are declared not to be."""
    always = [bond for bond in survey.odd if bond.always and bond.of > 1]
    rest = [bond for bond in survey.odd if bond not in always]
    for bond in always:
        yield _gap(survey, bond)
    if rest:
        yield _outlier(survey, rest)
    for bond in survey.joined:
        text = (
            f"key 'R': beads {bond.bead} and {bond.bead + 1} are not bonded according to 'chain', "
            "'resid' or 'bonds', but "
            f"{np.mean(bond.lengths):.3g} Å apart in {_every(bond)}, like bonded beads; number them "
            "consecutively if they are bonded"
        )
        yield survey.about("joined", Severity.WARNING, bond.frames, text, (bond.bead, bond.bead + 1))
    for rigid in survey.disorder:
        text = (
            f"key 'R': beads {rigid.first} and {rigid.second} are {rigid.distance:.3g} Å apart in all "
            "frames, like bonded"
            f" beads, while distances of neighbours in the row vary by {100 * rigid.spread:.0f} %: put the beads into"
            " the order of the chain"
        )
        yield survey.about("order", Severity.WRONG, rigid.frames, text, (rigid.first, rigid.second))


def _gap(survey: Survey, bond: OddBond) -> Finding:
    text = (
        f"key 'R': beads {bond.bead} and {bond.bead + 1} are {bond.lengths.min():.4g} to {bond.lengths.max():.4g} Å "
        f"apart in {_every(bond)}, and bonds are {bond.limits.median:.3g} Å long: they are not bonded; mark where a "
        "chain ends or has a gap with the key 'chain', 'resid' or 'bonds'"
    )
    return survey.about("gap", Severity.WRONG, bond.frames, text, (bond.bead, bond.bead + 1))


def _outlier(survey: Survey, odd: list[OddBond]) -> Finding:
    def strain(bond: OddBond) -> np.ndarray:
        return np.abs(np.log(np.maximum(bond.lengths, 1e-9) / bond.limits.median))

    worst = max(odd, key=lambda bond: float(np.max(strain(bond))))
    k = int(np.argmax(strain(worst)))
    frames = np.unique(np.concatenate([bond.frames for bond in odd]))
    text = (
        f"key 'R': beads {worst.bead} and {worst.bead + 1} of frame {worst.frames[k]} are {worst.lengths[k]:.4g} Å "
        f"apart, and bonds are {worst.limits.median:.3g} Å long; {len(frames):,} of {len(survey.frame):,} frames "
        f"{'has' if len(frames) == 1 else 'have'} such a bond: give the box with --box X Y Z if chains are wrapped "
        f"into one, or repair or remove {named(frames.tolist())}"
    )
    return survey.about("bond", Severity.WRONG, frames, text, (worst.bead, worst.bead + 1))


def _every(bond: OddBond) -> str:
    return f"all {bond.of:,} frames" if len(bond.frames) == bond.of else f"{len(bond.frames):,} of {bond.of:,} frames"
