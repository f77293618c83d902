"""Loading the model file that several commands take."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgcore.cli import terminal
from cgcore.errors import InputError

if TYPE_CHECKING:
    from cgcore.physics.prior import Prior

PARAMS, PRIORS = "params.npz", "priors.yaml"
"""Names of the files that `cgcore train --output` writes."""


def params_file(source: str) -> Path | None:
    """The parameter file, if the source is one or a folder that contains one."""
    path = Path(source)
    if os.path.isdir(path):  # unlike Path.is_dir, no error for a name that is too long
        if not os.path.isfile(path / PARAMS):
            fitted = path / PRIORS
            there = fitted if os.path.isfile(fitted) else "a folder that `cgcore train --output` wrote"
            raise InputError(f"{source}: holds no {PARAMS}; give {there}")
        return path / PARAMS
    return path if path.suffix == ".npz" else None


def prior_file(path: str) -> Prior:
    """The prior in a file; a file without one is refused."""
    from cgcore.config.loading import load_prior_config
    from cgcore.spline_file import with_splines

    config = load_prior_config(path)
    if not config.use_priors:
        raise InputError(f"{path}: model.use_priors is false, so it has no prior; set it to true")
    return with_splines(config.prior, config.spline_file, config.residue_specific_angles)


def note_mixture(source: str | Path) -> None:
    """Warn if a file does not match the record beside it."""
    from cgcore.files import differing_record

    if (record := differing_record(source)) is not None:
        terminal.note(f"{source}: does not match {record}; one of them comes from another run or was edited")


def load_model(source: str, beads: int) -> Any:
    """A prior, a trained model with its parameters for chains of `beads` beads, or an OpenMM System.

    Raises:
        InputError: the file cannot be read, or holds something else or a model for fewer beads.
    """
    if (params := params_file(source)) is not None:
        return _trained(params, beads)
    if Path(source).suffix.lower() == ".xml":
        from cgcore.export.openmm import read_openmm

        return read_openmm(source)
    return prior_file(source)


def _trained(path: Path, beads: int) -> Any:
    try:
        from cgcore.pipeline.parameters import read_params
        from cgcore.pipeline.trained import load_trained
    except ImportError as error:
        raise InputError(
            f"a trained model needs {error.name}, which is not installed; pip install 'cgcore[train]'"
        ) from None
    most = read_params(path).beads
    if most is not None and most < beads:
        raise InputError(
            f"{path}: was trained for chains of at most {most} beads, but this one has {beads}; give other data"
        )
    return load_trained(path, beads)
