"""What later commands would lack."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from typer.main import get_command

from cli.app import app
from data.checks.readiness import _COMMANDS, find_cut_off_hubs, find_lacks
from data.contracts import contract


def _lacks(tables: dict[str, pl.DataFrame], results: tuple[str, ...] = ()) -> dict[str, tuple[str, list[str]]]:
    whole = {name: contract(name).arrange(frame) for name, frame in tables.items()}
    found = find_lacks(whole, results)
    return {command.removeprefix("radar "): (state, lacks) for command, state, lacks in found.rows()}


def _volumes(days: int) -> pl.DataFrame:
    dates = pl.date_range(date(2022, 1, 1), date(2022, 1, 1) + timedelta(days - 1), eager=True)
    return pl.DataFrame(
        {"date": dates, "courier_id": "c", "origin_hub_id": "A", "destination_hub_id": "B", "parcels": 1}
    )


HUBS = pl.DataFrame(
    {"hub_id": ["A", "B"], "name": ["a", "b"], "region_id": ["R", "R"], "latitude": [1.0, 2.0], "sort_capacity": [5, 5]}
)
LANE = {
    "lane_id": "L",
    "origin_hub_id": "A",
    "destination_hub_id": "B",
    "mode": "rail",
    "distance_km": 1.0,
    "transit_hours": 1.0,
}
TRUCK = {
    "vehicle_type_id": "V",
    "name": "V",
    "mode": "road",
    "ownership": "own",
    "capacity": 1,
    "fixed_cost": 1.0,
    "cost_per_km": 1.0,
}


def test_every_command_named_is_one_of_radar() -> None:
    for command in _COMMANDS:
        group = get_command(app)
        for part in command.split():
            assert part in getattr(group, "commands", {}), command
            group = group.commands[part]  # type: ignore[attr-defined]


def test_an_empty_workspace_is_ready_for_nothing() -> None:
    for state, lacks in _lacks({}).values():
        assert state == "not yet"
        assert lacks


@pytest.mark.parametrize(
    ("days", "says"), [(20, "20 days of route_volumes: 56"), (100, "100 days of route_volumes: with 396"), (400, None)]
)
def test_a_short_history_limits_the_forecast(days: int, says: str | None) -> None:
    state, lacks = _lacks({"route_volumes": _volumes(days), "hubs": HUBS})["forecast"]
    assert state == "limited"
    assert [told for told in lacks if "days of route_volumes" in told] == [
        told for told in lacks if says and told.startswith(says)
    ]


def test_a_forecast_with_everything_is_ready() -> None:
    event = {
        "event_id": "e",
        "name": "e",
        "kind": "shopping",
        "date_from": date(2024, 1, 1),
        "date_to": date(2024, 1, 1),
        "edition": 2024,
    }
    tables = {
        "route_volumes": _volumes(400),
        "hubs": HUBS,
        "events": pl.DataFrame([event]),
        "regions": pl.DataFrame({"region_id": ["R"], "name": ["r"]}),
        "outlets": pl.DataFrame({"outlet_id": ["O"], "name": ["o"], "courier_id": ["c"], "hub_id": ["A"]}),
        "outlet_volumes": pl.DataFrame(
            {"date": [date(2022, 1, 1)], "outlet_id": ["O"], "direction": ["pickup"], "parcels": [1]}
        ),
    }
    assert _lacks(tables)["forecast"] == ("ready", [])
    past = {**tables, "events": pl.DataFrame([{**event, "date_from": date(2022, 1, 1), "date_to": date(2022, 1, 1)}])}
    assert _lacks(past)["forecast"][1] == ["events has none after 2023-02-04: the coming peaks are not known"]


def test_a_trunk_plan_wants_demand_vehicles_for_its_lanes_and_lanes_for_its_hubs() -> None:
    tables = {
        "route_volumes": _volumes(9),
        "hubs": HUBS,
        "lanes": pl.DataFrame([LANE]),
        "vehicle_types": pl.DataFrame([TRUCK]),
    }
    state, lacks = _lacks(tables)["plan trunk"]
    assert state == "not yet"
    assert lacks[0].startswith("no demand yet")
    assert lacks[1] == "no vehicle type of mode rail: lanes of that mode stay empty"
    state, lacks = _lacks({**tables, "vehicle_types": pl.DataFrame([{**TRUCK, "mode": "rail"}])}, ("route_demand",))[
        "plan trunk"
    ]
    assert (state, lacks) == ("ready", [])


def test_hubs_without_a_lane_are_found_by_direction() -> None:
    lanes = contract("lanes").arrange(pl.DataFrame([{**LANE, "origin_hub_id": "B", "destination_hub_id": "A"}]))
    assert find_cut_off_hubs(_volumes(3), lanes) == ["A", "B"]
    assert find_cut_off_hubs(_volumes(3).with_columns(destination_hub_id=pl.lit("A")), lanes) == []
    closed = _volumes(3).with_columns(pl.col("date") + timedelta(60), destination_hub_id=pl.lit("A"))
    assert find_cut_off_hubs(pl.concat([_volumes(3), closed]), lanes) == []
