"""Contracts of every table: names, types, units, keys, rules.

``TABLES`` holds them in the order of the design; ``contract`` finds one by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from data.contracts import (
    announced,
    goods,
    history,
    records,
    reference,
    resources,
    results,
    risk,
    sorts,
    timetable,
    trunk,
)
from data.contracts.links import LINKS, Link, links_of
from data.contracts.table import ColumnContract, TableContract
from data.errors import RadarError
from data.spelling import ask_near

_CONTRACTS = (
    TableContract("regions", "reference", reference.Regions),
    TableContract("hubs", "reference", reference.Hubs),
    TableContract("hub_sorts", "reference", sorts.HubSorts),
    TableContract("hub_days", "reference", sorts.HubDays),
    TableContract("hub_closures", "reference", sorts.HubClosures),
    TableContract("hand_in_profile", "reference", sorts.HandInProfile),
    TableContract("delivery_waves", "reference", sorts.DeliveryWaves),
    TableContract("couriers", "reference", reference.Couriers),
    TableContract("outlets", "reference", reference.Outlets),
    TableContract("lanes", "reference", reference.Lanes),
    TableContract("lane_departures", "reference", timetable.LaneDepartures),
    TableContract("vehicle_types", "reference", reference.VehicleTypes),
    TableContract("lane_vehicles", "reference", reference.LaneVehicles),
    TableContract("vehicle_stands", "reference", timetable.VehicleStands),
    TableContract("departure_locks", "reference", timetable.DepartureLocks),
    TableContract("warehouses", "reference", reference.Warehouses),
    TableContract("merchants", "reference", reference.Merchants),
    TableContract("categories", "reference", goods.Categories),
    TableContract("items", "reference", goods.Items),
    TableContract("courier_preferences", "reference", reference.CourierPreferences),
    TableContract("courier_capacity", "reference", reference.CourierCapacity),
    TableContract("courier_rates", "reference", reference.CourierRates),
    TableContract("service_promises", "reference", reference.ServicePromises),
    TableContract("sourcing_costs", "reference", goods.SourcingCosts),
    TableContract("events", "reference", announced.Events),
    TableContract("network_changes", "reference", announced.NetworkChanges),
    TableContract("promotions", "reference", announced.Promotions),
    TableContract("merchant_plans", "reference", announced.MerchantPlans),
    TableContract("forecast_overrides", "reference", announced.ForecastOverrides),
    TableContract("incidents", "reference", risk.Incidents),
    TableContract("waybills", "history", history.Waybills),
    TableContract("route_volumes", "history", history.RouteVolumes),
    TableContract("outlet_volumes", "history", history.OutletVolumes),
    TableContract("sales", "history", history.Sales),
    TableContract("stock", "history", history.Stock),
    TableContract("stock_receipts", "history", goods.StockReceipts),
    TableContract("open_orders", "history", goods.OpenOrders),
    TableContract("stock_demand", "history", goods.StockDemand),
    TableContract("weather_observations", "history", history.WeatherObservations),
    TableContract("weather_forecasts", "history", history.WeatherForecasts),
    TableContract("weather_warnings", "history", history.WeatherWarnings),
    TableContract("network_forecasts", "results", results.NetworkForecasts),
    TableContract("region_forecasts", "results", results.RegionForecasts),
    TableContract("hub_forecasts", "results", results.HubForecasts),
    TableContract("route_forecasts", "results", results.RouteForecasts),
    TableContract("outlet_forecasts", "results", results.OutletForecasts),
    TableContract("merchant_forecasts", "results", results.MerchantForecasts),
    TableContract("forecast_calibration", "results", results.ForecastCalibration),
    TableContract("backtest_scores", "results", results.BacktestScores),
    TableContract("lane_weather", "results", results.LaneWeather),
    TableContract("outlet_weather", "results", results.OutletWeather),
    TableContract("lane_closures", "results", timetable.LaneClosures),
    TableContract("route_demand", "results", trunk.RouteDemand),
    TableContract("trunk_departures", "results", trunk.TrunkDepartures),
    TableContract("trunk_flows", "results", trunk.TrunkFlows),
    TableContract("sort_plans", "results", trunk.SortPlans),
    TableContract("hub_loads", "results", trunk.HubLoads),
    TableContract("hub_prices", "results", trunk.HubPrices),
    TableContract("route_prices", "results", trunk.RoutePrices),
    TableContract("bound_prices", "results", trunk.BoundPrices),
    TableContract("shortfalls", "results", trunk.Shortfalls),
    TableContract("plan_certificates", "results", trunk.PlanCertificates),
    TableContract("capacity_needs", "results", resources.CapacityNeeds),
    TableContract("capacity_costs", "results", resources.CapacityCosts),
    TableContract("contract_departures", "results", resources.ContractDepartures),
    TableContract("contract_certificates", "results", resources.ContractCertificates),
    TableContract("stock_allocations", "results", resources.StockAllocations),
    TableContract("sourcing", "results", goods.Sourcing),
    TableContract("order_sources", "results", goods.OrderSources),
    TableContract("stock_levels", "results", goods.StockLevels),
    TableContract("stock_transfers", "results", goods.StockTransfers),
    TableContract("courier_allocations", "results", resources.CourierAllocations),
    TableContract("outlet_trips", "results", resources.OutletTrips),
    TableContract("demand_draws", "results", risk.DemandDraws),
    TableContract("stress_results", "results", risk.StressResults),
    TableContract("stress_summaries", "results", risk.StressSummaries),
    TableContract("playbooks", "results", risk.Playbooks),
    TableContract("drills", "results", risk.Drills),
    TableContract("tracking_rates", "results", results.TrackingRates),
    TableContract("care_list", "results", results.CareList),
    TableContract("rejected_rows", "records", records.RejectedRows),
    TableContract("runs", "records", records.Runs),
)

# Result tables that a planner may also give: the demand of a plan, lanes that may close, where orders leave from today.
GIVEN_RESULTS = ("route_demand", "lane_closures", "sourcing")
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
        hint = f"{ask_near(name, TABLES)} See `radar tables`".strip()
        raise RadarError(f"table {name}", f"one of {', '.join(TABLES)}", hint)
    return TABLES[name]


__all__ = ["GIVEN_RESULTS", "LINKS", "TABLES", "ColumnContract", "Link", "TableContract", "contract", "links_of"]
