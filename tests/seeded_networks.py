"""Faults of one line in the networks, in models made for frames and in the settings of a training, each with the check
that must detect it."""

from __future__ import annotations

import pytest
from fault_helpers import Fault, Faults, edited

from cgcore.config import optimizers as configured
from cgcore.pipeline import minibatch_loss, model_for_data, optimizers, prior_fit, trainer
from cgcore.pipeline.networks import allegro, edges, make, nequip
from cgcore.pipeline.prior_fit import PriorFit
from cgcore.pipeline.state import TrainingState


def _rule(optimizer: str, old: str, new: str) -> Fault:
    """A fault in the function that makes an optimizer, which is looked up in a table."""

    def put(monkeypatch: pytest.MonkeyPatch) -> None:
        edited(optimizers, f"_{optimizer}", old, new)(monkeypatch)
        monkeypatch.setitem(vars(optimizers)["_MAKE"], optimizer, getattr(optimizers, f"_{optimizer}"))

    return Fault(put)


FAULTS: Faults = {
    "a held-out loss of NaN is finite": (
        "training-state",
        edited(TrainingState, "after_epoch", " and (val_loss is None or math.isfinite(val_loss))", ""),
    ),
    "the last of equal losses": (
        "training-state",
        edited(TrainingState, "after_epoch", "not val_loss >= self.kept_loss", "not val_loss > self.kept_loss"),
    ),
    "warm-up from lr without a peak": (
        "training",
        edited(optimizers, "schedule", "settings.start, settings.peak", "settings.lr, settings.peak"),
    ),
    "a last rate of null that is left out": (
        "training",
        edited(configured, "_null_is_a_value", "return", "return False and"),
    ),
    "a trained prior free of its signs": (
        "training",
        edited(PriorFit, "keeps", '.level != "none"', '.level == "safe"'),
    ),
    "momentum of half the size": ("training", _rule("polyak_sgd", "momentum=0.9", "momentum=0.45")),
    "momentum for Polyak's step": ("training", _rule("polyak_sgd", 'said.rule == "momentum"', "True")),
    "Polyak's step for momentum": ("training", _rule("polyak_sgd", 'said.rule == "momentum"', "False")),
    "plain descent with the schedule": ("training", _rule("fromage", "optax.sgd(said.lr)", "optax.sgd(rate)")),
}


