"""Tests of forecasting/events."""
