"""Keys of the code that users come from which cgcore does not read, and what either code does about each."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple


class Foreign(NamedTuple):
    """A key that cgcore does not read.

    Arguments:
        theirs: what the other code does with it.
        ours: what cgcore does instead.
        off: values with which both do the same; None if they do with any value. For a block, `enabled` counts.
    """

    theirs: str
    ours: str
    off: tuple[Any, ...] | None = None

    def same(self, value: Any) -> bool:
        """Whether results with this value are the same although the key is not read."""
        if isinstance(value, Mapping):
            value = value.get("enabled", False)
        return self.off is None or value in self.off


_OFF = (False, None, 0)
_NAMES = Foreign("names files and logs", "--output names them")
_PATHS = Foreign("says where files go", "--output says it")
_SPEED = Foreign("speed and memory only", "nothing to set")
_LISTS = Foreign("how neighbour lists are kept", "no lists: all pairs within the cutoff")
_KERNELS = Foreign("how their network computes", "its own network")
_LOGS = Foreign("logs and profiles", "left alone")
_TILES = Foreign("how tiles are packed", "no tiles: one frame after the other")
_NOT_DONE = Foreign("changes what stages train on", "not done: the frames as they are", _OFF)

FOREIGN: Mapping[str, Foreign] = {
    "model_context": _NAMES,
    "model_id": _NAMES,
    "protein_name": _NAMES,
    "debug": _LOGS,
    "debug_priors": _LOGS,
    "paths": _PATHS,
    "export": Foreign("how the model is exported", "`cgcore export`"),
    "profiling": _LOGS,
    "preprocessing": Foreign(
        "size of a box that is not used, place of padded beads",
        "no box; padded beads do not count, wherever they are",
    ),
    "ensemble": Foreign("trains n_models models, with other seeds", "one model, with `seed`", _OFF),
    "data.batch_mode": Foreign("tiled packs many frames into one", "one frame after the other", ("standard", None)),
    "data.tile_*": _TILES,
    "data.use_bucketed_dir": Foreign("reads a folder of sets by length", "a folder is one data set", _OFF),
    "model.dr_threshold": _LISTS,
    "model.neighbor_*": _LISTS,
    "model.pbc": Foreign("evaluates in the box", "free space", _OFF),
    "model.mace*": Foreign("sizes of MACE", "there is no MACE; another ml_model does not read it"),
    "model.painn*": Foreign("sizes of PaiNN", "there is no PaiNN; another ml_model does not read it"),
    "model.allegro*.avg_num_neighbors_source": Foreign(
        "where that number comes from", "as the file says it, or counted"
    ),
    "model.allegro*.max_edge*": _LISTS,
    "model.allegro*.neighbor_*": _LISTS,
    "model.allegro*.mlp_dtype": Foreign("precision of the MLPs", "`training.precision`", ("float32", None)),
    "model.allegro*.mlp_*activation": Foreign("activation of the MLPs", "SiLU between layers, none after the last", ()),
    "model.allegro*.hidden_irreps": Foreign("features of each degree", "mlp_n_hidden / 8 of each up to max_ell", ()),
    "model.allegro*": _KERNELS,
    "training.batch_cache": _SPEED,
    "training.profiling": _LOGS,
    "training.export_path": _PATHS,
    "training.export_*": Foreign("how the model is exported", "`cgcore export`"),
    "training.enable_buffer_donation": _SPEED,
    "training.donate_mode": _SPEED,
    "training.remat_*": _SPEED,
    "training.*_dtype": Foreign("precision of stages", "`training.precision`", ("float32", None)),
    "training.enable_mixed_precision": Foreign("bfloat16 in stages", "`training.precision`", _OFF),
    "training.grad_accum_steps": Foreign("sums gradients of several minibatches", "one minibatch a step", (1, None)),
    "training.grad_accum_mode": _SPEED,
    "training.prior_residual": Foreign(
        "trains the network on what the prior leaves of the forces",
        "the sum of both on the forces: the same for a fixed prior",
    ),
    "training.noised_residual_training": _NOT_DONE,
    "training.dsm": _NOT_DONE,
    "training.relative_entropy": _NOT_DONE,
    "training.msam": Foreign("sharpness-aware steps", "not done: plain steps", _OFF),
    "training.swa": Foreign("averages weights of the last epochs", "not done: `training.keep`", _OFF),
    "training.pretrain_prior_epochs": Foreign("nothing: their fit counts steps", "nothing"),
    "training.pretrain_prior_optimizer": Foreign("nothing: their fit is always L-BFGS", "nothing"),
    "training.epochs_*": Foreign("nothing: no stage uses this optimizer", "nothing"),
    "training.stage?_optimizer": Foreign("nothing beside `stages`", "nothing"),
    "optimizer.fromage.epochs": Foreign("nothing", "nothing: `training` has the epochs"),
    "optimizer.*.*": Foreign("nothing: this optimizer has no such number", "nothing"),
    "optimizer.*": Foreign("nothing: no stage uses it", "nothing, as long as no stage uses it"),
    "model.priors.min_repulsive_sep": Foreign("separation from which beads repel", "always 6", (6, None)),
    "model.priors.excluded_volume_min_sep": Foreign("separation from which it counts", "always 2", (2, None)),
    "model.priors.excluded_volume_max_sep": Foreign("separation up to which it counts", "always 5", (5, None)),
    "model.priors.bond": Foreign("nothing: r0 and kr stand in priors itself", "nothing"),
    "model.priors.*_dihedral": Foreign("nothing: k_dih and gamma_dih hold", "nothing: k_dih and gamma_dih hold"),
    "model.priors.aa_typing": Foreign("groups of residues for terms that are off", "such terms are not there"),
    "model.priors.weights.*": Foreign("no term, as its weight is 0", "no such term"),
    "model.priors.*": Foreign("numbers of a term whose weight is 0", "no such term"),
}
"""The keys by dotted name; `*` matches anything, and the first match counts."""


def foreign(key: str) -> Foreign | None:
    """The entry for a key that cgcore does not read; None if it is unknown."""
    return next((known for pattern, known in FOREIGN.items() if fnmatchcase(key, pattern)), None)


def is_named(key: str) -> bool:
    """Whether a key is known by its own name, not only by a wildcard."""
    return any(fnmatchcase(key, pattern) for pattern in FOREIGN if pattern.rpartition(".")[2] not in ("*", "allegro*"))


def left_in(block: str) -> tuple[str, ...]:
    """Names of such keys in a block ("" for the top level), which may contain `*`."""
    before = f"{block}." if block else ""
    names = [pattern.removeprefix(before) for pattern in FOREIGN if pattern.startswith(before)]
    return tuple(name for name in names if "." not in name and name not in ("*", "epochs_*", "allegro*"))
