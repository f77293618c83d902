"""Variants of formats that their usual writers do not produce, and units as stated in files."""

from __future__ import annotations

import struct
from pathlib import Path

import format_helpers as forms
import numpy as np
import pytest
import scipy.io
from cli_helpers import assert_refused, run

from cgcore.data import UNITS, from_arrays, read
from cgcore.data.units import KJ_PER_KCAL, energy_factor, factors, in_words, units_said
from cgcore.errors import InputError


@pytest.mark.parametrize(
    ("position", "force", "name"),
    [
        ("nm", "kJ mol-1 nm-1", "nm-kj"),
        ("Angstrom", "kJ/(mol*Angstrom)", "angstrom-kj"),
        ("angstrom", "kilocalorie/mole/angstrom", "angstrom-kcal"),
        ("A", "kcal mol-1 A-1", "angstrom-kcal"),
        ("nanometers", "kilojoule/(nanometer*mole)", "nm-kj"),
        ("Å", "eV/Å", "angstrom-ev"),
        ("nm", "kJ mol-1 Angstrom-1", "nm-kj-per-angstrom"),
        (None, "Kcal/mole-Angstrom", "angstrom-kcal"),
        ("bohr", "hartree/bohr", "bohr-hartree"),
        (None, None, None),
    ],
)
def test_units_as_files_write_them(position: str | None, force: str | None, name: str | None) -> None:
    assert units_said(position, force) == name


@pytest.mark.parametrize(("position", "force"), [("nm", "N"), ("furlong", "kJ/mol/nm"), ("nm", "kJ/mol")])
def test_units_that_mean_nothing_here_are_refused(position: str, force: str) -> None:
    with pytest.raises(InputError, match=f"{position!r} and {force!r}.*--units"):
        units_said(position, force)


def test_factors_of_units() -> None:
    assert factors("angstrom-kcal") == (1.0, 1.0)
    assert factors("nm-kj") == (10.0, 1 / 41.84)
    assert factors("angstrom-kj") == (1.0, 1 / KJ_PER_KCAL)
    assert factors("angstrom-ev") == (1.0, pytest.approx(23.0605, rel=1e-5))
    assert factors("nm-kj-per-angstrom") == (10.0, 1 / KJ_PER_KCAL)
    assert factors("bohr-hartree")[1] == pytest.approx(627.509474 / 0.529177210903, rel=1e-9)
    assert energy_factor("nm-kj") == 1 / KJ_PER_KCAL
    assert in_words("nm-kj") == "nm and kJ/mol/nm"
    for name in UNITS:
        factors(name)
    for name in ("nm", "kcal-nm", "nm-kj-per-mile", ""):
        with pytest.raises(InputError, match="not known"):
            factors(name)


@pytest.mark.parametrize("units", UNITS)
def test_every_unit_gives_the_same_frames(units: str) -> None:
    arrays = forms.frames(5)
    length, force = factors(units)
    data = from_arrays(arrays["R"] / length, arrays["F"].astype(float) / force, units=units)
    np.testing.assert_allclose(data.join().R, arrays["R"], rtol=1e-6)
    np.testing.assert_allclose(data.join().F, arrays["F"], rtol=1e-6)


def test_double_precision_of_gromacs(tmp_path: Path) -> None:
    arrays = forms.frames(6)
    x, f = arrays["R"].astype(float) / 10, arrays["F"].astype(float) * 41.84
    with (tmp_path / "d.trr").open("wb") as file:
        for k in range(6):
            size, atoms = x[k].nbytes, x.shape[1]
            header = (1993, 13, 12, b"GMX_trn_file", 0, 0, 72, 0, 0, 0, 0, size, size, size, atoms, k, 0)
            file.write(struct.pack(">3i12s13i2d", *header, float(k), 0.0))
            for block in (np.eye(3) * 5, x[k], np.zeros_like(x[k]), f[k]):
                file.write(block.astype(">f8").tobytes())
    data = read(tmp_path / "d.trr").join()
    wanted = from_arrays(x, f, units="nm-kj", box=50.0).join()
    np.testing.assert_array_equal(data.R, wanted.R)
    np.testing.assert_array_equal(data.F, wanted.F)


def test_a_frame_of_velocities_alone_says_its_own_precision(tmp_path: Path) -> None:
    arrays = forms.frames(2)
    x, f = arrays["R"].astype(float) / 10, arrays["F"].astype(float) * 41.84
    size, atoms = x[0].nbytes, x.shape[1]
    with (tmp_path / "v.trr").open("wb") as file:
        for k in range(2):
            for sizes, blocks in (((size, 0, size), (x[k], f[k])), ((0, size, 0), (x[k],))):  # sizes of x, v and f
                header = (1993, 13, 12, b"GMX_trn_file", *(0,) * 7, *sizes, atoms, k, 0)
                file.write(struct.pack(">3i12s13i2d", *header, float(k), 0.0))
                for block in blocks:
                    file.write(block.astype(">f8").tobytes())
    np.testing.assert_array_equal(read(tmp_path / "v.trr").join().F, from_arrays(x, f, units="nm-kj").join().F)


