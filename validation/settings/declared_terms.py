"""Terms as configurations declare them: rows, functions, groups and coefficients, read, written, and refused."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np

from cgcore import Groups, Rows, Term, bases
from cgcore.config import terms
from cgcore.config.reading import Reading
from validation.check import Row, equal, says

PAIRS: dict[str, Any] = {"rows": "pairs", "basis": "power", "weight": 1.0}
WRITTEN: dict[str, Any] = {"separation": [1, None], "chains": "any", "power": 4.0}
POWER = bases.Power(4.0)

CASES: tuple[tuple[dict[str, Any], Term, dict[str, Any]], ...] = (
    (PAIRS, Term("x", Rows("pairs"), POWER), {}),
    (PAIRS | {"weight": 0.0}, Term("x", Rows("pairs"), POWER, 0.0), {}),
    (PAIRS | {"separation": [3, None], "chains": "within"}, Term("x", Rows("pairs", 3, None, "within"), POWER), {}),
    (PAIRS | {"separation": [2, 7], "chains": "between"}, Term("x", Rows("pairs", 2, 7, "between"), POWER), {}),
    (PAIRS | {"power": 12.0}, Term("x", Rows("pairs"), bases.Power(12.0)), {}),
    (
        {"rows": "pairs", "basis": "power", "weight": 1.0, "list": [[0, 5], [1, 5]], "power": 4.0},
        Term("x", Rows("pairs", listed=((0, 5), (1, 5))), POWER),
        {"separation": None, "chains": None},
    ),
    (PAIRS | {"by": "terminal"}, Term("x", Rows("pairs"), POWER, 1.0, Groups("terminal")), {}),
    (
        PAIRS | {"by": "types", "classes": 2},
        Term("x", Rows("pairs"), POWER, 1.0, Groups("types", ("species 0", "species 1"), (0, 1))),
        {"classes": {"species 0": [0], "species 1": [1]}},
    ),
    (
        PAIRS | {"by": "types", "classes": {"a": [4], "b": [1, 2], "c": "rest"}},
        Term("x", Rows("pairs"), POWER, 1.0, Groups("types", ("a", "b", "c"), (2, 1, 1, 2, 0), 2)),
        {"classes": {"a": [4], "b": [1, 2], "c": "rest"}},
    ),
    (
        PAIRS | {"by": "types", "classes": {"a": [2]}},
        Term("x", Rows("pairs"), POWER, 1.0, Groups("types", ("a",), (-1, -1, 0))),
        {},
    ),
    (
        PAIRS | {"by": "types", "classes": {"a": "rest"}},
        Term("x", Rows("pairs"), POWER, 1.0, Groups("types", ("a",), (), 0)),
        {},
    ),
)
"""Declarations, terms, and what is written otherwise than it was read; None for keys that are not written."""

REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    (PAIRS | {"list": [[0, 5]], "chains": "within"}, "separation and chains do not apply to listed rows"),
    ({"rows": "angles", "basis": "fourier", "separation": [2, 3]}, "separation and chains apply to pairs only"),
    (PAIRS | {"classes": 2}, "classes need by: central or by: types"),
    (PAIRS | {"by": "terminal", "classes": 2}, "classes need by: central or by: types"),
    (PAIRS | {"by": "types"}, "by: types needs classes, such as 20 for species 0 to 19"),
    (PAIRS | {"by": "types", "classes": 0}, "classes is 0; give 1 to 10000"),
    (PAIRS | {"by": "types", "classes": {"a": "rest", "b": "rest"}}, "two classes are 'rest'; keep one"),
    (PAIRS | {"by": "types", "classes": {"a": [1], "b": [2, 1]}}, "species 1 is in two classes; keep one"),
    (PAIRS | {"by": "types", "classes": {"a": [True]}}, "class 'a' is not a list of species numbers"),
    (PAIRS | {"coefficients": ["x"]}, "coefficients must be numbers, in lists of equal length"),
    (PAIRS | {"coefficients": [1.0, 2.0]}, "coefficients have shape (2,); give (1,), finite"),
    ({"rows": "pairs", "basis": "bspline", "range": [9.0, 3.0]}, "range goes from 9 to 3; give the smaller number"),
    ({"rows": "pairs", "basis": "bspline", "knots": 1001}, "knots is 1001; give at most 1000"),
    ({"rows": "pairs", "basis": "gaussian", "centres": 0}, "centres is 0; give at most 1000"),
    ({"rows": "pairs"}, "basis is missing; give one of: harmonic, fourier"),
)
"""Declarations that are refused, and a part of the message."""


def declared() -> Iterator[Row]:
    """Declarations as they are read, written, and read again."""
    for said, known, other in CASES:
        for values, frozen in ((None, False), (3.0, True)):
            c = None if values is None else np.full(known.shape, values)
            keys = said | ({} if c is None else {"coefficients": c.tolist()}) | ({"frozen": True} if frozen else {})
            name = f"declared {said}, frozen: {frozen}"
            found = _read(keys)
            yield equal(f"{name}, its term", found.term == known, True)
            coefficients = None if found.coefficients is None else found.coefficients.tolist()
            yield equal(
                f"{name}, its coefficients",
                str((coefficients, found.frozen)),
                str((c if c is None else c.tolist(), frozen)),
            )
            wanted = {key: value for key, value in (WRITTEN | keys | other).items() if value is not None}
            yield equal(f"{name}, written", terms.as_keys(known, c, frozen) == wanted, True)
            yield equal(f"{name}, read again", _read(terms.as_keys(known, c, frozen)).term == known, True)
    for said, words in REFUSED:
        yield says(f"declared {said}", partial(_read, said), words)
    own = Term("x", Rows("pairs"), bases.Function("mine", 1, jnp.atleast_1d))
    some = Term("x", Rows("pairs"), POWER, 1.0, Groups("types", ("a", "b"), (0, -1), 1))
    for name, term, words in (("functions", own, "functions of your own"), ("a species", some, "leaves out species 1")):
        yield says(f"{name} that no file can hold", partial(terms.as_keys, term, None, False), words)


def _read(keys: dict[str, Any]) -> terms.Declared:
    reading = Reading("a.yaml")
    found = terms.terms_of({"x": keys}, reading)
    reading.check()
    (one,) = found
    return one
