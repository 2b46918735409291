"""Benchmarks: ours beside the bare engine doing the same work, in one run. `make bench` runs them all."""
