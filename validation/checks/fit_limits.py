"""What a fit accepts and warns of, at either side of each limit: forces of a prior, held-out frames, float32."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore import bases
from cgcore.judging import precision
from cgcore.judging.precision import float32_error
from validation import explicit_terms
from validation.admissible import KT_PER_KELVIN
from validation.check import Row, at_most, check, equal, refusal, says
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import chain
from validation.tolerances import relative

FRAMES, BEADS, BOND, SPREAD = 60, 10, 3.8, 0.06
"""Numbers of frames and beads, and mean and standard deviation of bond lengths [Å]."""

KELVIN = 300.0

EXACT = 1e-3
"""Largest fraction of the squared forces that a prior may leave if they are to count as its own."""

PROMISE = 1e-4
"""Largest error of forces in float32 without a warning, relative to the root mean square force."""

MUCH = 0.05
"""A fraction of the squared forces that no prior explains."""

BESIDE = 0.1
"""How far beside a limit its two sides are tried, relative to it."""

ROUNDING = 1e-9
"""Tolerance of ratios of float32 errors: only their scale in float64 differs."""

PLAIN = cgcore.Options(constraints="none", smoothness=None, truncation=0.0, temperature=KELVIN)
SPRINGS = cgcore.Term("springs", cgcore.Rows("bonds"), bases.Harmonic())
TURNS = cgcore.Term("turns", cgcore.Rows("angles"), bases.Fourier(1))


@dataclass(frozen=True)
class Frames:
    """Frames whose bonds explain few of the forces, as in all-atom data.

    Arguments:
        R: positions.
        own: forces of a prior with springs along bonds and a potential of angles.
        rest: forces as large, none of which that prior can explain.
    """

    R: Array
    own: Array
    rest: Array

    def forces(self, left: float) -> Array:
        """Forces of which a prior leaves this fraction of the squares."""
        return np.sqrt(1 - left) * self.own + np.sqrt(left) * self.rest


def frames(seed: int) -> Frames:
    """Frames with kr var(r) = kT."""
    rng = np.random.default_rng(seed)
    R, _ = chain(rng, FRAMES, BEADS, BOND, SPREAD, 0.0)
    along = np.arange(BEADS)
    X = np.concatenate([explicit_terms.matrix(one, (SPRINGS, TURNS), 0 * along, along).reshape(-1, 4) for one in R])
    kr = KT_PER_KELVIN * KELVIN / SPREAD**2
    own = X @ [kr, kr * BOND, 90.0, 40.0]
    rest = rng.normal(size=own.shape)
    rest -= X @ np.linalg.lstsq(X, rest, rcond=None)[0]
    rest *= np.linalg.norm(own) / np.linalg.norm(rest)
    return Frames(R, own.reshape(R.shape), rest.reshape(R.shape))


@check("fit-limits")
def fit_limits(context: Context) -> Iterator[Row]:
    """Forces of a prior, held-out frames that were fitted to, and rounding in float32: on both sides of each limit."""
    empty = cgcore.default_prior().part([])
    prior = empty.with_terms([SPRINGS, TURNS])
    first, second = frames(0), frames(1)
    yield from _exact(prior, first)
    yield from _held_out(prior, first, second)
    with tempfile.TemporaryDirectory() as folder:
        yield from _twice(prior, Path(folder))
    yield from _float32(2)


def _data(frames: Frames, scale: float, left: float, **given: Any) -> cgcore.Dataset:
    return cgcore.from_arrays(frames.R, scale * frames.forces(left), **given)


def _said(data: Any, prior: cgcore.Prior, **given: Any) -> str:
    """Why a fit is refused, or its warnings about data."""
    warned: list[str] = []
    message = refusal(lambda: warned.extend(cgcore.fit(data, prior, PLAIN, **given).warnings))
    return message or "; ".join(one for one in warned if one.startswith("arrays: ")) or "nothing"


def _one_of(name: str, said: str, words: str) -> Row:
    """A row that passes if these words are said, or nothing if there are none."""
    expected = words or "nothing"
    return equal(name, expected if expected in said else said, expected)


FAULTS = {
    10.0: "forces look like kcal/mol/nm",
    -1.0: "forces have the wrong sign",
    2.5: "forces do not match the fluctuations",
    0.3: "forces do not match the fluctuations",
    1.0: "",
}
"""Factors of the forces, and what is said of them unless they are those of a prior."""

PARTS = {0.0: True, (1 - BESIDE) * EXACT: True, (1 + BESIDE) * EXACT: False, MUCH: False}
"""Fractions of the squared forces that a prior leaves, and whether the forces count as its own."""


def _exact(prior: cgcore.Prior, some: Frames) -> Iterator[Row]:
    """Forces that are exactly those of a prior need not be those with which the frames were sampled."""
    for (scale, words), (left, exact) in product(FAULTS.items(), PARTS.items()):
        said = _said(_data(some, scale, left), prior)
        yield _one_of(f"forces times {scale:g}, {left:g} of them not of a prior", said, "" if exact else words)
    accepted = _data(some, 10.0, 2 * EXACT, accept_faults=True)
    yield _one_of("forces in another unit, accepted", _said(accepted, prior), FAULTS[10.0])
    factor = cgcore.compress(_data(some, 10.0, 2 * EXACT), cgcore.Fingerprint.of(prior))
    yield _one_of("a factor of such forces", _said(factor, prior), "")
    R = some.R.copy()
    R[7, 4:] += 5 * (R[7, 4] - R[7, 3])
    far = cgcore.from_arrays(R, some.own)
    yield _one_of("a broken frame, whatever its forces", _said(far, prior), "beads 3 and 4 of frame 7 are")


def _held_out(prior: cgcore.Prior, first: Frames, second: Frames) -> Iterator[Row]:
    """Held-out frames are judged like those that are fitted to, which alone decide whether forces are a prior's."""
    for scale, (left, exact) in product((10.0, 2.5), PARTS.items()):
        # The held-out forces themselves are not exactly the prior's.
        said = _said(_data(first, 1.0, left), prior, validation=_data(second, scale, MUCH))
        words = "" if exact else FAULTS[scale]
        yield _one_of(f"held-out forces times {scale:g}, {left:g} of the others not of a prior", said, words)
    wrong, mine = FAULTS[2.5], _data(first, 2.5, MUCH)
    both = _said(mine, prior, validation=_data(second, 0.3, MUCH))
    yield equal("both do not match, sentences", both.count(wrong), 2)
    yield equal("one set fitted to and held out, sentences", _said(mine, prior, validation=mine).count(wrong), 1)
    accepted = _data(second, 10.0, MUCH, accept_faults=True)
    said = _said(_data(first, 1.0, MUCH), prior, validation=accepted)
    yield _one_of("held-out forces in another unit, accepted", said, FAULTS[10.0])


