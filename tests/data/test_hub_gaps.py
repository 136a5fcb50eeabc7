"""`radar check` lists the single days that a hub misses, and sums them up where they are many."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from data.checks.hub_gaps import MOST_NAMED, find_hub_gaps
from data.contracts import contract
from data.silent_days import find_silences
from data.workspace import Workspace

FIRST = date(2025, 1, 6)  # a Monday
DAYS = 120


def volumes(hubs: int, missing: dict[int, list[int]]) -> pl.DataFrame:
    """Each of the hubs sends 100 parcels to H0 every day but the days it misses; H0 rests on Sundays."""
    rows = [
        (FIRST + timedelta(days=day), "c", f"H{hub}", "H0", 100)
        for day in range(DAYS)
        for hub in range(hubs)
        if day not in missing.get(hub, []) and not (hub == 0 and day % 7 == 6)
    ]
    names = ["date", "courier_id", "origin_hub_id", "destination_hub_id", "parcels"]
    return pl.DataFrame(rows, schema=names, orient="row")


def gaps(frame: pl.DataFrame, changes: pl.DataFrame | None = None) -> list[tuple[str, date, date, str]]:
    told = find_hub_gaps(find_silences(frame), contract("network_changes").empty() if changes is None else changes)
    return told.select("subject", "date_from", "date_to", "detail").rows()


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def test_single_days_are_listed_and_rest_days_are_not() -> None:
    found = gaps(volumes(4, {1: [50], 2: [60, 61, 90]}))
    assert [row[:3] for row in found] == [
        ("origin_hub H2", day(60), day(90)),
        ("origin_hub H1", day(50), day(50)),
    ]
    assert found[0][3].startswith(f"3 day(s) without a row in 2 gaps: {day(60)}, {day(90)}")
    assert found[1][3].startswith("1 day(s) without a row, though")
    assert gaps(volumes(4, {})) == []


def test_hubs_silent_on_the_same_day_are_one_finding() -> None:
    found = gaps(volumes(12, {hub: [50] for hub in range(1, 9)} | {9: [70]}))
    assert found[0] == ("8 hubs", day(50), day(50), "1 day(s) without a row at H1, H2, H3, H4, H5 and 3 more")
    assert [row[0] for row in found[1:]] == ["origin_hub H9"]


def test_many_hubs_are_summed_up() -> None:
    found = gaps(volumes(31, {hub: [40 + 2 * hub] for hub in range(1, 31)}))
    assert len(found) == MOST_NAMED + 1
    assert found[-1][0] == f"{30 - MOST_NAMED} more hubs"


@pytest.mark.parametrize(("until", "listed"), [(None, 0), (50, 0), (49, 1)])
def test_a_closing_that_is_told_is_no_gap(until: int | None, listed: int) -> None:
    row = {"change_id": "x", "date": day(45), "hub_id": "H1", "change": "closes", "scope": "hub"}
    row |= {"until": None if until is None else day(until)}
    changes = contract("network_changes").arrange(pl.DataFrame([row], schema_overrides={"until": pl.Date}))
    assert len(gaps(volumes(4, {1: [50]}), changes)) == listed


def test_the_command_lists_them(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    file = tmp_path / "v.csv"
    volumes(4, {1: [50], 2: [60]}).write_csv(file)
    command = ["-w", str(workspace.folder)]
    loaded = CliRunner().invoke(app, [*command, "load", "route_volumes", str(file), "--add-missing", "hubs,couriers"])
    assert loaded.exit_code == 0, loaded.output
    told = CliRunner().invoke(app, [*command, "check", "--json"]).stdout
    assert "origin_hub H1" in told
    assert "origin_hub H2" in told
