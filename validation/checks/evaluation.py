"""Evaluation of a model on given frames: errors by term, bead and protein, residual forces, and the noise ceiling."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.evaluation.residual import write_residual
from validation import explicit, explicit_terms
from validation.check import Row, at_most, check, equal
from validation.context import Context, five_terms, with_harmonics
from validation.explicit import Array
from validation.term_problems import broken, few_terms, prior_of, species_of
from validation.tolerances import relative

FRAMES, BROKEN, PAIRED = 16, 6, 120
"""Numbers of frames for errors, for those of broken chains, and for the noise ceiling. The last form two proteins with
equal numbers of frames in each block, which compile once."""
EXACT = 1e-10
EDGE = 80.0
"""Edge of a periodic box [Å], more than twice as long as a chain."""

BLOCKS, APART = 20, 2
"""Number of blocks of each protein in time, and smallest distance between the blocks of the two frames of a pair."""
LEAST, PART = 500, 0.05
"""Smallest number of pairs of each protein, and fraction of all pairs; the larger one counts."""


@check("evaluation", quick=True, needs=("scipy",))
def evaluation(context: Context) -> Iterator[Row]:
    """Errors of forces and energies by term, protein and bead, residual forces, and the noise ceiling."""
    prior = with_harmonics(five_terms(context.prior), 2, 2)
    batch = list(context.datasets.values())[-1].subset(FRAMES).join()
    with tempfile.TemporaryDirectory() as folder:
        for k, rows in enumerate(np.split(np.arange(len(batch.R)), [len(batch.R) // 5, len(batch.R) // 2])):
            np.savez(Path(folder) / f"{k}.npz", **{key: value[rows] for key, value in batch._asdict().items()})
        data = cgcore.read(folder, accept_faults=True)
        chains = _chains(data)
        left = _left(prior, chains)
        yield from _errors(prior, data, chains)
        write_residual(Path(folder) / "left.npz", data, prior)
        stored = cgcore.read(Path(folder) / "left.npz", accept_faults=True)
        found = [F for _, F, _ in _chains(stored)]
    yield at_most("forces that are left", max(relative(a, b) for a, b in zip(found, left, strict=True)), EXACT)
    yield from _wrapped(prior, context.some(BROKEN))
    yield from _broken(context.some(BROKEN))
    yield from _residues(prior, context.some(BROKEN))
    batch = context.some(PAIRED).join()
    kinds = np.repeat([0, 1], len(batch.R) // 2)[:, None] * np.ones(batch.R.shape[1], int)
    yield from _ceiling(prior, cgcore.from_arrays(batch.R, batch.F, species=kinds, accept_faults=True))


def _wrapped(prior: cgcore.Prior, data: cgcore.Dataset) -> Iterator[Row]:
    """Chains that the faces of a periodic box cut, against whole ones: the loss, and forces that are left."""
    batch = data.join()
    cut = np.mod(np.asarray(batch.R, float) - np.asarray(batch.R, float).mean(axis=(1, 2), keepdims=True), EDGE)
    wrapped = cgcore.from_arrays(cut, batch.F, accept_faults=True)
    box = cgcore.periodic((EDGE, EDGE, EDGE))
    found, known = cgcore.evaluate(prior, wrapped, box), cgcore.evaluate(prior, data)
    yield at_most("in a box, loss", relative(found.errors.loss, known.errors.loss), EXACT, "relative")
    left = []
    with tempfile.TemporaryDirectory() as folder:
        for frames, given in ((wrapped, {"displacement": box}), (data, {})):
            write_residual(Path(folder) / "left.npz", frames, prior, **given)
            left.append(np.load(Path(folder) / "left.npz", allow_pickle=False)["F"])
    yield at_most("in a box, forces that are left", relative(*left), EXACT, "relative")


def _broken(data: cgcore.Dataset) -> Iterator[Row]:
    """Two proteins of one file, one of which consists of two chains with a gap: forces that are left, and the loss."""
    names = ("bond", "angle", "dihedral", "repulsive", "between")
    prior = prior_of(tuple(term for term in few_terms() if term.name in names))
    batch = data.join()
    mixed = cgcore.from_arrays(
        batch.R, batch.F, species=species_of(batch.mask), accept_faults=True, **broken(np.asarray(batch.mask))
    )
    system = explicit_terms.system(mixed.join(), prior.further, mixed.sites())
    c = np.concatenate([np.ravel(prior.params[term.name]) for term in prior.further])
    left = (system.F - system.X @ c).reshape(batch.F.shape)
    with tempfile.TemporaryDirectory() as folder:
        write_residual(Path(folder) / "left.npz", mixed, prior)
        found = cgcore.read(Path(folder) / "left.npz", accept_faults=True).join().F
    yield at_most("broken chains, forces that are left", relative(found, left), EXACT, "relative")
    loss = float(np.mean(np.sum(left**2, axis=-1)))
    yield at_most("broken chains, loss", relative(cgcore.evaluate(prior, mixed).errors.loss, loss), EXACT, "relative")


def _residues(prior: cgcore.Prior, data: cgcore.Dataset) -> Iterator[Row]:
    """Errors of kinds of beads: residues by their name in all files, others by their species."""
    batch = data.join()
    names = [
        ["TYR", "GLY", "GLY", "ALA", "TYR", "HIE", "ALA", "CYX"],
        ["ALA", "TYR", "CYS", "GLY", "GLY", "HIS", "TYR"],
    ]
    species = [np.arange(n) % 3 + n % 4 for n in (8, 7, 6)]
    # Names of protonation states count as the residue, and species of one file are not those of another.
    kinds = [[{"HIE": "HIS", "CYX": "CYS"}.get(name, name) for name in own] for own in names]
    kinds.append([f"species {n}" for n in species[2].tolist()])
    c = explicit.coefficients(prior.params)[:2]  # of bonds
    both: dict[str, list[tuple[Array, Array]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for k, (own, kinds_of) in enumerate(zip(species, kinds, strict=True)):
            x, f = (np.asarray(values[2 * k : 2 * k + 2, : len(own)], float) for values in (batch.R, batch.F))
            said = {"resname": np.array(names[k])} if k < len(names) else {}
            np.savez(Path(folder) / f"{k}.npz", allow_pickle=False, R=x, F=f, species=own, **said)
            predicted = explicit.matrix(x, prior.weights, prior.params)[..., :2] @ c
            for bead, kind in enumerate(kinds_of):
                both.setdefault(kind, []).append((predicted[:, bead], f[:, bead]))
        found = cgcore.evaluate(prior.part(["bond"]), cgcore.read(folder, accept_faults=True))
    yield equal("kinds of residues", ", ".join(found.types), ", ".join(sorted(both)))
    for kind in (kind for kind in found.types if kind in both):
        P, G = (np.concatenate(part) for part in zip(*both[kind], strict=True))
        off = _each((found.types[kind].beads, *_said(found.types[kind])), (len(G), *_numbers(P, G)))
        yield at_most(f"number and errors of {kind}", off, EXACT, "relative")
    said = [[one.kind for one in protein.residues] for protein in found.proteins]
    yield equal("kinds of each protein's residues", str(said), str(kinds))


def _chains(data: cgcore.Dataset) -> list[tuple[Array, Array, Array]]:
    """R, F and species of each frame without padding."""
    batch = data.join()
    lengths = np.asarray(batch.mask, bool).sum(axis=1)
    every = zip(batch.R, batch.F, batch.species, lengths, strict=True)
    return [(np.asarray(R[:n], float), np.asarray(F[:n], float), np.asarray(kinds[:n])) for R, F, kinds, n in every]


def _forces(prior: cgcore.Prior, chains: list[tuple[Array, Array, Array]]) -> list[dict[str, Array]]:
    """Forces (beads, 3) of each term on each frame."""
    c, found = explicit.coefficients(prior.params), [{} for _ in chains]
    n, m = 2 * len(prior.params["a"]), 2 * len(prior.params["k_dih"])
    ends = dict(
        zip(("bond", "angle", "dihedral", "repulsive", "excluded_volume"), np.cumsum([2, n, m, 1, 1]), strict=True)
    )
    for beads in {len(R) for R, _, _ in chains}:
        own = [k for k, (R, _, _) in enumerate(chains) if len(R) == beads]
        X = explicit.matrix(np.stack([chains[k][0] for k in own]), prior.weights, prior.params)
        start = 0
        for name, end in ends.items():
            for k, force in zip(own, X[..., start:end] @ c[start:end], strict=True):
                found[k][name] = force
            start = end
    return found


def _left(prior: cgcore.Prior, chains: list[tuple[Array, Array, Array]]) -> list[Array]:
    """The reference forces minus those of the prior."""
    return [F - sum(own.values()) for (_, F, _), own in zip(chains, _forces(prior, chains), strict=True)]


def _numbers(P: Array, F: Array) -> tuple[float, ...]:
    """Loss, mean square reference, explained fraction, rmse, mae and cosine of forces P against F (beads, 3)."""
    error = P - F
    loss, reference = (float(np.mean(np.sum(x**2, axis=1))) for x in (error, F))
    sizes = np.linalg.norm(P, axis=1) * np.linalg.norm(F, axis=1)
    cosine = float(np.mean(np.sum(P * F, axis=1) / sizes))
    rmse, mae = float(np.sqrt(np.mean(error**2))), float(np.mean(np.abs(error)))
    return loss, reference, 1 - loss / reference, rmse, mae, cosine


def _said(errors: Any) -> tuple[float, ...]:
    return errors.loss, errors.reference, errors.explained, errors.rmse, errors.mae, errors.cosine


def _spread(energies: Array) -> tuple[float, ...]:
    return energies.mean(), energies.std(), energies.min(), energies.max()


def _errors(prior: cgcore.Prior, data: cgcore.Dataset, chains: list[tuple[Array, Array, Array]]) -> Iterator[Row]:
    found = cgcore.evaluate(prior, data)
    by_term = _forces(prior, chains)
    energies = [explicit.energies(R, prior.weights, prior.params) for R, _, _ in chains]
    predicted, reference = [sum(own.values()) for own in by_term], [F for _, F, _ in chains]
    P, F = np.concatenate(predicted), np.concatenate(reference)
    yield equal("beads and frames", f"{found.errors.beads} {found.frames}", f"{len(P)} {len(chains)}")
    yield at_most("errors of forces", relative(_said(found.errors), _numbers(P, F)), EXACT, "relative")
    for name in by_term[0]:
        own, one = np.concatenate([term[name] for term in by_term]), found.terms[name]
        cosine = np.sum(own * F) / np.sqrt(np.sum(own**2) * np.sum(F**2))
        theirs = np.mean(np.sum(own**2, axis=1)), np.mean(np.sum((P - own - F) ** 2, axis=1)), cosine
        each = np.array([energy[name] for energy in energies])
        numbers = (one.force, one.loss_without, one.cosine)
        yield at_most(f"{name}, force, loss without and cosine", _each(numbers, theirs), EXACT, "relative")
        yield at_most(f"{name}, energies", relative(one.energy, _spread(each)), EXACT, "relative")
    total = np.array([sum(energy.values()) for energy in energies])
    yield at_most("energies of frames", relative(found.energies, total), EXACT, "relative")
    yield at_most("spread of energies", relative(found.energy, _spread(total)), EXACT, "relative")
    kinds = np.concatenate([species for _, _, species in chains])
    for name, errors in found.types.items():
        own = kinds == int(name.removeprefix("species "))
        yield at_most(f"errors of {name}", _each(_said(errors), _numbers(P[own], F[own])), EXACT, "relative")
    yield equal("kinds of beads", len(found.types), len(np.unique(kinds)))
    for protein in found.proteins:
        of = [k for k, (R, _, _) in enumerate(chains) if len(R) == len(protein.residues)]
        Q, G = (np.stack([one[k] for k in of]) for one in (predicted, reference))
        both = Q.reshape(-1, 3), G.reshape(-1, 3)
        yield at_most(f"{protein.name}, errors", _each(_said(protein.errors), _numbers(*both)), EXACT, "relative")
        yield at_most(f"{protein.name}, energies", relative(protein.energy, _spread(total[of])), EXACT, "relative")
        off = [_each(_said(one.errors), _numbers(Q[:, k], G[:, k])) for k, one in enumerate(protein.residues)]
        yield at_most(f"{protein.name}, errors of beads", max(off), EXACT, "relative")


def _each(ours: Any, theirs: Any) -> float:
    """Largest relative difference of corresponding numbers; absolute for values that may be near 0, such as cosines."""
    return float(max(abs(a - b) / max(abs(b), 1e-2) for a, b in zip(ours, theirs, strict=True)))


def _ceiling(prior: cgcore.Prior, data: cgcore.Dataset) -> Iterator[Row]:
    """Pairs of frames superimposed by SciPy, and the line fitted through their products."""
    from scipy.spatial.transform import Rotation

    found, chains = cgcore.noise_ceiling(data, prior), _chains(data)
    every = _left(prior, chains)
    x, y, where, first = [], [], [], 0
    for protein in range(2):
        both = zip(chains, every, strict=True)
        own = [(R - R.mean(axis=0), rest) for (R, _, kinds), rest in both if kinds[0] == protein]
        block = np.repeat(np.arange(BLOCKS), [len(part) for part in np.array_split(np.arange(len(own)), BLOCKS)])
        a, b = np.triu_indices(len(own[0][0]), 1)
        d = np.array([np.linalg.norm(R[a] - R[b], axis=1) for R, _ in own])
        i, j = np.triu_indices(len(own), 1)
        apart = block[j] - block[i] >= APART
        i, j = i[apart], j[apart]
        alike = np.sum((d[i] - d[j]) ** 2, axis=1)
        nearest = np.argsort(alike)[: min(len(alike), int(max(LEAST, PART * len(own) ** 2 / 2)))]
        for p, q in zip(i[nearest], j[nearest], strict=True):
            turn = Rotation.align_vectors(own[q][0], own[p][0])[0]
            x.append(np.mean(np.sum((turn.apply(own[p][0]) - own[q][0]) ** 2, axis=1)))
            y.append(np.mean(np.sum(turn.apply(own[p][1]) * own[q][1], axis=1)))
            where.append((first + block[p], first + block[q]))
        first += BLOCKS
    x, y, where = np.array(x), np.array(y), np.array(where)
    line = np.polyfit(x, y, 1)
    without = [np.polyfit(x[own], y[own], 1)[1] for k in np.unique(where) for own in [(where != k).all(axis=1)]]
    jackknife = np.sqrt((len(without) - 1) * np.var(without))
    error = np.hypot(jackknife, np.polyfit(x, y, 2)[2] - line[1])
    left, reference = (
        float(np.mean(np.sum(np.concatenate(part) ** 2, axis=1))) for part in (every, [F for _, F, _ in chains])
    )
    missed = line[1]
    yield equal("ceiling, frames and pairs", f"{found.frames} {found.pairs}", f"{len(chains)} {len(x)}")
    for what, ours, theirs in (
        ("what is left and the reference", (found.left, found.reference), (left, reference)),
        ("what is missed and its error", (found.missed, found.missed_error), (missed, error)),
        ("explained", found.explained, 1 - left / reference),
        ("ceiling", found.ceiling, 1 - left / reference + max(missed, 0.0) / reference),
        ("highest", found.highest, min(1 - left / reference + (max(missed, 0.0) + 2 * error) / reference, 1.0)),
    ):
        yield at_most(f"ceiling, {what}", relative(ours, theirs), 1e-7, "relative")
    order = np.array_split(np.argsort(x), len(found.products))
    products = [y[own].mean() for own in order]
    yield at_most("ceiling, products by distance", relative(found.products, products), 1e-7, "relative")
    squares = np.array([x[own].mean() for own in order])
    yield at_most("ceiling, distances", relative(found.distances, np.sqrt(squares)), 1e-7, "relative")
    yield at_most("ceiling, line", relative(found.line, np.polyval(line, squares)), 1e-7, "relative")
