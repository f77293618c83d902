"""Faults of one line in cgcore, as in `seeded_several`: in chains, boxes, masks and units of frames that are read in
several blocks, or of several proteins and sources."""

from __future__ import annotations

from fault_helpers import Faults, faults_of, uncompiled

from cgcore.data import chains, checks, layout, reading
from cgcore.data.frames import Frames
from validation.checks import several_chains

FAULTS: Faults = uncompiled(
    faults_of(
        {
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
