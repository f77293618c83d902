"""Faults of one line in cgcore, as in `seeded_several`: of several files, runs of rows, arrays and names, one decides
for all."""

from __future__ import annotations

from fault_helpers import Faults, faults_of, uncompiled

from cgcore.data import npz, residues, writing
from cgcore.data.stored import SelectedRows
from validation.checks import several_files

FAULTS: Faults = uncompiled(
    faults_of(
        {
            "several-files": {
                "energies in the unit of the first file": (
                    writing,
                    "_per_frame",
                    "energy_factor(frames.store.units)",
                    "energy_factor(dataset.sources[0].store.units)",
                ),
                "a row of names for all proteins of a file": (
                    writing,
                    "_residue_names",
                    " and len(names) == 1:",
                    ":",
                ),
                "a folder beside a file is none": (
                    several_files,
                    "read",
                    "any(is_folder for",
                    "all(is_folder for",
                ),
                "files are a folder": (
                    several_files,
                    "read",
                    "any(is_folder for _, is_folder in found)",
                    "len(found) > 1 or found[0][1]",
                ),
                "units of the first file": (
                    several_files,
                    "dataset_of",
                    "frames.store.units for frames in sources",
                    "frames.store.units for frames in sources[:1]",
                ),
                "a checksum of positions alone": (
                    several_files,
                    "from_arrays",
                    'for key in ("R", "F"):',
                    'for key in ("R",):',
                ),
                "the first run of selected rows": (
                    SelectedRows,
                    "_read",
                    "for a, b in runs]",
                    "for a, b in runs[:1]]",
                ),
                "the first array of a structure is small enough": (
                    npz,
                    "_structure",
                    "for header in headers:",
                    "for header in headers[:1]:",
                ),
                "the first array of a structure alone": (
                    npz,
                    "_structure",
                    "for header in headers}",
                    "for header in headers[:1]}",
                ),
                "names of a protein if one letter is known": (
                    several_files,
                    "three_letters",
                    "all(letter in",
                    "any(letter in",
                ),
                "pairs without a number are left out": (
                    residues,
                    "_pairs",
                    "return {}",
                    "continue",
                ),
            },
        }
    )
)
