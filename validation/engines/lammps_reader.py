"""Reads a folder exported for LAMMPS as LAMMPS would, implemented from LAMMPS's manual without any cgcore code.

Data file, settings and tables are parsed. Neighbours along bonds are determined as `special_bonds` defines them. Energy
and force are interpolated by separate cubic splines, as the styles `table spline` do. The geometry is implemented
independently. Input at which LAMMPS would stop raises an exception.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline

Terms = dict[str, float]


class Section(NamedTuple):
    """A section of a table file."""

    parameters: list[str]
    x: np.ndarray
    energy: np.ndarray
    force: np.ndarray

    def after(self, word: str) -> list[float]:
        """The two numbers that follow a parameter's name."""
        at = self.parameters.index(word)
        return [float(value) for value in self.parameters[at + 1 : at + 3]]


class Curve:
    """Energy, and minus its derivative, between `low` and `high`."""

    def __init__(self, energy: CubicSpline, force: CubicSpline, low: float, high: float) -> None:
        self.energy, self.force, self.low, self.high = energy, force, low, high

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if np.any(x < self.low) or np.any(x > self.high):
            raise ValueError(f"outside the table: {np.min(x)} to {np.max(x)}, not in {self.low} to {self.high}")
        return self.energy(x), self.force(x)


class Lammps:
    """The chain in a folder. Called with positions (beads, 3) [Å], it returns the energy of each style and the
    forces."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tables: dict[str, str] = {}
        self.header, self.lists = read_data(folder / "chain.data")
        self.curves: dict[tuple[str, int], Curve] = {}
        self.lengths: dict[str, int] = {}
        self.types = read_types(folder / "chain.data")
        self.pairs: dict[tuple[int, int], Curve] = {}
        for line in (folder / "prior.in").read_text(encoding="utf-8").splitlines():
            self._command(line.partition("#")[0].split())

    def _command(self, words: list[str]) -> None:
        match words:
            case []:
                pass
            case [style, "table", "spline", length] if style.endswith("_style"):
                self.lengths[style.removesuffix("_style")] = int(length)
            case ["special_bonds", "lj/coul", *weights]:
                self.weights = [float(weight) for weight in weights]
            case ["pair_coeff", first, second, file, keyword]:
                assert (first, second) == ("*", "*") or int(first) <= int(second)
                every = sorted(set(self.types))
                a, b = ([int(one)] if one != "*" else every for one in (first, second))
                curve = self._pair(self._section("pair", file, keyword))
                self.pairs |= {(i, j): curve for i in a for j in b if i <= j}
            case [style, kind, file, keyword] if style.endswith("_coeff"):
                name = style.removesuffix("_coeff")
                self.curves[name, int(kind)] = _curve(name, self._section(name, file, keyword))
            case _:
                raise ValueError(f"unknown command: {words}")

    def _section(self, style: str, file: str, keyword: str) -> Section:
        if file not in self.tables:  # each file has many sections
            self.tables[file] = (self.folder / file).read_text(encoding="utf-8")
        section = section_of(self.tables[file], keyword)
        # If lengths are equal, LAMMPS's spline is the one through the file's values.
        assert len(section.x) == self.lengths[style]
        return section

    @property
    def pair(self) -> Curve:
        """The potential of all pairs, if there is one type of atoms."""
        (curve,) = self.pairs.values()
        return curve

    def _pair(self, section: Section) -> Curve:
        """Splines of E and F/r as functions of r²."""
        inner, self.cutoff = section.after("RSQ")
        squared = np.linspace(inner**2, self.cutoff**2, len(section.x))
        r = np.sqrt(squared)
        np.testing.assert_allclose(section.x, r, rtol=1e-12)
        ends = [0, -1]
        slopes = (np.array(section.after("FPRIME")) / r[ends] - section.force[ends] / squared[ends]) / (2 * r[ends])
        energy = _clamped(squared, section.energy, -section.force[ends] / (2 * r[ends]))
        force = _clamped(squared, section.force / r, slopes)
        return Curve(energy, force, inner**2, self.cutoff**2)

    def repelled(self) -> Iterator[tuple[int, int, float]]:
        """Pairs and their weights in the pair style; a pair of weight 0 is left out."""
        beads = self.header["atoms"]
        bonded: list[set[int]] = [set() for _ in range(beads)]
        for _, i, j in self.lists["Bonds"]:
            bonded[i].add(j)
            bonded[j].add(i)
        for i in range(beads):
            distance, reached = {i: 0}, {i}
            for step in (1, 2, 3):
                reached = {k for j in reached for k in bonded[j] if k not in distance}
                distance |= dict.fromkeys(reached, step)
            for j in range(i + 1, beads):
                weight = self.weights[distance[j] - 1] if j in distance else 1.0
                if weight:
                    yield i, j, weight

    def __call__(self, R: np.ndarray) -> tuple[Terms, np.ndarray]:
        energies, F = {"bond": 0.0, "angle": 0.0, "dihedral": 0.0, "pair": 0.0}, np.zeros_like(R)
        for name, measure in (("Bonds", _distance), ("Angles", _angle), ("Dihedrals", _dihedral)):
            style = name.lower()[:-1]
            for kind, *beads in self.lists[name]:
                x, gradient = measure(*R[beads])
                energy, force = self.curves[style, kind](x)
                energies[style] += float(energy)
                F[beads] += force * gradient
        for kinds, (i, j, weight) in self._pairs.items():
            d = R[i] - R[j]
            squared = np.sum(d**2, axis=1)
            near = squared < self.cutoff**2
            energy, over_r = self.pairs[kinds](squared[near])
            energies["pair"] += float(np.sum(weight[near] * energy))
            pull = (weight[near] * over_r)[:, None] * d[near]
            np.add.at(F, i[near], pull)
            np.add.at(F, j[near], -pull)
        return energies, F

    @functools.cached_property
    def _pairs(self) -> dict[tuple[int, int], tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Pairs and their weights, by the types of both atoms."""
        rows = np.array(list(self.repelled())).reshape(-1, 3)
        i, j = rows[:, 0].astype(int), rows[:, 1].astype(int)
        kinds = np.sort(np.array(self.types)[np.stack([i, j], axis=1)], axis=1)
        which = {pair: (kinds == pair).all(axis=1) for pair in self.pairs}
        return {pair: (i[own], j[own], rows[own, 2]) for pair, own in which.items()}


