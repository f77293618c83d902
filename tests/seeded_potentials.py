"""Faults of one line in cgcore, as in `seeded_fits`: potentials, weights, choices and walls of terms of any kind."""

from __future__ import annotations

from fault_helpers import Faults, edited

from cgcore import spline_file
from cgcore.data import reading
from cgcore.export import pieces, tables
from cgcore.factor import compress, work
from cgcore.factor.histogram import Histograms
from cgcore.fitting import constraints, contacts, fit, folds, identifiability, plan, pooling, scan
from cgcore.fitting.frozen import Freedom
from cgcore.fitting.ground import Ground
from cgcore.physics import design, energy, internal
from cgcore.physics.bases import BSpline, DebyeHueckel, Fourier, Gaussian, Harmonic
from cgcore.physics.parametrisations import AmplitudesAndPhases
from cgcore.physics.rows import Rows
from cgcore.pipeline import minibatch_loss
from cgcore.pipeline.minibatch_loss import MinibatchLoss
from cgcore.simulation import chain_forces, summed
from cgcore.solver import lbfgs
from validation.checks import admissible, potentials, splines

FAULTS: Faults = {
    "a prior's file without its splines": (
        "splines",
        edited(
            splines,
            "prior_file",
            "with_splines(config.prior, config.spline_file, config.residue_specific_angles)",
            "config.prior",
        ),
    ),
    "no error where float32 overflows": (
        "admissible",
        edited(admissible, "float32_error", 'else float("inf")', "else 0.0"),
    ),
    "splines of species that the file turns off": (
        "splines",
        edited(spline_file, "splines_of", " and bool(np.all(arrays.get(FLAG, True)))", ""),
    ),
    "curvature of a bell": ("potentials", edited(Gaussian, "bending", "** 2 - 1)", "** 2 + 1)")),
    "energy of a screened charge": ("potentials", edited(DebyeHueckel, "functions", "/ x)[None]", "/ x**2)[None]")),
    "sign of sines": ("potentials", edited(Fourier, "functions", "xp.sin(", "-xp.sin(")),
    "a parabola twice": ("potentials", edited(Harmonic, "functions", "x**2 / 2", "x**2")),
    "no tangent beyond the knots": (
        "potentials",
        edited(BSpline, "pieces", "below[:, 0, :2] = every[:, 0, :2]", "below[:, 0, :1] = every[:, 0, :1]"),
    ),
    "a gap bridged in the energy": ("potentials", edited(Rows, "count", "last - first ==", "last - first >=")),
    "two chains as one in the energy": (
        "potentials",
        edited(energy, "_term_energy", "chains[rows[:, 0]] != ", "chains[rows[:, 0]] == "),
    ),
    "third power of a polynomial": ("potentials", edited(pieces, "_hermite", "s[1:] - 2 * mean", "s[1:] - mean")),
    "tangent inside the last knot": (
        "potentials",
        edited(pieces, "_with_ends", "np.array([-1.0, 1.0])", "np.array([1.0, -1.0])"),
    ),
    "slopes at the ends of a table": (
        "potentials",
        edited(tables, "_distances", "*-curve.curvature", "*curve.curvature"),
    ),
    "phases of parameters": (
        "potentials",
        edited(AmplitudesAndPhases, "params", "np.arctan2(sines, cosines)", "np.arctan2(cosines, sines)"),
    ),
    "stiffness without weight": (
        "potentials",
        edited(potentials, "bond_stiffness", "term.weight * _largest_curvature(", "_largest_curvature("),
    ),
    "groups shifted in dynamics": (
        "potentials",
        edited(chain_forces, "_group", "rows, np)\n", "rows, np) - 1\n"),
    ),
    "the next interval in dynamics": (
        "potentials",
        edited(summed.Lookup, "_at", "+ (0 if periodic else 1)", "+ 0"),
    ),
    "weights for their roots": (
        "weighting",
        edited(
            work.Work,
            "of_cut",
            "jnp.sqrt(jnp.asarray(weights.T * self.scale))",
            "jnp.asarray(weights.T * self.scale)",
        ),
    ),
    "weights of pairs left out": (
        "weighting",
        edited(design, "slots_of", "if chains.roots is None", "if True"),
    ),
    "weights of the next bead": (
        "weighting",
        edited(internal.Chains, "weighted", "k : k + rows", "k + 1 : k + 1 + rows"),
    ),
    "weights of a block as they are": (
        "weighting",
        edited(compress, "_block", "weights.sum()) * scale)", "weights.sum()))"),
    ),
    "the last of two weights alone": (
        "weighting",
        edited(reading, "read_weights", "weights * factor", "factor"),
    ),
    "a negative weight": (
        "weighting",
        edited(reading, "read_weights", "(weights < 0).any():", "(weights < -1).any():"),
    ),
    "frozen forces added": ("choices", edited(Freedom, "factor", "target(S) -", "target(S) +")),
    "groups count alike": (
        "choices",
        edited(plan, "pooling_rows", "np.eye(groups) - parts / parts.sum()", "np.eye(groups) - 1 / groups"),
    ),
    "strength for its root": ("choices", edited(plan, "_pooling", "np.sqrt(strength) * rows", "strength * rows")),
    "the last fit of a scan that is better than the first": (
        "choices",
        edited(scan, "scan", "held_out[-1] <= min(held_out)", "held_out[-1] <= held_out[0]"),
    ),
    "the worst of a scan": (
        "choices",
        edited(scan, "scan", "held_out.index(min(held_out))", "held_out.index(max(held_out))"),
    ),
    "one standard error below the best": (
        "choices",
        edited(pooling, "cross_validated", "held_out[best] + error", "held_out[best] - error"),
    ),
    "folds that alternate": (
        "choices",
        edited(folds, "fold_numbers", "block.index * min(FOLDS, count) // count", "block.index % min(FOLDS, count)"),
    ),
    "steps that are not made": (
        "claims",
        edited(
            lbfgs, "_status", "(state.grad_norm < limits.tol_grad) & ", "(state.grad_norm < limits.tol_grad) | False & "
        ),
    ),
    "resolved directions taken for unresolved ones": (
        "doors",
        edited(fit, "identify", "spectrum.values[k] > spectrum.resolution", "spectrum.values[k] < spectrum.resolution"),
    ),
    "loadings in the order of their signs": (
        "doors",
        edited(fit, "identify", "np.argsort(-np.abs(loadings))", "np.argsort(-loadings)"),
    ),
    "a group without data unnamed": (
        "choices",
        edited(identifiability, "_without_data", "if size == 0", "if size < 0"),
    ),
    "wall of bonds towards the inside": (
        "walls",
        edited(constraints, "wall", "foot + sign * BEYOND", "foot - sign * BEYOND"),
    ),
    "wall of bonds as wide as an angle's": (
        "walls",
        edited(constraints, "wall", "sampled[1] - sampled[0] if bond else WALL_WIDTH", "WALL_WIDTH"),
    ),
    "barrier about no mean": (
        "walls",
        edited(constraints, "barrier", "values = values - values.mean(axis=0)", "pass"),
    ),
    "no core beside splines": ("walls", edited(contacts, "_contact", "len(acting) > 1 or not", "len(acting) < 0 and")),
    "beads that overlap": ("walls", edited(contacts, "_contact", "BARRIER * ground.kT", "0 * BARRIER * ground.kT")),
    "what is held pulls": ("walls", edited(contacts, "_contact", "least - held", "least + held")),
    "any two groups of pairs together": (
        "walls",
        edited(constraints, "contacts", "kinds[term.groups] != k for", "kinds[term.groups] < 0 for"),
    ),
    "beyond the last knot as wide as the first interval": (
        "potentials",
        edited(BSpline, "pieces", "(knots[-1] - knots[-2]) **", "(knots[1] - knots[0]) **"),
    ),
    "pairs of one chain act on all": (
        "walls",
        edited(contacts, "covers", "and rows.chains in", "and 0 < rows.nearest or rows.chains in"),
    ),
    "near pairs act on all": ("walls", edited(contacts, "covers", "and far and", "and")),
    "a list acts on other pairs": ("walls", edited(contacts, "covers", "rows == others or", "")),
    "nearer pairs left out": ("walls", edited(contacts, "covers", "rows.nearest <= ", "rows.nearest == ")),
    "the first group for all": ("walls", edited(Ground, "columns", "+ group * term", "+ 0 * term")),
    "a group with an unsampled function has no data": (
        "walls",
        edited(Ground, "feels", "].any()", "].all()"),
    ),
    "walls of pooled groups at their own ranges": (
        "walls",
        edited(constraints, "wall", "ground.shared(term, group)", "ground.sampled(term, group)"),
    ),
    "range of the first group": ("walls", edited(Histograms, "of_group", "[term.name][group]", "[term.name][0]")),
    "mean over components without 3": (
        "training",
        edited(minibatch_loss, "objective", "sums.force / (3 * beads)", "sums.force / beads"),
    ),
    "mean by structure over padding": (
        "training",
        edited(MinibatchLoss, "sums", "(3 * jnp.maximum(lengths, 1))", "(3 * mask.shape[1])"),
    ),
}
