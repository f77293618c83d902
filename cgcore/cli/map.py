"""`cgcore map`: from all atoms to one bead per residue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cgcore.cli import options, terminal
from cgcore.cli.inputs import refuse_input_as_output

if TYPE_CHECKING:
    from cgcore.mapping import Mapped

_SAID = {
    "slice": "force on the CA alone",
    "residue": "sum over the atoms of a residue",
    "optimal": "weights of least mean square",
}


@click.command("map", short_help="Map all atoms to one bead per residue.")
@click.argument("topology", type=options.PATH)
@click.argument("trajectory", nargs=-1, type=options.PATH)
@click.option("-o", "--output", "output_file", type=options.PATH, required=True, metavar="FILE", help="NPZ to write.")
@click.option(
    "--beads", type=click.Choice(["ca"]), default="ca", show_default=True, help="Atoms on which beads are placed."
)
@click.option(
    "--map",
    "force_map",
    type=click.Choice(["slice", "residue", "optimal"]),
    default="optimal",
    show_default=True,
    help="How forces on atoms become forces on beads.",
)
@click.option("--temperature", type=float, metavar="K", help="Read only this temperature, if the file has several.")
@options.units
@options.box
def map_command(
    topology: str,
    trajectory: tuple[str, ...],
    output_file: str,
    beads: str,
    force_map: str,
    temperature: float | None,
    units: str | None,
    box: tuple[float, float, float] | None,
) -> None:
    """Map an all-atom trajectory with forces to frames with one bead per residue.

    TRAJECTORY is a file in any format that `cgcore convert` reads. TOPOLOGY is a PDB, PSF, GRO or prmtop file of the
    same atoms. An HDF5 file of mdCATH contains both.

    Beads are placed on CA atoms. All force maps have the same mean force but differ in their noise: slice takes the
    force on the CA atom alone, residue the sum over the atoms of a residue, and optimal the weighted sum with the
    smallest mean square. Atoms whose distance does not vary (rigid bonds to hydrogen) get equal weights. Requires
    `pip install 'cgcore[formats]'`.
    """
    from cgcore.mapping import map_to_beads

    options.refuse_factors(trajectory)
    refuse_input_as_output(output_file, (topology, *trajectory), "NPZ")
    made = map_to_beads(topology, trajectory, force_map=force_map, units=units, box=box, temperature=temperature)
    options.note_reading(made.dataset)
    made.dataset.write(output_file)
    terminal.say(_maps(made))
    found = made.dataset
    terminal.written(f"{output_file}: {found.n_frames} frames, {found.real_beads} real beads, Å and kcal/mol/Å")


def _maps(made: Mapped) -> str:
    """A text about what was found, and the noise of each force map."""
    from cgcore.report.table import table

    rows = [
        (
            one.name,
            _SAID[one.name],
            f"{one.noise:.4f}",
            "" if one.held_out is None else f"{one.held_out:.4f}",
            "written" if one.name == made.chosen else "",
        )
        for one in made.maps
    ]
    beads = int(made.dataset.sources[0].n_beads)
    rigid = f"{made.rigid} rigid distances: their atoms get equal weights" if made.rigid else "no rigid distances"
    ridge = f"\nridge of the optimal map: {made.ridge:g}, the best on frames held out" if made.ridge else ""
    return (
        f"{made.atoms} atoms, {beads} beads; {rigid}\n"
        f"{table(('map', 'a bead gets', 'mean square force', 'held out', ''), rows)}\n"
        "mean square force on a bead in (kcal/mol/Å)²; held out: a map made of the first 80 % of frames on the others"
        f"{ridge}"
    )
