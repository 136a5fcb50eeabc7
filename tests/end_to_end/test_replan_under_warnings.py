"""Two warnings come in while a plan stands: the lanes they touch, the plan near the old one, and whom to tell, by the command line."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from data.contracts import contract
from data.workspace import Workspace

AS_OF = date(2025, 11, 7)
DAYS = [AS_OF + timedelta(days=step) for step in range(1, 5)]
STORM = date(2025, 11, 9)
HUBS = {"NORTH": (40.0, 115.0), "MID": (35.0, 115.0), "SOUTH": (30.0, 115.0), "EAST": (35.0, 121.0)}
ROADS = {"NORTH-MID": 10.0, "MID-SOUTH": 10.0, "NORTH-EAST": 12.0, "EAST-SOUTH": 12.0}
# over the road from NORTH to MID alone, and over that from EAST to SOUTH; latitude first
AREAS = {
    "snow-red": ("暴雪", "Extreme", "36.0,113.0 36.0,116.0 37.0,116.0 37.0,113.0 36.0,113.0"),
    "ice-orange": ("道路结冰", "Severe", "32.0,117.0 32.0,119.5 33.0,119.5 33.0,117.0 32.0,117.0"),
}


def _radar(workspace: Workspace, *words: str, codes: tuple[int, ...] = (0,)) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["--workspace", str(workspace.folder), *words, "--json"])
    assert result.exit_code in codes, result.output
    found: Any = json.loads(result.stdout)
    return found if isinstance(found, dict) else {"rows": found}


def _cap(name: str) -> str:
    event, severity, polygon = AREAS[name]
    return (
        '<?xml version="1.0" encoding="UTF-8"?><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>{name}</identifier><sender>cma</sender><sent>2025-11-07T18:00:00+08:00</sent>"
        "<status>Actual</status><msgType>Alert</msgType><scope>Public</scope><info><language>zh-CN</language>"
        f"<category>Met</category><event>{event}</event><urgency>Expected</urgency><severity>{severity}</severity>"
        "<certainty>Likely</certainty><onset>2025-11-09T12:00:00+08:00</onset><expires>2025-11-10T12:00:00+08:00</expires>"
        f"<headline>{event}</headline><area><areaDesc>area</areaDesc><polygon>{polygon}</polygon></area></info></alert>"
    )


def _forecasts(keys: list[dict[str, Any]], parcels: int) -> pl.DataFrame:
    fixed: dict[str, Any] = {"as_of": AS_OF, "mean": parcels, "baseline": float(parcels)}
    fixed |= {"event": 1.0, "weather": 1.0, "override": 1.0}
    fixed |= {f"q{level}": float(parcels) for level in ("05", "10", "25", "50", "75", "90", "95")}
    return pl.DataFrame([{"date": day} | key | fixed for day in DAYS for key in keys])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Every day 900 parcels go from NORTH to SOUTH over MID; over EAST it is dearer."""
    made = Workspace.create(tmp_path_factory.mktemp("storm") / "雪 peak")
    ends = [lane.split("-") for lane in ROADS]
    lanes = {
        "lane_id": list(ROADS), "origin_hub_id": [a for a, _ in ends], "destination_hub_id": [b for _, b in ends],
        "distance_km": [50.0 * hours for hours in ROADS.values()], "transit_hours": list(ROADS.values()),
    }  # fmt: skip
    trucks = {"vehicle_type_id": "truck", "name": "Truck", "mode": "road", "ownership": "contract", "capacity": 300}
    picked = datetime(2025, 11, 9, 3, tzinfo=UTC)
    waybill = {"origin_hub_id": "NORTH", "destination_hub_id": "SOUTH", "merchant_id": "m1", "status": "in_transit"}
    with made.run("load") as load:
        load.upsert(
            "hubs",
            pl.DataFrame([{"hub_id": h, "name": h, "latitude": n, "longitude": e} for h, (n, e) in HUBS.items()]),
        )
        load.upsert("couriers", pl.DataFrame({"courier_id": ["c"], "name": ["c"]}))
        load.upsert("merchants", pl.DataFrame({"merchant_id": ["m1"], "name": ["M"], "hub_id": ["NORTH"]}))
        load.upsert("lanes", pl.DataFrame(lanes).with_columns(mode=pl.lit("road")))
        load.upsert("vehicle_types", pl.DataFrame([trucks | {"fixed_cost": 100.0, "cost_per_km": 1.0}]))
        rows = [waybill | {"waybill_id": f"w{n}", "ordered_at": picked, "picked_up_at": picked} for n in (1, 2)]
        load.append("waybills", contract("waybills").arrange(pl.DataFrame(rows)))
    route = {"courier_id": "c", "origin_hub_id": "NORTH", "destination_hub_id": "SOUTH"}
    with made.run("forecast") as setup:
        setup.append("route_forecasts", _forecasts([route], 900))
        setup.append("network_forecasts", _forecasts([{}], 900))
        sides = [{"hub_id": "NORTH", "direction": "out"}, {"hub_id": "SOUTH", "direction": "in"}]
        setup.append("hub_forecasts", _forecasts(sides, 900))
    return made


