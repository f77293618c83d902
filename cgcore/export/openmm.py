"""The prior as an OpenMM `System`, and that as an XML file for `openmm.XmlSerializer`.

Lengths in nm and energies in kJ/mol, weights folded in; OpenMM's dihedral is IUPAC's, MINUS the prior's. Each term is a
force by its own name and in a force group of its own, so that OpenMM gives their energies one by one. There is no box:
the chain is alone in free space.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgcore.errors import InputError
from cgcore.export.checks import MASS, check_beads, check_mass, check_prior
from cgcore.files import atomic_write
from cgcore.physics.constants import JOULES_PER_CALORIE
from cgcore.physics.precision import require_float32
from cgcore.physics.prior import Params, Prior, require_formulas
from cgcore.physics.topology import REPULSIVE_MIN_SEPARATION, chain

if TYPE_CHECKING:
    from openmm import System

KJ = JOULES_PER_CALORIE
"""In a kcal."""

NM = 0.1
"""In an Å."""


def openmm_system(prior: Prior, beads: int, *, mass: float = MASS) -> System:
    """The prior of one chain, whose beads are the particles in their order.

    Arguments:
        prior: weights and parameters.
        beads: of the chain.
        mass: of a bead [g/mol].

    Raises:
        InputError: an argument is out of range, or openmm is not installed.
    """
    check_beads(beads)
    check_mass(mass)
    check_prior(prior)
    require_formulas(prior, "no OpenMM export")
    mm = require_openmm()
    p, w, rows = prior.params, prior.weights, chain(beads)
    bond = mm.CustomBondForce(f"k/2*(r-r0)^2; {_constants(k=w.bond * p['kr'] * KJ / NM**2, r0=p['r0'] * NM)}")
    for row in rows.bonds.tolist():
        bond.addBond(*row, [])
    angle = mm.CustomAngleForce(_angle(w.angle, p))
    for row in rows.angles.tolist():
        angle.addAngle(*row, [])
    dihedral = mm.CustomTorsionForce(_dihedral(w.dihedral, p))
    for row in rows.dihedrals.tolist():
        dihedral.addTorsion(*row, [])
    repulsive = mm.CustomNonbondedForce(_repulsion(w.repulsive, p["epsilon"], p["sigma"]))
    repulsive.setNonbondedMethod(mm.CustomNonbondedForce.NoCutoff)
    for i in range(beads):
        repulsive.addParticle([])
        for j in range(i + 1, min(i + REPULSIVE_MIN_SEPARATION, beads)):
            repulsive.addExclusion(i, j)
    forces = {"bond": bond, "angle": angle, "dihedral": dihedral, "repulsive": repulsive}
    if w.excluded_volume is not None:
        close = mm.CustomBondForce(_repulsion(w.excluded_volume, p["epsilon_ex"], p["sigma_ex"]))
        for row in rows.excluded_volume.tolist():
            close.addBond(*row, [])
        forces["excluded_volume"] = close
    system = mm.System()
    for _ in range(beads):
        system.addParticle(mass)
    for group, (name, force) in enumerate(forces.items()):
        force.setName(name)
        force.setForceGroup(group)
        system.addForce(force)
    return system


def write_openmm(path: str | os.PathLike[str], prior: Prior, beads: int, *, mass: float = MASS) -> None:
    """`openmm_system` as XML, which `openmm.XmlSerializer.deserialize` reads; whole or not at all.

    Raises:
        InputError: as `openmm_system`, the file cannot be written, or the prior loses its digits in float32, in which
            OpenMM computes on most platforms.
    """
    system = openmm_system(prior, beads, mass=mass)
    require_float32("the prior", prior)
    atomic_write(path, require_openmm().XmlSerializer.serialize(system))


def read_openmm(path: str | os.PathLike[str]) -> System:
    """The System in an XML file.

    Raises:
        InputError: the file cannot be read, holds something else, or openmm is not installed.
    """
    mm = require_openmm()
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        text = ""
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    try:
        system = mm.XmlSerializer.deserialize(text)
    except (mm.OpenMMException, ValueError):
        system: Any = None
    if not isinstance(system, mm.System):
        raise InputError(f"{path}: not the XML of an OpenMM System; make it by `cgcore export --to openmm`")
    return system


def require_openmm() -> Any:
    """The package openmm.

    Raises:
        InputError: it is not installed.
    """
    try:
        import openmm
    except ImportError:
        raise InputError(
            "the OpenMM export needs openmm, which is not installed; pip install 'cgcore[export]'"
        ) from None
    return openmm


def _angle(weight: float, p: Params) -> str:
    """sum_n a_n cos(n theta) + b_n sin(n theta)"""
    series = range(1, len(p["a"]) + 1)
    values = {f"a{n}": weight * p["a"][n - 1] * KJ for n in series}
    values |= {f"b{n}": weight * p["b"][n - 1] * KJ for n in series}
    return _sum((f"a{n}*cos({n}*theta)+b{n}*sin({n}*theta)" for n in series), values)


def _dihedral(weight: float, p: Params) -> str:
    """sum_n k_n [1 + cos(n theta + gamma_n)]: theta is minus our phi"""
    series = range(1, len(p["k_dih"]) + 1)
    values = {f"k{n}": weight * p["k_dih"][n - 1] * KJ for n in series}
    values |= {f"gamma{n}": p["gamma_dih"][n - 1] for n in series}
    return _sum((f"k{n}*(1+cos({n}*theta+gamma{n}))" for n in series), values)


def _repulsion(weight: float, epsilon: Any, sigma: Any) -> str:
    return f"epsilon*(sigma/r)^4; {_constants(epsilon=weight * epsilon * KJ, sigma=sigma * NM)}"


def _sum(parts: Iterable[str], values: dict[str, Any]) -> str:
    # OpenMM refuses an expression without its variable.
    return "; ".join(["+".join(parts) or "0*theta", *([_constants(**values)] if values else [])])


def _constants(**values: Any) -> str:
    """Definitions in the way of OpenMM's expressions; every float64 comes back as the very same number."""
    return "; ".join(f"{name}={float(value)!r}" for name, value in values.items())
