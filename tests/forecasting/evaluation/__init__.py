"""Tests of forecasting/evaluation."""