def read_data(path: Path) -> tuple[dict[str, int], dict[str, list[list[int]]]]:
    """Counts in the header, and bonds, angles and dihedrals as [type, beads from 0 ...]."""
    first, *parts = path.read_text(encoding="utf-8").split("\n\n")
    counts = (line.split(maxsplit=1) for line in parts[0].splitlines())
    header = {name: int(count) for count, name in counts}
    titles = [part.partition("#")[0].strip() for part in parts]
    lists = {}
    for name in ("Bonds", "Angles", "Dihedrals"):
        rows = parts[titles.index(name) + 1].split("\n") if name in titles else []
        numbers = [[int(word) for word in row.split()] for row in rows if row]
        assert [row[0] for row in numbers] == list(range(1, len(numbers) + 1))
        assert len(numbers) == header.get(name.lower(), 0)
        lists[name] = [[kind, *(bead - 1 for bead in beads)] for _, kind, *beads in numbers]
    assert first
    assert header["atoms"] == len(read_positions(path))
    return header, lists


def read_positions(path: Path) -> np.ndarray:
    """Positions of the atoms in their order (atoms, 3) [Å]."""
    return np.array([[float(word) for word in row[3:]] for row in _atoms(path)])


def read_types(path: Path) -> list[int]:
    """Types of the atoms in their order, from 1."""
    return [int(row[2]) for row in _atoms(path)]


