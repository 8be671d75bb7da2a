"""Measurements: each script prints ratios within one run, and can be run by anyone with `python3 dev.py bench NAME`."""
