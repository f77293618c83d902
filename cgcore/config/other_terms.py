"""Terms of other programs that cgcore does not support: ignored if they are off, and refused otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from cgcore.config.keys import keys_of
from cgcore.config.names import canonical
from cgcore.config.priors import PriorKeys, WeightKeys
from cgcore.config.reading import Reading, kind

AT = "model.priors"

SEPARATIONS = {"min_repulsive_sep": 6, "excluded_volume_min_sep": 2, "excluded_volume_max_sep": 5}
"""Separations along the chain at which terms begin and end; cgcore's values are fixed."""


OTHER_TERMS = {"wca", "hard", "lj", "fene", "leash", "dh", "stickiness", "salt", "wall", "crowding"}
"""Words in the names of keys that belong to such terms. Only the weights of these terms decide whether they are on."""


def without_other_terms(value: Any, reading: Reading) -> Any:
    """The block `model.priors` without the keys of other terms, each of which is ignored or noted as a mistake.

    A term is off if its weight is 0 or absent; its other keys, such as a block of its own or a false flag, are then
    ignored.
    """
    if not isinstance(value, dict):
        return value
    kept, names = {}, canonical(PriorKeys)
    for name, inside in value.items():
        if names.get(name, name) != name and names[name] in value:
            reading.leave(f"{AT}.{name}")  # existing scripts write a series under both of its names
        elif name == "weights" and isinstance(inside, dict):
            kept[name] = _weights(inside, reading)
        elif name in keys_of(WeightKeys):
            if isinstance(inside, dict) and reading.dialect == "chemtrain":
                reading.leave(f"{AT}.{name}")
            else:
                reading.add(f"{AT}.{name}", f"is in the wrong place; write it as {AT}.weights.{name}")
        elif name in SEPARATIONS:
            always = SEPARATIONS[name]
            if inside is None or (inside == always and not isinstance(inside, bool)):
                reading.leave(f"{AT}.{name}")
            else:
                shown = f"{inside}" if isinstance(inside, int | float) else kind(inside)
                reading.add(f"{AT}.{name}", f"is {shown}; here it is always {always}: leave it out")
        elif _of_other_term(name) or (_is_off(inside) and not _known_or_meant(name, names)):
            reading.leave(f"{AT}.{name}")
        else:
            kept[name] = inside
    return kept


def _weights(weights: dict[Any, Any], reading: Reading) -> dict[Any, Any]:
    kept = {}
    for name, weight in weights.items():
        if _known_or_meant(name, keys_of(WeightKeys)):
            kept[name] = weight
        elif weight is None or (not isinstance(weight, bool) and weight == 0):
            reading.leave(f"{AT}.weights.{name}")
        else:
            known = ", ".join(keys_of(WeightKeys))
            words = f"is {weight if isinstance(weight, int | float) else kind(weight)}, and there is no such term"
            reading.add(f"{AT}.weights.{name}", f"{words}; set it to 0, or fit without it (known: {known})")
    return kept


def _of_other_term(name: Any) -> bool:
    return isinstance(name, str) and bool(OTHER_TERMS & set(name.lower().split("_")))


def _is_off(value: Any) -> bool:
    """Whether an unknown key turns nothing on by itself; for a block, the weight of its term decides."""
    return value is None or value is False or isinstance(value, dict)


def _known_or_meant(name: Any, names: Iterable[str]) -> bool:
    return name in names or bool(get_close_matches(str(name).lower(), list(names), 1, 0.8))
