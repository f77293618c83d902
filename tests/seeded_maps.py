"""Faults of one line in cgcore, as in `seeded_fits`: residues, maps of atoms, and topologies."""

from __future__ import annotations

from fault_helpers import Faults, edited

from cgcore.data import frames, reading, residues
from cgcore.data.formats import h5md, mlcg, netcdf
from cgcore.judging import bond_rules
from cgcore.mapping import choosing, mapped, naming, rigid
from validation.checks import mapping_words

FAULTS: Faults = {
    "terminal residues by their last letters alone": (
        "mapping-words",
        edited(residues, "letter", 'and code[0] in "NC"', ""),
    ),
    "letters of what is known": ("mapping-words", edited(residues, "letters", "or None in found", "")),
    "codes of fewer beads": ("mapping-words", edited(residues, "three_letters", "len(protein) == beads and ", "")),
    "unknown residues are of the first species": (
        "mapping-words",
        edited(mapping_words, "species_of", '"", ""), len(_KINDS))', '"", ""), 0)'),
    ),
    "pairs between every C and N": (
        "mapping-words",
        edited(mapping_words, "candidate_pairs", "heads[heads > c][:1]", "heads[heads > c]"),
    ),
    "sulphur that is no bridge": (
        "mapping-words",
        edited(mapping_words, "candidate_pairs", "found.append(bridges[", "list(bridges["),
    ),
    "groups in any order": (
        "mapping-words",
        edited(mapping_words, "groups", "np.argsort(np.argsort(first))[inverse]", "first[inverse]"),
    ),
    "the first piece of mapped rows": (
        "mapping-words",
        edited(mapped.MappedRows, "_read", "self.base[first:last]", "self.base[start : start + last - first]"),
    ),
    "one run of mapped rows": (
        "mapping-words",
        edited(mapped.MappedRows, "_read", "done += last - first", "done += 0"),
    ),
    "atoms that are beads by their first distance": (
        "mapping-words",
        edited(reading, "require_beads", "float(np.median(", "float(np.sum("),
    ),
    "H5MD of beads alone": ("mapping-words", edited(h5md, "_opened", "may_be_atoms=True", "may_be_atoms=False")),
    "mlcg of beads alone": ("mapping-words", edited(mlcg, "_opened", "may_be_atoms=True", "may_be_atoms=False")),
    "AMBER of beads alone": (
        "mapping-words",
        edited(netcdf, "amber_trajectory", "may_be_atoms=True", "may_be_atoms=False"),
    ),
    "files without temperature at any": (
        "mapping-words",
        edited(mapped, "_is_at", "said is not None and ", "said is None or "),
    ),
    "a system of any size": ("mapping-words", edited(mapped, "moments", "> MOST_ATOMS:", "> 2 * MOST_ATOMS:")),
    "one checksum for all maps": (
        "mapping-words",
        edited(mapped, "_beads", "hashlib.sha256(W.tobytes()).hexdigest()", "W.shape"),
    ),
    "temperatures that are left out": (
        "mapping-words",
        edited(mapped, "_beads", 'if key in ("box", "temperature")', 'if key == "box"'),
    ),
    "rigid pairs of a single frame": (
        "mapping-words",
        edited(rigid.Distances, "rigid", "if self._count < 2:", "if False:"),
    ),
    "distances without a box": (
        "mapping-words",
        edited(rigid, "_lengths", "if vectors is not None:", "if False:"),
    ),
    "a given box that is not used": (
        "mapping-words",
        edited(mapping_words, "map_to_beads", "units=units, box=box)", "units=units)"),
    ),
    "noise of frames that are not held out": (
        "mapping-words",
        edited(choosing, "_with_noise", "if found.frames[1] else None", "if found.frames[0] > 1 else 0.0"),
    ),
    "beads of atoms": ("mapping-words", edited(naming, "_rows", "    if beads == len(atoms):\n", "    if False:\n")),
    "names of the first atoms": (
        "mapping-words",
        edited(mapping_words, "map_to_beads", "atoms.names[beads.solute])", "atoms.names[: len(beads.solute)])"),
    ),
    "chains in any image": (
        "data-blocks",
        edited(frames, "made_whole", "chain -= nearest_images(apart, vectors)", "pass"),
    ),
    "chains that are near the first bead": (
        "data-blocks",
        edited(frames, "made_whole", "whole[:, :start].mean", "whole[:, :1].mean"),
    ),
    "the bond that is worst at best": (
        "data-blocks",
        edited(bond_rules, "_outlier", "float(np.max(strain(bond)))", "float(np.min(strain(bond)))"),
    ),
    "the number of frames that a streamed file states": (
        "data-refused",
        edited(netcdf._Reader, "_header", "streamed = counted in (2**32 - 1, 2**64 - 1)", "streamed = counted == 0"),
    ),
}
