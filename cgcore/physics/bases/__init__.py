"""Bases of potentials, by their names in configurations and in stored factors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cgcore.physics.bases.basis import Basis as Basis
from cgcore.physics.bases.bspline import BSpline as BSpline
from cgcore.physics.bases.debye_hueckel import DebyeHueckel as DebyeHueckel
from cgcore.physics.bases.fourier import Fourier as Fourier
from cgcore.physics.bases.function import Function as Function
from cgcore.physics.bases.gaussian import Gaussian as Gaussian
from cgcore.physics.bases.harmonic import Harmonic as Harmonic
from cgcore.physics.bases.power import Power as Power
from cgcore.plain import from_plain

BASES: dict[str, type[Basis]] = {
    one.kind: one for one in (Harmonic, Fourier, BSpline, Power, DebyeHueckel, Gaussian, Function)
}


def basis_from_dict(plain: Mapping[str, Any]) -> Basis:
    """The basis described by the result of `Basis.as_dict`.

    Raises:
        InputError: a value is not allowed for the basis.
        TypeError: a key is missing or unknown.
        KeyError: there is no basis of that name.
    """
    return from_plain(BASES[plain["basis"]], {name: value for name, value in plain.items() if name != "basis"})
