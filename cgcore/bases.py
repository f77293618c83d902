"""Bases for additional terms; see `cgcore.physics.bases`."""

from __future__ import annotations

from cgcore.physics.bases import Basis as Basis
from cgcore.physics.bases import BSpline as BSpline
from cgcore.physics.bases import DebyeHueckel as DebyeHueckel
from cgcore.physics.bases import Fourier as Fourier
from cgcore.physics.bases import Function as Function
from cgcore.physics.bases import Gaussian as Gaussian
from cgcore.physics.bases import Harmonic as Harmonic
from cgcore.physics.bases import Power as Power
