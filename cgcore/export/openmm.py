"""The prior as an OpenMM `System`, and as an XML file for `openmm.XmlSerializer`.

Lengths are in nm and energies in kJ/mol, and weights are included; OpenMM's dihedral is IUPAC's, MINUS the prior's.
Each term is a force with its own name and force group, so that OpenMM can compute their energies separately; if there
are more than 32 terms, the last ones share the last group. There is no box: the chain is alone in free space.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from cgcore.errors import InputError
from cgcore.export.checks import MASS, check_beads, check_mass, check_prior, check_species
from cgcore.export.expressions import NM as NM
from cgcore.export.expressions import expression_of
from cgcore.export.potentials import Potential, potentials
from cgcore.files import atomic_write
from cgcore.judging.precision import require_float32
from cgcore.physics.prior import Prior

if TYPE_CHECKING:
    from openmm import System

MOST_GROUPS = 32
"""Number of force groups in OpenMM."""

_FORCES = {
    "bonds": ("CustomBondForce", "Bond", f"r/{NM!r}"),
    "pairs": ("CustomBondForce", "Bond", f"r/{NM!r}"),
    "angles": ("CustomAngleForce", "Angle", "theta"),
    "dihedrals": ("CustomTorsionForce", "Torsion", "-theta"),
}
"""OpenMM's force on listed rows, its name for a row, and our coordinate in its variables; its dihedral is IUPAC's."""

_COMPOUND = {
    "bonds": f"distance(p1,p2)/{NM!r}",
    "pairs": f"distance(p1,p2)/{NM!r}",
    "angles": "angle(p1,p2,p3)",
    "dihedrals": "-dihedral(p1,p2,p3,p4)",
}
"""Our coordinate in the only force on listed rows that supports tabulated functions."""


def openmm_system(prior: Prior, beads: int, *, mass: float = MASS, species: Int[Any, " beads"] | None = None) -> System:
    """Create an OpenMM `System` with the prior of one chain, whose beads are the particles in their order.

    Arguments:
        prior: weights, parameters and splines.
        beads: number of beads of the chain.
        mass: mass of a bead [g/mol].
        species: species of the beads (beads,), for terms with groups and for splines that differ by species.

    Returns:
        The `openmm.System`, in OpenMM's units and with IUPAC dihedrals.

    Raises:
        InputError: an argument is out of range, the prior differs by species but none are given, or openmm is not
            installed.
    """
    check_beads(beads)
    check_mass(mass)
    check_prior(prior)
    kinds = check_species(prior, beads, species)
    mm = require_openmm()
    system = mm.System()
    for _ in range(beads):
        system.addParticle(mass)
    every = potentials(prior)
    far = farthest_of_nearest(every)
    for group, potential in enumerate(every):
        made = _forces(mm, potential, beads, kinds, far)
        for force in made:
            force.setName(potential.term.name)
            force.setForceGroup(min(group, MOST_GROUPS - 1))
            system.addForce(force)
    return system


def farthest_of_nearest(every: tuple[Potential, ...]) -> int:
    """The separation from which all far-pair terms act. OpenMM requires the same exclusions in all forces on all pairs,
    so that pairs below this separation, on which only some terms act, get a force on listed pairs."""
    return max((one.term.rows.nearest for one in every if _far(one)), default=1)


def _far(potential: Potential) -> bool:
    """Whether a term acts on all pairs from some separation on."""
    rows = potential.term.rows
    return rows.pairs and rows.listed is None and rows.farthest is None and rows.chains != "between"


def _forces(mm: Any, potential: Potential, beads: int, species: np.ndarray | None, far: int) -> Iterator[Any]:
    rows, groups = potential.rows(beads, species)
    if potential.own is not None:
        # Splines of a file may have different knots for each species.
        for number, curve in enumerate(potential.curves):
            if number == 0 or (groups == number).any():
                one = Potential(potential.term, (curve,), ("",))
                yield _on_rows(mm, one, rows[groups == number], np.zeros(np.sum(groups == number), int))
    elif _far(potential):
        yield _on_all_pairs(mm, potential, beads, species, far)
        close = rows[:, 1] - rows[:, 0] < far
        if close.any():
            yield _on_rows(mm, potential, rows[close], groups[close])
    else:
        yield _on_rows(mm, potential, rows, groups)


def _on_rows(mm: Any, potential: Potential, rows: np.ndarray, groups: np.ndarray) -> Any:
    """A force on a list of rows, each with the parameters of its group if there are several."""
    expression, kind = expression_of(potential), potential.term.rows.kind
    by_group = expression.by_group
    if expression.tables:
        force = mm.CustomCompoundBondForce(rows.shape[1], f"{expression.text}; x={_COMPOUND[kind]}")
        row, grouped = "Bond", len(potential.curves) > 1
        by_group = {"g": np.arange(len(potential.curves))} if grouped else {}
        _add_tables(mm, force, expression.tables)
        rows = rows[:, None]
    else:
        name, row, x = _FORCES[kind]
        force = getattr(mm, name)(f"{expression.text}; x={x}")
    for name in by_group:
        getattr(force, f"addPer{row}Parameter")(name)
    add = getattr(force, f"add{row}")
    for own, group in zip(rows.tolist(), groups.tolist(), strict=True):
        add(*own, [float(values[group]) for values in by_group.values()])
    return force


def _on_all_pairs(mm: Any, potential: Potential, beads: int, species: np.ndarray | None, far: int) -> Any:
    """A force on all pairs from a separation on; the group of a pair follows from the classes of its beads."""
    groups = potential.term.groups
    expression = expression_of(potential, none=groups is not None)
    looked_up = {f"{name}_of": values for name, values in expression.by_group.items()}
    text = "; ".join([expression.text, *(f"{name}={name}_of(g)" for name in expression.by_group), f"x=r/{NM!r}"])
    classes = None
    if groups is None:
        force = mm.CustomNonbondedForce(text)
    else:
        force = mm.CustomNonbondedForce(f"{text}; g=group(class1,class2)")
        force.addPerParticleParameter("class")
        table, labels = groups.of_rows(2, True)
        # One more class, for beads that do not take part, and one more group, without energy.
        table = np.pad(table, (0, 1), constant_values=len(labels))
        force.addTabulatedFunction("group", mm.Discrete2DFunction(*table.shape, table.ravel().astype(float).tolist()))
        own = groups.classes(species, beads, None, beads)
        classes = np.where(own < 0, len(groups.labels), own)
    _add_tables(mm, force, expression.tables | looked_up)
    force.setNonbondedMethod(mm.CustomNonbondedForce.NoCutoff)
    for i in range(beads):
        force.addParticle([] if classes is None else [float(classes[i])])
        for j in range(i + 1, min(i + far, beads)):
            force.addExclusion(i, j)
    return force


def _add_tables(mm: Any, force: Any, tables: dict[str, np.ndarray]) -> None:
    for name, values in tables.items():
        force.addTabulatedFunction(name, mm.Discrete1DFunction(values.tolist()))


def write_openmm(
    path: str | os.PathLike[str],
    prior: Prior,
    beads: int,
    *,
    mass: float = MASS,
    species: Int[Any, " beads"] | None = None,
) -> None:
    """Write `openmm_system` as XML, which `openmm.XmlSerializer.deserialize` reads; the file is written completely or
    not at all.

    Raises:
        InputError: as `openmm_system`; the file cannot be written; or the prior's forces are lost in float32, in which
            OpenMM computes on most platforms.
    """
    system = openmm_system(prior, beads, mass=mass, species=species)
    require_float32("the prior", prior)
    atomic_write(path, require_openmm().XmlSerializer.serialize(system))


def read_openmm(path: str | os.PathLike[str]) -> System:
    """Read the System in an XML file.

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
        raise InputError(f"{path}: is not the XML of an OpenMM System; make one with `cgcore export --to openmm`")
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
