"""Puts a sample network together: every reference and history table, and the truth behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from data.arrays import Floats
from data.calendar import build_calendar
from data.contracts import TABLES
from data.progress import SILENT, Progress
from data.sample import commerce, sales, sorts, weather, weather_effects, weather_tables
from data.sample.demand import Influences, draw_parcels, expect_parcels, gather_by_hub, list_volumes
from data.sample.merchants import Trade, list_categories, plan_trade
from data.sample.network import (
    COURIERS,
    Network,
    build_lanes,
    build_network,
    list_changes,
    list_couriers,
    list_regions,
)
from data.sample.outlets import OutletPlan, place_outlets, split_over_outlets
from data.sample.promotions import Promoted, plan_promotions
from data.sample.scale import AS_OF, Scale, all_days, history_length, scale_of, stream
from data.sample.seasons import DayFactors, build_day_factors
from data.sample.truth import Truth, tell_truth
from data.sample.vehicles import equip_hubs, list_lane_vehicles, list_vehicle_types
from data.sample.waybills import WEEKS, Senders, list_waybills

DEFAULT_SEED = 20251111


@dataclass(frozen=True)
class Sample:
    """A sample network: its tables by name, in the order of the contracts, and the truth behind them."""

    tables: dict[str, pl.DataFrame]
    truth: Truth


@dataclass(frozen=True)
class _Flow:
    volumes: pl.DataFrame
    outlet_volumes: pl.DataFrame
    future: pl.DataFrame
    parcels: npt.NDArray[np.int32]
    normal: Floats
    served: npt.NDArray[np.bool_]
    daily: Floats


def build_sample(scale: str = "small", seed: int = DEFAULT_SEED, progress: Progress = SILENT) -> Sample:
    """Make the reference and history tables of a sample network, with the truth behind them.

    Parameters
    ----------
    scale
        ``small`` or ``national``.
    seed
        The same seed gives the same tables.
    progress
        Told how far the work is.

    Returns
    -------
    Sample
        Its tables by name, each keeping its contract, and its truth.

    Raises
    ------
    RadarError
        For an unknown scale.
    """
    size = scale_of(scale)
    steps = len(COURIERS) + 3
    progress.step(0, steps, "network")
    network = build_network(size, seed)
    factors = build_day_factors(seed)
    plan = place_outlets(network, size, seed)
    lanes = build_lanes(network, size)
    trade = plan_trade(network, size, commerce.choose_warehouse_hubs(network, size), seed)
    promoted = plan_promotions(network, plan, trade.items, trade.promoting, seed)
    progress.step(1, steps, "weather")
    sky = weather.make_weather(network, size, seed)
    influences = Influences(
        *weather_effects.volume_factors(sky, network.hubs.height),
        sales.lift_routes(network, trade, promoted),
        _promoted_sending(network, plan, promoted),
    )
    flows = []
    for courier in range(len(COURIERS)):
        progress.step(2 + courier, steps, f"parcels of {COURIERS[courier][0]}")
        flows.append(_flow(network, plan, size, seed, courier, factors, influences, promoted))
    progress.step(steps - 1, steps, "merchants and waybills")
    sold = _Sold(network, size, trade, promoted, influences, flows, seed)
    tables = _list_network(network, size, plan, lanes, flows, seed)
    tables |= _list_trade(network, size, trade, promoted, sold, flows, factors, seed)
    future = pl.concat([flow.future for flow in flows])
    tables["waybills"] = list_waybills(
        network,
        plan,
        pl.concat([tables["route_volumes"], future]),
        tables["courier_rates"],
        Senders(trade.items, sold.senders),
        weather_effects.hours_added(sky, network.hubs.height, 7 * WEEKS),
        size,
        seed,
    )
    tables |= {
        "weather_observations": weather_tables.list_observations(sky),
        "weather_forecasts": weather_tables.list_forecasts(sky, seed),
        "weather_warnings": weather_tables.list_warnings(sky),
    }
    progress.step(steps, steps, "done")
    truth = tell_truth(network, factors, sky, influences, future, trade, promoted, sold.future)
    return Sample({name: tables[name] for name in TABLES if name in tables}, truth)


class _Sold:
    """What merchants sold: of the history, of the days after it, and by route of the last weeks."""

    def __init__(
        self,
        network: Network,
        scale: Scale,
        trade: Trade,
        promoted: Promoted,
        influences: Influences,
        flows: list[_Flow],
        seed: int,
    ) -> None:
        history = history_length()
        first = max(history - scale.sales_days, 0)
        parcels: npt.NDArray[np.int64] = np.stack([flow.parcels for flow in flows]).sum(axis=0, dtype=np.int64)
        drawn = sales.draw_shipments(trade, promoted, influences.merchants, parcels, first, seed)
        self.history = sales.list_sales(network, trade, drawn[:, :, : history - first], first, seed)
        self.future = sales.list_sales(network, trade, drawn[:, :, history - first :], history, seed)
        recent = history - 7 * WEEKS
        window = slice(recent - first, history - first + 1)
        self.senders = sales.list_senders(network, trade, drawn[:, :, window], recent)


def _promoted_sending(network: Network, plan: OutletPlan, promoted: Promoted) -> Floats:
    """Factor on what each catchment sends of each courier, by promotions of its region and outlets."""
    sending = np.ones((len(COURIERS), len(network.home), promoted.outlets.shape[1]))
    np.add.at(sending, (plan.courier, plan.catchment), plan.send[:, None] * (promoted.outlets - 1.0))
    return sending * promoted.catchments[None, :, :]


def _list_network(
    network: Network, scale: Scale, plan: OutletPlan, lanes: pl.DataFrame, flows: list[_Flow], seed: int
) -> dict[str, pl.DataFrame]:
    """List what is carried and by what: hubs and their hours, outlets, lanes, vehicles, volumes."""
    volumes = pl.concat([flow.volumes for flow in flows]).sort(
        "date", "courier_id", "origin_hub_id", "destination_hub_id"
    )
    outlet_volumes = pl.concat([flow.outlet_volumes for flow in flows]).sort("date", "outlet_id", "direction")
    hubs = equip_hubs(network, lanes, np.sum([flow.normal for flow in flows], axis=0), seed)
    return {
        "regions": list_regions(network),
        "hubs": hubs,
        "hub_sorts": sorts.list_sorts(hubs),
        "hand_in_profile": sorts.list_hand_in(),
        "delivery_waves": sorts.list_delivery_waves(hubs),
        "couriers": list_couriers(),
        "outlets": _with_capacity(plan, outlet_volumes, seed),
        "lanes": lanes,
        "vehicle_types": list_vehicle_types(scale),
        "lane_vehicles": list_lane_vehicles(lanes),
        "events": build_calendar("CN"),
        "network_changes": list_changes(network),
        "route_volumes": volumes,
        "outlet_volumes": outlet_volumes,
    }


def _list_trade(
    network: Network,
    scale: Scale,
    trade: Trade,
    promoted: Promoted,
    sold: _Sold,
    flows: list[_Flow],
    factors: DayFactors,
    seed: int,
) -> dict[str, pl.DataFrame]:
    """List what is sold and by whom: merchants, goods, stock, promotions, couriers' prices and capacity."""
    warehouses = commerce.list_warehouses(network, scale, seed)
    days = factors.days[: history_length()]
    return {
        "warehouses": warehouses,
        "merchants": trade.merchants,
        "merchant_plans": trade.plans,
        "categories": list_categories(),
        "courier_preferences": commerce.list_preferences(trade.merchants, seed),
        "courier_capacity": commerce.list_courier_capacity([flow.daily for flow in flows], days, seed),
        "courier_rates": commerce.list_rates(network, [flow.served for flow in flows], seed),
        "promotions": promoted.table,
        "sales": sold.history,
        "stock": commerce.list_stock(network, warehouses, trade, sold.history, seed),
        "sourcing": sales.list_sourcing(network, trade, sold.senders),
    }


