"""Sources of which one, and not the first, has a temperature, a gap, a name, weights, or more beads or digits than the
others."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.data import contents
from validation.check import Row, check, equal
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import Arrays, chain

BEADS, FRAMES = (8, 12, 10), 6
"""Beads and frames of three sources; every frame of the second with an odd number is of a protein of `SHORT` beads."""

SHORT, GAP = 9, 4
"""Beads of the second protein of the second source, and the last bead before its gap."""


@check("several-sources", quick=True)
def several_sources(context: Context) -> Iterator[Row]:
    """What a data set of three sources says of all of them, where one that is not the first differs."""
    given = [dict(zip("RF", chain(np.random.default_rng(k), FRAMES, n, 3.8, 0.06, 20.0), strict=True))
             for k, n in enumerate(BEADS)]  # fmt: skip
    yield from _temperatures(given)
    yield from _precision(given)
    yield from _proteins(given)
    yield from _named(given)
    with tempfile.TemporaryDirectory() as name:
        yield from _files(Path(name), given)


def _set(*arrays: Arrays, **more: Any) -> cgcore.Dataset:
    """A data set of these sources."""
    frames = tuple(cgcore.from_arrays(**one, name=f"{k}", **more).sources[0] for k, one in enumerate(arrays))
    return cgcore.Dataset(frames, "several", "", (), "angstrom-kcal")


def _temperatures(given: list[Arrays]) -> Iterator[Row]:
    data = _set(given[0] | {"temperature": 300.0}, given[1] | {"temperature": np.repeat([330.0, 310.0], 3)}, given[2])
    yield equal("temperatures of all sources", str(data.temperatures), str((300.0, 310.0, 330.0)))
    each = [one.temperatures for one in data.at(320).sources]
    yield equal("all sources at one temperature", str(each), str([(320.0,)] * 3))
    yield equal("beads of the longest source", data.n_beads, BEADS[1])
    drawn = [len(data.subset(1, seed).sources) for seed in range(4)]
    yield equal("sources of one frame", str(drawn), str([1] * 4))
    rows = [data.subset(9, seed).frame_ranges() for seed in range(4)]
    most = max(stop for one in rows for own in one.values() for _, stop in own)
    yield equal("frames drawn, at most those of a source", most <= FRAMES, True)


def _precision(given: list[Arrays]) -> Iterator[Row]:
    """Positions of a source in double precision beside one in single precision."""
    rough = {key: array.astype("f4") for key, array in given[0].items()}
    for name, order in (("first", (given[0], rough)), ("last", (rough, given[0]))):
        R = _set(*order).join().R
        known = np.concatenate([one["R"].astype(float) for one in order])
        yield equal(f"positions of the precise source, {name}", np.array_equal(R, known), True)
        yield equal(f"precision, {name}", str(R.dtype), "float64")


def _second(given: list[Arrays], after: int = GAP) -> Arrays:
    """The second source, with two proteins; the second one has a gap, or the first one beyond the length of that."""
    odd = np.arange(FRAMES)[:, None] % 2 == 1
    beads = np.arange(BEADS[1])
    mask = (beads < SHORT) | ~odd
    resid = beads + 3 * ((beads > after) & (odd if after == GAP else ~odd))
    return given[1] | {"mask": mask, "resid": resid}


def _proteins(given: list[Arrays]) -> Iterator[Row]:
    data = _set(given[0], _second(given))
    sites = data.sites()
    assert sites is not None
    known = [[1] * (SHORT - 1)] * FRAMES + [[1 + 3 * (k == GAP) * (frame % 2) for k in range(SHORT - 1)]
                                            for frame in range(FRAMES)]  # fmt: skip
    steps = np.diff(sites[:, :SHORT], axis=1)
    steps[:FRAMES, BEADS[0] - 1 :] = 1  # the first source has fewer beads
    yield equal("steps of two proteins", str(steps.tolist()), str(known))
    short = f"protein-{SHORT}-1"
    for name, part in (("", data), ("a part, ", _set(given[0], _second(given)).split(0.2)[1])):
        assert part is not None
        yield equal(f"{name}gaps", str(contents.breaks_of(part)), str({short: f"3 missing after bead {GAP}"}))
    only = cgcore.Dataset((data.sources[1].select(np.array([1, 3])),), "part", "", (), "angstrom-kcal")
    said = contents.breaks_of(only)
    yield equal("gaps of the second protein alone", str(said), str({short: f"3 missing after bead {GAP}"}))
    turned = {key: array[::-1] for key, array in _second(given, after=SHORT).items()}  # the short protein first
    said = contents.breaks_of(_set(turned))
    yield equal(
        "gaps of the longer protein", str(said), str({f"protein-{BEADS[1]}-1": f"3 missing after bead {SHORT}"})
    )
    names = [one.name for one in contents.proteins_of(data)]
    yield equal("proteins without names", str(names), str([f"protein-{BEADS[0]}-1", f"protein-{BEADS[1]}-1", short]))
    extras = _set(given[0] | {"U": 1.0}, given[0] | {"U": np.zeros(FRAMES)})
    yield equal("other arrays", str(contents.extras_of(extras)), str({"U": "float64, one value"}))


def _named(given: list[Arrays]) -> Iterator[Row]:
    """Names of residues of each frame, and proteins that only differ by species, or by a gap."""
    n, odd = BEADS[0], np.arange(FRAMES)[:, None] % 2 == 1
    beads = np.arange(n)
    names = np.where(odd, np.array(["GLY"] * n), np.array(["ALA"] * n))
    species = np.where(odd, 1, np.zeros((FRAMES, n), int))
    cases: tuple[tuple[str, Arrays, list[str]], ...] = (
        ("names of each frame", {"resname": names, "species": species}, ["A" * n, "G" * n]),
        ("gaps of each frame", {"resid": beads + 3 * ((beads > GAP) & odd)}, [f"protein-{n}-1", f"protein-{n}-2"]),
        ("names that occur twice", {"resname": np.where(odd, "ALA", names), "species": species},
         ["A" * n, f"protein-{n}-2"]),
    )  # fmt: skip
    for name, keys, known in cases:
        (source,) = cgcore.from_arrays(**given[0], **keys).sources
        yield equal(name, str([source.protein_names[k] for k in source.protein[:2]]), str(known))


def _files(folder: Path, given: list[Arrays]) -> Iterator[Row]:
    """Files that skip keys; a new file of several, of which only one is named."""
    named = {"resname": np.array(["ALA"] * BEADS[1])}
    further: tuple[Arrays, ...] = ({"one": np.array([None])}, {"two": np.array([None])} | named, {})
    for k, more in enumerate(further):
        arrays: Arrays = given[k] | more
        np.savez(folder / f"{k}.npz", **arrays)
    data = cgcore.read(folder)
    yield equal("keys that are skipped", str(sorted(data.skipped_keys)), str(["one", "two"]))
    yield equal("units of all files", data.units, "angstrom-kcal")
    data.write(folder / "all.npz")
    with np.load(folder / "all.npz") as written:
        found = {key: written[key] for key in ("resname", "mask") if key in written}
    yield equal("names of the second file, written", _names(found.get("resname")), str(["UNK", "ALA", "UNK"]))
    yield equal("real beads of each file, written", _lengths(found.get("mask")), str(list(BEADS)))
    mask = _second(given)["mask"]
    kinds = np.where(np.arange(FRAMES)[:, None] % 2 == 1, "XXX", np.full((1, BEADS[1]), "ALA"))
    _set(given[1] | {"mask": mask, "resname": kinds}).write(folder / "all.npz")
    with np.load(folder / "all.npz") as written:
        found = {key: written[key] for key in ("resname", "mask") if key in written}
    yield equal("real beads of two proteins, written", _same(found.get("mask"), mask), True)
    known = np.where(mask, np.where(kinds == "XXX", "UNK", kinds), "PAD").astype("S4")
    yield equal("names of one of two proteins, written", _same(found.get("resname"), known), True)


def _names(resname: Array | None) -> str:
    return str(resname) if resname is None else str(resname[::FRAMES, 0].astype("U4").tolist())


def _lengths(mask: Array | None) -> str:
    return str(mask) if mask is None else str(mask[::FRAMES].sum(axis=1).tolist())


def _same(found: Array | None, known: Array) -> bool:
    return found is not None and np.array_equal(found, known)
