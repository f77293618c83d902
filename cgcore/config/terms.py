"""The blocks `model.terms.<name>`, and the terms that they declare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np

from cgcore.config.keys import Flag, Number, Whole, block, key
from cgcore.config.names import mapping, own_block
from cgcore.config.reading import Reading
from cgcore.errors import InputError
from cgcore.physics.bases import BASES, Basis, BSpline, DebyeHueckel, Fourier, Gaussian, Harmonic, Power
from cgcore.physics.groups import Groups
from cgcore.physics.rows import Rows
from cgcore.physics.term import NAME, NAME_RULE, Term

REST = "rest"
MOST_SPECIES = 10_000


@block("model.terms.<name>")
class TermKeys:
    """A term in addition to the prior's five, or in place of the one with the same name."""

    rows: Annotated[
        Literal["bonds", "angles", "dihedrals", "pairs"],
        key("Rows of beads on which the term acts.", fit=True, default="required"),
    ]
    basis: Annotated[
        Literal["harmonic", "fourier", "bspline", "power", "debye_hueckel", "gaussian"],
        key("Functions of the distance or angle; each has one coefficient.", fit=True, default="required"),
    ]
    weight: Annotated[Number, key("Factor of the term in the energy.", fit=True, ge=0)] = 1.0
    separation: Annotated[
        tuple[Whole, Whole | None],
        key(
            "Smallest and largest separation of pairs along the chain; null means no limit.",
            fit=True,
            examples=[[3, None]],
        ),
    ] = (1, None)
    chains: Annotated[
        Literal["any", "within", "between"], key("Pairs within one chain, between two, or any.", fit=True)
    ] = "any"
    list: Annotated[
        tuple[tuple[Whole, ...], ...] | None,
        key(
            "Beads of each row, counted from 0; the term then acts on these rows only.",
            fit=True,
            examples=[[[0, 5]]],
            default="all",
        ),
    ] = None
    harmonics: Annotated[Whole, key("Number of harmonics, for `fourier`.", fit=True, ge=1, le=64)] = 3
    knots: Annotated[
        Whole | tuple[Number, ...],
        key(
            "Knots of `bspline`: their number, evenly spaced over `range`, or their positions [Å or rad].",
            fit=True,
            examples=[16],
        ),
    ] = 16
    range: Annotated[
        tuple[Number, Number] | None,
        key(
            "First and last knot of `bspline`, or centre of `gaussian` [Å or rad].",
            fit=True,
            examples=[[3.0, 12.0]],
            default="0 to π for angles, -π to π for dihedrals, 2 to 6 Å for bonds, 3 to 15 Å for pairs",
        ),
    ] = None
    degree: Annotated[Whole, key("Degree of `bspline`.", fit=True, ge=2, le=5)] = 3
    power: Annotated[Number, key("Exponent n of r^-n, for `power`.", fit=True, gt=0, le=24)] = 4.0
    length: Annotated[Number, key("Debye length, for `debye_hueckel`.", unit="Å", fit=True, gt=0)] = 10.0
    centres: Annotated[
        Whole | tuple[Number, ...],
        key(
            "Centres of `gaussian`: their number, evenly spaced over `range`, or their positions [Å or rad].",
            fit=True,
            examples=[8],
        ),
    ] = 8
    width: Annotated[
        Number | None,
        key("Width of a Gaussian [Å or rad].", fit=True, gt=0, default="the distance between two centres"),
    ] = None
    by: Annotated[
        Literal["central", "types", "terminal"] | None,
        key(
            "How rows are divided into groups; the rows of a group share coefficients.",
            fit=True,
            default="one group",
            says={
                "central": "by the class of an angle's central bead, or of a dihedral's two central beads",
                "types": "by the classes of all beads; for pairs in either order",
                "terminal": "by whether a row contains the first or last bead of a chain",
            },
        ),
    ] = None
    classes: Annotated[
        Whole | dict[str, Any] | None,
        key(
            "Classes of beads for `by`: a number n, which makes each of the species 0 to n - 1 a class, or names with "
            "lists of species, one of which may be `rest`.",
            fit=True,
            examples=[20, {"glycine": [7], "proline": [14], "other": REST}],
            default="required for central and types",
        ),
    ] = None
    coefficients: Annotated[
        tuple[Any, ...] | None,
        key("Initial coefficients, one list per group with one number per function.", fit=True, default="zeros"),
    ] = None
    frozen: Annotated[Flag, key("Whether a fit leaves the coefficients as they are.", fit=True)] = False


