"""Benchmarks, each beside its peers in one run: on a noisy machine only the ratios mean something."""
