"""The prior as OpenMM forces, with one force group for each term, on the Reference platform (double precision).

Numbers are passed without conversion: what OpenMM takes for nm and kJ/mol is Å and kcal/mol here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

import cgcore

ADD = {2: "addBond", 3: "addAngle", 4: "addTorsion"}


class OpenMM:
    """Energy and forces of each term for a chain without padding.

    Arguments:
        beads: number of beads, at least 2.
        prior: weights and parameters.
        convert_gamma: whether to negate gamma, because OpenMM's dihedral is IUPAC's, minus cgcore's.
    """

    def __init__(self, beads: int, prior: cgcore.Prior, *, convert_gamma: bool = True) -> None:
        import openmm

        p, w = prior.params, prior.weights
        gamma = p["gamma_dih"] * (-1.0 if convert_gamma else 1.0)
        angle = [f"({a}*cos({n}*theta) + {b}*sin({n}*theta))" for n, a, b in _numbered(p["a"], p["b"])]
        torsion = [f"{k}*(1 + cos({n}*theta - ({g})))" for n, k, g in _numbered(p["k_dih"], gamma)]
        self._system, self._groups = openmm.System(), {}
        for _ in range(beads):
            self._system.addParticle(1.0)
        bond = f"{w.bond} * {float(p['kr'])}/2 * (r - ({float(p['r0'])}))^2"
        self._consecutive("bond", openmm.CustomBondForce(bond), beads, 2)
        self._consecutive("angle", openmm.CustomAngleForce(_weighted(w.angle, angle)), beads, 3)
        self._consecutive("dihedral", openmm.CustomTorsionForce(_weighted(w.dihedral, torsion)), beads, 4)
        far = openmm.CustomNonbondedForce(_pair(w.repulsive, p["epsilon"], p["sigma"]))
        for i in range(beads):
            far.addParticle([])
            for j in range(i + 1, min(i + 6, beads)):
                far.addExclusion(i, j)
        self._add("repulsive", far)
        if w.excluded_volume is not None:
            close = openmm.CustomBondForce(_pair(w.excluded_volume, p["epsilon_ex"], p["sigma_ex"]))
            for i in range(beads):
                for j in range(i + 2, min(i + 6, beads)):
                    close.addBond(i, j, [])
            self._add("excluded_volume", close)
        platform = openmm.Platform.getPlatformByName("Reference")
        self._context = openmm.Context(self._system, openmm.VerletIntegrator(0.001), platform)

    def __call__(self, R: np.ndarray) -> dict[str, tuple[float, np.ndarray]]:
        """Energy [kcal/mol] and forces [kcal/mol/Å] of each term."""
        self._context.setPositions(R)
        return {term: self._state(group) for term, group in self._groups.items()}

    def _state(self, group: int) -> tuple[float, np.ndarray]:
        state = self._context.getState(energy=True, forces=True, groups=1 << group)
        # Plain numbers, without the units that OpenMM attaches, which are wrong here.
        return float(state.getPotentialEnergy()._value), np.array(state.getForces(asNumpy=True)._value)

    def _consecutive(self, term: str, force: Any, beads: int, width: int) -> None:
        for i in range(beads - width + 1):
            getattr(force, ADD[width])(*range(i, i + width), [])
        self._add(term, force)

    def _add(self, term: str, force: Any) -> None:
        self._groups[term] = len(self._groups)
        force.setForceGroup(self._groups[term])
        self._system.addForce(force)


def _weighted(weight: float, parts: Iterable[str]) -> str:
    return f"{weight} * ({' + '.join(parts) or '0*theta'})"


def _pair(weight: float, epsilon: Any, sigma: Any) -> str:
    return f"{weight} * ({float(epsilon)}) * (({float(sigma)})/r)^4"


def _numbered(*series: np.ndarray) -> list[tuple[Any, ...]]:
    """Number of each harmonic and its values, in brackets because they may be negative."""
    rows = zip(*(x.tolist() for x in series), strict=True)
    return [(n, *(f"({value!r})" for value in values)) for n, values in enumerate(rows, start=1)]