class Declared(NamedTuple):
    """A term as a file declares it."""

    term: Term
    coefficients: np.ndarray | None
    frozen: bool


def terms_of(value: Any, reading: Reading) -> tuple[Declared, ...]:
    """The terms of the block `model.terms`; those with mistakes are noted and left out."""
    found = []
    for name, inside in mapping({} if value is None else value, "model.terms", reading).items():
        at = f"model.terms.{name}"
        if not isinstance(name, str) or not NAME.fullmatch(name):
            reading.add(at, NAME_RULE)
            continue
        keys = own_block(TermKeys, inside, at, reading)
        if keys is None:
            continue
        try:
            term = Term(name, _rows(keys), _basis(keys), keys.weight, _groups(keys))
            found.append(Declared(term, _coefficients(keys, term), keys.frozen))
        except InputError as error:
            reading.add(at, f"does not declare a term: {error}")
    return tuple(found)


def as_keys(term: Term, coefficients: np.ndarray | None, frozen: bool) -> dict[str, Any]:
    """The block that declares a term, as `terms_of` reads it.

    Raises:
        InputError: the term cannot be stored in a file: its functions are user-defined, or a species belongs to no
            class while others are the rest.
    """
    rows, basis, groups = term.rows, term.basis, term.groups
    if basis.kind not in BASES or basis.kind == "function":
        raise InputError(f"term {term.name!r} has functions of your own, which no file can hold; keep it in Python")
    if groups is not None and groups.rest >= 0 and -1 in groups.table:
        raise InputError(
            f"term {term.name!r} leaves out species {groups.table.index(-1)} while all others are a class, which no "
            "file can hold; list the species of each class"
        )
    keys: dict[str, Any] = {"rows": rows.kind, "basis": basis.kind, "weight": term.weight}
    if rows.listed is not None:
        keys["list"] = [list(row) for row in rows.listed]
    elif rows.pairs:
        keys |= {"separation": [rows.nearest, rows.farthest], "chains": rows.chains}
    match basis:
        case Fourier():
            keys["harmonics"] = basis.harmonics
        case BSpline():
            keys |= {"knots": list(basis.knots), "degree": basis.degree}
        case Power():
            keys["power"] = float(basis.n)
        case DebyeHueckel():
            keys["length"] = basis.length
        case Gaussian():
            keys |= {"centres": list(basis.centres), "width": basis.width}
    if groups is not None:
        keys["by"] = groups.by
        if groups.by != "terminal":
            keys["classes"] = {
                label: REST if groups.rest == k else [s for s, own in enumerate(groups.table) if own == k]
                for k, label in enumerate(groups.labels)
            }
    if coefficients is not None:
        keys["coefficients"] = np.asarray(coefficients, np.float64).tolist()
    return keys | ({"frozen": True} if frozen else {})


def _rows(keys: TermKeys) -> Rows:
    chosen = keys.separation != (1, None) or keys.chains != "any"
    if chosen and keys.list is not None:
        raise InputError("separation and chains do not apply to listed rows; leave them out, or leave out list")
    if chosen and keys.rows != "pairs":
        raise InputError("separation and chains apply to pairs only; leave them out")
    if keys.list is not None:
        return Rows(keys.rows, listed=keys.list)
    nearest, farthest = keys.separation
    return Rows(keys.rows, nearest, farthest, keys.chains) if keys.rows == "pairs" else Rows(keys.rows)


