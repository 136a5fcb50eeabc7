"""Forecasts of routes: members, their combination, the network's path, and sums the routes are reconciled with."""
