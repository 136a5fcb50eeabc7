"""Forecast accuracy, calibration and speed beside the naive ones, on real data."""