def _flow(
    network: Network,
    plan: OutletPlan,
    scale: Scale,
    seed: int,
    courier: int,
    factors: DayFactors,
    influences: Influences,
    promoted: Promoted,
) -> _Flow:
    """Parcels of one courier: by route up to the as-of date and after it, and by outlet."""
    random = stream(seed, f"counts-{courier}")
    expected = expect_parcels(network, scale, seed, courier, factors, influences)
    parcels = draw_parcels(expected, random)
    del expected
    history = history_length()
    sent, received = parcels.sum(axis=1, dtype=np.int64), parcels.sum(axis=0, dtype=np.int64)
    by_hub = gather_by_hub(network, parcels)
    rows = list_volumes(network, courier, by_hub)
    pieces = []
    sending = plan.send[:, None] * promoted.outlets[:, :history]
    for direction, volume, share in (("pickup", sent, sending), ("delivery", received, plan.receive)):
        members, counts = split_over_outlets(plan, courier, volume[:, :history], share, random)
        pieces.append(_outlet_rows(plan, members, counts, direction))
    recent = by_hub[:, :, history - 28 : history]
    return _Flow(
        volumes=rows.filter(pl.col("date") <= AS_OF),
        outlet_volumes=pl.concat(pieces),
        future=rows.filter(pl.col("date") > AS_OF),
        parcels=parcels,
        normal=np.asarray(recent.mean(axis=2), dtype=np.float64),
        served=_served(network, by_hub[:, :, :history]),
        daily=by_hub[:, :, :history].sum(axis=(0, 1), dtype=np.float64),
    )


