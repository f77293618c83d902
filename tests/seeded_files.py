"""Faults of one line in cgcore, as in `seeded_fits`: files that are written and read, maps, exports, evaluations."""

from __future__ import annotations

from fault_helpers import Faults, edited

from cgcore.data import writing

FAULTS: Faults = {
    # Written files
    "residues of the first file for all": (
        "writing",
        edited(writing, "_members", "of[id(frames)][frames.protein[rows]]", "of[id(sources[0])][frames.protein[rows]]"),
    ),
    "no weight where a file states none": ("writing", edited(writing, "_weights", "np.ones(", "np.zeros(")),
    "padding before the beads": (
        "writing",
        edited(writing, "_rows", "padded[:, : frames.n_beads]", "padded[:, -frames.n_beads :]"),
    ),
    "temperatures of the first frames, written": (
        "writing",
        edited(writing, "_per_frame", "every[frames.frame_numbers]", "every[: frames.n_frames]"),
    ),
    "gaps left out of a large file": ("writing", edited(writing, "_members", 'elif key == "resid":', "elif False:")),
    "the first file's table for all": ("writing", edited(writing, "_members", "len(sources) == 1", "True")),
    "written in the precision of the first file": (
        "writing",
        edited(writing, "_members", "(frames.store.dtype for frames in sources)", "(sources[0].store.dtype,)"),
    ),
}
