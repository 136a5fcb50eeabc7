"""Benchmarks of the stock plan."""
