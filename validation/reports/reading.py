"""What figures and texts state, read back as numbers: lines, bands, histograms, and printed digits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from validation.check import Row, at_most
from validation.explicit import Array

NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?"

ROUNDED = 1 + 1e-6
"""Largest difference of a printed number, in halves of its last digit; 1e-6 is for values halfway between digits."""


def panel(figure: Any, title: str) -> Any:
    """The panel whose title begins so."""
    return next(ax for ax in figure.axes if ax.get_title(loc="left").startswith(title))


def bare() -> Any:
    """A panel of a figure of its own."""
    from matplotlib.figure import Figure

    return Figure().add_subplot()


def line(ax: Any, label: str) -> tuple[Array, Array]:
    """x and y of the first line whose label begins so."""
    return points(next(one for one in ax.lines if str(one.get_label()).startswith(label)))


def points(one: Any) -> tuple[Array, Array]:
    """x and y of a line."""
    return np.asarray(one.get_xdata(), float), np.asarray(one.get_ydata(), float)


def band(fill: Any) -> tuple[Array, Array, Array]:
    """x, and lower and upper end of the filled area at each x."""
    vertices = np.concatenate([path.vertices for path in fill.get_paths()])
    x = np.unique(vertices[:, 0])
    each = [vertices[vertices[:, 0] == one, 1] for one in x]
    return x, np.array([own.min() for own in each]), np.array([own.max() for own in each])


def behind(ax: Any) -> tuple[Array, Array]:
    """Edges and heights of the histogram in the panel that shares the place of `ax`."""
    every = ax.figure.axes
    return steps(every[every.index(ax) + 1].patches[0])


def steps(patch: Any) -> tuple[Array, Array]:
    """Edges and heights of a histogram."""
    found = patch.get_data()
    return np.asarray(found.edges, float), np.asarray(found.values, float)


def bars(container: Any) -> Array:
    """Lengths of horizontal bars."""
    return np.array([one.get_width() for one in container])


def texts(ax: Any) -> str:
    """All texts of a panel and its legend."""
    legend = ax.get_legend()
    return "\n".join(one.get_text() for one in [*ax.texts, *(legend.get_texts() if legend else [])])


def said(name: str, text: str, pattern: str, *expected: float | None) -> Iterator[Row]:
    """A row for the numbers that follow a pattern in which `#` stands for each of them, up to their last digits."""
    found = re.search(pattern.replace("#", f"({NUMBER})"), text)
    yield printed(name, [] if found is None else list(found.groups()), expected)


def stated(name: str, text: str, first: str, *expected: float | None) -> Iterator[Row]:
    """A row for the numbers of a line of a table that begins so, up to their last digits."""
    found = re.search(rf"^ *{re.escape(first)}(?= |$)(.*)$", text, re.M)
    yield printed(name, [] if found is None else re.findall(rf"(?<![\w^]){NUMBER}", found[1]), expected)


def printed(name: str, found: Sequence[str], expected: Sequence[float | None]) -> Row:
    """A row for the largest difference of printed numbers, in halves of their last digits; other numbers of them
    fail."""
    known = [one for one in expected if one is not None]
    if len(found) != len(known):
        return at_most(f"{name}: {len(found)} of {len(known)} numbers", np.nan, ROUNDED)
    off = [abs(_number(text) - one) / (_last(text) / 2) for text, one in zip(found, known, strict=True)]
    return at_most(name, max(off), ROUNDED, "halves of the last digit")


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _last(text: str) -> float:
    """The value of the last digit of a printed number."""
    digits, _, power = text.partition("e")
    return 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))
