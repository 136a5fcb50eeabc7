"""Tests of forecasting/routes."""
