"""From tables to arrays: inputs, their checks, the network, paths and flows."""
