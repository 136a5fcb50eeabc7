"""The whole check of a workspace: what is there, what stands out, what later commands would lack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import polars as pl

from data.checks.anomalies import find_hub_changes, find_outliers, find_route_changes
from data.checks.coverage import find_copied_days, find_gaps, make_findings, summarise_tables
from data.checks.hours import find_hour_faults
from data.checks.hub_capacity import find_overloaded_hubs
from data.checks.hub_closings import find_unannounced_closings
from data.checks.hub_gaps import find_hub_gaps
from data.checks.hub_shifts import find_hub_shifts
from data.checks.ids import find_alike_ids, find_sum_hubs
from data.checks.readiness import find_lacks
from data.contracts import TABLES
from data.ingest.cross_rules import UnknownIds, find_unknown_ids, find_wrong_share_sums, find_wrong_successor_sums
from data.progress import SILENT, Progress
from data.silent_days import find_silences
from data.workspace import Workspace

_QUIET_WEEK = 7


@dataclass(frozen=True)
class Check:
    """What a check found.

    Parameters
    ----------
    tables
        See ``coverage.summarise_tables``.
    findings
        Columns ``kind``, ``table``, ``subject``, ``date_from``, ``date_to``, ``parcels``, ``detail``.
    commands
        See ``readiness.find_lacks``.
    """

    tables: pl.DataFrame
    findings: pl.DataFrame
    commands: pl.DataFrame


def check_workspace(workspace: Workspace, progress: Progress = SILENT) -> Check:
    """Look through the reference and history tables of a workspace; nothing is written.

    Parameters
    ----------
    workspace
        The workspace.
    progress
        Is told the steps.
    """
    names = [name for name, table in TABLES.items() if table.group in ("reference", "history")]
    tables = {name: workspace.read(name) for name in names}
    volumes, outlets = tables["route_volumes"], tables["outlet_volumes"]
    silences = cache(lambda: find_silences(volumes))
    steps: tuple[tuple[str, Callable[[], pl.DataFrame]], ...] = (
        ("rules between tables", lambda: _find_broken_rules(tables)),
        ("ids that look alike", lambda: find_alike_ids(tables)),
        ("hubs that are sums", lambda: find_sum_hubs(volumes)),
        ("gaps", lambda: find_gaps(volumes, "route_volumes")),
        ("gaps of couriers", lambda: find_gaps(volumes, "route_volumes", "courier_id")),
        ("gaps of hubs", lambda: find_gaps(volumes, "route_volumes", "origin_hub_id", _QUIET_WEEK)),
        ("days missing of hubs", lambda: find_hub_gaps(silences(), tables["network_changes"])),
        ("gaps of outlets", lambda: find_gaps(outlets, "outlet_volumes", "outlet_id", _QUIET_WEEK)),
        ("copied days", lambda: find_copied_days(volumes, "route_volumes")),
        ("copied days of outlets", lambda: find_copied_days(outlets, "outlet_volumes")),
        ("hubs that changed", lambda: find_hub_changes(volumes, tables["network_changes"])),
        ("hubs whose share broke", lambda: find_hub_shifts(volumes, tables["network_changes"])),
        ("closings", lambda: find_unannounced_closings(volumes, tables["network_changes"], silences())),
        ("hubs over capacity", lambda: find_overloaded_hubs(volumes, tables, workspace.settings.workspace.timezone)),
        ("hours", lambda: find_hour_faults(tables, workspace.settings.workspace.zone, datetime.now(UTC).date())),
        ("unusual days", lambda: find_outliers(volumes, tables["events"])),
        ("routes", lambda: find_route_changes(volumes)),
    )
    found: list[pl.DataFrame] = []
    for done, (note, find) in enumerate(steps):
        progress.step(done, len(steps), note)
        found.append(find())
    written = [name for name, table in TABLES.items() if table.group == "results" and workspace.writers(name)]
    return Check(
        summarise_tables(tables, workspace.settings.workspace.zone), pl.concat(found), find_lacks(tables, written)
    )


def _find_broken_rules(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    found: list[pl.DataFrame] = []
    for name, frame in tables.items():
        found.extend(_tell_unknown(unknown) for unknown in find_unknown_ids(frame, name, tables.__getitem__))
    for table, wrong, key, rule in (
        ("courier_preferences", find_wrong_share_sums(tables["courier_preferences"]), "merchant_id", "not to 1"),
        ("network_changes", find_wrong_successor_sums(tables["network_changes"]), "change_id", "to more than 1"),
    ):
        found.append(
            make_findings(
                wrong,
                kind=pl.lit("wrong shares"),
                table=pl.lit(table),
                subject=pl.format("{} {}", pl.lit(key), key),
                detail=pl.format("shares sum to {}, {}", pl.col("total").round(6), pl.lit(rule)),
            )
        )
    return pl.concat(found)


def _tell_unknown(unknown: UnknownIds) -> pl.DataFrame:
    return make_findings(
        unknown.ids,
        kind=pl.lit("unknown id"),
        table=pl.lit(unknown.link.table),
        subject=pl.format("{} {}", pl.lit(unknown.link.column), "id"),
        detail=pl.format("{} row(s) name an id that table {} does not hold", "rows", pl.lit(unknown.link.target)),
    )