def _twice(prior: cgcore.Prior, folder: Path) -> Iterator[Row]:
    """Held-out frames that are among those fitted to: a sentence for each file, and none for what occurs twice in
    one of the two."""
    files: dict[str, cgcore.Factor] = {}
    for seed, name in enumerate("abcd", start=2):
        some, path = frames(seed), folder / f"{name}.npz"
        np.savez(path, R=some.R, F=some.own)
        files[name] = cgcore.compress(cgcore.read(path), cgcore.Fingerprint.of(prior))
    for data, validation, shared in (
        ("abc", "bcd", "bc"),
        ("abc", "c", "c"),
        ("ab", "cd", ""),
        ("aab", "cd", ""),
        ("ab", "cdd", ""),
        ("aab", "bdd", "b"),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cgcore.InputWarning)
            ours, held_out = (cgcore.merge(*(files[name] for name in names)) for names in (data, validation))
        fit = cgcore.fit(ours, prior, PLAIN, validation=held_out)
        found = [one for one in fit.warnings if "validation" in one]
        start = "validation is among the data fitted to, so its loss says nothing new"
        twice = f"is given more than once: {FRAMES} frames are counted twice; leave one of them out"
        known = [f"{start}: {name}.npz {twice}" for name in shared]
        yield equal(f"files {data}, held out {validation}, sentences", "; ".join(found), "; ".join(known))


STEEP = 12
"""Power of a potential that these frames hardly feel."""

NEAR, FAR, POINTS = 3.0, 20.0, 361
"""Distances between which forces of pairs must be accurate in float32 [Å], and the number of those that are tried."""

