"""Priors that contain every basis and every kind of group, and frames for testing them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

import cgcore
from cgcore.physics.bases import BSpline, DebyeHueckel, Fourier, Function, Gaussian, Harmonic, Power
from cgcore.physics.groups import Groups
from cgcore.physics.rows import Rows
from cgcore.physics.term import Term

KINDS = (0, 1, 2)
ABSENT = 7
"""A species that no bead has, so that its groups have no data."""

BOX = np.array([60.0, 66.0, 72.0])


@dataclass(frozen=True)
class Problem:
    """Frames, a prior for them, and the space in which they are.

    Arguments:
        name: name of the problem.
        data: frames, with species.
        prior: a prior in which all terms are general ones.
        box: three edges [Å]; None for free space.
        coefficients: relative accuracy to which the coefficients can be known. Splines of pairs are not whitened, and
            inner products square their condition number, here 5e3: 1e-8 rather than 1e-10.
    """

    name: str
    data: cgcore.Dataset
    prior: cgcore.Prior
    box: np.ndarray | None = None
    coefficients: float = 1e-10


def damped_sine(r: Any) -> Any:
    """A user's own functions of the distance."""
    return jnp.stack([jnp.sin(r) / r, jnp.exp(-r / 3)])


OWN = {"damped sine": lambda r: np.stack([np.cos(r) / r - np.sin(r) / r**2, -np.exp(-r / 3) / 3])}
"""Their derivatives, by hand."""

OWN_FUNCTIONS = {"damped sine": lambda r: np.stack([np.sin(r) / r, np.exp(-r / 3)])}
"""The same functions in NumPy."""


def few_terms() -> tuple[Term, ...]:
    """Every basis and every kind of group, with few enough columns for QR of the rows."""
    types = Groups.of_species
    return (
        Term("bond", Rows("bonds"), Harmonic(), 0.5, Groups("terminal")),
        Term("angle", Rows("angles"), BSpline((1.5, 1.75, 2.4)), 0.25, types("central", (0, 1))),
        Term("dihedral", Rows("dihedrals"), BSpline(_even(-np.pi, np.pi, 6), 3, "periodic"), 0.15),
        Term("repulsive", Rows("pairs", 3), BSpline((4.0, 5.0, 6.5, 9.0, 14.0), 3, "cutoff"), 0.9),
        Term("close", Rows("pairs", 2, 4), Power(6), 0.7, types("types", (0, 1))),
        Term("near", Rows("pairs", 3, 4), Power(3), 0.5),
        Term("between", Rows("pairs", 1, None, "between"), Power(4.5), 0.4),
        Term("within", Rows("pairs", 4, None, "within"), DebyeHueckel(7.0), 1.3),
        Term("bells", Rows("pairs", 3), Gaussian((5.0, 8.0), 1.5), 0.6, Groups("terminal")),
        Term("own", Rows("pairs", 4), Function("damped sine", 2, damped_sine), 1.1),
        Term("listed-pairs", Rows("pairs", listed=((0, 5), (7, 3), (2, 15))), Power(2.0), 0.8),
        Term("listed-turns", Rows("dihedrals", listed=((0, 5, 2, 7), (3, 8, 1, 6))), Fourier(1), 0.35),
    )


def many_terms() -> tuple[Term, ...]:
    """More columns, for which inner products are used."""
    types = Groups.of_species
    return (
        Term("bond", Rows("bonds"), BSpline((3.75, 3.79, 3.85)), 0.5, types("types", (0, 1))),
        Term("angle", Rows("angles"), Fourier(2), 0.25, types("types", (0, 1, 2))),
        Term("dihedral", Rows("dihedrals"), Fourier(2), 0.15, types("central", (*KINDS, ABSENT))),
        Term("turn", Rows("dihedrals"), BSpline(_even(-np.pi, np.pi, 7), 2, "periodic"), 0.45, Groups("terminal")),
        Term("repulsive", Rows("pairs", 3), BSpline(_even(4.0, 16.0, 5), 3, "cutoff"), 0.9, types("types", KINDS)),
        Term("listed", Rows("angles", listed=((0, 5, 2), (3, 8, 1))), Harmonic(), 0.3, types("central", KINDS)),
    )


def shared_terms() -> tuple[Term, ...]:
    """As many columns without groups, for which internal coordinates are used."""
    turn, few = BSpline(_even(-np.pi, np.pi, 12), 3, "periodic"), ((0, 5), (1, 7), (2, 8))
    return (
        Term("bond", Rows("bonds"), BSpline((3.75, 3.8, 3.85)), 0.5),
        Term("angle", Rows("angles"), BSpline(_even(1.5, 2.4, 6)), 0.25),
        Term("dihedral", Rows("dihedrals"), Fourier(1), 0.15),
        Term("turn", Rows("dihedrals"), turn, 0.45),
        Term("repulsive", Rows("pairs", 3), BSpline(_even(4.0, 16.0, 14), 3, "cutoff"), 0.9),
        Term("second", Rows("pairs", 2, 2), BSpline(_even(4.5, 8.0, 14), 3, "cutoff"), 0.8),
        Term("third", Rows("pairs", 3, 3), BSpline(_even(4.0, 12.0, 10), 3, "cutoff"), 0.8),
        Term("listed", Rows("angles", listed=((0, 5, 2), (3, 8, 1))), Harmonic(), 0.3),
        Term("listed-pairs", Rows("pairs", listed=few), BSpline(_even(4.0, 20.0, 8), 3, "cutoff"), 0.8),
    )


