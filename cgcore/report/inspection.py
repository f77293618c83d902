"""The inspection of a data set as text."""

from __future__ import annotations

import textwrap

import numpy as np

from cgcore.factor.histogram import EDGES, Histograms
from cgcore.inspection import Inspection
from cgcore.judging.judge import OVERRIDE
from cgcore.report.table import table

WIDTH = 100
"""Width of the text [columns]."""

BARS = " ▁▂▃▄▅▆▇█"
BINS = 40
MOST = 20
"""Largest number of rows of a table that may be long."""

USUAL_BOND = (3.5, 4.1)
"""Range of usual bond lengths [Å]: CA atoms of neighbouring residues are 3.8 Å apart (trans), and a few 2.9 Å (cis)."""

USUAL_FORCE = (1.0, 150.0)
"""Range of usual root mean square force components [kcal/mol/Å]: all-atom forces mapped to residues are about 20; in
kJ/mol/nm the numbers are 42 times as large."""


def render(inspection: Inspection) -> str:
    """The inspection as plain text, at most `WIDTH` columns wide."""
    parts = [
        _overview(inspection),
        _units(inspection),
        _several("File", inspection.sources, ("frames", "beads a row")),
        _several("Protein", inspection.proteins, ("real beads", "frames")),
        "\n".join(f"{name}: {what}" for name, what in list(inspection.breaks.items())[:MOST]),
        _species(inspection),
        _coordinates(inspection),
        _forces(inspection),
        _physics(inspection),
        _findings(inspection),
    ]
    lines = "\n\n".join(part for part in parts if part).splitlines()
    return "\n".join(wrapped for line in lines for wrapped in _wrapped(line))


def bars(counts: np.ndarray, edges: np.ndarray, low: float, high: float, bins: int = BINS) -> str:
    """A histogram between `low` and `high` as a line of text; the highest bar is full, and only 0 is blank."""
    # Counts of a bin are divided if the edge of a bar falls into it, so that bars need not match the bins.
    below = np.interp(np.linspace(low, high, bins + 1), edges, np.concatenate([[0], np.cumsum(counts)]))
    height = np.diff(below)
    if not height.max() > 0:
        return " " * bins
    level = np.ceil(height / height.max() * (len(BARS) - 1) - 1e-9).astype(int)
    return "".join(BARS[k] for k in level)


def _overview(found: Inspection) -> str:
    lines = [
        found.path,
        f"{found.frames:,} frames, {found.beads} beads a row, {found.real_beads:,} real beads",
    ]
    if found.temperatures:
        lines.append("temperature " + ", ".join(f"{t:g}" for t in found.temperatures[:MOST]) + " K")
    if found.extras:
        lines.append("other arrays: " + "; ".join(f"{name} ({what})" for name, what in found.extras.items()))
    if found.skipped_keys:
        lines.append("skipped keys, not read: " + ", ".join(found.skipped_keys))
    return "\n".join(lines)


def _units(found: Inspection) -> str:
    low, high = USUAL_BOND
    bond, force = found.median_bond, found.force_rms
    distance = f"median distance of neighbouring beads {bond:.3f} Å: "
    distance += (
        "as CA atoms of a protein have it"
        if low <= bond <= high
        else f"unusual, CA atoms of a protein are 3.8 Å apart; are the units right ({found.units})?"
    )
    size = f"force RMS {force:.4g} kcal/mol/Å per component: "
    if force > USUAL_FORCE[1]:
        size += f"large, in kJ/mol/nm it would be {force / 41.84:.3g}; are the units right ({found.units})?"
    elif force < USUAL_FORCE[0]:
        size += f"small, forces mapped from atoms are about 20; are the units right ({found.units})?"
    else:
        size += "as forces mapped from atoms have it"
    return f"Units check, read as {found.units}\n  {distance}\n  {size}"


def _several(title: str, rows: tuple[tuple[str, int, int], ...], headers: tuple[str, str]) -> str:
    shown = [(_short(name), f"{a:,}", f"{b:,}") for name, a, b in rows[:MOST]]
    more = f"\nand {len(rows) - MOST} more" if len(rows) > MOST else ""
    return table((title, *headers), shown) + more


