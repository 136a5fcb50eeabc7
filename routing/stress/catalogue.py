"""What may happen in the days of a plan, and how likely: what the workspace says, and what befalls any network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING

from data.constants import constant
from routing.stress.incidents import Incident, Scenario, local_time

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class BaseRates:
    """How likely what befalls any network is in the week of a peak, and how bad it is."""

    hub_shut: float = constant(0.01, "share", "a hub is shut for hours: power, fire alarm, a belt", "judgement")
    hub_hours: float = constant(12.0, "hours", "for how long", "judgement")
    lane_shut: float = constant(0.02, "share", "a pair of hubs has no road for a day: accident, fog, snow", "judgement")
    train_late: float = constant(0.05, "share", "a train is late", "judgement")
    train_hours: float = constant(12.0, "hours", "by how much", "judgement")
    fleet_gone: float = constant(0.05, "share", "hired vehicles do not come", "judgement")
    fleet_share: float = constant(0.2, "share", "of all vehicles, on the days of the peak", "judgement")
    volume: float = constant(0.05, "share", "far more comes than forecast on two days", "judgement")
    volume_ratio: float = constant(1.3, "ratio", "times what was forecast", "judgement")
    peak_days: int = constant(4, "days", "of the peak on which vehicles lack", "judgement")


RATES = BaseRates()


def list_likely(
    tables: Mapping[str, pl.DataFrame], given: Sequence[Scenario], closures: pl.DataFrame | None, zone: tzinfo
) -> list[tuple[Scenario, float]]:
    """List what may happen with its probability in the days of a plan.

    Parameters
    ----------
    tables
        Of the plan: ``hub_loads``, ``trunk_departures``, ``lanes``.
    given
        Scenarios of the workspace; their likelihood is that of all their incidents, a certain one counts as told by the kind.
    closures
        ``lane_closures``: closures the weather makes possible.
    zone
        Of the plan's days.

    Returns
    -------
    list of (Scenario, probability)
        Those given first; then closures by weather, each hub shut on its fullest day, each pair of hubs without a road on its fullest day,
        each train late, vehicles that do not come, more volume.
    """
    found = [(scenario, _likelihood(scenario)) for scenario in given]
    found += _weather(closures, tables, zone)
    found += _hubs(tables) + _roads(tables) + _trains(tables) + _network(tables)
    names = set()
    return [(one, p) for one, p in found if one.name not in names and not names.add(one.name)]  # type: ignore[func-returns-value]


def _likelihood(scenario: Scenario) -> float:
    of_kind = {
        "hub_shut": RATES.hub_shut,
        "lane_shut": RATES.lane_shut,
        "fleet_gone": RATES.fleet_gone,
        "volume": RATES.volume,
        "late_inbound": RATES.train_late,
    }
    likely = 1.0
    for kind in {one.kind for one in scenario.incidents if one.probability is None}:
        likely *= of_kind.get(kind, RATES.hub_shut)
    for one in scenario.incidents:
        likely *= 1.0 if one.probability is None else one.probability
    return likely


def _weather(
    closures: pl.DataFrame | None, tables: Mapping[str, pl.DataFrame], zone: tzinfo
) -> list[tuple[Scenario, float]]:
    """One scenario a lane and closure: with its own hours and probability, played as if it came."""
    if closures is None or closures.is_empty():
        return []
    days = tables["route_demand"]["date"]
    first, last = days.min(), days.max()
    lanes = set(tables["trunk_departures"]["lane_id"])
    found = []
    for row in closures.sort("probability", "lane_id", descending=[True, False]).to_dicts():
        starts, ends = local_time(row["starts_at"], zone), local_time(row["ends_at"], zone)
        within = isinstance(first, date) and isinstance(last, date) and starts.date() <= last and ends.date() >= first
        if row["lane_id"] in lanes and within and row["probability"] > 0:
            incident = Incident("lane_shut", starts, ends, lane_id=row["lane_id"])
            name = f"{row['lane_id']} closed by {row['cause']} from {starts:%m-%d %H:%M}"
            found.append((Scenario(name, (incident,)), float(row["probability"])))
    return found


def _hubs(tables: Mapping[str, pl.DataFrame]) -> list[tuple[Scenario, float]]:
    loads = tables["hub_loads"].group_by("date", "hub_id").agg(_sum("handled")).sort("handled", "hub_id", "date")
    fullest = loads.unique("hub_id", keep="last", maintain_order=True).sort("hub_id")
    found = []
    for row in fullest.filter(fullest["handled"] > 0).to_dicts():
        starts = datetime.combine(row["date"], time())
        ends = starts + timedelta(hours=RATES.hub_hours)
        name = f"{row['hub_id']} shut for {RATES.hub_hours:g} h on {row['date']:%m-%d}"
        found.append((Scenario(name, (Incident("hub_shut", starts, ends, hub_id=row["hub_id"]),)), RATES.hub_shut))
    return found


def _roads(tables: Mapping[str, pl.DataFrame]) -> list[tuple[Scenario, float]]:
    lanes = tables["lanes"].filter(tables["lanes"]["mode"] == "road")
    pairs: dict[tuple[str, str], list[str]] = {}
    for lane, one, other in lanes.select("lane_id", "origin_hub_id", "destination_hub_id").iter_rows():
        pairs.setdefault((min(one, other), max(one, other)), []).append(lane)
    rows = tables["trunk_departures"].group_by("date", "lane_id").agg(_sum("parcels"))
    loads: dict[str, dict[date, int]] = {}
    for when, lane, parcels in rows.select("date", "lane_id", "parcels").iter_rows():
        loads.setdefault(lane, {})[when] = parcels
    found = []
    for (one, other), both in sorted(pairs.items()):
        by_day: dict[date, int] = {}
        for lane in both:
            for when, parcels in loads.get(lane, {}).items():
                by_day[when] = by_day.get(when, 0) + parcels
        if not by_day:
            continue
        fullest = max(sorted(by_day), key=lambda when: by_day[when])
        starts = datetime.combine(fullest, time())
        incidents = tuple(
            Incident("lane_shut", starts, starts + timedelta(days=1), lane_id=lane) for lane in sorted(both)
        )
        found.append((Scenario(f"no road {one} - {other} on {fullest:%m-%d}", incidents), RATES.lane_shut))
    return found


def _trains(tables: Mapping[str, pl.DataFrame]) -> list[tuple[Scenario, float]]:
    rails = set(tables["lanes"].filter(tables["lanes"]["mode"] == "rail")["lane_id"])
    rows = tables["trunk_departures"].group_by("lane_id").agg(_sum("parcels"), _first_day())
    found = []
    for row in rows.sort("lane_id").to_dicts():
        if row["lane_id"] in rails and row["parcels"] > 0:
            starts = datetime.combine(row["date"], time())
            incident = Incident(
                "late_inbound", starts, starts + timedelta(days=7), lane_id=row["lane_id"], amount=RATES.train_hours
            )
            found.append(
                (Scenario(f"trains {row['lane_id']} late by {RATES.train_hours:g} h", (incident,)), RATES.train_late)
            )
    return found


def _network(tables: Mapping[str, pl.DataFrame]) -> list[tuple[Scenario, float]]:
    by_day = (
        tables["route_demand"].group_by("date").agg(_sum("parcels")).sort("parcels", "date", descending=[True, False])
    )
    if by_day.is_empty():
        return []
    peak = datetime.combine(by_day["date"][0], time())
    gone = Incident("fleet_gone", peak, peak + timedelta(days=RATES.peak_days), amount=RATES.fleet_share)
    more = Incident("volume", peak, peak + timedelta(days=2), amount=RATES.volume_ratio)
    return [
        (Scenario(f"{RATES.fleet_share:.0%} of the vehicles do not come from {peak:%m-%d}", (gone,)), RATES.fleet_gone),
        (Scenario(f"{RATES.volume_ratio - 1:.0%} more volume from {peak:%m-%d}", (more,)), RATES.volume),
    ]


def _sum(column: str) -> pl.Expr:
    import polars as pl

    return pl.col(column).sum()


def _first_day() -> pl.Expr:
    import polars as pl

    return pl.col("date").min()
