"""Ways to get a prior, compared on five small proteins: by held-out frames, a protein left out, and simulations.

`__main__` contains the command, and benchmarks/study.md the results.
"""
