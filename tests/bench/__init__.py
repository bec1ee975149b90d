"""Measurements, each beside a reference that was measured in the same run. `python -m tests.bench --help`."""
