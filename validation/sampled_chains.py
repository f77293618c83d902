"""Frames that obey the physics by which data are judged, with two proteins in one source, and findings about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

import cgcore
from cgcore.judging import judge
from validation.admissible import KT_PER_KELVIN
from validation.check import Row, equal
from validation.explicit import Array

KELVIN = 320.0
FRAMES, LONG, SHORT = 90, 12, 9
"""Number of frames, and beads of the two proteins. Every third frame, from the second on, is of the short one."""

BOND, SPREAD = (3.8, 4.2), (0.06, 0.08)
"""Length of bonds of the long and of the short protein, and standard deviation of each bond [Å]."""

NOISE = (22.0, 60.0)
"""Force that is not along bonds, of the long and of the short protein [kcal/mol/Å]. Bonds explain 5 % of the squared
forces, as little as in all-atom data; the proteins' forces differ as much as forces in two units would."""

Arrays = dict[str, Any]
"""Keyword arguments of `cgcore.from_arrays`."""


class Wanted(NamedTuple):
    """A finding that must appear: its severity and code, frames, beads, parts of its sentence, and its source."""

    kind: str
    frames: tuple[int, ...] = ()
    beads: tuple[int, ...] = ()
    words: tuple[str, ...] = ()
    source: str = "arrays"


def findings(name: str, data: cgcore.Dataset, *wanted: Wanted, temperature: float | None = None) -> Iterator[Row]:
    """Whether these findings, and no others, are reported, in this order.

    Arguments:
        temperature: temperature that is given for data without one [K].
    """
    found = judge(data, temperature).findings
    ours = [Wanted(f"{one.severity} {one.code}", one.frames, one.beads, (), one.source) for one in found]
    yield equal(name, _words(ours), _words(wanted))
    if len(found) == len(wanted) and any(one.words for one in wanted):
        pairs = zip(found, wanted, strict=True)
        missing = [word for one, other in pairs for word in other.words if word not in one.text]
        yield equal(f"{name}, sentence", "; ".join(missing) or "complete", "complete")


def _words(findings: Sequence[Wanted]) -> str:
    """The findings without their sentences; many frames as their number, the first, the last, and their sum."""
    return "; ".join(_short(one) for one in findings) or "none"


def _short(one: Wanted) -> str:
    n = len(one.frames)
    frames = str(one.frames) if n < 8 else f"{n} frames {one.frames[0]} to {one.frames[-1]}, sum {sum(one.frames)}"
    return f"{one.kind}, frames {frames}, beads {one.beads}, {one.source or 'all'}"


def equilibrium(seed: int = 0) -> Arrays:
    """Frames with kr var(r) = kT, in which padding is NaN for positions and 0 for forces."""
    rng = np.random.default_rng(seed)
    R, F = np.full((FRAMES, LONG, 3), np.nan), np.zeros((FRAMES, LONG, 3))
    mask = np.zeros((FRAMES, LONG))
    for rows, beads, bond, spread, noise in zip(rows_of_each(), (LONG, SHORT), BOND, SPREAD, NOISE, strict=True):
        R[rows, :beads], F[rows, :beads] = chain(rng, len(rows), beads, bond, spread, noise)
        mask[rows, :beads] = 1
    return {"R": R, "F": F, "mask": mask, "temperature": KELVIN}


def rows_of_each() -> tuple[Array, Array]:
    """Frames of the long and of the short protein."""
    every = np.arange(FRAMES)
    return every[every % 3 != 1], every[every % 3 == 1]


def chain(
    rng: np.random.Generator, frames: int, beads: int, bond: float, spread: float, noise: float
) -> tuple[Array, Array]:
    """Positions with bonds in any direction, and forces of springs between neighbours plus noise."""
    u = rng.normal(size=(frames, beads - 1, 3))
    u /= np.linalg.norm(u, axis=-1, keepdims=True)
    r = rng.normal(bond, spread, size=(frames, beads - 1, 1))
    R = np.concatenate([np.zeros((frames, 1, 3)), np.cumsum(r * u, axis=1)], axis=1)
    F = rng.normal(scale=noise, size=R.shape)
    pull = KT_PER_KELVIN * KELVIN / spread**2 * (r - bond) * u
    F[:, :-1] += pull
    F[:, 1:] -= pull
    return R, F


def bonds(arrays: Arrays, rows: Array, beads: int) -> Array:
    """Bond lengths (frames, bonds) of the first beads in these frames."""
    return np.linalg.norm(np.diff(arrays["R"][rows, :beads], axis=1), axis=-1)


def with_bond(arrays: Arrays, frames: Any, bead: int, length: Any) -> Arrays:
    """The same frames with another length of the bond that begins at `bead`: all later beads are moved along it."""
    R, frames = arrays["R"].copy(), np.atleast_1d(frames)
    step = R[frames, bead + 1] - R[frames, bead]
    r = np.linalg.norm(step, axis=-1, keepdims=True)
    lengths = np.broadcast_to(np.asarray(length, float), len(frames))[:, None]
    R[frames, bead + 1 :] += ((lengths / r - 1) * step)[:, None]
    return arrays | {"R": R}


def changed(arrays: Arrays, key: str, frames: Any, values: Any) -> Arrays:
    """The same arrays with other values of a key in these frames."""
    array = arrays[key].copy()
    array[frames] = values
    return arrays | {key: array}


def of(arrays: Arrays) -> cgcore.Dataset:
    """The data set of these arrays."""
    return cgcore.from_arrays(**arrays)
