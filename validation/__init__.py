"""Independent validation of cgcore through its public names: `python -m validation`.

Each file in `checks/` holds one check. A check yields rows, and each row compares one number with its tolerance. The
references are SciPy, LAPACK applied to a matrix built here from the formulas alone (`explicit`), OpenMM and jax-md,
recorded outputs of the original implementation (`reference/`), and problems with known answers.
"""
