"""Faults of one line in cgcore, as in `seeded_fits`: what exports refuse, and what they write beside forces."""

from __future__ import annotations

from fault_helpers import Edits, Faults, faults_of, uncompiled

from cgcore.export import checks, lammps, openmm
from cgcore.export.lammps_types import Types
from validation.checks import export_limits, export_written

LIMITS: Edits = {
    "chains of one bead": (export_limits, "check_beads", "if not 2 <= beads", "if not 1 <= beads"),
    "the longest chain": (export_limits, "check_beads", "beads <= MOST_BEADS:", "beads < MOST_BEADS:"),
    "no mass": (export_limits, "check_mass", "if not 0 < mass", "if not 0 <= mass"),
    "masses that are no numbers": (
        export_limits,
        "check_mass",
        "if not 0 < mass <= HEAVIEST:",
        "if mass <= 0 or mass > HEAVIEST:",
    ),
    "lengths of the excluded volume": (export_limits, "check_prior", '("r0", "sigma", "sigma_ex")', '("r0", "sigma")'),
    "negative lengths": (export_limits, "check_prior", "abs(p[name]) > LARGEST_LENGTH", "p[name] > LARGEST_LENGTH"),
    "weights that do not count": (export_limits, "check_prior", "term.weight * value for name", "value for name"),
    "phases of any size": (
        export_limits,
        "check_prior",
        '("gamma_dih", "epsilon", "epsilon_ex")',
        '("epsilon", "epsilon_ex")',
    ),
    "negative coefficients": (export_limits, "check_prior", "np.max(np.abs(value))", "np.max(value)"),
    "the smallest coefficient": (export_limits, "check_prior", "np.max(np.abs(value))", "np.min(np.abs(value))"),
    "cosines without sines": (
        checks,
        "_coefficients",
        "{name: params[name] for name in way.names}",
        "{name: params[name] for name in way.names[:1]}",
    ),
    "stiffness without its length": (checks, "_coefficients", ', f"{kr} * {r0}": params[kr] * params[r0]', ""),
    "some finite numbers": (export_limits, "check_finite", "np.isfinite(values).all()", "np.isfinite(values).any()"),
    "species that are missing": (
        export_limits,
        "check_species",
        "if (name := named_by_species(prior)) is not None:",
        "if (name := named_by_species(prior)) is not None and beads > 9:",
    ),
    "species that splines do without": (
        export_limits,
        "check_species",
        "if (name := named_by_species(prior)) is not None:",
        "if prior.splines is None and (name := named_by_species(prior)) is not None:",
    ),
    "species of other chains": (export_limits, "check_species", "found.shape != (beads,) or ", ""),
    "species between whole numbers": (export_limits, "check_species", ' or found.dtype.kind not in "iu"', ""),
    "tables that grow without end": (
        export_limits,
        "bond_points",
        "min(max(BOND_POINTS, math.ceil(PER_SCALE * reach / scale) + 1), MOST_POINTS)",
        "max(BOND_POINTS, math.ceil(PER_SCALE * reach / scale) + 1)",
    ),
    "tables of bonds that are too short": (export_limits, "bond_points", "max(BOND_POINTS, math", "max(1, math"),
    "tables of angles without a limit": (
        export_limits,
        "angle_points",
        "min(PER_SCALE * max(1, math.ceil(turn / scale - 1e-9)), MOST_POINTS - 1)",
        "PER_SCALE * max(1, math.ceil(turn / scale - 1e-9))",
    ),
    "tables of pairs as of powers": (export_limits, "pair_points", "INNER if curve.diverges else _HARMLESS", "INNER"),
    "tables of pairs that are coarse": (
        export_limits,
        "pair_points",
        "min(RSQ_SPACING, RSQ_PER_SCALE * curve.scale)",
        "RSQ_SPACING",
    ),
    "attraction that is not felt": (
        export_limits,
        "felt",
        "np.max(np.abs(curve.energy(np.linspace(1.0, 10.0, 91))))",
        "np.max(curve.energy(np.linspace(1.0, 10.0, 91)))",
    ),
    "potentials that are left out at 0": (export_limits, "felt", "not curve.diverges or ", ""),
    "keywords that are taken": (
        Types,
        "names",
        'f"{keyword}_{len(found) + 1}" if keyword in found else keyword',
        "keyword",
    ),
    "keywords without groups": (Types, "names", 'f"{name} {label}" for name, label', "name for name, label"),
}

WRITTEN: Edits = {
    "a box around the origin": (lammps, "data_file", "(R.min(axis=0) - _MARGIN)", "(-R.max(axis=0) - _MARGIN)"),
    "the mass of the first type": (
        lammps,
        "data_file",
        "for kind in range(1, atom_types + 1)",
        "for kind in range(1, 2)",
    ),
    "atoms of one type": (lammps, "data_file", "{i} 1 {kind + 1} {x!r}", "{i} 1 1 {x!r}"),
    "straight chains": (lammps, "extended", "i % 2, 0 * i", "0 * i, 0 * i"),
    "positions that are not used": (
        export_written,
        "write_lammps",
        "extended(beads, length) if positions is None else np.asarray(positions, np.float64)",
        "extended(beads, length)",
    ),
    "bonds of negative length": (
        export_written,
        "write_lammps",
        "length = abs(bond_length(prior))",
        "length = bond_length(prior)",
    ),
    "a mass that is not used": (
        export_written,
        "write_lammps",
        "data_file(R, mass, types)",
        "data_file(R, MASS, types)",
    ),
    "listed pairs within the usual range": (
        lammps,
        "_bond_tables",
        "cutoff if span == 0 else",
        "0.0 if span == 0 else",
    ),
    "tables of ten bonds": (lammps, "_bond_tables", "max(_LEAST_REACH, 10 * length)", "10 * length"),
    "no bonds beyond the tables": (lammps, "no_bond_table", "100 * reach", "reach"),
    "what is left at the start of a table": (lammps, "_settings", "table.energy[-1]", "table.energy[0]"),
    "one bond less in the comment": (
        lammps,
        "_settings",
        "bonded_below(types.potentials) - 1",
        "bonded_below(types.potentials) - 2",
    ),
    "rest lengths of bonds at 0": (lammps, "bond_table", 'f"EQ {rest!r}"', '"EQ 0.0"'),
    "forces without names": (export_written, "openmm_system", "force.setName(potential.term.name)", "pass"),
    "groups that begin again": (export_written, "openmm_system", "min(group, MOST_GROUPS - 1)", "group % MOST_GROUPS"),
    "the usual mass": (export_written, "openmm_system", "system.addParticle(mass)", "system.addParticle(MASS)"),
    "the nearest far pairs": (openmm, "farthest_of_nearest", "max((one", "min((one"),
    "far pairs that are nearer by one": (openmm, "_on_all_pairs", "min(i + far, beads)", "min(i + far - 1, beads)"),
    "no batch": (export_written, "export_energy", "batch < 1", "batch < 0"),
    "any precision": (export_written, "export_energy", 'if dtype.name not in ("float32", "float64"):', "if False:"),
    "parameters that overflow": (export_written, "export_energy", "np.asarray(leaf))", "np.zeros(1))"),
    "forces uphill": (export_written, "export_energy", "-gradients, 0.0", "gradients, 0.0"),
    "one platform": (export_written, "export_energy", "platforms=platforms)", "platforms=platforms[:1])"),
}

FAULTS: Faults = uncompiled(faults_of({"export-limits": LIMITS}))

WHOLE: Faults = uncompiled(faults_of({"export-written": WRITTEN}))
"""Faults that only the whole run, not `--quick`, must detect."""
