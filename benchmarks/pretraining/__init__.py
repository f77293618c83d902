"""The benefit of a fitted prior for a network trained on top of it, measured by held-out loss and by simulation.

`__main__` contains the command, and benchmarks/pretraining.md the results.
"""
