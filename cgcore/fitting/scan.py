"""Scans of nonlinear parameters, such as a Debye length or a power: a fit for each value, of which the best prediction
of held-out frames is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any

from cgcore.errors import InputError
from cgcore.fitting.fit import Callbacks, fit
from cgcore.fitting.inputs import opened
from cgcore.fitting.options import Options
from cgcore.fitting.result import FitResult
from cgcore.physics.prior import Prior

MOST_FITS = 1000


@dataclass(frozen=True)
class Scan:
    """Fits for all values or combinations of values.

    Arguments:
        names: "term.parameter" of each scanned parameter.
        values: values of the parameters in each fit.
        held_out_loss: held-out loss of each fit, from the cross-validation of its smoothness at the chosen value
            [(kcal/mol/Å)²].
        train_loss: training loss of each fit [(kcal/mol/Å)²].
        best: index of the lowest held-out loss.
        result: the fit with the lowest held-out loss.
    """

    names: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    held_out_loss: tuple[float, ...]
    train_loss: tuple[float, ...]
    best: int
    result: FitResult

    def table(self) -> str:
        """A text table with a line for each fit."""
        head = "  ".join(f"{name:>20}" for name in self.names)
        lines = [f"{head}  {'held-out loss':>15}  {'training loss':>15}"]
        for k, (values, held_out, train) in enumerate(
            zip(self.values, self.held_out_loss, self.train_loss, strict=True)
        ):
            row = "  ".join(f"{value:>20g}" for value in values)
            lines.append(f"{row}  {held_out:>15.8g}  {train:>15.8g}{'   best' if k == self.best else ''}")
        return "\n".join(lines)


def scan(
    data: Any,
    prior: Prior,
    values: Mapping[str, Sequence[float]],
    options: Options = Options(),
    *,
    progress: Callbacks = Callbacks(),
    **given: Any,
) -> Scan:
    """Repeat a fit for several values of nonlinear parameters, such as a Debye length.

    Arguments:
        data: as in `cgcore.fit`, but frames only, because each value needs its own factor.
        prior: the prior with the additional terms.
        values: values of each parameter by "term.parameter", such as {"salt.length": [5, 8, 12]}; all combinations are
            fitted.
        options: settings of each fit; the smoothness has to be chosen by cross-validation, which gives held-out losses.
        progress: functions that are called during each fit.
        given: further arguments of `cgcore.fit`.

    Returns:
        Losses of all fits [(kcal/mol/Å)²], and the fit with the lowest held-out loss.

    Raises:
        InputError: as `cgcore.fit`; or there is no such parameter, or there are too few data for held-out losses.

    Examples:
        >>> import cgcore
        >>> salt = cgcore.Term("salt", cgcore.Rows("pairs", 6), cgcore.bases.DebyeHueckel(8.0))
        >>> prior = cgcore.default_prior().with_terms([salt])
        >>> found = cgcore.scan(cgcore.datasets.chignolin(), prior, {"salt.length": [5.0, 10.0]})
        >>> found.names, len(found.held_out_loss)
        (('salt.length',), 2)
    """
    frames, names = opened(data, "data"), tuple(values)
    combinations = list(product(*(values[name] for name in names)))
    if not names or not 1 <= len(combinations) <= MOST_FITS:
        raise InputError(f"the scan has {len(combinations)} fits; give 1 to {MOST_FITS} combinations of values")
    held_out, losses, best = [], [], None
    for combination in combinations:
        chosen = prior
        for name, value in zip(names, combination, strict=True):
            chosen = with_value(chosen, name, value)
        result = fit(frames, chosen, options, progress=progress, **given)
        if result.curve is None:
            raise InputError(
                "a scan needs held-out losses, but there are too few frames, or there is no smoothness to choose"
            )
        held_out.append(result.curve.held_out_loss[result.curve.chosen])
        losses.append(result.train_loss)
        if best is None or held_out[-1] <= min(held_out):
            best = result
    assert best is not None
    return Scan(names, tuple(combinations), tuple(held_out), tuple(losses), held_out.index(min(held_out)), best)


def with_value(prior: Prior, name: str, value: float) -> Prior:
    """The prior with another value of a basis parameter; if this changes the number of a term's coefficients, they
    start from 0.

    Raises:
        InputError: the term or parameter does not exist, or cannot have the value.
    """
    term_name, _, parameter = name.rpartition(".")
    term = next((term for term in prior.further if term.name == term_name), None)
    if term is None:
        known = ", ".join(term.name for term in prior.further) or "none"
        raise InputError(f"{name}: there is no additional term {term_name!r} (model.terms has: {known})")
    numbers = [field.name for field in fields(term.basis) if isinstance(getattr(term.basis, field.name), int | float)]
    if parameter not in numbers:
        raise InputError(
            f"{name}: the basis {term.basis.kind} has no such number; it has {', '.join(numbers) or 'none'}"
        )
    old = getattr(term.basis, parameter)
    basis = replace(term.basis, **{parameter: int(value) if isinstance(old, int) and value == int(value) else value})
    other = replace(term, basis=basis)
    kept = {key: own for key, own in prior.params.items() if key != term_name or own.shape == other.shape}
    further = tuple(other if one is term else one for one in prior.further)
    return replace(prior, params=kept, further=further)
