"""Benchmarks: the portal against a floor and against an idiomatic stack, as ratios within one run."""
