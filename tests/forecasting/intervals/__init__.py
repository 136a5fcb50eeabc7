"""Tests of forecasting/intervals."""
