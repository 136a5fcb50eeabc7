"""Vehicles for given loads: what a load costs, and whole departures within fleets and limits."""
