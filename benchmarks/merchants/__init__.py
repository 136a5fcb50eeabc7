"""Measures the demand cube of merchants against what was sold."""
