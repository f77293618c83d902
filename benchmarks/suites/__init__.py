"""The ASV suites: quality, times, memory and cold start of the cgcore that ASV has installed.

Nothing here imports JAX or cgcore before a benchmark is set up: ASV starts a process for each.
"""
