"""``radar plan capacity --draws``: departures booked over draws, with what that is worth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data.workspace import Workspace
from tests.cli.test_stress import folder, radar

__all__ = ["folder"]


def test_departures_are_booked_and_judged_on_other_futures(folder: Path) -> None:
    result = radar(folder, "plan", "capacity", "--draws", "5", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["needs"] == told["costs"] == []
    workspace = Workspace.open(folder)
    rows, certificate = workspace.results("contract_departures"), workspace.results("contract_certificates")
    assert rows.height == len(told["contracts"]) > 0
    assert rows["departures"].sum() > 0
    row = certificate.row(0, named=True)
    assert (row["draws"], row["fresh_draws"]) == (5, 50)
    for name, low, high in (("expected_cost", "cost_low", "cost_high"), ("vss", "vss_low", "vss_high")):
        assert row[low] <= row[name] <= row[high]
    assert 0 < row["evpi_low"] <= row["evpi"] <= row["evpi_high"]  # nobody knows the future
    again = json.loads(radar(folder, "plan", "capacity", "--draws", "5", "--json").stdout)
    assert again["contracts"] == [
        row | {"run_id": again["run_id"]} if "run_id" in row else row for row in told["contracts"]
    ]
    assert again["certificate"] == told["certificate"]


def test_what_is_said_names_the_value_of_both(folder: Path) -> None:
    result = radar(folder, "plan", "capacity", "--draws", "2", "--from", "2025-11-10", "--to", "2025-11-10")
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "Booking for the mean future would cost" in said
    assert "To know each future ahead would be worth" in said
    days = Workspace.open(folder).results("contract_departures")["date"].unique()
    assert days.dt.to_string().to_list() == ["2025-11-10"]


@pytest.mark.parametrize("draws", ["0", "1000000"])
def test_no_draws_and_too_many_are_refused(folder: Path, draws: str) -> None:
    before = Workspace.open(folder).runs().height
    result = radar(folder, "plan", "capacity", "--draws", draws)
    assert result.exit_code == 1
    assert "1 to 200" in result.output
    assert Workspace.open(folder).runs().height == before


def test_days_without_a_forecast_are_told(folder: Path) -> None:
    result = radar(folder, "plan", "capacity", "--draws", "2", "--from", "2026-01-01")
    assert result.exit_code == 1
    assert "no forecast in these days" in result.output
