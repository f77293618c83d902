"""Faults of one line in cgcore, as in `seeded_fits`: limits beyond which a fit refuses its data or warns."""

from __future__ import annotations

import importlib

from fault_helpers import Edits, Faults, faults_of

from cgcore.data.formats import mlcg, netcdf
from cgcore.evaluation import ceiling
from cgcore.export import lammps
from cgcore.fitting import plan
from cgcore.fitting.door import Door
from cgcore.judging import force_rules, precision, usual
from cgcore.mapping.rigid import Distances

blocking = importlib.import_module("cgcore.fitting.blocking")
learning_curve = importlib.import_module("cgcore.fitting.learning_curve")
fit = importlib.import_module("cgcore.fitting.fit")  # packages have functions of these names

EDITS: dict[str, Edits] = {
    "fit-limits": {
        "exact up to a larger part": (Door, "said", "<= EXACT *", "<= 1.25 * EXACT *"),
        "exact up to a smaller part": (Door, "said", "<= EXACT *", "<= 0.8 * EXACT *"),
        "a part of the root, not of the square": (Door, "said", "forces[-1] ** 2 <=", "abs(forces[-1]) <="),
        "only frames that are fitted to are judged": (Door, "said", "in self.judged:", "in self.judged[:1]:"),
        "accepted faults are not said": (
            Door,
            "said",
            "said |= dict.fromkeys(",
            "said |= {} if dataset.accept_faults else dict.fromkeys(",
        ),
        "codes in place of sentences": (Door, "said", "str(finding) for finding", "finding.code for finding"),
        "held-out frames are not read": (fit, "door", "(data, validation) if", "(data,) if"),
        "nothing is wrong before the factor": (
            fit,
            "door",
            "judgement.without_equipartition()).wrong",
            "judgement).wrong",
        ),
        "the first source alone is fitted to": (
            fit,
            "fitted_to",
            "counted_twice((*factor.blocks, *held_out.blocks)) if",
            "counted_twice((*factor.blocks, *held_out.blocks))[:1] if",
        ),
        "held-out files that occur twice": (fit, "fitted_to", " | set(counted_twice(held_out.blocks))", ""),
        "fitted files that occur twice": (fit, "fitted_to", "set(counted_twice(factor.blocks)) | ", ""),
        "twice the promise": (fit, "_imprecise", "error <= PROMISE", "error <= 1.2 * PROMISE"),
        "less than the promise": (fit, "_imprecise", "error <= PROMISE", "error <= 0.8 * PROMISE"),
        "more than is promised": (precision, "require_float32", "error > PROMISE", "error > 1.2 * PROMISE"),
        "less than is promised": (precision, "require_float32", "error > PROMISE", "error > 0.8 * PROMISE"),
        "forces per component": (fit, "_rms_force", "max(factor.beads, 1)", "max(3 * factor.beads, 1)"),
    },
    "thresholds": {
        "another smoothness without folds": (fit, "plan_of", "curve, SMOOTHNESS)", "curve, 1.2 * SMOOTHNESS)"),
        "another cut-off without folds": (fit, "plan_of", "TRUNCATION if", "1.2 * TRUNCATION if"),
        "another pooling without folds": (plan, "_pooling", "curve, POOLING)", "curve, 0.8 * POOLING)"),
        "two proteins are held out": (plan, "pooling_curve", ">= PROTEINS", ">= PROTEINS - 1"),
        "three proteins are not held out": (plan, "pooling_curve", ">= PROTEINS", "> PROTEINS"),
        "gaps above the optimal one": (fit, "_judged", "worst > OPTIMAL", "worst > 1.2 * OPTIMAL"),
        "gaps below the optimal one": (fit, "_judged", "worst > OPTIMAL", "worst > 0.8 * OPTIMAL"),
        "a gap below the bound is none": (
            fit,
            "_judged",
            "abs(certificate.optimality_gap)",
            "certificate.optimality_gap",
        ),
        "any residual of a fit that has converged": (fit, "_judged", "certificate.kkt_residual or 0.0, ", ""),
        "any violation of a fit that has converged": (fit, "_judged", ", certificate.violation or 0.0", ""),
        "float32 is judged, too": (fit, "_judged", 'result.options.precision == "float64" and ', ""),
        "constrained a little later": (
            fit,
            "_judged",
            "constraints and worst <= OPTIMAL",
            "constraints and worst <= 1.2 * OPTIMAL",
        ),
        "constrained without numbers": (fit, "_judged", " and result.status is not Status.NON_FINITE", ""),
        "a little more correlation unnoted": (blocking, "blocking", "+ MUCH:", "+ 1.2 * MUCH:"),
        "a little less correlation noted": (blocking, "blocking", "+ MUCH:", "+ 0.8 * MUCH:"),
        "correlation without its error": (
            blocking,
            "blocking",
            "level.correlation > level.uncertainty + MUCH",
            "level.correlation > MUCH",
        ),
        "three folds are enough": (learning_curve, "learning_curve", "len(folds) < FEWEST", "len(folds) + 1 < FEWEST"),
        "four folds are too few": (learning_curve, "learning_curve", "len(folds) < FEWEST", "len(folds) - 1 < FEWEST"),
        "fewer pairs are enough": (ceiling, "noise_ceiling", "< FEWEST_PAIRS", "< 0.9 * FEWEST_PAIRS"),
        "more pairs are needed": (ceiling, "noise_ceiling", "< FEWEST_PAIRS", "< 1.1 * FEWEST_PAIRS"),
        "pairs of neighbouring blocks": (ceiling, "_apart", "< APART", "< APART - 1"),
        "rigid pairs that are further apart": (Distances, "__init__", "lengths < NEAR", "lengths < 1.1 * NEAR"),
        "rigid pairs that are nearer": (Distances, "__init__", "lengths < NEAR", "lengths < 0.95 * NEAR"),
        "rigid pairs that vary more": (Distances, "rigid", "RIGID**2", "1.4 * RIGID**2"),
        "rigid pairs that vary less": (Distances, "rigid", "RIGID**2", "0.7 * RIGID**2"),
        "one frame is enough for rigid pairs": (Distances, "rigid", "self._count < 2", "self._count < 1"),
        "frames of the last part alone": (Distances, "add", "self._count += len(R)", "self._count = len(R)"),
    },
    "findings-order": {
        "order of beads that are less loose": (usual, "disorder", "spread < LOOSE", "spread < 0.85 * LOOSE"),
        "order of beads that are looser": (usual, "disorder", "spread < LOOSE", "spread < 1.2 * LOOSE"),
        "pairs that are less rigid": (usual, "disorder", "deviation < RIGID", "deviation < 1.2 * RIGID"),
        "pairs that are more rigid": (usual, "disorder", "deviation < RIGID", "deviation < 0.85 * RIGID"),
        "rigid pairs that are a little further": (usual, "disorder", "mean < NEARER", "mean < 1.08 * NEARER"),
        "rigid pairs that are a little nearer": (usual, "disorder", "mean < NEARER", "mean < 0.92 * NEARER"),
        "fewer rigid pairs are disorder": (usual, "disorder", "(n - 1) / 3", "(n - 2) / 3"),
        "more rigid pairs than a third": (usual, "disorder", "(n - 1) / 3", "n / 3"),
        "four frames are enough": (usual, "disorder", "some.shape[2] < 5", "some.shape[2] < 4"),
        "the frames of the first part": (
            usual,
            "disorder",
            ":: -(-steps.shape[2] // DISORDER_FRAMES)",
            ": -(-steps.shape[2] // DISORDER_FRAMES) * DISORDER_FRAMES",
        ),
        "fewer frames than there may be": (
            usual,
            "disorder",
            "-(-steps.shape[2] // DISORDER_FRAMES)",
            "steps.shape[2] // DISORDER_FRAMES + 1",
        ),
        "a bead more than is examined": (usual, "disorder", "DISORDER_BEADS - 1", "DISORDER_BEADS"),
        "a bead less than is examined": (usual, "disorder", "DISORDER_BEADS - 1", "DISORDER_BEADS - 2"),
        "the rigid pair that is furthest": (usual, "disorder", "np.inf)), mean", "-np.inf)) * -1, mean"),
        "more bonds are sampled": (usual, "sampled_frames", "SAMPLED_BONDS //", "2 * SAMPLED_BONDS //"),
        "fewer frames are sampled": (usual, "sampled_frames", "MOST_FRAMES, frames", "MOST_FRAMES - 1, frames"),
        "fewer frames of long chains": (usual, "sampled_frames", "FEWEST_FRAMES)", "FEWEST_FRAMES - 1)"),
        "the first frames are sampled": (
            usual,
            "sampled_frames",
            "np.linspace(0, frames - 1",
            "np.linspace(0, frames / 2",
        ),
    },
    "findings-forces": {
        "bonds that explain less": (force_rules, "equipartition", "> LIKE_A_PRIOR", "> 0.9 * LIKE_A_PRIOR"),
        "bonds that explain more": (force_rules, "equipartition", "> LIKE_A_PRIOR", "> 1.1 * LIKE_A_PRIOR"),
        "sizes that vary less": (force_rules, "_sizes", "< USUAL_SPREAD", "< 0.9 * USUAL_SPREAD"),
        "sizes that vary more": (force_rules, "_sizes", "< USUAL_SPREAD", "< 1.1 * USUAL_SPREAD"),
        "nine tenths of the sizes": (
            force_rules,
            "_sizes",
            "np.quantile(relative, 0.9)",
            "np.quantile(relative, 0.85)",
        ),
    },
    "export-limits": {
        "tables of LAMMPS for shorter cutoffs": (
            lammps,
            "write_lammps",
            "not _LIMITS[0] <=",
            "not 0.9 * _LIMITS[0] <=",
        ),
        "tables of LAMMPS up to any distance": (
            lammps,
            "write_lammps",
            "cutoff <= _LIMITS[1]",
            "cutoff <= 2 * _LIMITS[1]",
        ),
        "the longest cutoff is refused": (lammps, "write_lammps", "cutoff <= _LIMITS[1]", "cutoff < _LIMITS[1]"),
        "the shortest cutoff is refused": (lammps, "write_lammps", "_LIMITS[0] <= cutoff", "_LIMITS[0] < cutoff"),
        "infinite positions for LAMMPS": (lammps, "write_lammps", "not np.isfinite(R).all()", "np.isnan(R).any()"),
        "a file for a folder": (lammps, "write_lammps", "and not os.path.isdir(folder)", "and False"),
        "separations that are one more": (lammps, "_check_separations", "- 1 > most", "- 2 > most"),
        "separations that are one less": (lammps, "_check_separations", "- 1 > most", "> most"),
        "bonds that span less": (lammps, "_check_separations", "cutoff / _MOST_SPAN", "cutoff / 1.2 / _MOST_SPAN"),
        "the first term's separations": (lammps, "_check_separations", "in every:", "in every[:1]:"),
        "pairs between chains are bonded": (lammps, "bonded_below", ' if rows.chains != "between"', ""),
        "the last separation is not bonded": (lammps, "bonded_below", "rows.farthest + 1", "rows.farthest"),
    },
    "data-refused": {
        "counts of 64 bits in version 2": (netcdf._Reader, "_count", "self.version == 5", "self.version >= 2"),
        "counts of 64 bits in no version": (netcdf._Reader, "_count", "self.version == 5", "self.version == 6"),
        "places of 64 bits in version 1": (netcdf._Reader, "_header", "if self.version == 1", "if self.version == 0"),
        "places of 32 bits in version 2": (netcdf._Reader, "_header", "if self.version == 1", "if self.version <= 2"),
        "NetCDF of version 4": (netcdf._Reader, "__init__", "(1, 2, 5):", "(1, 2, 4, 5):"),
        "no NetCDF of version 5": (netcdf._Reader, "__init__", "(1, 2, 5):", "(1, 2):"),
        "headers of half a megabyte": (
            netcdf._Reader,
            "__init__",
            "file.read(_MOST_HEADER)",
            "file.read(_MOST_HEADER // 2)",
        ),
        "headers of two megabytes": (
            netcdf._Reader,
            "__init__",
            "file.read(_MOST_HEADER)",
            "file.read(2 * _MOST_HEADER)",
        ),
        "lists of any length": (netcdf._Reader, "_list", " or n > 10_000", ""),
        "lists that are one shorter": (netcdf._Reader, "_list", "n > 10_000", "n >= 10_000"),
    },
    "readers-files": {
        "molecules in one group less": (mlcg, "open_kind", "_DEEPEST)", "_DEEPEST - 1)"),
        "molecules in one group more": (mlcg, "open_kind", "_DEEPEST)", "_DEEPEST + 1)"),
        "molecules at any depth": (mlcg, "_molecules", "depth - 1", "depth"),
    },
}
ONLY_WHOLE = ("fit-limits", "thresholds")
FAULTS: Faults = faults_of({check: own for check, own in EDITS.items() if check not in ONLY_WHOLE})
WHOLE: Faults = faults_of({check: EDITS[check] for check in ONLY_WHOLE})