def _atoms(path: Path) -> list[list[str]]:
    rows = path.read_text(encoding="utf-8").split("Atoms # molecular\n\n")[1].split("\n\n")[0].splitlines()
    assert [row.split()[0] for row in rows] == [str(i) for i in range(1, len(rows) + 1)]
    return [row.split() for row in rows]


def section_of(table: str, keyword: str) -> Section:
    """The section of a table file's text that begins with the keyword."""
    _, found, text = table.partition(f"\n{keyword}\n")
    assert found, f"there is no section {keyword}"
    head, empty, text = text.split("\n", 2)
    parameters = head.split()
    assert (parameters[0], empty) == ("N", "")
    numbers, *columns = np.loadtxt(text.split("\n\n", 1)[0].splitlines(), ndmin=2).T
    np.testing.assert_array_equal(numbers, np.arange(1, int(parameters[1]) + 1))
    return Section(parameters, *columns)


def _curve(style: str, section: Section) -> Curve:
    """Potential of a bond [Å], an angle or a dihedral [degrees, converted to rad below]."""
    x, energy, force = section.x, section.energy, section.force
    if style == "dihedral":
        assert "DEGREES" in section.parameters
        assert x[-1] - x[0] < 360
        closed = np.append(x, x[0] + 360)
        splines = [CubicSpline(closed, np.append(y, y[0]), bc_type="periodic") for y in (energy, force)]
        return Curve(_in_rad(splines[0], 1), _in_rad(splines[1], np.rad2deg(1)), -np.pi, np.pi)
    splines = _clamped(x, energy, -force[[0, -1]]), _clamped(x, force, np.array(section.after("FP")))
    if style == "angle":
        assert (x[0], x[-1]) == (0.0, 180.0)
        return Curve(_in_rad(splines[0], 1), _in_rad(splines[1], np.rad2deg(1)), 0.0, np.pi)
    return Curve(*splines, x[0], x[-1])


def _clamped(x: np.ndarray, y: np.ndarray, slopes: np.ndarray) -> CubicSpline:
    ends: Any = ((1, slopes[0]), (1, slopes[1]))
    return CubicSpline(x, y, bc_type=ends)


def _in_rad(spline: CubicSpline, factor: float) -> CubicSpline:
    """The spline as a function of an argument in rad, multiplied by `factor`."""
    powers = np.rad2deg(1.0) ** np.arange(3, -1, -1)[:, None]
    return CubicSpline.construct_fast(factor * powers * spline.c, np.deg2rad(spline.x), extrapolate=spline.extrapolate)


def _distance(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    d = b - a
    r = np.sqrt(d @ d)
    return r, np.array([-d, d]) / r


def _angle(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Angle at b [rad], and its gradient."""
    u, v = a - b, c - b
    u_length, v_length = np.sqrt(u @ u), np.sqrt(v @ v)
    u, v = u / u_length, v / v_length
    cosine = u @ v
    sine = np.sqrt(1 - cosine**2)
    at_a, at_c = (u * cosine - v) / (u_length * sine), (v * cosine - u) / (v_length * sine)
    return np.arccos(cosine), np.array([at_a, -at_a - at_c, at_c])


def _dihedral(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """IUPAC dihedral, clockwise positive, and its gradient (Blondel and Karplus, J. Comput. Chem. 17, 1132, 1996)."""
    F, G, H = a - b, b - c, d - c
    A, B = np.cross(F, G), np.cross(H, G)
    g = np.sqrt(G @ G)
    phi = np.arctan2(np.cross(B, A) @ G / g, A @ B)
    at_a, at_d = -g / (A @ A) * A, g / (B @ B) * B
    shift = (F @ G) / (A @ A * g) * A - (H @ G) / (B @ B * g) * B
    return phi, np.array([at_a, -at_a + shift, -at_d - shift, at_d])
