"""Tests of the forecasting room."""
