"""cgcore beside other people's solvers: the same frames, loss and start, scored by time to a given gap.

pytest benchmarks/peers --benchmark-only        (install the extra first: pip install -e '.[peers]')

Every peer minimises the force-matching loss over the parameters (r0, kr, a, b, ...), in float64 unless its name says
float32, from the prior's initial parameters. What it passes through is written down with the seconds and evaluations
that it took; gaps to the exact optimum are computed afterwards, from the factor. Not timed: reading the data,
compiling (each peer is called once before), and writing down.

    job.py        the frames, the loss and the start
    record.py     what a run writes down
    peer.py       what a peer is
    catalogue.py  all of them; the other files hold a peer or a package each
    score.py      from what was written down to gaps
    table.py      what is printed
    memory.py     peak memory, in a process of its own

VOTCA's csg_fmatch is a program with a model of its own: `benchmarks/votca`.
"""
