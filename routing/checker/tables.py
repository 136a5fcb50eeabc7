"""The tables as the plan checker sees them: form, numbers, keys and known ids, before any balance is drawn up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import polars as pl

from routing.checker.violations import Violation, collect

WHOLE = "whole"  # a count: whole and at least 0
ONE = "one or more"  # a count: whole and at least 1
AMOUNT = "amount"  # a number of at least 0
MONEY = "money"  # any finite number
EMPTY = " or empty"

_TEXT, _DAY, _TEXTS, _DAYS = pl.String(), pl.Date(), pl.List(pl.String), pl.List(pl.Date)
_MOMENT = pl.Datetime("us", "UTC")
_MOMENTS = pl.List(_MOMENT)


@dataclass(frozen=True, slots=True)
class Form:
    """Columns, number kinds and key of a table the checker reads; a cell of `blank` columns may be empty."""

    columns: Mapping[str, pl.DataType | pl.List]
    numbers: Mapping[str, str]
    key: tuple[str, ...]
    optional: bool = False
    blank: Mapping[str, pl.DataType] = field(default_factory=dict)


_ROUTE = {"date": _DAY, "origin_hub_id": _TEXT, "destination_hub_id": _TEXT}

FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "hubs": Form(
            {"hub_id": _TEXT},
            {
                "sort_capacity": AMOUNT + EMPTY,
                "buffer_capacity": AMOUNT + EMPTY,
                "staging_capacity": AMOUNT + EMPTY,
                "handling_cost": MONEY + EMPTY,
            },
            ("hub_id",),
            blank={"time_zone": _TEXT},
        ),
        "lanes": Form(
            {"lane_id": _TEXT, "origin_hub_id": _TEXT, "destination_hub_id": _TEXT, "mode": _TEXT},
            {
                "distance_km": AMOUNT,
                "transit_hours": AMOUNT,
                "parcel_cost": MONEY + EMPTY,
                "departure_limit": AMOUNT + EMPTY,
            },
            ("lane_id",),
        ),
        "vehicle_types": Form(
            {"vehicle_type_id": _TEXT, "mode": _TEXT, "ownership": _TEXT},
            {"capacity": AMOUNT, "fixed_cost": MONEY, "cost_per_km": MONEY, "fleet_size": AMOUNT + EMPTY},
            ("vehicle_type_id",),
        ),
        "lane_vehicles": Form(
            {"lane_id": _TEXT, "vehicle_type_id": _TEXT},
            {"capacity": AMOUNT + EMPTY, "departure_cost": MONEY + EMPTY, "departure_limit": AMOUNT + EMPTY},
            ("lane_id", "vehicle_type_id"),
            optional=True,
        ),
        "network_changes": Form(
            {"date": _DAY, "change": _TEXT},
            {"share": AMOUNT + EMPTY},
            (),
            optional=True,
            blank={"hub_id": _TEXT, "until": _DAY, "scope": _TEXT, "direction": _TEXT},
        ),
        "lane_weather": Form(
            {"date": _DAY, "lane_id": _TEXT},
            {"speed_factor": AMOUNT, "capacity_factor": AMOUNT},
            ("date", "lane_id"),
            optional=True,
        ),
        "lane_closures": Form(
            {"lane_id": _TEXT, "starts_at": _MOMENT, "ends_at": _MOMENT}, {"probability": AMOUNT}, (), optional=True
        ),
        "service_promises": Form(
            {"origin_hub_id": _TEXT, "destination_hub_id": _TEXT},
            {"latest_hours": AMOUNT + EMPTY, "by_day": WHOLE + EMPTY},
            ("origin_hub_id", "destination_hub_id"),
            optional=True,
            blank={"by_hour": _TEXT},
        ),
        "hub_sorts": Form(
            {"hub_id": _TEXT, "sort_id": _TEXT, "opens": _TEXT, "cut_off": _TEXT, "closes": _TEXT},
            {
                "sort_capacity": AMOUNT + EMPTY,
                "buffer_capacity": AMOUNT + EMPTY,
                "unload_hours": AMOUNT + EMPTY,
                "handling_cost": MONEY + EMPTY,
            },
            (),
            optional=True,
            blank={"date_from": _DAY, "date_to": _DAY, "weekdays": _TEXT},
        ),
        "hub_days": Form(
            {"date": _DAY, "hub_id": _TEXT, "sort_id": _TEXT},
            {"sort_capacity": AMOUNT + EMPTY, "buffer_capacity": AMOUNT + EMPTY},
            ("date", "hub_id", "sort_id"),
            optional=True,
        ),
        "hub_closures": Form(
            {"hub_id": _TEXT, "starts_at": _MOMENT, "ends_at": _MOMENT}, {"open_share": AMOUNT}, (), optional=True
        ),
        "hand_in_profile": Form(
            {"hub_id": _TEXT, "day_kind": _TEXT, "until_hour": _TEXT},
            {"share": AMOUNT},
            ("hub_id", "day_kind", "until_hour"),
            optional=True,
        ),
        "delivery_waves": Form({"hub_id": _TEXT, "leaves": _TEXT}, {}, ("hub_id", "leaves"), optional=True),
        "lane_departures": Form(
            {"lane_id": _TEXT, "leaves": _TEXT},
            {"departure_limit": WHOLE + EMPTY, "load_hours": AMOUNT + EMPTY},
            ("lane_id", "leaves"),
            optional=True,
            blank={"weekdays": _TEXT, "vehicle_type_id": _TEXT},
        ),
        "vehicle_stands": Form(
            {"vehicle_type_id": _TEXT, "hub_id": _TEXT},
            {"vehicles_at_start": WHOLE, "vehicles_at_end": WHOLE + EMPTY},
            ("vehicle_type_id", "hub_id"),
            optional=True,
        ),
        "departure_locks": Form(
            {"lane_id": _TEXT, "date": _DAY, "leaves": _TEXT, "vehicle_type_id": _TEXT},
            {"at_least": WHOLE, "at_most": WHOLE + EMPTY},
            ("lane_id", "date", "leaves", "vehicle_type_id"),
            optional=True,
        ),
        "route_demand": Form(dict(_ROUTE), {"parcels": WHOLE}, (*_ROUTE, "ready_at"), blank={"ready_at": _MOMENT}),
        "trunk_departures": Form(
            {"date": _DAY, "lane_id": _TEXT, "vehicle_type_id": _TEXT},
            {"departures": ONE, "parcels": WHOLE, "cost": MONEY},
            ("date", "lane_id", "vehicle_type_id", "sort_id", "leaves_at"),
            blank={"sort_id": _TEXT, "leaves_at": _MOMENT, "arrives_at": _MOMENT},
        ),
        "trunk_flows": Form(
            {**_ROUTE, "path": _TEXTS, "departure_dates": _DAYS, "completed_on": _DAY},
            {"parcels": ONE, "late_days": WHOLE + EMPTY, "late_hours": AMOUNT + EMPTY},
            (*_ROUTE, "path", "departure_dates", "departs_at", "completed_on", "completed_at"),
            blank={"departs_at": _MOMENTS, "completed_at": _MOMENT},
        ),
        "hub_loads": Form(
            {"date": _DAY, "hub_id": _TEXT},
            {
                "handled": WHOLE,
                "held": WHOLE,
                "staged": WHOLE + EMPTY,
                "capacity": AMOUNT + EMPTY,
                "utilisation": AMOUNT + EMPTY,
            },
            ("date", "hub_id", "sort_id"),
            blank={"sort_id": _TEXT},
        ),
        "shortfalls": Form(dict(_ROUTE), {"parcels": ONE}, tuple(_ROUTE), optional=True),
        "sort_plans": Form(
            {
                "date_from": _DAY,
                "date_to": _DAY,
                "hub_id": _TEXT,
                "sort_id": _TEXT,
                "destination_hub_id": _TEXT,
                "lane_id": _TEXT,
            },
            {"share": AMOUNT},
            ("date_from", "hub_id", "sort_id", "destination_hub_id"),
            optional=True,
            blank={"alternate_lane_id": _TEXT},
        ),
        "bound_prices": Form(
            {"kind": _TEXT},
            {"price": MONEY},
            (),
            optional=True,
            blank={
                "date": _DAY,
                "hub_id": _TEXT,
                "sort_id": _TEXT,
                "lane_id": _TEXT,
                "at": _MOMENT,
                "vehicle_type_id": _TEXT,
                "demand_date": _DAY,
                "origin_hub_id": _TEXT,
                "destination_hub_id": _TEXT,
            },
        ),
    }
)


def read_tables(
    tables: Mapping[str, pl.DataFrame], only: str | None = None
) -> tuple[dict[str, pl.DataFrame], list[Violation]]:
    """Bring the tables into the checker's form and list what is wrong with single rows.

    Parameters
    ----------
    tables
        Tables by name; surplus tables and columns are ignored.
    only
        Name of the one table to read; all by default.

    Returns
    -------
    frames : dict of str to polars.DataFrame
        Each table of ``FORMS`` with a ``row`` number; numbers as Float64, those that break their kind set to 0 so that the
        balances can still be drawn up; rows with an empty key left out.
    violations : list of Violation
        Missing tables and columns, impossible numbers, empty keys, doubled keys.
    """
    frames: dict[str, pl.DataFrame] = {}
    violations: list[Violation] = []
    for name, form in FORMS.items():
        if only is not None and name != only:
            continue
        raw = tables.get(name)
        if raw is None:
            if not form.optional:
                violations.append(
                    Violation("table.missing", name, None, "nothing", name, f"The plan has no table {name}.")
                )
            raw = pl.DataFrame()
        elif raw.width:
            violations += _missing_columns(name, raw, form)
        frame = _cast(raw, form)
        violations += _bad_numbers(name, frame, form) + _empty_keys(name, frame, form) + _doubled(name, frame, form)
        frames[name] = _repair(frame, form)
    return frames, violations


def _missing_columns(name: str, raw: pl.DataFrame, form: Form) -> list[Violation]:
    wanted = [*form.columns, *(c for c, kind in form.numbers.items() if not kind.endswith(EMPTY))]
    return [
        Violation("table.column", f"{name}.{c}", None, "nothing", c, f"Table {name} has no column {c}.")
        for c in wanted
        if c not in raw.columns
    ]


def _cast(raw: pl.DataFrame, form: Form) -> pl.DataFrame:
    """Give the frame every column of the form, in the form's types; what cannot be read becomes empty."""
    types = {**form.columns, **form.blank, **dict.fromkeys(form.numbers, pl.Float64())}
    have = [
        pl.col(c).cast(t, strict=False) if c in raw.columns else pl.lit(None).cast(t).alias(c) for c, t in types.items()
    ]
    if not raw.width:
        return pl.DataFrame(schema={**types, "row": pl.UInt32()})
    return raw.select(have).with_row_index("row", offset=1)


