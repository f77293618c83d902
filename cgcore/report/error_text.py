"""Error bars as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cgcore.errors import InputError
from cgcore.fitting.error_bars import ErrorBars
from cgcore.fitting.identifiability import compact
from cgcore.fitting.result import FitResult
from cgcore.report.table import table

MOST_LINES = 24
"""Largest number of parameters whose error bars are printed; `fit.json` has all of them."""

MOST_NAMES = 8
"""Largest number of parameters without error bars that are listed by name."""

LOSSES = {
    "train_loss": "loss",
    "train_gain": "decrease of the loss from the initial parameters",
    "val_loss": "held-out loss",
    "val_gain": "decrease of the held-out loss",
}


class Number(NamedTuple):
    """A parameter, or one entry of it."""

    name: str
    value: float
    error: float
    low: float
    high: float
    held: bool

    @property
    def row(self) -> tuple[str, ...]:
        """Row of a table, rounded so that the error has two significant digits."""
        digits = places(self.error)
        shown = (self.value, self.error, self.low, self.high)
        return self.name, *(f"{number:.{digits}f}" for number in shown)


def error_lines(result: FitResult) -> str:
    """Error bars of parameters and losses, values without error bars, and the method."""
    try:
        errors = result.errors
    except InputError as error:
        return f"Error bars: none, {error}"
    every = list(numbers(result, errors))
    known = [one for one in every if np.isfinite(one.error) and not one.held]
    rows = [one.row for one in known[:MOST_LINES]]
    for name, text in LOSSES.items():
        if (one := errors.losses.get(name)) is not None and np.isfinite(one.standard_error):
            value, error, low, high = (float(x) for x in one)
            rows.append(Number(text, value, error, low, high, False).row)
    chosen = errors.blocking.level
    lines = [
        f"Error bars ({errors.method}, {errors.resamples} resamples, seed {errors.seed}; neighbours correlate by "
        f"{chosen.correlation:.2f} ± {chosen.uncertainty:.2f})",
        table(("", "fitted", "± standard error", f"{100 * errors.level:g} % from", "to"), rows),
    ]
    if len(known) > MOST_LINES:
        lines.append(f"  and {len(known) - MOST_LINES} more parameters (fit.json has all)")
    if held := [one.name for one in every if one.held]:
        lines.append(f"  held by a constraint: {_listed(held)}")
    if unknown := [one.name for one in every if not np.isfinite(one.error)]:
        lines.append(f"  not decided by the data, so without an error bar: {_listed(unknown)}")
    force = np.sqrt(errors.blocking.inflation) * chosen.error
    lines.append(f"  sampling leaves the fitted forces uncertain by {force:.2f} kcal/mol/Å, root mean square per bead")
    return "\n".join([*lines, *(f"  {sentence}" for sentence in errors.notes)])


def numbers(result: FitResult, errors: ErrorBars) -> Iterator[Number]:
    """All numbers that the fit changes, in the order of the prior's parameters."""
    further = {term.name: term for term in result.prior.further}
    for name in result.prior.names:
        if (one := errors.parameters.get(name)) is None:
            continue
        if name in further:
            labels = list(further[name].coefficient_names)
        else:
            labels = [name] if np.ndim(one.value) == 0 else [f"{name}_{k + 1}" for k in range(len(one.value))]
        parts = (np.ravel(part).tolist() for part in (*one, one.held))
        for label, *values in zip(labels, *parts, strict=True):
            yield Number(label, *values)


def standard_errors(result: FitResult) -> dict[str, list[str]]:
    """Standard error of each number of each parameter, as text: two digits, or the reason for its absence."""
    shown = {name: [""] * np.size(value) for name, value in result.fitted_params.items()}
    try:
        errors = result.errors
    except InputError:
        return shown
    for name, one in errors.parameters.items():
        pairs = zip(np.ravel(one.standard_error), np.ravel(one.held), strict=True)
        shown[name] = [
            "held by a constraint" if held else f"{error:.2g}" if np.isfinite(error) else "not decided"
            for error, held in pairs
        ]
    return shown


def places(error: float) -> int:
    """Number of decimal places that shows two significant digits of an error."""
    if not np.isfinite(error) or error <= 0:
        return 6
    return int(np.clip(1 - np.floor(np.log10(error)), 0, 12))


def _listed(names: list[str]) -> str:
    """All names if they are few or form series, else the first ones."""
    short = compact(names)
    shown = short.split(", ")
    return short if len(shown) <= MOST_NAMES else f"{', '.join(shown[:MOST_NAMES])} and {len(names) - MOST_NAMES} more"
