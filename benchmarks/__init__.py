"""Benchmarks of cgcore. Each script prints numbers and ratios measured in one run: `python -m benchmarks.NAME`."""
