"""Columns that tables are joined by, each set in one place."""

from __future__ import annotations

ROUTE = ("origin_hub_id", "destination_hub_id")
"""From hub to hub, all couriers together."""

COURIER_ROUTE = ("courier_id", *ROUTE)
"""A courier's route: what is forecast."""

DAY_ROUTE = ("date", *ROUTE)
"""A day's demand of a route: what is planned."""

ITEM = ("merchant_id", "category")
"""A merchant's goods of a category."""

STOCKED_ITEM = (*ITEM, "warehouse_id")
"""The same at a warehouse."""
