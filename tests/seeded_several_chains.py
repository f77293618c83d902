"""Faults of one line in cgcore, as in `seeded_several`: in chains, boxes, masks and units of frames that are read in
several blocks, or of several proteins and sources."""

from __future__ import annotations

from fault_helpers import Faults, faults_of, uncompiled

from cgcore.data import chains, checks, contents, layout, proteins, reading, writing
from cgcore.data.dataset import Dataset
from cgcore.data.frames import Frames
from cgcore.data.proteins import Known, Proteins
from validation.checks import several_chains

FAULTS: Faults = uncompiled(
    faults_of(
        {
            "several-sources": {
                "lengths of the first frame in texts about gaps": (
                    contents,
                    "breaks_of",
                    "source.lengths[own[0]]",
                    "source.lengths[0]",
                ),
                "no gaps after a protein without frames": (
                    contents,
                    "breaks_of",
                    "continue",
                    "break",
                ),
                "other arrays of the last source": (
                    contents,
                    "extras_of",
                    'found.setdefault(name, f"{array.dtype.name}, {shape}")',
                    'found[name] = f"{array.dtype.name}, {shape}"',
                ),
                "beads of the first source": (
                    Dataset,
                    "n_beads",
                    "max(frames.n_beads for frames in self.sources)",
                    "self.sources[0].n_beads",
                ),
                "temperatures of the first source": (
                    Dataset,
                    "temperatures",
                    "for source in self.sources",
                    "for source in self.sources[:1]",
                ),
                "a temperature for the first source alone": (
                    Dataset,
                    "at",
                    "replace(each, extras={**each.extras, **said})",
                    "replace(each, extras={**each.extras, **said} if each is self.sources[0] else each.extras)",
                ),
                "precision of the first source": (
                    Dataset,
                    "join",
                    "np.result_type(*(frames.store.dtype for frames in self.sources))",
                    "self.sources[0].store.dtype",
                ),
                "precision of the last source": (
                    Dataset,
                    "join",
                    "np.result_type(*(frames.store.dtype for frames in self.sources))",
                    "self.sources[-1].store.dtype",
                ),
                "gaps of the first protein in each source": (
                    Dataset,
                    "sites",
                    "rows[frames.protein]",
                    "rows[0]",
                ),
                "sources without frames": (
                    Dataset,
                    "_chosen",
                    "if len(chosen)",
                    "if len(chosen) or True",
                ),
                "one name for two proteins": (
                    Known,
                    "name",
                    "taken = set(self._names.values())",
                    "taken = set()",
                ),
                "numbers of lengths, not of proteins": (
                    Known,
                    "name",
                    "self._counts.get(length, 0) + 1",
                    "len(self._counts) + 1",
                ),
                "gaps of the first protein tell proteins apart": (
                    Proteins,
                    "names",
                    "sites[label, :length]",
                    "sites[0, :length]",
                ),
                "names of the first frame for all proteins": (
                    proteins,
                    "_from_resname",
                    "resname[frame]",
                    "resname[0]",
                ),
                "keys that the last file skips": (
                    reading,
                    "dataset_of",
                    "skipped.update(",
                    "skipped = (",
                ),
                "units of each file": (
                    reading,
                    "dataset_of",
                    '", ".join(dict.fromkeys(frames.store.units for frames in sources))',
                    '", ".join(frames.store.units for frames in sources)',
                ),
                "names only if all sources have them": (
                    writing,
                    "_members",
                    "if any((rows != UNKNOWN",
                    "if all((rows != UNKNOWN",
                ),
                "names only if all proteins have them": (
                    writing,
                    "_members",
                    "encode()).any() for",
                    "encode()).all() for",
                ),
                "names as long as the first protein": (
                    writing,
                    "_residue_names",
                    "frames.lengths[own[0]]",
                    "frames.lengths[0]",
                ),
                "a mask only if all frames are padded": (
                    writing,
                    "_members",
                    "any((frames.lengths < width).any() for",
                    "any((frames.lengths < width).all() for",
                ),
            },
            "several-chains": {
                "problems of forces in a later block win": (
                    checks.ForcesCheck,
                    "add",
                    "if self.wrong is not None:",
                    "if False:",
                ),
                "padding of the first block's frames in later ones": (
                    checks.PositionsCheck,
                    "_locate_zero",
                    "self.lengths[start : start + len(R)]",
                    "self.lengths[: len(R)]",
                ),
                "one number of beads is right": (
                    layout,
                    "_check_n_max",
                    "(value == n_beads).all()",
                    "(value == n_beads).any()",
                ),
                "masks of later blocks win": (
                    layout.Lengths,
                    "add",
                    "if self.wrong is not None:",
                    "if False:",
                ),
                "species of later blocks win": (
                    layout.SpeciesLengths,
                    "add",
                    "if self.wrong is None and",
                    "if",
                ),
                "frames of species in a block": (
                    layout.SpeciesLengths,
                    "add",
                    "frame = start + int",
                    "frame = int",
                ),
                "frames of masks in a block": (
                    layout.Lengths,
                    "add",
                    "start + frame",
                    "frame",
                ),
                "lengths of the first frame for all in a box": (
                    Frames,
                    "_make_whole",
                    "lengths[own[0]]",
                    "lengths[0]",
                ),
                "chains of the first protein for all in a box": (
                    Frames,
                    "_make_whole",
                    "self.sites_of(label)",
                    "self.sites_of(0)",
                ),
                "boxes of the first frames for another protein": (
                    Frames,
                    "_make_whole",
                    "vectors[own]",
                    "vectors[: len(own)]",
                ),
                "the first protein alone is made whole": (
                    Frames,
                    "_make_whole",
                    "np.unique(labels).tolist()",
                    "np.unique(labels).tolist()[:1]",
                ),
                "chains beyond the first frame's length": (
                    chains,
                    "_real",
                    "lengths.max(keepdims=True)",
                    "lengths[:1]",
                ),
                "gaps of the first frame alone": (
                    reading,
                    "find_sites",
                    "n_beads)[:, 1:]).any()",
                    "n_beads)[:, 1:])[0].any()",
                ),
                "gaps of the last frame alone": (
                    reading,
                    "find_sites",
                    "n_beads)[:, 1:]).any()",
                    "n_beads)[:, 1:])[-1].any()",
                ),
                "chains of the first frame in all": (
                    reading,
                    "find_sites",
                    "chain[:, 1:] != chain[:, :-1]",
                    "chain[:1, 1:] != chain[:1, :-1]",
                ),
                "one number of a residue is small enough": (
                    chains,
                    "_numbers",
                    ".all() and (np.floor",
                    ".any() and (np.floor",
                ),
                "short bonds of the last block": (
                    checks.PositionsCheck,
                    "add",
                    "self.short +=",
                    "self.short =",
                ),
                "long bonds of the last block": (
                    checks.PositionsCheck,
                    "add",
                    "self.long +=",
                    "self.long =",
                ),
                "huge bonds of the last block": (
                    checks.PositionsCheck,
                    "add",
                    "self.huge +=",
                    "self.huge =",
                ),
                "as many bonds as in the last block": (
                    checks.PositionsCheck,
                    "add",
                    "self.total +=",
                    "self.total =",
                ),
                "the first box alone is too thin": (
                    several_chains,
                    "box_vectors",
                    "vectors[:, [2, 0, 1]])",
                    "vectors[:, [2, 0, 1]])[:1]",
                ),
                "the last box alone is too thin": (
                    several_chains,
                    "box_vectors",
                    "float(np.min(",
                    "float((lambda x: x[-1].min())(",
                ),
                "no box where the first is none": (
                    several_chains,
                    "box_vectors",
                    "vectors.any()",
                    "vectors[0].any()",
                ),
            },
        }
    )
)
