"""The checker passes a valid plan, draws up its cost, and finds every way of breaking it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import polars as pl
import pytest

from routing.checker.trunk import TrunkCheck, check_trunk
from routing.checker.violations import RULES, Violation, collect, count_broken, write_number
from tests.routing.mutations_by_clock import MUTATIONS_BY_CLOCK
from tests.routing.test_path_rules import MUTATIONS as PATH_MUTATIONS
from tests.routing.test_sort_plan import MUTATIONS as ORDER_MUTATIONS
from tests.routing.test_staging import STAGING_MUTATIONS
from tests.routing.tiny_plan import COST, D10, D11, D12, D13, HOLD_COST, LATE_COST, SHORT_COST, Tables, tiny_plan

Mutation = Callable[[Tables], None]


def check(tables: Tables) -> TrunkCheck:
    return check_trunk(tables, hold_cost=HOLD_COST, short_cost=SHORT_COST, late_cost=LATE_COST)


def edit(table: str, column: str, value: object, row: int = 0) -> Mutation:
    """Set one cell."""

    def mutate(tables: Tables) -> None:
        frame = tables[table]
        values = frame[column].to_list()
        values[row] = value
        dtype = frame[column].dtype
        if isinstance(value, float) and dtype.is_integer():
            dtype = pl.Float64()
        tables[table] = frame.with_columns(pl.Series(column, values, dtype=dtype))

    return mutate


def drop(table: str, row: int) -> Mutation:
    def mutate(tables: Tables) -> None:
        tables[table] = tables[table].with_row_index("n").filter(pl.col("n") != row).drop("n")

    return mutate


def repeat(table: str, row: int = 0) -> Mutation:
    def mutate(tables: Tables) -> None:
        tables[table] = pl.concat([tables[table], tables[table][row]])

    return mutate


def add(table: str, **values: object) -> Mutation:
    """Add a row: the first one with other values."""

    def mutate(tables: Tables) -> None:
        frame = tables[table]
        new = {name: pl.lit(value, dtype=frame.schema[name]) for name, value in values.items()}
        tables[table] = pl.concat([frame, frame[0].with_columns(**new)])

    return mutate


def remove(table: str) -> Mutation:
    def mutate(tables: Tables) -> None:
        del tables[table]

    return mutate


def remove_column(table: str, column: str) -> Mutation:
    def mutate(tables: Tables) -> None:
        tables[table] = tables[table].drop(column)

    return mutate


def both(*mutations: Mutation) -> Mutation:
    def mutate(tables: Tables) -> None:
        for mutation in mutations:
            mutation(tables)

    return mutate


# rows: flows 0 A>B, 1 A>C by rail, 2 A>C over B, 3 B>A, 4 B>B, 5 A>B on the slow day, 6 C>A
# rows: departures 0 A-B own, 1 B-A own, 2 B-A own empty, 3 A-C train, 4 A-B spot, 5 C-A spot, 6 B-C spot
def prove(**price: object) -> Mutation:
    """Claim that prices prove the bound: the one given, or none at all."""

    def mutate(tables: Tables) -> None:
        proof = {"proof": pl.lit("prices"), "priced_bound": pl.col("lower_bound"), "last_day": pl.lit(D13)}
        tables["plan_certificates"] = tables["plan_certificates"].with_columns(**proof)
        if price:
            tables["bound_prices"] = pl.DataFrame([price])

    return mutate


def stand(tables: Tables, kind: str, hub: str, vehicles: int) -> None:
    """Let own vehicles stand at one hub when the plan begins."""
    row = {"vehicle_type_id": kind, "hub_id": hub, "vehicles_at_start": vehicles, "vehicles_at_end": None}
    tables["vehicle_stands"] = pl.DataFrame([row], schema_overrides={"vehicles_at_end": pl.Int64})


MUTATIONS: dict[str, tuple[str, Mutation]] = {
    "no table of lanes": ("table.missing", remove("lanes")),
    "no table of flows": ("table.missing", remove("trunk_flows")),
    "no column of departures": ("table.column", remove_column("trunk_departures", "departures")),
    "no column of paths": ("table.column", remove_column("trunk_flows", "path")),
    "a negative flow": ("table.value", edit("trunk_flows", "parcels", -350)),
    "half a departure": ("table.value", edit("trunk_departures", "departures", 1.5)),
    "half a parcel short": ("table.value", edit("shortfalls", "parcels", 29.5)),
    "a flow without a number": ("table.value", edit("trunk_flows", "parcels", None)),
    "a cost that is no number": ("table.value", edit("trunk_departures", "cost", float("nan"))),
    "an infinite cost": ("table.value", edit("trunk_departures", "cost", float("inf"))),
    "a departure without a lane": ("table.value", edit("trunk_departures", "lane_id", None)),
    "negative held": ("table.value", edit("hub_loads", "held", -1)),
    "a departure twice": ("table.duplicate", repeat("trunk_departures")),
    "a flow twice": ("table.duplicate", repeat("trunk_flows", 4)),
    "a hub load twice": ("table.duplicate", repeat("hub_loads")),
    "a demand twice": ("table.duplicate", repeat("route_demand")),
    "a shortfall twice": ("table.duplicate", repeat("shortfalls")),
    "a path over an unknown lane": ("id.unknown", edit("trunk_flows", "path", ["A-Z"])),
    "a flow from an unknown hub": ("id.unknown", edit("trunk_flows", "origin_hub_id", "Z", 4)),
    "a departure over an unknown lane": ("id.unknown", edit("trunk_departures", "lane_id", "Z-A")),
    "an unknown vehicle type": ("id.unknown", edit("trunk_departures", "vehicle_type_id", "barge")),
    "a load of an unknown hub": ("id.unknown", edit("hub_loads", "hub_id", "Z")),
    "a parcel lost": ("demand.balance", edit("trunk_flows", "parcels", 349)),
    "a parcel too many": ("demand.balance", edit("trunk_flows", "parcels", 351)),
    "a demand forgotten": ("demand.balance", drop("trunk_flows", 6)),
    "a flow nobody asked for": ("demand.balance", drop("route_demand", 6)),
    "a shortfall hidden": ("demand.balance", drop("shortfalls", 1)),
    "a shortfall of planned parcels": ("demand.balance", edit("shortfalls", "parcels", 21, 1)),
    "a departure date too few": ("path.lengths", edit("trunk_flows", "departure_dates", [D10], 2)),
    "a path from elsewhere": ("path.ends", edit("trunk_flows", "path", ["C-B"])),
    "a path to elsewhere": ("path.ends", edit("trunk_flows", "path", ["A-X"])),
    "no path": ("path.ends", both(edit("trunk_flows", "path", []), edit("trunk_flows", "departure_dates", []))),
    "a broken path": ("path.chain", edit("trunk_flows", "path", ["A-B", "A-C"], 2)),
    "gone before it came in": ("time.demand", edit("trunk_flows", "departure_dates", [date(2024, 11, 9)])),
    "gone on before it arrived": ("time.transit", edit("trunk_flows", "departure_dates", [D10, D10], 2)),
    "there before it arrived": ("time.completed", edit("trunk_flows", "completed_on", D10)),
    "there a day early in bad weather": ("time.completed", edit("trunk_flows", "completed_on", D12, 5)),
    "local sorted before it came in": ("time.completed", edit("trunk_flows", "completed_on", date(2024, 11, 9), 4)),
    "a lane closed by weather": ("lane.closed", edit("lane_weather", "capacity_factor", 0.0)),
    "a lane at a standstill": ("lane.closed", edit("lane_weather", "speed_factor", 0.0)),
    "a departure missing": ("lane.capacity", drop("trunk_departures", 6)),
    "a vehicle too few": ("lane.capacity", edit("trunk_departures", "departures", 1)),
    "parcels aboard that no flow has": ("lane.parcels", edit("trunk_departures", "parcels", 61, 5)),
    "parcels aboard an empty run": ("lane.parcels", edit("trunk_departures", "parcels", 10, 2)),
    "flows over an idle lane": ("lane.parcels", edit("trunk_departures", "parcels", 0, 6)),
    "more departures than a lane in bad weather takes": (
        "lane.departure_limit",
        edit("trunk_departures", "departures", 4, 4),
    ),
    "more departures than a lane takes": ("lane.departure_limit", edit("lanes", "departure_limit", 1)),
    "more trains than the lane takes": ("vehicle.departure_limit", edit("trunk_departures", "departures", 2, 3)),
    "an overfull vehicle": ("vehicle.capacity", edit("trunk_departures", "parcels", 401)),
    "a smaller vehicle on that lane": ("vehicle.capacity", edit("lane_vehicles", "capacity", 399)),
    "a type the lane does not take": ("vehicle.not_allowed", edit("trunk_departures", "vehicle_type_id", "own-17", 3)),
    "a train on the road": ("vehicle.mode", edit("trunk_departures", "vehicle_type_id", "train", 6)),
    "fewer departures than were fixed": (
        "lock.at_least",
        both(edit("departure_locks", "at_least", 3), edit("departure_locks", "at_most", 3)),
    ),
    "a departure that was forbidden": (
        "lock.at_most",
        both(edit("departure_locks", "at_least", 1), edit("departure_locks", "at_most", 1)),
    ),
    "a lock of another type": ("lock.at_least", edit("departure_locks", "vehicle_type_id", "spot-9")),
    "too small a fleet": ("fleet.size", edit("vehicle_types", "fleet_size", 2)),
    "a fleet of none": ("fleet.size", edit("vehicle_types", "fleet_size", 0)),
    "a train still under way": ("fleet.size", edit("trunk_departures", "departures", 2, 3)),
    "an own vehicle that does not come back": ("fleet.balance", drop("trunk_departures", 2)),
    "an own train that does not come back": ("fleet.balance", edit("vehicle_types", "ownership", "own", 2)),
    "own vehicles that stand elsewhere": ("fleet.position", lambda tables: stand(tables, "own-17", "C", 4)),
    "fewer own vehicles there than leave": ("fleet.position", lambda tables: stand(tables, "own-17", "A", 1)),
    "a hub over its capacity": ("hub.sort_capacity", edit("hubs", "sort_capacity", 349, 1)),
    "a hub of no capacity": ("hub.sort_capacity", edit("hubs", "sort_capacity", 0)),
    "a hub over its buffer": ("hub.buffer", edit("hubs", "buffer_capacity", 49, 1)),
    "held where there is no room": ("hub.buffer", edit("trunk_flows", "departure_dates", [D11])),
    "parcels at a closed hub": ("hub.closed", edit("network_changes", "hub_id", "B")),
    "a hub not yet open": (
        "hub.closed",
        both(
            edit("network_changes", "hub_id", "B"),
            edit("network_changes", "change", "opens"),
            edit("network_changes", "date", D12),
        ),
    ),
    "a hub that has moved": (
        "hub.closed",
        both(edit("network_changes", "hub_id", "C"), edit("network_changes", "change", "moves")),
    ),
    "a hub load missing": ("hub_loads.missing", drop("hub_loads", 4)),
    "a load understated": ("hub_loads.handled", edit("hub_loads", "handled", 799)),
    "a night's wait not told": ("hub_loads.held", edit("hub_loads", "held", 0, 4)),
    "a load where nothing is": ("hub_loads.handled", edit("hub_loads", "date", date(2024, 11, 20))),
    "a capacity overstated": ("hub_loads.capacity", edit("hub_loads", "capacity", 900)),
    "a capacity left out": ("hub_loads.capacity", edit("hub_loads", "capacity", None)),
    "a utilisation understated": ("hub_loads.utilisation", edit("hub_loads", "utilisation", 0.5)),
    "a utilisation left out": ("hub_loads.utilisation", edit("hub_loads", "utilisation", None)),
    "a late flow called in time": ("promise.late", edit("trunk_flows", "late_days", 0, 2)),
    "a flow in time called late": ("promise.late", edit("trunk_flows", "late_days", 1)),
    "a late flow that does not say so": ("promise.late", edit("trunk_flows", "late_days", None, 5)),
    "lateness without a promise": ("promise.late", edit("trunk_flows", "late_days", 0, 3)),
    "a flow without its lateness": ("promise.late", remove_column("trunk_flows", "late_days")),
    "a stricter promise": ("promise.late", edit("service_promises", "latest_hours", 24.0, 1)),
    "a promise forgotten": ("promise.late", drop("service_promises", 1)),
    "lateness not paid": ("cost.total", edit("plan_certificates", "cost", COST - 300)),
    "late parcels understated": ("certificate.totals", edit("plan_certificates", "parcels_late", 50)),
    "late parcels not told": ("certificate.totals", remove_column("plan_certificates", "parcels_late")),
    "half a day late": ("table.value", edit("trunk_flows", "late_days", 0.5, 2)),
    "a promise that is no number": ("table.value", edit("service_promises", "latest_hours", float("nan"))),
    "a promise twice": ("table.duplicate", repeat("service_promises")),
    "a cheap departure": ("cost.row", edit("trunk_departures", "cost", 2300.0)),
    "a rail row without the parcels' cost": ("cost.row", edit("trunk_departures", "cost", 2500.0, 3)),
    "dearer fuel": ("cost.row", edit("vehicle_types", "cost_per_km", 3.1)),
    "a cheap plan": ("cost.total", edit("plan_certificates", "cost", COST - 1)),
    "dearer handling": ("cost.total", edit("hubs", "handling_cost", 0.2)),
    "no certificate": ("certificate.missing", remove("plan_certificates")),
    "two certificates": ("certificate.missing", repeat("plan_certificates")),
    "another plan's certificate": ("certificate.missing", edit("plan_certificates", "plan", "stock")),
    "a bound above the cost": ("certificate.bound", edit("plan_certificates", "lower_bound", COST + 1)),
    "a bound its prices do not prove": ("certificate.bound", prove()),
    "a price of the bound below 0": ("bound_prices.row", prove(kind="sort", date=D10, hub_id="A", price=-1.0)),
    "a price of the bound of a closed year": (
        "bound_prices.row",
        prove(kind="sort", date=date(2023, 1, 1), hub_id="A", price=1.0),
    ),
    "a potential of hired vehicles": (
        "bound_prices.row",
        prove(kind="potential", vehicle_type_id="spot-9", hub_id="A", price=1.0),
    ),
    "a bound that ends before the plan": (
        "certificate.proof",
        both(prove(), edit("plan_certificates", "last_day", D12)),
    ),
    "a bound that is no number": ("certificate.bound", edit("plan_certificates", "lower_bound", float("nan"))),
    "a gap of the other kind": ("certificate.gap", edit("plan_certificates", "gap", COST / 13_000.0 - 1)),
    "no gap": ("certificate.gap", edit("plan_certificates", "gap", None)),
    "demand overstated": ("certificate.totals", edit("plan_certificates", "parcels_demanded", 1201)),
    "plan overstated": ("certificate.totals", edit("plan_certificates", "parcels_planned", 1200)),
    "shortfall understated": ("certificate.totals", edit("plan_certificates", "parcels_short", 0)),
    "more called unavoidable than its hubs prove": (
        "certificate.forced",
        lambda t: t.update(plan_certificates=t["plan_certificates"].with_columns(parcels_forced=pl.lit(1201))),
    ),
    "called feasible with shortfalls": ("certificate.status", edit("plan_certificates", "status", "feasible")),
    "a status nobody knows": ("certificate.status", edit("plan_certificates", "status", "perfect")),
    "an empty run over a lane closed by weather": (
        "lane.closed",
        add("lane_weather", date=D11, lane_id="B-A", speed_factor=1.0, capacity_factor=0.0),
    ),
    "an empty run to a closed hub, paid": (
        "hub.closed",
        both(
            add(
                "trunk_departures",
                date=D10,
                lane_id="A-X",
                vehicle_type_id="spot-9",
                departures=1,
                parcels=0,
                cost=600.0,
            ),
            edit("plan_certificates", "cost", COST + 600),
        ),
    ),
    "an empty run that nobody pays": (
        "cost.row",
        add("trunk_departures", date=D12, lane_id="C-B", vehicle_type_id="spot-9", departures=1, parcels=0, cost=0.0),
    ),
    "an empty run left out of the cost": (
        "cost.total",
        add(
            "trunk_departures", date=D12, lane_id="C-B", vehicle_type_id="spot-9", departures=1, parcels=0, cost=1200.0
        ),
    ),
    "no departures as a row": (
        "table.value",
        add("trunk_departures", date=D12, lane_id="C-B", vehicle_type_id="spot-9", departures=0, parcels=0, cost=0.0),
    ),
    "a departure a day late": ("lane.capacity", edit("trunk_departures", "date", D11)),
    "a train missed by a day": ("lane.capacity", edit("trunk_flows", "departure_dates", [D11], 1)),
    "gone on a day before it arrived": ("time.transit", edit("trunk_flows", "departure_dates", [D11, D12], 2)),
    "a lane that takes a day longer": ("time.completed", edit("lanes", "transit_hours", 30.0)),
    "a lane that leads the other way": ("path.ends", edit("lanes", "origin_hub_id", "B")),
    "parcels exchanged between demands": (
        "demand.balance",
        both(edit("trunk_flows", "parcels", 351), edit("trunk_flows", "parcels", 399, 1)),
    ),
    "a shortfall on another day": ("demand.balance", edit("shortfalls", "date", D11)),
    "a shortfall of another route": ("demand.balance", edit("shortfalls", "destination_hub_id", "B")),
    "an empty shortfall": ("table.value", edit("shortfalls", "parcels", 0, 1)),
    "one parcel more than the own truck holds": ("vehicle.capacity", edit("vehicle_types", "capacity", 199)),
    "a lane that takes no train": ("vehicle.departure_limit", edit("lane_vehicles", "departure_limit", 0)),
    "a longer lane": ("cost.row", edit("lanes", "distance_km", 301.0)),
    "a dearer train": ("cost.row", edit("lane_vehicles", "departure_cost", 2501.0)),
    "a bound of minus infinity": ("certificate.bound", edit("plan_certificates", "lower_bound", float("-inf"))),
    "no bound": ("certificate.bound", edit("plan_certificates", "lower_bound", None)),
    "a bound moved without its gap": ("certificate.gap", edit("plan_certificates", "lower_bound", 13_100.0)),
    "a gap of nothing": ("certificate.gap", edit("plan_certificates", "gap", 0.0)),
    "called optimal with a gap": ("certificate.status", edit("plan_certificates", "status", "optimal")),
    "no cost in the certificate": ("cost.total", edit("plan_certificates", "cost", None)),
    "violations admitted that are none": ("certificate.violations", edit("plan_certificates", "violations", 2)),
}


def test_valid_plan_has_no_violation_and_the_cost_reckoned_by_hand() -> None:
    result = check(tiny_plan())
    assert result.violations == []
    assert result.cost == pytest.approx(COST)
    assert result.parts == pytest.approx(
        {"vehicles": 12_100.0, "parcels": 200.0, "handling": 249.0, "holding": 10.0, "short": 1000.0, "late": 300.0}
    )


def test_summary_tells_parcels_vehicles_and_hubs() -> None:
    assert check(tiny_plan()).summary == {
        "first_day": D10,
        "last_day": D11,
        "parcels_demanded": 1200,
        "parcels_planned": 1150,
        "parcels_short": 50,
        "parcels_late": 150,
        "departures": {"contract": 1, "own": 4, "spot": 3},
        "parcels_handled": 2310,
        "parcel_nights_held": 50,
        "busiest_hub_utilisation": 1.0,
        "hub_days_busy": 2,
        "hub_days": 10,
    }


@pytest.mark.parametrize("name", MUTATIONS)
def test_broken_plan_is_found(name: str) -> None:
    rule, mutate = MUTATIONS[name]
    tables = tiny_plan()
    mutate(tables)
    found = check(tables).violations
    assert rule in {violation.rule for violation in found}
    assert all(violation.text.endswith(".") and violation.where for violation in found)


def test_every_rule_of_the_trunk_plan_is_broken_by_a_mutation() -> None:
    trunk_rules = {
        rule for rule in RULES if not rule.startswith(("stock.", "joint.", "orders.", "rolling.", "playback."))
    }
    broken = [*MUTATIONS.values(), *MUTATIONS_BY_CLOCK.values(), *ORDER_MUTATIONS]
    # what paths may be depends on settings that these plans have none of
    assert {rule for rule, _ in (*broken, *STAGING_MUTATIONS)} | PATH_MUTATIONS.keys() == trunk_rules


def test_certificate_that_admits_its_violations_passes_that_rule() -> None:
    tables = tiny_plan()
    edit("hub_loads", "utilisation", 0.5)(tables)
    edit("plan_certificates", "violations", 1)(tables)
    assert [violation.rule for violation in check(tables).violations] == ["hub_loads.utilisation"]


def test_certificate_counts_all_but_its_own_miscount() -> None:
    tables = tiny_plan()
    edit("hub_loads", "utilisation", 0.5)(tables)
    found = check(tables).violations
    assert [violation.rule for violation in found] == ["hub_loads.utilisation", "certificate.violations"]
    assert count_broken(found) == 1


def test_violation_names_place_day_and_figures() -> None:
    tables = tiny_plan()
    edit("hubs", "buffer_capacity", 49, 1)(tables)
    violation = next(v for v in check(tables).violations if v.rule == "hub.buffer")
    assert violation == Violation(
        rule="hub.buffer",
        where="B",
        date=D11,
        found="50",
        allowed="49",
        text="Hub B on 2024-11-11: 50 parcels wait over night, it has room for 49.",
    )


def test_plan_without_optional_tables_is_checked() -> None:
    tables = tiny_plan()
    for name in ("network_changes", "lane_weather"):
        del tables[name]
    # without the slow day the parcels of 11 November reach B a day early and wait a night there
    assert {v.rule for v in check(tables).violations} == {
        "hub.buffer",
        "hub_loads.held",
        "cost.total",
        "certificate.violations",
    }


def test_empty_plan_for_no_demand_is_valid() -> None:
    tables = {name: frame.clear() for name, frame in tiny_plan().items()}
    tables["plan_certificates"] = pl.DataFrame(
        {
            "plan": ["trunk"],
            "status": ["optimal"],
            "cost": [0.0],
            "lower_bound": [0.0],
            "gap": [0.0],
            "violations": [0],
            "parcels_demanded": [0],
            "parcels_planned": [0],
            "parcels_short": [0],
        }
    )
    assert check(tables).violations == []


def test_partial_move_leaves_a_hub_open_and_shares_that_reach_one_close_it() -> None:
    tables = tiny_plan()
    tables["network_changes"] = pl.DataFrame(
        {"date": [D10, D10], "hub_id": ["C", "C"], "change": ["moves", "moves"], "share": [0.5, 0.4]}
    )
    assert check(tables).violations == []
    tables["network_changes"] = tables["network_changes"].with_columns(share=pl.Series([0.5, 0.5]))
    assert {v.date for v in check(tables).violations if v.rule == "hub.closed"} == {D11, D12, D13}


def test_vehicle_is_free_again_on_the_day_it_arrives() -> None:
    tables = tiny_plan()
    edit("vehicle_types", "fleet_size", 3)(tables)
    assert "fleet.size" not in {v.rule for v in check(tables).violations}
    # 20 hours at half speed are two days: the vehicles of the 10th are still at work on the 11th
    edit("lane_weather", "date", D10)(tables)
    over = [v for v in check(tables).violations if v.rule == "fleet.size"]
    assert over == []
    edit("trunk_departures", "departures", 2, 2)(tables)
    over = [v for v in check(tables).violations if v.rule == "fleet.size"]
    assert [(v.date, v.found, v.allowed) for v in over] == [(D11, "4", "3")]


def test_numbers_are_written_for_people() -> None:
    assert [write_number(v) for v in (12000.0, 0.85, None, "A", float("inf"), 3)] == [
        "12000",
        "0.85",
        "nothing",
        "A",
        "inf",
        "3",
    ]


def test_sentences_are_filled_from_the_row() -> None:
    rows = pl.DataFrame({"where": ["B", "A"], "date": [D11, D10], "found": [2.0, 1.0], "allowed": [0.0, 0.5]})
    texts = [v.text for v in collect("hub.buffer", rows, "{where} {date} {found} {allowed}")]
    assert texts == ["A 2024-11-10 1 0.5", "B 2024-11-11 2 0"]
