"""Data sets: what a choice of frames keeps, how files are stored, rows that are read, checksums, and units in words."""

from __future__ import annotations

import hashlib
import inspect
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from cgcore import InputError, from_arrays, read
from cgcore.data import npz, units
from cgcore.data.formats import table
from validation.check import Row, at_most, check, equal, says
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import Arrays, chain
from validation.stored.written_formats import BOHR, EV, HARTREE, KJ, NM
from validation.tolerances import relative

FRAMES, BEADS = 9, 6

FACTORS: dict[str, tuple[float, float, str]] = {
    "angstrom-kcal": (1.0, 1.0, "Å and kcal/mol/Å"),
    "nm-kj": (NM, KJ / NM, "nm and kJ/mol/nm"),
    "angstrom-kj": (1.0, KJ, "Å and kJ/mol/Å"),
    "angstrom-ev": (1.0, EV, "Å and eV/Å"),
    "nm-kcal": (NM, 1 / NM, "nm and kcal/mol/nm"),
    "pm-kj": (0.01, KJ / 0.01, "pm and kJ/mol/pm"),
    "bohr-hartree": (BOHR, HARTREE / BOHR, "bohr and hartree/bohr"),
    "nm-kj-per-angstrom": (NM, KJ, "nm and kJ/mol/Å"),
    "angstrom-ev-per-nm": (1.0, EV / NM, "Å and eV/nm"),
}
"""Names of units, the factors of positions and forces, and the units in words."""

SAID: dict[tuple[str | None, str | None], str | None] = {
    (None, None): None,
    ("angstrom", "kilocalorie/mole/angstrom"): "angstrom-kcal",
    ("nm", "kJ mol-1 nm-1"): "nm-kj",
    ("Nanometers", None): "nm-kcal",
    (None, "kJ/mol/nm"): "nm-kj",
    ("Å", "eV/Å"): "angstrom-ev",
    ("nm", "kJ mol-1 Angstrom-1"): "nm-kj-per-angstrom",
    ("a0", "hartree/bohr"): "bohr-hartree",
    ("pm", "kcal/mol/Angstrom"): "pm-kcal-per-angstrom",
}
"""Units of positions and forces as files state them, and their name."""

KINDS: dict[tuple[str, str, str], str] = {
    ("f4", "f4", "angstrom-kcal"): "float32",
    ("f2", "f4", "angstrom-kcal"): "float32",
    ("f4", "f8", "angstrom-kcal"): "float64",
    ("f8", "f4", "angstrom-kcal"): "float64",
    ("f4", "f4", "angstrom-kj"): "float64",
    ("f4", "i4", "angstrom-kcal"): "float64",
    (">f4", ">f4", "angstrom-kcal"): "float32",
    (">f8", ">f8", "angstrom-kcal"): "float64",
}
"""Kinds of stored positions and forces, their units, and the kind in which they are loaded."""


@check("data-sets", quick=True)
def data_sets(context: Context) -> Iterator[Row]:
    """What selections of frames keep, ways to store arrays, rows that are read, checksums, kinds of numbers, units."""
    rng = np.random.default_rng(0)
    R, F = chain(rng, FRAMES, BEADS, 3.8, 0.06, 20.0)
    arrays: Arrays = {"R": R, "F": F}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from _options(folder, arrays)
        yield from _selections(folder, arrays)
        yield from _stored(folder, arrays)
        yield from _rows(folder, arrays)
        yield from _skipped(folder, arrays)
        yield from _sums(folder, arrays)
    yield from _kinds(arrays)
    yield from _units()


def _saved(path: Path, **arrays: Array) -> Path:
    np.savez(path, allow_pickle=False, **arrays)
    return path


def _options(folder: Path, arrays: Arrays) -> Iterator[Row]:
    """What is given beside the arrays is kept, also by a choice of their frames."""
    path = _saved(folder / "a.npz", **arrays)
    for way, make in (("arrays", partial(from_arrays, **arrays)), ("a file", partial(read, path))):
        for accepted in (True, False):
            data = make(accept_faults=accepted, units="angstrom-kj", box=[40.0, 50.0, 60.0])
            for name, one in (("all", data), ("drawn", data.subset(4)), ("fitted", data.split(0.3)[0]),
                              ("at a temperature", data.at(300.0))):  # fmt: skip
                found = one.accept_faults, one.units, one.box
                known = accepted, "angstrom-kj", (40.0, 50.0, 60.0)
                yield equal(f"{way}, {name}, faults accepted: {accepted}", str(found), str(known))
        yield equal(f"{way}, a cubic box", str(make(box=45.0).box), "45.0")
        yield equal(f"{way}, no box", str(make().box), "None")


