"""Measurements of cgcore. Each script prints its numbers and ratios taken in one run: `python -m benchmarks.NAME`."""
