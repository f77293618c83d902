"""Minimisation problems with published solutions, for judging the solver without any physics."""

from validation.problems.mgh import mgh
from validation.problems.nist import nist
from validation.problems.problem import Problem

__all__ = ["Problem", "mgh", "nist"]
