"""Factors: those of other fingerprints are kept apart, and files of factors and of parameters are read as written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.factor_file import NAMES, frames_of
from cgcore.files.arrays import write_arrays
from cgcore.physics.splines import Spline, Splines
from cgcore.pipeline.parameters import from_named, read_params, save_params
from validation.refused.place import INF, NAN, Place, Work, ending_with

GROUPS = cgcore.Groups.of_species("central", range(3))


def small_prior() -> cgcore.Prior:
    """One harmonic in each series, and a term by species."""
    default = cgcore.default_prior()
    series = ("a", "b", "k_dih", "gamma_dih")
    params = {name: value[:1] if name in series else value for name, value in default.params.items()}
    angle = cgcore.Term("turn", cgcore.Rows("angles"), cgcore.bases.Gaussian((2.0,), 0.5), 0.3, GROUPS)
    return cgcore.Prior(default.weights, params).with_terms([angle])


def with_species() -> cgcore.Dataset:
    """Eight frames of three species."""
    batch = cgcore.datasets.chignolin().subset(8).join()
    return cgcore.from_arrays(
        batch.R.astype(float), batch.F.astype(float), species=np.arange(10) % 3, temperature=300.0
    )


def places(folder: Path, factor: cgcore.Factor, prior: cgcore.Prior) -> Iterator[Place]:
    """Every place where factors and parameters enter.

    Arguments:
        folder: where files are written.
        factor: the factor of `with_species()` for `prior`.
        prior: `small_prior()`.
    """
    yield from _fingerprints(factor, prior)
    yield _compressed(prior)
    yield _files(folder, factor)
    yield _evaluated(folder / "factor.npz", factor)
    yield _contents(folder, factor)
    yield _parameters(folder)


def others(prior: cgcore.Prior) -> dict[str, cgcore.Prior]:
    """Priors that differ in one property on which a factor depends."""
    (turn,), params, found = prior.further, dict(prior.params), {}
    for name, weight in prior.weights._asdict().items():
        found[f"weight of {name}"] = replace(prior, weights=prior.weights._replace(**{name: weight * (1 + 1e-9)}))
    for first, second in (("a", "b"), ("k_dih", "gamma_dih")):
        for n in (0, 2):
            found[f"{n} harmonics in {first}"] = replace(prior, params=params | {first: np.ones(n), second: np.ones(n)})
    labels = tuple(f"kind {k}" for k in range(3))
    changed: dict[str, dict[str, Any]] = {
        "weight of a further term": {"weight": 0.3 * (1 + 1e-9)},
        "name": {"name": "twist"},
        "rows": {"rows": cgcore.Rows("dihedrals")},
        "listed rows": {"rows": cgcore.Rows("angles", listed=((0, 1, 2),))},
        "centre": {"basis": cgcore.bases.Gaussian((2.0 + 1e-9,), 0.5)},
        "width": {"basis": cgcore.bases.Gaussian((2.0,), 0.5 + 1e-9)},
        "basis": {"basis": cgcore.bases.BSpline((1.0, 2.0))},
        "no groups": {"groups": None},
        "fewer groups": {"groups": cgcore.Groups.of_species("central", range(2))},
        "other species in a group": {"groups": replace(GROUPS, table=(1, 0, 2))},
        "labels of groups": {"groups": replace(GROUPS, labels=labels)},
        "rest of the species": {"groups": replace(GROUPS, rest=0)},
        "rule of groups": {"groups": replace(GROUPS, by="types")},
    }
    plain = replace(prior, further=(), params={k: v for k, v in params.items() if k != turn.name})
    found |= {name: plain.with_terms([replace(turn, **change)]) for name, change in changed.items()}
    for name, rows in {"separation": cgcore.Rows("pairs", 5), "farthest": cgcore.Rows("pairs", 6, 9),
                       "chains": cgcore.Rows("pairs", 6, chains="within")}.items():  # fmt: skip
        own = cgcore.Term("repulsive", rows, cgcore.bases.Power(4), prior.weights.repulsive)
        found[f"{name} of pairs"] = plain.with_terms([turn, own])
    found["a term less"] = plain
    knots = Spline(np.array([0.5, 3.0]), np.ones((1, 4)))
    found["fixed splines"] = replace(prior, splines=Splines(knots, knots, knots))
    return found


def _fingerprints(factor: cgcore.Factor, prior: cgcore.Prior) -> Iterator[Place]:
    different = others(prior)
    prints = {case: cgcore.Fingerprint.of(own) for case, own in different.items()}
    prints["a box"] = cgcore.Fingerprint.of(prior, cgcore.periodic(20.0).name)
    prints |= {case: replace(factor.fingerprint, **{case: "another"}) for case in ("topology", "units")}
    mine = replace(factor, fingerprint=cgcore.Fingerprint.of(prior, cgcore.periodic(20.0).name))
    apart = replace(factor, blocks=tuple(replace(block, ranges=block.ranges + 1000) for block in factor.blocks))
    merges: dict[str, Work] = {
        case: lambda own=own: cgcore.merge(factor, replace(apart, fingerprint=own)) for case, own in prints.items()
    }
    merges["another box"] = lambda: cgcore.merge(
        mine, replace(apart, fingerprint=cgcore.Fingerprint.of(prior, cgcore.periodic([20.0, 20.0, 20.0 + 1e-9]).name))
    )
    merges["the last of three"] = lambda: cgcore.merge(factor, apart, mine)
    merges["nothing"] = cgcore.merge
    good: dict[str, Work] = {"one": lambda: cgcore.merge(factor), "two": lambda: cgcore.merge(factor, apart)}
    yield Place("merged factors", good, merges)

    def fitted(prior: cgcore.Prior, **more: Any) -> Work:
        options = cgcore.Options(**{"constraints": "none", "truncation": 0.1} | more.pop("options", {}))
        return lambda: cgcore.fit(factor, prior, options, **more)

    batch = with_species().join()
    pairs = cgcore.from_arrays(batch.R[:, :2].astype(float), batch.F[:, :2].astype(float))
    bad = {case: fitted(own) for case, own in different.items()}
    bad |= {
        "a box": fitted(prior, displacement=cgcore.periodic(20.0)),
        "a displacement without name": fitted(prior, displacement=lambda a, b: a - b),
        "the name of free space": fitted(prior, displacement=lambda a, b: a - b, displacement_name="free"),
        "another name": fitted(prior, displacement_name="my own"),
        "held-out factor of another prior": fitted(prior, validation=mine),
        "the direct objective": fitted(prior, options={"objective": "direct", "truncation": None}),
        "weights of 0": fitted(replace(prior, weights=cgcore.Weights(0, 0, 0, 0, 0)).with_terms([])),
        "no rows of any term": lambda: cgcore.fit(pairs, cgcore.default_prior().part(["dihedral"])),
        "all terms frozen": fitted(replace(prior, frozen=frozenset(term.name for term in prior.terms))),
        "a path that is empty": lambda: cgcore.fit("", prior),
        "a list": lambda: cgcore.fit([factor], prior),
        "no prior": lambda: cgcore.fit(factor, dict(prior.params)),  # pyright: ignore[reportArgumentType]
    }
    elsewhere = replace(prior, params=dict(prior.params) | {"r0": 3.9, "kr": 90.0})
    yield Place("fitted factors", {"other initial values": fitted(elsewhere)}, bad)


def _compressed(prior: cgcore.Prior) -> Place:
    data, print_of = with_species(), cgcore.Fingerprint.of
    batch = data.join()
    without = cgcore.from_arrays(batch.R.astype(float), batch.F.astype(float))
    first, second = (Spline(np.array([0.5, end]), np.ones((1, 4))) for end in (3.0, 3.0 + 1e-9))
    splined, other = (replace(prior, splines=Splines(knots, knots, knots)) for knots in (first, second))

    def two(second: cgcore.Dataset) -> cgcore.Dataset:
        return replace(data, sources=(*data.sources, *second.sources))

    good: dict[str, Work] = {
        "as it is": lambda: cgcore.compress(data, print_of(prior)),
        "two sources": lambda: cgcore.compress(two(data), print_of(prior)),
    }
    bad: dict[str, Work] = {
        "no species": lambda: cgcore.compress(without, print_of(prior)),
        "no species in one of two sources": lambda: cgcore.compress(two(without), print_of(prior)),
        "no fixed splines": lambda: cgcore.compress(data, print_of(splined)),
        "fixed splines of another prior": lambda: cgcore.compress(data, print_of(splined), fixed=other),
        "fixed splines without need": lambda: cgcore.compress(data, print_of(prior), fixed=splined),
        "no blocks": lambda: cgcore.compress(data, print_of(prior), blocks=0),
        "free space in a box": lambda: cgcore.compress(data, print_of(prior), displacement=cgcore.periodic(90.0)),
        "a box in free space": lambda: cgcore.compress(data, print_of(prior, cgcore.periodic(90.0).name)),
    }
    return Place("frames to compress", good, bad)


def changed_file(path: Path, change: Mapping[str, Any], source: Path) -> Path:
    """A copy of an NPZ file with other arrays; None leaves one out."""
    with np.load(source) as stored:
        arrays = {**stored, **change}
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


def _files(folder: Path, factor: cgcore.Factor) -> Place:
    path, other = folder / "factor.npz", folder / "changed.npz"
    cgcore.save_factor(path, factor)
    with np.load(path) as stored:
        arrays = {**stored}

    def changed(**change: Any) -> Work:
        return lambda: cgcore.load_factor(changed_file(other, change, path))

    def summed(**change: Any) -> Work:
        """A changed file whose checksum is right."""
        return lambda: (write_arrays(other, {n: (arrays | change)[n] for n in NAMES}, NAMES), cgcore.load_factor(other))

    bad = {f"no {name}": changed(**{name: None}) for name in arrays}
    for name in ("S", "beads", "frames", "weight", "ranges", "histogram_bond", "temperatures"):
        array = arrays[name].copy()
        array.flat[-1] = np.nextafter(array.flat[-1], np.inf) if array.dtype.kind == "f" else array.flat[-1] + 1
        bad[f"the last number of {name}"] = changed(**{name: array})
    for name, array in arrays.items():
        if array.dtype.kind == "f":
            bad[f"NaN at the end of {name}"] = summed(**{name: ending_with(NAN, array)})
    said = str(arrays["fingerprint"])
    bad["another weight in the fingerprint"] = changed(fingerprint=np.array(said.replace("0.3", "0.4")))
    bad["another version"] = changed(format=np.array("cgcore factor 5"))
    bad["another format"] = changed(format=np.array("frames"))
    content = path.read_bytes()

    def cut(size: int) -> Work:
        return lambda: (other.write_bytes(content[:size]), cgcore.load_factor(other))

    bad |= {f"{k} of 4 quarters": cut(len(content) * k // 4) for k in range(4)}
    bad["a byte less"] = cut(len(content) - 1)
    bad["no file"] = lambda: cgcore.load_factor(folder / "none.npz")
    bad["a factor as frames"] = lambda: cgcore.read(path)
    return Place(
        "files of factors",
        {"as written": lambda: cgcore.load_factor(path), "a copy": changed(), "a copy with its checksum": summed()},
        bad,
    )


def _evaluated(path: Path, factor: cgcore.Factor) -> Place:
    """Frames for evaluations and noise ceilings, which a factor does not hold; `path` is a file of one."""
    data, prior = with_species(), small_prior()
    good: dict[str, Work] = {"frames": lambda: frames_of(data), "a path": lambda: frames_of(cgcore.datasets.BUNDLED)}
    bad: dict[str, Work] = {
        "a factor": lambda: cgcore.evaluate(prior, factor),
        "a file of a factor": lambda: cgcore.evaluate(prior, path),
        "arrays": lambda: cgcore.evaluate(prior, data.join().R),
        "no model": lambda: cgcore.evaluate(prior.params, data),
        "a name for a model": lambda: cgcore.evaluate("prior", data),
    }
    return Place("evaluation", good, bad)


def _contents(folder: Path, factor: cgcore.Factor) -> Place:
    """Contents that no frames have, in files whose checksum is right."""
    path, (first, *rest) = folder / "meaning.npz", factor.blocks

    def stored(one: cgcore.Factor) -> Work:
        return lambda: (cgcore.save_factor(path, one), cgcore.load_factor(path))

    def block(**changed: Any) -> Work:
        return stored(replace(factor, blocks=(replace(first, **changed), *rest)))

    lower, negative, wrong = first.S.copy(), first.S.copy(), first.S.copy()
    lower[-1, 0], negative[0, 0], wrong[0, -1] = 1.0, -1.0, NAN
    unforced = tuple(replace(one, S=one.S * (np.arange(len(one.S)) < len(one.S) - 1)) for one in factor.blocks)
    good = {"as it is": stored(factor), "weight 0": block(weight=0.0)}
    bad = {
        "numbers below the diagonal": block(S=lower),
        "a negative diagonal": block(S=negative),
        "NaN": block(S=wrong),
        "forces of 0": stored(replace(factor, blocks=unforced)),
        "no frames": block(frames=0),
        "one bead": block(beads=first.frames),
        "a third of a bead": block(beads=first.beads * first.frames + 1, frames=2),
        "number -1": block(index=-1),
        "ranges that descend": block(ranges=first.ranges[:, ::-1]),
        "ranges of more frames": block(ranges=np.array([[0, first.frames + 1]])),
        "gaps below 0": block(broken=np.array([-1, 0, 0])),
    }
    bad |= {f"weight {weight}": block(weight=weight) for weight in (-1e-300, NAN, INF)}
    return Place("contents of factors", good, bad)


def _parameters(folder: Path) -> Place:
    """Parameters of a trained model."""
    path, other = folder / "params.npz", folder / "other.npz"
    like = {"layer": {"w": np.ones((2, 3), "f4")}, "r0": np.array(3.8)}
    save_params(path, like, {"model": "mine"}, 10)

    def loaded(**change: Any) -> Work:
        return lambda: from_named(like, read_params(changed_file(other, change, path)).arrays, "params.npz")

    w = "params/layer/w"
    bad = {
        "a parameter less": loaded(**{w: None}),
        "a parameter more": loaded(**{"params/layer/b": np.ones(3)}),
        "a transposed one": loaded(**{w: np.ones((3, 2), "f4")}),
        "text": loaded(**{w: np.full((2, 3), "a")}),
        "bools": loaded(**{w: np.ones((2, 3), bool)}),
        "NaN": loaded(**{w: ending_with(NAN, np.ones((2, 3)))}),
        "inf in the last": loaded(**{"params/r0": np.array(INF)}),
        "no format": loaded(format=None),
        "another format": loaded(format=np.array("cgcore params 0")),
        "no fingerprint": loaded(fingerprint=None),
        "a fingerprint of text": loaded(fingerprint=np.array("mine")),
        "half a bead": loaded(beads=np.array(9.5)),
        "frames": lambda: read_params(cgcore.datasets.BUNDLED),
    }
    return Place("trained parameters", {"as written": loaded(), "float64": loaded(**{w: np.ones((2, 3))})}, bad)