def _served(network: Network, parcels: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Which hub pairs a courier has ever served, among the hubs still open, shape (hubs, hubs)."""
    is_open = network.open_on(AS_OF)
    return np.asarray((parcels > 0).any(axis=2) & is_open[:, None] & is_open[None, :])


def _outlet_rows(
    plan: OutletPlan, members: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], direction: str
) -> pl.DataFrame:
    outlet, day = np.nonzero(counts)
    return pl.DataFrame(
        {
            "date": pl.Series(all_days()).gather(day),
            "outlet_id": plan.outlets["outlet_id"].gather(members[outlet]),
            "direction": pl.repeat(direction, len(outlet), eager=True),
            "parcels": counts[outlet, day],
        }
    )


def _with_capacity(plan: OutletPlan, outlet_volumes: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Table ``outlets``: capacities of 1.4 to 2.4 times the mean of the last four weeks."""
    random = stream(seed, "outlet-capacity")
    recent = outlet_volumes.filter(pl.col("date") > AS_OF - timedelta(days=28))
    mean = recent.group_by("outlet_id", "direction").agg(pl.col("parcels").sum() / 28.0)
    wide = mean.pivot("direction", index="outlet_id", values="parcels", on_columns=["pickup", "delivery"])
    spare = random.uniform(1.4, 2.4, (plan.outlets.height, 2))
    return (
        plan.outlets.with_columns(spare_pickup=pl.Series(spare[:, 0]), spare_delivery=pl.Series(spare[:, 1]))
        .join(wide, on="outlet_id", how="left", maintain_order="left")
        .with_columns(
            (pl.max_horizontal(pl.col(name).fill_null(0.0) * pl.col(f"spare_{name}"), 20.0) / 10.0)
            .ceil()
            .cast(pl.Int64)
            .mul(10)
            .alias(f"{name}_capacity")
            for name in ("pickup", "delivery")
        )
        .drop("spare_pickup", "spare_delivery", "pickup", "delivery")
        .sort("outlet_id")
    )
