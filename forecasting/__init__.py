"""Forecasts of parcels by network, region, hub, route and outlet."""
