"""Splines from a file combined with coefficients, in reports, energies, both objectives and dynamics, against SciPy."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import jax
import numpy as np

import cgcore
from cgcore.cli.models import prior_file
from cgcore.export.potentials import potentials as curves_of
from cgcore.physics.stiffness import bond_stiffness
from cgcore.simulation.potential import prior_potential
from cgcore.spline_file import read_splines
from validation import explicit
from validation.check import Row, at_most, check, equal, refuses
from validation.context import Context, four_terms, unconstrained
from validation.explicit import Array
from validation.splined import KINDS, Drawn, drawn
from validation.term_problems import broken, species_of
from validation.tolerances import near, relative

EXACT = 1e-9

DIRECT = 1e-7
"""Relative tolerance of the one coefficient in a fit that ends at a gradient of `tol_grad`."""

BEYOND = 0.1
"""Distance from the outermost knots [Å or rad]."""

SHAKE = 0.2
"""Random displacement [Å], so that some bonds are outside the knots."""


@check("splines", quick=True, needs=("scipy",))
def splines(context: Context) -> Iterator[Row]:
    """Splines that differ by species, on chains with gaps and padding: curves, energies, both objectives, dynamics."""
    made, batch = drawn(), list(context.datasets.values())[-1].subset(8).join()
    prior = replace(four_terms(context.prior), splines=made.given)
    yield from _curves(made, prior)
    yield from _flags(made)
    rng, species = np.random.default_rng(3), species_of(batch.mask)
    R = batch.R + SHAKE * rng.normal(size=batch.R.shape) * batch.mask[..., None]
    data = cgcore.from_arrays(R, batch.F, batch.mask, species, accept_faults=True, **broken(batch.mask))
    yield from _energies(made, prior, data)
    yield from _fits(made, prior, data)
    yield from _dynamics(made, prior, R[np.argmax(batch.mask.sum(axis=1))], species[0])


def _curves(made: Drawn, prior: cgcore.Prior) -> Iterator[Row]:
    """The curves for each species that tables, figures and exports are made from."""
    for one in curves_of(prior)[: len(KINDS)]:
        name, weight = one.term.name, getattr(prior.weights, one.term.name)
        for species in range(4) if name == "angle" else (0,):
            spline = made.of(name, species)
            known = one.own is not None and species < len(one.own)
            curve = one.curves[one.own[species] if known else 0]  # type: ignore[index]
            x = np.linspace(spline.x[0], spline.x[-1], 12)[1:-1]
            for order, what in enumerate(("energy", "slope", "curvature")):
                off = relative(getattr(curve, what)(x), weight * spline(x, order))
                yield at_most(f"{name}, species {species}, {what}", off, EXACT, "relative")
            if name != "dihedral":  # which is periodic
                beyond, ends = spline.x[[0, -1]] + [-BEYOND, BEYOND], weight * spline(spline.x[[0, -1]])
                found = curve.energy(beyond), curve.slope(beyond), curve.curvature(beyond)
                off = relative(found, (ends, 0 * ends, 0 * ends))
                yield at_most(f"{name}, species {species}, constant beyond the knots", off, EXACT, "relative")
    stiffest = prior.weights.bond * float(made.shared["bond"](made.shared["bond"].x, 2).max())
    yield near("bond stiffness", bond_stiffness(prior, prior.params), stiffest, EXACT, 1.0)


def _flags(made: Drawn) -> Iterator[Row]:
    """Whether species have splines of their own: what the file says, and what the configuration says."""
    found, known = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for flag, asked in product((None, True, False), repeat=2):
            said = {} if flag is None else {"residue_specific_angles": flag}
            arrays: dict[str, Any] = {**made.given.arrays(), **said}
            np.savez(f"{folder}/splines.npz", **arrays)
            priors = {"spline_file": "splines.npz"} | ({} if asked is None else {"residue_specific_angles": asked})
            Path(folder, "prior.yaml").write_text(json.dumps({"model": {"priors": priors}}), encoding="utf-8")
            each = read_splines(f"{folder}/splines.npz", asked), prior_file(f"{folder}/prior.yaml").splines
            found[flag, asked] = [own is not None and own.angle_types is not None for own in each]
            known[flag, asked] = [flag is not False and asked is not False] * 2
        shared = prior_file(f"{folder}/prior.yaml").splines
    yield equal("splines of species by the flags of file and configuration", str(found), str(known))
    off = np.inf if shared is None else relative(shared.bond.coefficients, made.given.bond.coefficients)
    yield at_most("splines that a configuration names", off, 0.0)


def _energies(made: Drawn, prior: cgcore.Prior, data: cgcore.Dataset) -> Iterator[Row]:
    """Energies of a frame with two chains and of a frame with one chain, both with a gap."""
    batch, sites = data.join(), data.sites()
    assert sites is not None
    found = jax.jit(partial(cgcore.term_energies, prior, prior.params))
    for f, n in enumerate(batch.mask[:2].sum(axis=1).astype(int)):
        ours = found(batch.R[f], batch.mask[f].astype(bool), batch.species[f], sites=sites[f])
        theirs = made.energies(batch.R[f, :n], prior.weights, batch.species[f, :n], sites[f, :n])
        for name, energy in theirs.items():
            yield near(f"frame {f}, energy of {name}", float(ours[name]), energy, EXACT, 1.0)


def _fits(made: Drawn, prior: cgcore.Prior, data: cgcore.Dataset) -> Iterator[Row]:
    """The one coefficient that remains to be fitted, by the factor and by the direct objective."""
    batch, sites = data.join(), data.sites()
    assert sites is not None
    column, left = [], []
    for f, n in enumerate(batch.mask.sum(axis=1).astype(int)):
        R, along = batch.R[f, :n].astype(float), sites[f, :n]
        column.append(explicit.matrix(R[None], prior.weights, prior.params, along)[..., -1].ravel())
        left.append((batch.F[f, :n] - made.forces(R, prior.weights, batch.species[f, :n], along)).ravel())
    X, F = np.concatenate(column), np.concatenate(left)
    c, beads = float(X @ F / (X @ X)), int(batch.mask.sum())
    best, scale = float(np.sum((X * c - F) ** 2)) / beads, float(F @ F) / beads
    direct = cgcore.fit(data, prior, unconstrained(truncation=0.0, objective="direct"))
    compressed = cgcore.fit(direct.factor, prior, unconstrained(truncation=0.0))
    yield near("loss without the fitted terms", compressed.certificate.zero_prior_loss, scale, EXACT, scale)
    for name, fit, tolerance in (("compressed", compressed, EXACT), ("direct", direct, DIRECT)):
        found = float(fit.fitted_params["epsilon"] * fit.fitted_params["sigma"] ** 4)
        yield near(f"{name}, the coefficient", found, c, tolerance, 0.0)
        yield near(f"{name}, least loss", fit.train_loss, best, EXACT, scale)
    other = replace(prior, splines=Drawn(made.shared, {0: made.typed[0]}).given)
    yield equal("a factor of other splines, refused", refuses(lambda: cgcore.fit(direct.factor, other)), True)


def _dynamics(made: Drawn, prior: cgcore.Prior, R: Array, species: Array) -> Iterator[Row]:
    """Forces on a whole chain, including those of the fitted terms."""
    c = explicit.coefficients(prior.params)[-1]
    own = made.forces(R, prior.weights, species, np.arange(len(R)))
    expected = own + explicit.matrix(R[None], prior.weights, prior.params)[0, ..., -1] * c
    found = jax.jit(prior_potential(prior, species).forces)(R.T[..., None])[..., 0].T
    yield at_most("forces of dynamics", relative(found, expected), EXACT, "relative")
