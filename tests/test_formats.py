"""Files of other programs give the frames that they contain, in every way of reading; damage is reported."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import format_helpers as forms
import MDAnalysis
import numpy as np
import pytest
from cli_helpers import assert_refused, fitted, prior_yaml, run, save
from format_helpers import WRITERS, Arrays
from MDAnalysis.coordinates.LAMMPS import DumpReader

import cgcore
from cgcore.data import from_arrays, read
from cgcore.data.formats import FORMATS, format_of
from cgcore.errors import InputError

HERE = Path(__file__).parent
each_format = pytest.mark.parametrize(("name", "writer"), WRITERS.values(), ids=WRITERS)
Writer = Callable[..., Arrays]


def expected(held: Arrays) -> Any:
    """The arrays of a file as frames."""
    return from_arrays(held.R, held.F, None, held.species, units=held.units).join()


@each_format
def test_a_file_gives_the_frames_that_it_holds(tmp_path: Path, name: str, writer: Writer) -> None:
    held = writer(tmp_path / name, forms.frames())
    data = read(tmp_path / name)
    for found, wanted in zip(data.join(), expected(held), strict=True):
        np.testing.assert_array_equal(found, wanted, strict=True)
    assert data.units == held.units
    assert data.sources[0].form
    rows = np.array([17, 3, 4, 5, 29])
    for found, wanted in zip(data.sources[0].load(rows), expected(held)[:2], strict=True):
        np.testing.assert_array_equal(found, wanted[rows])


@each_format
def test_converted_frames_are_the_same_to_the_bit(tmp_path: Path, name: str, writer: Writer) -> None:
    writer(tmp_path / name, forms.frames())
    ran = run("convert", tmp_path / name, "-o", tmp_path / "data.npz")
    assert ran.code == 0, ran
    for words in (name, "30 frames", "300 real beads", "Å and kcal/mol/Å"):
        assert words in ran.out
    before, after = read(tmp_path / name), read(tmp_path / "data.npz")
    for found, wanted in zip(after.join(), before.join(), strict=True):
        np.testing.assert_array_equal(found, wanted, strict=True)
    assert after.sources[0].protein_names == before.sources[0].protein_names
    with np.load(tmp_path / "data.npz", allow_pickle=False) as archive:
        assert {"R", "F"} <= set(archive)


def test_convert_stores_a_temperature_that_files_lack(tmp_path: Path) -> None:
    forms.trr(tmp_path / "run.trr", forms.frames())
    assert read(tmp_path / "run.trr").temperatures == ()
    words = ("convert", tmp_path / "run.trr", "-o", tmp_path / "data.npz", "--temperature")
    assert run(*words, 320).code == 0
    assert read(tmp_path / "data.npz").temperatures == (320.0,)
    (tmp_path / "data.npz").unlink()
    assert_refused(run(*words, -1), "temperature is -1; give a temperature above 0, in K")
    assert not (tmp_path / "data.npz").exists()


@pytest.mark.slow
def test_the_same_fit_by_every_way_in(tmp_path: Path) -> None:
    config = prior_yaml(tmp_path / "c.yaml")
    for label, (name, writer) in WRITERS.items():
        folder = tmp_path / label
        folder.mkdir()
        held = writer(folder / name, forms.frames(60))
        data = from_arrays(held.R, held.F, None, held.species, units=held.units)
        save(folder / "same.npz", {"R": data.join().R, "F": data.join().F, "mask": data.join().mask})
        run("convert", folder / name, "-o", folder / "made.npz")
        fits = [fitted(folder / f"out{k}", folder / file, "--config", config, code=0) if label != "raw NPZ" else
                _fitted_with_note(folder / f"out{k}", folder / file, config)
                for k, file in enumerate((name, "same.npz", "made.npz"))]  # fmt: skip
        for other in fits[1:]:
            assert other["train_loss"] == pytest.approx(fits[0]["train_loss"], rel=1e-9)
            for key, value in fits[0]["fitted_params"].items():
                np.testing.assert_allclose(other["fitted_params"][key], value, rtol=1e-9, atol=1e-9)


def _fitted_with_note(folder: Path, file: Path, config: Path) -> dict[str, Any]:
    """A fit whose output may contain a note about how keys were read."""
    assert run("fit", file, "--config", config, "--output", folder).code == 0
    return json.loads((folder / "fit.json").read_text())


# Damage and missing contents


@each_format
def test_a_truncated_file_is_one_sentence(tmp_path: Path, name: str, writer: Writer) -> None:
    writer(tmp_path / name, forms.frames())
    whole = (tmp_path / name).read_bytes()
    for part in (0.95, 0.5, 0.01):
        (tmp_path / name).write_bytes(whole[: int(part * len(whole)) - 3])  # not at the end of a TRR frame
        for command in (("fit", tmp_path / name), ("convert", tmp_path / name, "-o", tmp_path / "made.npz")):
            assert_refused(run(*command), name.replace(".", r"\."), "end|damaged|truncated|size|NPZ")
    assert not (tmp_path / "made.npz").exists()


@each_format
@pytest.mark.slow
def test_flipped_bytes_of_the_beginning_never_give_a_traceback(tmp_path: Path, name: str, writer: Writer) -> None:
    writer(tmp_path / name, forms.frames(3))
    whole = (tmp_path / name).read_bytes()
    rng = np.random.default_rng(8)
    for place in rng.integers(0, min(len(whole), 2000), 60).tolist():
        (tmp_path / name).write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            read(tmp_path / name).join()
        except InputError as error:
            assert name in str(error)  # noqa: PT017  (what is read all the same is no error)


def test_files_without_forces_say_what_to_do(tmp_path: Path) -> None:
    arrays = forms.frames(3)
    forms.trr(tmp_path / "a.trr", arrays, forces=False)
    forms.netcdf(tmp_path / "a.nc", arrays, forces=False)
    forms.xtc(tmp_path / "a.xtc", arrays)
    with MDAnalysis.Writer(str(tmp_path / "a.dcd"), 10) as writer:
        source = forms.universe(arrays, tmp_path)
        source.dimensions = [50.0, 50.0, 50.0, 90.0, 90.0, 90.0]
        writer.write(source.atoms)
    text = (HERE / "data" / "chain.lammpstrj").read_text()
    (tmp_path / "a.dump").write_text(text.replace("fx fy fz", "vx vy vz"))
    (tmp_path / "a.gro").write_text("water\n0\n1 1 1\n")
    mends = {"a.trr": "nstfout", "a.nc": "ntwf=-1", "a.xtc": "nstfout", "a.dcd": "H5MD", "a.dump": "fx fy fz"}
    for name, words in mends.items():
        assert_refused(run("fit", tmp_path / name), name.replace(".", r"\."), "no forces", words)
    assert_refused(run("fit", tmp_path / "a.gro"), "no forces", "cgcore map")
    (tmp_path / "a.yaml").write_text("model: {}\n")
    assert_refused(run("fit", tmp_path / "a.yaml"), "YAML", "--config")


def test_delta_forces_are_refused(tmp_path: Path) -> None:
    forms.mlcg(tmp_path / "a.h5", forms.frames(3), ("cg_coords", "cg_delta_forces"))
    assert_refused(run("fit", tmp_path / "a.h5"), "opep_0000", "cg_delta_forces", "minus those of a prior", "cg_forces")


def test_frames_that_are_not_as_many_as_said_are_refused(tmp_path: Path) -> None:
    forms.mlcg(tmp_path / "a.h5", forms.frames(3))
    with forms.File(tmp_path / "a.h5", "r+") as file:
        file["OPEP/opep_0000"].attrs["N_frames"] = 4
    assert_refused(run("fit", tmp_path / "a.h5"), "N_frames is 4", "3 frames")


def test_atoms_are_refused(tmp_path: Path) -> None:
    forms.mdcath(tmp_path / "a.h5")
    assert_refused(run("fit", tmp_path / "a.h5"), "1abcA00/320/0", "all atoms", "cgcore map .*a.h5 -o data.npz")
    arrays = forms.frames(3)
    near = arrays | {"R": arrays["R"] * np.float32(0.45)}
    for name, writer in (("a.trr", forms.trr), ("a.nc", forms.netcdf), ("b.npz", forms.raw)):
        writer(tmp_path / name, near)
        assert_refused(run("fit", tmp_path / name), name, "1.7 Å apart", "cgcore map")


def test_other_kinds_of_hdf5_are_named(tmp_path: Path) -> None:
    with forms.File(tmp_path / "a.h5", "w") as file:
        file["values"] = np.zeros(3)
    assert_refused(run("fit", tmp_path / "a.h5"), "an unknown kind", "H5MD, mdCATH, mlcg")


# Other information in the formats


def test_frames_without_forces_are_left_out_and_counted(tmp_path: Path) -> None:
    held = forms.trr(tmp_path / "a.trr", forms.frames(), every=3)
    data = read(tmp_path / "a.trr")
    assert data.n_frames == 10
    np.testing.assert_array_equal(data.join().F, expected(held).F)
    (note,) = data.notes
    assert "20 of 30 frames" in note


def test_steps_of_h5md_are_matched(tmp_path: Path) -> None:
    held = forms.h5md(tmp_path / "a.h5md", forms.frames())
    with forms.File(tmp_path / "a.h5md", "r+") as file:
        force = file["particles/trajectory/force"]
        kept, step = force["value"][::2], force["step"][::2]
        unit = force["value"].attrs["unit"]
        for key, values in (("value", kept), ("step", step)):
            del force[key]
            force[key] = values
        force["value"].attrs["unit"] = unit
    data = read(tmp_path / "a.h5md")
    np.testing.assert_array_equal(data.join().R, expected(held).R[::2])
    np.testing.assert_array_equal(data.join().F, expected(held).F[::2])
    assert "15 of both are used" in data.notes[0]


def test_units_can_be_given(tmp_path: Path) -> None:
    held = forms.h5md(tmp_path / "a.h5md", forms.frames())
    with forms.File(tmp_path / "a.h5md", "r+") as file:
        for key in ("position", "force"):
            del file[f"particles/trajectory/{key}/value"].attrs["unit"]
    assert_refused(run("convert", tmp_path / "a.h5md", "-o", tmp_path / "b.npz"), "does not state its units", "--units")
    ran = run("convert", tmp_path / "a.h5md", "-o", tmp_path / "b.npz", "--units", "nm-kj")
    assert "nm and kJ/mol/nm" in ran.out
    np.testing.assert_array_equal(read(tmp_path / "b.npz").join().R, expected(held).R)


def test_units_that_are_not_known_are_refused(tmp_path: Path) -> None:
    forms.h5md(tmp_path / "a.h5md", forms.frames(3))
    with forms.File(tmp_path / "a.h5md", "r+") as file:
        file["particles/trajectory/force/value"].attrs["unit"] = "N"
    assert_refused(run("fit", tmp_path / "a.h5md"), "states units 'nm' and 'N'", "--units")


def test_a_box_of_the_file_puts_chains_together(tmp_path: Path) -> None:
    arrays = forms.frames()
    whole = forms.trr(tmp_path / "whole.trr", arrays, box=40.0)
    wrapped = arrays | {"R": np.mod(arrays["R"], np.float32(40.0))}
    assert np.abs(np.diff(wrapped["R"], axis=1)).max() > 20
    forms.trr(tmp_path / "wrapped.trr", wrapped, box=40.0)
    distances = np.diff(expected(whole).R, axis=1)
    np.testing.assert_allclose(np.diff(read(tmp_path / "wrapped.trr").join().R, axis=1), distances, atol=1e-4)


def test_dumps_of_lammps_itself() -> None:
    plain, scaled = read(HERE / "data" / "chain.lammpstrj"), read(HERE / "data" / "chain_scaled.lammpstrj")
    assert plain.units == "angstrom-kcal"
    box = plain.sources[0].box
    assert box is not None
    np.testing.assert_allclose(box, [[[40, 0, 0], [1.5, 42, 0], [-2, 3, 44]]])
    one, two = plain.join(), scaled.join()
    np.testing.assert_array_equal(one.species[0], [1, 2] * 5)
    np.testing.assert_allclose(two.R - two.R[:, :1], one.R - one.R[:, :1], atol=1e-8)
    np.testing.assert_allclose(two.F, one.F, atol=1e-8)
    by_mda = DumpReader(str(HERE / "data" / "chain_scaled.lammpstrj"), dt=1.0)
    for k, step in enumerate(by_mda):
        np.testing.assert_allclose(step.forces, one.F[k], rtol=1e-5, atol=1e-5)


def test_molecules_of_a_file_are_sources(tmp_path: Path) -> None:
    forms.mlcg(tmp_path / "a.h5", forms.frames(6))
    with forms.File(tmp_path / "a.h5", "r+") as file:
        other = file.create_group("CATH/cath_1b43A02")
        arrays = forms.bundled(4, 7)
        other["cg_coords"], other["cg_forces"] = arrays["R"], arrays["F"]
        other.attrs["cg_embeds"], other.attrs["N_frames"] = arrays["species"][0], 4
    data = read(tmp_path / "a.h5")
    assert [source.source for source in data.sources] == ["a.h5:CATH/cath_1b43A02", "a.h5:OPEP/opep_0000"]
    assert len({source.sha256 for source in data.sources}) == 2
    assert run("convert", tmp_path / "a.h5", "-o", tmp_path / "b.npz").code == 0
    again = read(tmp_path / "b.npz")
    assert again.real_beads == data.real_beads == 4 * 7 + 6 * 10
    for found, wanted in zip(again.join(), data.join(), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_folder_of_sets_of_npy_files(tmp_path: Path) -> None:
    for name in ("a_ca_coords.npy", "b_ca_coords.npy"):
        forms.npy(tmp_path / name, forms.frames(5))
    np.save(tmp_path / "energies.npy", np.zeros(3))
    assert read(tmp_path).n_frames == 10
    assert read([tmp_path / "a_ca_coords.npy", tmp_path / "a_ca_forces.npy"]).n_frames == 5
    (tmp_path / "b_ca_forces.npy").unlink()
    assert read(tmp_path).n_frames == 5
    assert_refused(run("fit", tmp_path / "b_ca_coords.npy"), "b_ca_coords", "file of forces", "b_ca_forces.npy")
    assert_refused(run("fit", tmp_path / "energies.npy"), "a single array", "_forces.npy")


def test_a_converted_set_keeps_what_it_said(tmp_path: Path) -> None:
    arrays = forms.frames(4) | {"resid": np.array([1, 2, 3, 7, 8, 9, 10, 11, 12, 13]), "temperature": np.float64(300.0)}
    arrays["resname"] = np.array(["GLY", "TYR", "ASP", "PRO", "GLU", "THR", "GLY", "THR", "TRP", "GLY"])
    arrays["U"] = np.arange(4.0)
    save(tmp_path / "a.npz", arrays)
    run("convert", tmp_path / "a.npz", "-o", tmp_path / "b.npz")
    before, after = read(tmp_path / "a.npz"), read(tmp_path / "b.npz")
    assert after.sources[0].protein_names == before.sources[0].protein_names == ("GYDPETGTWG",)
    assert after.temperatures == (300.0,)
    np.testing.assert_array_equal(after.sources[0].extras["U"], np.arange(4.0))
    ours, theirs = after.sites(), before.sites()
    assert ours is not None
    assert theirs is not None
    np.testing.assert_array_equal(np.diff(ours), np.diff(theirs))


def test_outputs_that_would_replace_the_data_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.npz", forms.frames(3))
    assert_refused(run("convert", tmp_path / "a.npz", "-o", tmp_path / "a.npz"), "is an input file")


def test_every_suffix_is_of_one_format() -> None:
    suffixes = [suffix for form in FORMATS for suffix in form.suffixes]
    assert len(suffixes) == len(set(suffixes))


@each_format
def test_names_do_not_matter_where_the_content_says_it(tmp_path: Path, name: str, writer: Writer) -> None:
    writer(tmp_path / name, forms.frames(3))
    kind = format_of(tmp_path / name)
    (tmp_path / name).rename(tmp_path / "data.bin")
    assert format_of(tmp_path / "data.bin") is kind


def test_in_python() -> None:
    data = cgcore.read(HERE / "data" / "chain.lammpstrj")
    assert data.sources[0].form == "LAMMPS dump"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "writer"), forms.AT_ONCE.values(), ids=forms.AT_ONCE)
def test_memory_does_not_grow_with_the_frames(tmp_path: Path, name: str, writer: Callable[..., Any]) -> None:
    """Peak memory of converting thousands of frames and twice as many differs only by the size of the index of
    frames."""
    arrays = forms.frames(1000)
    peaks, most = [], 1 if name.endswith("lammpstrj") else 10  # files larger than one piece that is read at a time
    for times in (most, 2 * most):
        folder = tmp_path / str(times)
        folder.mkdir()
        many = {key: np.concatenate([values] * times) for key, values in arrays.items()}
        many["R"] = many["R"] + np.arange(len(many["R"]), dtype=np.float32)[:, None, None] * np.float32(1e-3)
        writer(folder / name, many)
        code = (
            "import tracemalloc, cgcore, sys\n"
            "import cgcore.data.writing, cgcore.data.formats, h5py\n"
            "cgcore.data.blocks.row_blocks.__defaults__ = (2**15,)\n"
            "cgcore.data.stored.PIECE_BYTES = cgcore.data.npz.PIECE = 2**15\n"
            "tracemalloc.start()\n"
            "cgcore.read(sys.argv[1]).write(sys.argv[2])\n"
            "print(tracemalloc.get_traced_memory()[1])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, folder / name, folder / "out.npz"],
            cwd=HERE.parent, capture_output=True, text=True, check=True, timeout=100,
        )  # fmt: skip
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 50 * 1000 * most, peaks  # in bytes; the frames themselves have 240 or more each
