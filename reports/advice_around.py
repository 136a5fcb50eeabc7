"""What stands around the stock in an advice: couriers for the merchant's parcels, hubs relieved, parcels the weather delays."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from reports.advice_words import word
from reports.formats import Language


def list_relief(
    relieved: pl.DataFrame | None, homes: Collection[str], words: Mapping[str, Mapping[str, str]]
) -> pl.DataFrame:
    """List the days on which stock ahead relieves the hubs this merchant's goods leave from today, the most relieved first [%]."""
    if relieved is None or relieved.is_empty():
        return pl.DataFrame()
    use = [(100.0 * pl.col(name)).round(0).alias(name) for name in ("before", "after")]
    mine = relieved.filter(pl.col("hub_id").is_in(sorted(homes))).select("date", "hub_id", *use)
    mine = mine.sort(pl.col("before") - pl.col("after"), "date", "hub_id", descending=[True, False, False])
    return mine.with_columns(pl.col("hub_id").replace(dict(words["hubs"])))


def tell_relief(relief: pl.DataFrame | None, language: Language) -> list[str]:
    """Tell the day on which a hub of this merchant's is relieved most."""
    if relief is None:
        return []
    row = relief.row(0, named=True)
    facts = {"hub": row["hub_id"], "date": row["date"], "days": relief.height}
    return [word(language, "readme.relief", **facts, before=f"{row['before']:.0f}", after=f"{row['after']:.0f}")]


def list_care(care: pl.DataFrame | None, merchant_id: str, language: Language) -> pl.DataFrame:
    """List the merchant's own parcels that the weather delays, the longest delay first, with what to tell its buyers."""
    if care is None:
        return pl.DataFrame()
    columns = ["date", "parcels", "origin_hub_id", "destination_hub_id", "expected_hours", "worst_hours"]
    mine = care.filter(pl.col("merchant_id") == merchant_id).sort("expected_hours", "care_id", descending=[True, False])
    return mine.select(*columns, text=f"text_{language}")


def advise_couriers(
    couriers: pl.DataFrame, words: Mapping[str, Mapping[str, str]], language: Language
) -> list[tuple[object, ...]]:
    """Advise how many parcels to give to which courier, a row for each courier and hub they start from."""
    groups = couriers.group_by("courier_id", "origin_hub_id").agg(
        parcels=pl.col("parcels").sum(),
        first=pl.col("date").min(),
        days=pl.col("date").n_unique(),
        destinations=pl.col("destination_hub_id").n_unique(),
        reason=pl.col("reason").mode().sort().first(),
    )
    return [
        (
            word(language, "what.parcels", courier=words["couriers"].get(row["courier_id"], row["courier_id"])),
            row["parcels"],
            word(language, "unit.parcels"),
            word(language, "where.routes", origin=words["hubs"].get(row["origin_hub_id"], row["origin_hub_id"])),
            row["first"],
            word(
                language, "why.couriers", days=row["days"], destinations=row["destinations"], reason=row["reason"] or ""
            ).strip(),
            None,
            None,
        )
        for row in groups.sort("courier_id", "origin_hub_id").iter_rows(named=True)
    ]
