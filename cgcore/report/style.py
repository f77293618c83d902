"""Style of figures: palette, grid, and notes in place of panels that cannot be drawn.

matplotlib's types are defined as `Any` here, because importing cgcore must not require matplotlib.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, TypeAlias

from cgcore.errors import InputError

Axes: TypeAlias = Any
"""matplotlib.axes.Axes"""

Figure: TypeAlias = Any
"""matplotlib.figure.Figure"""

# Okabe and Ito's colours, which can be distinguished with any kind of colour vision and, by lightness, in grey.
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
    "svg.hashsalt": "cgcore",  # equal fits give identical files
}


def styled() -> AbstractContextManager[None]:
    """A context in which matplotlib uses this style, whatever the user's settings.

    Raises:
        InputError: matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib import style

    return style.context(["default", _STYLE])


def require_matplotlib() -> None:
    """Refuse to draw without matplotlib.

    Raises:
        InputError: matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise InputError("drawing needs matplotlib, which is not installed; pip install 'cgcore[plot]'") from None


def note(ax: Axes, text: str) -> None:
    """Write into an empty panel why it is empty."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=GREY, wrap=True)


def harmless(text: str) -> str:
    """Escape the dollar sign, which starts a formula, in file and protein names."""
    return text.replace("$", r"\$")
