"""What scripts read from their configuration, rows of beads, and frames in a box, against literals and loops."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import yaml

import cgcore
from cgcore.spline_file import write_splines
from validation.check import Row, at_most, equal, refuses
from validation.scripts.models import same_params
from validation.splined import drawn
from validation.tolerances import relative

METHODS: dict[str, tuple[str, Any, Any]] = {
    "get_seed": ("seed", 6, 42),
    "get_model_context": ("model_context", "there", "allegro_cg_protein"),
    "get_model_id": ("model_id", "third", "default"),
    "get_protein_name": ("protein_name", "1ubq", "unknown"),
    "get_data_path": ("data.path", "d.npz", None),
    "get_max_frames": ("data.max_frames", 77, None),
    "get_buffer_multiplier": ("preprocessing.buffer_multiplier", 1.5, 2.0),
    "get_park_multiplier": ("preprocessing.park_multiplier", 0.8, 0.95),
    "get_cutoff": ("model.cutoff", 9.0, 10.0),
    "get_dr_threshold": ("model.dr_threshold", 0.4, 0.5),
    "get_prior_params": ("model.priors", {"spline_file": "s.npz", "residue_specific_angles": True}, {}),
    "get_spline_file_path": ("model.priors.spline_file", "s.npz", None),
    "get_residue_specific_angles": ("model.priors.residue_specific_angles", True, False),
    "use_priors": ("model.use_priors", False, True),
    "train_priors_enabled": ("model.train_priors", True, False),
    "get_ml_model_type": ("model.ml_model", "painn", "allegro"),
    "get_allegro_size": ("model.allegro_size", "large", "default"),
    "get_grad_clip": ("optimizer.grad_clip", 3.0, 1.0),
    "get_val_fraction": ("training.val_fraction", 0.2, 0.1),
    "get_batch_per_device": ("training.batch_per_device", 16, 4),
    "get_batch_cache": ("training.batch_cache", 11, 10),
    "get_gammas": ("training.gammas", {"F": 0.9, "U": 0.1}, {"F": 1.0, "U": 0.0}),
    "get_checkpoint_path": ("training.checkpoint_path", "kept", "./checkpoints_allegro"),
    "get_checkpoint_freq": ("training.checkpoint_freq", 7, 0),
    "get_export_path": ("training.export_path", "out", "./exported_models"),
    "pretrain_prior_enabled": ("training.pretrain_prior", True, False),
    "get_pretrain_prior_max_steps": ("training.pretrain_prior_max_steps", 150, 200),
    "get_pretrain_prior_tol_grad": ("training.pretrain_prior_tol_grad", 1e-5, 1e-6),
    "get_pretrain_prior_min_steps": ("training.pretrain_prior_min_steps", 12, 10),
    "get_stage1_optimizer": ("training.stage1_optimizer", "lion", "adabelief"),
    "get_stage2_optimizer": ("training.stage2_optimizer", "fromage", "yogi"),
    "is_ensemble_enabled": ("ensemble.enabled", True, False),
    "get_ensemble_n_models": ("ensemble.n_models", 8, 5),
    "get_ensemble_base_seed": ("ensemble.base_seed", 43, 42),
    "get_ensemble_save_all": ("ensemble.save_all_models", True, False),
}
"""Methods of a configuration object, each with the key that it reads, a value, and the default."""

BEADS = 13
"""Number of beads for which rows are listed: some pairs are too far apart for excluded volume, others too near for the
repulsion."""

SINGLE = 1e-6
"""Tolerance of positions of about 50 Å that are stored in float32, relative to the largest."""


def configuration(folder: Path) -> Iterator[Row]:
    """Every method of `ConfigManager`, with all keys and with none, and the objects that scripts may pass instead."""
    from cgcore.compat import ConfigManager

    (folder / "none.yaml").write_text("", encoding="utf-8")
    nothing: Any = ConfigManager(folder / "none.yaml")
    said: dict[str, Any] = {}
    for at, value, _ in METHODS.values():
        *outer, last = at.split(".")
        reduce(lambda block, name: block.setdefault(name, {}), outer, said)[last] = copy.deepcopy(value)
    said["model"] |= {"allegro": {"max_ell": 1}, "allegro_large": {"max_ell": 2}, "mace": None}
    said["optimizer"] |= {"adam": {"lr": 0.01}}
    said["training"] |= {"epochs_adam": 0}
    (folder / "all.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    config: Any = ConfigManager(folder / "all.yaml")
    wrong = [name for name, (_, value, _) in METHODS.items() if getattr(config, name)() != value]
    yield equal("configuration, methods with another value", ", ".join(wrong), "")
    wrong = [name for name, (*_, default) in METHODS.items() if getattr(nothing, name)() != default]
    yield equal("configuration, methods with another default", ", ".join(wrong), "")
    yield equal("configuration, methods that it lists", set(METHODS) <= set(dir(config)), True)

    found = [config.get("model", "cutoff"), config.get("model", "nothing", "deeper", default=3)]
    found += [config.get("model", "cutoff", "deeper", default=4), config.get("training", "epochs_adam", default=5)]
    found += [config.get("model", "mace", default=6), config.get("nothing")]
    yield equal("configuration, nested keys", str(found), "[9.0, 3, 4, 0, None, None]")
    found = [config.get_epochs("adam"), config.get_epochs("yogi"), nothing.get_epochs("adam")]
    found += [config.get_optimizer_config("adam"), config.get_optimizer_config("yogi")]
    yield equal("configuration, optimizers", str(found), "[0, 100, 100, {'lr': 0.01}, {}]")
    found = [config.get_allegro_config(*size) for size in ((), ("default",), ("large",), ("small",))]
    sizes = [size.get("max_ell") for size in found]
    yield equal("configuration, sizes of Allegro", str(sizes), "[1, 1, 2, 1]")
    ensembles = str([config.get_ensemble_config(), nothing.get_ensemble_config()])
    keys = ("enabled", "n_models", "base_seed", "save_all_models")
    known = [dict(zip(keys, values, strict=True)) for values in ((True, 8, 43, True), (False, 5, 42, False))]
    yield equal("configuration, ensemble", ensembles, str(known))

    config.to_dict()["model"]["cutoff"] = nothing.get_gammas()["F"] = 2.0
    kept = (config.get_cutoff(), nothing.get_gammas()["F"])
    yield equal("configuration, unchanged by changes of what it returned", str(kept), "(9.0, 1.0)")
    config.set_pretrain_prior_enabled(False)
    nothing.set_pretrain_prior_enabled(True)
    config.save(folder / "again.yaml")
    again: Any = ConfigManager(folder / "again.yaml")
    said["training"]["pretrain_prior"] = False
    yield equal("configuration, written and read again", again.to_dict() == said, True)
    yield equal("configuration, pre-training switched on", nothing.pretrain_prior_enabled(), True)
    yield from _spline_switches(folder)
    (folder / "list.yaml").write_text("[1, 2]", encoding="utf-8")
    refused = refuses(lambda: ConfigManager(folder / "list.yaml"))
    yield equal("configuration, a list in its file is refused", refused, True)


def _spline_switches(folder: Path) -> Iterator[Row]:
    """Whether splines replace the formulas: as said, else if a file is named."""
    from cgcore.compat import ConfigManager

    found = []
    for said, file in itertools.product((None, True, False), (None, "s.npz")):
        block = {
            name: value for name, value in (("use_spline_priors", said), ("spline_file", file)) if value is not None
        }
        (folder / "splines.yaml").write_text(yaml.safe_dump({"model": {"priors": block}}), encoding="utf-8")
        found.append(ConfigManager(folder / "splines.yaml").use_spline_priors_enabled())
    yield equal("configuration, splines", str(found), str([False, True, True, True, False, False]))


def forms(folder: Path, model: dict[str, Any], prior: cgcore.Prior) -> Iterator[Row]:
    """Each form of a configuration gives the same prior; an object's file names are relative to its own file."""
    from cgcore.compat import ConfigManager, PriorEnergy

    (folder / "own").mkdir()
    path, document = folder / "own" / "config.yaml", {"model": model}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    said = {"file": path, "name of a file": str(path), "mapping": document, "ConfigManager": ConfigManager(path)}
    said |= {
        "object with _config": SimpleNamespace(_config=document, config_path=path),
        "object with to_dict": SimpleNamespace(to_dict=lambda: document, _config=None),
    }
    before = copy.deepcopy(document)
    for name, form in said.items():
        found = PriorEnergy(form)
        yield equal(f"{name}, parameters of the prior", same_params(found.params, prior.params), True)
        known = {key: value or 0.0 for key, value in prior.weights._asdict().items()}
        yield equal(f"{name}, weights of the prior", found.weights == known, True)
    yield equal("configuration, unchanged by its reader", document == before, True)
    yield equal("configuration of another kind is refused", refuses(lambda: PriorEnergy(3)), True)
    without = {"model": model | {"use_priors": False}}
    yield equal("PriorEnergy without a prior is refused", refuses(lambda: PriorEnergy(without)), True)

    write_splines(path.parent / "s.npz", drawn().given)
    splined = {"model": model | {"priors": model["priors"] | {"spline_file": "s.npz"}}}
    found = PriorEnergy(SimpleNamespace(_config=splined, config_path=path))
    yield equal("splines beside a configuration", found.prior.splines == drawn().given, True)
    yield equal(
        "splines beside a configuration, said",
        (found.uses_splines, PriorEnergy(path).uses_splines) == (True, False),
        True,
    )


