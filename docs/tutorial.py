# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Tutorial: from frames to a model that runs elsewhere
#
# You will look at a data set, fit a prior to it, read the report, simulate what came out, train a small network
# beside it, and export the prior. Everything runs on the data set that comes with cgcore, in about a minute on two
# cores.
#
# In a checkout of the repository, `pip install '.[export,plot,train]'` installs what you need. This page is a
# notebook that is executed whenever the site is built: [download it](tutorial.ipynb) and run it yourself.

# %%
import cgcore

# %% [markdown]
# ## 1. Look at the data
#
# The bundled set is CLN025, a ten-residue mini-protein: 1,000 frames of an all-atom simulation at 320 K, reduced to
# one bead per residue. `R` holds the positions of the CA atoms in Å, and `F` the summed forces on each residue in
# kcal/mol/Å. With data of your own, write `cgcore.read("data.npz")` ([how the file should look](data.md)).

# %%
data = cgcore.datasets.chignolin()
print(cgcore.inspect(data).report())

# %% [markdown]
# Two things deserve a look before anything is fitted. The median distance of neighbouring beads should be near 3.8 Å,
# the distance of CA atoms that are bonded through a peptide bond. And *equipartition of bonds* compares the thermal
# fluctuation of the bonds with the forces along them: a ratio near 1 means that positions, forces and temperature
# belong together. If the forces were in another unit, the last line would say so.
#
# ## 2. Fit the prior
#
# Neighbouring frames of a trajectory resemble each other, so frames are held out as a block in time, not at random:
# `split(0.2)` holds out the last fifth.

# %%
train, validation = data.split(0.2)
result = cgcore.fit(train, cgcore.default_prior(), validation=validation)
print(result.report())

# %% [markdown]
# ## 3. Read the report
#
# **How it ended.** `CONSTRAINED` means that the fit is at the optimum of the constrained problem. The *optimality
# gap* says how far its loss can be above the lowest loss possible. It comes from a bound that doesn't depend on how
# the fit was found ([what the certificate proves](certificate.md)).

# %%
print(result.status.name, result.converged)
print(f"optimality gap: {result.certificate.optimality_gap:.1e}")

# %% [markdown]
# **How good it is.** The losses are mean squared force differences per bead. Part of the loss that remains is thermal
# noise, the fluctuating forces of the atoms that were averaged away, and no function of the bead positions can
# explain it. Compare the fitted loss with that of the initial parameters, and the training loss with the held-out
# loss.

# %%
print(f"training {result.train_loss:.2f}, held-out {result.val_loss:.2f} (kcal/mol/Å)²")

# %% [markdown]
# **What it costs to be safe.** The default fit obeys physical constraints, so that a simulation doesn't leave the
# range in which the data say anything. Each active constraint comes with its price ([safe
# constraints](safe-constraints.md)).

# %%
for constraint in result.certificate.constraints:
    if constraint.active:
        print(f"{constraint.price:8.4f}  {constraint.text}")

# %% [markdown]
# **What the data cannot tell.** Some combinations of parameters hardly change the forces. The smoothest potential
# wins among those that the data cannot tell apart ([how far to converge](how-far.md)).

# %%
for note in result.identifiability.notes:
    print("-", note)

# %% [markdown]
# `save` writes the record `fit.json` and the prior `priors.yaml`; `plot` draws the potentials against the Boltzmann
# inversion of the data, the forces, and the cross-validation.

# %%
result.save("out")
result.plot("out/fit.png")

# %%
from IPython.display import Image

Image("out/fit.png", width=900)

# %% [markdown]
# ## 4. Simulate
#
# A low loss doesn't make a force field: only a simulation shows whether the model holds together. Here 32 replicas
# start from frames of the data and run for 20 ps; use a nanosecond for a verdict that you rely on.

# %%
prior = cgcore.Prior.read("out/priors.yaml")
run = cgcore.simulate(prior, time="20ps")
print(f"{run.lost} of {len(run.replicas)} replicas lost; closest approach {run.closest_approach:.2f} Å")

# %% [markdown]
# ## 5. Train a network beside the prior
#
# The prior is a simple function. A network beside it learns what it leaves out. `cgcore train --example` prints a
# complete configuration; here it is cut down to two epochs of each stage, which shows the steps and not what they are
# worth.

# %%
import subprocess

import yaml

from cgcore.pipeline import DatasetLoader, Trainer, model_for

example = subprocess.run(["cgcore", "train", "--example"], check=True, capture_output=True, text=True)
config = yaml.safe_load(example.stdout)
config["training"] |= {"epochs_adabelief": 2, "epochs_yogi": 1}

train_frames, held_out = DatasetLoader(data, max_frames=400, seed=0).split_train_val(0.2)
model = model_for(config, train_frames)
trainer = Trainer(model, config, train_frames, held_out)
results = trainer.train_full_pipeline()
for stage, found in results.items():
    print(f"{stage:15} held-out loss {found['val_loss']:.1f}")

# %% [markdown]
# `trainer.save_params("params.npz")` keeps the parameters; `cgcore simulate params.npz` judges the trained model as
# it does a prior.
#
# ## 6. Export
#
# The prior as an OpenMM `System`, and as the tables and input script of LAMMPS. The weights of the terms are folded
# in, and the sign of the dihedral is turned to the IUPAC convention of those programs.

# %%
from cgcore.export import write_lammps, write_openmm

write_openmm("out/system.xml", prior, beads=10)
for path in write_lammps("out/lammps", prior, beads=10):
    print(path)

# %% [markdown]
# ## Where to go next
#
# - [Use your own data](your-data.md)
# - [Use the configuration you have](switching.md)
# - [Gate convergence in your CI](ci-gate.md)
