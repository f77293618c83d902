"""Constants of nature in this package's units: Å, kcal/mol, g/mol, ps, K."""

from __future__ import annotations

GAS_CONSTANT = 8.31446261815324
"""J/mol/K, exact: Boltzmann's constant times Avogadro's in the SI of 2019 (CODATA 2018 and later)."""

JOULES_PER_CALORIE = 4.184
"""Thermochemical calorie, exact."""

BOLTZMANN = GAS_CONSTANT / (1000 * JOULES_PER_CALORIE)
"""kB [kcal/mol/K]."""

KCAL_PER_MOL = 100 * JOULES_PER_CALORIE
"""1 kcal/mol in (g/mol) Å²/ps²: a force [kcal/mol/Å] times this, over a mass [g/mol], is an acceleration [Å/ps²]."""
