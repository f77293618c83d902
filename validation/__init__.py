"""Judges cgcore from outside, through its public names: `python -m validation`.

Each file of `checks/` holds one check. A check yields rows; a row is one comparison of a number with its tolerance.
What cgcore is held against: SciPy, LAPACK on a matrix built here from the formulas alone (`explicit`), OpenMM and
jax-md, recorded outputs of the original implementation (`reference/`), and answers that are known beforehand.
"""
