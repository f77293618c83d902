"""Faults of one line in cgcore, as in `seeded_fits`: what configurations of fits say."""

from __future__ import annotations

from fault_helpers import Faults, edited

from cgcore.config import keys, loading, reading, sentences, terms
from cgcore.config.fit_config import Config

FAULTS: Faults = {
    "least steps for most": (
        "settings",
        edited(
            loading,
            "config_of",
            "max_steps=training.pretrain_prior_max_steps",
            "max_steps=training.pretrain_prior_min_steps",
        ),
    ),
    "a default for a fraction that is left out": (
        "settings",
        edited(loading, "config_of", ' if "val_fraction" in _set(blocks.training) else None', ""),
    ),
    "no gradient norm of 0": (
        "settings",
        edited(
            loading,
            "config_of",
            "tol_grad=training.pretrain_prior_tol_grad",
            "tol_grad=training.pretrain_prior_tol_grad or None",
        ),
    ),
    "held-out frames as by default": (
        "settings",
        edited(loading, "config_of", "hold_out=training.hold_out", 'hold_out="each_protein"'),
    ),
    "a fit that only a file asks for": (
        "settings",
        edited(
            loading,
            "config_of",
            'blocks.training.get("pretrain_prior") is not False',
            'bool(blocks.training.get("pretrain_prior"))',
        ),
    ),
    "keys that are left, unsaid": ("settings", edited(loading, "config_of", "unused=tuple(reading.left)", "unused=()")),
    "the seed of the training is overruled": (
        "settings",
        edited(loading, "_move", ' and training.get("seed") is None', ""),
    ),
    "a seed of 0 is left out": ("settings", edited(loading, "_move", 'top.get("seed") is not None', 'top.get("seed")')),
    "data that no fit reads": ("settings", edited(loading, "config_of", "needs_data and asked and", "needs_data and")),
    "data for splines": ("settings", edited(loading, "config_of", " and splines.file is None", "")),
    "data without a prior": (
        "settings",
        edited(loading, "config_of", "and (model is None or model.use_priors)", ""),
    ),
    "splines of no prior": (
        "settings",
        edited(loading, "_prior", 'model.get("use_priors") is False', "False"),
    ),
    "the default for a prior that is missing": (
        "settings",
        edited(loading, "load_prior_config", "model is None or ", "model is not None and "),
    ),
    "the default prior in both dialects": (
        "settings",
        edited(loading, "_prior", ' and reading.dialect == "cgcore"', ""),
    ),
    "terms without their coefficients": (
        "settings",
        edited(loading, "_with_terms", "if one.coefficients is not None}", "if False}"),
    ),
    "terms that are not frozen": (
        "settings",
        edited(loading, "_with_terms", "{*frozen, *(one.term.name for one in declared if one.frozen)}", "{*frozen}"),
    ),
    "seeds that are empty, and set": (
        "settings",
        edited(loading, "_set", "value is not None or key in _NULL_SAYS", "value or key in _NULL_SAYS"),
    ),
    "ones beside a series": (
        "settings",
        edited(loading, "prior_of", "(0.0,) * len(two) if one is None", "(1.0,) * len(two) if one is None"),
    ),
    "an excluded volume of weight 0": (
        "settings",
        edited(loading, "prior_of", "keys.weights.excluded_volume or None", "keys.weights.excluded_volume"),
    ),
    "an angle of 0 is not carried": (
        "settings",
        edited(loading, "prior_of", "if (value := values.pop(name)) is not None", "if (value := values.pop(name))"),
    ),
    "why nothing is fitted, the other way round": (
        "settings",
        edited(Config, "skip_reason", "if not self.use_priors", "if not self.pretrain_prior"),
    ),
    "all mistakes in one message": (
        "settings",
        edited(reading.Reading, "check", "sentences[:MOST_SHOWN]", "sentences"),
    ),
    "one limit of a number": (
        "settings",
        edited(sentences, "limits", '"maximum": "at most {}"', '"maximum_": "at most {}"'),
    ),
    "a number in a list without its place": (
        "settings",
        edited(keys, "add_errors", 'f"{dotted}[{index}]"', "dotted"),
    ),
    "huge numbers written out": (
        "settings",
        edited(sentences, "complaint", "whole and abs(value) >= 10**15", "False"),
    ),
    "a whole number that is too large is no number": (
        "settings",
        edited(sentences, "complaint", "(whole or value in", "(value in"),
    ),
    "what to write is guessed from the type": (
        "settings",
        edited(sentences, "remedy", 'schema.get("x-what")', "None"),
    ),
    # Declared terms
    "pairs of any chains": (
        "settings",
        edited(terms, "_rows", "nearest, farthest, keys.chains)", "nearest, farthest)"),
    ),
    "chains of listed rows": ("settings", edited(terms, "_rows", "chosen and keys.list is not None", "False")),
    "separations without an end": (
        "settings",
        edited(terms, "as_keys", "[rows.nearest, rows.farthest]", "[rows.nearest, None]"),
    ),
    "the last species of no class": (
        "settings",
        edited(terms, "_groups", "table.get(s, rest) for s in range(size)", "table.get(s, -1) for s in range(size)"),
    ),
    "a class for all but one": (
        "settings",
        edited(terms, "_groups", "tuple(table.get(s, rest)", "tuple(table.get(s, 0)"),
    ),
    "the first of two classes for the rest": ("settings", edited(terms, "_groups", "if rest >= 0:", "if False:")),
    "a species in two classes of a declared term": (
        "settings",
        edited(terms, "_groups", "if s in table]", "if s in table and False]"),
    ),
    "flags as species": ("settings", edited(terms, "_groups", "type(s) is int and", "isinstance(s, int) and")),
    "a species that a file leaves out": (
        "settings",
        edited(terms, "as_keys", "groups.rest >= 0 and -1 in groups.table", "False"),
    ),
    "terms that are not frozen when written": (
        "settings",
        edited(terms, "as_keys", ' | ({"frozen": True} if frozen else {})', ""),
    ),
    "coefficients that are not written": (
        "settings",
        edited(terms, "as_keys", "if coefficients is not None:", "if False:"),
    ),
    "ranges in any order": ("settings", edited(terms, "_positions", "if first >= last:", "if False:")),
    "coefficients of another shape": ("settings", edited(terms, "_coefficients", "values.shape != term.shape or ", "")),
}
