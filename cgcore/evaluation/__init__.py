"""Evaluation of a model's forces: loss, contribution of each term, and errors along the chain."""

from __future__ import annotations

from cgcore.evaluation.ceiling import Ceiling as Ceiling
from cgcore.evaluation.ceiling import noise_ceiling as noise_ceiling
from cgcore.evaluation.evaluate import evaluate as evaluate
from cgcore.evaluation.evaluate import evaluate_parts as evaluate_parts
from cgcore.evaluation.result import Errors as Errors
from cgcore.evaluation.result import Evaluation as Evaluation
from cgcore.evaluation.result import Protein as Protein
from cgcore.evaluation.result import Residue as Residue
from cgcore.evaluation.result import Spread as Spread
from cgcore.evaluation.result import Term as Term
