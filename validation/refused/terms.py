"""Terms: bases, rows, groups, priors, splines and displacements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import cgcore
from cgcore.physics.splines import Spline, Splines
from validation.refused.place import INF, NAN, Place, Work, by_value, ending_with

BASES = cgcore.bases
SPECIES = cgcore.Groups.of_species
TYPES: Any = "types"
REPULSION = BASES.Power(4)


def places() -> Iterator[Place]:
    """Everything of which a prior is made."""
    yield from _bases()
    yield from _rows()
    yield _groups()
    yield _terms()
    yield from _priors()
    yield _splines()
    yield by_value("periodic", cgcore.periodic, {
        "box": ([20, 1e-9, [20, 30, 40.0], np.array([1, 2, 3])],
                [0, -20, [20, -20, 20], [20, 0, 20], [20, 20], [20] * 6, NAN, [20, 20, INF], "wide", 20 * np.eye(3)]),
    })  # fmt: skip


def _bases() -> Iterator[Place]:
    many = tuple(np.arange(1000.0))
    yield by_value("fourier", BASES.Fourier, {"harmonics": ([0, 1, 64], [-1, 65, 1.0, True, "3", None])})
    yield by_value("power", BASES.Power, {"n": ([1e-3, 4, 24], [0, -4, 24 + 1e-9, NAN, INF, True, "4", 10**400])})
    yield by_value("debye_hueckel", BASES.DebyeHueckel, {"length": ([1e-3, 8, 1e6], [0, -8.0, NAN, INF, True, "8"])})
    yield by_value("gaussian", lambda centres=(4.0, 6.0), width=1.0: BASES.Gaussian(centres, width), {
        "centres": ([(4.0,), (-1.0, 0.0, 5.0)], [(), (4.0, 4.0), (6.0, 4.0), (4.0, NAN), (4.0, INF), [4.0, 6.0]]),
        "width": ([1e-9, 100], [0, -1.0, NAN, INF, True, "1", None]),
    })  # fmt: skip
    yield by_value(
        "bspline",
        lambda knots=(1.0, 2.0, 3.0, 4.0), degree=3, ends="open": BASES.BSpline(knots, degree, ends),  # pyright: ignore[reportArgumentType]
        {
            "knots": (
                [(1.0, 2.0), many],
                [(1.0,), (), (2.0, 1.0), (1.0, 1.0), (1.0, 2.0, NAN), (1.0, INF), (*many, 1000.0), [1.0, 2.0]],
            ),
            "degree": ([2, 3, 5], [1, 6, 0, -3, 3.0, True, "3"]),
            "ends": (["open", "cutoff"], ["Open", "closed", "", None]),
        },
    )
    yield by_value("periodic spline", lambda knots: BASES.BSpline(knots, 3, "periodic"), {
        "knots": ([(0.0, 1.0, 2.0, 3.0, 4.0)], [(0.0, 1.0, 2.0, 3.0)])})  # fmt: skip


def _rows() -> Iterator[Place]:
    most = 10**6
    kinds: tuple[Any, ...] = ("bonds", "angles", "dihedrals", "pairs")

    def listed(kind: Any, *beads: Any) -> Work:
        return lambda: cgcore.Rows(kind, listed=beads)

    yield by_value("rows", lambda kind="pairs", nearest=1, farthest=None, chains="any":
                   cgcore.Rows(kind, nearest, farthest, chains), {  # pyright: ignore[reportArgumentType]
        "kind": (kinds, ["impropers", "bond", "", None]),
        "nearest": ([1, 3, most], [0, -1, most + 1, 1.5, 3.0, True, "3", None]),
        "farthest": ([None, 1, most], [0, -1, most + 1, 2.5, True, "3"]),
        "chains": (["any", "within", "between"], ["some", "", None]),
    })  # fmt: skip
    yield Place("separations", {"from 5 to 5": lambda: cgcore.Rows("pairs", 5, 5)},
                {"from 5 to 4": lambda: cgcore.Rows("pairs", 5, 4)})  # fmt: skip
    good = {
        "first and last bead": listed("pairs", (0, most - 1)),
        "a pair from the far end": listed("pairs", (5, 0)),
        "two pairs": listed("pairs", (0, 5), (0, 6)),
        "the same beads about another centre": listed("angles", (0, 5, 2), (0, 2, 5)),
        "four beads": listed("dihedrals", (0, 5, 2, 7)),
    }
    bad = {
        "bead -1": listed("pairs", (-1, 5)),
        "bead beyond the last": listed("pairs", (0, most)),
        "half a bead": listed("pairs", (0.5, 5)),
        "a bead as text": listed("pairs", ("0", "5")),
        "a bead with itself": listed("pairs", (5, 5)),
        "three beads in a pair": listed("pairs", (0, 5, 7)),
        "two beads in an angle": listed("angles", (0, 5)),
        "three beads in a dihedral": listed("dihedrals", (0, 5, 2)),
        "a bead twice in a dihedral": listed("dihedrals", (0, 5, 2, 0)),
        "a pair twice": listed("pairs", (0, 5), (1, 5), (0, 5)),
        "a pair and its reverse": listed("pairs", (0, 5), (5, 0)),
        "an angle and its reverse": listed("angles", (0, 5, 2), (2, 5, 0)),
    }
    yield Place("listed rows", good, bad)


def _groups() -> Place:
    def groups(*given: Any) -> Work:
        return lambda: cgcore.Groups(*given)

    good = {
        "terminal": groups("terminal"),
        "a class": groups("types", ("a",), (0,)),
        "a species without class": groups("types", ("a",), (0, -1)),
        "the rest": groups("types", ("a", "b"), (0,), 1),
    }
    bad = {
        "another rule": groups("species", ("a",), (0,)),
        "no class": groups("types", ()),
        "no species": lambda: SPECIES("types", ()),
        "a negative species": lambda: SPECIES("types", (-1, 0)),
        "class 1 of one": groups("types", ("a",), (1,)),
        "class -2": groups("types", ("a",), (-2,)),
        "rest without label": groups("types", ("a",), (0,), 1),
        "a label twice": groups("types", ("a", "a"), (0, 1)),
        "one kind of ends": groups("terminal", ("a",)),
        "three kinds of ends": groups("terminal", ("a", "b", "c")),
    }
    return Place("groups", good, bad)


def _term(kind: Any = "pairs", basis: Any = REPULSION, **more: Any) -> Work:
    return lambda: cgcore.Term(**{"name": "x", "rows": cgcore.Rows(kind), "basis": basis} | more)


def _terms() -> Place:
    knots = (0.0, 1.0, 2.0, 3.0, 4.0)
    good, bad = {}, {}
    ends = {"bonds": "open", "angles": "open", "dihedrals": "periodic", "pairs": "cutoff"}
    for kind, own in ends.items():
        for other in ("open", "cutoff", "periodic"):
            (good if other == own else bad)[f"spline of {kind} with ends {other}"] = _term(
                kind, BASES.BSpline(knots, 3, other)
            )
        distances = kind in ("bonds", "pairs")
        (bad if distances else good)[f"Fourier on {kind}"] = _term(kind, BASES.Fourier(2))
        for basis in (BASES.Power(4), BASES.DebyeHueckel(8.0)):
            (good if distances else bad)[f"{basis.kind} on {kind}"] = _term(kind, basis)
        central = "bad" if distances else "good"
        {"good": good, "bad": bad}[central][f"central beads of {kind}"] = _term(
            kind, BASES.Harmonic(), groups=SPECIES("central", (0, 1))
        )
    for name in ("x", "A-1_b", "x" * 41):
        good[f"name {name!r}"] = _term(name=name)
    for name in ("", "1x", "a b", "x" * 42, "é", "x\n"):
        bad[f"name {name!r}"] = _term(name=name)
    good |= {f"weight {weight}": _term(weight=weight) for weight in (0, 1e-300, 1e6)}
    bad |= {f"weight {weight}": _term(weight=weight) for weight in (-1e-300, NAN, INF, -INF)}
    # The table of groups has an entry for each combination of classes, at most 10,000.
    good["10 classes of four beads"] = _term("dihedrals", BASES.Harmonic(), groups=SPECIES(TYPES, range(10)))
    bad["11 classes of four beads"] = _term("dihedrals", BASES.Harmonic(), groups=SPECIES(TYPES, range(11)))
    return Place("terms", good, bad)


def _priors() -> Iterator[Place]:
    default = cgcore.default_prior()
    params, weights = dict(default.params), default.weights

    def with_weight(**changed: Any) -> cgcore.Prior:
        return cgcore.Prior(weights._replace(**changed), params)

    def with_params(**changed: Any) -> cgcore.Prior:
        return cgcore.Prior(weights, params | changed)

    number = ([-1.0, 1e300], [NAN, INF, -INF, [1.0], "much"])
    length = ([-1.0, 1e-9, 1e300], [0, 0.0, NAN, INF, [3.0]])
    a, few = len(params["a"]), len(params["k_dih"])
    yield by_value("weights", with_weight, dict.fromkeys(weights._fields, ([0, 1e6], [-1e-9, NAN, INF, -INF])))
    yield by_value("parameters", with_params, {
        **dict.fromkeys(("r0", "kr", "epsilon", "epsilon_ex"), number),
        **dict.fromkeys(("sigma", "sigma_ex"), length),
        **dict.fromkeys(
            ("a", "b"), ([np.ones(a)], [np.ones(a - 1), np.ones(a + 1), [], 1.0, ending_with(NAN, np.ones(a))])
        ),
        **dict.fromkeys(("k_dih", "gamma_dih"), ([np.ones(few)], [np.ones(few + 1), [], np.ones((1, few))])),
        "theta0": ([], [1.6]),
    })  # fmt: skip

    def series(first: str, second: str, length: int) -> Work:
        return lambda: with_params(**{first: np.zeros(length), second: np.zeros(length)})

    pairs = (("a", "b"), ("k_dih", "gamma_dih"))
    yield Place(
        "harmonics",
        {f"{n} in {first}": series(first, second, n) for first, second in pairs for n in (0, 64)},
        {f"65 in {first}": series(first, second, 65) for first, second in pairs},
    )
    lacks = {f"no {gone}": lambda own=gone: cgcore.Prior(weights, {k: v for k, v in params.items() if k != own})
             for gone in params}  # fmt: skip
    yield Place("names of parameters", {"all": lambda: cgcore.Prior(weights, params)}, lacks)
    pairs_term = cgcore.Term("x", cgcore.Rows("pairs", 3), BASES.Gaussian((5.0, 8.0), 1.0))
    named = cgcore.Term("kr", cgcore.Rows("pairs"), BASES.Power(4))

    def size(knots: int) -> cgcore.Prior:
        """One term with `knots` coefficients for each of 4 groups, and nothing else that has any."""
        none = {name: np.zeros(0) for name in ("a", "b", "k_dih", "gamma_dih")}
        own = cgcore.Term("x", cgcore.Rows("angles"), BASES.Gaussian(tuple(np.arange(float(knots))), 1.0),
                          groups=SPECIES("central", range(4)))  # fmt: skip
        return cgcore.Prior(weights, params | none, further=(own,))

    good = {
        "two coefficients": lambda: default.with_terms([pairs_term], {"x": [1.0, 2.0]}),
        "frozen": lambda: default.with_terms([pairs_term], frozen=["x", "bond"]),
        "4096 coefficients": lambda: size(1023),
    }
    bad = {
        "three coefficients": lambda: default.with_terms([pairs_term], {"x": [1.0, 2.0, 3.0]}),
        "NaN in coefficients": lambda: default.with_terms([pairs_term], {"x": [1.0, NAN]}),
        "coefficients of another term": lambda: default.with_terms([pairs_term], {"y": [1.0, 2.0]}),
        "the same term twice": lambda: default.with_terms([pairs_term, pairs_term]),
        "a parameter's name": lambda: default.with_terms([named]),
        "another term frozen": lambda: default.with_terms([pairs_term], frozen=["y"]),
        "more than 4096 coefficients": lambda: size(1024),
    }
    yield Place("further terms", good, bad)


def _splines() -> Place:
    knots, coefficients = np.array([1.0, 1.5, 2.0]), np.ones((2, 4))
    sound = Spline(knots, coefficients)

    def spline(knots: Any, coefficients: Any = coefficients) -> Work:
        return lambda: Splines(sound, Spline(knots, coefficients), sound)

    good = {"three knots": spline(knots), "two knots": spline(knots[:2], coefficients[:1])}
    bad = {
        "one knot": spline(knots[:1], coefficients[:0]),
        "knots that descend": spline(knots[::-1]),
        "a knot twice": spline(knots[[0, 1, 1]]),
        "NaN in knots": spline([1.0, 1.5, NAN]),
        "NaN in coefficients": spline(knots, ending_with(NAN, coefficients)),
        "as many coefficients as knots": spline(knots, np.ones((3, 4))),
        "parabolas": spline(knots, np.ones((2, 3))),
        "text": spline(knots.astype(str)),
    }
    return Place("fixed splines", good, bad)
