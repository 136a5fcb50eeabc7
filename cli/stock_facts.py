"""What plans of the stock share: prices of hubs, and what is told of the units counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import say, warn

if TYPE_CHECKING:
    from data.runs import Run
    from routing.stock.on_hand import OnHand


def find_prices(run: Run) -> dict[str, float]:
    """Prices of the latest trunk plan, each hub's mean over the plan's days; empty before the first."""
    import polars as pl

    prices = run.results("hub_prices")
    if prices.is_empty():
        return {}
    days = run.results("hub_loads", prices["run_id"][0])["date"].n_unique()
    mean = prices.group_by("hub_id").agg(pl.col("price").sum() / days).sort("hub_id")
    return {hub: round(price, 6) for hub, price in mean.iter_rows()}


def read_prices(file: Path) -> dict[str, float]:
    """Read the prices of hubs a planner gives: a CSV with the columns hub_id and price.

    Raises
    ------
    RadarError
        When the file is none.
    """
    import polars as pl

    from data.errors import RadarError

    try:
        frame = pl.read_csv(file, glob=False, schema_overrides={"hub_id": pl.String, "price": pl.Float64})
        return dict(frame.select("hub_id", "price").iter_rows())
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RadarError(
            "no readable hub prices", "a CSV with the columns hub_id and price", "correct the file", file=file
        ) from error


def tell_on_hand(on_hand: OnHand, first: date, full: Sequence[str] = ()) -> None:
    """Say what of the stock counted is sold before the first day, what is under way, which counts are too old, and which warehouses are full."""
    if on_hand.sold or on_hand.received:
        say(
            f"Until {first} {on_hand.sold:,} of the units that stand there are sold; "
            f"{on_hand.received:,} under way can be sold by then."
        )
    if on_hand.stale:
        warn(f"{on_hand.stale:,} counts of stock are older than a year and left out: load a newer count.")
    if full:
        warn(f"Warehouses that are full on {first}, into which nothing can be brought: {', '.join(full)}.")
