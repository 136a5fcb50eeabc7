"""What proves a plan's bound, written down so that anyone can add it up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from routing.trunk.bound.lagrangian import BoundCertificate, Relaxation
from routing.trunk.task.network import Floats, Ints, TrunkNetwork

if TYPE_CHECKING:
    import polars as pl


def name_proof(relaxed: Relaxation) -> Literal["prices", "openings", "search"]:
    """Name what proves the bound: prices of limits, of openings besides, or a search that leaves no prices."""
    certificate = relaxed.certificate
    if relaxed.bound > certificate.bound + 1e-9 * abs(certificate.bound):
        return "search"
    return "openings" if len(certificate.forcing_price) else "prices"


def write_prices(network: TrunkNetwork, certificate: BoundCertificate) -> pl.DataFrame:
    """Write `bound_prices`: every price that is not 0."""
    import polars as pl

    from data.contracts import contract

    prices = certificate.prices
    parts = [
        _list_nodes(network, "sort", prices.sort),
        _list_nodes(network, "buffer", prices.buffer),
        _list_grid(network, "fleet", prices.fleet, "vehicle_type_id", "date"),
        _list_grid(network, "lane", prices.lane, "lane_id", "date"),
        _list_grid(network, "potential", prices.potential, "vehicle_type_id", "hub_id"),
    ]
    vehicle, day = np.nonzero(prices.vehicle)
    parts.append(
        _list("option", prices.vehicle[vehicle, day], _days(network, day))
        .with_columns(_names("lane_id", network.lane_ids, network.vehicle_lane[vehicle]))
        .with_columns(_names("vehicle_type_id", network.type_ids, network.vehicle_type[vehicle]))
    )
    arc = np.flatnonzero(certificate.room)
    parts.append(_list_arcs(network, "room", certificate.room[arc], arc))
    k = certificate.demand
    parts.append(
        _list_arcs(network, "opening", certificate.forcing_price, certificate.arc).with_columns(
            _days(network, network.demand_day[k]).alias("demand_date"),
            _names("origin_hub_id", network.hub_ids, network.demand_origin[k]),
            _names("destination_hub_id", network.hub_ids, network.demand_destination[k]),
        )
    )
    rows = pl.concat(parts, how="diagonal").with_columns(plan=pl.lit("trunk"))
    schema = {name: kind for name, kind in contract("bound_prices").polars_schema.items() if name in rows.columns}
    keys = [name for name in schema if name not in ("plan", "price")]
    return rows.select(pl.col(name).cast(kind) for name, kind in schema.items()).sort(*keys, nulls_last=True)


def _list_nodes(network: TrunkNetwork, kind: str, price: Floats) -> pl.DataFrame:
    node = np.flatnonzero(price)
    keys = [_days(network, network.node_day[node]), _names("hub_id", network.hub_ids, network.node_hub[node])]
    if network.by_clock:
        keys.append(_names("sort_id", network.sort_ids, network.node_sort[node]))
    return _list(kind, price[node], *keys)


def _list_grid(network: TrunkNetwork, kind: str, values: Floats, row: str, column: str) -> pl.DataFrame:
    at = dict(zip((row, column), np.nonzero(values), strict=True))
    names = {"hub_id": network.hub_ids, "lane_id": network.lane_ids, "vehicle_type_id": network.type_ids}
    series = [
        _days(network, index) if name == "date" else _names(name, names[name], index) for name, index in at.items()
    ]
    return _list(kind, values[np.nonzero(values)], *series)


def _list_arcs(network: TrunkNetwork, kind: str, price: Floats, arc: Ints) -> pl.DataFrame:
    return _list(
        kind, price, _days(network, network.arc_day[arc]), _names("lane_id", network.lane_ids, network.arc_lane[arc])
    )


def _list(kind: str, price: Floats, *keys: pl.Series) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame([*keys, pl.Series("price", price, dtype=pl.Float64)]).with_columns(kind=pl.lit(kind))


def _days(network: TrunkNetwork, index: Ints) -> pl.Series:
    import polars as pl

    return pl.Series("date", [network.day(day) for day in index.tolist()], dtype=pl.Date)


def _names(name: str, names: list[str], index: Ints) -> pl.Series:
    import polars as pl

    return pl.Series(name, [names[i] for i in index.tolist()], dtype=pl.String)
