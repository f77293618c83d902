"""Faults of one line in cgcore, as in `seeded_fits`: of several proteins, gaps, blocks or sources, only the first
or the last is handled rightly, or all are handled like one of them."""

from __future__ import annotations

import importlib

from fault_helpers import Faults, faults_of, uncompiled

from cgcore import inspection
from cgcore.factor import block
from cgcore.judging import bond_rules, force_rules, set_rules, survey
from validation.checks import several_factors

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
            "several-factors": {
                "copies within the first source alone": (
                    several_factors,
                    "counted_twice",
                    "for content, same in sources.items()",
                    "for content, same in list(sources.items())[:1]",
                ),
                "copies within the last source alone": (
                    several_factors,
                    "counted_twice",
                    "found.append(_sentence([block.source for block in same], twice))",
                    "found = [_sentence([block.source for block in same], twice)]",
                ),
                "the first two sources that are copies alone": (
                    several_factors,
                    "counted_twice",
                    "for names, frames in copies.items()]",
                    "for names, frames in list(copies.items())[:1]]",
                ),
                "two names of three copies": (
                    block,
                    "_sentence",
                    "sorted(set(sources))",
                    "sorted(set(sources))[:2]",
                ),
                "blocks for one protein of each source": (
                    several_factors,
                    "affordable_blocks",
                    "len(dataset.segments(1))",
                    "len(dataset.sources)",
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