def _selections(folder: Path, arrays: Arrays) -> Iterator[Row]:
    """Two sources, of which one has weights and a gap; proteins of a single frame; a record of the choice."""
    rng = np.random.default_rng(1)
    weights, jumps = rng.uniform(0.5, 2.0, (FRAMES, BEADS)), np.array([1, 2, 3, 7, 8, 9])
    mask = np.arange(BEADS) < np.where(np.arange(FRAMES) == 4, BEADS - 1, BEADS)[:, None]
    first = arrays | {"bead_weights": weights, "resid": jumps, "mask": mask, "temperature": np.array(320.0)}
    second = {key: value[:5, :4] + 0.25 for key, value in arrays.items()}
    data = read([_saved(folder / "b.npz", **first), _saved(folder / "c.npz", **second)])
    n, real = FRAMES + 5, FRAMES * BEADS - 1
    yield equal("in words", f"{n} frames, {BEADS} beads a row, {real + 20} real beads, 2 sources" in repr(data), True)
    padded = np.zeros((n, BEADS))
    padded[:FRAMES], padded[FRAMES:, :4] = weights * mask, 1.0
    yield at_most("weights", relative(data.weights(), padded), 0, "relative")
    sums = [source.total_weight for source in data.sources]
    yield at_most("sums of weights", relative(sums, [padded[:FRAMES].sum(), 20.0]), 1e-14, "relative")
    sites = data.sites()
    steps = [np.diff(sites[k, :4]).tolist() for k in (0, 4, n - 1)] if sites is not None else []
    yield equal("sites", str(steps), str([[1, 1, 4], [1, 1, 4], [1, 1, 1]]))
    yield equal("at a temperature", str((data.at(280.0).temperatures, data.temperatures)), str(((280.0,), (320.0,))))
    yield equal("no choice", data.subset(None) is data and data.split(0.0) == (data, None), True)

    fitted, held = data.split(0.3)  # 8 frames of a protein, one frame of another, and 5 of a third
    own = [0, 1, 2, 3, 5, 6, 7, 8]
    known = [sorted([*own[:6], 4]), own[6:], [0, 1, 2], [3, 4]]  # rounded to even: 0.3 * 5 frames are 2
    found = [[k.frame_numbers.tolist() for k in one.sources] for one in (fitted, held or fitted)]
    yield equal("split", str([found[0][0], found[1][0], found[0][1], found[1][1]]), str(known))
    ranges = {"b.npz": [[7, 9]], "c.npz": [[3, 5]]}
    yield equal("ranges", str((held or data).frame_ranges()), str(ranges))
    yield equal("split of single frames", str(data.subset(1).split(0.5)[1]), "None")
    alone = from_arrays(**{key: array[:2] for key, array in arrays.items()}, mask=mask[3:5])
    train, rest = alone.split(0.5)
    yield equal("split of two proteins of one frame", str((train.n_frames, rest)), str((2, None)))
    for label, drawn, seed in (("all", data, None), ("all, a limit", data.subset(50, seed=6), None),
                               ("drawn", data.subset(12, seed=6), 6)):  # fmt: skip
        numbers = [(k, x) for k, one in enumerate(drawn.sources) for x in one.frame_numbers.tolist()]
        total = len(numbers)
        order = np.arange(total) if seed is None else np.random.default_rng((seed, total)).permutation(total)
        last = sorted(numbers[k] for k in order[total - (total - round(0.6 * total)) :])
        rest = drawn.split(0.4, "last_rows")[1]
        found = (
            [(int(one.source == "c.npz"), x) for one in rest.sources for x in one.frame_numbers.tolist()]
            if rest
            else []
        )
        yield equal(f"last rows of {label}", str(found), str(last))
        choice = tuple((rest or drawn).choice)
        said = (None, 0) if label == "all" else (50 if seed is None else 12, 6)
        yield equal(f"last rows of {label}, record", str(choice), str((*said, 0.4, "last_rows")))