def test_two_warnings_end_in_changed_departures_and_a_care_list(workspace: Workspace) -> None:
    window = ("--from", str(DAYS[0]), "--to", str(DAYS[-1]))
    plan = ("plan", "trunk", *window, "--effort", "0.1")
    before = _radar(workspace, *plan)
    assert before["parcels_short"] == 0
    files = []
    for name in AREAS:
        file = workspace.folder / f"{name} 预警.xml"
        file.write_text(_cap(name), encoding="utf-8")
        files.append(str(file))
    assert len(_radar(workspace, "weather", "load", *files)["rows"]) == 2

    impact = _radar(workspace, "weather", "impact", "--as-of", "2025-11-08", *window)
    touched = {row["lane_id"] for row in impact["lane_weather"]}
    assert touched == {"NORTH-MID", "EAST-SOUTH"}

    applied = _radar(workspace, "weather", "apply", "--close", "likely", "--no-learn")
    assert {row["lane_id"] for row in applied["closures"]} == {"NORTH-MID"}
    hours = applied["closures"][0]
    assert (hours["starts_at"][:16], hours["ends_at"][:16]) == ("2025-11-09 04:00", "2025-11-10 04:00")

    near = _radar(workspace, *plan, "--reference", before["run_id"], "--max-changes", "2")
    assert (near["violations"], near["parcels_short"]) == (0, 0)
    # what would leave at the end of the storm's day goes round by EAST: three trucks fewer, and as many over each lane of the detour
    changed = {(row["date"], row["lane_id"]): row["to"] - row["from"] for row in near["changes"]}
    gone = {lane for _, lane in changed}
    assert "NORTH-MID" in gone
    assert near["departures_changed"] > 2  # more than was allowed, because it is needed
    assert {day for day, _ in changed} <= {str(STORM), str(STORM + timedelta(days=1)), str(STORM + timedelta(days=2))}
    flows = workspace.results("trunk_flows", near["run_id"])
    over_shut = flows.filter(
        pl.col("path").list.contains("NORTH-MID") & (pl.col("departure_dates").list.first() == STORM)
    )
    assert over_shut.is_empty()
    assert near["weather"]["lane_days"] > 0

    care = _radar(
        workspace, "track", "care", "--as-of", "2025-11-09T13:00", "--warning", "snow-red", "--plan", before["run_id"]
    )
    told = {row["care_id"]: row for row in care["care"] if row["kind"] == "under_way"}
    assert set(told) == {"w1", "w2"}
    assert "snow-red" in told["w1"]["text_en"]
    assert "暴雪" in told["w1"]["text_zh"]
    assert told["w1"]["worst_hours"] >= told["w1"]["expected_hours"] > 1.0
    assert [row["merchant_id"] for row in care["merchants"]][:1] == ["m1"]
    # what the second warning does is told apart, and the replanned parcels cross it
    second = _radar(workspace, "track", "care", "--as-of", "2025-11-09T13:00", "--warning", "ice-orange")
    assert {row["kind"] for row in second["care"]} <= {"planned"}
