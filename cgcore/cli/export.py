"""`cgcore export`: a fitted prior, or a trained model, in the format of another program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cgcore.cli import options
from cgcore.errors import InputError

if TYPE_CHECKING:
    from cgcore.config.training import Precision
    from cgcore.physics.prior import Prior

PARAMS, PRIORS = "params.npz", "priors.yaml"
"""What `cgcore train --output` calls its files."""

OPTIONS = {"lammps": ("mass", "cutoff"), "openmm": ("mass",), "stablehlo": ("precision",)}
"""Targets, and what can be set of each."""


@click.command("export")
@click.argument("source", metavar="PRIORS|PARAMS", type=click.Path())
@click.option("--to", "target", type=click.Choice(list(OPTIONS)), required=True, help="Program to export for.")
@click.option("--beads", type=int, metavar="N", help="Beads of the chain; of PARAMS it may be left out.")
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
def export_command(source: str, target: str, beads: int | None, output: str, **settings: Any) -> None:
    """Write the prior in PRIORS, or the model in PARAMS, for another program.

    PRIORS is the priors.yaml of `cgcore fit`. The weights of the terms are part of what is written, and the sign of the
    dihedral is turned where it has to be. PARAMS is the params.npz of `cgcore train`, or the folder with it: prior and
    network together in free space, for --to stablehlo.
    """
    given = options.given(**settings)
    if foreign := [name for name in given if name not in OPTIONS[target]]:
        raise InputError(f"--{foreign[0]} means nothing to --to {target}; leave it out")
    if not output:
        raise InputError("--output is empty; give a name")
    if (params := _params(source)) is not None:
        written = _trained(params, target, beads, output, **given)
    else:
        if beads is None:
            raise InputError("--beads is missing; give the number of beads of the chain")
        prior = _prior(source)
        _warn(source, prior, "do not simulate with it, but fit with --nonnegative")
        written = _WRITERS[target](output, prior, beads, **given)
    for path in written:
        click.echo(f"Written: {path}")


def _params(source: str) -> Path | None:
    """The file of parameters, where the source is one or a folder with one."""
    path = Path(source)
    if path.is_dir():
        if not (path / PARAMS).is_file():
            raise InputError(f"{source}: holds no {PARAMS}; give a folder that `cgcore train --output` wrote")
        return path / PARAMS
    return path if path.suffix == ".npz" else None


def _trained(
    path: Path, target: str, beads: int | None, output: str, precision: Precision = "float32", **_: Any
) -> list[Path]:
    if target != "stablehlo":
        raise InputError(
            f"{path}: prior and network together go only --to stablehlo; "
            f"for --to {target} give the {PRIORS} beside it, which is the prior alone"
        )
    try:
        from cgcore.export.stablehlo import export_energy, require_flatbuffers, write_stablehlo
        from cgcore.pipeline.trained import load_trained
    except ImportError as error:
        raise InputError(
            f"a trained model needs {error.name}, which is not installed; pip install 'cgcore[export,train]'"
        ) from None
    require_flatbuffers()
    model, params = load_trained(path, beads, precision)
    if model.prior is not None:
        _warn(path, model.prior, "see that the network makes up for it before you simulate")
    write_stablehlo(output, export_energy(model.compute_energy, params, model.N_max, dtype=precision))
    return [Path(output)]


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


def _warn(source: str | Path, prior: Prior, mend: str) -> None:
    """Say what a simulation would come to grief over."""
    p = prior.params
    found = [f"kr = {p['kr']:.6g} is not positive: bonds are not bound"] if p["kr"] <= 0 else []
    found += [
        f"{name} = {p[name]:.6g} is negative: beads that meet fall into each other"
        for name in ("epsilon", "epsilon_ex")
        if name in p and p[name] < 0
    ]
    for sentence in found:
        click.echo(f"{source}: {sentence}; {mend}", err=True)


def _lammps(output: str, prior: Prior, beads: int, **given: Any) -> list[Path]:
    from cgcore.export.lammps import write_lammps

    return write_lammps(output, prior, beads, **given)


def _openmm(output: str, prior: Prior, beads: int, **given: Any) -> list[Path]:
    from cgcore.export.openmm import write_openmm

    write_openmm(output, prior, beads, **given)
    return [Path(output)]


def _stablehlo(output: str, prior: Prior, beads: int, precision: str = "float32") -> list[Path]:
    from cgcore.export.stablehlo import export_energy, write_stablehlo
    from cgcore.physics.energy import energy

    def of_frame(params: Any, R: Any, mask: Any, species: Any) -> Any:
        return energy(prior.weights, params, R, mask)

    write_stablehlo(output, export_energy(of_frame, prior.params, beads, dtype=precision))
    return [Path(output)]


_WRITERS = {"lammps": _lammps, "openmm": _openmm, "stablehlo": _stablehlo}
