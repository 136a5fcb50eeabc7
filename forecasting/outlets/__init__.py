"""Forecasts of outlets, their staffing, and the couriers who carry the parcels."""