def _broken(column: str, kind: str) -> pl.Expr:
    """Return where a number breaks its kind; an empty one breaks it unless the kind allows empty."""
    value = pl.col(column)
    bad = ~value.is_finite()
    base = kind.removesuffix(EMPTY)
    if base in (WHOLE, ONE):
        bad = bad | (value != value.round(0)) | (value < (1 if base == ONE else 0))
    elif base == AMOUNT:
        bad = bad | (value < 0)
    return bad.fill_null(not kind.endswith(EMPTY))


def _bad_numbers(name: str, frame: pl.DataFrame, form: Form) -> list[Violation]:
    found: list[Violation] = []
    for column, kind in form.numbers.items():
        rows = frame.filter(_broken(column, kind)).select(
            where=pl.format("{}.{} row {}", pl.lit(name), pl.lit(column), pl.col("row")),
            date=pl.col("date") if "date" in frame.columns else pl.lit(None, pl.Date),
            found=pl.col(column),
            allowed=pl.lit(f"{kind} number"),
        )
        found += collect("table.value", rows, "{where} is {found}; it must be a number: {allowed}.")
    return found


def _empty_keys(name: str, frame: pl.DataFrame, form: Form) -> list[Violation]:
    required = list(form.columns)
    rows = frame.filter(pl.any_horizontal(pl.col(c).is_null() for c in required)).select(
        where=pl.format("{} row {}", pl.lit(name), pl.col("row")),
        date=pl.lit(None, pl.Date),
        found=pl.lit("nothing"),
        allowed=pl.lit(", ".join(required)),
    )
    return collect("table.value", rows, "{where} has an empty cell, or one of a wrong type, among {allowed}.")


