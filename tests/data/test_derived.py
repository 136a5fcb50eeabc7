"""Volumes counted from waybills on business dates."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.contracts import contract
from data.ingest.derived import business_date, derive_volumes, renew_volumes
from data.ingest.loading import load_table
from data.sources import open_file
from data.workspace import Workspace

SHANGHAI = ZoneInfo("Asia/Shanghai")


def _local(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2022, 11, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


def _waybills(*rows: dict[str, object]) -> pl.DataFrame:
    common = {"courier_id": "ours", "origin_hub_id": "A", "destination_hub_id": "B", "status": "created"}
    filled = [
        {"waybill_id": str(number), "ordered_at": _local(11, 10), **common, **row} for number, row in enumerate(rows)
    ]
    table = contract("waybills")
    return table.conform(
        pl.DataFrame(
            filled, schema_overrides={k: t for k, t in table.polars_schema.items() if any(k in r for r in filled)}
        )
    )


@pytest.mark.parametrize(
    ("hour", "minute", "cutoff", "expected"),
    [
        (23, 30, 0, 11),
        (0, 0, 0, 11),
        (23, 30, 22, 12),
        (21, 59, 22, 11),
        (22, 0, 22, 12),
        (5, 59, 6, 10),
        (6, 0, 6, 11),
        (12, 0, 12, 12),
        (11, 59, 11, 11),
    ],
)
def test_the_business_date_turns_at_the_cutoff_hour(hour: int, minute: int, cutoff: int, expected: int) -> None:
    frame = pl.DataFrame({"at": [_local(11, hour, minute)]})
    assert frame.select(business_date(pl.col("at"), SHANGHAI, cutoff)).item() == date(2022, 11, expected)


def test_parcels_count_on_routes_when_picked_up_and_at_outlets_when_they_pass() -> None:
    waybills = _waybills(
        {"picked_up_at": _local(11, 20), "origin_outlet_id": "O1", "destination_outlet_id": "O2"},
        {
            "picked_up_at": _local(12, 1),
            "origin_outlet_id": "O1",
            "out_for_delivery_at": _local(14, 8),
            "destination_outlet_id": "O2",
        },
        {
            "picked_up_at": _local(11, 20),
            "delivered_at": _local(14, 9),
            "destination_outlet_id": "O2",
            "status": "delivered",
        },
        {},
        {"courier_id": None},
    )
    derived = derive_volumes(waybills, SHANGHAI, 0)
    assert derived.route_volumes.rows() == [
        (date(2022, 11, 11), "ours", "A", "B", 3),
        (date(2022, 11, 12), "ours", "A", "B", 1),
    ]
    assert derived.outlet_volumes.rows() == [
        (date(2022, 11, 11), "O1", "pickup", 1),
        (date(2022, 11, 12), "O1", "pickup", 1),
        (date(2022, 11, 14), "O2", "delivery", 2),
    ]


def test_waybills_without_a_courier_are_told(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "peak")
    columns = "hub_id,name\nA,Alpha\nB,Beta\n"
    (tmp_path / "hubs.csv").write_text(columns)
    load_table(workspace, "hubs", [open_file(tmp_path / "hubs.csv")])
    (tmp_path / "couriers.csv").write_text("courier_id,name\nours,Ours\n")
    load_table(workspace, "couriers", [open_file(tmp_path / "couriers.csv")])
    lines = ["waybill_id,courier_id,origin_hub_id,destination_hub_id,ordered_at,status"]
    lines += [f"w{n},{courier},A,B,2022-11-11 08:00,created" for n, courier in enumerate(("ours", "", ""))]
    (tmp_path / "waybills.csv").write_text("\n".join(lines))
    loaded = load_table(workspace, "waybills", [open_file(tmp_path / "waybills.csv")])
    assert "2 waybills without a courier count at their outlets and on no route" in loaded.notes
    assert workspace.read("route_volumes")["parcels"].to_list() == [1]


@given(
    st.lists(
        st.tuples(
            st.integers(2, 26),
            st.integers(0, 23),
            st.sampled_from("AB"),
            st.sampled_from([None, 5, 30]),
            st.sampled_from([None, "ours"]),
        ),
        min_size=1,
        max_size=30,
    ),
    st.integers(0, 23),
)
def test_no_parcel_is_lost_or_doubled_and_each_counts_on_its_day(
    rows: list[tuple[int, int, str, int | None, str | None]], cutoff: int
) -> None:
    hours = [timedelta(hours=hour, days=day) for day, hour, *_ in rows]
    made: list[dict[str, object]] = [
        {
            "ordered_at": _local(1, 0) - timedelta(days=1) + ordered,
            "picked_up_at": None
            if later is None
            else _local(1, 0) - timedelta(days=1) + ordered + timedelta(hours=later),
            "origin_hub_id": hub,
            "courier_id": courier,
        }
        for ordered, (_, _, hub, later, courier) in zip(hours, rows, strict=True)
    ]
    derived = derive_volumes(_waybills(*made), SHANGHAI, cutoff)
    contract("route_volumes").conform(derived.route_volumes)
    # a day of business begins at the cutoff hour of the day before from noon on, of its own day before noon
    shift = timedelta(hours=24 - cutoff if cutoff >= 12 else -cutoff)
    days = Counter(
        (
            date(2022, 10, 31)
            + (ordered + timedelta(hours=later or 0) + shift) // timedelta(days=1) * timedelta(days=1),
            hub,
        )
        for ordered, (_, _, hub, later, courier) in zip(hours, rows, strict=True)
        if courier is not None
    )
    found = derived.route_volumes.select("date", "origin_hub_id", "parcels").rows()
    assert {(day, hub): parcels for day, hub, parcels in found} == dict(days)


def test_only_touched_volumes_are_renewed() -> None:
    table = contract("route_volumes")

    def volumes(*rows: tuple[date, str, int]) -> pl.DataFrame:
        columns = {"date": [r[0] for r in rows], "courier_id": "ours", "origin_hub_id": [r[1] for r in rows]}
        return table.arrange(pl.DataFrame({**columns, "destination_hub_id": "B", "parcels": [r[2] for r in rows]}))

    first, second = date(2022, 1, 1), date(2022, 1, 2)
    old = volumes((first, "A", 5), (first, "C", 7), (second, "A", 9))
    derived = volumes((first, "A", 6), (second, "C", 1))
    touched = volumes((first, "A", 1), (second, "A", 1))
    renewed = renew_volumes(old, derived, touched)
    assert renewed.select("date", "origin_hub_id", "parcels").rows() == [(first, "A", 6), (first, "C", 7)]
