"""Faults of one line in cgcore, as in `seeded_fits`: of several proteins, gaps, blocks or sources, only the first
or the last is handled rightly, or all are handled like one of them."""

from __future__ import annotations

import importlib

from fault_helpers import Faults, faults_of, uncompiled

from cgcore import inspection
from cgcore.data import chains, checks, layout, reading
from cgcore.data.frames import Frames
from cgcore.judging import bond_rules, force_rules, set_rules, survey
from validation.checks import several_chains

judging = importlib.import_module("cgcore.judging.judge")  # the package has a function of this name

FAULTS: Faults = uncompiled(
    faults_of(
        {
            "findings-several": {
                "disorder of the last protein alone": (
                    survey,
                    "_survey_protein",
                    "found.disorder.append(rigid)",
                    "found.disorder = [rigid]",
                ),
                "disorder of the first protein alone": (
                    bond_rules,
                    "bonds",
                    "in survey.disorder:",
                    "in survey.disorder[:1]:",
                ),
                "the first gap alone": (bond_rules, "bonds", "for bond in always:", "for bond in always[:1]:"),
                "the first gap that is none alone": (
                    bond_rules,
                    "bonds",
                    "in survey.joined:",
                    "in survey.joined[:1]:",
                ),
                "a gap that is none in each protein": (
                    survey,
                    "_survey_protein",
                    "[bond for bond in near if bond.always]",
                    "[bond for bond in near if bond.always][:1]",
                ),
                "odd bonds of the first block alone": (
                    survey,
                    "_survey_protein",
                    "[block.odd for block in blocks if block.odd is not None]",
                    "[block.odd for block in blocks if block.odd is not None][:1]",
                ),
                "gaps that are none in the first block": (
                    survey,
                    "_survey_protein",
                    "[block.near for block in blocks if block.near is not None]",
                    "[block.near for block in blocks if block.near is not None][:1]",
                ),
                "parts of the first block in all blocks": (
                    survey,
                    "_survey_protein",
                    "part[block, None]",
                    "part[: len(own), None]",
                ),
                "a frame for each of its odd bonds": (bond_rules, "_outlier", "np.unique(np.c", "np.sort(np.c"),
                "no forces after a protein of few frames": (force_rules, "_sizes", "continue", "return"),
                "equipartition unless the first finding is wrong": (
                    judging,
                    "_judged",
                    "for finding in faulty)",
                    "for finding in faulty[:1])",
                ),
                "no equipartition after other findings": (
                    judging,
                    "_judged",
                    "for finding in faulty)",
                    "for finding in found)",
                ),
                "the temperature of the first source for all": (
                    judging,
                    "_judged",
                    "ratio(BOLTZMANN * kelvin)",
                    "ratio(BOLTZMANN * kelvins[0])",
                ),
                "a temperature is known if the first source says one": (
                    judging,
                    "_judged",
                    "bool(one.temperatures)",
                    "bool(surveys[0].temperatures)",
                ),
                "frames that occur twice are of the first source": (
                    set_rules,
                    "duplicates",
                    "surveys[which[a]].source",
                    "surveys[0].source",
                ),
                "ratios of the first two sources": (
                    set_rules,
                    "disagreements",
                    "in zip(surveys, ratios, strict=True) if",
                    "in list(zip(surveys, ratios, strict=True))[:2] if",
                ),
                "no temperature is another temperature": (
                    set_rules,
                    "disagreements",
                    "if survey.temperatures:",
                    "if True:",
                ),
                "the first temperature of each source": (
                    set_rules,
                    "disagreements",
                    "temperatures[:3]",
                    "temperatures[:1]",
                ),
                "bond lengths only if all sources have bonds": (
                    set_rules,
                    "disagreements",
                    "if len(lengths) > 1",
                    "if len(lengths) == len(surveys)",
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
            "inspected": {
                "histograms of the last batch": (
                    inspection._Gathered,
                    "add_geometry",
                    "self.histograms +=",
                    "self.histograms =",
                ),
                "values of the last batch counted": (
                    inspection._Gathered,
                    "add_geometry",
                    "count + x.size",
                    "x.size",
                ),
                "the sum of the last batch": (
                    inspection._Gathered,
                    "add_geometry",
                    "total + float(x.sum())",
                    "float(x.sum())",
                ),
                "the least value of the last batch": (
                    inspection._Gathered,
                    "add_geometry",
                    "min(least, float(x.min()))",
                    "float(x.min())",
                ),
                "the largest value of the last batch": (
                    inspection._Gathered,
                    "add_geometry",
                    "max(most, float(x.max()))",
                    "float(x.max())",
                ),
                "the median of the last batch": (
                    inspection._Gathered,
                    "add_geometry",
                    "self.log_bonds.update(",
                    "self.log_bonds = Counter(",
                ),
            },
        }
    )
)
