"""Tests of forecasting/promotions."""
