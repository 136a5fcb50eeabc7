"""Contracts of every table: names, types, units, keys, rules.

``TABLES`` holds them in the order of the design; ``contract`` finds one by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from data.contracts import history, reference, results
from data.contracts.links import LINKS, Link, links_of
from data.contracts.table import ColumnContract, TableContract
from data.errors import RadarError

_CONTRACTS = (
    TableContract("regions", "reference", reference.Regions),
    TableContract("hubs", "reference", reference.Hubs),
    TableContract("couriers", "reference", reference.Couriers),
    TableContract("outlets", "reference", reference.Outlets),
    TableContract("lanes", "reference", reference.Lanes),
    TableContract("vehicle_types", "reference", reference.VehicleTypes),
    TableContract("lane_vehicles", "reference", reference.LaneVehicles),
    TableContract("warehouses", "reference", reference.Warehouses),
    TableContract("merchants", "reference", reference.Merchants),
    TableContract("courier_preferences", "reference", reference.CourierPreferences),
    TableContract("courier_capacity", "reference", reference.CourierCapacity),
    TableContract("courier_rates", "reference", reference.CourierRates),
    TableContract("service_promises", "reference", reference.ServicePromises),
    TableContract("events", "reference", reference.Events),
    TableContract("network_changes", "reference", reference.NetworkChanges),
    TableContract("promotions", "reference", reference.Promotions),
    TableContract("forecast_overrides", "reference", reference.ForecastOverrides),
    TableContract("waybills", "history", history.Waybills),
    TableContract("route_volumes", "history", history.RouteVolumes),
    TableContract("outlet_volumes", "history", history.OutletVolumes),
    TableContract("sales", "history", history.Sales),
    TableContract("stock", "history", history.Stock),
    TableContract("weather_observations", "history", history.WeatherObservations),
    TableContract("weather_forecasts", "history", history.WeatherForecasts),
    TableContract("weather_warnings", "history", history.WeatherWarnings),
    TableContract("network_forecasts", "results", results.NetworkForecasts),
    TableContract("region_forecasts", "results", results.RegionForecasts),
    TableContract("hub_forecasts", "results", results.HubForecasts),
    TableContract("route_forecasts", "results", results.RouteForecasts),
    TableContract("outlet_forecasts", "results", results.OutletForecasts),
    TableContract("backtest_scores", "results", results.BacktestScores),
    TableContract("lane_weather", "results", results.LaneWeather),
    TableContract("outlet_weather", "results", results.OutletWeather),
    TableContract("route_demand", "results", results.RouteDemand),
    TableContract("trunk_departures", "results", results.TrunkDepartures),
    TableContract("trunk_flows", "results", results.TrunkFlows),
    TableContract("hub_loads", "results", results.HubLoads),
    TableContract("hub_prices", "results", results.HubPrices),
    TableContract("bound_prices", "results", results.BoundPrices),
    TableContract("shortfalls", "results", results.Shortfalls),
    TableContract("plan_certificates", "results", results.PlanCertificates),
    TableContract("capacity_needs", "results", results.CapacityNeeds),
    TableContract("capacity_costs", "results", results.CapacityCosts),
    TableContract("stock_allocations", "results", results.StockAllocations),
    TableContract("courier_allocations", "results", results.CourierAllocations),
    TableContract("outlet_trips", "results", results.OutletTrips),
    TableContract("stress_results", "results", results.StressResults),
    TableContract("tracking_rates", "results", results.TrackingRates),
    TableContract("rejected_rows", "records", results.RejectedRows),
    TableContract("runs", "records", results.Runs),
)

TABLES: Mapping[str, TableContract] = MappingProxyType({table.name: table for table in _CONTRACTS})


def contract(name: str) -> TableContract:
    """Return the contract of a table.

    Raises
    ------
    RadarError
        When no table has that name.

    Examples
    --------
    >>> contract("lane_vehicles").keys
    ('lane_id', 'vehicle_type_id')
    """
    if name not in TABLES:
        raise RadarError(f"table {name}", f"one of {', '.join(TABLES)}", "use one of these names")
    return TABLES[name]


__all__ = ["LINKS", "TABLES", "ColumnContract", "Link", "TableContract", "contract", "links_of"]
