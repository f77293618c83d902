"""The ASV suites: quality, times, memory and cold start of the cgcore version that ASV has installed.

Nothing here imports JAX or cgcore before a benchmark is set up, since ASV starts a process for each benchmark.

A timed benchmark takes `repeat` samples in each of `rounds` processes. Their number must not be 6: `asv continuous`
then compares two commits by a rank test at p < 0.002, but with 6 samples each the smallest possible p is 0.0022, so no
regression would ever be reported. From 7 samples on the test works; with 4 or 5, ASV compares confidence intervals.
"""
