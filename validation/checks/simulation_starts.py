"""From which frames replicas start: those of one protein in all files, whole chains alone, evenly spaced, at random."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np

import cgcore
from cgcore.simulation.reference import Reference, reference, temperature_of
from validation.check import Row, check, equal, says
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import chain

SHORT, LONG = ["ALA", "GLY", "TYR", "GLY", "SER"], ["TYR", "GLY", "ALA", "ALA", "TRP", "LYS", "SER"]
NAMES = "AGYGS", "YGAAWKS"
SPECIES = np.array([3, 1, 4, 1, 2])
SIZES = (7, 4, 6)
"""Number of frames of each file: of the short chain, the long one, and the short one again."""
MOST, REPLICAS = 5, 4


@check("simulation-starts", quick=True)
def simulation_starts(context: Context) -> Iterator[Row]:
    """Frames, species and temperature that a simulation takes from data of two proteins, and what it refuses."""
    rng = np.random.default_rng(0)
    sequences = SHORT, LONG, SHORT
    R = [chain(rng, n, len(own), 3.8, 0.06, 20.0)[0] for n, own in zip(SIZES, sequences, strict=True)]
    said = [{"species": SPECIES, "temperature": 310.0}, {"resid": [1, 2, 3, 4, 8, 9, 10]}, {"species": SPECIES}]
    short = np.concatenate([R[0], R[2]])
    with tempfile.TemporaryDirectory() as folder:
        for k, keys in enumerate(said):
            path = Path(folder) / f"{k}.npz"
            np.savez(path, allow_pickle=False, R=R[k], F=R[k], resname=np.array(sequences[k]), **keys)
        data = cgcore.read(folder, accept_faults=True)
        whole = cgcore.read([Path(folder) / f"{k}.npz" for k in (0, 2)], accept_faults=True)
        for name, found in (
            ("by its name", reference(data, NAMES[0])),
            ("by its length", reference(data, None, len(SHORT))),
            ("alone", reference(whole)),
        ):
            yield equal(f"{name}, frames", np.array_equal(found.R, short), True)
            yield equal(
                f"{name}, protein and frames in the data", f"{found.protein} {found.frames_in_data}", "AGYGS 13"
            )
        yield equal(
            "species of a file", str(reference(data.subset(17), NAMES[0]).species.tolist()), str(SPECIES.tolist())
        )
        for words, name, beads in (
            ("holds several proteins", None, None),
            ("does not contain 6 beads", None, 6),
            ("does not contain protein 'AGYGS' with 7 beads", NAMES[0], 7),
            ("does not contain protein 'XYZ'", "XYZ", None),
            ("YGAAWKS has a gap or several chains", NAMES[1], None),
            ("accepted", NAMES[0], None),
        ):
            yield says(f"protein {name}, beads {beads}", partial(reference, data, name, beads), words)
        with patch.dict(inspect.unwrap(reference).__globals__, MOST_FRAMES=MOST):
            few = reference(data, NAMES[0])
        yield equal("more frames than are used", np.array_equal(few.R, short[[0, 3, 6, 9, 12]]), True)
        yield from _of_one_file(R[0])
        yield from _drawn(reference(data, NAMES[0]))
        yield from _temperatures(data, whole)


def _of_one_file(R: Array) -> Iterator[Row]:
    """Two proteins in one file by turns, one with a gap, one padded; and each of them whole."""
    odd = np.arange(len(R)) % 2 == 1
    mask = np.arange(5) < np.where(odd, 4, 5)[:, None]
    padded = np.where(mask[..., None], R, np.nan)
    numbers = np.arange(5), np.array([0, 1, 4, 5, 6])
    for name, rows, words in (
        ("the longer", np.where(odd[:, None], *numbers), ("protein-5-1 has a gap", "accepted")),
        ("the shorter", np.where(odd[:, None], *numbers[::-1]), ("accepted", "protein-4-1 has a gap")),
    ):
        data = cgcore.from_arrays(padded, padded, mask, resid=rows, accept_faults=True)
        for beads, word, own in zip((5, 4), words, (~odd, odd), strict=True):
            yield says(f"a gap in {name}, {beads} beads", partial(reference, data, None, beads), word)
            if word == "accepted":
                same = np.array_equal(reference(data, None, beads).R, R[own, :beads])
                yield equal(f"a gap in {name}, frames of {beads} beads", same, True)


def _drawn(found: Reference) -> Iterator[Row]:
    """A frame of each of as many equal parts as there are replicas."""
    starts = [found.starts(REPLICAS, seed) for seed in (0, 0, *range(1, 40))]
    rows = np.array([[int(np.flatnonzero((x == found.R).all(axis=(1, 2)))[0]) for x in own] for own in starts])
    # A frame belongs to every part that contains a piece of it.
    first, last = (np.arange(REPLICAS) + k for k in (0, 1))
    n = len(found.R)
    inside = (rows >= np.floor(first * n / REPLICAS)) & (rows < np.ceil(last * n / REPLICAS))
    yield equal("starts, each of its own part", bool(inside.all()), True)
    yield equal("starts, the same seed draws the same", rows[0].tolist() == rows[1].tolist(), True)
    yield equal("starts, frames that are drawn by some seed", len(np.unique(rows)), n)


def _temperatures(data: cgcore.Dataset, whole: cgcore.Dataset) -> Iterator[Row]:
    """The temperature that is given, that of the data, or the usual one; and what is said about it."""
    none = cgcore.from_arrays(*(2 * (data.sources[2].load(slice(None))[0],)), accept_faults=True)
    for name, source, given, known, words in (
        ("of the data", whole, None, 310.0, ""),
        ("that is given", whole, 280.0, 280.0, "simulated at 280 K, while the data are of 310 K"),
        ("that agrees", whole, 310.4, 310.4, ""),
        ("of no data", none, 290.0, 290.0, ""),
        ("that nothing says", none, None, 300.0, "the data say no temperature, and none was given"),
    ):
        kelvin, note = temperature_of(source, given)
        yield equal(f"temperature {name}", kelvin, known, "K")
        yield equal(f"temperature {name}, note", words if words and words in (note or "") else note or "", words)
    several = cgcore.from_arrays(*(2 * (none.join().R,)), temperature=np.linspace(300, 310, 6), accept_faults=True)
    yield says("several temperatures", partial(temperature_of, several, None), "holds several temperatures")
