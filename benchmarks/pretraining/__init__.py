"""What a fitted prior is worth to a network that is trained beside it, by held-out loss and by simulation.

`__main__` has the command, and benchmarks/pretraining.md what came out.
"""
