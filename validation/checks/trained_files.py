"""Files of trained models, also of earlier versions, written by hand: the model that they describe, or why none."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import cgcore
from cgcore.config import networks
from cgcore.config.training import Precision
from cgcore.pipeline import trained
from cgcore.pipeline.model import CombinedModel
from validation.check import Row, check, equal, refusal, says
from validation.context import Context, distinct, five_terms
from validation.splined import drawn

BEADS, CORE = 6, 4.25
"""Number of beads in the file, and distance of the wall."""

SIZES: dict[str, dict[str, Any]] = {
    "allegro": {"max_ell": 1, "num_layers": 2, "avg_num_neighbors": 5.5},
    "nequip": {"max_ell": 1, "num_layers": 1, "avg_num_neighbors": 4.5},
}
"""Sizes that are not the defaults."""


@check("trained-files", quick=True, needs=("e3nn_jax", "flax", "jraph"))
def trained_files(context: Context) -> Iterator[Row]:
    """Prior, network, wall, box, number of beads and precision that a file states, and damaged or foreign files."""
    prior = five_terms(distinct(cgcore.default_prior()))
    with tempfile.TemporaryDirectory() as name:
        yield from _priors(Path(name), prior)
        # The libraries of NequIP take seconds to load.
        kinds = ["allegro"] if context.quick else [*SIZES]
        yield from _networks(Path(name), prior, kinds)
        yield from _refused(Path(name), prior)


def _said(prior: cgcore.Prior | None, **more: Any) -> dict[str, Any]:
    """The fingerprint of a model with this prior, as the first versions wrote it."""
    if prior is None:
        return {"box": None, "prior": None, "network": None} | more
    sizes = {name: len(value) for name, value in prior.params.items() if np.ndim(value)}
    return {"box": None, "prior": {"weights": prior.weights._asdict()} | sizes, "network": None} | more


def _written(
    path: Path, said: Any, params: Mapping[str, Any], beads: Any = BEADS, form: str = "cgcore params 1", **more: Any
) -> Path:
    arrays = {"format": np.array(form), "fingerprint": np.array(json.dumps(said)), **more}
    arrays |= {} if beads is None else {"beads": np.array(beads)}
    np.savez(path, **arrays, **{f"params/{name}": value for name, value in params.items()})
    return path


def _params(prior: cgcore.Prior) -> dict[str, Any]:
    """Parameters that are not the initial ones."""
    return {f"prior/{name}": 1.125 * np.asarray(value) for name, value in prior.params.items()}


def _lists(params: Mapping[str, Any]) -> str:
    return str({name: np.asarray(value).tolist() for name, value in sorted(params.items())})


def _priors(folder: Path, prior: cgcore.Prior) -> Iterator[Row]:
    """A prior alone: its weights, parameters, splines and further terms; beads, box and precision."""
    params = _params(prior)
    known = {name.removeprefix("prior/"): value for name, value in params.items()}
    path = _written(folder / "prior.npz", _said(prior), params)
    ways: tuple[tuple[int | None, Precision], ...] = ((None, "float32"), (BEADS + 3, "float64"))
    for beads, precision in ways:
        at = f"a prior, {beads} beads, {precision}"
        yield says(at, partial(trained.load_trained, path, beads, precision), "accepted")
        model, found = trained.load_trained(path, beads, precision)
        own = {name: np.asarray(value, precision) for name, value in known.items()}
        yield equal(f"{at}, parameters", _lists(found["prior"]), _lists(own))
        dtypes = {str(np.asarray(value).dtype) for value in found["prior"].values()}
        yield equal(f"{at}, precision", str((dtypes, model.dtype)), str(({precision}, precision)))
        yield equal(f"{at}, beads", model.N_max, beads or BEADS)
        told = model.network, model.core, model.box, str(model.settings.model.train_priors)
        yield equal(f"{at}, what it lacks", str(told), str((None, None, None, "False")))
        if model.prior is not None:
            yield equal(f"{at}, prior", _lists(model.prior.params), _lists(known))
            yield equal(f"{at}, weights", str(model.prior.weights), str(prior.weights))
            yield equal(
                f"{at}, further terms and splines", str((model.prior.further, model.prior.splines)), "((), None)"
            )
    four = prior.without_excluded_volume()
    model, _ = trained.load_trained(_written(folder / "four.npz", _said(four), _params(four)))
    yield equal("a prior of four terms, weights", str(model.prior and model.prior.weights), str(four.weights))
    boxed = _written(folder / "boxed.npz", _said(prior, box=[50.0, 60.0, 70.0]), params)
    yield says("a prior in a box, read", partial(trained.load_trained, boxed), "accepted")
    yield equal("a prior in a box", str(trained.load_trained(boxed)[0].box), "[50.0, 60.0, 70.0]")
    splines = drawn().given
    said = _said(prior)
    said["prior"]["splines"] = splines.sha256
    arrays: dict[str, Any] = {f"splines/{name}": array for name, array in splines.arrays().items()}
    splined = _written(folder / "splined.npz", said, params, **arrays)
    yield says("a prior of splines, read", partial(trained.load_trained, splined), "accepted")
    model, _ = trained.load_trained(splined)
    yield equal("a prior of splines", model.prior is not None and model.prior.splines == splines, True)
    more = prior.with_terms([cgcore.Term("salt", cgcore.Rows("pairs", 6), cgcore.bases.DebyeHueckel(7.0), 0.75)])
    said = _said(prior)
    said["prior"] |= {"salt": 1, "terms": [more.further[0].as_dict()]}
    path = _written(folder / "more.npz", said, params | {"prior/salt": np.array([2.5])})
    yield says("a prior with a term more, read", partial(trained.load_trained, path), "accepted")
    model, found = trained.load_trained(path)
    told = model.prior and [(term.name, term.weight, term.rows, term.basis) for term in model.prior.further]
    term = more.further[0]
    yield equal("a prior with a term more", str(told), str([("salt", 0.75, term.rows, term.basis)]))
    yield equal("a prior with a term more, parameters", str(np.asarray(found["prior"]["salt"]).tolist()), "[2.5]")


def _networks(folder: Path, prior: cgcore.Prior, kinds: Sequence[str]) -> Iterator[Row]:
    """Networks and walls, without and with a prior, whose own parameters are not made anew here."""
    for kind in kinds:
        made: Any = getattr(networks, f"{kind.capitalize()}Settings")(**SIZES[kind])
        every = {key: list(v) if isinstance(v, tuple) else v for key, v in vars(made).items()}
        network = {"kind": kind, "cutoff": 6.5, "n_species": 7} | every
        for own, wall in ((None, {}), (prior, {"core": CORE}), (prior, {"core": 4}), (prior, {"core": None})):
            params = {f"{kind}/x": np.arange(3.0)} | ({} if own is None else _params(own))
            path = _written(folder / "network.npz", _said(own, network=network) | wall, params)
            like = {kind: {"x": np.zeros(3, np.float32)}}
            like |= {} if own is None else {"prior": dict(own.params)}
            at = f"{kind}, {'no prior' if own is None else 'prior'}, {wall}"
            with mock.patch.object(CombinedModel, "initialize_params", return_value=like):
                said = refusal(partial(trained.load_trained, path)) or "accepted"
                yield equal(f"{at}, read", said, "accepted")
                model, found = trained.load_trained(path)
            yield equal(f"{at}, parameters", str((sorted(found), found[kind]["x"].tolist())),
                        str((sorted(like), [0.0, 1.0, 2.0])))  # fmt: skip
            settings = model.settings.model.network
            told = settings and (settings.kind, settings.cutoff, settings.n_species, getattr(settings, kind) == made)
            yield equal(f"{at}, network", str(told), str((kind, 6.5, 7, True)))
            core = wall.get("core")
            yield equal(f"{at}, wall", str(model.core), str(None if core is None else float(core)))
            yield equal(f"{at}, prior", model.prior is None, own is None)


def _refused(folder: Path, prior: cgcore.Prior) -> Iterator[Row]:
    """Files that describe no model, one of another version, or one for an unknown number of beads."""
    params, said = _params(prior), _said(prior)
    network = {"kind": "allegro", "cutoff": 6.5, "n_species": 7}
    foreign, other = "its fingerprint is not that of a model; train it again", "belongs to another version of cgcore: "
    no_form = "not a parameter file of this version of cgcore"
    own = {"name": "own", "basis": "function"}
    weights = said["prior"]["weights"]
    for name, fingerprint, words in (
        ("as it should be", said, "accepted"),
        *((f"without {key}", {k: v for k, v in said.items() if k != key}, foreign) for key in said),
        ("another weight", said | {"prior": said["prior"] | {"weights": weights | {"salt": 1.0}}}, foreign),
        ("no weights", said | {"prior": {}}, foreign),
        ("a weight of text", said | {"prior": said["prior"] | {"weights": weights | {"bond": "a"}}}, "f.npz: "),
        ("a network of another kind", said | {"network": network | {"kind": "mace"}}, foreign),
        ("a network of other sizes", said | {"network": network | {"layers": 2}}, foreign),
        ("a network out of range", said | {"network": network | {"cutoff": -1.0}}, "f.npz: "),
        ("a prior that is a list", said | {"prior": [1]}, foreign),
        ("a wall of text", said | {"core": "a"}, foreign),
        (
            "functions of its own",
            said | {"prior": said["prior"] | {"terms": [own]}},
            "term 'own' has functions of your",
        ),
        ("what is not known here", said | {"spin": 2}, f"{other}spin is 2 there and null here"),
        ("a wall without a network", said | {"core": CORE}, f"{other}core is {CORE} there and null here"),
        ("more harmonics than it holds", said | {"prior": said["prior"] | {"a": 9}}, f"{other}prior.a is 9 there"),
        ("a list", [said], no_form),
    ):
        path = _written(folder / "f.npz", fingerprint, params)
        yield says(f"a file, {name}", partial(trained.load_trained, path), words)
    for name, beads, given, form, words in (
        ("no number of beads", None, None, 1, "f.npz does not say for how many beads it was made; give --beads"),
        ("no number of beads, given", None, 4, 1, "accepted"),
        ("one bead", BEADS, 1, 1, "beads is 1; give at least 2"),
        ("half a bead", 2.5, None, 1, no_form),
        ("no bead", 0, None, 1, no_form),
        ("two numbers of beads", [3, 3], None, 1, no_form),
        ("another form", BEADS, None, 0, no_form),
    ):
        path = _written(folder / "f.npz", said, params, beads, f"cgcore params {form}")
        yield says(f"a file, {name}", partial(trained.load_trained, path, given), words)
    less = {name: value for name, value in params.items() if name != "prior/r0"}
    nan = params | {"prior/r0": np.array(np.nan)}
    for name, changed, words in (
        ("less", less, "f.npz: "),
        ("NaN", nan, "f.npz: the parameter prior/r0 is not finite"),
    ):
        path = _written(folder / "f.npz", said, changed)
        yield says(f"a file, a parameter {name}", partial(trained.load_trained, path), words)
