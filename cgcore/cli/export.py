"""`cgcore export`: a fitted prior, or a trained model, in the format of another program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cgcore.cli import options, terminal
from cgcore.cli.models import PRIORS, note_mixture, params_file, prior_file
from cgcore.errors import InputError

if TYPE_CHECKING:
    from cgcore.config.training import Precision
    from cgcore.physics.prior import Prior

OPTIONS = {
    "lammps": ("mass", "cutoff", "species", "protein"),
    "openmm": ("mass", "species", "protein"),
    "stablehlo": ("precision",),
}
"""Targets, and the options of each."""


@click.command("export")
@click.argument("source", metavar="PRIORS|PARAMS", type=options.PATH)
@click.option("--to", "target", type=click.Choice(list(OPTIONS)), required=True, help="Program for which to export.")
@click.option("--beads", type=int, metavar="N", help="Number of beads of the chain, 2 to 4096; optional with PARAMS.")
@click.option(
    "-o",
    "--output",
    type=options.PATH,
    required=True,
    metavar="DIR|FILE",
    help="Where to write: a folder for LAMMPS, an XML file for OpenMM, or a StableHLO file.",
)
@click.option("--mass", type=float, metavar="X", help="Mass of a bead in g/mol, for lammps and openmm.  [default: 110]")
@click.option("--cutoff", type=float, metavar="X", help="Cutoff of the repulsion in Å, for lammps.  [default: 60]")
@click.option(
    "--species",
    metavar="DATA|N,N,...",
    help="Species of the beads: numbers, or data with the chain, for lammps and openmm.",
)
@click.option("--protein", metavar="NAME", help="Chain to take, where the data given to --species hold several.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "float64"]),
    help="Floating-point precision of positions and forces, for stablehlo.  [default: float32]",
)
def export_command(source: str, target: str, beads: int | None, output: str, **settings: Any) -> None:
    """Export a prior or a trained model to another program.

    PRIORS is the priors.yaml of `cgcore fit`. The exported files include the weights of the terms, and the sign of the
    dihedral is changed if the other program requires it. PARAMS is the params.npz of `cgcore train`, or the folder that
    contains it: prior and network together, in free space, with --to stablehlo only.
    """
    given = options.given(**settings)
    if foreign := [name for name in given if name not in OPTIONS[target]]:
        raise InputError(f"--{foreign[0]} has no effect with --to {target}; leave it out")
    if (params := params_file(source)) is not None:
        written = _trained(params, target, beads, output, **given)
    else:
        if beads is None:
            raise InputError("--beads is missing; give the number of beads of the chain")
        prior = prior_file(source)
        _warn(source, prior, "do not simulate with it, but fit with --constraints safe")
        protein = given.pop("protein", None)
        if "species" in given:
            given["species"] = _species(given["species"], beads, protein)
        written = _WRITERS[target](output, prior, beads, **given)
    terminal.written("\n".join(f"Written: {path}" for path in written))


def _trained(
    path: Path, target: str, beads: int | None, output: str, precision: Precision = "float32", **_: Any
) -> list[Path]:
    if target != "stablehlo":
        raise InputError(
            f"{path}: a trained model can only be exported with --to stablehlo; "
            f"for --to {target} give {PRIORS} from the same folder, which is the prior alone"
        )
    try:
        from cgcore.export.checks import check_prior
        from cgcore.export.stablehlo import export_energy, require_flatbuffers, write_stablehlo
        from cgcore.judging.precision import require_float32
        from cgcore.pipeline.trained import load_trained
    except ImportError as error:
        raise InputError(
            f"a trained model needs {error.name}, which is not installed; pip install 'cgcore[export,train]'"
        ) from None
    require_flatbuffers()
    model, params = load_trained(path, beads, precision)
    if model.prior is not None:
        check_prior(model.prior)
        if precision == "float32":
            require_float32(str(path), model.prior)
        _warn(path, model.prior, "see that the network makes up for it before you simulate")
    write_stablehlo(output, export_energy(model.compute_energy, params, model.N_max, dtype=precision))
    return [Path(output)]


def _warn(source: str | Path, prior: Prior, remedy: str) -> None:
    """Warn of values that make a simulation fail, and of a file that does not match the record beside it."""
    from cgcore.fitting.unphysical import unphysical_values

    note_mixture(source)
    for sentence in unphysical_values(prior.params, prior.terms):
        terminal.note(f"{source}: {sentence}; {remedy}")


def _species(given: str, beads: int, protein: str | None) -> Any:
    """The species of a chain's beads: given as numbers, or read from the chain in a data file."""
    import numpy as np

    if re.fullmatch(r"\s*-?\d{1,9}\s*(,\s*-?\d{1,9}\s*)*", given):
        return np.array([int(number) for number in given.split(",")])
    from cgcore.data import read
    from cgcore.simulation.reference import reference

    return reference(read(given), protein, beads).species


def _lammps(output: str, prior: Prior, beads: int, **given: Any) -> list[Path]:
    from cgcore.export.lammps import write_lammps

    return write_lammps(output, prior, beads, **given)


def _openmm(output: str, prior: Prior, beads: int, **given: Any) -> list[Path]:
    from cgcore.export.openmm import write_openmm

    write_openmm(output, prior, beads, **given)
    return [Path(output)]


def _stablehlo(output: str, prior: Prior, beads: int, precision: str = "float32") -> list[Path]:
    from cgcore.export.checks import check_prior
    from cgcore.export.stablehlo import export_energy, write_stablehlo
    from cgcore.judging.precision import require_float32
    from cgcore.physics.energy import energy

    check_prior(prior)
    if precision == "float32":
        require_float32("the prior", prior)

    def of_frame(params: Any, R: Any, mask: Any, species: Any) -> Any:
        return energy(prior, params, R, mask, species)

    write_stablehlo(output, export_energy(of_frame, prior.params, beads, dtype=precision))
    return [Path(output)]


_WRITERS = {"lammps": _lammps, "openmm": _openmm, "stablehlo": _stablehlo}
