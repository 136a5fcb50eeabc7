"""Tests of the scripts that hold the house in order."""
