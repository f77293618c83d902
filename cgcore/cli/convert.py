"""`cgcore convert`: frames in any known format as one NPZ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cgcore.cli import options, terminal
from cgcore.cli.inputs import refuse_input_as_output

if TYPE_CHECKING:
    from cgcore.data import Dataset


@click.command("convert", short_help="Convert frames in any known format to one NPZ.")
@click.argument("data", nargs=-1, required=True, type=options.PATH)
@click.option("-o", "--output", "output_file", type=options.PATH, required=True, metavar="FILE", help="NPZ to write.")
@click.option(
    "--topology", type=options.PATH, metavar="FILE", help="PDB, PSF, GRO or prmtop file that names the beads."
)
@click.option("--temperature", type=float, metavar="K", help="Temperature to store, in place of that of the files.")
@options.units
@options.box
def convert_command(
    data: tuple[str, ...],
    output_file: str,
    topology: str | None,
    temperature: float | None,
    units: str | None,
    box: tuple[float, float, float] | None,
) -> None:
    """Convert the frames of DATA, files or folders, to one NPZ in Å and kcal/mol/Å.

    \b
    format               files                     positions and forces in
    NPZ                  *.npz                     Å, kcal/mol/Å; keys R, F or coords, Fs
    NPY pair             *coords*.npy *forces*.npy Å, kcal/mol/Å
    mlcg, mdCATH         *.h5 *.hdf5               Å, kcal/mol/Å; atoms of mdCATH need `cgcore map`
    H5MD                 *.h5md *.h5               as its attributes say
    GROMACS TRR          *.trr                     nm, kJ/mol/nm
    AMBER NetCDF         *.nc *.ncdf *.mdcrd       Å, kcal/mol/Å
    LAMMPS custom dump   *.lammpstrj *.dump        Å, kcal/mol/Å; with columns fx fy fz

    For formats that contain only numbers, a topology of the same beads, or of all atoms, supplies residues and chains.
    All commands read these formats directly, block by block; an NPZ is the fastest to read. HDF5 requires
    `pip install 'cgcore[formats]'`. XTC and DCD files cannot be used because they contain no forces.
    """
    from cgcore.data import read

    options.refuse_factors(data)
    refuse_input_as_output(output_file, data, "NPZ")
    if topology is None:
        dataset = read(data, units=units, box=box)
    else:
        from cgcore.mapping.naming import read_named

        dataset = read_named(topology, data, units=units, box=box)
    if temperature is not None:
        dataset = dataset.at(temperature)
    options.note_reading(dataset)
    dataset.write(output_file)
    terminal.say(_sources(dataset))
    terminal.written(f"{output_file}: {dataset.n_frames} frames, {dataset.real_beads} real beads, Å and kcal/mol/Å")


def _sources(dataset: Dataset) -> str:
    """A table of what was read."""
    from cgcore.data.units import in_words
    from cgcore.report.table import table

    rows = [
        (
            frames.source,
            frames.form,
            f"{frames.n_frames:,}",
            str(int(frames.lengths.max())),
            in_words(frames.store.units),
            ", ".join(f"{kelvin:g}" for kelvin in frames.temperatures),
        )
        for frames in dataset.sources
    ]
    return table(("read", "format", "frames", "beads", "units", "K"), rows)
