"""Input and output: units, files, boxes, records, names of directions, and warnings."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

import cgcore
from cgcore.fitting.spectrum import spectrum
from validation import explicit, explicit_terms
from validation.check import Row, at_most, check, equal, refuses
from validation.context import Context, distinct, five_terms, unconstrained, with_harmonics
from validation.splined import drawn
from validation.stored.stored_frames import BOX, EXACT, STORED, bonded, drawn_and_split, named, of_a_folder
from validation.term_problems import OWN, few_terms, many_terms, prior_of, shared_terms, species_of, written_terms
from validation.tolerances import near, products, relative

FRAMES = 60

LEFT = 3
"""Number of directions that a cut-off leaves at their start."""

LARGE = 1e-3
"""Squared loading above which a coefficient must be named."""


@check("doors", quick=True)
def doors(context: Context) -> Iterator[Row]:
    """Units, masks, splits, periodic boxes, priors.yaml and fit.json, names of directions, warnings."""
    prior = with_harmonics(five_terms(distinct(cgcore.default_prior())), 2, 2)
    data = cgcore.datasets.chignolin().subset(FRAMES)
    batch = data.join()
    R, F = batch.R.astype(float), batch.F.astype(float)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from of_a_folder(folder, R, F)
        yield from _records(folder, prior, cgcore.from_arrays(R, F))
        yield from _groups_recorded(folder, prior, R, F)
        yield from _written(folder, R[0])
        yield from _declared(folder)
        yield from drawn_and_split(folder, R, F)
    yield from bonded(R[:2], F[:2])
    yield from named(R[:2], F[:2])
    yield from _box(prior, R, F)
    yield from _directions(prior, R, F)
    yield from _warnings(prior, R, F)


def _records(folder: Path, prior: cgcore.Prior, data: cgcore.Dataset) -> Iterator[Row]:
    """The files that a fit writes, read with PyYAML and json alone."""
    train, held_out = data.split(0.25)
    fit = cgcore.fit(train, prior, cgcore.Options(temperature=310.0), validation=held_out)
    record, priors = fit.save(folder / "out")
    block = yaml.safe_load(priors.read_text(encoding="utf-8"))["model"]["priors"]
    yield equal("priors.yaml, weights", block["weights"] == prior.weights._asdict(), True)
    differing = [name for name, value in fit.fitted_params.items() if np.any(np.asarray(block[name]) != value)]
    yield equal("priors.yaml, parameters that differ", ", ".join(differing), "")
    back = cgcore.Prior.read(priors)
    yield equal("priors.yaml, read again", back == fit.fitted_prior, True)
    again = {name: value.tolist() for name, value in prior.params.items()}
    carried = {"theta0": 2.1, "k_theta": 33.0}  # which no term uses
    config = {"model": {"priors": {"weights": prior.weights._asdict()} | again | carried}}
    (folder / "config.yaml").write_text(json.dumps(config), encoding="utf-8")  # JSON is also YAML
    read = cgcore.load_config(folder / "config.yaml").prior
    yield equal("configuration, weights", read.weights == prior.weights, True)
    read.write(folder / "carried.yaml")
    kept = yaml.safe_load((folder / "carried.yaml").read_text(encoding="utf-8"))["model"]["priors"]
    yield equal("configuration, what is only carried", all(kept.get(key) == carried[key] for key in carried), True)
    same = all(np.array_equal(read.params[name], value) for name, value in prior.params.items())
    yield equal("configuration, parameters", same, True)
    said = json.loads(record.read_text(encoding="utf-8"))
    system = explicit.system(train.join(), prior.weights, prior.params)
    unseen = explicit.system(data.split(0.25)[1].join(), prior.weights, prior.params)  # type: ignore[union-attr]
    c, start = (explicit.coefficients({name: p[name] for name in prior.params}) for p in (block, prior.params))
    yield near("fit.json, train_loss", said["train_loss"], system.loss(c), EXACT, 1.0)
    yield near("fit.json, val_loss", said["val_loss"], unseen.loss(c), EXACT, 1.0)
    yield near("fit.json, initial_val_loss", said["initial_val_loss"], unseen.loss(start), EXACT, 1.0)
    for part, own, name in (("used", train, "used_frames"), ("held-out", held_out, "held_out_frames")):
        assert own is not None
        ranges = [one for each in said["data"][name].values() for one in each]
        numbers = [n for first, last in ranges for n in range(first, last)]
        known = own.sources[0].frame_numbers.tolist()
        yield equal(f"fit.json, {part} frames", numbers == known, True)
    yield equal("fit.json, status", said["status"], "CONSTRAINED")
    yield equal("fit.json, converged", said["converged"], True)
    yield equal("fit.json, steps", said["steps"], len(said["loss_history"]))
    yield equal("fit.json, temperature", said["temperature"], 310.0)
    yield equal("fit.json, weights", said["config"]["weights"] in (prior.weights._asdict(), list(prior.weights)), True)
    yield equal("report, status", "[LBFGS] Converged: True" in fit.report(), True)


def _groups_recorded(folder: Path, prior: cgcore.Prior, R: np.ndarray, F: np.ndarray) -> Iterator[Row]:
    """Coefficients by group in fit.json, and a held-out set of its own that has the same name as the fitted one."""
    groups = cgcore.Groups.of_species("central", range(3))
    term = cgcore.Term("kinds", cgcore.Rows("angles"), cgcore.bases.Fourier(2), 0.5, groups)
    species = np.tile(np.arange(R.shape[1]) % 3, (len(R), 1))
    half = len(R) // 2
    train, held_out = (cgcore.from_arrays(R[k], F[k], species=species[k]) for k in (slice(half), slice(half, None)))
    fit = cgcore.fit(train, prior.with_terms([term]), cgcore.Options(temperature=310.0), validation=held_out)
    said = json.loads(fit.save(folder / "groups")[0].read_text(encoding="utf-8"))
    values = np.reshape(fit.fitted_params["kinds"], (3, 4)).tolist()
    found = {group: list(own.values()) for group, own in said["coefficients"]["kinds"].items()}
    yield equal("fit.json, groups of coefficients", ", ".join(found), "species 0, species 1, species 2")
    yield equal("fit.json, coefficients by group", list(found.values()) == values, True)
    found, known = said["data"].get("held_out", {}), (held_out.path, held_out.sha256)
    yield equal("fit.json, held-out set has the name of the fitted one", held_out.path, said["data"]["path"])
    yield equal("fit.json, held-out set", str((found.get("path"), found.get("sha256"))), str(known))


def _written(folder: Path, R: np.ndarray) -> Iterator[Row]:
    """Every basis, kind of rows and kind of groups with settings that differ from the defaults, and splines from a
    file: after writing and reading, the forces are the same."""
    species, along, path = species_of(np.ones((1, len(R))))[0], np.arange(len(R)), folder / "written.yaml"

    def forces(prior: cgcore.Prior) -> np.ndarray:
        c = np.concatenate([np.ravel(prior.params[term.name]) for term in prior.terms])
        return explicit_terms.matrix(R, prior.terms, species, along, None, OWN) @ c

    made = {"few": few_terms, "many": many_terms, "shared": shared_terms, "other": written_terms}
    for name, terms in ((name, terms()) for name, terms in made.items()):
        own = tuple(term for term in terms if term.basis.kind != "function")
        prior = replace(prior_of(own), frozen=frozenset({own[0].name, own[-1].name}))
        prior.write(path)
        back = cgcore.Prior.read(path)
        yield at_most(f"{name} terms written, forces", relative(forces(back), forces(prior)), STORED)
        labels = [[term.group_labels for term in one.terms] for one in (back, prior)]
        yield equal(f"{name} terms written, groups", labels[0] == labels[1], True)
        yield equal(f"{name} terms written, frozen", back.frozen == prior.frozen, True)
        if own != terms:
            refused = refuses(lambda every=terms: prior_of(every).write(path))
            yield equal("functions of a user's own, written, refused", refused, True)
    held = replace(distinct(cgcore.default_prior()), frozen=frozenset({"bond", "dihedral", "repulsive"}))
    held.write(path)
    yield equal("three terms written, frozen", str(sorted(cgcore.Prior.read(path).frozen)), str(sorted(held.frozen)))
    splined = replace(distinct(cgcore.default_prior()), splines=drawn().given)
    splined.write(path)
    arrays = [one.splines.arrays() if one.splines else {} for one in (cgcore.Prior.read(path), splined)]
    same = all(np.array_equal(arrays[0].get(name, np.nan), value) for name, value in arrays[1].items())
    yield equal("splines written, their numbers", same, True)


def _declared(folder: Path) -> Iterator[Row]:
    """Terms declared by as few keys as possible, which get the defaults that the reference of the keys states."""
    bases, rows, pi = cgcore.bases, cgcore.Rows, np.pi

    def even(*range_and_number: Any) -> tuple[float, ...]:
        return tuple(np.linspace(*range_and_number).tolist())

    known: dict[str, tuple[dict[str, Any], cgcore.Rows, Any]] = {
        "knots-of-bonds": ({"knots": 6}, rows("bonds"), bases.BSpline(even(2, 6, 6), 3, "open")),
        "knots-of-angles": ({}, rows("angles"), bases.BSpline(even(0, pi, 16), 3, "open")),
        "knots-of-dihedrals": ({"knots": 9}, rows("dihedrals"), bases.BSpline(even(-pi, pi, 9), 3, "periodic")),
        "knots-of-pairs": ({"range": [4, 9], "knots": 5}, rows("pairs"), bases.BSpline(even(4, 9, 5), 3, "cutoff")),
        "bells-of-bonds": ({"centres": [3.5]}, rows("bonds"), bases.Gaussian((3.5,), 4.0)),
        "bells-of-pairs": ({}, rows("pairs"), bases.Gaussian(even(3, 15, 8), 12 / 7)),
        "harmonics": ({}, rows("dihedrals"), bases.Fourier(3)),
        "power": ({}, rows("pairs"), bases.Power(4.0)),
        "length": ({}, rows("pairs"), bases.DebyeHueckel(10.0)),
        "parabola": ({}, rows("bonds"), bases.Harmonic()),
    }
    terms = {name: {"rows": own.kind, "basis": basis.kind} | given for name, (given, own, basis) in known.items()}
    path = folder / "declared.yaml"
    path.write_text(json.dumps({"model": {"terms": terms}}), encoding="utf-8")
    found = {term.name: term for term in cgcore.load_config(path).prior.terms}
    for name, (_, own, basis) in known.items():
        yield equal(f"declared, {name}, its term", found[name] == cgcore.Term(name, own, basis), True)


def _box(prior: cgcore.Prior, R: np.ndarray, F: np.ndarray) -> Iterator[Row]:
    """Chains across the faces of a periodic box give the same results as whole chains in free space."""
    centre = R - R.mean(axis=(1, 2), keepdims=True)
    box = np.array([BOX, 1.1 * BOX, 1.2 * BOX])
    wrapped = np.mod(centre, box)
    across = int(np.any(np.abs(np.diff(wrapped, axis=1)) > BOX / 2, axis=(1, 2)).sum())
    yield equal("box, chains across a wall", across > len(R) / 2, True)
    system = explicit.system(cgcore.from_arrays(R, F).join(), prior.weights, prior.params)
    displacement = cgcore.periodic(box)
    bare = cgcore.from_arrays(wrapped, F, accept_faults=True)  # the input checks are not tested here
    fit = cgcore.fit(bare, prior, unconstrained(truncation=0.0), displacement=displacement)
    start = explicit.coefficients(prior.params)
    best = system.loss(system.optimum(start, system.kept()))
    yield near("box, loss at the start", fit.certificate.initial_loss, system.loss(start), EXACT, 1.0)
    yield near("box, least loss", fit.train_loss, best, EXACT, 1.0)
    bridge = cgcore.Term("bridge", cgcore.Rows("pairs", listed=((0, R.shape[1] - 1),)), cgcore.bases.Power(4))
    bridged = prior.part([]).with_terms([bridge])
    found = cgcore.compress(bare, cgcore.Fingerprint.of(bridged, displacement.name), displacement=displacement).S
    known = cgcore.compress(cgcore.from_arrays(R, F), cgcore.Fingerprint.of(bridged)).S
    off = products(found, known[:, :-1], known[:, -1])
    yield at_most("box, a bridge between the ends", off, EXACT, "relative")
    yield equal("box, its factor in free space, refused", refuses(lambda: cgcore.fit(fit.factor, prior)), True)


def _directions(prior: cgcore.Prior, R: np.ndarray, F: np.ndarray) -> Iterator[Row]:
    """The names of directions that a cut-off leaves out, and of a term for which all chains are too short."""
    system = explicit.system(cgcore.from_arrays(R, F).join(), prior.weights, prior.params)
    names = ["kr", "kr*r0", "a_1", "a_2", "b_1", "b_2", "k_1 cos(gamma_1)", "k_2 cos(gamma_2)"]
    names += ["k_1 sin(gamma_1)", "k_2 sin(gamma_2)", "epsilon*sigma^4", "epsilon_ex*sigma_ex^4"]
    values, V = _spectrum(system)
    cutoff = float(np.sqrt(values[-LEFT] * values[-LEFT - 1]))
    fit = cgcore.fit(cgcore.from_arrays(R, F), prior, unconstrained(truncation=cutoff))
    found = fit.identifiability
    yield equal("directions, names of coefficients", ", ".join(cgcore.Layout.of(prior).names), ", ".join(names))
    yield at_most("directions, singular values", relative(found.singular_values, values), EXACT, "relative")
    yield equal("directions, kept", str(found.kept), str((values > cutoff).tolist()))
    yield equal("directions, resolved", found.resolved, int((values > system.resolution).sum()))
    best = system.loss(system.optimum(explicit.coefficients(prior.params), system.kept()))
    yield near("directions, optimum over all resolved", fit.certificate.optimal_loss_resolved, best, EXACT, 1.0)
    left = [k for k in range(len(values)) if values[k] <= cutoff]
    yield equal("directions, left", f"{len(found.left)} {len(left)}", f"{LEFT} {LEFT}")
    for k, direction in zip(left, found.left, strict=False):
        expected = {name: abs(x) for name, x in zip(names, V[k], strict=True) if x**2 > LARGE}
        off = max(abs(abs(direction.loadings.get(name, 0.0)) - x) for name, x in expected.items())
        yield at_most(f"directions, {k + 1}, loadings", off, 1e-6)
        yield equal(f"directions, {k + 1}, names", ", ".join(sorted(direction.loadings)), ", ".join(sorted(expected)))
        strongest = max(expected, key=lambda name: expected[name])
        yield equal(f"directions, {k + 1}, its sentence names {strongest}", strongest in str(direction), True)
        yield equal(f"directions, {k + 1}, named first", next(iter(direction.loadings)), strongest)
        yield equal(f"directions, {k + 1}, resolved", direction.resolved, bool(values[k] > system.resolution))
    yield from _resolved()
    short = cgcore.fit(cgcore.from_arrays(R[:, :6], F[:, :6]), prior, unconstrained(truncation=0.0))
    yield equal("six beads, terms without data", ", ".join(short.identifiability.without_data), "repulsive")
    kept = float(short.fitted_params["epsilon"] / prior.params["epsilon"])
    yield at_most("six beads, epsilon stays", abs(kept - 1), STORED, "relative")


def _resolved() -> Iterator[Row]:
    """Singular values above rounding: that of as many rows, and with many columns that of their inner products."""
    rng, eps, beads = np.random.default_rng(0), np.finfo(float).eps, 1000.0
    for n in (20, 256, 257, 400):
        U, V = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2))
        A = (U * np.geomspace(1, 1e-15, n)) @ V
        A /= np.linalg.norm(A, axis=0)
        S = np.linalg.qr(np.column_stack([A, rng.normal(size=n)]), mode="r")
        s = np.linalg.svd(A, compute_uv=False)
        limit = max(3 * eps * beads, np.sqrt(eps * n) if n > 256 else 0.0)
        found = spectrum(np.vstack([S, np.zeros(n + 1)]), beads, ())
        yield equal(f"directions of {n} columns, resolved", int(found.kept().sum()), int((s > limit * s[0]).sum()))


def _spectrum(system: explicit.System) -> tuple[np.ndarray, np.ndarray]:
    """Relative singular values and right singular vectors of the scaled columns, with the column of kr centred."""
    X = system.X.copy()
    X[:, 0] -= X[:, 1] * (X[:, 1] @ X[:, 0]) / (X[:, 1] @ X[:, 1])
    _, s, V = np.linalg.svd(X / np.linalg.norm(X, axis=0), full_matrices=False)
    return s / s[0], V


def _warnings(prior: cgcore.Prior, R: np.ndarray, F: np.ndarray) -> Iterator[Row]:
    """Warnings appear if and only if they are justified."""
    c = np.zeros(len(explicit.coefficients(prior.params)))
    attract = c.copy()
    attract[-2:] = [2e5, 2e5]
    X = explicit.matrix(R, prior.weights, prior.params)
    made = {"reference": F, "pairs attract": F - X @ attract, "bonds push apart": F - X @ np.r_[600.0, 2400.0, c[2:]]}
    said = {"epsilon =": "pairs attract", "epsilon_ex =": "pairs attract", "kr =": "bonds push apart"}
    for case, forces in made.items():
        data = cgcore.from_arrays(R, forces)
        free = cgcore.fit(data, prior, unconstrained(truncation=0.0))
        values = {"kr =": free.fitted_params["kr"], "epsilon =": free.fitted_params["epsilon"]}
        values |= {"epsilon_ex =": free.fitted_params["epsilon_ex"]}
        for words, value in values.items():
            warned = any(sentence.startswith(words) for sentence in free.warnings)
            yield equal(f"{case}, free, {words} {value:.3g}, warned of", warned, bool(value < 0))
            if said[words] == case:
                yield equal(f"{case}, free, {words} negative", bool(value < 0), True)
        bounded = cgcore.fit(data, prior, cgcore.Options(constraints="nonnegative", truncation=0.0))
        least = min(float(bounded.fitted_params[name]) for name in ("kr", "epsilon", "epsilon_ex"))
        yield equal(f"{case}, non-negative, nothing negative", least >= 0, True)
    data = cgcore.from_arrays(R, F)
    twice = cgcore.fit(data, prior, unconstrained(truncation=0.0), validation=data)
    yield equal("held-out frames that were fitted to, warned of", _speaks(twice.warnings, "validation is among"), True)
    sampled = np.linalg.norm(np.diff(R, axis=1), axis=-1)
    for case, longer in (("pulled apart", 100.0), ("pushed together", -3.0)):
        forces = F + X @ np.r_[0.0, longer * float(prior.params["kr"]), c[2:]]
        free = cgcore.fit(cgcore.from_arrays(R, forces, accept_faults=True), prior, unconstrained(truncation=0.0))
        r0 = float(free.fitted_params["r0"])
        yield equal(f"bonds {case}, rest length beyond all", r0 > sampled.max() or 0 < r0 < sampled.min(), True)
        yield equal(f"bonds {case}, warned of", _speaks(free.warnings, "is outside the sampled bond lengths"), True)
    warm = cgcore.from_arrays(R, F, temperature=np.where(np.arange(len(R)) % 2, 310.0, 290.0))
    yield equal("two temperatures in the data, the higher", cgcore.fit(warm, prior).temperature, 310.0)
    fit: Any = cgcore.fit(data, prior)
    yield equal("safe fit, warnings", "; ".join(fit.warnings), "")
    yield equal("no temperature in the data, said", _speaks(fit.notes, "300 K assumed"), True)


def _speaks(sentences: tuple[str, ...], words: str) -> bool:
    return any(words in sentence for sentence in sentences)
