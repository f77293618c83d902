"""Scripts like users' own, and runs of the live check on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cgcore
from validation.check import Row
from validation.checks.live_script import live_script
from validation.context import Context, four_terms

STAND_IN = Path(__file__).parent / "scripts" / "pre_training_priors.py"
CALL = "fit_priors_lbfgs(prior_params, displacement, dataset, bonds, angles, rep_pairs, apply_fn_priors)"
LAST_LOSS = "cgcore and explicit matrix"


def stand_in(folder: Path, steps: int) -> Path:
    """The stand-in script with fewer steps."""
    source = STAND_IN.read_text(encoding="utf-8")
    changed = source.replace("max_steps: int = 200", f"max_steps: int = {steps}")
    assert changed != source
    return written(folder, changed)


def written(folder: Path, source: str) -> Path:
    path = folder / "pre_training_priors.py"
    path.write_text(source, encoding="utf-8")
    return path


def returning(folder: Path, *lines: str) -> Path:
    """A script whose entry point has these lines."""
    return written(folder, "\n    ".join([f"def {CALL}:", *lines]) + "\n")


def context(script: Path, data: cgcore.Dataset, prior: cgcore.Prior | None = None) -> Context:
    return Context(data, prior or four_terms(cgcore.default_prior()), reference=script)


def until_losses(context: Context) -> Iterator[Row]:
    """The rows about the script's losses; the rows after them would compile L-BFGS."""
    for row in live_script(context):
        yield row
        if LAST_LOSS in row.name:
            return
