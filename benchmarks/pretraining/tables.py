"""The report of the results as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmarks.pretraining.results import Alone, Results, Trained, lost, simulated
from benchmarks.study.tables import SHOWN, divergence

ALONE = "no network"


def report(results: Results) -> str:
    """Description of the run, followed by all tables."""
    about = results.about | {"Seeds": ", ".join(map(str, results.seeds))}
    said = "\n".join(f"- {name}: {value}" for name, value in about.items())
    return "\n\n".join([said, losses(results), simulations(results)])


def losses(results: Results) -> str:
    """Table of held-out losses, with a line for each prior alone and one for each prior and mode; the latter are
    means and standard deviations over seeds."""
    goals = (results.best_prior, results.within_reach)
    lines = [
        {"prior": one.prior, "in the training": ALONE, "lowest": f"{one.loss:.2f}", "after the last step": ""}
        | {f"steps to {goal:.2f}": "" for goal in goals}
        for one in results.alone
    ]
    for (prior, mode), own in results.arms().items():
        line = {"prior": prior, "in the training": mode}
        line["lowest"] = spread([one.lowest for one in own], ".2f")
        line["after the last step"] = spread([one.losses[-1] for one in own], ".2f")
        line |= {f"steps to {goal:.2f}": spread([one.steps_to(goal) for one in own], ".0f") for goal in goals}
        lines.append(line)
    return _markdown(lines)


def simulations(results: Results) -> str:
    """Table of the simulations of the same priors and trainings, over all seeds that were simulated."""
    lines = [_simulated(one.prior, ALONE, [one]) for one in results.alone]
    lines += [_simulated(*arm, own) for arm, own in results.arms().items() if simulated(own)]
    return _markdown(lines)


def spread(values: Sequence[float | None], form: str) -> str:
    """Mean and standard deviation over seeds; "never", and the number of seeds without a value, if some have none."""
    there = [value for value in values if value is not None]
    if len(there) < len(values):
        return f"never, {len(values) - len(there)} of {len(values)}"
    return f"{np.mean(there):{form}} ± {np.std(there, ddof=1) if len(there) > 1 else 0:{form}}"


def _simulated(prior: str, mode: str, rows: Sequence[Alone | Trained]) -> dict[str, str]:
    runs = simulated(rows)
    firsts = [run.first for run in runs if run.first is not None]
    line = {
        "prior": prior,
        "in the training": mode,
        "lost": lost(rows),
        "of these broken": str(sum(run.broken for run in runs)),
        "first lost after": f"{min(firsts):.2g} ps" if firsts else "-",
    }
    return line | {f"JS {short}": divergence(runs, name) for name, short in SHOWN.items()}


def _markdown(lines: list[dict[str, str]]) -> str:
    return pd.DataFrame(lines).to_markdown(index=False, disable_numparse=True)
