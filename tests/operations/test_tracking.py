from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.app import app
from data.contracts import contract
from data.contracts.history import STATUSES
from data.errors import RadarError
from data.workspace import Workspace
from operations.tracking import latest_moment, measure_rates, place_waybills, with_partition

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2025, 11, 12, 4, tzinfo=UTC)
_STEPS = ("picked_up_at", "arrived_at", "out_for_delivery_at", "delivered_at")


def waybill(number: int, status: str, hours: list[float | None], **others: Any) -> dict[str, Any]:
    """A waybill ordered a day before noon, with its steps so many hours before noon."""
    steps = dict.fromkeys(_STEPS) | dict(zip(_STEPS, hours, strict=False))
    times = {name: None if hour is None else NOON - timedelta(hours=hour) for name, hour in steps.items()}
    row = {"waybill_id": f"w{number}", "origin_hub_id": "A", "destination_hub_id": "B", "status": status}
    return row | {"ordered_at": NOON - timedelta(hours=24)} | times | others


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    moments = dict.fromkeys(("ordered_at", *_STEPS), pl.Datetime("us", "UTC"))
    return contract("waybills").arrange(pl.DataFrame(list(rows), schema_overrides=moments, infer_schema_length=None))


# ten waybills: 2 not picked, 4 in transit (2 with an open exception), 3 signed (1 after an exception), 1 returned
TEN = table(
    waybill(0, "created", [], courier_id="c1"),
    waybill(1, "created", [], courier_id="c1"),
    waybill(2, "picked_up", [20], courier_id="c1"),
    waybill(3, "in_transit", [20], courier_id="c1", exception="delayed"),
    waybill(4, "arrived", [20, 5], courier_id="c2"),
    waybill(5, "out_for_delivery", [20, 5, 2], courier_id="c2", exception="address"),
    waybill(6, "delivered", [20, 5, 2, 1], courier_id="c2"),
    waybill(7, "delivered", [20, 5, 2, 1], courier_id="c2", exception="delayed"),
    waybill(8, "delivered", [20, 5, 2, 1]),
    waybill(9, "returned", [20, 5], exception="refused"),
)


def rates(as_of: datetime = NOON, *by: str, **window: Any) -> dict[tuple[str, str], dict[str, Any]]:
    measured = with_partition(measure_rates(TEN, as_of, window.get("first"), window.get("last"), by, ZONE))
    return {(row["dimension"], row["member"]): row for row in measured.to_dicts()}


def test_rates_of_ten_waybills() -> None:
    row = rates()["all", "all"]
    assert row["parcels"] == 10
    assert (row["pickup_rate"], row["in_transit_rate"], row["signed_rate"]) == (0.8, 0.4, 0.3)
    assert row["exception_rate"] == 0.2
    assert row["not_picked_rate"] == pytest.approx(0.2)
    assert row["returned_rate"] == pytest.approx(0.1)


def test_cut_by_courier_leaves_the_nameless_to_all() -> None:
    cut = rates(NOON, "courier")
    assert {key: row["parcels"] for key, row in cut.items()} == {
        ("all", "all"): 10,
        ("courier", "c1"): 4,
        ("courier", "c2"): 4,
    }
    assert measure_rates(TEN, NOON, None, None, ["courier", "courier"], ZONE).height == 3  # named twice, cut once
    assert cut["courier", "c1"]["pickup_rate"] == 0.5
    assert cut["courier", "c2"]["signed_rate"] == 0.5


def test_earlier_time_sees_no_later_step() -> None:
    row = rates(NOON - timedelta(hours=10))["all", "all"]
    # all eight had been picked up, none had arrived
    assert (row["pickup_rate"], row["in_transit_rate"], row["signed_rate"]) == (0.8, 0.8, 0.0)
    assert row["returned_rate"] == 0.0
    before_pickup = rates(NOON - timedelta(hours=22))["all", "all"]
    assert before_pickup["not_picked_rate"] == 1.0


def test_status_counts_where_its_time_is_missing() -> None:
    rows = table(
        waybill(0, "delivered", [20]),
        waybill(1, "in_transit", []),
        waybill(2, "returned", []),
        waybill(3, "delivered", [None, None, None, 1]),
    )
    assert place_waybills(rows, NOON)["place"].to_list() == ["signed", "in_transit", "returned", "signed"]
    assert place_waybills(rows, NOON - timedelta(hours=3))["place"][3] == "not_picked"


def test_an_exception_is_open_from_the_parcels_last_step_on() -> None:
    rows = table(
        waybill(0, "in_transit", [20, 5], exception="delayed"),
        waybill(1, "in_transit", [20], exception="delayed"),
        waybill(2, "in_transit", [20, 5]),
    )
    assert place_waybills(rows, NOON)["open_exception"].to_list() == [True, True, False]
    assert place_waybills(rows, NOON - timedelta(hours=10))["open_exception"].to_list() == [False, True, False]
    at_the_step = NOON - timedelta(hours=5)
    assert place_waybills(rows, at_the_step)["open_exception"].to_list() == [True, True, False]


def test_window_is_the_business_date_of_the_order() -> None:
    # ordered at noon of the 11th in China
    assert rates(first=date(2025, 11, 11), last=date(2025, 11, 11))["all", "all"]["parcels"] == 10
    with pytest.raises(RadarError, match="No waybill ordered from 2025-11-12 to 2025-11-12"):
        rates(first=date(2025, 11, 12), last=date(2025, 11, 12))
    late = measure_rates(TEN, NOON, date(2025, 11, 12), date(2025, 11, 12), [], ZONE, cutoff_hour=12)
    assert late["parcels"].to_list() == [10]


