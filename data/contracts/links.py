"""Which column points at which table: the ties that cross-table rules check and ``--add-missing`` fills."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """``table.column`` holds ids of ``target.target_column``."""

    table: str
    column: str
    target: str
    target_column: str


def _links(target: str, target_column: str, *places: str) -> tuple[Link, ...]:
    parted = (place.split(".") for place in places)
    return tuple(Link(table, column, target, target_column) for table, column in parted)


LINKS: tuple[Link, ...] = (
    *_links(
        "regions",
        "region_id",
        "regions.parent_region_id",
        "hubs.region_id",
        "promotions.region_id",
        "sales.destination_region_id",
        "sourcing.region_id",
        "sourcing_costs.region_id",
        "open_orders.region_id",
        "stock_demand.region_id",
        "incidents.region_id",
    ),
    *_links(
        "hubs",
        "hub_id",
        "outlets.hub_id",
        "hub_sorts.hub_id",
        "hub_days.hub_id",
        "hub_closures.hub_id",
        "hand_in_profile.hub_id",
        "delivery_waves.hub_id",
        "vehicle_stands.hub_id",
        "lanes.origin_hub_id",
        "lanes.destination_hub_id",
        "warehouses.hub_id",
        "merchants.hub_id",
        "courier_rates.origin_hub_id",
        "courier_rates.destination_hub_id",
        "service_promises.origin_hub_id",
        "service_promises.destination_hub_id",
        "network_changes.hub_id",
        "network_changes.successor_hub_id",
        "network_changes.origin_hub_id",
        "network_changes.destination_hub_id",
        "promotions.hub_id",
        "merchant_plans.hub_id",
        "incidents.hub_id",
        "waybills.origin_hub_id",
        "waybills.destination_hub_id",
        "route_volumes.origin_hub_id",
        "route_volumes.destination_hub_id",
        "route_demand.origin_hub_id",
        "route_demand.destination_hub_id",
        "sourcing.origin_hub_id",
    ),
    *_links(
        "couriers",
        "courier_id",
        "outlets.courier_id",
        "courier_preferences.courier_id",
        "courier_capacity.courier_id",
        "courier_rates.courier_id",
        "incidents.courier_id",
        "waybills.courier_id",
        "route_volumes.courier_id",
    ),
    *_links(
        "outlets",
        "outlet_id",
        "outlet_volumes.outlet_id",
        "promotions.outlet_id",
        "waybills.origin_outlet_id",
        "waybills.destination_outlet_id",
    ),
    *_links(
        "merchants",
        "merchant_id",
        "courier_preferences.merchant_id",
        "promotions.merchant_id",
        "merchant_plans.merchant_id",
        "items.merchant_id",
        "sourcing.merchant_id",
        "stock_receipts.merchant_id",
        "open_orders.merchant_id",
        "stock_demand.merchant_id",
        "incidents.merchant_id",
        "waybills.merchant_id",
        "sales.merchant_id",
        "stock.merchant_id",
    ),
    *_links(
        "lanes",
        "lane_id",
        "lane_vehicles.lane_id",
        "lane_departures.lane_id",
        "lane_closures.lane_id",
        "departure_locks.lane_id",
        "incidents.lane_id",
    ),
    *_links(
        "vehicle_types",
        "vehicle_type_id",
        "lane_vehicles.vehicle_type_id",
        "lane_departures.vehicle_type_id",
        "vehicle_stands.vehicle_type_id",
        "departure_locks.vehicle_type_id",
        "incidents.vehicle_type_id",
    ),
    *_links(
        "warehouses", "warehouse_id", "stock.warehouse_id", "stock_receipts.warehouse_id", "sourcing_costs.warehouse_id"
    ),
    *_links("events", "event_id", "promotions.event_id"),
)


def links_of(table: str) -> tuple[Link, ...]:
    """Return the links that leave ``table``."""
    return tuple(link for link in LINKS if link.table == table)
