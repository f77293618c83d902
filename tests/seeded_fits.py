"""Faults of one line in cgcore, each with the check that must detect it: results and claims of a fit, ways to a
factor."""

from __future__ import annotations

from fault_helpers import Faults, edited

import cgcore
from cgcore import serialize
from cgcore.data import dataset, frames
from cgcore.export import lammps
from cgcore.factor import compress, factor, gram
from cgcore.factor.work import Work
from cgcore.fitting import admissible, constraints, fit, unphysical
from cgcore.physics.space import Periodic
from cgcore.pipeline import minibatch_loss, stage, trainer
from cgcore.pipeline.minibatch_loss import MinibatchLoss
from cgcore.pipeline.networks import allegro
from cgcore.pipeline.trainer import Trainer
from cgcore.report import record
from cgcore.simulation import jax_engine
from cgcore.solver import lbfgs

WEIGHT_OF = "next(other.weight for other in ground.layout.terms if other.name == '{}')"

FAULTS: Faults = {
    # Claims of the solver
    "memory kept after a refused step": (
        "claims",
        edited(lbfgs, "_step", "past=quasi_newton.init(state.params), fresh", "fresh"),
    ),
    "NaN is small": (
        "claims",
        edited(lbfgs, "_status", "Status.NON_FINITE", "Status.GRADIENT"),
    ),
    "a failed line search is rounding": (
        "claims",
        edited(lbfgs, "_step", "Status.PRECISION_FLOOR, Status.LINE_SEARCH_FAILED", "2, 2"),
    ),
    "rounding is a failed line search": (
        "claims",
        edited(lbfgs, "_step", "Status.PRECISION_FLOOR, Status.LINE_SEARCH_FAILED", "3, 3"),
    ),
    "a saddle is a minimum": ("claims", edited(lbfgs, "_confirmed", "found.upward and found.excess <= 1", "True")),
    "history of the loss after each step": (
        "certificate",
        edited(
            lbfgs,
            "_step",
            "history=state.history.at[state.step].set(state.value)",
            "history=state.history.at[state.step].set(new.value)",
        ),
    ),
    # Claims of the certificate
    "no optimality gap": (
        "certificate",
        edited(fit, "certify", "optimality_gap=(reached - bound)", "optimality_gap=0 * (bound)"),
    ),
    "everything explained": (
        "certificate",
        edited(
            fit,
            "certify",
            "1.0 if explainable <= rounding else (initial - loss)",
            "1.0 if explainable <= rounding else explainable",
        ),
    ),
    "no loss without prior": ("certificate", edited(fit, "certify", "zero_prior_loss=zero", "zero_prior_loss=0.0")),
    "initial loss is the final one": (
        "certificate",
        edited(fit, "certify", "initial_loss=initial", "initial_loss=loss"),
    ),
    "bound without constraints": (
        "certificate",
        edited(fit, "certify", "minimum if admitted is None else minimum + admitted.bound", "minimum"),
    ),
    "nothing is violated": (
        "certificate",
        edited(admissible.Admissible, "violation", "missing = h - G @ c", "missing = 0 * h"),
    ),
    "KKT residual of 0": ("certificate", edited(fit, "certify", "admitted.residual", "0.0")),
    "KKT residual without gradient": (
        "certificate",
        edited(admissible, "_optimality", "np.linalg.norm(gradient) / (", "0 / ("),
    ),
    "prices of 0": ("certificate", edited(admissible.Admissible, "_reports", "if total > 0:", "if total < 0:")),
    "multipliers halved": (
        "certificate",
        edited(admissible.Admissible, "_reports", "float(multipliers", "0.5 * float(multipliers"),
    ),
    "all constraints active": (
        "certificate",
        edited(admissible.Admissible, "_reports", "constraint.text, total > 0", "constraint.text, True"),
    ),
    "initial held-out loss of the training data": (
        "certificate",
        edited(fit, "fit", "held_out.loss(origin)", "factor.loss(origin)"),
    ),
    "held-out loss of the training data": (
        "certificate",
        edited(fit, "fit", "held_out.loss(canonical)", "factor.loss(canonical)"),
    ),
    "never suboptimal": (
        "certificate",
        edited(fit, "_judged", "and result.converged and worst", "and False and worst"),
    ),
    # Exchanged weights
    "wall with the dihedral's weight": (
        "admissible",
        edited(constraints, "wall", "sign * term.weight", f"sign * {WEIGHT_OF.format('dihedral')}"),
    ),
    "barrier with the angle's weight": (
        "admissible",
        edited(constraints, "barrier", "values = term.weight", f"values = {WEIGHT_OF.format('angle')}"),
    ),
    "angle's table with half its force": (
        "export-lammps",
        edited(lammps, "angle_table", "-per_degree * curve.slope", "-per_degree / 2 * curve.slope"),
    ),
    "slopes of angles with the dihedral's weight": (
        "least-squares",
        edited(
            gram,
            "_prepared",
            "term_slopes(term,",
            "(layout.terms[2].weight / term.weight if term.name == 'angle' else 1.0) * term_slopes(term,",
        ),
    ),
    # Ways to a factor
    "a batch that replaces those before": (
        "batches",
        edited(Work, "added", "merged((a, b)) if self.basis", "b if self.basis"),
    ),
    "never back to QR": ("batches", edited(compress, "compress", "< WELL_CONDITIONED", "< 0")),
    "taken for a Gram matrix after going back": (
        "batches",
        edited(compress, "compress", "basis = None  # the sample missed what the data hold", "pass"),
    ),
    "a product without its twin": ("batches", edited(gram, "_products", "half + half.T", "2 * half")),
    "merged without the last": (
        "batches",
        edited(factor, "merge", "for factor in factors for block", "for factor in factors[:1] for block"),
    ),
    "any fingerprint will do": ("batches", edited(cgcore.Fingerprint, "require", "if differing:", "if False:")),
    "bins off by one": ("batches", edited(gram, "bin_numbers", "first + xp.clip", "first + 1 + xp.clip")),
    # Input and output
    "nm of another length": ("doors", edited(frames, "factors", "return ANGSTROM_PER_NM", "return 10.01")),
    "forces per Å taken for per nm": (
        "doors",
        edited(frames, "factors", "(KJ_PER_KCAL * ANGSTROM_PER_NM)", "KJ_PER_KCAL"),
    ),
    "the first frames held out": ("doors", edited(dataset, "held_out", "rows[n - count :]", "rows[:count]")),
    "no images": ("doors", edited(Periodic, "__call__", "difference - lengths", "difference - 0 * lengths")),
    "names in another order": ("doors", edited(fit, "identify", "layout.names[i]", "layout.names[-1 - i]")),
    "weights swapped in priors.yaml": (
        "doors",
        edited(
            serialize,
            "priors_yaml",
            "checked.weights._asdict().items()}",
            "checked.weights._asdict().items()} | {'angle': checked.weights.dihedral}",
        ),
    ),
    "start in place of the fit in priors.yaml": (
        "doors",
        edited(record, "write", "result.prior, result.fitted_params", "result.prior, result.prior.params"),
    ),
    "no warning of attraction": ("doors", edited(unphysical, "unphysical_values", "params[name] < 0", "False")),
    "warning of all": ("doors", edited(unphysical, "unphysical_values", "params[name] < 0", "True")),
    "nothing held out is fitted to": ("doors", edited(fit, "fitted_to", "if x not in before", "if False")),
    "more noise than the thermostat's": (
        "simulation",
        edited(jax_engine, "baoab", "constants.noise * noise", "1.1 * constants.noise * noise"),
    ),
    # Training stages
    "no envelope": ("training", edited(allegro, "envelope", "return", "return 1.0 + 0 *")),
    "features without the neighbour's species": (
        "training",
        edited(
            allegro, "_two_body", "edges.at_neighbour(embedded @ neighbour)", "edges.at_centre(embedded @ neighbour)"
        ),
    ),
    "one species": (
        "training",
        edited(allegro.Allegro, "energy", 'params["species"][species]', 'params["species"][0 * species]'),
    ),
    "fit that touches the network": (
        "training",
        edited(
            Trainer,
            "set_prior",
            "self.state = self.state.with_prior(dict(params))",
            "self.state = jax.tree.map(lambda x: 1.001 * x, self.state.with_prior(dict(params)))",
        ),
    ),
    "padding counts in the loss": (
        "training",
        edited(MinibatchLoss, "sums", "real = mask & counts[:, None]", "real = counts[:, None] | mask"),
    ),
    "a half of the loss": (
        "training",
        edited(minibatch_loss, "per_bead", "return float(force /", "return float(0.5 * force /"),
    ),
}


WHOLE: Faults = {
    "resumed one epoch late": (
        "training",
        edited(trainer, "restore", "**numbers)", "**(numbers | {'epoch': said.epoch + 1}))"),
    ),
    "resumed without the best parameters": (
        "training",
        edited(stage.Stage, "placed", "(state.params, state.kept)", "(state.params, state.params)"),
    ),
    "no weight decay": ("training", edited(stage, "make_optimizer", "if decay and not coupled:", "if False:")),
}
"""Faults that only the whole run, not `--quick`, must detect."""
