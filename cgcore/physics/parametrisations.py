"""Familiar parameters in place of coefficients: rest length and stiffness, or amplitudes and phases.

Forces are linear in the coefficients. Each class here converts parameters to coefficients and back, in one canonical
gauge, and computes the energy including its constants.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float

from cgcore.physics.bases import Basis
from cgcore.physics.bases.basis import namespace

Params = dict[str, Any]
"""Parameters by name, a pytree. Scalars: r0 [Å], kr [kcal/mol/Å²], epsilon [kcal/mol], sigma [Å]
(and epsilon_ex, sigma_ex). Arrays, harmonic n = 1, 2, ...: a, b, k_dih [kcal/mol], gamma_dih [rad]."""

Given = Mapping[str, Any]


@dataclass(frozen=True)
class Parametrisation(ABC):
    """Conversion between the parameters and the coefficients of a term.

    Arguments:
        names: names of the parameters, in the order of reports.
    """

    names: tuple[str, ...]

    @abstractmethod
    def coefficient_names(self, basis: Basis) -> tuple[str, ...]:
        """Names of the coefficients."""

    @abstractmethod
    def coefficients(self, params: Given, xp: ModuleType) -> Any:
        """The coefficients (n,), computed with NumPy or jax.numpy."""

    @abstractmethod
    def params(self, c: Float[np.ndarray, "*cases n"], start: Given) -> Params:
        """Parameters in the canonical gauge. Leading axes of c become leading axes of each parameter; what c does
        not determine is taken from `start`."""

    def energy(self, basis: Basis, x: Any, params: Given) -> Any:
        """The energy [kcal/mol] at the coordinate x, without the term's weight."""
        return self.coefficients(params, namespace(x)) @ basis.functions(x)


@dataclass(frozen=True)
class Stiffness(Parametrisation):
    """Rest length r0 and stiffness kr of a `Harmonic` basis."""

    def coefficient_names(self, basis: Basis) -> tuple[str, ...]:
        r0, kr = self.names
        return (kr, f"{kr}*{r0}")

    def coefficients(self, params: Given, xp: ModuleType) -> Any:
        r0, kr = (params[name] for name in self.names)
        return xp.stack([kr, kr * r0])

    def params(self, c: Float[np.ndarray, "*cases n"], start: Given) -> Params:
        """r0 is taken from `start` where kr = 0."""
        r0, kr = self.names
        stiff = c[..., 0] != 0
        return {r0: np.where(stiff, c[..., 1] / np.where(stiff, c[..., 0], 1.0), start[r0]), kr: c[..., 0]}

    def energy(self, basis: Basis, x: Any, params: Given) -> Any:
        """kr/2 (x - r0)², not multiplied out, which would cancel in float32."""
        r0, kr = (params[name] for name in self.names)
        return kr / 2 * (x - r0) ** 2


@dataclass(frozen=True)
class CosinesAndSines(Parametrisation):
    """Coefficients of the cosines and of the sines of a `Fourier` basis; the parameters are the coefficients."""

    def coefficient_names(self, basis: Basis) -> tuple[str, ...]:
        return tuple(f"{name}_{n}" for name in self.names for n in range(1, basis.size // 2 + 1))

    def coefficients(self, params: Given, xp: ModuleType) -> Any:
        return xp.concatenate([params[name] for name in self.names])

    def params(self, c: Float[np.ndarray, "*cases n"], start: Given) -> Params:
        return dict(zip(self.names, np.split(c, 2, axis=-1), strict=True))


@dataclass(frozen=True)
class AmplitudesAndPhases(Parametrisation):
    """Amplitudes k >= 0 and phases gamma in (-pi, pi] of a `Fourier` basis."""

    def coefficient_names(self, basis: Basis) -> tuple[str, ...]:
        numbers = range(1, basis.size // 2 + 1)
        return tuple(f"k_{n} {wave}(gamma_{n})" for wave in ("cos", "sin") for n in numbers)

    def coefficients(self, params: Given, xp: ModuleType) -> Any:
        k, gamma = (params[name] for name in self.names)
        return xp.concatenate([k * xp.cos(gamma), k * xp.sin(gamma)])

    def params(self, c: Float[np.ndarray, "*cases n"], start: Given) -> Params:
        """A phase is taken from `start` where its amplitude is 0."""
        (k, gamma), (cosines, sines) = self.names, np.split(c, 2, axis=-1)
        amplitude = np.hypot(cosines, sines)
        phase = np.arctan2(sines, cosines)
        phase = np.where(phase == -np.pi, np.pi, phase)  # arctan2 gives -pi if the sine is -0
        return {k: amplitude, gamma: np.where(amplitude > 0, phase, start[gamma])}

    def energy(self, basis: Basis, x: Any, params: Given) -> Any:
        """sum_n k_n [1 + cos(n x - gamma_n)], n = 1, 2, ..."""
        return super().energy(basis, x, params) + params[self.names[0]].sum()


@dataclass(frozen=True)
class StrengthAndLength(Parametrisation):
    """epsilon and sigma in epsilon (sigma/r)^4, a `Power` basis with n = 4. sigma is kept, and epsilon carries the
    scale."""

    def coefficient_names(self, basis: Basis) -> tuple[str, ...]:
        epsilon, sigma = self.names
        return (f"{epsilon}*{sigma}^4",)

    def coefficients(self, params: Given, xp: ModuleType) -> Any:
        epsilon, sigma = (params[name] for name in self.names)
        return (epsilon * sigma**4)[None]

    def params(self, c: Float[np.ndarray, "*cases n"], start: Given) -> Params:
        """epsilon is taken from `start` where sigma = 0."""
        epsilon, sigma = self.names
        own = c[..., 0]
        scaled = own / start[sigma] ** 4 if start[sigma] != 0 else np.full_like(own, start[epsilon])
        return {epsilon: scaled, sigma: np.broadcast_to(start[sigma], own.shape)}
