"""Numbers no plan can be made with: costs below zero, distances that are no numbers, the same lane twice, names nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from data.errors import RadarError

if TYPE_CHECKING:
    import polars as pl

    from routing.trunk.task.inputs import TrunkInputs

_NUMBERS = {
    "hubs": ("sort_capacity", "buffer_capacity", "handling_cost"),
    "lanes": ("distance_km", "transit_hours", "parcel_cost", "departure_limit"),
    "vehicle_types": ("capacity", "fixed_cost", "cost_per_km", "fleet_size"),
    "lane_vehicles": ("capacity", "departure_cost", "departure_limit"),
    "route_demand": ("parcels",),
    "lane_weather": ("speed_factor", "capacity_factor"),
    "service_promises": ("latest_hours",),
}
_KEYS = {
    "hubs": ("hub_id",),
    "lanes": ("lane_id",),
    "vehicle_types": ("vehicle_type_id",),
    "lane_vehicles": ("lane_id", "vehicle_type_id"),
    "lane_weather": ("lane_id", "date"),
}


def check_numbers(inputs: TrunkInputs) -> None:
    """Refuse tables no plan can be made with.

    A price below 0 would pay for driving in circles; a plan's bound is proven for prices of 0 or more only.

    Raises
    ------
    RadarError
        For a number below 0, infinite or not a number, and for a key given twice.
    """
    for table, columns in _NUMBERS.items():
        frame: pl.DataFrame = getattr(inputs, table)
        for column in columns:
            values = frame[column].cast(float)
            wrong = frame.filter(values.is_not_null() & ~(values.is_finite() & (values >= 0)))
            if not wrong.is_empty():
                raise RadarError(
                    f"{table}.{column} {wrong[column][0]} {_place(table, wrong)}",
                    "a finite number of 0 or more",
                    f"correct the row of {table} and plan again",
                )
    for table, keys in _KEYS.items():
        frame = getattr(inputs, table)
        doubled = frame.filter(frame.select(keys).is_duplicated())
        if not doubled.is_empty():
            raise RadarError(
                f"two rows of {table} {_place(table, doubled)}",
                f"one row for each {' and '.join(keys)}",
                f"drop one of them from {table}",
            )


def _place(table: str, rows: pl.DataFrame) -> str:
    routes = ("origin_hub_id", "destination_hub_id")
    keys = _KEYS.get(table, routes if table == "service_promises" else ("date", *routes))
    return "at " + ", ".join(str(rows[key][0]) for key in keys)


def number_names(
    frame: pl.DataFrame, column: str, known: dict[str, int], table: str, what: str
) -> npt.NDArray[np.int64]:
    """Return the number of each name of a column.

    Parameters
    ----------
    known
        Number of each name of the reference table.
    table, what
        Table of the column and what it names, for errors.

    Raises
    ------
    RadarError
        For a name that is not known.
    """
    names = frame[column].to_list()
    unknown = sorted({str(name) for name in names if name not in known})
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise RadarError(
            f"{what} {unknown[0]}{more} in {table}.{column}, unknown to the reference tables",
            action=f"load the {what} or drop the rows",
        )
    return np.array([known[name] for name in names], dtype=np.int64)
