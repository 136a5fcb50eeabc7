"""Outlets measured on a real chain of shops."""
