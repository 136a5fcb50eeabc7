"""Weather feeds: one module a provider, one shape returned."""
