"""Rules for a data set as a whole: duplicate frames, and inconsistent sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cgcore.judging.finding import RECORDED, Finding, Severity
from cgcore.judging.hashes import all_differ
from cgcore.judging.stretch import Ratio
from cgcore.judging.survey import Survey


def duplicates(surveys: Sequence[Survey]) -> Iterator[Finding]:
    """Frames that occur more than once, in one source or in several."""
    positions = np.concatenate([survey.positions for survey in surveys])
    if all_differ(positions):
        return
    which = np.concatenate([np.full(len(survey.frame), k) for k, survey in enumerate(surveys)])
    frame = np.concatenate([survey.frame for survey in surveys])
    forces = np.concatenate([survey.forces for survey in surveys])
    order = np.lexsort((np.arange(len(positions)), positions))
    again = np.flatnonzero(positions[order[1:]] == positions[order[:-1]])
    first, second = order[again], order[again + 1]
    k = int(np.argmin(second))
    a, b = int(first[k]), int(second[k])
    other = "" if which[a] == which[b] else f" of {surveys[which[a]].source}"
    differ = int(np.count_nonzero(forces[first] != forces[second]))
    text = (
        f"frame {frame[b]} has the positions of frame {frame[a]}{other}; {len(again):,} of {len(positions):,} frames "
        f"occur more than once{f', {differ:,} of them with different forces' if differ else ''}: they "
        "count that often, "
        "and held-out frames may be among the fitted ones"
    )
    mine = np.sort(frame[second[which[second] == which[b]]])
    yield Finding("duplicates", Severity.WARNING, text, surveys[which[b]].source, tuple(mine[:RECORDED].tolist()))


def disagreements(surveys: Sequence[Survey], ratios: Sequence[Ratio | None]) -> Iterator[Finding]:
    """Sources that cannot both be right, or that differ in kind."""
    said: dict[tuple[float, ...], str] = {}
    for survey in surveys:
        if survey.temperatures:
            said.setdefault(survey.temperatures, survey.source)
    if len(said) > 1:
        shown = "; ".join(
            f"{name} {', '.join(f'{t:g}' for t in temperatures[:3])} K" for temperatures, name in said.items()
        )
        yield Finding(
            "temperatures",
            Severity.WARNING,
            f"sources have different temperatures ({shown}), but a prior is fitted at one",
        )
    known = [(s, r) for s, r in zip(surveys, ratios, strict=True) if r is not None and r.value > 4 * r.error]
    if len(known) > 1:
        low, high = min(known, key=lambda x: x[1].value), max(known, key=lambda x: x[1].value)
        sure = low[1].value + 3 * low[1].error < high[1].value - 3 * high[1].error
        if sure and high[1].value > 1.5 * low[1].value:
            text = (
                f"{low[0].source} and {high[0].source} disagree: kr var(r) / kT is {low[1].value:.2g} in one and "
                f"{high[1].value:.2g} in the other; are all forces in the same unit and complete, and "
                "are the temperatures right?"
            )
            yield Finding("sources", Severity.WARNING, text)
    lengths = [survey for survey in surveys if np.isfinite(survey.median)]
    if len(lengths) > 1:
        short, long = min(lengths, key=lambda s: s.median), max(lengths, key=lambda s: s.median)
        if long.median > 1.1 * short.median:
            text = (
                f"{short.source} and {long.source} disagree: bonds are {short.median:.3g} Å long in one and "
                f"{long.median:.3g} Å in the other; do the beads sit on the same atoms, and are "
                "positions in the same unit?"
            )
            yield Finding("bond lengths", Severity.WARNING, text)
