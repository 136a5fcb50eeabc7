"""Hubs, their catchments over time, outlets, couriers and lanes of a sample network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from data.arrays import Floats, Ints
from data.constants import constant
from data.geography import Mode, great_circle_km, ground_km, transit_hours
from data.sample.places import all_cities, provinces
from data.sample.scale import AS_OF, FIRST_DAY, Scale, stream

COURIERS = (
    ("C1", "Lanma Express", 0.36),
    ("C2", "Qinghe Parcel", 0.28),
    ("C3", "Beichen Express", 0.21),
    ("C4", "Nanfeng Courier", 0.15),
)
_NAMES_ZH = ("岚马快递", "青禾速递", "北辰快运", "南枫快递")


@dataclass(frozen=True)
class GroundRules:
    """Where hubs stand and roads lead."""

    hub_spacing: float = constant(55.0, "km", "between two hubs at least", "judgement")
    road_limit: float = constant(2600.0, "km", "of a road of the backbone at most", "judgement")


GROUND = GroundRules()


@dataclass(frozen=True)
class HubChange:
    """A catchment passes from one hub to another.

    Parameters
    ----------
    day
        First day under the new hub.
    hub
        Number of the hub that opens, closes or moves.
    change
        ``opens``, ``closes`` or ``moves``.
    catchment
        Number of the catchment that passes.
    before, after
        Numbers of the hubs that serve the catchment before and from that day.
    share
        Share of the hub's volume that the catchment is.
    """

    day: date
    hub: int
    change: str
    catchment: int
    before: int
    after: int
    share: float


@dataclass(frozen=True)
class Network:
    """Hubs and the catchments behind them, all as arrays in one order.

    Parameters
    ----------
    hubs
        ``hub_id``, ``name``, ``name_zh``, ``region_id``, ``latitude``, ``longitude``, one row a hub.
    cities
        Cities with outlets: columns of ``all_cities`` and ``catchment``.
    home
        Hub of each catchment in the first order (catchment k < number of hubs is hub k's own), shape (catchments,).
    part
        Share of the home hub's volume that the catchment is, shape (catchments,).
    send, receive
        Shares of all parcels, shape (catchments,), each sums to 1.
    changes
        Changes in the order of their days.
    """

    hubs: pl.DataFrame
    cities: pl.DataFrame
    home: Ints
    part: Floats
    send: Floats
    receive: Floats
    changes: tuple[HubChange, ...]

    @property
    def hub_ids(self) -> list[str]:
        """Ids of the hubs in their order."""
        return self.hubs["hub_id"].to_list()

    def hubs_on(self, day: date) -> Ints:
        """Number of the hub that serves each catchment on a day, shape (catchments,)."""
        serving = self.home.copy()
        for change in self.changes:
            serving[change.catchment] = change.after if day >= change.day else change.before
        return serving

    def open_on(self, day: date) -> npt.NDArray[np.bool_]:
        """Tell which hubs serve any catchment on a day, shape (hubs,)."""
        is_open = np.zeros(self.hubs.height, dtype=bool)
        is_open[self.hubs_on(day)] = True
        return is_open


def build_network(scale: Scale, seed: int) -> Network:
    """Place hubs in the cities with most parcels, share the other cities out, and let some hubs open, close and move.

    Parameters
    ----------
    scale
        Size of the network.
    seed
        Seed of the sample.
    """
    cities = all_cities()
    hub_cities = _choose_hub_cities(cities, scale)
    hubs = hub_cities.select(
        pl.Series("hub_id", _codes(hub_cities["name"].to_list())),
        pl.format("{} hub", "name").alias("name"),
        pl.col("name_zh"),
        pl.col("province_id").alias("region_id"),
        "latitude",
        "longitude",
        "city_id",
    )
    served = cities.filter(pl.col("province_id").is_in(hubs["region_id"].unique().to_list()))
    # A city that has a hub always has outlets.
    served = served.sort(
        pl.col("city_id").is_in(hubs["city_id"].to_list()),
        pl.col("send") + pl.col("receive"),
        "city_id",
        descending=[True, True, False],
    ).head(max(scale.cities, scale.hubs))
    served = served.with_columns(catchment=pl.Series(_nearest_hub(served, hubs)))
    weights = (
        pl.DataFrame({"catchment": np.arange(hubs.height)})
        .join(served.group_by("catchment").agg(pl.col("send", "receive").sum()), on="catchment", how="left")
        .fill_null(0.0)
        .sort("catchment")
    )
    changes = _plan_changes(hubs, weights["send"].to_numpy() + weights["receive"].to_numpy(), scale, seed)
    return _with_catchments(hubs, served, weights, changes)


def _choose_hub_cities(cities: pl.DataFrame, scale: Scale) -> pl.DataFrame:
    """The best city of every province first, then the best of the rest, none close to another."""
    weight = pl.col("send") + pl.col("receive")
    ranked = cities.with_columns(
        place=weight.rank("ordinal", descending=True).over("province_id"), province=weight.sum().over("province_id")
    ).sort(
        pl.col("place") > 1, pl.when(pl.col("place") == 1).then("province").otherwise(weight), descending=[False, True]
    )
    latitude, longitude = ranked["latitude"].to_numpy(), ranked["longitude"].to_numpy()
    provinces_of = ranked["province_id"].to_list()
    chosen: list[int] = []
    for number in range(ranked.height):
        if len(chosen) == scale.hubs:
            break
        same = sum(provinces_of[other] == provinces_of[number] for other in chosen)
        if same >= scale.hubs_a_province:
            continue
        apart = great_circle_km(latitude[number], longitude[number], latitude[chosen], longitude[chosen])
        if same == 0 or apart.min() >= GROUND.hub_spacing:
            chosen.append(number)
    return ranked[chosen].sort("send", "city_id", descending=[True, False])


def _codes(names: list[str]) -> list[str]:
    """Three letters a city, as airports have them: the first letters of the name, else the next that are free."""
    taken: list[str] = []
    for name in names:
        letters = "".join(letter for letter in name.upper() if "A" <= letter <= "Z")
        pairs = [(i, j) for j in range(2, len(letters)) for i in range(1, j)]
        options = [letters[0] + letters[i] + letters[j] for i, j in pairs]
        options += [letters[:2].ljust(2, "X") + chr(code) for code in range(ord("A"), ord("Z") + 1)]
        taken.append(next(option for option in options if option not in taken))
    return taken


def _nearest_hub(cities: pl.DataFrame, hubs: pl.DataFrame) -> Ints:
    """Number of the nearest hub in the same province, shape (cities,)."""
    distance = great_circle_km(
        cities["latitude"].to_numpy()[:, None],
        cities["longitude"].to_numpy()[:, None],
        hubs["latitude"].to_numpy()[None, :],
        hubs["longitude"].to_numpy()[None, :],
    )
    other = cities["province_id"].to_numpy()[:, None] != hubs["region_id"].to_numpy()[None, :]
    return np.asarray(np.where(other, np.inf, distance).argmin(axis=1), dtype=np.int64)


def hub_distances(hubs: pl.DataFrame) -> Floats:
    """Great-circle distances between all hubs, shape (hubs, hubs) [km]."""
    latitude, longitude = hubs["latitude"].to_numpy(), hubs["longitude"].to_numpy()
    return great_circle_km(latitude[:, None], longitude[:, None], latitude[None, :], longitude[None, :])


def _plan_changes(
    hubs: pl.DataFrame, weight: Floats, scale: Scale, seed: int
) -> list[tuple[str, date, int, int, float]]:
    """Choose (change, day, hub, successor, share) among the lighter hubs; neighbours take over."""
    random = stream(seed, "changes")
    distance = hub_distances(hubs)
    np.fill_diagonal(distance, np.inf)
    # Only a light hub with a neighbour at hand can go: its customers must still be reached.
    light = np.argsort(weight, kind="stable")[: max(len(weight) // 2, scale.closings + scale.openings)]
    light = light[np.argsort(distance[light].min(axis=1), kind="stable")][: 2 * (scale.closings + scale.openings)]
    light = random.permutation(light)
    used: set[int] = set()
    changes: list[tuple[str, date, int, int, float]] = []
    for number, hub in enumerate(light[: scale.closings + scale.openings].tolist()):
        near = [other for other in np.argsort(distance[hub], kind="stable").tolist() if other not in used | {hub}]
        near = [other for other in near if other not in light[: scale.closings + scale.openings].tolist()]
        used |= {hub}
        if number < scale.closings:
            day = FIRST_DAY + timedelta(days=int(random.integers(420, 700)))
            changes += [("closes", day, hub, near[0], 0.6), ("closes", day, hub, near[1], 0.4)]
        else:
            day = FIRST_DAY + timedelta(days=int(random.integers(250, 650)))
            changes.append(("opens", day, hub, near[0], 1.0))
    # One hub hands a part to its neighbour for good, a third of a year before the end.
    heavy = next(hub for hub in np.argsort(-weight, kind="stable").tolist()[3:] if hub not in used)
    near = [other for other in np.argsort(distance[heavy], kind="stable").tolist() if other not in used]
    changes.append(("moves", AS_OF - timedelta(days=120), heavy, near[0], 0.3))
    return changes


def _with_catchments(
    hubs: pl.DataFrame,
    cities: pl.DataFrame,
    weights: pl.DataFrame,
    planned: list[tuple[str, date, int, int, float]],
) -> Network:
    """Split a hub that changes into the catchments that go different ways."""
    count = hubs.height
    home = list(range(count))
    part = [1.0] * count
    changes: list[HubChange] = []
    split: set[int] = set()
    for change, day, hub, successor, share in planned:
        catchment = hub
        if hub in split or change == "moves":
            catchment = len(home)
            home.append(hub)
            part.append(share)
        else:
            part[hub] = share
        if change == "moves":
            part[hub] = 1.0 - share
        split.add(hub)
        before, after = (successor, hub) if change == "opens" else (hub, successor)
        changes.append(HubChange(day, hub, change, catchment, before, after, share))
    home_numbers, parts = np.asarray(home, dtype=np.int64), np.asarray(part)
    send = weights["send"].to_numpy()[home_numbers] * parts
    receive = weights["receive"].to_numpy()[home_numbers] * parts
    ordered = tuple(sorted(changes, key=lambda change: (change.day, change.catchment)))
    return Network(hubs, cities, home_numbers, parts, send / send.sum(), receive / receive.sum(), ordered)


def list_regions(network: Network) -> pl.DataFrame:
    """List the provinces with hubs and, below them, the cities with outlets: table ``regions``."""
    centre = network.cities.group_by("province_id").agg(
        (pl.col("latitude") * pl.col("population")).sum() / pl.col("population").sum(),
        (pl.col("longitude") * pl.col("population")).sum() / pl.col("population").sum(),
    )
    upper = (
        provinces()
        .join(centre, on="province_id")
        .select(
            pl.col("province_id").alias("region_id"),
            "name",
            "name_zh",
            pl.lit(None, dtype=pl.String).alias("parent_region_id"),
            pl.col("latitude").round(4),
            pl.col("longitude").round(4),
        )
    )
    lower = network.cities.select(
        pl.col("city_id").alias("region_id"),
        "name",
        "name_zh",
        pl.col("province_id").alias("parent_region_id"),
        "latitude",
        "longitude",
    )
    return pl.concat([upper, lower]).sort("region_id")


def list_changes(network: Network) -> pl.DataFrame:
    """List the changes of the network: table ``network_changes``.

    A hub that opens names in ``successor_hub_id`` the hub it relieves, and in ``share`` the part of that hub's volume it takes.
    """
    ids = network.hub_ids
    reason = {"opens": "new hub", "closes": "lease ended", "moves": "relief of a busy hub"}
    weight = network.send + network.receive
    rows = []
    for change in network.changes:
        other, share = change.after, change.share
        if change.change == "opens":
            # Told from the side of the hub that is relieved: what part of its volume the new hub takes.
            other = change.before
            share = float(weight[change.catchment] / (weight[network.home == other].sum() + weight[change.catchment]))
        rows.append(
            (
                f"{change.change}-{ids[change.hub]}",
                change.day,
                ids[change.hub],
                change.change,
                ids[other],
                round(share, 3),
                reason[change.change],
            )
        )
    schema = {
        "change_id": pl.String,
        "date": pl.Date,
        "hub_id": pl.String,
        "change": pl.String,
        "successor_hub_id": pl.String,
        "share": pl.Float64,
        "reason": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row").sort("date", "change_id", "successor_hub_id")


def list_couriers() -> pl.DataFrame:
    """List the couriers: table ``couriers``. The names are invented."""
    ids, names, _ = zip(*COURIERS, strict=True)
    return pl.DataFrame({"courier_id": ids, "name": names, "name_zh": _NAMES_ZH})


def build_lanes(network: Network, scale: Scale) -> pl.DataFrame:
    """Lay lanes between the hubs open at the as-of date: table ``lanes``.

    Road lanes go both ways between each hub and its nearest ones, and among the backbone, the hubs with most parcels;
    rail and air join the far ends of the backbone.
    """
    is_open = network.open_on(AS_OF)
    distance = hub_distances(network.hubs)
    weight = np.bincount(network.hubs_on(AS_OF), network.send + network.receive, minlength=network.hubs.height)
    usable = is_open[:, None] & is_open[None, :] & ~np.eye(len(is_open), dtype=bool)
    rank = np.argsort(np.argsort(np.where(usable, distance, np.inf), axis=1, kind="stable"), axis=1, kind="stable")
    near = (rank < scale.neighbours) & usable
    trunk = np.zeros(len(is_open), dtype=bool)
    trunk[np.argsort(-weight, kind="stable")[: scale.backbone]] = True
    backbone = trunk[:, None] & trunk[None, :] & usable & (distance < GROUND.road_limit)
    road = near | near.T | backbone
    worth = np.where(trunk[:, None] & trunk[None, :] & usable, weight[:, None] * weight[None, :], 0.0)
    rail = _best_pairs(np.where(distance > 600.0, worth, 0.0), scale.rail_lanes)
    air = _best_pairs(np.where(distance > 1100.0, worth, 0.0), scale.air_lanes)
    modes: tuple[tuple[Mode, npt.NDArray[np.bool_], float, int | None], ...] = (
        ("road", road, 0.01, None),
        ("rail", rail, 0.12, 4),
        ("air", air, 0.40, 2),
    )
    pieces = [_lanes_of(network, mode, pairs, cost, limit) for mode, pairs, cost, limit in modes]
    return pl.concat(pieces).sort("lane_id")


def _best_pairs(worth: Floats, lanes: int) -> npt.NDArray[np.bool_]:
    """The pairs of hubs worth most, both ways, ``lanes`` directed lanes in all."""
    upper = np.triu(worth)
    chosen = np.argsort(-upper, axis=None, kind="stable")[: lanes // 2]
    pairs = np.zeros(worth.shape, dtype=bool)
    pairs.flat[chosen[upper.flat[chosen] > 0.0]] = True
    return pairs | pairs.T


def _lanes_of(
    network: Network, mode: Mode, pairs: npt.NDArray[np.bool_], parcel_cost: float, limit: int | None
) -> pl.DataFrame:
    origin, destination = np.nonzero(pairs)
    latitude, longitude = network.hubs["latitude"].to_numpy(), network.hubs["longitude"].to_numpy()
    distance = ground_km(latitude[origin], longitude[origin], latitude[destination], longitude[destination], mode)
    ids = np.asarray(network.hub_ids, dtype=object)
    return pl.DataFrame(
        {
            "origin_hub_id": ids[origin].tolist(),
            "destination_hub_id": ids[destination].tolist(),
            "mode": [mode] * len(origin),
            "distance_km": distance.round(1),
            "transit_hours": transit_hours(distance, mode).round(1),
            "parcel_cost": [parcel_cost] * len(origin),
            "departure_limit": pl.Series([limit] * len(origin), dtype=pl.Int64),
        },
        schema_overrides={"origin_hub_id": pl.String, "destination_hub_id": pl.String, "mode": pl.String},
    ).select(pl.format("{}-{}-{}", "origin_hub_id", "destination_hub_id", "mode").alias("lane_id"), pl.all())
