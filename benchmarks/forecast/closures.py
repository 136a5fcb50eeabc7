"""``python -m benchmarks.forecast.closures``: forecasts after a hub was closed, told and found, beside the same without a closure.

At each cut-off a hub's parcels of the last 5 to 14 days are moved to its neighbours, the two hubs it sends most to; after the cut-off it is
open again, as it was. Writes ``docs/measured/closures.md``. ``--cutoffs N`` takes the first N of the eight.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from benchmarks.forecast.cases import NORMAL, china
from benchmarks.machine import describe_machine, shared_folder
from data.closings import find_closings
from forecasting.forecast import forecast
from forecasting.inputs import ForecastInputs, ForecastSettings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "measured" / "closures.md"
HORIZON = 14
LENGTHS = (5, 14, 9, 7, 12, 6, 10, 8)
"""Days the hub is shut before each cut-off."""

RANKS = (3, 5, 4, 7, 3, 6, 4, 5)
"""Place of the hub by what it sends and receives in four weeks, at each cut-off: 0 is the largest."""

REAL = (dt.date(2021, 9, 7), "DC10", dt.date(2021, 8, 25))
"""A hub that was shut for 14 days: the last of them, its id, the first."""

SETTINGS = ForecastSettings(use_prophet=False)
Accuracy = Mapping[str, float]


@dataclass(frozen=True)
class ClosureRow:
    """One cut-off: what was shut, and the accuracy of each forecast by level."""

    as_of: dt.date
    hub_id: str
    days: int
    share: float
    found: bool
    accuracy: Mapping[str, Accuracy]


def measure(inputs: ForecastInputs, cutoffs: int) -> list[ClosureRow]:
    """Measure the first cut-offs."""
    rows = []
    for as_of, days, rank in list(zip(NORMAL, LENGTHS, RANKS, strict=True))[:cutoffs]:
        known = inputs.route_volumes.filter(pl.col("date") <= as_of)
        hub, share = hub_of_rank(known.filter(pl.col("date") > as_of - dt.timedelta(days=28)), rank)
        first = as_of - dt.timedelta(days=days - 1)
        shut = replace(inputs, route_volumes=move_away(known, hub, first))
        announced = replace(shut, network_changes=announced_closing(hub, first, as_of))
        found = any(one.hub_id == hub and one.until is None for one in find_closings(shut.route_volumes))
        accuracy = {
            name: score(inputs, each, as_of)
            for name, each in (("untouched", inputs), ("told", announced), ("found", shut))
        }
        rows.append(ClosureRow(as_of, hub, days, share, found, accuracy))
    return rows


def hub_of_rank(volumes: pl.DataFrame, rank: int) -> tuple[str, float]:
    """Return a hub by its size, and its mean part of the network's outflow and inflow.

    Hubs of less than 1 % do not count: what is shut must be seen.
    """
    ends = [volumes.select(pl.col(end).alias("hub_id"), "parcels") for end in ("origin_hub_id", "destination_hub_id")]
    sizes = pl.concat(ends).group_by("hub_id").agg(pl.col("parcels").sum() / (2 * volumes["parcels"].sum()))
    sizes = sizes.filter(pl.col("parcels") >= 0.01).sort("parcels", "hub_id", descending=[True, False])
    hub, share = sizes.row(min(rank, sizes.height - 1))
    return str(hub), float(share)


def measure_real(inputs: ForecastInputs) -> Mapping[str, Accuracy]:
    """Measure the closure that stands in the data, on the day it ended."""
    as_of, hub, first = REAL
    announced = replace(inputs, network_changes=announced_closing(hub, first, as_of, "in"))
    return {name: score(inputs, each, as_of) for name, each in (("told", announced), ("found", inputs))}


def move_away(volumes: pl.DataFrame, hub: str, first: dt.date) -> pl.DataFrame:
    """Move what a hub sends and receives from a day on to the two hubs it sends most to, by halves."""
    sent = volumes.filter(pl.col("origin_hub_id") == hub, pl.col("destination_hub_id") != hub)
    sent = sent.filter(pl.col("date") >= first - dt.timedelta(days=28))
    largest = sent.group_by("destination_hub_id").agg(pl.col("parcels").sum())
    takers = largest.sort("parcels", "destination_hub_id", descending=[True, False])["destination_hub_id"].head(2)
    touched = (pl.col("date") >= first) & ((pl.col("origin_hub_id") == hub) | (pl.col("destination_hub_id") == hub))
    moved = volumes.filter(touched)
    halves = []
    for at, taker in enumerate(takers.to_list()):
        part = pl.col("parcels") // 2 if at else pl.col("parcels") - pl.col("parcels") // 2
        ends = [pl.col(name).replace({hub: taker}) for name in ("origin_hub_id", "destination_hub_id")]
        halves.append(moved.with_columns(*ends, part))
    keys = [name for name in volumes.columns if name != "parcels"]
    whole = pl.concat([volumes.filter(~touched), *halves]).group_by(keys).agg(pl.col("parcels").sum())
    return whole.select(volumes.columns).sort(keys)


def announced_closing(hub: str, first: dt.date, last: dt.date, direction: str | None = None) -> pl.DataFrame:
    """Write the row of ``network_changes`` that tells a closing."""
    row = {
        "change_id": "shut",
        "date": first,
        "until": last,
        "scope": "hub",
        "hub_id": hub,
        "direction": direction,
        "change": "closes",
        "successor_hub_id": None,
        "share": None,
    }
    kinds = {"direction": pl.String, "successor_hub_id": pl.String, "share": pl.Float64}
    return pl.DataFrame([row], schema_overrides=kinds)


def score(inputs: ForecastInputs, known: ForecastInputs, as_of: dt.date) -> Accuracy:
    """Forecast two weeks from a view of the tables, and compare with what came."""
    made = forecast(known, as_of, HORIZON, seed=0, settings=SETTINGS)
    last = as_of + dt.timedelta(days=HORIZON)
    keys = ["date", "origin_hub_id", "destination_hub_id"]
    came = inputs.route_volumes.filter(pl.col("date") > as_of, pl.col("date") <= last)
    came = came.group_by(keys).agg(pl.col("parcels").sum().cast(pl.Float64))
    mean = made.route.group_by(keys).agg(pl.col("mean").sum().cast(pl.Float64))
    both = mean.join(came, on=keys, how="full", coalesce=True).fill_null(0.0)
    total = float(both["parcels"].sum())
    levels = {"route": keys, "hub in": keys[::2], "hub out": keys[:2], "network": keys[:1]}
    accuracy = {}
    for level, by in levels.items():
        sums = both.group_by(by).agg(pl.col("mean", "parcels").sum())
        accuracy[level] = 1.0 - float((sums["mean"] - sums["parcels"]).abs().sum()) / total
    return accuracy


def write_page(rows: Sequence[ClosureRow], real: Mapping[str, Accuracy], machine: str, seconds: float) -> str:
    """Lay out one run."""
    lines = [
        "# Forecasts after a closure: one run",
        "",
        f"Written by `python -m benchmarks.forecast.closures --cutoffs {len(rows)}`: {machine}, {seconds:.0f} s. Accuracy (1 − WAPE) of {HORIZON} days by",
        "route and day, hub and day; trees, no Prophet. Before each cut-off of the Chinese network a hub's parcels are moved to two neighbours; after it",
        "the hub is open. *Untouched* knows no closure; *told* has its row in `network_changes`; *found* has none, and does not know that it ends.",
        "",
        "| last day known | hub | share | days shut | found | route: untouched | told | found | hub in: untouched | told | found |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            f"{row.accuracy[name][level]:.3f}"
            for level in ("route", "hub in")
            for name in ("untouched", "told", "found")
        ]
        lines.append(
            f"| {row.as_of} | {row.hub_id} | {row.share:.1%} | {row.days} | {'yes' if row.found else 'no'} | {' | '.join(cells)} |"
        )
    mean = {
        (level, name): sum(row.accuracy[name][level] for row in rows) / max(len(rows), 1)
        for level in ("route", "hub in", "network")
        for name in ("untouched", "told", "found")
    }
    lines += ["", "| mean, points below untouched | told | found | aim told | aim found |", "|---|---|---|---|---|"]
    for level, aims in (("route", ("1.5", "4")), ("hub in", ("", "")), ("network", ("", ""))):
        below = [f"{100 * (mean[level, 'untouched'] - mean[level, name]):.1f}" for name in ("told", "found")]
        lines.append(f"| {level} | {' | '.join([*below, *aims])} |")
    as_of, hub, first = REAL
    lines += [
        "",
        f"The real closure of hub {hub} from {first} to {as_of}, from its last day. It came back with two fifths of its share, and another hub shut two days",
        "later, so that *told*, the shares of before, is not what came:",
        "",
        "| | route | hub in | hub out | network |",
        "|---|---|---|---|---|",
    ]
    for name, figures in real.items():
        lines.append(
            f"| {name} | "
            + " | ".join(f"{figures[level]:.3f}" for level in ("route", "hub in", "hub out", "network"))
            + " |"
        )
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Measure and write the page."""
    shared = shared_folder()
    if shared is None:
        print("No real data: set PARCELRADAR_SHARED to a folder that holds real/.", file=sys.stderr)
        return 1
    cutoffs = int(arguments[arguments.index("--cutoffs") + 1]) if "--cutoffs" in arguments else len(NORMAL)
    started = time.monotonic()
    inputs = china(shared)
    page = write_page(measure(inputs, cutoffs), measure_real(inputs), describe_machine(), time.monotonic() - started)
    PAGE.write_text(page, encoding="utf-8")
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
