"""Convergence of fits: steps, evaluations, gap, held-out loss and status, by data set and fit settings.

A fit with a wrong status or gap raises an error, so that a wrong result has no score. validation/gates.toml contains
the gates; this suite follows the numbers over commits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .inputs import dataset, prior

if TYPE_CHECKING:
    import cgcore

DATASETS = ["chignolin", "two proteins", "200 x 50"]
OBJECTIVES = ["compressed", "direct"]
COORDINATES = ["whitened", "physical"]
PRECISIONS = ["float64", "float32"]
HELD_OUT = 0.2

LARGEST_GAP = {"whitened": 1e-8, "physical": 1e-2}
"""Largest accepted gaps: whitened fits end at the optimum; in physical parameters, 200 steps end near 1e-3, depending
on rounding."""

PLAIN = {"constraints": "none", "truncation": "auto"}
"""Options of the plain least-squares problem; the default fit is covered by validation/gates.toml."""

Result = dict[str, Any]


class Quality:
    """One fit for each combination, from which all numbers below are taken."""

    params = [DATASETS, OBJECTIVES, COORDINATES, PRECISIONS]
    param_names = ["data", "objective", "coordinates", "precision"]
    timeout = 900

    def setup_cache(self) -> dict[tuple[str, ...], Result]:
        import itertools
        from concurrent.futures import ThreadPoolExecutor

        import cgcore

        # Random chains overlap, so that the forces of excluded volume are arbitrarily large.
        start = prior().without_excluded_volume()
        splits = {name: dataset(name).split(HELD_OUT) for name in DATASETS}

        def fitted(key: tuple[str, ...]) -> Result:
            name, objective, coordinates, precision = key
            settings: dict[str, Any] = dict(objective=objective, coordinates=coordinates, precision=precision)
            if coordinates == "whitened":
                settings |= PLAIN
            train, held_out = splits[name]
            return _result(cgcore.fit(train, start, cgcore.Options(**settings), validation=held_out), coordinates)

        # Nothing is timed, and nearly all of the time is spent in compilation, which releases the interpreter lock.
        keys = list(itertools.product(DATASETS, OBJECTIVES, COORDINATES, PRECISIONS))
        with ThreadPoolExecutor(2) as pool:
            return dict(zip(keys, pool.map(fitted, keys), strict=True))

    def setup(self, found: dict[tuple[str, ...], Result], *key: str) -> None:
        if wrong := found[key]["wrong"]:
            raise ValueError(f"{', '.join(key)}: {wrong}")

    def track_steps(self, found: dict[tuple[str, ...], Result], *key: str) -> int:
        return found[key]["steps"]

    def track_evaluations(self, found: dict[tuple[str, ...], Result], *key: str) -> int:
        return found[key]["evaluations"]

    def track_optimality_gap(self, found: dict[tuple[str, ...], Result], *key: str) -> float:
        return found[key]["optimality_gap"]

    def track_held_out_loss(self, found: dict[tuple[str, ...], Result], *key: str) -> float:
        return found[key]["held_out_loss"]

    def track_status(self, found: dict[tuple[str, ...], Result], *key: str) -> int:
        return found[key]["status"]


def _result(fit: cgcore.FitResult, coordinates: str) -> Result:
    gap, wrong = fit.certificate.optimality_gap, ""
    # In physical parameters MAX_STEPS is expected, and in float32 so is a line search without gain.
    honest = coordinates == "physical" and fit.status.name in ("MAX_STEPS", "LINE_SEARCH_FAILED")
    if not (fit.converged or honest):
        wrong = f"ended in {fit.status.name}"
    elif not gap <= LARGEST_GAP[coordinates]:
        wrong = f"has a gap of {gap:.1e}"
    return {
        "wrong": wrong,
        "status": int(fit.status),
        "steps": fit.steps,
        "evaluations": fit.evaluations,
        "optimality_gap": gap,
        "held_out_loss": fit.val_loss,
    }


for _name, _unit in {
    "steps": "steps",
    "evaluations": "evaluations",
    "optimality_gap": "(L - L*) / L*",
    "held_out_loss": "(kcal/mol/Å)²",
    "status": "cgcore.Status",
}.items():
    getattr(Quality, f"track_{_name}").unit = _unit
