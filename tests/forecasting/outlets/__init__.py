"""Tests of forecasting/outlets."""
