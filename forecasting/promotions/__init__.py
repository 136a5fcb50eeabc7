"""Promotions known ahead: on which days they stand for whom, and what they do."""
