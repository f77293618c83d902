"""Frames as arrays: shapes, dtypes, masks, species, weights, boxes, units, and choices among frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import cgcore
from cgcore.pipeline.loader import DatasetLoader, frame_arrays
from validation.refused.place import INF, NAN, Place, Values, Work, by_value, ending_with

Arrays = dict[str, Any]

PADDED = (1, slice(-3, None))
"""Padded beads of the frames."""

EDGE = 1e-9
"""Relative distance to a limit on either side of it: far above rounding, and far below any difference in meaning."""


def frames() -> Arrays:
    """Eight frames of ten beads with species; the last three beads of one frame are padding."""
    batch = cgcore.datasets.chignolin().subset(8).join()
    mask = np.ones(batch.R.shape[:2])
    mask[PADDED] = 0
    species = np.tile(np.arange(batch.R.shape[1], dtype=float), (len(batch.R), 1))
    return {"R": batch.R.astype(float), "F": batch.F.astype(float), "mask": mask, "species": species}


def places() -> Iterator[Place]:
    """Every place where arrays of frames enter."""
    plain = frames()

    def data(**changed: Any) -> cgcore.Dataset:
        return cgcore.from_arrays(**plain | changed)

    def at(key: str, index: Any, value: float) -> Work:
        array = plain[key].copy()
        array[index] = value
        return lambda: data(**{key: array})

    yield _shapes(plain, data)
    yield _values(at)
    yield _units(plain)
    yield by_value("frames", data, BESIDE | _boxes())
    yield from _chosen(data())
    yield _loaded(plain)


def _shapes(plain: Arrays, data: Any) -> Place:
    R, F, mask, species = plain.values()

    def both(change: Any) -> Work:
        return lambda: data(**{key: change(array) for key, array in plain.items()})

    def one(**changed: Any) -> Work:
        return lambda: data(**changed)

    good = {
        "as they are": one(),
        "float32": one(R=R.astype("f4"), F=F.astype("f4")),
        "whole numbers": one(F=np.rint(F).astype(int)),
        "one frame": both(lambda array: array[:1]),
        "two beads": lambda: cgcore.from_arrays(R[:, :2], F[:, :2]),
        "a mask of bools": one(mask=mask.astype(bool)),
        "a row of species": one(species=species[0]),
        "a row of the mask": one(mask=mask[0]),
        "neither mask nor species": one(mask=None, species=None),
    }
    bad = {
        "no frames": both(lambda array: array[:0]),
        "one bead": lambda: cgcore.from_arrays(R[:, :1], F[:, :1]),
        "no axis of frames": one(R=R[0], F=F[0]),
        "two coordinates": one(R=R[..., :2], F=F[..., :2]),
        "forces of fewer frames": one(F=F[:-1]),
        "forces of fewer beads": one(F=F[:, :-1]),
        "mask of fewer frames": one(mask=mask[:-1]),
        "mask of each frame": one(mask=mask[:, 0]),
        "species of fewer beads": one(species=species[:, :-1]),
        "species transposed": one(species=species.T),
    }
    for key, array in plain.items():
        bad[f"complex {key}"] = one(**{key: array + 0j})
        bad[f"objects in {key}"] = one(**{key: array.astype(object)})
        bad[f"text in {key}"] = one(**{key: array.astype(str)})
    bad |= {f"bools in {key}": one(**{key: plain[key] > 0}) for key in ("R", "F", "species")}
    return Place("shapes", good, bad)


def _values(at: Any) -> Place:
    good = {
        "NaN in padding of R": at("R", PADDED, NAN),
        "inf in padding of F": at("F", PADDED, INF),
        "NaN in padding of species": at("species", PADDED, NAN),
        "two real beads": at("mask", (2, slice(2, None)), 0),
        "largest species": at("species", (3, 4), 2.0**31 - 1),
        "smallest species": at("species", (3, 4), -(2.0**31)),
        "beads 0 and 2 at one place": at("R", (4, [0, 2]), 0.0),
    }
    bad = {
        "padding before a real bead": at("mask", (2, 4), 0),
        "padding first": at("mask", (2, 0), 0),
        "a frame of padding": at("mask", 2, 0),
        "one real bead": at("mask", (2, slice(1, None)), 0),
        "half a bead in the mask": at("mask", (0, 9), 0.5),
        "2 in the mask": at("mask", (0, 9), 2),
        "-1 in the mask": at("mask", (0, 9), -1),
        "NaN in the mask": at("mask", (0, 9), NAN),
        "half a species": at("species", (3, 4), 1.5),
        "species beyond 32 bits": at("species", (3, 4), 2.0**31),
        "species below 32 bits": at("species", (3, 4), -(2.0**31) - 1),
        "NaN in species": at("species", (3, 4), NAN),
        "beads 0 and 1 at one place": at("R", (4, [0, 1]), 0.0),
    }
    for key in ("R", "F"):
        # The last real bead before padding, the first of all and the last of all.
        for bead, value in (((1, 6, 2), NAN), ((0, 0, 0), INF), ((7, 9, 1), -INF)):
            bad[f"{value} in {key} of bead {bead}"] = at(key, bead, value)
    return Place("numbers", good, bad)


def _units(plain: Arrays) -> Place:
    """Bond lengths and forces at the limits at which another unit is recognised."""
    R, F = plain["R"], plain["F"]
    line = np.broadcast_to(np.arange(10.0)[:, None] * [1.0, 0.0, 0.0], R.shape)

    def bonds(length: float, units: str = "angstrom-kcal") -> Work:
        return lambda: cgcore.from_arrays(length * line, F, units=units)

    def forces(largest: float) -> Work:
        return lambda: cgcore.from_arrays(R, largest * F / np.abs(F).max())

    good = {
        "bonds of 1 Å": bonds(1 + EDGE),
        "bonds of 100 Å": bonds(100 - EDGE),
        "bonds of 0.1 nm": bonds(0.1 + EDGE, "nm-kj"),
        "bonds of 1 nm": bonds(1 - EDGE, "nm-kj"),
        "forces of 1e-12": forces(1e-12 * (1 + EDGE)),
        "nm": lambda: cgcore.from_arrays(R / 10, F, units="nm-kj"),
    }
    bad = {
        "bonds below 1 Å": bonds(1 - EDGE),
        "bonds above 100 Å": bonds(100 + 1e-6),
        "bonds below 0.1 nm": bonds(0.1 - EDGE, "nm-kj"),
        "bonds above 1 nm": bonds(1 + EDGE, "nm-kj"),
        "forces below 1e-12": forces(1e-12 * (1 - EDGE)),
        "no forces": forces(0.0),
        "forces in padding alone": lambda: cgcore.from_arrays(R, F * (1 - plain["mask"])[..., None], plain["mask"]),
        "nm for Å": lambda: cgcore.from_arrays(R / 10, F),
        "Å for nm": lambda: cgcore.from_arrays(R, F, units="nm-kj"),
        "unknown units": lambda: cgcore.from_arrays(R, F, units="furlong-kcal"),
        "no units": lambda: cgcore.from_arrays(R, F, units=""),
    }
    return Place("units", good, bad)


_ONES, _BEADS = np.ones(8), np.ones(10)
_LAST, _PADDED_ROW = _ONES.copy(), np.ones((8, 10))
_LAST[:-1], _PADDED_ROW[PADDED] = 0, NAN

BESIDE: dict[str, Values] = {
    "frame_weights": (
        [_ONES, _ONES[:, None], _LAST, 1e-300 * _ONES, np.arange(8)],
        [_ONES[:-1], -_ONES, ending_with(-1e-300, _ONES), ending_with(NAN, _ONES), ending_with(INF, _ONES), 0 * _ONES,
         _ONES > 0, _ONES[None]],
    ),
    "bead_weights": (
        [_BEADS, _PADDED_ROW, np.arange(10)],
        [_BEADS[:-1], -_BEADS, ending_with(NAN, _BEADS), 0 * _BEADS, _BEADS[None], _BEADS + 0j],
    ),
    "N_max": ([10, 10.0, [10] * 8], [9, 11, NAN, "10", [10, 10]]),
    "bonds": (
        [np.array([[0, 1], [8, 9]]), np.array([[-1, -1], [0, 1]])],
        [np.array([[9, 10]]), np.array([[-1, 0]]), np.array([[0, 5]]), np.array([[0.0, 1.0]]), np.array([0, 1])]
    ),
}  # fmt: skip
"""What a file may hold beside R, F, mask and species."""


def _boxes() -> dict[str, Values]:
    thin, wide = 12 * (1 - EDGE), 12 * (1 + EDGE)
    return {
        "box": (
            [30.0, wide, [wide] * 3, [30.0] * 3 + [90.0] * 3, [0.0] * 3, 30 * np.eye(3), -30 * np.eye(3)],
            [-30.0, thin, [30, 30, thin], [30, 30, 0], [30, -30, 30], [30, 30, -30, 90, 90, 90], [30, 30],
             [30, NAN, 30], INF, "wide", np.full((8, 3), 30.0), [30, 30, 30, 90, 90, 180], [30, 30, 30, 20, 20, 90]],
        )
    }  # fmt: skip


def _chosen(data: cgcore.Dataset) -> Iterator[Place]:
    """Subsets, splits, blocks and temperatures of a data set."""
    yield by_value("subset", lambda max_frames=3, seed=0: data.subset(max_frames, seed),
                   {"max_frames": ([1, 8, 9, None], [0, -1]), "seed": ([0, 2**40], [-1])})  # fmt: skip
    yield by_value("split", data.split, {"val_fraction": ([0, 0.5, 1 - 1e-9], [-1e-9, 1, 1.0, 1.5, NAN, INF])})
    yield by_value("segments", data.segments, {"blocks": ([1, 100], [0, -1])})
    yield by_value("temperature", data.at, {"temperature": ([1e-9, 1e5], [0, 0.0, -300.0, NAN, INF, -INF])})


def _loaded(plain: Arrays) -> Place:
    """Frames for training: energies, numbers of beads and species."""

    def loaded(beads: int = 10, kinds: int | None = None, **more: Any) -> Work:
        return lambda: frame_arrays(DatasetLoader(cgcore.from_arrays(**plain, **more)), beads, kinds, "float32")

    good = {
        "as many beads": loaded(),
        "more beads": loaded(11),
        "as many species": loaded(kinds=10),
        "energies": loaded(U=np.arange(8.0)),
        "a column of energies": loaded(U=np.arange(8.0)[:, None]),
    }
    bad = {
        "fewer beads": loaded(9),
        "fewer species": loaded(kinds=9),
        "energies of fewer frames": loaded(U=np.arange(7.0)),
        "one energy": loaded(U=np.array(1.0)),
        "NaN in energies": loaded(U=np.append(np.arange(7.0), NAN)),
        "complex energies": loaded(U=np.arange(8.0) + 0j),
        "energies as text": loaded(U=np.arange(8).astype(str)),
    }
    return Place("frames to train on", good, bad)
