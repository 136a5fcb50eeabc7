"""Tests of forecasting/series."""