TWICE = 1.0
"""Largest ratio, as a power of two, of two maxima of rounding errors."""

FITTED = 1e-4
"""Tolerance of a root mean square force: the fitted bonds differ from the given ones by what rounding leaves."""


def _float32(seed: int) -> Iterator[Row]:
    """Forces whose error in float32 is just below or above the one that is promised, relative to forces of bonds."""
    pairs = cgcore.Term("pairs", cgcore.Rows("pairs", 3), bases.Power(STEEP))
    force = 1e4 * NEAR ** (STEEP + 1) / STEEP  # 10,000 kcal/mol/Å at NEAR
    bonds = cgcore.default_prior().part(["bond"])
    w = bonds.weights.bond or 0.0
    made = bonds.with_terms([pairs], {"pairs": np.array([force])})

    def prior(kr: float) -> cgcore.Prior:
        return replace(
            made, params=made.params | {"kr": np.array(kr), "r0": np.array(BOND)}, frozen=frozenset({"pairs"})
        )

    error = float32_error(prior(1.0), 1.0)
    known = _rounding(force)
    yield at_most("float32 error of a steep potential, off that in NumPy", abs(np.log2(error / known)), TWICE)

    # Straight chains, of whose beads only bonded ones feel each other.
    rng, along = np.random.default_rng(seed), np.arange(BEADS)
    x = np.cumsum(rng.normal(BOND, SPREAD, (FRAMES, BEADS)), axis=1)
    R = np.stack([x, *rng.normal(scale=0.1, size=(2, FRAMES, BEADS))], axis=-1)
    own = (replace(SPRINGS, weight=w), pairs)
    X = np.stack([explicit_terms.matrix(one, own, 0 * along, along) for one in R])
    for factor in (1 - BESIDE, 1 + BESIDE):
        over = factor > 1
        rms, scale = error / (factor * PROMISE), KT_PER_KELVIN * KELVIN
        stiff = prior(rms**2 / (w * scale))
        told = float32_error(stiff)
        yield at_most(f"{factor:g} of the promise, bonds at 300 K", relative(told, factor * PROMISE), ROUNDING)
        words = f"x: forces in float32 are wrong by {told:.1e} of the root mean square force" if over else "accepted"
        yield says(f"{factor:g} of the promise, required", partial(precision.require_float32, "x", stiff), words)

        unit = X @ [1.0, BOND, 0.0]
        kr = rms / float(np.sqrt(np.mean(np.sum(unit**2, axis=-1))))
        data = cgcore.from_arrays(R, X @ [kr, kr * BOND, force], accept_faults=True)
        fit = cgcore.fit(data, prior(100.0), PLAIN)
        found = relative(fit.float32_error, factor * PROMISE)
        yield at_most(f"{factor:g} of the promise, forces of the frames", found, FITTED, "relative")
        words = f"forces in float32 are wrong by {fit.float32_error:.1e} of the root mean square force"
        warned = sum(words in one for one in fit.warnings)
        yield equal(f"{factor:g} of the promise, warnings", warned, int(over))
    yield from _levers(bonds)


def _rounding(c: float) -> float:
    """Largest difference of the forces of a steep potential in two precisions."""
    r = np.linspace(NEAR, FAR, POINTS)
    single, double = (STEEP * r.astype(real) ** real(-STEEP - 1) * real(c) for real in (np.float32, np.float64))
    return float(np.max(np.abs(single - double)))


def _levers(bonds: cgcore.Prior) -> Iterator[Row]:
    """A slope along an angle acts over the length of a bond: 3.8 Å if the prior has none."""
    short = replace(bonds, params=bonds.params | {"kr": np.array(1.0), "r0": np.array(BOND / 2)})
    none = bonds.part([])
    for kind in ("angles", "dihedrals"):
        turns = cgcore.Term("turns", cgcore.Rows(kind), bases.Fourier(3))
        values = {"turns": 1e6 * np.arange(1.0, 7.0)}
        told = [float32_error(prior.with_terms([turns], values), 1.0) for prior in (none, short)]
        yield at_most(
            f"{kind} over half of the usual bond length", relative(told[1], 2 * told[0]), ROUNDING, "relative"
        )
