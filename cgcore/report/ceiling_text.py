"""The noise ceiling as text: how much of the forces could be explained."""

from __future__ import annotations

from cgcore.evaluation.ceiling import Ceiling
from cgcore.report.table import table


def ceiling_report(ceiling: Ceiling) -> str:
    """The table of pairs by distance, the parts of the mean square force, and the verdict."""
    rows = [
        (f"{distance:.2f}", f"{product:.1f}", f"{fitted:.1f}")
        for distance, product, fitted in zip(ceiling.distances, ceiling.products, ceiling.line, strict=True)
    ]
    parts = [
        ("reference forces", f"{ceiling.reference:.1f}"),
        ("left by the prior", f"{ceiling.left:.1f}"),
        ("missed by the prior, product at distance 0", f"{ceiling.missed:.1f} ± {ceiling.missed_error:.1f}"),
    ]
    return "\n".join(
        [
            f"The {ceiling.pairs:,} nearest pairs of {ceiling.frames:,} frames:",
            table(("distance [Å]", "product of what is left", "fitted line"), rows),
            "",
            table(("Mean square per bead [(kcal/mol/Å)²]", ""), parts),
            "",
            ceiling.verdict(),
        ]
    )
