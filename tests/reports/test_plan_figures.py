"""The numbers of the plan report on cases solved by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from data.plan_outcome import group_by_fix
from reports import plan_figures as figures
from reports.plan_inputs import PlanInputs
from reports.plan_report import write_plan_report
from tests.reports import plan_frames as frames

DAY = date(2025, 11, 11)


@pytest.fixture(scope="module")
def inputs() -> PlanInputs:
    """The small plan."""
    return frames.plan_inputs()


def _one_flow(path: list[str], departs: list[date], completed: date) -> pl.DataFrame:
    row = {
        "run_id": "p", "date": DAY, "origin_hub_id": "SHA", "destination_hub_id": "WUH", "path": path,
        "departure_dates": departs, "completed_on": completed, "parcels": 10,
    }  # fmt: skip
    return contract("trunk_flows").conform(pl.DataFrame([row], schema_overrides=contract("trunk_flows").polars_schema))


@pytest.mark.parametrize(
    ("path", "departs", "completed", "nights"),
    [
        ([], [], DAY, 0),
        ([], [], date(2025, 11, 13), 2),
        (["SHA-WUH"], [DAY], date(2025, 11, 12), 0),
        (["SHA-WUH"], [date(2025, 11, 12)], date(2025, 11, 13), 1),
        (["SHA-WUH", "WUH-CTU"], [DAY, date(2025, 11, 12)], date(2025, 11, 13), 0),
        (["SHA-WUH", "WUH-CTU"], [DAY, date(2025, 11, 13)], date(2025, 11, 15), 2),
    ],
)
def test_a_flow_waits_what_it_takes_longer_than_its_way(
    inputs: PlanInputs, path: list[str], departs: list[date], completed: date, nights: int
) -> None:
    flow = replace(inputs, flows=_one_flow(path, departs, completed))
    assert figures.with_nights(flow)["nights"].to_list() == [nights]


def test_slow_weather_is_not_waiting(inputs: PlanInputs) -> None:
    flow = replace(inputs, flows=_one_flow(["SHA-WUH"], [DAY], date(2025, 11, 13)))
    assert figures.with_nights(flow)["nights"].to_list() == [1]
    row = {"run_id": "w", "date": DAY, "lane_id": "SHA-WUH", "speed_factor": 0.9, "capacity_factor": 1.0}
    snow = pl.DataFrame([row | {"closure_probability": 0.0, "severity": "yellow", "cause": "snow"}])
    # 22 h at nine tenths of the speed are 24.4 h: two days under way, no night of waiting.
    slow = replace(flow, lane_weather=contract("lane_weather").conform(snow))
    assert figures.with_nights(slow)["nights"].to_list() == [0]


def test_demanded_is_carried_plus_held_plus_short(inputs: PlanInputs) -> None:
    parts = figures.balance(inputs)
    assert parts.demanded == parts.direct + parts.held + parts.short
    assert parts.difference == 0
    shanghai = inputs.flows.filter((pl.col("origin_hub_id") == "SHA") & (pl.col("date") == date(2025, 11, 12)))
    assert parts.held == shanghai["parcels"].sum() == parts.nights


def test_a_lost_parcel_is_told(inputs: PlanInputs) -> None:
    lost = replace(inputs, flows=inputs.flows.with_columns(parcels=pl.col("parcels") - 1))
    assert figures.balance(lost).difference == inputs.flows.height


def test_the_fill_uses_a_lanes_own_capacity(inputs: PlanInputs) -> None:
    row = {"lane_id": "SHA-WUH", "vehicle_type_id": "own-17.5", "capacity": 4_500}
    own = replace(inputs, lane_vehicles=contract("lane_vehicles").conform(pl.DataFrame([row])))
    before, after = figures.departures_named(inputs), figures.departures_named(own)
    on_it = (pl.col("lane_id") == "SHA-WUH") & (pl.col("vehicle_type_id") == "own-17.5")
    assert after.filter(on_it)["room"].sum() * 2 == before.filter(on_it)["room"].sum()
    assert set(before["series"]) == {"own", "contract", "spot", "rail", "air"}


def test_fleet_sums_are_the_plans(inputs: PlanInputs) -> None:
    fleet = figures.fleet(figures.departures_named(inputs))
    assert fleet["cost"].sum() == pytest.approx(figures.costs(inputs).transport)
    assert fleet["departures"].sum() == inputs.departures["departures"].sum()
    assert fleet["fill"].max() <= 1.0  # type: ignore[operator]


def test_costs_are_the_certificates_part_by_part(inputs: PlanInputs) -> None:
    parts = figures.costs(inputs)
    assert parts.transport + parts.sorting + parts.holding + parts.short == pytest.approx(parts.total)
    assert parts.other == 0
    assert parts.short == 50.0 * inputs.certificate["parcels_short"]
    assert parts.paid == pytest.approx(parts.total - parts.holding - parts.short)


def test_sorts_and_days_of_their_own_say_what_sorting_costs_and_what_may_wait(inputs: PlanInputs) -> None:
    limits = inputs.hub_loads.select("date", "hub_id", "sort_id", buffer=pl.lit(1.0), handling_cost=pl.lit(0.7))
    inputs = replace(inputs, limits=limits, shortfalls=inputs.shortfalls.clear())
    parts = figures.costs(inputs)
    assert parts.sorting == pytest.approx(0.7 * float(inputs.hub_loads["handled"].sum()))
    assert figures.hub_days(inputs)["overflow"].sum() == inputs.hub_loads.filter(pl.col("held") > 1).height > 0
    roomy = limits.with_columns(buffer=pl.lit(None, pl.Float64))
    assert figures.hub_days(replace(inputs, limits=roomy))["overflow"].sum() == 0


def test_a_cost_the_tables_do_not_explain_is_told(inputs: PlanInputs) -> None:
    dearer = replace(inputs, certificates=inputs.certificates.with_columns(cost=pl.col("cost") + 1000))
    assert figures.costs(dearer).other == pytest.approx(1000)


def test_an_overflow_is_more_than_the_buffer(inputs: PlanInputs) -> None:
    days = figures.hub_days(inputs)
    assert days.filter(pl.col("overflow")).select("hub_id", "date").rows() == [("SHA", date(2025, 11, 12))]
    roomy = replace(inputs, hubs=inputs.hubs.with_columns(buffer_capacity=pl.lit(None, pl.Int64)))
    assert not figures.hub_days(roomy)["overflow"].any()
    assert figures.hub_summary(days, inputs.hubs)["hub_id"][0] == "SHA"


def test_lanes_with_half_of_the_parcels() -> None:
    assert figures.lanes_with_half(pl.DataFrame({"parcels": [50, 30, 20]})) == 1
    assert figures.lanes_with_half(pl.DataFrame({"parcels": [40, 30, 30]})) == 2
    assert figures.lanes_with_half(pl.DataFrame({"parcels": [0, 0]})) == 0


def test_riders_of_a_lane(inputs: PlanInputs) -> None:
    row = figures.riders(inputs, ["URC-WUH"]).row(0, named=True)
    own = inputs.flows.filter((pl.col("origin_hub_id") == "URC") & (pl.col("destination_hub_id") == "WUH"))
    all_of_it = inputs.flows.filter(pl.col("path").list.contains("URC-WUH"))
    assert row["transit_share"] == pytest.approx(1 - int(own["parcels"].sum()) / int(all_of_it["parcels"].sum()))
    assert len(row["pairs"]) == 3
    assert row["pairs"][0]["origin_hub_id"] == "URC"


def test_shortfalls_are_grouped_by_the_fix_they_share(inputs: PlanInputs) -> None:
    group = group_by_fix(inputs.shortfalls).row(0, named=True)
    assert group["parcels"] == inputs.certificate["parcels_short"]
    assert (group["routes"], group["days"]) == (10, 1)
    assert "2 more" in group["cheapest_fix"]


def test_two_fixes_of_one_hub_each_stand_beside_the_parcels_they_carry() -> None:
    at_b, at_b_and_c = "1 more T on AB on 2025-11-10 carries", "2 more T on AB on 2025-11-11 carry"
    rows = [
        (date(2025, 11, 10), "A", "C", 200, "hub:B", f"{at_b} 100 % of it for 200 CNY in all, 1.00 CNY a parcel"),
        (date(2025, 11, 11), "A", "C", 150, "hub:B", f"{at_b_and_c} 100 % of the 250 parcels short here for 300 CNY"),
        (
            date(2025, 11, 11),
            "B",
            "C",
            100,
            "hub:B|hub:C",
            f"{at_b_and_c} 100 % of the 250 parcels short here for 300 CNY",
        ),
    ]
    names = ["date", "origin_hub_id", "destination_hub_id", "parcels", "binding", "cheapest_fix"]
    groups = group_by_fix(pl.DataFrame(rows, schema=names, orient="row").with_columns(reason=pl.lit("no room")))
    assert groups.select("binding", "parcels", "routes", "days").rows() == [("hub:B", 250, 2, 1), ("hub:B", 200, 1, 1)]
    assert ["250 parcels" in groups["cheapest_fix"][0], "of it for 200 CNY" in groups["cheapest_fix"][1]] == [
        True,
        True,
    ]


def test_weather_counts_what_travels_in_it(inputs: PlanInputs) -> None:
    rows = figures.weather_rows(inputs, figures.departures_named(inputs))
    assert rows.height == 6
    fair = inputs.lane_weather.with_columns(
        speed_factor=1.0, capacity_factor=1.0, closure_probability=0.0, severity=pl.lit("none")
    )
    calm = replace(inputs, lane_weather=fair)
    assert figures.weather_rows(calm, figures.departures_named(calm)).is_empty()


def test_a_run_without_a_trunk_plan_is_refused(inputs: PlanInputs) -> None:
    with pytest.raises(RadarError, match="no trunk plan"):
        replace(inputs, certificates=inputs.certificates.with_columns(plan=pl.lit("stock")))


def _late(inputs: PlanInputs) -> PlanInputs:
    """Two routes are promised: what goes from Shanghai comes a day late where it waits, what goes from Wuhan in time."""
    waits = (pl.col("origin_hub_id") == "SHA") & (pl.col("date") == date(2025, 11, 12))
    promised = pl.col("origin_hub_id").is_in(["SHA", "WUH"])
    late = pl.when(waits).then(1).when(promised).then(0).otherwise(None).cast(pl.Int64)
    flows = inputs.flows.with_columns(late_days=late)
    cost = 3.0 * figures.sum_late_days(flows)
    run = replace(inputs.run, options={**inputs.run.options, "late_cost": 3.0})
    return replace(
        inputs, run=run, flows=flows, certificates=inputs.certificates.with_columns(cost=pl.col("cost") + cost)
    )


def test_the_price_of_lateness_is_a_part_of_the_cost(inputs: PlanInputs) -> None:
    parts = figures.costs(_late(inputs))
    waited = inputs.flows.filter((pl.col("origin_hub_id") == "SHA") & (pl.col("date") == date(2025, 11, 12)))
    assert parts.late == 3.0 * int(waited["parcels"].sum())
    assert parts.other == 0
    assert parts.carrying == pytest.approx(parts.transport + parts.sorting + parts.holding + parts.late)


def test_the_histogram_of_days_holds_every_parcel_carried_and_no_day_is_skipped(inputs: PlanInputs) -> None:
    late = _late(inputs)
    rows = figures.days_taken(late.flows)
    assert rows["days"].to_list() == list(range(rows.height))
    assert rows["parcels"].sum() == late.certificate["parcels_planned"]
    assert (rows["in_time"] + rows["late"] == rows["parcels"]).all()
    assert rows["late"].sum() == late.flows.filter(pl.col("late_days") > 0)["parcels"].sum() > 0
    two = late.flows.head(2).with_columns(completed_on=pl.Series([late.flows["date"][0], date(2025, 11, 14)]))
    assert figures.days_taken(two)["parcels"].to_list()[1:4] == [0, 0, 0]
    assert figures.days_taken(late.flows.clear()).is_empty()


def test_parcels_that_are_never_carried_wait_in_front_of_their_hub_from_that_day_on(inputs: PlanInputs) -> None:
    days = figures.hub_days(inputs)
    short = inputs.shortfalls.filter(pl.col("origin_hub_id") == "HGH")["parcels"].sum()
    hangzhou = days.filter(pl.col("hub_id") == "HGH").sort("date")
    assert hangzhou.filter(pl.col("date") == date(2025, 11, 11))["waiting"].to_list() == [0]
    assert hangzhou.filter(pl.col("date") >= date(2025, 11, 12))["waiting"].unique().to_list() == [short]
    assert hangzhou["short"].sum() == short
    # A buffer that what is held alone would fit in is too small for what is held and what waits.
    tight = replace(inputs, hubs=inputs.hubs.with_columns(buffer_capacity=pl.lit(short - 1, pl.Int64)))
    assert figures.hub_days(tight).filter((pl.col("hub_id") == "HGH") & pl.col("overflow")).height >= 1


def test_the_report_names_no_hub_free_of_overflow_beside_a_shortfall(inputs: PlanInputs) -> None:
    roomy = replace(inputs, hubs=inputs.hubs.with_columns(buffer_capacity=pl.lit(None, pl.Int64)))
    page = write_plan_report(roomy, "en")
    assert "No hub overflows" not in page
    assert "Parcels that find no place wait at" in page
    assert page.index("banner bad alarm") < page.index('class="figures')
    carried = replace(
        roomy,
        shortfalls=inputs.shortfalls.clear(),
        certificates=inputs.certificates.with_columns(parcels_short=pl.lit(0, pl.Int64)),
    )
    assert "No hub overflows" in write_plan_report(carried, "en")
