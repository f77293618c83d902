"""What a configuration of a training says: each key alone, parts of the model, stages, and optimizers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from cgcore.config import load_settings, loading
from validation.check import Row, check, equal, says
from validation.checks.settings import DIALECTS
from validation.context import Context
from validation.settings import documented_settings, optimizer_settings
from validation.settings.handed_on import handed_on

PLAIN: dict[str, Any] = {"model": {"ml_model": "none"}}

DEFAULTS: dict[str, Any] = {
    "pretrain_prior": (True, False),
    "val_fraction": (0.1, 0.1),
    "hold_out": ("each_protein", "last_rows"),
    "stages": (None, None),
    "stage1_optimizer": ("adabelief", "adabelief"),
    "stage2_optimizer": ("yogi", "yogi"),
    **{
        f"epochs_{name}": (100, 100)
        for name in ("adabelief", "yogi", "adam", "lion", "sgd_nesterov", "polyak_sgd", "fromage")
    },
    "batch_per_device": (8, 4),
    "partial_batches": ("kept", "dropped"),
    "force_loss_normalization": ("per_bead", "legacy_mean"),
    "keep": ("best", "last"),
    "precision": ("float32", "float32"),
    "checkpoint_path": (None, None),
    "resume": (None, None),
    "checkpoint_freq": (0, 0),
    "seed": (0, 42),
}
"""Settings of a training without any key, in the dialects cgcore and chemtrain."""

VALUES: dict[str, tuple[Any, ...]] = {
    "pretrain_prior": (True, False),
    "val_fraction": (0.0, 0.25),
    "stage1_optimizer": (None, "none", "lion"),
    "stage2_optimizer": (None, "none", "lion"),
    **{name: (0, 7) for name in DEFAULTS if name.startswith("epochs_")},
    "batch_per_device": (1, 3),
    "partial_batches": ("kept", "dropped"),
    "force_loss_normalization": ("legacy_mean", "valid_components", "per_structure_components", "per_bead"),
    "keep": ("best", "last"),
    "precision": ("float32", "float64"),
    "checkpoint_path": ("there",),
    "resume": ("auto", "there"),
    "checkpoint_freq": (0, 2),
}

MODELS: tuple[tuple[dict[str, Any], Any], ...] = (
    ({}, ("allegro", None, 20, "default")),
    ({"ml_model": "nequip"}, ("nequip", None, 20, "default")),
    ({"ml_model": "nequip", "n_species": 3}, ("nequip", None, 3, "default")),
    ({"ml_model": "nequip", "cutoff": 8.5}, ("nequip", 8.5, 20, "default")),
    ({"ml_model": "allegro_cueq_fast"}, ("allegro", None, 20, "default")),
    ({"allegro_size": "med"}, ("allegro", None, 20, "med")),
    ({"allegro_size": "med", "n_species": 30}, ("allegro", None, 30, "med")),
    ({"allegro_size": "big"}, ("allegro", None, 25, "big")),
    ({"allegro_size": "big", "n_species": 3}, ("allegro", None, 3, "big")),
    ({"allegro_size": "few"}, ("allegro", None, 20, "few")),
    ({"ml_model": "none"}, None),
    ({"ml_model": None}, None),
    ({"prior_only": True}, None),
    ({"prior_only": True, "allegro_size": "none"}, None),
    ({"prior_only": True, "ml_model": "nequip"}, None),
)
"""Blocks `model`, and kind, cutoff, number of species and size of the network; None for a default cutoff."""
SIZES: dict[str, dict[str, Any]] = {
    "default": {"mlp_n_hidden": 24, "max_ell": 1},
    "med": {"mlp_n_hidden": 48},
    "big": {"num_types": 25, "mlp_n_hidden": 7},
    "few": {"n_species": 4, "mlp_n_hidden": 16},
}
NETWORKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "allegro": (
        {"max_ell": 2, "num_layers": 1, "n_radial_basis": 6, "envelope_p": 6, "embed_n_hidden": (32,),
         "species_embed": 16, "mlp_n_hidden": 32, "mlp_n_layers": 2, "avg_num_neighbors": None},
        {"max_ell": 1, "num_layers": 3, "n_radial_basis": 9, "envelope_p": 5, "embed_n_hidden": (8, 4),
         "species_embed": 7, "mlp_n_hidden": 40, "mlp_n_layers": 1, "avg_num_neighbors": 6.5},
    ),
    "nequip": (
        {"max_ell": 1, "num_layers": 2, "n_radial_basis": 6, "hidden_channels": 8, "mlp_n_hidden": 32,
         "mlp_n_layers": 2, "avg_num_neighbors": None},
        {"max_ell": 2, "num_layers": 3, "n_radial_basis": 9, "hidden_channels": 12, "mlp_n_hidden": 40,
         "mlp_n_layers": 1, "avg_num_neighbors": 6.5},
    ),
}  # fmt: skip
"""Sizes of networks, and others than these."""

CUTOFFS = {"cgcore": 12.0, "chemtrain": 10.0}

STAGES: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({}, {"stage1": ("adabelief", 100), "stage2": ("yogi", 100)}),
    ({"epochs_yogi": 7}, {"stage1": ("adabelief", 100), "stage2": ("yogi", 7)}),
    ({"stage1_optimizer": "yogi", "epochs_yogi": 0}, {"stage1": ("yogi", 0), "stage2": ("yogi", 0)}),
    (
        {"stage1_optimizer": "none", "epochs_lion": 3, "stage2_optimizer": "lion"},
        {"stage1": None, "stage2": ("lion", 3)},
    ),
    ({"stage2_optimizer": None}, {"stage1": ("adabelief", 100), "stage2": None}),
    ({"stages": [{"optimizer": "adam", "epochs": 4}]}, {"stage1": ("adam", 4)}),
    ({"stages": [{"optimizer": "adam"}]}, {"stage1": ("adam", 0)}),
    (
        {"stages": [{"optimizer": name, "epochs": k} for k, name in enumerate(("lion", "none", "adam"), 1)]},
        {"stage1": ("lion", 1), "stage2": None, "stage3": ("adam", 3)},
    ),
    ({"stages": None, "epochs_adabelief": 2}, {"stage1": ("adabelief", 2), "stage2": ("yogi", 100)}),
)
"""Blocks `training`, and the plan of stages."""


@check("settings-training", quick=True)
def settings_training(context: Context) -> Iterator[Row]:
    """Keys of a training one by one, parts of the model, stages and their keys, optimizers, mistakes."""
    yield from _handed_over()
    yield from handed_on()
    for k, dialect in enumerate(reversed(DIALECTS)):
        yield from _one_by_one(dialect, {name: both[k] for name, both in DEFAULTS.items()})
        yield from _models(dialect)
        yield from _stages(dialect)
        yield from optimizer_settings.defaults(dialect)
        yield from optimizer_settings.others(dialect)
    yield from optimizer_settings.rates()
    yield from documented_settings.documented(DEFAULTS)
    yield from documented_settings.for_editors()
    yield from documented_settings.compared()


def _one_by_one(dialect: str, default: dict[str, Any]) -> Iterator[Row]:
    """Each key of a training sets its setting and no other one."""

    def read(said: dict[str, Any]) -> dict[str, Any]:
        found = load_settings({"dialect": dialect} | PLAIN | {"training": said}).training
        return {name: getattr(found, name) for name in DEFAULTS}

    yield equal(f"{dialect}, defaults of a training", str(read({})), str(default))
    for key, values in VALUES.items():
        for value in values:
            changed = {name: x for name, x in read({key: value}).items() if x != default[name]}
            known = {} if value == default[key] else {key: value}
            yield equal(f"{dialect}, training.{key}: {value}", str(changed), str(known))
    for said, known in ({}, (1.0, 0.0)), ({"F": 0.0, "U": 2.0}, (0.0, 2.0)), ({"U": 0.5}, (1.0, 0.5)):
        found = load_settings({"dialect": dialect} | PLAIN | {"training": {"gammas": said}}).training.gammas
        yield equal(f"{dialect}, training.gammas: {said}", str((found.F, found.U)), str(known))


def _models(dialect: str) -> Iterator[Row]:
    """Network, prior and wall that a block selects."""
    sizes = {("allegro" if name == "default" else f"allegro_{name}"): size for name, size in SIZES.items()}
    for block, known in MODELS:
        read = load_settings({"dialect": dialect, "model": sizes | block}).model
        found, said = read.network, None
        if found is not None and known is None:
            said = found.kind
        elif found is not None:
            own = SIZES[known[3]]
            said = found.kind, found.cutoff, found.n_species, known[3]
            width = own["mlp_n_hidden"] if found.kind == "allegro" else 32
            part = getattr(found, found.kind)
            yield equal(f"{dialect}, {block}, width", part.mlp_n_hidden, width)
            yield equal(f"{dialect}, {block}, degree", part.max_ell, own.get("max_ell", 2))
            channels = max(1, own["mlp_n_hidden"] // 8)
            if found.kind == "allegro":
                yield equal(f"{dialect}, {block}, channels", found.allegro.channels, channels)
        if known is not None:
            known = known[0], known[1] or CUTOFFS[dialect], *known[2:]
        yield equal(f"{dialect}, {block}", str(said), str(known))
    for kind, (usual, others) in NETWORKS.items():
        for key, value in (("", None), *others.items()):
            said = {key: value} if key else {}
            read = load_settings({"dialect": dialect, "model": {"ml_model": kind, kind: said}}).model.network
            known = {one: usual[one] for one in others} | said
            found = {one: getattr(getattr(read, kind), one) for one in others}
            yield equal(f"{dialect}, {kind}, {key or 'defaults'}", str(found), str(known))
    for said, core in ((None, "auto"), ("auto", "auto"), ("none", None), (4.5, 4.5)):
        read = load_settings({"dialect": dialect, "model": {"ml_model": "nequip", "core": said}}).model
        yield equal(f"{dialect}, core: {said}", str(read.core), str(core))
    for used, trained in product((True, False), repeat=2):
        model = {"ml_model": "nequip", "use_priors": used, "train_priors": trained}
        read = load_settings({"dialect": dialect, "model": model}).model
        found = read.prior is not None, read.train_priors
        yield equal(f"{dialect}, {model}", str(found), str((used, trained)))
        elsewhere = {"dialect": dialect, "model": {"ml_model": "nequip"}, "training": {"train_priors": trained}}
        yield equal(f"{dialect}, training.train_priors", load_settings(elsewhere).model.train_priors, trained)


def _stages(dialect: str) -> Iterator[Row]:
    """The plan of stages, the keys of each, and keys that a list of stages replaces."""
    for said, known in STAGES:
        found = load_settings({"dialect": dialect} | PLAIN | {"training": said})
        yield equal(f"{dialect}, {said}, plan", str(found.training.plan), str(known))
        for number, (name, stage) in enumerate(known.items()):
            keys = (f"training.stages[{number}].optimizer", f"training.stages[{number}].epochs")
            if said.get("stages") is None:
                keys = (f"training.{name}_optimizer", f"training.epochs_{stage[0] if stage else '*'}")
            yield equal(f"{dialect}, {said}, keys of {name}", str(found.training.keys_of_stage(name)), str(keys))
    listed = {
        "stages": [{"optimizer": "adam", "epochs": 4}],
        "epochs_adam": 9,
        "stage1_optimizer": "lion",
        "keep": "last",
    }
    found = load_settings({"dialect": dialect} | PLAIN | {"training": listed})
    left = "('training.epochs_adam', 'training.stage1_optimizer')"
    yield equal(f"{dialect}, keys that a list replaces", str(found.unused), left)
    yield equal(f"{dialect}, keys beside a list", f"{found.training.keep}", "last")
    for name, known in (("adamm", "names no optimizer"), ("sgd", "accepted"), ("mystery", "accepted")):
        words = known if dialect == "chemtrain" else "names no optimizer; known: adabelief, "
        work = {"dialect": dialect} | PLAIN | {"training": {f"epochs_{name}": 3}}
        yield says(f"{dialect}, epochs_{name}", lambda: load_settings(work), words)  # noqa: B023  (called at once)


def _handed_over() -> Iterator[Row]:
    """What else is known of a configuration: its name, its dialect, its data, and keys that are left."""
    with tempfile.TemporaryDirectory() as name:
        path, data = Path(name, "a.yaml"), Path(name, "x.npz")
        path.write_text("mine: 1\nmodel: {ml_model: none, pbc: true}\ndata: {path: x.npz, max_frames: 3, form: 1}\n")
        found = load_settings(path)
        yield equal("a file, its name", found.name, str(path))
        yield equal("a file, its dialect", found.dialect, "chemtrain")
        yield equal("a file, keys that are left", str(found.unused), "('mine', 'model.pbc', 'data.form')")
        yield equal("a file, its frames", str((found.data.path, found.data.max_frames)), "('x.npz', 3)")
        yield equal("settings stay as they are", load_settings(found) is found, True)
        document = {"dialect": "cgcore", "data": {"path": "x.npz"}, "model": {"ml_model": "none"}}
        of_content = load_settings(document)
        yield equal("content, its name and dialect", f"{of_content.name} {of_content.dialect}", "config cgcore")
        for there, needed in product((False, True), repeat=2):
            if there:
                data.write_bytes(b"")
            read, reading = loading.read_settings(document, str(path), needed)
            known = "refused" if needed and not there else str(data if needed else None)
            yield equal(
                f"data there: {there}, needed: {needed}",
                "refused" if read is None and len(reading) else str(read and read.data_path),
                known,
            )
    nothing = {"model": {"use_priors": False, "ml_model": "none"}}
    alone = {"model": {"use_priors": False, "prior_only": True}}
    yield says("no energy", lambda: load_settings(nothing), "model.ml_model is none and model.use_priors false")
    yield says("no energy, prior alone", lambda: load_settings(alone), "model.prior_only is true and model.use_priors")
    both = {"model": {"ml_model": "none", "train_priors": True}, "training": {"train_priors": True}}
    yield says("training of the prior, said twice", lambda: load_settings(both), "is given in model, too; keep one")
    weightless = PLAIN | {"training": {"gammas": {"F": 0.0, "U": 0.0}}}
    yield says("weights of 0", lambda: load_settings(weightless), "training.gammas are all 0")
    energies = PLAIN | {"training": {"gammas": {"F": 0.0, "U": 2.0}}}
    yield says("energies alone", lambda: load_settings(energies), "accepted")
    for size, words in (("none", "model.allegro_none is missing"), ("default", "model.allegro is missing")):
        model = {"allegro_size": size, "allegro_med": {}, "allegro_big": {}}
        missing = {"dialect": "cgcore", "model": model}
        yield says(f"size {size} is missing", lambda: load_settings(missing), words)  # noqa: B023  (called at once)
        there = f"model.allegro_size is {size}; add this block, or choose a size that is there: med, big"
        yield says(f"size {size}, those that are there", lambda: load_settings(missing), there)  # noqa: B023
