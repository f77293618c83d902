"""The report of the study as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmarks.study.methods import SAFE
from benchmarks.study.results import Study
from benchmarks.study.simulated import OBSERVABLES, Simulated

HEAD = """`python -m benchmarks.study --output DIR` makes these tables and pictures; `docs/study.md` explains the
methods and their limits. Losses are per bead, in (kcal/mol/Å)². JS is the Jensen-Shannon divergence between the
simulated and the reference distribution in bits, averaged over proteins: 0 for equal distributions, 1 for
distributions without overlap. A dagger (†) means that replicas were lost; only the time before that is counted.
Unless a table says otherwise, the prior was not fitted to the protein that is simulated."""

PICTURES = """![Excess loss, lost replicas and divergences of each prior on each protein](study/scores.svg)

![Distributions of angles, dihedrals and radii of gyration](study/distributions.svg)"""

SHOWN = {"bond": "bond", "angle": "angle", "dihedral": "dihedral", "radius_of_gyration": "Rg"}
"""Observables of the main table."""


def report(study: Study) -> str:
    """All tables with their headings."""
    said = "\n".join(f"- {name}: {value}" for name, value in study.about.items())
    return "\n\n".join(
        [
            "# Baselines side by side: all numbers",
            HEAD,
            said,
            "## Side by side",
            main_table(study),
            PICTURES,
            "## Held-out loss relative to the safe fit",
            differences(study),
            "## Loss on the protein that was left out",
            by_protein(study),
            "## Simulations, protein by protein",
            simulations(study),
            "## Three force maps",
            maps(study),
        ]
    )


def main_table(study: Study) -> str:
    """A line for each method; losses and divergences are means over proteins."""
    lines = []
    for method in study.methods:
        own = study.of(method)
        runs = study.simulated(method, left_out=True)
        line = {
            "prior": method,
            "held-out loss": f"{np.mean([np.mean(row.held_out) for row in own]):.2f}",
            "loss on a protein left out": f"{np.mean([row.left_out for row in own]):.2f}",
            f"lost of {sum(run.replicas for run in runs)}": str(sum(run.lost for run in runs)),
            "of these broken": str(sum(run.broken for run in runs)),
        }
        line |= {f"JS {short}": divergence(runs, name) for name, short in SHOWN.items()}
        lines.append(line)
    return _markdown(lines)


def differences(study: Study) -> str:
    """Losses minus those of the safe fit, with the standard error of their mean, over all held-out runs of frames and
    over all left-out proteins."""
    lines = []
    safe = study.of(SAFE)
    for method in study.methods:
        own = study.of(method)
        held = [np.subtract(row.held_out, base.held_out) for row, base in zip(own, safe, strict=True)]
        left = [row.left_out - base.left_out for row, base in zip(own, safe, strict=True)]
        lines.append(
            {
                "prior": method,
                "held-out frames": _mean(np.concatenate(held)),
                "protein left out": _mean(np.array(left)),
            }
        )
    return _markdown(lines)


def by_protein(study: Study) -> str:
    """A line for each method, a column for each protein; in brackets the loss of the prior fitted to all proteins."""
    return _markdown(
        [
            {"prior": method} | {row.protein: f"{row.left_out:.2f} ({row.train:.2f})" for row in study.of(method)}
            for method in study.methods
        ]
    )


def simulations(study: Study) -> str:
    """A line for each simulation."""
    lines = []
    for run in study.runs:
        line = {
            "prior": run.method,
            "fitted to": "the others" if run.left_out else "all",
            "protein": run.protein,
            "lost": f"{run.lost} of {run.replicas}",
            "broken": str(run.broken),
            "first after": "-" if run.first is None else f"{run.first:.2g} ps",
        }
        line |= {f"JS {name.replace('_', ' ')}": divergence([run], name) for name in OBSERVABLES}
        lines.append(line)
    floors = {
        "prior": "halves of the reference",
        "fitted to": "",
        "protein": "mean",
        "lost": "",
        "broken": "",
        "first after": "",
    } | {f"JS {name.replace('_', ' ')}": floor(study.runs, name) for name in OBSERVABLES}
    return _markdown([*lines, floors])


def maps(study: Study) -> str:
    """A line for each force map, for the safe fit."""
    return _markdown(
        [
            {
                "force map": row.force_map,
                "mean square force": f"{row.noise:.1f}",
                "held out": "-" if row.held_out is None else f"{row.held_out:.1f}",
                "loss": f"{row.loss:.1f}",
                "explained": f"{100 * row.explained:.2f} %",
                "r0 [Å]": f"{row.r0:.3f}",
                "weight × kr [kcal/mol/Å²]": f"{row.kr:.1f}",
                "force difference from optimal": f"{100 * row.apart:.1f} %",
                "statistical error": f"{100 * row.error:.1f} %",
            }
            for row in study.maps
        ]
    )


def divergence(runs: Sequence[Simulated], name: str) -> str:
    """Mean divergence over proteins; a dagger marks lost replicas, for which only the time before counts."""
    known = [run.divergence[name] for run in runs if run.divergence and name in run.divergence]
    if not known:
        return "-"
    return f"{np.mean(known):.3f}{'†' if any(run.lost for run in runs) else ''}"


def floor(runs: Sequence[Simulated], name: str) -> str:
    """Mean divergence between halves of the reference frames, over all simulations."""
    known = [run.floor[name] for run in runs if run.floor and name in run.floor]
    return f"{np.mean(known):.3f}" if known else "-"


def _mean(values: np.ndarray) -> str:
    if not values.any():
        return "0"
    return f"{values.mean():+.2f} ± {values.std(ddof=1) / np.sqrt(len(values)):.2f}"


def _markdown(lines: list[dict[str, str]]) -> str:
    return pd.DataFrame(lines).to_markdown(index=False, disable_numparse=True)
