"""Loading a trained model from its parameter file, whose fingerprint describes the model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from cgcore.config.model import ModelSettings
from cgcore.config.networks import AllegroSettings, NequipSettings, NetworkSettings
from cgcore.config.settings import Settings
from cgcore.config.training import Precision, TrainingSettings
from cgcore.errors import InputError
from cgcore.export.checks import check_beads
from cgcore.physics.prior import Prior, Weights
from cgcore.physics.term import Term
from cgcore.pipeline.model import PRIOR, CombinedModel
from cgcore.pipeline.optimizers import ModelParams
from cgcore.pipeline.parameters import Saved, from_named, read_params, require_same

_SIZES = {"allegro": AllegroSettings, "nequip": NequipSettings}


def load_trained(
    path: str | os.PathLike[str], beads: int | None = None, precision: Precision = "float32"
) -> tuple[CombinedModel, ModelParams]:
    """The model, in its box or in free space and for all pairs of beads, and its parameters.

    Arguments:
        path: file written by `Trainer.save_params`.
        beads: number of beads of a frame, padding included; None as in training.
        precision: precision of the parameters.

    Raises:
        InputError: the file does not exist or is damaged, `beads` is out of range or unknown, or a library is not
            installed.
    """
    name = os.fspath(path)
    saved = read_params(path)
    if (beads := saved.beads if beads is None else beads) is None:
        raise InputError(f"{name} does not say for how many beads it was made; give --beads")
    check_beads(beads)
    try:
        settings = Settings(
            model=ModelSettings(_prior(saved), False, _network(saved.fingerprint), _core(saved.fingerprint)),
            training=TrainingSettings(precision=precision),
            name=name,
        )
        box = saved.fingerprint["box"]
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{name}: its fingerprint is not that of a model; train it again") from error
    # The frame only serves to count avg_num_neighbors, which is known here.
    model = CombinedModel(settings, np.zeros((beads, 3)), box, np.zeros(beads, int), beads)
    require_same(model.fingerprint(), saved.fingerprint, name, "another version of cgcore")
    with model.precision():
        return model, from_named(model.initialize_params(jax.random.key(0)), saved.arrays, name)


def _prior(saved: Saved) -> Prior | None:
    if (said := saved.fingerprint["prior"]) is None:
        return None
    own = {name: array for name, array in saved.arrays.items() if name.startswith(f"{PRIOR}/")}
    params = {name.removeprefix(f"{PRIOR}/"): array for name, array in own.items()}
    further = said.get("terms", [])
    for term in further:
        if term["basis"] == "function":
            raise InputError(
                f"term {term['name']!r} has functions of your own, which no file can hold; make the model in your "
                "program and read its parameters with Trainer.load_params"
            )
    return Prior(Weights(**said["weights"]), params, splines=saved.splines, further=tuple(map(Term.from_dict, further)))


def _core(fingerprint: Mapping[str, Any]) -> float | None:
    """The distance of the wall; older files have none."""
    return None if fingerprint.get("core") is None else float(fingerprint["core"])


def _network(fingerprint: Mapping[str, Any]) -> NetworkSettings | None:
    if (said := fingerprint["network"]) is None:
        return None
    general = {name: said[name] for name in ("kind", "cutoff", "n_species")}
    sizes = {name: value for name, value in said.items() if name not in general}
    return NetworkSettings(**general, **{said["kind"]: _SIZES[said["kind"]](**sizes)})