def _stored(folder: Path, arrays: Arrays) -> Iterator[Row]:
    """Orders of bytes and of dimensions, compression, and arrays of one row for all frames."""
    kinds = np.array([3, 1, 2, 2, 0, 1])
    numbers = np.arange(1, BEADS + 1)
    ways: dict[str, Arrays] = {
        "as usual": {},
        "other bytes": {key: array.astype(">f8") for key, array in arrays.items()},
        "columns first": {key: np.asfortranarray(array) for key, array in arrays.items()},
        "columns first, other bytes": {key: np.asfortranarray(array.astype(">f8")) for key, array in arrays.items()},
        "single precision": {key: array.astype(np.float32) for key, array in arrays.items()},
        "one row each": {"species": kinds, "mask": np.ones((1, BEADS)), "resid": numbers[None]},
        "as a row": {"species": kinds[None], "mask": np.ones(BEADS)},
        "of each frame": {"species": np.tile(kinds, (FRAMES, 1)), "mask": np.ones((FRAMES, BEADS), bool)},
    }
    for way, change in ways.items():
        for save in (np.savez, np.savez_compressed):
            written = {"species": kinds} | arrays | change
            save(folder / "d.npz", allow_pickle=False, **written)
            name = f"{way}, {save.__name__}"
            yield says(f"{name}, read", partial(read, folder / "d.npz"), "accepted")
            data = read(folder / "d.npz")
            found = data.join()
            same = np.array_equal(found.R, written["R"]) and np.array_equal(found.F, written["F"])
            yield equal(name, same and bool((found.species == kinds).all() and found.mask.all()), True)
            some = data.sources[0].species(np.array([5, 2]))
            yield equal(f"{name}, species of some", some is not None and bool((some == kinds).all()), True)


def _rows(folder: Path, arrays: Arrays) -> Iterator[Row]:
    """Rows of an array in its file, by every kind of index, against NumPy; loaded arrays are copies."""
    data = read(_saved(folder / "e.npz", **arrays))
    indices: dict[str, Any] = {
        "a slice": slice(2, 7), "a step": slice(1, None, 3), "backwards": slice(None, None, -2),
        "an empty slice": slice(5, 2), "numbers": np.array([7, 0, 3, 4, 5, 5]), "from the end": np.array([-1, -9, 2]),
        "flags": np.arange(FRAMES) % 4 == 1, "none": np.zeros(0, int), "consecutive": np.arange(3, 8),
    }  # fmt: skip
    chosen = data.sources[0].select(np.array([8, 6, 0, 1, 2, 3, 4, 5, 7]))
    order = chosen.frame_numbers
    for name, rows in indices.items():
        yield equal(f"rows by {name}", np.array_equal(data.sources[0].store.R[rows], arrays["R"][rows]), True)
        ours = chosen.load(rows)
        known = [arrays[key][order][rows] for key in "RF"]
        yield equal(f"selected rows by {name}", all(map(np.array_equal, ours, known)), True)
    for name, rows in (("too large", np.array([0, FRAMES])), ("too small", np.array([-FRAMES - 1])),
                       ("too few flags", np.ones(4, bool)), ("fractions", np.array([1.0]))):  # fmt: skip
        try:
            found = str(data.sources[0].store.R[rows].shape)
        except IndexError:
            found = "refused"
        yield equal(f"rows that are {name}", found, "refused")
    given = {key: array.copy() for key, array in arrays.items()}
    loaded = from_arrays(**given).sources[0].load(slice(None))
    for array in loaded:
        array += 1.0
    yield equal("arrays that were given stay", all(np.array_equal(given[key], arrays[key]) for key in "RF"), True)


def _skipped(folder: Path, arrays: Arrays) -> Iterator[Row]:
    """Arrays that no computation needs, up to a size each and together; those that tell bonds are never skipped."""
    more = {"resid": np.arange(1, BEADS + 1), "small": np.arange(90), "large": np.arange(110), "last": np.arange(80)}
    path = _saved(folder / "f.npz", **arrays, **more)
    size = {key: 128 + array.nbytes for key, array in more.items()}  # with the header of an NPY file
    place = inspect.unwrap(table.open_npz).__globals__
    for name, one, together, skipped in (
        ("no limit", 10**6, 10**6, ()),
        ("a limit of one", size["small"], 10**6, ("large",)),
        ("a limit of one, all but a byte", size["small"] - 1, 10**6, ("small", "large")),
        ("a limit of all", 10**6, size["small"] + size["large"], ("last",)),
        ("no room", 1, 1, ("small", "large", "last")),
    ):
        with patch.dict(place, EXTRA_LIMIT=one, EXTRAS_LIMIT=together):
            data = read(path)
        yield equal(f"skipped, {name}", str(data.skipped_keys), str(skipped))
        kept = {key for key in more if key not in skipped}
        yield equal(f"kept, {name}", str(sorted(data.sources[0].extras)), str(sorted(kept)))
    with patch.dict(inspect.unwrap(npz._structure).__globals__, STRUCTURE_LIMIT=more["resid"].nbytes - 1):
        yield says("numbers of residues that are too large", partial(read, path), "key 'resid' is larger than")
    yield from _raw(folder / "g.npz", arrays)


