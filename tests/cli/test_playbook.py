"""``radar playbook`` and ``radar drill`` through the command: tables, cards, exit codes, bad input."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data.workspace import Workspace
from tests.cli.test_stress import folder, planned, radar

__all__ = ["folder", "planned"]

TWO = """
[[scenario]]
name = "A shut 半天"
[[scenario.incident]]
kind = "hub_shut"
hub_id = "A"
starts_at = 2025-11-11
ends_at = 2025-11-11T12:00:00
[[scenario]]
name = "A-B closed"
[[scenario.incident]]
kind = "lane_shut"
lane_id = "A-B"
starts_at = 2025-11-11
ends_at = 2025-11-12
[[scenario]]
name = "another year"
[[scenario.incident]]
kind = "hub_shut"
hub_id = "A"
starts_at = 2026-11-11
ends_at = 2026-11-12
"""


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("scenarios") / "two.toml"
    file.write_text(TWO, encoding="utf-8")
    return file


def test_each_scenario_has_ranked_answers_and_a_card_in_two_languages(
    folder: Path, planned: dict[str, Any], scenarios: Path
) -> None:
    arguments = ("--scenarios", str(scenarios), "--draws", "50", "--max-changes", "0", "--lang", "zh,en", "--json")
    result = radar(folder, "playbook", planned["run_id"], *arguments)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    rows = Workspace.open(folder).results("playbooks", found["run_id"]).to_dicts()
    assert len(rows) == len(found["answers"])
    assert {row["scenario"] for row in rows} == {"A shut 半天", "A-B closed"}
    assert "change nothing: another year" in " ".join(result.stderr.split())
    for name in ("A shut 半天", "A-B closed"):
        mine = sorted((row for row in rows if row["scenario"] == name), key=lambda row: row["rank"])
        assert [row["rank"] for row in mine] == list(range(1, len(mine) + 1))
        assert {"nothing", "spot", "hold"} <= {row["answer"] for row in mine}
        assert next(row for row in mine if row["answer"] == "nothing")["cost_change"] == 0
    pages = [Path(file).read_text("utf-8") for file in found["cards"]]
    assert [re.search('lang="([^"]+)"', page)[1] for page in pages] == ["zh-CN", "en"]  # type: ignore[index]
    for page in pages:
        assert page.count('class="card"') == 2
        assert "http://" not in page.replace("http://www.w3.org", "")
    again = json.loads(radar(folder, "playbook", planned["run_id"], *arguments).stdout)
    assert again["answers"] == found["answers"], "a seed repeats"


def test_scenarios_of_another_year_alone_are_refused(folder: Path, planned: dict[str, Any], scenarios: Path) -> None:
    arguments = ("--scenarios", str(scenarios), "--scenario", "another year", "--draws", "1")
    result = radar(folder, "playbook", planned["run_id"], *arguments)
    assert result.exit_code == 1
    assert "no scenario on the days played" in result.stderr


def test_planning_anew_is_one_of_the_answers_and_keeps_to_its_changes(
    folder: Path, planned: dict[str, Any], scenarios: Path
) -> None:
    arguments = ("--scenarios", str(scenarios), "--scenario", "A-B closed", "--draws", "20", "--max-changes", "4")
    result = radar(folder, "playbook", planned["run_id"], *arguments, "--json")
    assert result.exit_code == 0, result.output
    (anew,) = [row for row in json.loads(result.stdout)["answers"] if row["answer"] == "re_plan"]
    departures = Workspace.open(folder).results("trunk_departures", planned["run_id"])
    struck = departures.filter(pl.col("lane_id") == "A-B")["departures"].sum()
    assert 0 < anew["amount"] <= 4 + struck, "what the closing itself takes away is needed, whatever the limit"


def test_scenarios_are_put_together_by_their_names(folder: Path, planned: dict[str, Any], scenarios: Path) -> None:
    arguments = ("--scenarios", str(scenarios), "--draws", "50", "--policy", "rigid", "--json")
    both = ("--scenario", "A-B closed+A shut 半天", "--scenario", "A-B closed")
    result = radar(folder, "stress", planned["run_id"], *arguments, *both)
    assert result.exit_code == 0, result.output
    names = [row["scenario"] for row in json.loads(result.stdout)["summaries"]]
    assert names == ["none", "A-B closed+A shut 半天", "A-B closed"]


def test_a_drill_rehearses_the_heaviest_and_covers_the_parcels(folder: Path, planned: dict[str, Any]) -> None:
    result = radar(folder, "drill", planned["run_id"], "--most", "2", "--draws", "30", "--json")
    assert result.exit_code in (0, 3), result.output
    found = json.loads(result.stdout)
    rows = Workspace.open(folder).results("drills", found["run_id"]).to_dicts()
    assert len(rows) == found["rehearsed"] >= 2
    assert found["covered"] >= 0.9
    assert (result.exit_code == 3) == (found["held"] < found["rehearsed"])
    weights = [row["likelihood"] * row["harm"] for row in found["drills"][:2]]
    assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize(
    ("command", "arguments", "told"),
    [
        ("playbook", (), "no scenario to answer"),
        ("playbook", ("--scenario", "nobody"), "no scenario nobody"),
        ("playbook", ("--draws", "0", "--scenarios", "{two}"), "0 draws"),
        ("playbook", ("--draws", "1000000", "--scenarios", "{two}"), "1,000,000 draws"),
        ("playbook", ("--scenarios", "{two}", "--scenario", "A-B closed+nobody"), "no scenario nobody"),
        ("drill", ("--draws", "0"), "0 draws"),
        ("drill", ("--scenarios", "nowhere.toml"), "cannot be read"),
    ],
)
def test_bad_input_is_told_in_a_sentence(
    folder: Path, planned: dict[str, Any], scenarios: Path, command: str, arguments: tuple[str, ...], told: str
) -> None:
    result = radar(folder, command, planned["run_id"], *(one.format(two=scenarios) for one in arguments))
    assert result.exit_code == 1
    assert told in result.output
    assert "Traceback" not in result.output


def test_an_unknown_hub_is_refused_before_anything_is_played(
    folder: Path, planned: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(TWO.replace('hub_id = "A"', 'hub_id = "Z"'), encoding="utf-8")
    for command in ("playbook", "drill", "stress"):
        result = radar(folder, command, planned["run_id"], "--scenarios", str(file), "--draws", "20")
        assert result.exit_code == 1
        assert "hub Z" in result.output


def test_what_was_fixed_on_a_lane_that_closes_stops_no_answer(
    folder: Path, planned: dict[str, Any], scenarios: Path
) -> None:
    mine = Workspace.open(folder).results("trunk_departures", planned["run_id"]).filter(pl.col("lane_id") == "A-B")
    rows = mine.group_by("lane_id", "date", "vehicle_type_id").agg(at_least=pl.col("departures").sum())
    with Workspace.open(folder).run("load") as load:
        load.upsert("departure_locks", rows.with_columns(leaves=pl.lit("any"), at_most=pl.lit(None, pl.Int64)))
    try:
        again = radar(folder, "plan", "trunk", "--effort", "0.02", "--draws", "25", "--json")
        assert again.exit_code in (0, 3), again.output
        arguments = ("--scenarios", str(scenarios), "--scenario", "A-B closed", "--draws", "20", "--max-changes", "4")
        result = radar(folder, "playbook", json.loads(again.stdout)["run_id"], *arguments, "--json")
        assert result.exit_code == 0, result.output
        assert "re_plan" in {row["answer"] for row in json.loads(result.stdout)["answers"]}
    finally:
        with Workspace.open(folder).run("load") as load:
            load.replace(
                "departure_locks", rows.clear().with_columns(leaves=pl.lit("any"), at_most=pl.lit(None, pl.Int64))
            )
