"""The report as a self-contained HTML page."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from html import escape

import numpy as np

from cgcore.fitting.result import FitResult
from cgcore.physics.bases import DebyeHueckel, Harmonic, Power
from cgcore.physics.term import Term
from cgcore.report.error_text import standard_errors
from cgcore.report.style import Figure
from cgcore.report.summary import certificate_lines, headline

UNITS = {
    **dict.fromkeys(("a", "b", "k_dih", "epsilon", "epsilon_ex"), "kcal/mol"),
    **dict.fromkeys(("r0", "sigma", "sigma_ex"), "Å"),
    "kr": "kcal/mol/Å²",
    "gamma_dih": "rad",
}
LOADINGS = 6
"""Number of loadings of a direction that are listed; the others are small."""

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 1400px; margin: 1.5rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: .2rem } h2 { font-size: 1.15rem; margin-top: 2rem }
.bad { color: #b34700 }
svg { width: 100%; height: auto }
.tables { display: flex; flex-wrap: wrap; gap: 0 3rem; align-items: flex-start }
.tables > section { min-width: 0; overflow-x: auto }
table { border-collapse: collapse }
th, td { text-align: left; padding: .18rem .9rem .18rem 0; border-bottom: 1px solid #e4e4e4; vertical-align: top }
th { color: #666; font-weight: 600 }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
td.meaning { color: #666 }
pre { background: #f6f6f6; padding: 1rem; overflow-x: auto; font-size: 13px; line-height: 1.35 }
"""


def page(figure: Figure, result: FitResult, report: str) -> str:
    """The page with picture, certificate, parameters, weak directions and text of a fit.

    Arguments:
        figure: figure with all panels.
        result: the fit.
        report: text report of the fit.
    """
    certificate = [(line.name, line.value, line.meaning) for line in certificate_lines(result)]
    remarks = [*(f"Warning: {w}" for w in result.warnings), *result.identifiability.notes]
    remarks += [f"{term} term without data: {why}" for term, why in result.identifiability.without_data.items()]
    body = [
        "<h1>Prior fit by force matching</h1>",
        f'<p class="{"good" if result.converged else "bad"}"><b>{escape(headline(result))}</b><br>'
        f"{escape(result.message)}</p>",
        _inline(figure),
        '<div class="tables">',
        _section(
            "Certificate, losses in (kcal/mol/Å)²", ("what", "value", "meaning"), certificate, numbers=(1,), meaning=2
        ),
        _section(
            "Parameters",
            ("name", "unit", "initial", "fitted", "± standard error"),
            parameters(result),
            numbers=(2, 3, 4),
        ),
        "</div>",
        _section(
            "Directions left at their start",
            ("relative singular value", "float64 resolves it", "loadings, largest first"),
            _directions(result),
            numbers=(0,),
        ),
        _list("Remarks", remarks),
        f"<h2>Report</h2><pre>{escape(report)}</pre>" if report else "",
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        # With this policy, the browser blocks any network access.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        'img-src data:">'
        f"<title>Prior fit by force matching</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body></html>\n"
    )


def _inline(figure: Figure) -> str:
    """The figure as an SVG element, without the prologue and metadata of a separate file."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    text = out.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    return text.replace("<svg ", '<svg role="img" aria-label="Panels of the fit" ', 1)


def parameters(result: FitResult) -> list[tuple[str, str, str, str, str]]:
    """Name, unit, initial value, fitted value and standard error of each parameter, and of each coefficient of further
    terms."""
    rows, params, errors = [], (result.initial_params, result.fitted_params), standard_errors(result)
    further = {term.name: term for term in result.prior.further}
    for name in result.prior.names:
        values = [np.ravel(p[name]) for p in params]
        if (term := further.get(name)) is not None:
            labels, units = term.coefficient_names, [_unit(term, k) for k in range(term.size)]
        else:
            count = len(values[0])
            units = [UNITS[name]] * count
            labels = [name] if np.ndim(params[0][name]) == 0 else [f"{name}[{n}]" for n in range(1, count + 1)]
        for label, unit, error, *pair in zip(labels, units, errors[name], *values, strict=True):
            rows.append((label, unit, *(f"{value:.6g}" for value in pair), error))
    return rows


def _unit(term: Term, k: int) -> str:
    """Unit of a term's k-th coefficient."""
    length = "Å" if term.coordinate in ("bond", "pair") else "rad"
    match term.basis:
        case Harmonic():
            return f"kcal/mol/{length}" + ("²" if k % 2 == 0 else "")
        case Power(n=n):
            return f"kcal/mol Å^{n:g}"
        case DebyeHueckel():
            return "kcal/mol Å"
    return "kcal/mol"


def _directions(result: FitResult) -> list[tuple[str, str, str]]:
    return [
        (
            f"{d.singular_value:.1e}",
            "yes" if d.resolved else "no",
            ", ".join(f"{name} {loading:+.2f}" for name, loading in list(d.loadings.items())[:LOADINGS]),
        )
        for d in result.identifiability.left
    ]


def _section(
    title: str,
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Sequence[int],
    meaning: int | None = None,
) -> str:
    if not rows:
        return ""
    kinds = ["number" if k in numbers else "meaning" if k == meaning else "text" for k in range(len(headers))]
    head = "".join(f'<th class="{kind}">{escape(text)}</th>' for kind, text in zip(kinds, headers, strict=True))
    body = "\n".join(
        "<tr>"
        + "".join(f'<td class="{kind}">{escape(text)}</td>' for kind, text in zip(kinds, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return f"<section><h2>{escape(title)}</h2><table><tr>{head}</tr>\n{body}</table></section>"


def _list(title: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    return f"<h2>{escape(title)}</h2><ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"
