"""What is stored: records as JSON, arrays that are declared, splines, and factors that frames can have produced."""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

import cgcore
from cgcore import factor_file, serialize
from cgcore.files.arrays import Field, write_arrays
from cgcore.spline_file import read_splines
from validation.check import Row, equal, refuses, says
from validation.refused.factors import small_prior, with_species
from validation.splined import drawn


class Level(enum.IntEnum):
    """Numbers with names."""

    HIGH = 3


class Pair(NamedTuple):
    """A tuple with names."""

    first: Any
    second: Any


@dataclass(frozen=True)
class Record:
    """A record with names."""

    x: Any
    y: Any = None


PLAIN: tuple[tuple[Any, Any], ...] = (
    (None, None),
    (True, True),
    (0, 0),
    (0.0, 0.0),
    (1e-300, 1e-300),
    (float("nan"), None),
    (float("inf"), None),
    (-float("inf"), None),
    ("", ""),
    (Level.HIGH, "HIGH"),
    (Path("a/b"), "a/b"),
    ([1, (2.5, None)], [1, [2.5, None]]),
    (Pair(1, [float("nan")]), {"first": 1, "second": [None]}),
    (Record(Pair(0, Level.HIGH)), {"x": {"first": 0, "second": "HIGH"}, "y": None}),
    ({"a": 1, 2: 3, Level.HIGH: 4, None: 5}, {"a": 1, "2": 3, "HIGH": 4, "None": 5}),
    (frozenset({"c", "a", "b"}), ["a", "b", "c"]),
    (np.float32(0.5), 0.5),
    (np.int64(7), 7),
    (np.bool_(False), False),
    (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    (np.array([1.0, np.nan, np.inf]), [1.0, None, None]),
    (np.array(["a"]), ["a"]),
    (jnp.arange(3), [0, 1, 2]),
)
"""Values, and what they are in JSON."""

FORMLESS = ({1, 2}, Record, object(), np.array([{}], object), b"x", [{"a": 1j}])
"""Values that have no form in JSON."""


def in_json() -> Iterator[Row]:
    """Values of all kinds as JSON."""
    for value, known in PLAIN:
        text = serialize.to_json({"value": value})
        yield equal(f"{value!r} as JSON", repr(json.loads(text)["value"]), repr(known))
    yield equal("JSON, its lines", serialize.to_json({"a": [1]}), '{\n  "a": [\n    1\n  ]\n}\n')
    for value in FORMLESS:
        try:
            outcome = serialize.to_json(value)
        except Exception as error:
            outcome = type(error).__name__
        name = value if isinstance(value, type) else type(value)
        yield equal(f"a {name.__name__} as JSON", outcome, "TypeError")


def declared() -> Iterator[Row]:
    """Arrays that differ from their declaration: in type, number of axes, length, or by a number that is not finite."""
    floats, whole, text = np.ones((2, 3)), np.ones((2, 3), np.int64), np.full((2, 3), "a")
    cases: tuple[tuple[str, np.ndarray, bool], ...] = (
        ("f", floats, True),
        ("i", whole, True),
        ("U", text, True),
        ("U", np.full((2, 3), "abc"), True),
        ("f", floats.astype(np.float32), False),
        ("f", whole, False),
        ("i", whole.astype(np.int32), False),
        ("i", floats, False),
        ("U", whole, False),
        ("i", text, False),
        ("f", np.where(np.arange(6).reshape(2, 3) == 5, np.nan, floats), False),
        ("f", np.where(np.arange(6).reshape(2, 3) == 5, -np.inf, floats), False),
        ("f", floats[0], False),
        ("f", floats[None], False),
        ("f", np.ones((3, 3)), False),
        ("f", np.ones((2, 4)), True),
        ("f", np.ones((2, 0)), True),
    )
    for kind, array, known in cases:
        lengths = {"two": 2}
        try:
            Field("x", kind, ("two", "new"), lambda stored: stored).check(array, lengths)
            found = True
        except ValueError:
            found = False
        yield equal(f"{array.dtype} {array.shape} {array.flat[-1:]} for {kind}", found, known)
        if known:
            yield equal(f"{array.dtype} {array.shape}, length of a new axis", lengths["new"], array.shape[1])
    lengths = {}
    square = Field("x", "f", ("n", "n"), lambda stored: stored)
    for shape, known in (((3, 2), False), ((3, 3), True)):
        lengths = {}
        try:
            square.check(np.ones(shape), lengths)
            found = True
        except ValueError:
            found = False
        yield equal(f"{shape} for a square", found, known)


def gapped() -> cgcore.Factor:
    """Two blocks of frames with a gap, of which one temperature is known, and a term by species."""
    batch = with_species().join()
    data = cgcore.from_arrays(
        batch.R.astype(float),
        batch.F.astype(float),
        species=np.arange(10) % 3,
        temperature=np.repeat([300.0, 310.0], 4),
        resid=np.r_[:4, 6:12],
        accept_faults=True,
    )
    return cgcore.compress(data, cgcore.Fingerprint.of(small_prior()), blocks=2)


def factors(path: Path, factor: cgcore.Factor) -> Iterator[Row]:
    """Every field of a factor is the same after writing and reading."""
    cgcore.save_factor(path, factor)
    yield equal("factor with gaps, refused", refuses(lambda: cgcore.load_factor(path)), False)
    found = cgcore.load_factor(path)
    yield equal("factor, blocks", f"{len(found.blocks)} {len(factor.blocks)}", "2 2")
    for number, (own, known) in enumerate(zip(found.blocks, factor.blocks, strict=True)):
        differing = [one.name for one in fields(known) if not _same(getattr(own, one.name), getattr(known, one.name))]
        yield equal(f"factor, block {number}, fields that differ", ", ".join(differing), "")
        yield equal(f"factor, block {number}, rows that a gap removes", min(known.broken) > 0, True)
    yield equal("factor, fingerprint", found.fingerprint == factor.fingerprint, True)
    for name in ("counts", "groups"):
        pair = [getattr(one.histograms, name) for one in (found, factor)]
        yield equal(f"factor, {name}", _same(*pair), True)
    yield equal("factor, groups of a term", ", ".join(found.histograms.groups), "repulsive, excluded_volume, turn")
    yield equal("factor, temperatures", str(found.temperatures), "(300.0, 310.0)")
    yield equal("factor, its file", str(found.path), str(path))
    yield equal("factor, checksum of its file", found.sha256, hashlib.sha256(path.read_bytes()).hexdigest())
    with np.load(path) as stored:
        yield equal("factor, pickled arrays", sum(stored[name].dtype.hasobject for name in stored.files), 0)
        older = {name: stored[name] for name in stored.files} | {"format": np.array("cgcore factor 5")}
    write_arrays(path, older)
    yield says(
        "factor of another version", lambda: cgcore.load_factor(path), "is a 'cgcore factor 5', and this version"
    )
    yield says("factor of another version, as frames", lambda: factor_file.frames_of(path), "is a factor, not frames")
    np.savez(path, x=np.ones(3))
    yield says("arrays for a factor", lambda: cgcore.load_factor(path), "is not a factor; make it by `cgcore compress`")
    yield says("a number for frames", lambda: factor_file.frames_of(3), "data is a int; give a Dataset")


def _same(a: Any, b: Any) -> bool:
    if isinstance(b, Mapping):
        return list(a) == list(b) and all(_same(a[name], b[name]) for name in b)
    if isinstance(b, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return a == b and type(a) is type(b)


def meaningless(path: Path, factor: cgcore.Factor) -> Iterator[Row]:
    """Factors that no frames can have produced, one number apart from others that they can."""
    first, last = factor.blocks
    counts, groups = factor.histograms.counts, factor.histograms.groups

    def block(**changed: Any) -> cgcore.Factor:
        return replace(factor, blocks=(replace(first, **changed), last))

    def counted(name: str, *changes: int) -> cgcore.Factor:
        """Other numbers in the fullest bins."""
        own = counts[name].copy()
        own[np.argsort(own)[::-1][: len(changes)]] += changes
        return replace(factor, histograms=replace(factor.histograms, counts={**counts, name: own}))

    def grouped(**changed: np.ndarray) -> cgcore.Factor:
        return replace(factor, histograms=replace(factor.histograms, groups={**groups, **changed}))

    def broken(rows: int) -> cgcore.Factor:
        """Gaps that remove so many bonds of the first block, and as many fewer bonds in the histogram."""
        bonds = sum(one.beads - one.frames for one in factor.blocks) - rows - int(last.broken[0])
        own = np.eye(1, len(counts["bond"]), dtype=int)[0] * bonds
        changed = replace(factor, histograms=replace(factor.histograms, counts={**counts, "bond": own}))
        return replace(changed, blocks=(replace(first, broken=np.array([rows, *first.broken[1:]])), last))

    beads, frames = first.beads, first.frames
    negative = groups["turn"].copy()
    negative[0, 0], negative[0, 1] = -1, negative[0, 1] + 1 + negative[0, 0]
    cases: dict[str, tuple[cgcore.Factor, bool]] = {
        "as it is": (factor, True),
        "a frame twice": (block(ranges=first.ranges[:, :] + [[0, -1]]), True),
        "no frames at all in it": (block(ranges=np.zeros((0, 2), np.int64)), False),
        "an empty range": (block(ranges=np.array([[1, 1], [2, 4]])), False),
        "ranges that overlap": (block(ranges=np.array([[0, 2], [1, 3]])), False),
        "ranges that meet": (block(ranges=np.array([[0, 2], [2, 4]])), True),
        "a negative range": (block(ranges=np.array([[-1, 2]])), False),
        "gaps of more rows than beads": (broken(beads + 1), False),
        "gaps of as many rows as beads": (broken(beads), True),
        "halves of beads": (
            replace(factor, blocks=(replace(first, beads=beads + 2), replace(last, beads=last.beads - 2))),
            False,
        ),
        "a gap of a row more": (block(broken=first.broken + np.array([1, 0, 0])), False),
        "number 0": (block(index=0), True),
        "an infinite weight": (block(weight=np.inf), False),
        "more beads": (block(beads=beads + frames), False),
        "a bead too many": (block(beads=beads + 1), False),
        **{f"a {name} more": (counted(name, 1), False) for name in ("bond", "angle")},
        **{f"a {name} less": (counted(name, -1), False) for name in ("bond", "angle", "dihedral")},
        **{f"a {name} elsewhere": (counted(name, 1, -1), True) for name in ("bond", "angle", "dihedral")},
        "as many dihedrals as angles": (counted("dihedral", factor.frames), True),
        "more dihedrals than angles": (counted("dihedral", factor.frames + 1), False),
        "a negative number of angles of a group": (grouped(turn=negative), False),
        "closest pairs of a frame more": (grouped(repulsive=groups["repulsive"] + np.eye(1, 400, dtype=int)), False),
        "closest pairs of fewer frames": (grouped(repulsive=0 * groups["repulsive"]), True),
    }  # fmt: skip
    for case, (one, known) in cases.items():
        cgcore.save_factor(path, one)
        yield equal(f"a factor, {case}, is read", not refuses(lambda: cgcore.load_factor(path)), known)


def splines(path: Path) -> Iterator[Row]:
    """Files of splines of which a part for species is missing, and others with more."""
    arrays = drawn().given.arrays()
    typed = [name for name in arrays if "_type_" in name]
    yield equal("splines, arrays for species", len(typed), 3)
    for name in ("nothing", *typed):
        kept = {key: array for key, array in arrays.items() if key != name}
        write_arrays(path, kept | {"other": np.ones(3)})
        found = read_splines(path)
        yield equal(f"splines without {name}, for species", found.angle_types is not None, name == "nothing")
    wrong = {"angle_knots": arrays["angle_knots"][::-1].copy()}
    write_arrays(path, {**arrays, **wrong})
    yield says("splines that are wrong, the file is named", lambda: read_splines(path), f"{path}: ")