def exported_terms() -> tuple[Term, ...]:
    """Terms of a chain with groups, as exported to other programs: far and near pairs, listed rows, terminal groups."""
    every = {term.name: term for term in few_terms()} | {term.name: term for term in many_terms()}
    middle = Term("middle", Rows("pairs", 3, 7), Gaussian((12.0,), 4.0), 6.0)  # ends among the far pairs
    return (*(every[name] for name in ("turn", "repulsive", "close", "listed", "listed-pairs")), middle)


def far_terms() -> tuple[Term, ...]:
    """Terms of far pairs that begin at different separations, one of them for some species alone, with knots at any
    distances and functions of a user, beside listed pairs, near and far."""
    every = {term.name: term for term in few_terms()}
    uneven, types = (4.0, 4.5, 6.0, 9.0, 15.0, 40.0), Groups.of_species
    listed = Term("listed", Rows("pairs", listed=((0, 9), (6, 2), (1, 4), (8, 3))), Power(2.0), 0.8)
    some = Term("some", Rows("pairs", 6), BSpline(uneven, 3, "cutoff"), 0.9, types("types", (0, 1)))
    all_ = Term("all", Rows("pairs", 5), BSpline(uneven, 2, "cutoff"), 1.2)
    bend = Term("bend", Rows("angles"), BSpline((1.2, 1.5, 1.7, 2.2, 2.9)), 0.7, types("central", (1, 2)))
    return (every["bells"], every["own"], listed, some, all_, bend)


def written_terms() -> tuple[Term, ...]:
    """Settings that no other prior here has: classes of several species, a class for the rest, one Gaussian, other
    degrees."""
    some = Groups("types", ("small", "large", "others"), (0, 1, 1, 2, 0), 2)
    return (
        Term("bond", Rows("bonds"), BSpline((3.5, 3.8, 4.2), 4), 0.5, some),
        Term("angle", Rows("angles"), Fourier(5), 0.25, Groups("central", ("one", "none"), (0, -1, 0), -1)),
        Term("dihedral", Rows("dihedrals"), Gaussian((-1.0, 0.1, 2.0), 0.4), 0.15, Groups("central", ("any",), (), 0)),
        Term("repulsive", Rows("pairs", 4, 9, "within"), Gaussian((6.0,), 2.5), 0.9, some),
        Term("far", Rows("pairs", 5), BSpline((4.0, 5.0, 9.0), 5, "cutoff"), 0.8),
    )


def prior_of(terms: tuple[Term, ...], seed: int = 0) -> cgcore.Prior:
    """A prior with these terms, including the usual four by name, and random coefficients."""
    rng = np.random.default_rng(seed)
    default = cgcore.default_prior().without_excluded_volume()
    return replace(default, further=terms, params={term.name: rng.normal(size=term.shape) for term in terms})


def species_of(mask: np.ndarray) -> np.ndarray:
    """Species 0 to 3 along each chain (frames, beads)."""
    beads = mask.shape[1]
    return np.tile((5 * np.arange(beads) // 3) % 4, (len(mask), 1)) * mask.astype(int)


def broken(mask: np.ndarray) -> dict[str, Any]:
    """Numbers of residues and chains: a gap in every frame, and two chains in every other frame."""
    beads = mask.shape[1]
    chain = np.zeros(mask.shape, int)
    chain[::2, 6:] = 1
    return {"resid": np.arange(beads) + 2 * (np.arange(beads) > 3), "chain": chain}


def problems(data: cgcore.Dataset) -> list[Problem]:
    """Each of these priors on frames with padding, on broken chains, and in a box; problems of quick runs come first.

    Arguments:
        data: frames of one or more proteins.
    """
    batch = data.join()
    species, gaps = species_of(batch.mask), broken(batch.mask)
    few, many, shared = prior_of(few_terms()), prior_of(many_terms(), 1), prior_of(shared_terms(), 2)

    def made(R: np.ndarray, **extras: Any) -> cgcore.Dataset:
        return cgcore.from_arrays(R, batch.F, batch.mask, species, accept_faults=True, **extras)

    wrapped = np.where(batch.mask[..., None] > 0, np.mod(batch.R.astype(float), BOX), 0.0)
    return [
        Problem("few columns, padding", made(batch.R), few),
        Problem("few columns, gaps and two chains", made(batch.R, **gaps), few),
        Problem("many columns, gaps and two chains", made(batch.R, **gaps), many),
        Problem("many columns without groups, gaps and two chains", made(batch.R, **gaps), shared, coefficients=1e-8),
        Problem("few columns, in a box", made(wrapped), few, BOX),
        Problem("many columns, padding", made(batch.R), many),
        Problem("many columns without groups, padding", made(batch.R), shared, coefficients=1e-8),
        Problem("many columns, in a box", made(wrapped), many, BOX),
        Problem("many columns without groups, in a box", made(wrapped), shared, BOX, coefficients=1e-8),
    ]


def _even(first: float, last: float, knots: int) -> tuple[float, ...]:
    return tuple(np.linspace(first, last, knots).tolist())
