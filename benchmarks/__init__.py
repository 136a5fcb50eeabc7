"""Measurements on real and made data, with their peers in the same run."""
