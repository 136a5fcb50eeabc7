"""Where own vehicles stand when a plan begins, and are to stand when it ends, as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from data.errors import RadarError
from routing.trunk.task.sorts import Flags, Ints

if TYPE_CHECKING:
    import polars as pl


def read_stands(stands: pl.DataFrame, types: pl.DataFrame, hub_ids: list[str]) -> tuple[Flags, Ints, Ints]:
    """Read ``vehicle_stands``.

    Parameters
    ----------
    types
        Table ``vehicle_types`` in the order of its numbers.

    Returns
    -------
    given : (V,)
        Whether a type has rows; where it has none the plan chooses.
    start, end : (V, H) [vehicles]

    Raises
    ------
    RadarError
        For an unknown hub or type, a type that is not own, more vehicles than the fleet has, other vehicles at the end than at
        the start.
    """
    kinds = {row["vehicle_type_id"]: (number, row) for number, row in enumerate(types.iter_rows(named=True))}
    hubs = {hub: number for number, hub in enumerate(hub_ids)}
    given = np.zeros(len(kinds), dtype=np.bool_)
    start, end = (np.zeros((len(kinds), len(hubs)), dtype=np.int64) for _ in range(2))
    for row in stands.iter_rows(named=True):
        name, hub = row["vehicle_type_id"], row["hub_id"]
        if name not in kinds or hub not in hubs:
            what = f"vehicle type {name}" if name not in kinds else f"hub {hub}"
            raise RadarError(
                f"{what} in vehicle_stands, unknown to the reference tables", action="drop the rows or load it"
            )
        kind, facts = kinds[name]
        if facts["ownership"] != "own":
            raise RadarError(
                f"{facts['ownership']} vehicles {name} in vehicle_stands",
                "own vehicles: hired ones need no place",
                "drop the rows",
            )
        given[kind] = True
        start[kind, hubs[hub]] = row["vehicles_at_start"]
        wanted = row["vehicles_at_end"]
        end[kind, hubs[hub]] = row["vehicles_at_start"] if wanted is None else wanted
    for name, (kind, facts) in kinds.items():
        there, fleet = int(start[kind].sum()), facts["fleet_size"]
        if fleet is not None and there > fleet:
            raise RadarError(
                f"{there} vehicles {name} in vehicle_stands",
                f"at most its fleet_size, {fleet}",
                "correct one of the two tables",
            )
        if there != int(end[kind].sum()):
            raise RadarError(
                f"{there} vehicles {name} at the start and {int(end[kind].sum())} at the end in vehicle_stands",
                "as many at the end as at the start",
                "correct vehicles_at_end",
            )
    return given, start, end