def _species(found: Inspection) -> str:
    if not found.species:
        return "no species"
    total = sum(found.species.values())
    most = sorted(found.species.items(), key=lambda pair: -pair[1])
    called = {k: f"{k} ({name})" for k, name in found.species_names.items()}
    parts = [f"{called.get(k, k)} {100 * n / total:.3g} %" for k, n in most[:MOST]]
    if len(most) > MOST:
        parts.append(f"and {len(most) - MOST} more")
    return "Species of real beads\n  " + "\n  ".join(", ".join(parts[k : k + 8]) for k in range(0, len(parts), 8))


def _coordinates(found: Inspection) -> str:
    rows = []
    for name, (count, least, most, mean) in found.ranges.items():
        scale, unit, digits = (1.0, "Å", 3) if name == "bond" else (180 / np.pi, "degrees", 1)
        values = [f"{value * scale:.{digits}f}" if value is not None else "" for value in (least, mean, most)]
        rows.append((f"{name} [{unit}]", f"{count:,}", *values, _histogram(found.histograms, name)))
    text = table(("Coordinate", "values", "least", "mean", "most", "histogram"), rows)
    low, high = EDGES["bond"][[0, -1]]
    if found.ranges["bond"].least < low or found.ranges["bond"].most > high:
        text += f"\nin the histogram, bonds beyond {low:g}..{high:g} Å stand at its ends"
    text += "\ndihedrals are minus the IUPAC dihedral" if "dihedral" in found.ranges else ""
    if found.closest is not None:
        distance, source, frame, (i, j) = found.closest
        which = "j-i >= 6 or of two chains" if found.breaks else "j-i >= 6"
        text += f"\nclosest pair with {which}: {distance:.3f} Å, beads {i} and {j} of frame {frame} of {_short(source)}"
    return text


def _histogram(histograms: Histograms, name: str) -> str:
    low, high = histograms.sampled_range(name) or (0.0, 0.0)
    return "|" + bars(histograms.counts[name], EDGES[name], low, high) + "|"


def _forces(found: Inspection) -> str:
    peak = found.force_peak
    mean = ", ".join(f"{x:.3g}" for x in found.mean_force)
    return (
        f"Forces [kcal/mol/Å]\n"
        f"  RMS component {found.force_rms:.6g}\n"
        f"  largest component {peak.value:.6g}, bead {peak.bead} of frame {peak.frame} of {_short(peak.source)}\n"
        f"  mean over beads ({mean}), 0 but for noise where nothing pulls one way\n"
        f"  net force of a frame, RMS component {found.net_force_rms:.3g}: {_net(found)}"
    )


def _physics(found: Inspection) -> str:
    """kr var(r) / kT of each source."""
    rows = []
    for one in found.judgement.sources[:MOST]:
        ratio = one.ratio
        numbers = ("", "", "") if ratio is None else (f"{ratio.value:.3g} ± {ratio.error:.1g}", f"{ratio.kr:.4g}",
                                                      f"{100 * ratio.explained:.1f} %")  # fmt: skip
        rows.append((_short(one.source, 40), f"{one.temperature:g}", *numbers))
    headers = ("Equipartition of bonds", "K", "kr var(r) / kT", "kr", "of the forces")
    more = f"\nand {len(found.judgement.sources) - MOST} more" if len(found.judgement.sources) > MOST else ""
    return (
        f"{table(headers, rows)}{more}\n"
        "kr from forces along bonds, in kcal/mol/Å², and var(r) from positions: 1 where both belong together and units "
        "are right"
    )


def _findings(found: Inspection) -> str:
    """Problems, possible problems, and data that could not be used."""
    lines = [f"Wrong: {finding}" for finding in found.judgement.wrong]
    lines += [f"Warning: {finding}" for finding in found.judgement.warnings]
    lines += [f"Note: {note}" for note in found.notes]
    if found.judgement.wrong:
        lines.append(f"A fit to these data is refused; {OVERRIDE} fits to them as they are")
    return "\n".join(lines) if lines else "Nothing is wrong with these data as far as physics can tell"


def _net(found: Inspection) -> str:
    independent = found.force_rms * np.sqrt(found.real_beads / found.frames)  # if the forces on beads were independent
    if found.net_force_rms < 0.02 * independent:
        return "only the beads act on each other"
    return f"something outside acts on the beads (solvent, say); {independent:.3g} if each were pulled by itself"


def _wrapped(line: str) -> list[str]:
    """Wrap a sentence to `WIDTH` columns; words such as paths are not broken."""
    if len(line) <= WIDTH:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(
        line.lstrip(),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _short(text: str, width: int = 60) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."