def rows_of_beads() -> Iterator[Row]:
    """The rows of `TopologyBuilder`, and those that `PriorEnergy` takes from it, against loops."""
    from cgcore.compat import PriorEnergy, TopologyBuilder

    def within(beads: int, nearest: int, farthest: int) -> list[tuple[int, ...]]:
        return [(i, j) for i, j in itertools.combinations(range(beads), 2) if nearest <= j - i <= farthest]

    for beads in (BEADS, 3):
        topology = TopologyBuilder(beads)
        known = {name: [tuple(range(i, i + n)) for i in range(beads - n + 1)] for name, n in ROWS.items()}
        known |= {"rep_pairs": within(beads, 6, beads), "excluded_vol_pairs": within(beads, 2, 5)}
        found = dict(zip(("bonds", "angles"), topology.get_bonds_and_angles(), strict=True))
        found |= {"dihedrals": topology.get_dihedrals(), "rep_pairs": topology.get_repulsive_pairs()}
        found |= {"excluded_vol_pairs": topology.get_excluded_volume_pairs()}
        own = PriorEnergy(cgcore.default_prior(), topology)
        for name, rows in known.items():
            yield equal(f"{name} of {beads} beads", _sorted(found[name]) == rows, True)
            yield equal(f"{name} of {beads} beads, of PriorEnergy", _sorted(getattr(own, name)) == rows, True)
    yield equal("another separation of the repulsion is refused", refuses(lambda: TopologyBuilder(BEADS, 5)), True)
    topology = TopologyBuilder(BEADS, 6)
    for separations in ((3, 5), (2, 6)):
        refused = refuses(lambda chosen=separations: topology.get_excluded_volume_pairs(*chosen))
        yield equal(f"excluded volume of separations {separations} is refused", refused, True)


