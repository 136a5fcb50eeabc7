"""The trunk plan: paths and whole vehicles by day, with a proven bound."""