def _doubled(name: str, frame: pl.DataFrame, form: Form) -> list[Violation]:
    if not form.key:
        return []
    types = {**form.columns, **form.blank}
    keys = [
        pl.col(c).cast(pl.List(pl.String)).list.join("|") if isinstance(types[c], pl.List) else pl.col(c)
        for c in form.key
    ]
    rows = (
        frame.select(*keys)
        .with_columns(pl.col(c).cast(pl.String).fill_null("-") for c in form.key)
        .group_by(*form.key)
        .len()
        .filter(pl.col("len") > 1)
        .select(
            where=pl.format("{}: {}", pl.lit(name), pl.concat_str(form.key, separator=" / ")),
            date=pl.lit(None, pl.Date),
            found=pl.col("len").cast(pl.Float64),
            allowed=pl.lit(1.0),
        )
    )
    return collect("table.duplicate", rows, "{where} stands in {found} rows; a key may stand in one.")


def _repair(frame: pl.DataFrame, form: Form) -> pl.DataFrame:
    """Drop rows without a key and doubled keys of reference tables; make impossible numbers harmless."""
    required = list(form.columns)
    fixed = frame.drop_nulls(required).with_columns(
        pl.when(_broken(c, kind)).then(pl.lit(0.0 if not kind.endswith(EMPTY) else None)).otherwise(pl.col(c)).alias(c)
        if kind in (AMOUNT, MONEY) or kind.endswith(EMPTY)
        else pl.when(pl.col(c).is_finite()).then(pl.col(c)).otherwise(0.0).alias(c)
        for c, kind in form.numbers.items()
    )
    return fixed.unique(form.key, keep="first", maintain_order=True) if _is_reference(form) else fixed