ROWS = {"bonds": 2, "angles": 3, "dihedrals": 4}


def _sorted(rows: np.ndarray) -> list[tuple[int, ...]]:
    return sorted(map(tuple, np.asarray(rows).tolist()))


def preprocessing() -> Iterator[Row]:
    """Frames shifted into a box: the margin on each side, padded beads at their place, and nothing else changed."""
    from cgcore.compat import CoordinatePreprocessor

    rng = np.random.default_rng(4)
    R = (rng.normal(size=(3, 6, 3)) * [4, 7, 2] + [5, -9, 20]).astype(np.float32)
    mask = (np.arange(6) < np.array([6, 4, 5])[:, None]).astype(np.float32)
    real = mask > 0
    R[~real] = np.nan
    R[1, 4] = 300.0  # padding that would make the box larger
    spread = np.ptp(R[real], axis=0)
    for name, settings, (margin, park) in (
        ("box", {}, (2 * 8.0, 0.95)),
        ("box with settings", {"buffer_multiplier": 1.25, "park_multiplier": 0.7}, (1.25 * 8.0, 0.7)),
    ):
        own = CoordinatePreprocessor(8.0, **settings)
        moved, lengths, shift = own.process_dataset(R, mask)
        yield at_most(f"{name}, lengths", relative(lengths, spread + 2 * margin), SINGLE, "relative")
        # The margin is the same on both sides only if the beads are in the middle.
        for side, known in (("min", np.full(3, margin)), ("max", margin + spread)):
            yield at_most(f"{name}, {side} of the beads", relative(getattr(moved[real], side)(axis=0), known), SINGLE)
        same = relative(moved[real] - R[real], np.broadcast_to(shift, moved[real].shape))
        yield at_most(f"{name}, shift of each bead", same, SINGLE, "relative")
        at = np.broadcast_to(park * (spread + 2 * margin), moved[~real].shape)
        yield at_most(f"{name}, padded beads", relative(moved[~real], at), SINGLE, "relative")
        yield equal(f"{name}, dtype", moved.dtype.name, "float32")
        by_hand = own.center_and_park(R, mask, lengths, shift)
        yield equal(f"{name}, step by step", np.array_equal(by_hand, moved), True)