def test_netcdf_in_hdf5(tmp_path: Path) -> None:
    arrays = forms.frames(6)
    with forms.File(tmp_path / "a.nc", "w") as file:
        for key, name, unit in (("R", "coordinates", "angstrom"), ("F", "forces", "kilocalorie/mole/angstrom")):
            file[name] = arrays[key]
            file[name].attrs["units"] = np.bytes_(unit)
        file["cell_lengths"], file["cell_angles"] = np.full((6, 3), 50.0), np.full((6, 3), 90.0)
        file["temp0"] = np.full(6, 310.0)
    data = read(tmp_path / "a.nc")
    np.testing.assert_array_equal(data.join().F, arrays["F"])
    np.testing.assert_allclose(data.join().R, arrays["R"], atol=1e-4)
    assert data.temperatures == (310.0,)
    assert data.sources[0].box is not None


def test_boxes_and_temperatures_of_each_frame(tmp_path: Path) -> None:
    arrays = forms.frames(6)
    with scipy.io.netcdf_file(tmp_path / "a.nc", "w", version=1) as file:
        for name, length in (("frame", None), ("spatial", 3), ("atom", 10)):
            file.createDimension(name, length)
        variables = {
            "coordinates": ("f", ("frame", "atom", "spatial"), np.mod(arrays["R"], np.float32(40))),
            "forces": ("d", ("frame", "atom", "spatial"), arrays["F"]),
            "cell_lengths": ("d", ("frame", "spatial"), np.full((6, 3), 40.0) + np.arange(6)[:, None] * 1e-9),
            "cell_angles": ("d", ("frame", "spatial"), np.full((6, 3), 90.0)),
            "temp0": ("d", ("frame",), np.arange(300.0, 306.0)),
        }
        for name, (kind, dims, values) in variables.items():
            file.createVariable(name, kind, dims)[:] = values
    data = read(tmp_path / "a.nc")
    box = data.sources[0].box
    assert box is not None
    assert box.shape == (6, 3, 3)
    assert data.temperatures == tuple(np.arange(300.0, 306.0))
    np.testing.assert_allclose(np.diff(data.join().R, axis=1), np.diff(arrays["R"], axis=1), atol=1e-4)
    run("convert", tmp_path / "a.nc", "-o", tmp_path / "b.npz")
    assert read(tmp_path / "b.npz").temperatures == data.temperatures


def test_dumps_in_other_units_and_of_other_atoms(tmp_path: Path) -> None:
    text = (Path(__file__).parent / "data" / "chain.lammpstrj").read_text()
    for style, words in (("lj", "units lj"), ("si", "units si")):
        (tmp_path / "a.dump").write_text(text.replace("real", style, 1))
        assert_refused(run("fit", tmp_path / "a.dump"), words, "units real or metal")
    (tmp_path / "a.dump").write_text(text.replace("real", "metal", 1))
    assert read(tmp_path / "a.dump").units == "angstrom-ev"
    second = text.rindex("ITEM: NUMBER OF ATOMS\n10")
    (tmp_path / "a.dump").write_text(text[:second] + text[second:].replace("ATOMS\n10", "ATOMS\n9", 1))
    assert_refused(
        run("fit", tmp_path / "a.dump"),
        r"a\.dump: frame 2 does not have the atoms",
        "same atoms",
    )
    (tmp_path / "a.dump").write_text(text.replace("-22 22", "x y").replace("4.704823204", "4.7x"))
    assert_refused(run("fit", tmp_path / "a.dump"), "frame 0 holds something other than numbers")
    twice = text.replace("\n7 1 1 ", "\n9 1 1 ", 1)
    (tmp_path / "a.dump").write_text(twice)
    assert_refused(run("fit", tmp_path / "a.dump"), "an id occurs twice in frame 0")


def test_npy_files_in_another_order_and_of_objects(tmp_path: Path) -> None:
    arrays = forms.npy(tmp_path / "a_coords.npy", forms.frames(5))
    np.save(tmp_path / "a_coords.npy", np.asfortranarray(arrays.R))
    np.testing.assert_array_equal(read(tmp_path / "a_coords.npy").join().R, arrays.R)
    np.save(tmp_path / "a_forces.npy", arrays.F[:4])
    assert_refused(run("fit", tmp_path / "a_coords.npy"), r"a_forces\.npy: has shape \(4, 10, 3\)", r"\(5, 10, 3\)")
    np.save(tmp_path / "a_forces.npy", np.array([None, "x"], object))
    assert_refused(run("fit", tmp_path / "a_coords.npy"), "object array", "never unpickled")
