"""What proves a plan's bound, written down so that anyone can add it up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from routing.trunk.bound.lagrangian import BoundCertificate, Relaxation
from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork

if TYPE_CHECKING:
    import polars as pl


def name_proof(relaxed: Relaxation) -> Literal["prices", "openings", "search"]:
    """Name what proves the bound: prices of limits, of openings besides, or a search that leaves no prices."""
    certificate = relaxed.certificate
    if relaxed.bound > certificate.bound + 1e-9 * abs(certificate.bound):
        return "search"
    return "openings" if len(certificate.forcing_price) else "prices"


def mark_payers(network: TrunkNetwork) -> Flags:
    """Mark the demands that may pay for openings, (K,): of those that a row of the table cannot tell apart the first.

    A row names date and route, and by the clock the sort that takes the parcels.
    """
    key = [network.demand_day, network.demand_origin, network.demand_destination]
    if network.by_clock:
        key.append(network.node_sort[network.demand_start])
    first = np.zeros(len(network.demand_day), dtype=np.bool_)
    first[np.unique(np.stack(key, axis=1), axis=0, return_index=True)[1]] = True
    return first


def write_proofs(network: TrunkNetwork, relaxed: Relaxation) -> pl.DataFrame:
    """Write `bound_prices`: the prices that prove the bound, and those that prove what carrying costs, where there are any."""
    import polars as pl

    own = write_prices(network, relaxed.certificate)
    if relaxed.carrying is None:
        return own
    return pl.concat([own, write_prices(network, relaxed.carrying, plan="carrying")], how="diagonal")


def write_prices(network: TrunkNetwork, certificate: BoundCertificate, plan: str = "trunk") -> pl.DataFrame:
    """Write rows of `bound_prices`: every price that is not 0."""
    import polars as pl

    from data.contracts import contract

    prices = certificate.prices
    parts = [
        _list_nodes(network, "sort", prices.sort),
        _list_nodes(network, "buffer", np.where(network.node_staged, 0.0, prices.buffer)),
        _list_nodes(network, "staging", np.where(network.node_staged, prices.buffer, 0.0)),
        _list_fleets(network, prices.fleet),
    ]
    kind, hub = np.nonzero(prices.potential)
    ends = [_names("vehicle_type_id", network.type_ids, kind), _names("hub_id", network.hub_ids, hub)]
    parts.append(_list("potential", prices.potential[kind, hub], *ends))
    lane, day = _find_paid(network, prices.lane, np.arange(len(network.lane_ids)))
    parts.append(_list("lane", prices.lane[lane, day], *_departures(network, lane, day)))
    vehicle, day = _find_paid(network, prices.vehicle, network.vehicle_lane)
    kinds = _names("vehicle_type_id", network.type_ids, network.vehicle_type[vehicle])
    departures = _departures(network, network.vehicle_lane[vehicle], day)
    parts.append(_list("option", prices.vehicle[vehicle, day], *departures, kinds))
    arc = np.flatnonzero(certificate.room)
    parts.append(_list_arcs(network, "room", certificate.room[arc], arc))
    parts.append(_list_openings(network, certificate))
    rows = pl.concat(parts, how="diagonal").with_columns(plan=pl.lit(plan))
    schema = {name: kind for name, kind in contract("bound_prices").polars_schema.items() if name in rows.columns}
    keys = [name for name in schema if name not in ("plan", "price")]
    return rows.select(pl.col(name).cast(kind) for name, kind in schema.items()).sort(*keys, nulls_last=True)


def _list_nodes(network: TrunkNetwork, kind: str, price: Floats) -> pl.DataFrame:
    node = np.flatnonzero(price)
    keys = [_days(network, network.node_day[node]), _names("hub_id", network.hub_ids, network.node_hub[node])]
    if network.by_clock:
        keys.append(_names("sort_id", network.sort_ids, network.node_sort[node]))
    return _list(kind, price[node], *keys)


def _list_fleets(network: TrunkNetwork, price: Floats) -> pl.DataFrame:
    kind, step = np.nonzero(price)
    names = _names("vehicle_type_id", network.type_ids, kind)
    if not network.by_clock:
        return _list("fleet", price[kind, step], _days(network, step), names)
    hours = network.fleet_clock[step]
    # vehicles that leave at the midnight that ends the plan leave on its last day
    days = np.minimum(np.floor_divide(hours, 24.0).astype(np.int64), network.days - 1)
    return _list("fleet", price[kind, step], _days(network, days), _moments(network, hours), names)


def _list_arcs(network: TrunkNetwork, kind: str, price: Floats, arc: Ints) -> pl.DataFrame:
    return _list(kind, price, *_departures(network, network.arc_lane[arc], network.arc_day[arc]))


def _list_openings(network: TrunkNetwork, certificate: BoundCertificate) -> pl.DataFrame:
    k = certificate.demand
    demands = [
        _days(network, network.demand_day[k]).alias("demand_date"),
        _names("origin_hub_id", network.hub_ids, network.demand_origin[k]),
        _names("destination_hub_id", network.hub_ids, network.demand_destination[k]),
    ]
    if network.by_clock:
        demands.append(_names("sort_id", network.sort_ids, network.node_sort[network.demand_start[k]]))
    return _list_arcs(network, "opening", certificate.forcing_price, certificate.arc).with_columns(demands)


def _find_paid(network: TrunkNetwork, price: Floats, lane: Ints) -> tuple[Ints, Ints]:
    """Where and on which days a price is not 0, among the departures there are."""
    row, day = np.nonzero((price != 0) & np.isfinite(network.lane_leaves[lane]))
    return row.astype(np.int64), day.astype(np.int64)


def _departures(network: TrunkNetwork, lane: Ints, day: Ints) -> list[pl.Series]:
    """Keys of departures: day and lane, and the hour where plans are by the clock."""
    keys = [_days(network, day), _names("lane_id", network.lane_ids, lane)]
    return [*keys, _moments(network, network.lane_leaves[lane, day])] if network.by_clock else keys


def _moments(network: TrunkNetwork, hours: Floats) -> pl.Series:
    import polars as pl

    return pl.Series("at", [network.moment(hour) for hour in hours.tolist()], dtype=pl.Datetime("us", "UTC"))


def _list(kind: str, price: Floats, *keys: pl.Series) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame([*keys, pl.Series("price", price, dtype=pl.Float64)]).with_columns(kind=pl.lit(kind))


def _days(network: TrunkNetwork, index: Ints) -> pl.Series:
    import polars as pl

    return pl.Series("date", [network.day(day) for day in index.tolist()], dtype=pl.Date)


def _names(name: str, names: list[str], index: Ints) -> pl.Series:
    import polars as pl

    return pl.Series(name, [names[i] for i in index.tolist()], dtype=pl.String)
