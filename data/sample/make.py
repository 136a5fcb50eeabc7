"""Puts a sample network together: every reference and history table, and the truth behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from data.calendar import build_calendar
from data.progress import SILENT, Progress
from data.sample import commerce, weather
from data.sample.demand import draw_parcels, expect_parcels, gather_by_hub, list_volumes
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
from data.sample.scale import AS_OF, Scale, all_days, history_length, scale_of, stream
from data.sample.seasons import DayFactors, build_day_factors
from data.sample.truth import Truth, tell_truth
from data.sample.vehicles import equip_hubs, list_lane_vehicles, list_vehicle_types
from data.sample.waybills import WEEKS, list_waybills

Floats = npt.NDArray[np.float64]
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
    normal: Floats
    served: npt.NDArray[np.bool_]
    daily: Floats


def make_sample(scale: str = "small", seed: int = DEFAULT_SEED, progress: Progress = SILENT) -> dict[str, pl.DataFrame]:
    """Make the reference and history tables of a sample network.

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
    dict
        Table by name; every table keeps its contract.

    Raises
    ------
    RadarError
        For an unknown scale.
    """
    return build_sample(scale, seed, progress).tables


def build_sample(scale: str = "small", seed: int = DEFAULT_SEED, progress: Progress = SILENT) -> Sample:
    """Make a sample network with the truth behind it (see ``make_sample``)."""
    size = scale_of(scale)
    steps = len(COURIERS) + 3
    progress.step(0, steps, "network")
    network = build_network(size, seed)
    factors = build_day_factors(seed)
    plan = place_outlets(network, size, seed)
    lanes = build_lanes(network, size)
    progress.step(1, steps, "weather")
    sky = weather.make_weather(network, size, seed)
    out, into = weather.volume_factors(sky, network.hubs.height)
    flows = []
    for courier in range(len(COURIERS)):
        progress.step(2 + courier, steps, f"parcels of {COURIERS[courier][0]}")
        flows.append(_flow(network, plan, size, seed, courier, factors, out, into))
    progress.step(steps - 1, steps, "merchants and waybills")
    volumes = pl.concat([flow.volumes for flow in flows]).sort(
        "date", "courier_id", "origin_hub_id", "destination_hub_id"
    )
    outlet_volumes = pl.concat([flow.outlet_volumes for flow in flows]).sort("date", "outlet_id", "direction")
    future = pl.concat([flow.future for flow in flows])
    normal = [flow.normal for flow in flows]
    merchants = commerce.list_merchants(network, size, seed)
    assortment = commerce.list_assortment(merchants, seed)
    sales = commerce.list_sales(network, assortment, merchants, factors, size, seed)
    warehouses = commerce.list_warehouses(network, size, seed)
    rates = commerce.list_rates(network, [flow.served for flow in flows], seed)
    days = factors.days[: history_length()]
    tables = {
        "regions": list_regions(network),
        "hubs": equip_hubs(network, lanes, np.sum(normal, axis=0), seed),
        "couriers": list_couriers(),
        "outlets": _with_capacity(plan, outlet_volumes, seed),
        "lanes": lanes,
        "vehicle_types": list_vehicle_types(size),
        "lane_vehicles": list_lane_vehicles(lanes),
        "warehouses": warehouses,
        "merchants": merchants,
        "courier_preferences": commerce.list_preferences(merchants, seed),
        "courier_capacity": commerce.list_courier_capacity([flow.daily for flow in flows], days, seed),
        "courier_rates": rates,
        "events": build_calendar("CN"),
        "network_changes": list_changes(network),
        "promotions": commerce.list_promotions(assortment, merchants, seed),
        "waybills": list_waybills(
            network,
            plan,
            pl.concat([volumes, future]),
            rates,
            merchants,
            assortment,
            weather.hours_added(sky, network.hubs.height, 7 * WEEKS),
            size,
            seed,
        ),
        "route_volumes": volumes,
        "outlet_volumes": outlet_volumes,
        "sales": sales,
        "stock": commerce.list_stock(warehouses, merchants, sales, seed),
        "weather_observations": weather.list_observations(sky),
        "weather_forecasts": weather.list_forecasts(sky, seed),
        "weather_warnings": weather.list_warnings(sky),
    }
    progress.step(steps, steps, "done")
    return Sample(tables, tell_truth(network, factors, sky, out, into, future))


def _flow(
    network: Network,
    plan: OutletPlan,
    scale: Scale,
    seed: int,
    courier: int,
    factors: DayFactors,
    out: Floats,
    into: Floats,
) -> _Flow:
    """Parcels of one courier: by route up to the as-of date and after it, and by outlet."""
    random = stream(seed, f"counts-{courier}")
    expected = expect_parcels(network, scale, seed, courier, factors, out, into)
    parcels = draw_parcels(expected, random)
    del expected
    history = history_length()
    sent, received = parcels.sum(axis=1, dtype=np.int64), parcels.sum(axis=0, dtype=np.int64)
    by_hub = gather_by_hub(network, parcels)
    del parcels
    rows = list_volumes(network, courier, by_hub)
    pieces = []
    for direction, volume, share in (("pickup", sent, plan.send), ("delivery", received, plan.receive)):
        members, counts = split_over_outlets(plan, courier, volume[:, :history], share, random)
        pieces.append(_outlet_rows(plan, members, counts, direction))
    recent = by_hub[:, :, history - 28 : history]
    return _Flow(
        volumes=rows.filter(pl.col("date") <= AS_OF),
        outlet_volumes=pl.concat(pieces),
        future=rows.filter(pl.col("date") > AS_OF),
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
