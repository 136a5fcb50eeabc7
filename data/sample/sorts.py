"""Hours of the sample's hubs: their sorts, when parcels are handed in, and when vehicles leave for the outlets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from data.constants import constant

# Opens, cut-off and close of each sort; a light hub has the last two only.
_SORTS = (
    ("day", "09:00", "14:00", "16:00"),
    ("evening", "16:00", "22:00", "24:00"),
    ("night", "24:00", "30:00", "32:00"),
)
_TWO_SORTS = (("evening", "14:00", "22:00", "24:00"), ("night", "24:00", "30:00", "32:00"))
_DELIVERY_WAVES = ("08:00", "14:00")


@dataclass(frozen=True)
class SortRules:
    """Which hubs have fewer sorts, and when parcels are handed in."""

    light_share: float = constant(0.3, "1", "of the hubs, the lightest, that have two sorts a day", "judgement")
    handed_in: Mapping[str, float] = constant(
        {"22:00": 0.7, "30:00": 0.3}, "1", "of a day's parcels that are handed in by then", "judgement"
    )


SORTING = SortRules()


def list_sorts(hubs: pl.DataFrame) -> pl.DataFrame:
    """Share each open hub's sort capacity out over its sorts, to the parcel: table ``hub_sorts``.

    Parameters
    ----------
    hubs
        Table ``hubs``.
    """
    rows = []
    working = _open(hubs)
    light = set(working.sort("sort_capacity", "hub_id")["hub_id"].head(int(SORTING.light_share * working.height)))
    for hub, capacity in working.select("hub_id", "sort_capacity").iter_rows():
        sorts = _TWO_SORTS if hub in light else _SORTS
        for number, (sort, opens, cut_off, closes) in enumerate(sorts):
            part = capacity * (number + 1) // len(sorts) - capacity * number // len(sorts)
            rows.append((hub, sort, opens, cut_off, closes, part))
    columns = ["hub_id", "sort_id", "opens", "cut_off", "closes", "sort_capacity"]
    return pl.DataFrame(rows, schema=columns, orient="row").sort("hub_id", "opens")


def list_hand_in() -> pl.DataFrame:
    """List by when parcels are handed in, on normal and on peak days alike: table ``hand_in_profile``."""
    rows = [("*", kind, hour, share) for kind in ("normal", "peak") for hour, share in SORTING.handed_in.items()]
    return pl.DataFrame(rows, schema=["hub_id", "day_kind", "until_hour", "share"], orient="row")


def list_delivery_waves(hubs: pl.DataFrame) -> pl.DataFrame:
    """List when vehicles leave each open hub for its outlets: table ``delivery_waves``."""
    waves = pl.DataFrame({"leaves": _DELIVERY_WAVES})
    return _open(hubs).select("hub_id").join(waves, how="cross").sort("hub_id", "leaves")


def _open(hubs: pl.DataFrame) -> pl.DataFrame:
    return hubs.filter(pl.col("sort_capacity") > 0).sort("hub_id")
