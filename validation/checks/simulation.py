"""Simulations of a prior: whether they are stable, and whether they sample the same as another engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

import cgcore
from validation.check import Row, at_least, at_most, check, equal
from validation.context import Context, five_terms, unconstrained
from validation.distributions import distributions

REPLICAS = 32
NO_CLOSER = 3.0
"""Distance [Å] below which beads three or more apart along the chain overlap."""

WIDENED = 1e-3
"""Largest fraction of angles more than 10 degrees outside the sampled range."""

BONDS = 0.02
"""Largest relative deviation of the mean and standard deviation of bond lengths from the data. Those of the data are
known to 0.7 %, and the stiffness from force matching to 2 %."""

ERRORS = 5.0
"""Largest difference, in standard errors, between averages of two engines or between the kinetic temperature and the
thermostat's. Among a dozen comparisons chance exceeds four once in a thousand runs, and errors from few replicas are
themselves uncertain."""

COMPARED = ("bond", "angle", "distance", "radius_of_gyration", "end_to_end")


@check("simulation", as_users="whole", quick=True, data_driven=True)
def simulation(context: Context) -> Iterator[Row]:
    """The default prior in Langevin dynamics, with none of 32 replicas lost; the unconstrained prior is lost."""
    prior, protein = five_terms(context.prior), context.data.sources[0].protein_names[0]
    data = context.data
    fitted = replace(prior, params=cgcore.fit(data, prior).fitted_params)
    time = "20ps" if context.quick else "1ns"
    run = cgcore.simulate(fitted, data, protein=protein, replicas=REPLICAS, time=time)
    yield equal(f"default fit, replicas lost of {REPLICAS} in {time}", run.lost, 0)
    yield at_least("default fit, closest approach", run.closest_approach, NO_CLOSER, "Å")
    yield at_most("default fit, angles outside the sampled range and 10 degrees", run.angles_outside, WIDENED)
    off = abs(run.kinetic_temperature - run.settings.temperature) / run.kinetic_error
    yield at_most("default fit, kinetic temperature, off the thermostat's", off, ERRORS, "standard errors")
    bond = run.observables["bond"]
    for name in ("mean", "std"):
        value, data_value = getattr(bond.simulation, name), getattr(bond.reference, name)
        yield at_most(f"default fit, bond length, {name}", abs(value / data_value - 1), BONDS, "relative")
    if context.given:
        return
    yield from distributions(run, np.asarray(data.join().R))
    if context.quick:  # reports of lost replicas are compared in `dynamics`
        return
    free = replace(prior, params=cgcore.fit(data, prior, unconstrained()).fitted_params)
    yield at_least("free fit, replicas lost in 50 ps", cgcore.simulate(free, data, time="50ps").lost, 1)


@check("simulation-openmm", as_users=True, needs=("openmm",))
def openmm(context: Context) -> Iterator[Row]:
    """The exported default prior in OpenMM: no replica is lost, and averages agree with cgcore's own dynamics."""
    from cgcore.export import openmm_system

    data, prior = context.data, five_terms(context.prior)
    fitted = replace(prior, params=cgcore.fit(data, prior).fitted_params)
    ours = cgcore.simulate(fitted, data, replicas=REPLICAS, time="200ps")
    theirs = cgcore.simulate(openmm_system(fitted, data.n_beads), data, replicas=8, time="200ps", seed=1)
    yield equal("OpenMM, replicas lost", theirs.lost, 0)
    yield at_least("OpenMM, closest approach", theirs.closest_approach, NO_CLOSER, "Å")
    for name in COMPARED:
        a, b = ours.observables[name].simulation, theirs.observables[name].simulation
        assert None not in (a.mean, b.mean, a.error, b.error)
        apart = abs(float(a.mean or 0) - float(b.mean or 0)) / np.hypot(float(a.error or 0), float(b.error or 0))
        yield at_most(f"OpenMM and cgcore, mean {name}, apart", apart, ERRORS, "standard errors")


@check("simulation-trained", as_users=True, needs=("e3nn_jax", "orbax.checkpoint"))
def trained(context: Context) -> Iterator[Row]:
    """A small network trained on top of the frozen default prior: none of 32 replicas is lost in 100 ps."""
    from cgcore.pipeline import DatasetLoader, Trainer, model_for

    small = {"max_ell": 1, "num_layers": 1, "n_radial_basis": 4, "embed_n_hidden": [8], "species_embed": 4}
    small |= {"mlp_n_hidden": 8, "mlp_n_layers": 1}
    config = {
        "dialect": "cgcore",
        "model": {"train_priors": False, "ml_model": "allegro", "cutoff": 10.0, "allegro": small},
        "optimizer": {"adabelief": {"lr": 1e-3}},
        "training": {"stage1_optimizer": "adabelief", "epochs_adabelief": 3, "stage2_optimizer": None},
    }
    loader = DatasetLoader(context.data)
    train, held_out = loader.split_train_val(0.2)
    model = model_for(config, train)
    trainer = Trainer(model, config, train, held_out)
    trainer.train_full_pipeline()
    run = cgcore.simulate((model, trainer.params), context.data, replicas=REPLICAS, time="100ps")
    yield equal(f"prior and network, replicas lost of {REPLICAS} in 100 ps", run.lost, 0)
    yield at_least("prior and network, closest approach", run.closest_approach, NO_CLOSER, "Å")
