"""Frames that are read in several blocks, boxes in every form, and what a judgement says."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.data import contents, locate_overlap
from cgcore.data.boxes import box_vectors
from cgcore.data.splitting import number_ranges
from cgcore.judging import judge
from validation.check import Row, at_most, check, equal, refusal, says
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import Arrays, bonds, chain, changed, equilibrium, of, with_bond
from validation.stored.written_formats import CELL, NM, lengths_and_angles
from validation.tolerances import relative

FRAMES, BEADS, SHORT = 5, 30_000, 29_990
"""Frames so wide that at most two of them are read together, and the beads of the short one."""

SHORTER = 3
"""The frame that has padding."""


@check("data-blocks", quick=True)
def data_blocks(context: Context) -> Iterator[Row]:
    """Places in later blocks of frames, boxes in every form, numbers of a judgement, and its refusal in words."""
    with tempfile.TemporaryDirectory() as name:
        yield from _blocks(Path(name))
        yield from _refused(Path(name))
    yield from _boxes()
    yield from _chains()
    yield from _ranges()
    yield from _judged()


def _wide() -> Arrays:
    R, F = chain(np.random.default_rng(0), FRAMES, BEADS, 3.8, 0.06, 20.0)
    mask = np.arange(BEADS) < np.where(np.arange(FRAMES) == SHORTER, SHORT, BEADS)[:, None]
    return {"R": R, "F": F, "mask": mask, "species": np.tile(np.arange(BEADS) % 7, (FRAMES, 1))}


def _blocks(folder: Path) -> Iterator[Row]:
    """Frames of all blocks, joined, written, counted and judged."""
    wide = _wide()
    mask = wide["mask"]
    np.savez(folder / "a.npz", **wide)
    data = cgcore.read(folder / "a.npz")
    data.write(folder / "b.npz")
    with np.load(folder / "b.npz") as written:
        found, joined = dict(written), data.join()
    for key in ("R", "F", "species", "mask"):
        known = np.where(mask[..., None] if key in "RF" else mask, wide[key], 0)
        yield equal(f"{key}, joined", np.array_equal(getattr(joined, key), known), True)
        yield equal(f"{key}, written", np.array_equal(found[key], known), True)
    kinds, counts = np.unique(wide["species"][mask], return_counts=True)
    known = dict(zip(kinds.tolist(), counts.tolist(), strict=True))
    yield equal("species", str(contents.species_of(data)), str(known))
    lengths = [one.length for one in contents.proteins_of(data)]
    yield equal("proteins", str((data.sources[0].protein.tolist(), lengths)), str(([0, 0, 0, 1, 0], [BEADS, SHORT])))
    overlapping = wide["R"].copy()
    overlapping[4, 9] = overlapping[4, 1]
    overlap = locate_overlap(of(wide | {"R": overlapping}))
    yield equal("overlap", "beads 1 and 9 of frame 4" in str(overlap), True)

    R, F = wide["R"].copy(), wide["F"].copy()
    R[4], F[2, 12:] = R[1], 0.0
    judged = judge(of(with_bond(wide | {"R": R, "F": F}, 2, 5, 9.0)))
    found = [(one.code, one.frames, one.beads) for one in judged.findings]
    known = [("bond", (2,), (5, 6)), ("zero beads", (2,), ()), ("duplicates", (4,), ())]
    yield equal("findings", str(found), str(known))
    rms = np.sqrt(np.sum((F * mask[..., None]) ** 2, axis=(1, 2)) / (3 * mask.sum(axis=1)))
    yield at_most("forces of each frame", relative(judged.sources[0].force_rms, rms), 1e-12, "relative")


def _refused(folder: Path) -> Iterator[Row]:
    """Places of problems in the last frames, in memory and in a file."""
    wide = _wide()
    for key, place, value, words in (
        ("R", (4, 7, 1), np.nan, "key 'R' is nan at frame 4, bead 7"),
        ("F", (3, 8, 2), np.inf, "key 'F' is inf at frame 3, bead 8"),
        ("R", (SHORTER, SHORT, 0), np.nan, "accepted"),
        ("F", (SHORTER, SHORT, 0), np.inf, "accepted"),
        ("mask", (4, 6), 0, "key 'mask' at frame 4 (0-based) has padding before a real bead"),
        ("mask", (4, BEADS - 1), 0, "accepted"),
        ("species", (4, 11), 1.5, "key 'species' is 1.5 at frame 4, bead 11"),
        ("species", (SHORTER, SHORT), 1.5, "accepted"),
    ):
        array = wide[key].astype(float)
        array[place] = value
        arrays = wide | {key: array}
        np.savez(folder / "c.npz", **arrays)
        yield says(f"{value} in {key}, {place}", partial(of, arrays), words)
        yield says(f"{value} in {key}, {place}, in a file", partial(cgcore.read, folder / "c.npz"), words)
    R = wide["R"].copy()
    R[4, 3] = R[4, 2]
    yield says("beads at one place", partial(of, wide | {"R": R}), "has beads 2 and 3 of frame 4 (0-based)")


def _boxes() -> Iterator[Row]:
    """Boxes as lengths, lengths and angles, or vectors, for all frames or for each; none; and none that can be."""
    full = np.array([[40.0, 13.0, 14.0], [15.0, 40.0, 13.0], [14.0, 16.0, 40.0]])
    lengths = np.array([[30.0, 40.0, 50.0], [31.0, 41.0, 51.0], [32.0, 42.0, 52.0], [33.0, 43.0, 53.0]])
    angles = np.tile(lengths_and_angles(CELL), (4, 1)) * np.array([[1.0], [1.1], [1.2], [1.3]]) ** ([1] * 3 + [0] * 3)
    cells = CELL * np.array([1.0, 1.1, 1.2, 1.3])[:, None, None]
    upright = np.eye(3) * lengths[:, None]
    cases: list[tuple[str, Any, int, Array | None]] = [
        ("one length", 30.0, 4, 30.0 * np.eye(3)[None]),
        ("one length in a list", [30.0], 1, 30.0 * np.eye(3)[None]),
        ("three lengths", lengths[1], 4, upright[1:2]),
        ("three lengths in a row", lengths[1:2], 4, upright[1:2]),
        ("lengths of each frame", lengths, 4, upright),
        ("lengths of each of three frames", full, 3, np.eye(3) * full[:, None]),
        ("lengths and angles", lengths_and_angles(CELL), 4, CELL[None]),
        ("lengths and angles of each frame", angles, 4, cells),
        ("right angles", [30.0, 40.0, 50.0, 90.0, 90.0, 90.0], 1, upright[:1]),
        ("vectors above 0", full, 1, full[None]),
        ("vectors", CELL, 3, CELL[None]),
        ("vectors of each frame", cells, 4, cells),
        ("one length of 0", 0.0, 1, None),
        ("three lengths of 0", np.zeros(3), 4, None),
        ("no lengths of any frame", np.zeros((4, 3)), 4, None),
        ("no lengths and angles", np.zeros(6), 1, None),
        ("no vectors", np.zeros((3, 3)), 1, None),
    ]
    for name, value, frames, known in cases:
        # Angles have no unit of length.
        for factor in (1.0,) if "angles" in name else (1.0, NM):
            found = _found(np.asarray(value) / factor, frames, factor)
            label = f"box, {name}{', in nm' * (factor > 1)}"
            if found is None or known is None:
                yield equal(label, (found is None, known is None) == (True, True), True)
            else:
                yield at_most(label, relative(found, known), 1e-12, "relative")
    several = "three vectors as rows, for all frames or for each of 4"
    for name, value, frames, words in (
        ("of other frames", lengths[:2], 4, several),
        ("vectors of other frames", cells[:2], 4, several),
        ("of two lengths", [30.0, 40.0], 1, "box has shape (2,); give three finite lengths above 0"),
        ("in words", "wide", 1, "box is 'wide'; give three lengths"),
        ("negative", [[30.0, 40.0, 50.0]] * 3 + [[30.0, -40.0, 50.0]], 4, several),
        ("infinite", np.inf, 1, "give three finite lengths above 0"),
        ("in nm", [3.0, 4.0, 5.0], 1, "box is only 3 Å thick, too thin for a protein"),
        ("thin in one frame", np.where(lengths == 41.0, 5.0, lengths), 4, "box is only 5 Å thick"),
        ("one of zeros", np.where(lengths > 32.5, 0.0, lengths), 4, "box is only 0 Å thick"),
        ("flat", CELL * [[1.0], [1.0], [0.1]], 1, f"box is only {5.0:.3g} Å thick"),
    ):
        yield says(f"box {name}", partial(box_vectors, "box", value, frames), words)


def _found(value: Array, frames: int, factor: float) -> Array | None:
    """Box vectors; not a number if they are refused."""
    try:
        return box_vectors("box", value, frames, factor)
    except cgcore.InputError:
        return np.full((1, 3, 3), np.nan)


def _chains() -> Iterator[Row]:
    """Chains of which each bead is in any image of a box: each whole chain is as near as possible to those before."""
    rng = np.random.default_rng(4)
    lengths, parts = np.array([40.0, 45.0, 50.0]), [slice(0, 5), slice(5, 9), slice(9, 15)]
    R, F = chain(rng, 6, 15, 3.8, 0.06, 20.0)
    for part in parts:
        R[:, part] += rng.uniform(-60, 60, (6, 1, 3))
    given = R + rng.integers(-1, 2, R.shape) * lengths
    images = np.stack(np.meshgrid(*[np.arange(-6, 7)] * 3), axis=-1).reshape(-1, 3) * lengths
    known = R.copy()
    known[:, parts[0]] += (given - R)[:, :1]
    for part in parts[1:]:
        apart = (known[:, part].mean(axis=1) - known[:, : part.start].mean(axis=1))[:, None] + images
        nearest = np.argmin(np.sum(apart**2, axis=-1), axis=1)
        known[:, part] += images[nearest][:, None]
    data = cgcore.from_arrays(given, F, chain=np.repeat([0, 1, 2], [5, 4, 6]), box=lengths)
    yield at_most("chains in a box", relative(data.join().R, known), 1e-12, "relative")


def _ranges() -> Iterator[Row]:
    for name, numbers, known in (
        ("sorted", [3, 4, 5, 9], [[3, 6], [9, 10]]),
        ("unsorted, twice", [9, 4, 3, 4, 5], [[3, 6], [9, 10]]),
        ("one", [7], [[7, 8]]),
        ("none", [], []),
    ):
        yield equal(f"ranges, {name}", str(number_ranges(np.array(numbers, np.int64)).tolist()), str(known))


def _judged() -> Iterator[Row]:
    """Numbers of a judgement, its record, and the sentence with which data are refused."""
    good = equilibrium()
    bad = changed(good, "F", [4], 0.0)
    one = judge(of(bad)).findings[0].text
    end = "; --accept-faults fits to them as they are"
    yield equal("refused, one problem", refusal(judge(of(bad)).require_right) or "", f"arrays: {one}{end}")
    first, second = of(good).sources[0], of(bad).sources[0]
    both = cgcore.Dataset((first, cgcore.from_arrays(**bad, name="late").sources[0]), "two", "", (), "angstrom-kcal")
    words = f"two: late: {one}{end}"
    yield equal("refused, in the second source", refusal(judge(both).require_right) or "", words)
    yield equal("accepted", str(refusal(judge(of(good)).require_right)), "None")
    unit = judge(of(changed(good | {"F": good["F"] * 4.184}, "F", [4], np.nan_to_num(good["F"][4] * 4.184))))
    left = [one.code for one in unit.without_equipartition().findings]
    yield equal("without equipartition", str(([one.code for one in unit.findings], left)), str((["unit"], [])))
    left = [one.code for one in judge(of(bad)).without_equipartition().findings]
    yield equal("without equipartition, other findings", str(left), str(["zero forces"]))

    plain = {key: array for key, array in good.items() if key != "temperature"}
    for name, said, given, kelvin in (
        ("none", None, None, 300.0),
        ("given", None, 250.0, 250.0),
        ("of the data", 310.0, 250.0, 310.0),
        ("of each frame", np.where(np.arange(90) < 45, 300.0, 340.0), None, 320.0),
        ("not all valid", np.where(np.arange(90) < 45, 0.0, 340.0), 250.0, 340.0),
        ("none valid", np.full(90, np.nan), 250.0, 250.0),
    ):
        judged = judge(of(plain if said is None else plain | {"temperature": said}), given)
        yield equal(f"temperature, {name}", judged.sources[0].temperature, kelvin)
    rigid = chain(np.random.default_rng(1), 30, 6, 3.8, 0.06, 20.0)[1]
    line = np.tile(3.75 * np.arange(6)[:, None] * np.eye(3)[1], (30, 1, 1)) + np.arange(30)[:, None, None]
    record = judge(of({"R": line, "F": rigid})).as_dict()
    known = {"source": "arrays", "temperature": 300.0, "kr_var_over_kT": None, "median_bond": 3.75}
    yield equal("record of rigid bonds", str((record["sources"][0], record["findings"])), str((known, [])))
    apart = judge(of({"R": line, "F": rigid, "bonds": np.array([[0, 1], [3, 4]])})).as_dict()["sources"][0]
    yield equal("record of two bonds", str(apart["median_bond"]), "3.75")
    alone = judge(of({"R": line[:, :2], "F": rigid[:, :2], "chain": np.array([0, 1])})).as_dict()["sources"][0]
    yield equal("record without bonds", str(alone["median_bond"]), "None")
    median = float(np.median(bonds(good, np.arange(90)[np.arange(90) % 3 != 1], 12)))
    own = judge(of({key: good[key][np.arange(90) % 3 != 1] for key in ("R", "F", "mask")})).sources[0]
    yield at_most("median bond", abs(own.median_bond / median - 1), 1e-12, "relative")
    part = judge(cgcore.Dataset((second.select(np.array([4, 40, 41])),), "part", "", (), "angstrom-kcal"))
    numbers = part.sources[0].frames.tolist(), [one.frames for one in part.findings]
    yield equal("frames of a part", str(numbers), str(([4, 40, 41], [(4,)])))
    long = np.arange(90)[np.arange(90) % 3 != 1]
    odd = with_bond(with_bond(good, long[[3, 8]], 2, np.array([1.4, 2.2]) * median), long[5], 6, 1.7 * median)
    said = judge(of(odd)).findings[0]
    yield equal("the worst of several bonds", str((said.code, said.beads)), str(("bond", (2, 3))))
    yield equal("the worst frame", f"of frame {long[8]} are {2.2 * median:.4g} Å" in said.text, True)
    yield from _many(line, rigid)


def _many(line: Array, F: Array) -> Iterator[Row]:
    """Many frames with a problem: all are counted, 1000 recorded; 0 and -0 are equal."""
    R = line[:1, :2] + 0.01 * np.arange(1100)[:, None, None]
    forces = np.tile(F[:1, :2], (1100, 1, 1)) * (1 + 0.001 * np.arange(1100))[:, None, None]
    forces[20:1070] = 0.0
    found = next(one for one in judge(of({"R": R, "F": forces})).findings if one.code == "zero forces")
    said = found.code, len(found.frames), found.frames[0], found.frames[-1]
    yield equal("many frames", str(said), str(("zero forces", 1000, 20, 1019)))
    words = "in 1,050 of 1,100 frames (frames 20, 21, 22, 23, 24 and 1,045 more)"
    yield equal("many frames, in words", words in found.text, True)
    twice = np.stack([line[0], line[0] + 1.0, line[0]])
    twice[2] = np.where(twice[2] == 0, -0.0, twice[2])
    for kind in (np.float64, np.float32):
        for beads in (5, 6):
            arrays = {"R": twice[:, :beads].astype(kind), "F": F[:3, :beads].astype(kind)}
            found = [(one.code, one.frames) for one in judge(of(arrays)).findings]
            yield equal(f"0 and -0 of {beads} beads, {kind.__name__}", str(found), str([("duplicates", (2,))]))
