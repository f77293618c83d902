"""`cgcore export`: a fitted prior in the format of another program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cgcore.cli import options
from cgcore.errors import InputError

if TYPE_CHECKING:
    from cgcore.physics.prior import Prior

OPTIONS = {"lammps": ("mass", "cutoff"), "openmm": ("mass",), "stablehlo": ("precision",)}
"""Targets, and what can be set of each."""


@click.command("export")
@click.argument("priors", type=click.Path())
@click.option("--to", "target", type=click.Choice(list(OPTIONS)), required=True, help="Program to export for.")
@click.option("--beads", type=int, required=True, metavar="N", help="Beads of the chain.")
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    required=True,
    metavar="DIR|FILE",
    help="Folder of LAMMPS files, XML of an OpenMM System, or StableHLO file.",
)
@click.option("--mass", type=float, metavar="X", help="Of a bead, g/mol (110).  [lammps, openmm]")
@click.option("--cutoff", type=float, metavar="X", help="Of the repulsion, Å (60).  [lammps]")
@click.option(
    "--precision", type=click.Choice(["float32", "float64"]), help="Of positions and forces (float32).  [stablehlo]"
)
def export_command(priors: str, target: str, beads: int, output: str, **settings: Any) -> None:
    """Write the prior in PRIORS, the priors.yaml of `cgcore fit`, for another program.

    The weights of the terms are part of what is written, and the sign of the dihedral is turned where it has to be.
    """
    given = options.given(**settings)
    if foreign := [name for name in given if name not in OPTIONS[target]]:
        raise InputError(f"--{foreign[0]} means nothing to --to {target}; leave it out")
    if not output:
        raise InputError("--output is empty; give a name")
    prior = _prior(priors)
    for warning in _warnings(prior):
        click.echo(f"{priors}: {warning}", err=True)
    for path in _WRITERS[target](output, prior, beads, **given):
        click.echo(f"Written: {path}")


def _prior(path: str) -> Prior:
    from cgcore.config import load_config
    from cgcore.files import read_yaml

    config = load_config(path)
    document = read_yaml(path)
    # load_config puts a default where there is none, and nobody means to export that.
    if not isinstance(document, dict) or "priors" not in (document.get("model") or {}):
        raise InputError(f"{path}: model.priors is missing; give the priors.yaml that `cgcore fit --output` wrote")
    if not config.use_priors:
        raise InputError(f"{path}: model.use_priors is false, so there is nothing to export; set it to true")
    return config.prior


def _warnings(prior: Prior) -> list[str]:
    """What a simulation would come to grief over."""
    p = prior.params
    found = [f"kr = {p['kr']:.6g} is not positive: bonds are not bound"] if p["kr"] <= 0 else []
    found += [
        f"{name} = {p[name]:.6g} is negative: beads that meet fall into each other"
        for name in ("epsilon", "epsilon_ex")
        if name in p and p[name] < 0
    ]
    return [f"{sentence}; do not simulate with it, but fit with --nonnegative" for sentence in found]


def _lammps(output: str, prior: Prior, beads: int, **given: Any) -> list[Path]:
    from cgcore.pipeline.export.lammps import write_lammps

    return write_lammps(output, prior, beads, **given)


def _openmm(output: str, prior: Prior, beads: int, **given: Any) -> list[Path]:
    from cgcore.pipeline.export.openmm import write_openmm

    write_openmm(output, prior, beads, **given)
    return [Path(output)]


def _stablehlo(output: str, prior: Prior, beads: int, precision: str = "float32") -> list[Path]:
    from cgcore.physics.energy import energy
    from cgcore.pipeline.export.stablehlo import export_energy, write_stablehlo

    def of_frame(params: Any, R: Any, mask: Any, species: Any) -> Any:
        return energy(prior.weights, params, R, mask)

    write_stablehlo(output, export_energy(of_frame, prior.params, beads, dtype=precision))
    return [Path(output)]


_WRITERS = {"lammps": _lammps, "openmm": _openmm, "stablehlo": _stablehlo}
