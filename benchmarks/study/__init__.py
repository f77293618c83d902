"""Ways to get a prior, side by side on five small proteins: frames and a protein that it has not
seen, and what a simulation makes of it.

`__main__` has the command, and benchmarks/study.md what came out.
"""
