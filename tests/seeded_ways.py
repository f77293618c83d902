"""Faults of one line in cgcore, as in `seeded_fits`: in one way of computing or writing a term, for one layout."""

from __future__ import annotations

from fault_helpers import Faults, edited

from cgcore import serialize
from cgcore.export import lammps_types, potentials, tables
from cgcore.export.potentials import FixedSpline, Potential
from cgcore.factor.fingerprint import Fingerprint
from cgcore.fitting.frozen import Freedom
from cgcore.physics import energy
from cgcore.pipeline.model import CombinedModel
from cgcore.simulation import chain_forces, checks, potential
from validation.checks import potentials as checked

FAULTS: Faults = {
    "a box left out of the energy": (
        "potentials",
        edited(energy, "_term_energy", "    rows = term.rows", "    displacement = free\n    rows = term.rows"),
    ),
    "groups of a long chain's first beads": (
        "potentials",
        edited(chain_forces, "_of_all_pairs", "asarray(padded), first", "asarray(padded), 0 * first"),
    ),
    "slopes at the ends of an angle's table": (
        "potentials",
        edited(checked, "angle_table", "-(per_degree**2)", "-per_degree"),
    ),
    "slopes at the ends of a table over r², exchanged": (
        "potentials",
        edited(tables, "_distances", "-curve.curvature(r[[0, -1]])", "-curve.curvature(r[[-1, 0]])"),
    ),
    "sign of a dihedral's table": (
        "potentials",
        edited(checked, "dihedral_table", "phi = -np", "phi = np"),
    ),
    "any splines will do": ("splines", edited(Fingerprint, "of", "prior.splines is None", "True")),
    "slope of a fixed spline": ("splines", edited(FixedSpline, "slope", "d * 3 * c[3]", "d * 2 * c[3]")),
    "the spline of the species before": (
        "splines",
        edited(potentials, "_splined", "np.arange(1, len(kinds) + 1)", "np.arange(len(kinds))"),
    ),
    "the species of an angle's first bead": (
        "splines",
        edited(energy, "_term_energy", "asarray(species)[rows[:, 1]]", "asarray(species)[rows[:, 0]]"),
    ),
    "fixed splines left out of the direct objective": (
        "splines",
        edited(Freedom, "held", "splines=True", "splines=False"),
    ),
    "shared splines in dynamics": (
        "splines",
        edited(potential, "_spline_potential", "len(R), bool), species)", "len(R), bool), None)"),
    ),
    "overlaps of beads three apart in a long chain": (
        "dynamics",
        edited(checks, "closest_squared", ">= NEAREST", "> NEAREST"),
    ),
    "two coordinates of three in a long chain": (
        "dynamics",
        edited(checks, "closest_squared", "d[2] ** 2 + xp.asarray", "xp.asarray"),
    ),
    "width of bells left out of priors.yaml": (
        "doors",
        edited(serialize, "as_keys", '"width": basis.width', '"width": None'),
    ),
    "degree of splines left out of priors.yaml": (
        "doors",
        edited(serialize, "as_keys", '"degree": basis.degree', '"degree": 3'),
    ),
    "the rest of the species left out of priors.yaml": (
        "doors",
        edited(serialize, "as_keys", "REST if groups.rest == k else", ""),
    ),
    "the species of an angle's first bead, for LAMMPS": (
        "export-lammps",
        edited(Potential, "rows", "[rows[:, 1]]", "[rows[:, 0]]"),
    ),
    "the spline of the species before, for OpenMM": (
        "export-openmm",
        edited(potentials, "_splined", "np.arange(1, len(kinds) + 1)", "np.arange(len(kinds))"),
    ),
    "a box left out of the wall": (
        "training",
        edited(
            CombinedModel,
            "parts",
            "core_energy(R, mask, distance, self.displacement)",
            "core_energy(R, mask, distance)",
        ),
    ),
    "slopes beyond the knots of a file": (
        "splines",
        edited(FixedSpline, "slope", "np.where(inside, c[1]", "np.where(x == x, c[1]"),
    ),
    "pairs at the largest separation of a term": (
        "export-lammps",
        edited(lammps_types, "bonded_below", "rows.farthest + 1\n", "rows.farthest\n"),
    ),
}
