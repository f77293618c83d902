"""The evaluation of a model's forces as text."""

from __future__ import annotations

from collections.abc import Sequence

from cgcore.evaluation.result import Errors, Evaluation, Protein, Spread
from cgcore.report.table import table

MOST_PROTEINS = 20
"""Largest number of rows of the table of proteins; evaluation.json has all."""

MOST_RESIDUES = 60
"""Largest number of beads of a protein for which they are listed individually."""

_ERRORS = ("loss", "explained", "RMSE", "|F| RMS", "cosine")


def headline(found: Evaluation) -> str:
    """The result in one line."""
    return f"{found.model}: loss {found.errors.loss:.4f}, {percent(found.errors.explained)} of the variance explained"


def report(found: Evaluation) -> str:
    """The whole report."""
    e = found.errors
    parts = [
        f"{headline(found)}\n{found.path}: {found.frames:,} frames, {e.beads:,} real beads\n"
        f"RMSE {e.rmse:.4f}, MAE {e.mae:.4f} kcal/mol/Å per component, cosine {e.cosine:.4f}; "
        f"no model at all has a loss of {e.reference:.4f} (kcal/mol/Å)²",
        _terms(found),
        _proteins(found.proteins),
        _types(found),
        *(_residues(protein) for protein in found.proteins[:1]),
    ]
    return "\n\n".join(part for part in parts if part)


def percent(part: float) -> str:
    """A fraction in per cent; "-" for NaN."""
    return "-" if part != part else f"{100 * part:.2f} %"


def _terms(found: Evaluation) -> str:
    rows = [
        (
            name,
            f"{term.force:.4f}",
            f"{term.loss_without - found.errors.loss:+.4f}",
            f"{term.cosine:+.4f}",
            *_spread(term.energy),
        )
        for name, term in found.terms.items()
    ]
    rows.append(("all terms", "", "", "", *_spread(found.energy)))
    headers = ("Term", "mean |F|²", "loss rises without it", "cosine", "energy", "± over frames", "least", "most")
    return table(headers, rows)


def _spread(energy: Spread) -> tuple[str, ...]:
    return tuple(f"{value:.3f}" for value in energy)


def _proteins(proteins: Sequence[Protein]) -> str:
    if len(proteins) < 2:
        return ""
    rows = [
        (p.name, str(len(p.residues)), str(p.frames), *_errors(p.errors), f"{p.energy.mean:.3f}",
         f"{p.energy.deviation:.3f}")
        for p in proteins[:MOST_PROTEINS]
    ]  # fmt: skip
    text = table(("Protein", "beads", "frames", *_ERRORS, "energy", "± over frames"), rows)
    more = len(proteins) - MOST_PROTEINS
    return text if more <= 0 else f"{text}\n  and {more} more"


def _types(found: Evaluation) -> str:
    rows = [(name, str(errors.beads), *_errors(errors)) for name, errors in found.types.items()]
    return table(("Residue type", "forces", *_ERRORS), rows) if rows else ""


def _residues(protein: Protein) -> str:
    if len(protein.residues) > MOST_RESIDUES:
        return f"{protein.name}: its {len(protein.residues)} beads are in the record, one by one"
    rows = [(f"{r.number} {r.kind}".rstrip(), *_errors(r.errors)) for r in protein.residues]
    return table((f"Bead of {protein.name}", *_ERRORS), rows)


def _errors(e: Errors) -> tuple[str, ...]:
    return f"{e.loss:.4f}", percent(e.explained), f"{e.rmse:.4f}", f"{(e.reference / 3) ** 0.5:.4f}", f"{e.cosine:.4f}"