def _is_reference(form: Form) -> bool:
    return bool(form.key) and not ({"parcels", "handled"} & set(form.numbers))


def unknown_ids(frames: Mapping[str, pl.DataFrame]) -> list[Violation]:
    """List plan rows that name hubs, lanes or vehicle types which do not exist.

    Demand and shortfalls may name unknown hubs: that is a reason to be short.
    """
    hubs, lanes, types = frames["hubs"], frames["lanes"], frames["vehicle_types"]
    legs = frames["trunk_flows"].select("date", "row", lane_id="path").explode("lane_id").drop_nulls("lane_id")
    found = _unknown("trunk_flows", legs, "lane_id", lanes["lane_id"])
    for column in ("origin_hub_id", "destination_hub_id"):
        found += _unknown("trunk_flows", frames["trunk_flows"], column, hubs["hub_id"])
    found += _unknown("trunk_departures", frames["trunk_departures"], "lane_id", lanes["lane_id"])
    found += _unknown("trunk_departures", frames["trunk_departures"], "vehicle_type_id", types["vehicle_type_id"])
    return found + _unknown("hub_loads", frames["hub_loads"], "hub_id", hubs["hub_id"])


def _unknown(table: str, frame: pl.DataFrame, column: str, known: pl.Series) -> list[Violation]:
    rows = frame.filter(~pl.col(column).is_in(known.implode())).select(
        where=pl.format("{} row {}", pl.lit(table), pl.col("row")),
        date="date",
        found=pl.col(column),
        allowed=pl.lit(f"a known {column.removeprefix('origin_').removeprefix('destination_')}"),
    )
    return collect("id.unknown", rows, "{where} names {found}; expected {allowed}.")
