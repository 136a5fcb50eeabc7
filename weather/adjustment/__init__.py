"""Forecasts and lanes with the weather in them."""
