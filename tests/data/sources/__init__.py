"""Tests of data/sources."""
