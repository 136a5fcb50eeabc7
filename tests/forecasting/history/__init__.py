"""Tests of forecasting/history."""
