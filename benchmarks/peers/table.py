"""The printed table, followed by comparisons with cgcore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from benchmarks.peers import ours, plain
from benchmarks.peers.score import GAPS, Cost, Score


class Row(NamedTuple):
    """The score of a peer on a data set, or why there is none.

    Arguments:
        data: name of the job.
        peer: name of the peer.
        score: score of the fastest round.
        prepared: time of the preparation, mostly compilation [s].
        memory: peak memory above that of the process with packages and data loaded [MiB]; None if not measured.
        skipped: why there is no score.
    """

    data: str
    peer: str
    score: Score | None = None
    prepared: float | None = None
    memory: float | None = None
    skipped: str | None = None


LEGEND = """\
Cells: seconds (evaluations) until the gap (L - L*)/L* was reached. L* is the optimum over all directions that float64
resolves; for "cgcore, default" it is the optimum of its own, smoothed and constrained problem. A negative gap means
that rounding errors were fitted.
Complete fits (cgcore, LAPACK) start from frames in memory. Compile time is listed separately. Peak MiB is the increase
of memory during compilation and a few seconds of the run, after packages and data are loaded."""


def table(rows: Sequence[Row]) -> pd.DataFrame:
    """The table, with a line for each peer and data set."""
    return pd.DataFrame([_line(row) for row in rows]).fillna("")


def text(rows: Sequence[Row]) -> str:
    """The table, its legend, and the comparisons."""
    shown = table(rows).to_string(index=False, max_colwidth=60)
    return "\n".join([shown, "", LEGEND, "", *comparisons(rows)])


def comparisons(rows: Sequence[Row]) -> list[str]:
    """For each data set, 200 steps of the plain algorithm against the default fit, and peers faster than cgcore."""
    lines = []
    for data in dict.fromkeys(row.data for row in rows):
        scores = {row.peer: row.score for row in rows if row.data == data and row.score is not None}
        if ours.DEFAULT in scores:
            lines += [_ratio(data, name, s, scores[ours.DEFAULT]) for name, s in scores.items() if name in plain.NAMES]
        if ours.ALL in scores:
            lines += [_faster(data, gap, scores) for gap in GAPS]
    return lines


def _line(row: Row) -> dict[str, str]:
    line = {"data": row.data, "peer": row.peer}
    if row.score is None:
        return line | {"ended": f"skipped: {row.skipped}"}
    line |= {f"to {gap:.0e}": _cell(cost) for gap, cost in row.score.reached.items()}
    return line | {
        "best gap": f"{row.score.gap:.1e}",
        "whole run": _cell(row.score.total),
        "steps": "" if row.score.steps is None else str(row.score.steps),
        "peak MiB": "" if row.memory is None else f"{row.memory:.0f}",
        "compile s": "" if row.prepared is None else f"{row.prepared:.1f}",
        "ended": row.score.ended,
    }


def _cell(cost: Cost | None) -> str:
    return "never" if cost is None else f"{cost.seconds:.3g} ({cost.evaluations})"


def _ratio(data: str, name: str, run: Score, default: Score) -> str:
    done = run.steps or plain.STEPS
    seconds = run.total.seconds * plain.STEPS / done
    scaled = "" if done == plain.STEPS else f", scaled from {done}"
    return (
        f"{data}: {plain.STEPS} steps of {name} take {seconds:.3g} s{scaled}, "
        f"{seconds / default.total.seconds:.0f} x the whole default fit of cgcore ({default.total.seconds:.3g} s)"
    )


def _faster(data: str, gap: float, scores: Mapping[str, Score]) -> str:
    reached = {name: cost for name, s in scores.items() if name != ours.DEFAULT and (cost := s.reached[gap])}
    own = reached.pop(ours.ALL, None)
    if own is None:
        return f"{data}, gap {gap:.0e}: cgcore never reaches it"
    ratios = {name: cost.seconds / own.seconds for name, cost in sorted(reached.items(), key=lambda r: r[1].seconds)}
    said = ", ".join(f"{name} {ratio:.3g} x{' (faster than cgcore)' * (ratio < 1)}" for name, ratio in ratios.items())
    return f"{data}, gap {gap:.0e}: cgcore {own.seconds:.3g} s; {said or 'no peer reaches it'}"
