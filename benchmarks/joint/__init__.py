"""The joint plan of stock and trunk, measured beside its rivals."""
