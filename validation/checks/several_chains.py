"""Frames of two proteins in one file, by turns: each has its own chains, length and box."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

import cgcore
from cgcore.data.boxes import box_vectors
from validation.check import Row, at_most, check, equal, says
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import chain
from validation.tolerances import relative

BEADS, TURNS = (12, 9), np.array([0, 1, 0, 1, 1, 0])
"""Beads of each protein, and the protein of each frame."""

PARTED = 6
"""First bead of the second chain of the first protein."""

BOXES = 28.0 + np.array([[0.0, 1.0, 2.0]]) + 0.5 * np.arange(len(TURNS))[:, None]
"""The edges of the box in each frame [Å]; half of them are shorter than the second protein, a straight chain."""

APART = np.array([10.0, 3.0, -6.0])
"""From the middle of one chain to that of the other [Å], less than half the box."""

FAR = 1000
"""Least difference of the sites of two chains."""

MANY, MOST = 9000, 7500
"""Frames, more than are read at once, and most of them, which are read first."""


@check("several-chains", quick=True)
def several_chains(context: Context) -> Iterator[Row]:
    """Chains, gaps, boxes and lengths that are those of some frames, and not of the first or of the last."""
    with tempfile.TemporaryDirectory() as name:
        yield from _wrapped(Path(name))
    yield from _parted()
    yield from _refused()
    yield from _units()
    yield from _later()


def _wrapped(folder: Path) -> Iterator[Row]:
    """Beads in any image of a box that changes from frame to frame are put beside those before them."""
    rng, n = np.random.default_rng(7), len(TURNS)
    mask = np.arange(BEADS[0]) < np.array(BEADS)[TURNS][:, None]
    R = np.cumsum(rng.normal(scale=2.2, size=(n, BEADS[0], 3)), axis=1)
    R[:, PARTED:] += APART + R[:, :PARTED].mean(axis=1, keepdims=True) - R[:, PARTED:].mean(axis=1, keepdims=True)
    R[TURNS == 1] = 3.8 * np.arange(BEADS[0])[:, None] * np.eye(3)[0]
    R += rng.normal(scale=0.1, size=R.shape)
    images = rng.integers(-1, 2, R.shape) * BOXES[:, None]
    chains = (np.arange(BEADS[0]) >= PARTED) & (TURNS == 0)[:, None]
    F = rng.normal(scale=20.0, size=R.shape)
    np.savez(folder / "a.npz", R=R + images, F=F, mask=mask, chain=chains.astype(int), box=BOXES)
    data = cgcore.read(folder / "a.npz")
    known = np.where(mask[..., None], R + images[:, :1], 0.0)
    yield at_most("two proteins in boxes of their own", relative(data.join().R, known), 1e-12, "relative")


def _parted() -> Iterator[Row]:
    """Chains and residue numbers of each frame, of which only some have a gap, and rows for all frames of which the
    first is shorter than the others."""
    n, beads = 4, BEADS[0]
    R, F = chain(np.random.default_rng(8), n, beads, 3.8, 0.06, 20.0)
    after, one, whole = np.arange(beads) >= PARTED, np.arange(n)[:, None] == 1, np.arange(beads) + np.zeros((n, 1), int)
    part = 1 + FAR * (np.arange(1, beads) == PARTED)
    for name, given, steps in (
        ("a chain that ends in the second frame", {"chain": (after & one).astype(int)}, np.where(one, part, 1)),
        ("a chain that ends in all other frames", {"chain": (after & ~one).astype(int)}, np.where(one, 1, part)),
        ("a gap of the second frame", {"resid": whole + 3 * (after & one)}, np.where(one, np.minimum(part, 4), 1)),
    ):
        yield from _sites(name, cgcore.from_arrays(R, F, **given), steps)
    mask = np.arange(beads) < np.where(np.arange(n) == 0, PARTED - 1, beads)[:, None]
    steps = np.tile(part, (n, 1))
    yield from _sites("a shorter frame first", cgcore.from_arrays(R, F, mask, chain=after.astype(int)), steps, mask)
    huge = np.where(np.arange(beads) == 3, 2**40, np.arange(beads))
    notes = cgcore.from_arrays(R, F, resid=huge).notes
    yield equal("one number of a residue too large", ["residue numbers" in one for one in notes] == [True], True)


def _sites(name: str, data: cgcore.Dataset, steps: Array, mask: Array | None = None) -> Iterator[Row]:
    """Differences of the sites of real beads; those of two chains count as the least that they can be."""
    sites = data.sites()
    real = np.ones(steps.shape, bool) if mask is None else mask[:, 1:]
    found = np.ones(steps.shape, int) if sites is None else np.diff(sites, axis=1)
    told, known = (np.where(real, np.minimum(one, FAR), 0).tolist() for one in (found, steps))
    yield equal(name, str(told), str(known))


def _refused() -> Iterator[Row]:
    """Boxes that are too thin, or none, in the first frame alone or in the last alone."""
    for value in (5.0, 0.0):
        for name, frame in (("first", 0), ("last", -1)):
            boxes = BOXES.copy()
            boxes[frame] = value
            words = f"box is only {value:g} Å thick"
            yield says(f"edges of {value:g} in the {name} frame", partial(box_vectors, "box", boxes, len(boxes)), words)


def _units() -> Iterator[Row]:
    """Bonds of most frames are too short or too long, and those of the frames that are read last are right; or only
    those are wrong."""
    R, F = chain(np.random.default_rng(9), MANY, BEADS[0], 3.8, 0.06, 20.0)
    for factor, units, words in (
        (0.1, "angstrom-kcal", "looks like nm"),
        (100.0, "angstrom-kcal", "looks like pm"),
        (10.0, "nm-kj", "looks like Å, not nm"),
    ):
        right = R / 10 if units == "nm-kj" else R
        for name, most in (("most frames", True), ("the last frames", False)):
            wrong = (np.arange(MANY) < MOST) == most
            given = np.where(wrong[:, None, None], factor * right, right)
            read = partial(cgcore.from_arrays, given, F, units=units, accept_faults=True)
            yield says(f"{name} {factor:g} times as long, {units}", read, words if most else "accepted")


def _later() -> Iterator[Row]:
    """Problems in frames of the first or of later blocks, or of both: the first of them is named, and none is lost."""
    R, F = chain(np.random.default_rng(10), MANY, BEADS[0], 3.8, 0.06, 20.0)
    mask, species, late, beads = np.ones((MANY, BEADS[0])), np.zeros((MANY, BEADS[0]), int), MANY - 20, BEADS[0]
    mask[MOST:, BEADS[1] :] = 0  # only in the second block

    def given(key: str, array: Array, *frames: int, value: float = np.nan) -> dict[str, Array]:
        array = array.copy()
        for frame in frames:
            array[frame, 1:] = value
        return {"R": R, "F": F, "mask": mask} | {key: array}

    padded = np.where(mask[..., None] == 1, R, 0.0)
    for name, arrays, words in (
        ("padding at one place", given("R", padded), "accepted"),
        ("beads at one place", given("R", padded, late, value=1.0), f"beads 1 and 2 of frame {late}"),
        ("no positions", given("R", R, 5, late), "key 'R' is nan at frame 5, bead 1"),
        ("no forces", given("F", F, 5, late), "key 'F' is nan at frame 5, bead 1"),
        ("no real bead but one, first", given("mask", mask, 5, value=0), "key 'mask' at frame 5"),
        ("no real bead but one, later", given("mask", mask, late, value=0), f"key 'mask' at frame {late}"),
        ("half beads, first", given("mask", mask, 5, value=0.5), "key 'mask' is 0.5 at frame 5, bead 1"),
        ("half beads, later", given("mask", mask, late, value=0.5), f"key 'mask' is 0.5 at frame {late}, bead 1"),
        (
            "no species but one",
            given("species", species, 5, late, value=-1),
            "at frame 5 (0-based)",
        ),
        ("no species but one, later", given("species", species, late, value=-1), f"at frame {late} (0-based)"),
        ("numbers of beads, one of them wrong", {"N_max": beads - (np.arange(MANY) == 7)}, "key 'N_max' is"),
        ("numbers of beads", {"N_max": np.full(MANY, beads)}, "accepted"),
    ):
        arrays = {"R": R, "F": F} | {
            key: array for key, array in arrays.items() if key != "mask" or "species" not in arrays
        }
        yield says(name, partial(cgcore.from_arrays, **arrays, accept_faults=True), words)
