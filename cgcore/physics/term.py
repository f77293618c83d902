"""A term of the prior: a coordinate of rows of beads, basis functions of this coordinate, and groups of rows.

    E = weight * sum over rows, sum over k of c_gk phi_k(x)        g: the group of the row, x: its coordinate

The five terms of `Prior` are terms of this kind, see `prior.STANDARD`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Int

from cgcore.errors import InputError
from cgcore.physics.bases import Basis, BSpline, DebyeHueckel, Fourier, Power, basis_from_dict
from cgcore.physics.bases.basis import namespace
from cgcore.physics.groups import Classes, Groups
from cgcore.physics.parametrisations import Parametrisation
from cgcore.physics.rows import Rows
from cgcore.plain import from_plain

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,40}")
NAME_RULE = "is not a valid name for a term; use letters, digits, - and _, and begin with a letter"


@dataclass(frozen=True)
class Term:
    """One part of the energy, linear in its coefficients.

    Arguments:
        name: name of the term.
        rows: rows of beads on which it acts.
        basis: functions of the coordinate.
        weight: fixed factor in the energy.
        groups: rows of a group share coefficients; None: all rows do.
        parametrisation: parameters that replace the coefficients; None: the coefficients are the parameters.

    Raises:
        InputError: the name is invalid, the weight is negative, or basis, rows and groups do not fit together.

    Examples:
        >>> import cgcore
        >>> term = cgcore.Term("contact", cgcore.Rows("pairs", 3), cgcore.bases.Gaussian((4.0, 6.0, 8.0), 1.0))
        >>> term.size
        3
    """

    name: str
    rows: Rows
    basis: Basis
    weight: float = 1.0
    groups: Groups | None = None
    parametrisation: Parametrisation | None = None

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InputError(f"{self.name!r} {NAME_RULE}")
        if not (np.isfinite(self.weight) and self.weight >= 0):
            raise InputError(f"the weight of term {self.name!r} is {self.weight}; give a finite number >= 0")
        object.__setattr__(self, "weight", float(self.weight))  # a NumPy float would widen float32 arrays
        distance = self.rows.kind in ("bonds", "pairs")
        if distance and isinstance(self.basis, Fourier):
            raise InputError(f"term {self.name!r}: a Fourier basis needs angles; give rows of angles or dihedrals")
        if not distance and isinstance(self.basis, Power | DebyeHueckel):
            raise InputError(
                f"term {self.name!r}: the basis {self.basis.kind} needs distances; give rows of bonds or pairs"
            )
        if isinstance(self.basis, BSpline):
            ends = {"pairs": "cutoff", "dihedrals": "periodic"}.get(self.rows.kind, "open")
            if self.basis.ends != ends:
                raise InputError(f"term {self.name!r}: splines of {self.rows.kind} need ends {ends!r}")
        if self.groups is not None:
            self.groups.of_rows(self.rows.beads, self.rows.pairs)

    @property
    def coordinate(self) -> str:
        """Kind of coordinate: bond, angle, dihedral or pair."""
        return self.rows.kind.removesuffix("s")

    @property
    def on_beads(self) -> bool:
        """Whether forces are computed for each bead rather than from rows of consecutive beads."""
        return self.rows.pairs or self.rows.listed is not None

    @property
    def group_labels(self) -> tuple[str, ...]:
        """Names of the groups; a single empty name if all rows share coefficients."""
        return ("",) if self.groups is None else self.groups.of_rows(self.rows.beads, self.rows.pairs)[1]

    @property
    def size(self) -> int:
        """Number of coefficients of all groups."""
        return len(self.group_labels) * self.basis.size

    @property
    def coefficient_names(self) -> tuple[str, ...]:
        """Name of each coefficient."""
        if self.parametrisation is not None:
            return self.parametrisation.coefficient_names(self.basis)
        return tuple(
            f"{self.name}{f'[{label}]' if label else ''}.{name}"
            for label in self.group_labels
            for name in self.basis.names
        )

    @property
    def params(self) -> tuple[str, ...]:
        """Names of the term's parameters."""
        return (self.name,) if self.parametrisation is None else self.parametrisation.names

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the coefficients as a parameter: (functions,), or (groups, functions)."""
        return (self.basis.size,) if self.groups is None else (len(self.group_labels), self.basis.size)

    def classes(
        self, species: Any, length: Any, sites: Any, n_beads: int, xp: ModuleType = np
    ) -> Int[Any, " beads"] | None:
        """The class of each bead (beads,), see `Groups.classes`; None without groups."""
        return None if self.groups is None else self.groups.classes(species, length, sites, n_beads, xp)

    def row_groups(self, classes: Classes, rows: Int[Any, "rows per_row"], xp: Any) -> Int[Any, " rows"]:
        """The group of each row (rows,); -1 for a row that takes no part."""
        assert self.groups is not None
        table, _ = self.groups.of_rows(self.rows.beads, self.rows.pairs)
        own = [xp.asarray(classes)[rows[:, k]] for k in self.groups.positions(self.rows.beads, self.rows.pairs)]
        known = xp.all(xp.stack([one >= 0 for one in own]), axis=0)
        return xp.where(known, xp.asarray(table)[tuple(xp.maximum(one, 0) for one in own)], -1)

    def energy(self, x: Any, params: Mapping[str, Any], group: Any = None) -> Any:
        """Energy [kcal/mol] of one row at the coordinate x, without the weight."""
        if self.parametrisation is not None:
            return self.parametrisation.energy(self.basis, x, params)
        c = params[self.name] if group is None else namespace(group).asarray(params[self.name])[group]
        return c @ self.basis.functions(x)

    def as_dict(self) -> dict[str, Any]:
        """Plain values: everything about the term on which a factor depends."""
        return {
            "name": self.name,
            "weight": self.weight,
            "rows": asdict(self.rows),
            "groups": None if self.groups is None else asdict(self.groups),
        } | self.basis.as_dict()

    @classmethod
    def from_dict(cls, plain: Any) -> Term:
        """The inverse of `as_dict`, without the parametrisation.

        Raises:
            TypeError, ValueError, KeyError, InputError: `plain` is not a result of `as_dict`.
        """
        if not isinstance(plain, dict):
            raise TypeError(f"a term is {plain!r:.40}")
        values = dict(plain)
        name, weight, rows, groups = (values.pop(key) for key in ("name", "weight", "rows", "groups"))
        if not isinstance(name, str) or isinstance(weight, bool) or not isinstance(weight, int | float):
            raise TypeError(f"the term {name!r:.40} has weight {weight!r:.40}")
        own = None if groups is None else from_plain(Groups, groups)
        return cls(name, from_plain(Rows, rows), basis_from_dict(values), float(weight), own)
