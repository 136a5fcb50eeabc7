"""Helpers for developers: set-up, generated docs, pictures."""