def _raw(path: Path, arrays: Arrays) -> Iterator[Row]:
    """Names of projections are read only if there are no others."""
    renamed = {"coords": arrays["R"], "Fs": arrays["F"]}
    noted = read(_saved(path, **renamed)).notes
    yield equal("projections, noted", "keys 'coords' read as 'R'" in "".join(noted), True)
    both = read(_saved(path, **arrays, coords=arrays["R"] + 1.0, Fs=-arrays["F"]))
    yield equal("projections beside frames", np.array_equal(both.join().R, arrays["R"]) and not both.notes, True)
    yield says("half of a projection", partial(read, _saved(path, coords=arrays["R"])), "key 'R' is missing")


def _sums(folder: Path, arrays: Arrays) -> Iterator[Row]:
    """Checksums: of a file its own, of several files and of folders that of their names and sums."""
    place = folder / "sums"
    place.mkdir()
    paths = [_saved(place / f"{k}.npz", R=arrays["R"] + k, F=arrays["F"]) for k in range(2)]
    sums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    lines = b"".join(f"{path.name}\0{one}\n".encode() for path, one in zip(paths, sums, strict=True))
    yield equal("checksum of a file", read(paths[1]).sha256, sums[1])
    many = {key: np.tile(arrays[key], (600, 1, 1)) for key in ("R", "F")}  # 1.6 MB, hashed in pieces of 0.5 MiB
    for save in (np.savez, np.savez_compressed):
        save(folder / "large.npz", allow_pickle=False, **many)
        known = hashlib.sha256((folder / "large.npz").read_bytes()).hexdigest()
        yield equal(f"checksum of a file of several pieces, {save.__name__}", read(folder / "large.npz").sha256, known)
    for way, given in (("two files", paths), ("a folder", place)):
        yield equal(f"checksum of {way}", read(given).sha256, hashlib.sha256(lines).hexdigest())
    yield equal("checksum of each", str([one.sha256 for one in read(place).sources]), str(sums))
    paths[1].unlink()
    known = hashlib.sha256(f"0.npz\0{sums[0]}\n".encode()).hexdigest()
    yield equal("checksum of a folder of one file", read(place).sha256, known)
    known = hashlib.sha256(arrays["R"].tobytes() + arrays["F"].tobytes()).hexdigest()
    yield equal("checksum of arrays", from_arrays(**arrays).sha256, known)


def _kinds(arrays: Arrays) -> Iterator[Row]:
    """Single precision only if nothing is lost."""
    for (R, F, unit), known in KINDS.items():
        data = from_arrays(arrays["R"].astype(R), (100 * arrays["F"]).astype(F), units=unit)
        found = {array.dtype.name for array in (*data.sources[0].load(slice(None)), *data.join()[:2])}
        yield equal(f"{R} and {F} in {unit}", ", ".join(sorted(found)), known)


def _units() -> Iterator[Row]:
    """Factors and words of units, and names of the units that files state."""
    for name, (length, force, words) in FACTORS.items():
        yield at_most(f"{name}, factors", relative(np.divide(units.factors(name), (length, force)), (1, 1)), 1e-8)
        yield at_most(f"{name}, energy", abs(units.energy_factor(name) / _energy(name) - 1), 1e-8, "relative")
        yield equal(f"{name}, in words", units.in_words(name), words)
    for name in ("nm", "nm-kj-per-", "furlong-kcal", "nm-erg", "nm-kj-per-furlong", "nm-kj-per-pm"):
        known = "accepted" if name in ("nm-kj-per-", "nm-kj-per-pm") else "are not known; choose one of angstrom-kcal"
        yield says(f"units {name}", partial(units.factors, name), known)
    for said, known in SAID.items():
        yield equal(f"stated units {said}", str(units.units_said(*said)), str(known))
    for said in (("furlong", "kcal/mol/nm"), ("nm", "kcal/mol"), ("nm", "erg/nm"), ("nm or pm", None), (None, "nm")):
        try:
            found = str(units.units_said(*said))
        except InputError as error:
            found = str(error)
        words = " and ".join(repr(one) for one in said if one is not None)
        known = f"the file states units {words}, which are not known; give --units"
        yield equal(f"stated units {said}", found, known)


def _energy(name: str) -> float:
    return {"kcal": 1.0, "kj": KJ, "ev": EV, "hartree": HARTREE}[name.split("-")[1]]
