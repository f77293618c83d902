"""Files of frames: damaged, incomplete, pickled, changed while in use, and files of splines."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.spline_file import read_splines
from validation.refused.frames import Arrays, frames
from validation.refused.place import NAN, Place, Work, ending_with

Save = Callable[..., None]


def places(folder: Path) -> Iterator[Place]:
    """Every place where a file of frames or splines enters, written into `folder`."""
    for name, save in {"NPZ files": np.savez, "compressed NPZ files": np.savez_compressed}.items():
        yield _archives(name, save, folder / "frames.npz")
    yield _boxes(folder / "boxes.npz")
    yield _changed(folder / "changed.npz")
    yield _paths(folder)
    yield _splines(folder / "splines.npz")


def _archives(name: str, save: Save, path: Path) -> Place:
    plain = frames()
    save(path, **plain)
    content = path.read_bytes()

    def written(arrays: Arrays, **more: Any) -> Work:
        return lambda: (save(path, **arrays, **more), cgcore.read(path))

    def raw(content: bytes) -> Work:
        return lambda: (path.write_bytes(content), cgcore.read(path))

    def flipped(at: int) -> Work:
        return raw(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])

    def without(key: str) -> Arrays:
        return {name: array for name, array in plain.items() if name != key}

    good = {
        "as written": raw(content),
        "a temperature": written(plain, temperature=310.0),
        "an object array that is not needed": written(plain, notes=np.array([{}], object)),
        "no species": written(without("species")),
        "no mask": written(without("mask")),
    }
    bad = {
        "no R": written(without("R")),
        "no F": written(without("F")),
        "no arrays": written({}),
        "another N_max": written(plain, N_max=9),
        "a byte less": raw(content[:-1]),
        "no bytes": raw(b""),
        "a pickle": raw(b"\x80\x04N."),
        "text": raw(b"R and F"),
    }
    bad |= {f"{k} of 8 parts": raw(content[: len(content) * k // 8]) for k in range(1, 8)}
    # In the arrays themselves: R is the first in the file, F the second; the list of arrays is at its end.
    bad |= {f"a bit flipped at {k} of 8": flipped(len(content) * k // 8) for k in (1, 2, 3, 4)}
    bad |= {f"pickled {key}": written({**plain, key: np.array([{}], object)}) for key in plain}
    twice, member = io.BytesIO(), io.BytesIO()
    np.save(member, plain["R"])
    with zipfile.ZipFile(twice, "w") as archive:
        for key in ("R", "F"):
            archive.writestr(f"{key}.npy", member.getvalue())
        good["members written one by one"] = raw(_closed(archive, twice))
    short = io.BytesIO()
    with zipfile.ZipFile(short, "w") as archive:
        archive.writestr("R.npy", member.getvalue()[:-8])
        archive.writestr("F.npy", member.getvalue())
        bad["an array shorter than its header says"] = raw(_closed(archive, short))
    return Place(name, good, bad)


def _closed(archive: zipfile.ZipFile, content: io.BytesIO) -> bytes:
    archive.close()
    return content.getvalue()


def _boxes(path: Path) -> Place:
    """The key `box`, which may differ from frame to frame. One that cannot be right is not used, and a note says so."""
    plain, each = frames(), np.full((8, 3), 90.0)
    last = np.arange(24).reshape(8, 3) == 23

    def boxed(box: Any) -> Work:
        def work() -> None:
            np.savez(path, **plain, box=box)
            if notes := [note for note in cgcore.read(path).notes if "not used" in note]:
                raise cgcore.InputError(notes[0])

        return work

    good = {
        "one for all": boxed(each[0]),
        "one for each": boxed(each),
        "none": boxed(0 * each),
        "angles": boxed(np.hstack([each, each])),
    }
    bad = {
        "one for all but one": boxed(each[:-1]),
        "negative": boxed(-each),
        "a negative length in the last": boxed(np.where(last, -90.0, each)),
        "a thin last one": boxed(np.where(last, 11.9, each)),
        "NaN in the last": boxed(np.where(last, NAN, each)),
        "no box in the last": boxed(np.where(last.any(axis=1, keepdims=True), 0.0, each)),
    }
    return Place("boxes of files", good, bad)


def _changed(path: Path) -> Place:
    """A file that another program writes after it was read."""
    plain = frames()

    def then(change: Callable[[], object]) -> Work:
        def work() -> object:
            np.savez(path, **plain)
            data = cgcore.read(path)
            change()
            return data.join()

        return work

    def later() -> None:
        status = path.stat()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))

    bad = {
        "other numbers": then(lambda: np.savez(path, **plain | {"R": plain["R"] + 1.0})),
        "fewer frames": then(lambda: np.savez(path, **{key: array[:4] for key, array in plain.items()})),
        "a byte less": then(lambda: path.write_bytes(path.read_bytes()[:-1])),
        "written again": then(later),
        "removed": then(path.unlink),
    }
    return Place("files in use", {"unchanged": then(path.stat)}, bad)


def _paths(folder: Path) -> Place:
    plain, whole, half, empty = frames(), folder / "whole", folder / "half", folder / "empty"
    for one in (whole, half, empty):
        one.mkdir()
    np.savez(whole / "frames.npz", **plain)
    np.savez(empty / ".hidden.npz", **plain)
    np.save(half / "a_coords.npy", plain["R"])
    pair = folder / "pair"
    pair.mkdir()
    np.save(pair / "a_coords.npy", plain["R"])
    np.save(pair / "a_forces.npy", plain["F"])
    unequal = folder / "unequal"
    unequal.mkdir()
    np.save(unequal / "a_coords.npy", plain["R"])
    np.save(unequal / "a_forces.npy", plain["F"][:-1])
    np.save(folder / "alone.npy", plain["R"])

    def read(path: Any, **more: Any) -> Work:
        return lambda: cgcore.read(path, **more)

    good = {
        "a file": read(whole / "frames.npz"),
        "a folder": read(whole),
        "a pair of files": read(pair),
        "units": read(whole, units="angstrom-kcal"),
    }
    bad = {
        "no such file": read(folder / "none.npz"),
        "no name": read(""),
        "a zero in the name": read("frames\0.npz"),
        "a folder of hidden files": read(empty),
        "half of a pair": read(half),
        "a pair of unequal files": read(unequal),
        "a single array": read(folder / "alone.npy"),
        "unknown units": read(whole, units="miles"),
        "other units": read(whole, units="nm-kj"),
        "a thin box": read(whole, box=[11.9] * 3),
    }
    return Place("paths of frames", good, bad)


def _splines(path: Path) -> Place:
    knots, coefficients = np.array([1.0, 1.5, 2.0]), np.ones((2, 4))
    plain = {f"{name}_knots": knots for name in ("bond", "angle", "dih")}
    plain |= {f"{name}_coeffs": coefficients for name in ("bond", "angle", "dih")}
    typed = {"angle_type_knots": np.stack([knots] * 2), "angle_type_coeffs": np.stack([coefficients] * 2)}
    typed["angle_type_mask"] = np.array([1.0, 0.0])

    def written(**change: Any) -> Work:
        arrays = {key: array for key, array in {**plain, **change}.items() if array is not None}
        return lambda: (np.savez(path, **arrays), read_splines(path))

    good = {"shared": written(), "by species": written(**typed)}
    bad = {f"no {key}": written(**{key: None}) for key in plain}
    bad |= {f"pickled {key}": written(**{key: np.array([{}], object)}) for key in plain}
    bad |= {
        "knots that descend": written(bond_knots=knots[::-1]),
        "NaN in coefficients": written(dih_coeffs=ending_with(NAN, coefficients)),
        "mask of fewer species": written(**typed | {"angle_type_mask": np.ones(1)}),
        "knots of fewer species": written(**typed | {"angle_type_knots": knots[None]}),
        "knots of the last species that descend": written(
            **typed | {"angle_type_knots": np.stack([knots, knots[::-1]]), "angle_type_mask": np.ones(2)}
        ),
    }
    return Place("files of splines", good, bad)
