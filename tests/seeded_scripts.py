"""Faults of one line in cgcore, as in `seeded_fits`: the loader of existing scripts."""

from __future__ import annotations

from fault_helpers import Edits, Faults, faults_of, uncompiled

from cgcore.compat import DatasetLoader, dataset_loader
from cgcore.data import Dataset, dataset

SCRIPTS: Edits = {
    "as many frames as there are, drawn": (DatasetLoader, "__init__", "max_frames < total", "max_frames <= total"),
    "no frames at most": (DatasetLoader, "__init__", "max_frames < 1:", "max_frames < 0:"),
    "extras of the last file": (DatasetLoader, "__init__", "sources[0].extras", "sources[-1].extras"),
    "extras under each other's names": (
        DatasetLoader,
        "__init__",
        'in ("resid", "resname", "Z", "box")',
        'in ("resid", "resname", "box", "Z")',
    ),
    "positions in the precision of the file": (
        DatasetLoader,
        "__init__",
        "np.asarray(x[self._rows], np.float32)",
        "np.asarray(x[self._rows])",
    ),
    "a mask of another precision": (
        DatasetLoader,
        "__init__",
        "joined.mask[self._rows], np.float32",
        "joined.mask[self._rows], np.float64",
    ),
    "a mask of all frames": (DatasetLoader, "__init__", "joined.mask[self._rows]", "joined.mask[: len(self._rows)]"),
    "species of all frames": (
        DatasetLoader,
        "__init__",
        "joined.species[self._rows]",
        "joined.species[: len(self._rows)]",
    ),
    "species as wide as the machine's numbers": (
        DatasetLoader,
        "__init__",
        "species[self._rows], np.int32",
        "species[self._rows], np.int64",
    ),
    "beads of the first file": (DatasetLoader, "__init__", "self._dataset.n_beads", "self._dataset.sources[0].n_beads"),
    "residues of the first file": (dataset_loader, "_codes", "in dataset.sources:", "in dataset.sources[:1]:"),
    "residues of the first protein": (
        dataset_loader,
        "_codes",
        "enumerate(source.protein_names)",
        "enumerate(source.protein_names[:1])",
    ),
    "residues of padding": (dataset_loader, "_codes", "if code != UNKNOWN", "if code"),
    "residues in the order of the chain": (dataset_loader, "_codes", "dict(sorted(found.items()))", "found"),
    "species of the first frame for all proteins": (
        dataset_loader,
        "_codes",
        "species(rows[:1])",
        "species(slice(0, 1))",
    ),
    "species counted from 0": (DatasetLoader, "n_species", "(initial=0)) + 1", "(initial=0))"),
    "species that occur": (DatasetLoader, "n_species", "len(self.aa_to_id) or ", ""),
    "a frame without its forces": (DatasetLoader, "get_frame", "in _FRAMES", 'in _FRAMES if name != "F"'),
    "the next frame": (DatasetLoader, "get_frame", "[idx]", "[idx + 1 if idx >= 0 else idx]"),
    "all frames held out": (DatasetLoader, "split_train_val", "<= val_fraction < 1", "<= val_fraction <= 1"),
    "a held-out part below nothing": (
        DatasetLoader,
        "split_train_val",
        "not 0 <= val_fraction",
        "not -1 <= val_fraction",
    ),
    "replaced arrays are forgotten when split": (
        DatasetLoader,
        "_part",
        "if getattr(self, name) is array else array[rows]",
        "",
    ),
    "no frames are a loader": (DatasetLoader, "pipeline_loader", "if not self.n_frames:", "if self.n_frames is None:"),
    "sites of the first proteins": (dataset_loader, "loader_of", "sites[first]", "sites[: len(first)]"),
    "a mapping without its mask": (dataset_loader, "loader_of", 'arrays.get("mask")', "None"),
    "a mapping without its species": (dataset_loader, "loader_of", 'arrays.get("species")', "None"),
    "the last of the chains": (dataset_loader, "loader_of", "frames._chains[0]", "frames._chains[-1]"),
    "frames of any name": (dataset_loader, "loader_of", "name=name", 'name="frames"'),
    "beads of all frames on average": (
        DatasetLoader,
        "summary",
        "self.mask.sum(axis=1)",
        "self.mask.sum(axis=1) * 0 + self.n_atoms",
    ),
    "most beads for fewest": (DatasetLoader, "summary", "{beads.min():.0f}", "{beads.max():.0f}"),
    "residues by their numbers": (DatasetLoader, "summary", "sorted(self.aa_to_id)", "map(str, self.id_to_aa)"),
    "a length in beads": (DatasetLoader, "__len__", "self.n_frames", "self.n_atoms"),
    "beads of the mask": (DatasetLoader, "n_atoms", "self.R.shape[1]", "int(self.mask.sum(axis=1).max())"),
    "beads shown as frames": (DatasetLoader, "__repr__", "n_frames={self.n_frames}", "n_frames={self.n_atoms}"),
    "one array as it was read is enough": (DatasetLoader, "pipeline_loader", "if all(", "if any("),
    "what belongs to the first frames": (
        DatasetLoader,
        "pipeline_loader",
        "array[self._rows] for",
        "array[: len(self._rows)] for",
    ),
    "frames of other files": (
        DatasetLoader,
        "pipeline_loader",
        "if own and self.n_frames",
        "if not own and self.n_frames",
    ),
    "no weights beside replaced arrays": (DatasetLoader, "pipeline_loader", '"weights": self._dataset.weights(), ', ""),
    "no energies beside replaced arrays": (DatasetLoader, "pipeline_loader", '"energies": whole.U', '"energies": None'),
    "frames of the first file alone": (
        Dataset,
        "select",
        "by_source(",
        "(lambda own, n: [x if k == 0 else np.arange(n[k]) for k, x in enumerate(by_source(own, n))])(",
    ),
    "frames of a file from its end": (dataset, "by_source", "part - (end - size)", "(part - (end - size))[::-1]"),
    "weights that are not passed on": (dataset_loader, "loader_of", ", weights=weights", ""),
    "energies that are not passed on": (dataset_loader, "loader_of", '{"U": energies}', "{}"),
}

FAULTS: Faults = uncompiled(faults_of({"scripts": SCRIPTS}))