_RANGES = {"bonds": (2.0, 6.0), "angles": (0.0, np.pi), "dihedrals": (-np.pi, np.pi), "pairs": (3.0, 15.0)}
_ENDS = {"bonds": "open", "angles": "open", "dihedrals": "periodic", "pairs": "cutoff"}


def _basis(keys: TermKeys) -> Basis:
    first, last = keys.range or _RANGES[keys.rows]
    made: dict[str, Callable[[], Basis]] = {
        "harmonic": Harmonic,
        "fourier": lambda: Fourier(keys.harmonics),
        "power": lambda: Power(keys.power),
        "debye_hueckel": lambda: DebyeHueckel(keys.length),
        "gaussian": lambda: _gaussian(_positions("centres", keys.centres, first, last), keys.width, last - first),
        "bspline": lambda: BSpline(
            _positions("knots", keys.knots, first, last),
            keys.degree,
            _ENDS[keys.rows],  # pyright: ignore[reportArgumentType]
        ),
    }
    return made[keys.basis]()


def _positions(name: str, given: int | tuple[float, ...], first: float, last: float) -> tuple[float, ...]:
    """As they are given, or so many of them from the first to the last."""
    if not isinstance(given, int):
        return given
    if not 1 <= given <= 1000:
        raise InputError(f"{name} is {given}; give at most 1000")
    if first >= last:
        raise InputError(f"range goes from {first:g} to {last:g}; give the smaller number first")
    return tuple(np.linspace(first, last, given).tolist())


def _gaussian(centres: tuple[float, ...], width: float | None, reach: float) -> Gaussian:
    """By default as wide as the centres are apart, or a single one as the range."""
    if width is None:
        width = (centres[-1] - centres[0]) / (len(centres) - 1) if len(centres) > 1 else reach
    return Gaussian(centres, width)


def _groups(keys: TermKeys) -> Groups | None:
    if keys.by is None or keys.by == "terminal":
        if keys.classes is not None:
            raise InputError("classes need by: central or by: types; set one of these, or leave the classes out")
        return None if keys.by is None else Groups("terminal")
    if keys.classes is None:
        raise InputError(f"by: {keys.by} needs classes, such as 20 for species 0 to 19")
    if isinstance(keys.classes, int):
        if not 1 <= keys.classes <= MOST_SPECIES:
            raise InputError(f"classes is {keys.classes}; give 1 to {MOST_SPECIES}")
        return Groups.of_species(keys.by, range(keys.classes))
    labels, table, rest = tuple(keys.classes), {}, -1
    for k, (label, species) in enumerate(keys.classes.items()):
        if species == REST:
            if rest >= 0:
                raise InputError(f"two classes are {REST!r}; keep one")
            rest = k
            continue
        if not isinstance(species, list) or not all(type(s) is int and 0 <= s < MOST_SPECIES for s in species):
            raise InputError(f"class {label!r} is not a list of species numbers; write it as [7, 14], or {REST}")
        if twice := [s for s in species if s in table]:
            raise InputError(f"species {twice[0]} is in two classes; keep one")
        table |= dict.fromkeys(species, k)
    size = max(table, default=-1) + 1
    return Groups(keys.by, labels, tuple(table.get(s, rest) for s in range(size)), rest)


def _coefficients(keys: TermKeys, term: Term) -> np.ndarray | None:
    if keys.coefficients is None:
        return None
    try:
        values = np.array(keys.coefficients, np.float64)
    except (TypeError, ValueError):
        raise InputError("coefficients must be numbers, in lists of equal length") from None
    if values.shape != term.shape or not np.isfinite(values).all():
        raise InputError(f"coefficients have shape {values.shape}; give {term.shape}, finite")
    return values
