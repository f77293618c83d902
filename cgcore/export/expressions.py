"""Potentials as OpenMM expressions; they are exact except for user-defined functions, which are tabulated.

Coordinates are in Å and radians and energies in kJ/mol; OpenMM's lengths in nm are converted to Å within expressions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cgcore.constants import JOULES_PER_CALORIE
from cgcore.errors import InputError
from cgcore.export.pieces import has_pieces, pieces_of
from cgcore.export.potentials import Potential, TermCurve
from cgcore.physics.bases import DebyeHueckel, Fourier, Gaussian, Harmonic, Power

KJ = JOULES_PER_CALORIE
"""kJ per kcal."""

NM = 0.1
"""nm per Å."""

MOST_STEPS = 1000
"""Largest number of unevenly spaced knots: an expression compares the coordinate with each of them."""


@dataclass(frozen=True, eq=False)
class Expression:
    """The potentials of a term as one expression.

    Arguments:
        text: the energy [kJ/mol] of the coordinate x [Å or rad]; variables without a definition differ by group.
        by_group: values that differ by group, by variable name.
        tables: tabulated functions of an integer, by name; with several groups they depend on the group number g.
    """

    text: str
    by_group: dict[str, Float[np.ndarray, " groups"]]
    tables: dict[str, Float[np.ndarray, " n"]]


class _Parts(NamedTuple):
    """Definitions, each of which may use those to its right; values by name, either (groups,) or, to be looked up at
    `at`, (groups, pieces); and further tabulated functions of an integer."""

    definitions: list[str]
    values: dict[str, np.ndarray]
    tables: dict[str, np.ndarray]


def expression_of(potential: Potential, *, none: bool = False) -> Expression:
    """The expression of all potentials of a term.

    Arguments:
        potential: potentials of the term; those of a file's spline must have one group.
        none: whether to add a group whose energy is 0.

    Raises:
        InputError: a spline has too many unevenly spaced knots.
    """
    closed = None if has_pieces(potential) else _closed(potential)
    (first, *rest), values, tables = _of_pieces(potential) if closed is None else closed
    if none:
        values = {name: np.concatenate([own, np.zeros_like(own[:1])]) for name, own in values.items()}
    grouped = len(potential.curves) > 1 or none
    looked_up = {name: own for name, own in values.items() if own.ndim > 1}
    by_group = {name: own for name, own in values.items() if own.ndim == 1}
    at = [f"at={f'g*{own.shape[1]}+' if grouped else ''}k" for own in list(looked_up.values())[:1]]
    constants = [] if grouped else [f"{name}={float(own[0])!r}" for name, own in by_group.items()]
    tables |= {name: own.ravel() for name, own in looked_up.items()}
    return Expression("; ".join([first, *at, *rest, *constants]), by_group if grouped else {}, tables)


def _closed(potential: Potential) -> _Parts | None:
    """The parts for a basis with a closed formula; None for other bases."""
    curves = [curve for curve in potential.curves if isinstance(curve, TermCurve)]
    c = KJ * potential.term.weight * np.array([curve.c for curve in curves])
    match potential.term.basis:
        case Harmonic():
            # Expanded about the rest value, since kr r and kr r0 nearly cancel there.
            bound = c[:, 0] != 0
            rest = np.where(bound, c[:, 1] / np.where(bound, c[:, 0], 1.0), 0.0)
            values = {"k": c[:, 0], "x0": rest, "s": np.where(bound, 0.0, -c[:, 1]), "u0": _at(curves, rest)}
            return _Parts(["k/2*(x-x0)^2+s*x+u0"], values, {})
        case Fourier(harmonics=most):
            numbers = range(1, most + 1)
            values = {f"a{n}": c[:, n - 1] for n in numbers} | {f"b{n}": c[:, most + n - 1] for n in numbers}
            values["u0"] = _at(curves, np.zeros(len(c))) - c[:, :most].sum(axis=1)
            # OpenMM refuses an expression that does not contain its variable.
            waves = [f"a{n}*cos({n}*x)+b{n}*sin({n}*x)" for n in numbers] or ["0*x"]
            return _Parts(["+".join([*waves, "u0"])], values, {})
        case Power(n=n):
            return _Parts([f"c/x^{int(n)}" if n == int(n) else f"c*x^({-n!r})"], {"c": c[:, 0]}, {})
        case DebyeHueckel(length=length):
            return _Parts([f"c*exp(-x/{float(length)!r})/x"], {"c": c[:, 0]}, {})
        case Gaussian(centres=centres, width=width):
            numbered = list(enumerate(map(float, centres)))
            bells = [f"c{k}*exp(-((x-({centre!r}))/{float(width)!r})^2/2)" for k, centre in numbered]
            return _Parts(["+".join(bells)], {f"c{k}": c[:, k] for k, _ in numbered}, {})
    return None


def _at(curves: list[TermCurve], x: Float[np.ndarray, " groups"]) -> Float[np.ndarray, " groups"]:
    """The energy of each group at its own x [kJ/mol], including constants that parametrisations have and bases lack."""
    return np.array([KJ * curve.energy(at[None])[0] for curve, at in zip(curves, x, strict=True)])


def _of_pieces(potential: Potential) -> _Parts:
    """The parts for a piecewise polynomial, whose coefficients are looked up by the number of the piece."""
    pieces = pieces_of(potential)
    degree = pieces.coefficients.shape[2] - 1
    polynomial = f"c{degree}(at)"
    for power in range(degree - 1, -1, -1):
        polynomial = f"c{power}(at)+d*({polynomial})"
    first, last, most = float(pieces.edges[0]), float(pieces.edges[-1]), len(pieces.edges)
    widths = np.diff(pieces.edges)
    if np.allclose(widths, widths[0], rtol=1e-9, atol=0):
        k = f"floor((y-({first!r}))*{(most - 1) / (last - first)!r})+1"
    elif most <= MOST_STEPS:
        k = "+".join(f"step(y-({edge!r}))" for edge in pieces.edges.tolist())
    else:
        raise InputError(
            f"no OpenMM export: the spline of term {potential.term.name!r} has {most} knots at different distances; "
            f"give at most {MOST_STEPS}, or even ones"
        )
    low, high, y = 0, most, "x"
    if pieces.period is not None:
        low, high = 1, most - 1
        y = f"x-{pieces.period!r}*floor((x-({first!r}))/{pieces.period!r})"
    values = {f"c{power}": KJ * pieces.coefficients[:, :, power] for power in range(degree + 1)}
    return _Parts([polynomial, "d=y-start(k)", f"k=max(min({k},{high}),{low})", f"y={y}"], values,
                  {"start": pieces.starts})  # fmt: skip
