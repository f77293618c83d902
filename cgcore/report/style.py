"""How figures look: one palette, one grid, and notes in place of what cannot be drawn.

The types of matplotlib are named here as `Any`, because importing cgcore must not need it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, TypeAlias

from cgcore.errors import InputError

Axes: TypeAlias = Any
"""matplotlib.axes.Axes"""

Figure: TypeAlias = Any
"""matplotlib.figure.Figure"""

# Okabe and Ito's colours: told apart with every kind of colour vision, and in grey by their lightness.
BLUE, VERMILION, GREEN, ORANGE, PURPLE = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7"
GREY, LIGHT, DARK = "#7f7f7f", "#d9d9d9", "#333333"

_STYLE: dict[str, Any] = {
    "font.size": 9.5,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": DARK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "xtick.color": DARK,
    "ytick.color": DARK,
    "legend.fontsize": 8.5,
    "legend.framealpha": 0.85,
    "legend.edgecolor": "none",
    "lines.linewidth": 1.6,
    "svg.fonttype": "path",
    "svg.hashsalt": "cgcore",  # the same fit gives the same file
}


def styled() -> AbstractContextManager[None]:
    """A context in which matplotlib draws like this, whatever the user's own settings are.

    Raises:
        InputError: matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib import style

    return style.context(["default", _STYLE])


def require_matplotlib() -> None:
    """Refuse where nothing can be drawn.

    Raises:
        InputError: matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise InputError("drawing needs matplotlib, which is not installed; pip install 'cgcore[plot]'") from None


def note(ax: Axes, text: str) -> None:
    """Say in an otherwise empty panel why it is empty."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=GREY, wrap=True)


def harmless(text: str) -> str:
    """Text from outside (file and protein names) without the sign that starts a formula."""
    return text.replace("$", r"\$")
