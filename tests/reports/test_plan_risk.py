"""The plan's page says what it risks: which hub-days lack sorters and which vehicles, what the draws are worth, and cost against risk."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import polars as pl
import pytest

from data.contracts import contract
from reports.plan_inputs import PlanInputs
from reports.plan_report import write_plan_report
from tests.reports.plan_frames import DAYS, RUN, certificate, plan_inputs

RISK = {
    "overflow_probability": 0.12,
    "overflow_low": 0.1,
    "overflow_high": 0.14,
    "draws": 500,
    "draws_run": "forecast-0002",
    "policy": "spot 10 %",
    "overflow_rigid": 0.2,
    "overflow_floor": 0.08,
    "expected_overflow": 900.0,
    "expected_cost": 1_300_000.0,
    "cost_q90": 1_500_000.0,
    "spot_q90": 7.0,
}


def text(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", "", page)))


def certificates(*others: dict[str, Any]) -> pl.DataFrame:
    own = certificate().row(0, named=True)
    return contract("plan_certificates").conform(
        pl.DataFrame([own | RISK, *(own | RISK | other for other in others)], infer_schema_length=None)
    )


def stress() -> pl.DataFrame:
    """Shanghai and Beijing lack sorters, Wuhan on two days vehicles; Hangzhou, whose name is unknown, never overflows."""
    chances = [
        ("SHA", 0, "day", 0.06, 0.05),
        ("SHA", 0, "night", 0.09, 0.08),
        ("PEK", 1, "day", 0.04, 0.03),
        ("WUH", 0, "day", 0.07, 0.01),
        ("WUH", 1, "day", 0.05, 0.0),
        ("HGH", 1, "day", 0.0, 0.0),
    ]
    rows = [
        {
            "run_id": RUN.run_id,
            "scenario": "none",
            "policy": policy,
            "date": DAYS[0] + timedelta(days=day),
            "hub_id": hub,
            "sort_id": sort,
            "overflow_probability": chance,
            "expected_overflow": 1.0,
        }
        for hub, day, sort, rigid, unlimited in chances
        for policy, chance in (("rigid", rigid), ("unlimited", unlimited))
    ]
    return contract("stress_results").conform(pl.DataFrame(rows))


@pytest.fixture(scope="module")
def inputs() -> PlanInputs:
    cheaper = {"run_id": "plan-trunk-0009", "expected_cost": 1_200_000.0, "overflow_probability": 0.3}
    dearer = {"run_id": "plan-trunk-0011", "expected_cost": 1_400_000.0, "overflow_probability": 0.12}
    seen = {"forecast": "forecast-0002", "hub_above": 0.149, "network_within": 0.99, "passes": False}
    known = certificates()
    return replace(
        plan_inputs(), certificates=known, stress=stress(), rivals=certificates(cheaper, dearer), calibration=seen
    )


def test_hub_days_that_lack_sorters_and_vehicles_are_told_apart(inputs: PlanInputs) -> None:
    page = text(write_plan_report(inputs, "en"))
    assert "A hub overflows in 12.0% of 500 futures" in page
    sorters = page[page.index("Sorters lack at") : page.index("more vehicles would not halve it")]
    vehicles = page[page.index("Vehicles lack at") : page.index("with more of them")]
    assert (sorters.count("9.0%"), sorters.count("6.0%"), sorters.count("4.0%")) == (1, 0, 1)  # a hub-day once
    assert (vehicles.count("7.0%"), vehicles.count("5.0%")) == (1, 1)


def test_what_the_draws_are_worth_stands_beside_the_probability(inputs: PlanInputs) -> None:
    page = text(write_plan_report(inputs, "en"))
    assert "1-in-20 day on 14.9% of days, and the network's 80 % band held 99% of days" in page
    assert "14.9%" in text(write_plan_report(inputs, "zh"))
    good = replace(inputs, calibration={"hub_above": 0.05, "network_within": 0.8, "passes": True})
    assert "1-in-20" not in text(write_plan_report(good, "en"))
    assert "No backtest says" in text(write_plan_report(replace(inputs, calibration=None), "en"))


def test_plans_of_the_same_days_stand_by_cost_and_risk(inputs: PlanInputs) -> None:
    page = write_plan_report(inputs, "en")
    table = page[page.index('id="risk"') :]
    places = [table.index(name) for name in ("plan-trunk-0009", RUN.run_id, "plan-trunk-0011")]
    assert places == sorted(places)
    told = text(table[: table.index("</section>")])
    assert told.count("none cheaper risks less") == 2
    assert told.count("another is cheaper and risks no more") == 1
    assert "this plan, none cheaper risks less" in told


def test_a_plan_whose_risk_is_not_known_claims_none() -> None:
    assert 'id="risk"' not in write_plan_report(plan_inputs(), "en")
    lonely = replace(plan_inputs(), certificates=certificates(), rivals=certificates())
    page = write_plan_report(lonely, "en")
    assert 'id="risk"' in page
    assert "Sorters lack" not in page