WHOLE: Faults = {
    # Edges in slots
    "values of the centre for its neighbour": (
        "networks",
        edited(edges.Listed, "at_neighbour", "self.neighbour", "self.centre"),
    ),
    "values of the neighbour for its centre": (
        "networks",
        edited(edges.Listed, "at_centre", "self.centre", "self.neighbour"),
    ),
    "sums to the neighbour": (
        "networks",
        edited(
            edges.Listed,
            "sum_to_centre",
            "self.centre, self.n_beads, indices_are_sorted=True",
            "self.neighbour, self.n_beads",
        ),
    ),
    "slots that are just enough are too few": (
        "networks",
        edited(allegro, "listed", "count > max_edges", "count >= max_edges"),
    ),
    "a pair without slots is left out": (
        "networks",
        edited(allegro, "listed", "count > max_edges", "count > max_edges + 2"),
    ),
    "empty slots are edges": (
        "networks",
        edited(allegro, "listed", "jnp.where(used, vectors", "jnp.where(used | True, vectors"),
    ),
    "a slot too few in use": (
        "networks",
        edited(allegro, "listed", "jnp.arange(max_edges) < count", "jnp.arange(max_edges) < count - 1"),
    ),
    "a bead at NaN has no edges": (
        "networks",
        edited(edges, "_within", "~(squared >= cutoff**2)", "(squared < cutoff**2)"),
    ),
    "only edges far within the cut-off are listed": (
        "networks",
        edited(edges, "_within", "cutoff**2", "0.8 * cutoff**2"),
    ),
    "no slots but those for pairs": (
        "networks",
        edited(make, "make_network", "max_edges >= every_pair else max_edges", "True else 1"),
    ),
    # Several layers
    "features of the first layer in all": (
        "networks",
        edited(allegro.Allegro, "energy", '"mix" in layer', '"mixed" in layer'),
    ),
    "channels mixed the other way": ("networks", edited(allegro, "mix", "...cpm,cpd->...dm", "...cpm,dpc->...dm")),
    "linear hidden layers": ("networks", edited(allegro, "mlp", "silu(x @ matrix)", "x @ matrix")),
    "a linear first layer of pairs": ("networks", edited(allegro, "_two_body", "silu(hidden)", "hidden")),
    "features that forget the weight of the update": (
        "networks",
        edited(allegro.Allegro, "energy", "/ math.sqrt(1 + ALPHA**2)", "/ math.sqrt(1.0)"),
    ),
    # NequIP
    "messages from a bead to itself": (
        "nequip",
        edited(nequip.Nequip, "_graph", "senders=edges.neighbour", "senders=edges.centre"),
    ),
    "another unit of length": (
        "nequip",
        edited(nequip.Nequip, "_graph", "(CUTOFF / self.cutoff)", "(1.05 * CUTOFF / self.cutoff)"),
    ),
    "every bead of the first species": (
        "nequip",
        edited(nequip.Nequip, "_graph", "one_hot(species,", "one_hot(0 * species,"),
    ),
    "one neighbour on average": ("nequip", edited(nequip.Nequip, "_model", "self.avg_num_neighbors", "1.0")),
    "energies of padding": ("nequip", edited(nequip.Nequip, "energy", "jnp.where(mask, ", "jnp.where(mask | True, ")),
    "a slot for each bead": (
        "nequip",
        edited(make, "make_network", "max_edges, every_pair), 1)", "max_edges, n_beads), 1)"),
    ),
    # Models for frames
    "no warning of few neighbours": ("models", edited(model_for_data, "far_from", "1 / FAR < given", "0 < given")),
    "a late warning of many neighbours": ("models", edited(model_for_data, "far_from", "< FAR:", "< 2 * FAR:")),
    "a warning of neighbours beside less than one": (
        "models",
        edited(model_for_data, "far_from", "max(counted, 1.0)", "counted"),
    ),
    "less than one neighbour": ("models", edited(model_for_data, "model_for", "max(counted, 1.0)", "counted")),
    "neighbours without the box": (
        "models",
        edited(
            model_for_data,
            "model_for",
            "average_neighbors(R, jnp.asarray(mask), cutoff, displacement)",
            "average_neighbors(R, jnp.asarray(mask), cutoff)",
        ),
    ),
    "edges without the box": (
        "models",
        edited(model_for_data, "model_for", "frame[1], cutoff, displacement)", "frame[1], cutoff)"),
    ),
    "edges of the frame with the fewest": (
        "models",
        edited(model_for_data, "model_for", "jnp.max(edges)", "jnp.min(edges)"),
    ),
    "no room for more edges": ("models", edited(model_for_data, "model_for", "ROOM * most", "most")),
    "slots for each pair at a third": ("models", edited(model_for_data, "model_for", "room > DENSE", "room >= DENSE")),
    "slots beyond a third": ("models", edited(model_for_data, "model_for", "room > DENSE", "room > 1.5 * DENSE")),
    "a wall at infinity": (
        "models",
        edited(model_for_data, "model_for", "BELOW * closest if np.isfinite(closest) else None", "BELOW * closest"),
    ),
    "a wall at the closest approach": ("models", edited(model_for_data, "model_for", "BELOW * closest", "closest")),
    "a wall without the box": (
        "models",
        edited(
            model_for_data,
            "model_for",
            "jnp.asarray(mask), displacement)\n            core",
            "jnp.asarray(mask))\n            core",
        ),
    ),
    "a wall despite a given one": (
        "models",
        edited(model_for_data, "model_for", 'settings.model.core == "auto"', "settings.model.core"),
    ),
    # Training
    "gaps of the first file alone": (
        "stages",
        edited(
            minibatch_loss, "_joined", "any(part.sites is not None for part in parts)", "parts[0].sites is not None"
        ),
    ),
    "gaps of other files": (
        "stages",
        edited(
            minibatch_loss,
            "_joined",
            "whole, part.mask.shape) if part.sites is None",
            "parts[-1].sites[0] if parts[-1].sites is not None else whole, part.mask.shape) if part.sites is None",
        ),
    ),
    "at least as many steps as at most": (
        "stages",
        edited(prior_fit, "fit_options", "min(said.pretrain_prior_min_steps, max_steps)", "max_steps"),
    ),
    "a tolerance that is given is ignored": (
        "stages",
        edited(prior_fit, "fit_options", "if tol_grad is None else tol_grad", "if True else tol_grad"),
    ),
    "a prior that no setting fits": (
        "stages",
        edited(trainer, "why_no_fit", "None if said.pretrain_prior", "None if True"),
    ),
    "epochs that are none": ("stages", edited(trainer, "why_no_stage", "plan[1] == 0", "False")),
    "stages of nothing": (
        "stages",
        edited(trainer, "nothing_to_train", "model.network is None and not", "False and not"),
    ),
    "no stage beside a fixed prior": (
        "stages",
        edited(trainer, "nothing_to_train", "model.network is None and not", "not"),
    ),
    "an optimizer with a mistake as if it had none": (
        "stages",
        edited(trainer, "stage_optimizer", "if configured and name not in configured", "if False"),
    ),
}
"""Faults that only the whole run, not `--quick`, must detect."""
