"""VOTCA's csg_fmatch and cgcore fit the same splines to the same frames: loss, time and memory side by side.

python -m benchmarks.votca [--frames 1000 10000] [--beads 100] [--output FILE]

Install csg_fmatch with `apt-get install votca` (Debian, Ubuntu; written for 2022.1).

    chains.py       frames: compact chains with the forces of a known potential, and noise
    grids.py        where the knots of both programs are
    inputs.py       the files that they read: TRR, XML and YAML
    measure.py      time and peak memory of a program on one core
    programs.py     the runs
    results.py      the potentials that they write
    coordinates.py  the forces of these potentials in NumPy, which judge both

Both programs read the same TRR, and times are those of whole programs. The unknown of csg_fmatch is the slope U'(x), a
cubic spline, so that the potential is a spline of degree 4. Its conditions are those of natural splines: the slope has
no curvature at both ends. cgcore's B-splines of degree 4 on the same knots have no such condition, so that for bonds
and angles every potential of csg_fmatch is one of cgcore's, too. For pairs cgcore has one knot more, beyond all
distances, at which the potential and its slope are 0; up to the last distance that again leaves every cubic slope.
Dihedrals differ both ways: csg_fmatch leaves open a kink of the slope at 180 degrees, and sets the sum of the slopes at
the knots to 0 with the one at 180 degrees counted twice, so that its potential may not come back to its value after a
turn; cgcore's is periodic, and its slope has two continuous derivatives there, too.

The conditions of csg_fmatch hold exactly with `constrainedLS`, which its table calls "exact smoothness". Without, they
are rows of weight 1 below the rows of all frames ("pressed smoothness"): the more frames, the less do they weigh, and
the slope becomes a cubic of its own in each interval, joined to the next without smoothness, with twice as many
unknowns.
"""