def test_the_window_told_is_the_one_asked_for_else_the_days_there_are() -> None:
    rows = table(waybill(0, "created", []), waybill(1, "created", [], ordered_at=NOON - timedelta(days=3)))
    for first, last, parcels in (
        (None, None, 2),
        (date(2025, 11, 8), None, 2),
        (date(2025, 11, 10), date(2025, 11, 20), 1),
    ):
        row = measure_rates(rows, NOON, first, last, [], ZONE).row(0, named=True)
        window = (first or date(2025, 11, 9), last or date(2025, 11, 11))
        assert (row["window_from"], row["window_to"], row["parcels"]) == (*window, parcels)


def test_order_after_the_time_is_not_in_the_cohort() -> None:
    with pytest.raises(RadarError, match="No waybill ordered"):
        rates(NOON - timedelta(hours=25))


def test_unknown_cut_is_told() -> None:
    with pytest.raises(
        RadarError, match="--by province, expected one of courier, merchant, origin_hub, destination_hub"
    ):
        rates(NOON, "province")


def test_empty_table_is_told() -> None:
    with pytest.raises(RadarError, match="The table waybills is empty"):
        latest_moment(TEN.clear())
    assert latest_moment(TEN) == NOON - timedelta(hours=1)
    since = table(waybill(0, "delivered", [20, 5, 2, 1]), waybill(1, "created", [], ordered_at=NOON))
    assert latest_moment(since) == NOON  # an order is known too


_hours = st.one_of(st.none(), st.floats(-30, 24, allow_nan=False))


def _place_by_hand(row: dict[str, Any]) -> str:
    steps = [row[name] for name in _STEPS if row[name] is not None]
    last = max(steps, default=row["ordered_at"])
    if row["status"] == "returned" and last <= NOON:
        return "returned"
    signed = row["delivered_at"] or (last if row["status"] == "delivered" else None)
    if signed is not None and signed <= NOON:
        return "signed"
    picked = min(steps, default=row["ordered_at"] if row["status"] != "created" else None)
    return "in_transit" if picked is not None and picked <= NOON else "not_picked"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(STATUSES), st.lists(_hours, max_size=4), st.booleans(), st.sampled_from([-5, 0, 24, 48])
        ),
        min_size=1,
        max_size=25,
    )
)
@settings(max_examples=100, deadline=None)
def test_partition_is_whole_whatever_the_rows(rows: list[tuple[str, list[float | None], bool, int]]) -> None:
    everything = table(
        *(
            waybill(
                i,
                status,
                hours,
                courier_id=f"c{i % 3}",
                exception="lost" if odd else None,
                ordered_at=NOON - timedelta(hours=ordered),
            )
            for i, (status, hours, odd, ordered) in enumerate([*rows, ("created", [], False, 24)])
        )
    )
    # who orders after the time is no part of it
    made = everything.filter(pl.col("ordered_at") <= NOON)
    placed = place_waybills(everything, NOON)
    assert placed["waybill_id"].to_list() == made["waybill_id"].to_list()
    assert placed["place"].to_list() == [_place_by_hand(row) for row in made.to_dicts()]
    measured = measure_rates(everything, NOON, None, None, ["courier", "origin_hub"], ZONE)
    contract("tracking_rates").conform(measured.with_columns(run_id=pl.lit("r")))
    places = placed["place"]
    whole = with_partition(measured)
    total = whole["not_picked_rate"] + whole["in_transit_rate"] + whole["signed_rate"] + whole["returned_rate"]
    assert total.to_list() == pytest.approx([1.0] * whole.height)
    assert whole["returned_rate"][0] == pytest.approx((places == "returned").sum() / places.len())
    assert (whole["returned_rate"] >= 0.0).all()
    assert (whole["exception_rate"] <= 1.0 - whole["signed_rate"] + 1e-12).all()
    assert whole.filter(dimension="courier")["parcels"].sum() == made.height


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace.create(tmp_path / "ws")
    with made.run("load") as run:
        run.upsert("waybills", TEN)
    return made


def test_command_keeps_the_rates_and_prints_them(workspace: Workspace) -> None:
    words = [
        "--workspace",
        str(workspace.folder),
        "track",
        "rates",
        "--by",
        "courier",
        "--as-of",
        "2025-11-12T12:00",
        "--json",
    ]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert [row["member"] for row in told] == ["all", "c1", "c2"]
    assert told[0]["signed_rate"] == 0.3
    kept = workspace.results("tracking_rates")
    assert kept["as_of"].unique().to_list() == [NOON]
    assert kept.height == 3


def test_as_of_a_date_is_its_end_and_the_default_is_the_latest_known(workspace: Workspace) -> None:
    for words, moment in (
        (["--as-of", "2025-11-12"], datetime(2025, 11, 12, 16, tzinfo=UTC)),
        ([], NOON - timedelta(hours=1)),
    ):
        result = CliRunner().invoke(app, ["--workspace", str(workspace.folder), "track", "rates", *words])
        assert result.exit_code == 0, result.stderr
        assert workspace.results("tracking_rates")["as_of"][0] == moment


@pytest.mark.parametrize(
    ("words", "code"), [(["--as-of", "soon"], 2), (["--by", "planet"], 1), (["--as-of", "2020-01-01"], 1)]
)
def test_command_tells_what_is_wrong(workspace: Workspace, words: list[str], code: int) -> None:
    result = CliRunner().invoke(app, ["--workspace", str(workspace.folder), "track", "rates", *words])
    assert result.exit_code == code
    assert result.stdout == ""
