"""What exports refuse, and the numbers of points and the names of tables."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.export import lammps
from cgcore.export.checks import check_beads, check_finite, check_mass, check_prior, check_species
from cgcore.export.lammps_types import types_of
from cgcore.export.potentials import potentials
from cgcore.export.tables import angle_points, bond_points, felt, pair_points
from cgcore.physics.bases import BSpline, Gaussian, Harmonic, Power
from validation.check import Row, check, equal, says
from validation.context import Context
from validation.splined import drawn

SPECIES = np.array([0, 1, 1, 0, 2, 0, 1])
BEADS = len(SPECIES)
KINDS = cgcore.Groups.of_species("types", (0, 1))


@check("export-limits", quick=True)
def export_limits(context: Context) -> Iterator[Row]:
    """Sizes, masses, parameters and species at their limits; points and keywords of tables."""
    yield from _refused()
    yield from _species()
    yield from _points()
    yield from _names()
    with tempfile.TemporaryDirectory() as folder:
        yield from _lammps(Path(folder))
    yield from _separations()


def prior_with(**params: Any) -> cgcore.Prior:
    """The default prior with a weight of its own for each term, and excluded volume."""
    default = cgcore.default_prior()
    weights = default.weights._replace(bond=0.5, angle=0.25, dihedral=0.2, repulsive=0.125, excluded_volume=2.0)
    every = default.params | {"r0": 3.8, "sigma": 4.0, "epsilon_ex": 1.0, "sigma_ex": 3.0}
    return cgcore.Prior(weights, {name: np.asarray(value, float) for name, value in (every | params).items()})


def _refused() -> Iterator[Row]:
    """Sizes, masses and parameters at their limits; weights count."""
    for beads, words in ((1, "beads is 1"), (2, "accepted"), (4096, "accepted"), (4097, "at most 4096")):
        yield says(f"{beads} beads", partial(check_beads, beads), words)
    for mass in (0.0, -1.0, np.nan, np.inf, 1.01e9):
        yield says(f"a mass of {mass:g}", partial(check_mass, mass), "mass is")
    for mass in (1e-9, 1e9):
        yield says(f"a mass of {mass:g}", partial(check_mass, mass), "accepted")
    # Each parameter below its limit and above it, and the name by which it is called.
    limits: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
        "kr": ({"kr": 1.9e15, "r0": 1.0}, {"kr": -2.1e15, "r0": 0.1}, "kr is"),
        "kr and r0": ({"kr": 1.9e13, "r0": 100.0}, {"kr": 2.1e13, "r0": 100.0}, "kr * r0 is"),
        "r0": ({"r0": 1e6}, {"r0": -1.01e6}, "r0 is"),
        "a": ({"a": [0.0, 3.9e15], "b": [0.0, 0.0]}, {"a": [0.0, -4.1e15], "b": [0.0, 0.0]}, "a is"),
        "b": ({"a": [0.0, 0.0], "b": [3.9e15, 0.0]}, {"a": [0.0, 0.0], "b": [4.1e15, 0.0]}, "b is"),
        "k_dih": ({"k_dih": [4.9e15], "gamma_dih": [0.0]}, {"k_dih": [5.1e15], "gamma_dih": [0.0]}, "k_dih is"),
        "gamma_dih": ({"k_dih": [1.0], "gamma_dih": [9.9e14]}, {"k_dih": [1.0], "gamma_dih": [1.1e15]}, "gamma_dih is"),
        "epsilon": ({"epsilon": 7.9e11, "sigma": 10.0}, {"epsilon": 8.1e11, "sigma": 10.0}, "epsilon * sigma^4 is"),
        "epsilon alone": ({"epsilon": 9e14, "sigma": 0.1}, {"epsilon": 1.1e15, "sigma": 0.1}, "epsilon is"),
        "sigma": ({"epsilon": 0.0, "sigma": 1e6}, {"epsilon": 0.0, "sigma": 1.01e6}, "sigma is"),
        "sigma_ex": ({"epsilon_ex": 0.0, "sigma_ex": 1e6}, {"epsilon_ex": 0.0, "sigma_ex": -1.01e6}, "sigma_ex is"),
        "epsilon_ex": (
            {"epsilon_ex": 4.9e10, "sigma_ex": 10.0},
            {"epsilon_ex": 5.1e10, "sigma_ex": 10.0},
            "epsilon_ex * sigma_ex^4 is",
        ),
    }
    for name, (most, more, words) in limits.items():
        yield says(f"{name}, below its limit", partial(check_prior, prior_with(**most)), "accepted")
        yield says(f"{name}, above its limit", partial(check_prior, prior_with(**more)), words)
    own = cgcore.Term("own", cgcore.Rows("bonds"), Harmonic(), 0.5)
    for size, words in ((1.9e15, "accepted"), (2.1e15, "own is 1.05e+15")):
        other = prior_with().with_terms([own], {"own": np.array([1.0, -size])})
        yield says(f"a coefficient of {size:g} and a weight of a half", partial(check_prior, other), words)
    for name, values, words in (
        ("finite numbers", [0.0, 1e300], "accepted"),
        ("NaN in the last place", [0.0, np.nan], "x would hold a number that is not finite"),
        ("infinity in the first place", [np.inf, 1.0], "x would hold a number that is not finite"),
    ):
        yield says(name, partial(check_finite, "x", np.array(values)), words)


def _species() -> Iterator[Row]:
    """Species that are missing, superfluous, or of another form."""
    bond = cgcore.Term("kinds", cgcore.Rows("bonds"), Harmonic(), 1.0, KINDS)
    grouped, plain = prior_with().with_terms([bond]), prior_with()
    no_numbers, form = np.array([0.0, 1.0, 1.0]), "give 3 whole numbers, one per bead"
    for name, prior, species, words in (
        ("no species", grouped, None, "term 'kinds' of the prior differs by species"),
        ("no species for splines", replace(plain, splines=drawn().given), None, "term 'angle' of the prior differs by"),
        ("no species that are needed", plain, None, "accepted"),
        ("species", grouped, np.array([0, 1, 1]), "accepted"),
        ("species of too many beads", grouped, np.array([0, 1, 1, 0]), form),
        ("species that are no whole numbers", grouped, no_numbers, form),
        ("species of too few beads, not needed", plain, np.array([0, 1]), form),
    ):
        yield says(name, partial(check_species, prior, 3, species), words)
    found = check_species(plain, 3, [2, 0, 1]), check_species(plain, 3, None)
    yield equal("species that are given back", str(found), "(array([2, 0, 1]), None)")


def _curve(basis: Any, rows: cgcore.Rows, c: list[float]) -> Any:
    prior = cgcore.default_prior().part([]).with_terms([cgcore.Term("x", rows, basis)], {"x": np.array(c)})
    (potential,) = potentials(prior)
    return potential.curves[0]


def _points() -> Iterator[Row]:
    """Numbers of points of tables, from the ranges and the scales of potentials."""
    for (reach, scale), known in {
        (30.0, np.inf): 3001,
        (30.0, 2.0): 3001,
        (30.0, 1.0): 5401,
        (38.1, 1.0): 6859,
        (30.0, 0.01): 20_001,
    }.items():
        yield equal(f"points of bonds up to {reach:g} Å over {scale:g} Å", bond_points(reach, scale), known)
    for (turn, scale), known in {
        (1, np.inf): 180,
        (1, 1.0): 180,
        (1, 0.5): 360,
        (1, 0.3): 720,
        (2, 1.0): 360,
        (2, 0.01): 20_000,
    }.items():
        found = angle_points(turn * np.pi, scale * np.pi)
        yield equal(f"points of angles up to {turn} pi over {scale:g} pi", found, known)
    pairs = cgcore.Rows("pairs", 3)
    power, bells = _curve(Power(8), pairs, [1.0]), _curve(Gaussian((5.0,), 1.0), pairs, [1.0])
    fine = _curve(BSpline((2.0, 4.0, 6.0, 8.0, 10.0), 3, "cutoff"), pairs, [1.0] * 5)
    # (60² - 1²) / 0.2 and (60² - 0.001²) / 0.1 intervals.
    for name, curve, known in (("a power", power, 17_996), ("Gaussians", bells, 36_001), ("splines", fine, 36_001)):
        yield equal(f"points of far pairs, {name}", pair_points(curve, 60.0), known)
    for size, known in ((1e-10, False), (-1e-8, True), (1e-8, True)):
        small = _curve(Power(1), pairs, [size])
        yield equal(f"a potential of {size:g}/r, whether it is felt", felt(small), known)
    yield equal(
        "a small potential that does not diverge, whether it is felt",
        felt(_curve(Gaussian((5.0,), 1.0), pairs, [0.0])),
        True,
    )


def _names() -> Iterator[Row]:
    """Keywords of sets of potentials, which must differ."""
    far = cgcore.Term("far", cgcore.Rows("pairs", 3), Gaussian((6.0,), 2.0), 1.0, KINDS)
    prior = cgcore.default_prior().part([]).with_terms([far], {"far": np.ones(far.shape)})
    types = types_of(potentials(prior), BEADS, SPECIES)
    every = [((0, 0),), (), ((0, 0),), ((0, 0), (0, 2))]
    label = far.group_labels
    word = ["FAR_" + "".join(x if x.isalnum() else "_" for x in one.upper()) for one in label]
    known = [word[0], "NOTHING", f"{word[0]}_3", f"{word[0]}_{word[2]}"]
    yield equal("keywords", str(types.names(every, "NOTHING")), str(known))


def _lammps(folder: Path) -> Iterator[Row]:
    """Cutoffs, positions and folders of LAMMPS files; whatever is refused, nothing is written."""
    default, beads = cgcore.default_prior(), 4
    R = 3.8 * np.arange(3 * beads, dtype=float).reshape(beads, 3)
    unknown, cutoff, shape = R.copy(), "give 30 to 200 Å", "positions have shape"
    unknown[3, 1] = np.nan
    (folder / "file").write_text("", encoding="utf-8")
    cases: dict[str, tuple[dict[str, Any], str]] = {
        "a cutoff of 29.9 Å": ({"cutoff": 29.9}, f"cutoff is 29.9; {cutoff}"),
        "a cutoff of 200.1 Å": ({"cutoff": 200.1}, f"cutoff is 200.1; {cutoff}"),
        "no number as cutoff": ({"cutoff": np.nan}, f"cutoff is nan; {cutoff}"),
        # The positions are looked at if the cutoff is not refused.
        "a cutoff of 30 Å": ({"cutoff": 30.0, "positions": R[:3]}, shape),
        "a cutoff of 200 Å": ({"cutoff": 200.0, "positions": R[:3]}, shape),
        "positions of fewer beads": ({"positions": R[:3]}, f"{shape} (3, 3); give (4, 3)"),
        "positions of two frames": ({"positions": [R, R]}, f"{shape} (2, 4, 3); give (4, 3)"),
        "positions in a plane": ({"positions": R[:, :2]}, f"{shape} (4, 2); give (4, 3)"),
        "NaN among positions": ({"positions": unknown}, "positions are not finite"),
        "infinity among positions": ({"positions": np.where(R.max() == R, np.inf, R)}, "positions are not finite"),
        "a file as folder": ({"folder": folder / "file"}, "file: it is a file; give the name of a folder"),
    }
    for name, (given, words) in cases.items():
        place = {"folder": folder / "new", "prior": default, "beads": beads}
        yield says(f"LAMMPS, {name}", partial(lammps.write_lammps, **place | given), words)
    yield equal("LAMMPS, what is in the folder", str([path.name for path in folder.rglob("*")]), str(["file"]))


def _separations() -> Iterator[Row]:
    """Pairs are bonded up to the separation from which all terms of pairs act, at most a cutoff over 4 Å."""
    rows = cgcore.Rows
    for cutoff, most in ((30.0, 7), (31.9, 7), (32.0, 8), (60.0, 15), (200.0, 50)):
        for name, own, refused in (
            ("from", rows("pairs", most + 1), False),
            ("from one further", rows("pairs", most + 2), True),
            ("up to", rows("pairs", 2, most), False),
            ("up to one further", rows("pairs", 2, most + 1), True),
            ("between chains, from", rows("pairs", most + 2, chains="between"), False),
            ("listed", rows("pairs", listed=((0, most + 2),)), False),
        ):
            term = cgcore.Term("own", own, Power(4))
            # The default repulsion is another term of pairs, which is not refused.
            every = potentials(cgcore.default_prior().with_terms([term]))
            words = (
                f"term 'own' has beads {most + 1} apart along the chain feel something else than those "
                f"further apart, and with a cutoff of {cutoff:g} Å that is possible up to {most}"
            )
            work = partial(lammps._check_separations, every, cutoff)
            yield says(f"LAMMPS, cutoff {cutoff:g} Å, pairs {name}", work, words if refused else "accepted")
