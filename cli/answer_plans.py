"""A plan made anew for a scenario, near the plan that stands: what re-planning would answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import polars as pl

    from routing.stress.incidents import Incident, Scenario, Surroundings
    from routing.stress.layout import Layout
    from routing.stress.records import Network
    from routing.trunk.task.inputs import TrunkOptions

EFFORT = 0.1  # of the ordinary search: what a control room waits for (judgement)
# What planning anew cannot answer: vehicles that do not come would be hired again.
_BEYOND_A_PLAN = ("fleet_gone",)


@dataclass(frozen=True)
class NearPlanner:
    """Plans near a plan for scenarios.

    Attributes
    ----------
    tables
        Inputs and results of the plan.
    layout
        The same, laid out.
    around
        What incidents need.
    options
        Prices and effort.
    max_changes
        Departures that may change.
    """

    tables: Mapping[str, pl.DataFrame]
    layout: Layout
    around: Surroundings
    options: TrunkOptions
    max_changes: int

    def __call__(self, scenario: Scenario) -> tuple[dict[str, pl.DataFrame], int] | None:
        """Plan for a scenario; return the plan's tables with the new flows and departures, and the departures changed."""
        import polars as pl

        from routing.trunk.plan import plan_trunk
        from routing.trunk.replan.reference_plan import Reference, count_changes
        from routing.trunk.task.inputs import TrunkInputs

        if any(one.kind in _BEYOND_A_PLAN for one in scenario.incidents):
            return None
        demand = self._demand(scenario)
        inputs = TrunkInputs.gather({**self.tables, "route_demand": demand, **self._struck(scenario)})
        first, last = demand["date"].min(), demand["date"].max()
        reference = Reference(
            self.tables["trunk_departures"],
            self.tables["trunk_flows"],
            first,  # type: ignore[arg-type]
            last,  # type: ignore[arg-type]
            self.max_changes,
        )
        # what a planner fixed may not be able to run now; what was forbidden stays so
        locks = inputs.departure_locks.with_columns(at_least=pl.lit(0, inputs.departure_locks.schema["at_least"]))
        inputs = replace(inputs, departure_locks=locks)
        plan = plan_trunk(inputs, self.options, reference=reference)
        tables = dict(self.tables) | {"trunk_flows": plan.trunk_flows, "trunk_departures": plan.trunk_departures}
        return tables, 0 if plan.changes is None else count_changes(plan.changes)

    def _demand(self, scenario: Scenario) -> pl.DataFrame:
        """The plan's demand with what the scenario does to the volume."""
        import numpy as np
        import polars as pl

        from routing.stress.incidents import change_demand

        keys = ["date", "origin_hub_id", "destination_hub_id"]
        planned = self.tables["route_demand"].select(*keys, "parcels")
        columns = self.layout.routes.join(planned, on=keys, how="left", maintain_order="left")["parcels"].fill_null(0)
        row = columns.to_numpy().astype(np.int64)[None, :]
        changed = change_demand(self.layout, row, list(scenario.incidents), self.around)[0]
        return self.layout.routes.with_columns(parcels=pl.Series(changed)).filter(pl.col("parcels") > 0)

    def _list_hub_days(self, after: Network) -> list[dict[str, Any]]:
        """Rows of ``hub_days`` for the dates on which a scenario changes a hub's capacity, one for each of its sorts."""
        import numpy as np

        from routing.stress.records import UNBOUNDED
        from routing.trunk.task.sorts import WHOLE_DAY

        before, steps = self.layout.network.hubs.capacity, self.layout.steps
        rows: list[dict[str, Any]] = []
        for hub, day in sorted(
            {(hub, int(steps.day[hub, step])) for hub, step in np.argwhere(after.hubs.capacity != before)}
        ):
            today = np.flatnonzero(steps.day[hub] == day)
            bounded = before[hub, today][before[hub, today] < UNBOUNDED]
            for step in today.tolist():
                capacity, name = int(after.hubs.capacity[hub, step]), steps.sort_ids[hub][step]
                if capacity >= UNBOUNDED:
                    continue
                if name == WHOLE_DAY and len(today) > 1:
                    # of several sorts a row of this name is for all of them, divided by what they sort
                    capacity = round(capacity * bounded.sum() / before[hub, step]) if before[hub, step] else 0
                place = {"date": self.layout.dates[day], "hub_id": self.layout.hub_ids[hub], "sort_id": name}
                rows.append(place | {"sort_capacity": capacity})
        return rows

    def _struck(self, scenario: Scenario) -> dict[str, pl.DataFrame]:
        """``hub_days``, ``lane_weather`` and ``lane_closures`` as the scenario leaves them.

        By sorts a lane is shut by the hour; whatever else befalls it, and all of it by days, is the weather of its day.
        """
        by_hour = [one for one in scenario.incidents if self.layout.steps.by_clock and one.kind == "lane_shut"]
        by_day = [one for one in scenario.incidents if one not in by_hour]
        return {**self._change_days(by_day), "lane_closures": self._shut_lanes(by_hour)}

    def _shut_lanes(self, incidents: Sequence[Incident]) -> pl.DataFrame:
        """The plan's own closures and those of incidents, for certain."""
        import polars as pl

        from data.contracts import contract

        columns = ["lane_id", "starts_at", "ends_at", "probability", "cause"]
        shape = contract("lane_closures").empty().select(columns)
        rows = [
            {
                "lane_id": one.lane_id,
                **{name: self._moment(getattr(one, name)) for name in ("starts_at", "ends_at")},
                "probability": 1.0,
                "cause": one.kind,
            }
            for one in incidents
        ]
        own = self.tables.get("lane_closures", shape).select(pl.col(name).cast(shape.schema[name]) for name in columns)
        return pl.concat([own, pl.DataFrame(rows).cast(shape.schema)]) if rows else own

    def _moment(self, moment: datetime) -> datetime:
        """A moment without an offset is by the clock of the plan's days."""
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.around.zone)).astimezone(UTC)

    def _change_days(self, incidents: Sequence[Incident]) -> dict[str, pl.DataFrame]:
        """``hub_days`` and ``lane_weather`` as incidents leave them."""
        import numpy as np
        import polars as pl

        from data.contracts import contract
        from routing.stress.incidents import strike
        from routing.stress.records import CLOSED

        before, steps = self.layout.network, self.layout.steps
        after = strike(self.layout, before, incidents, self.around)
        rows: list[dict[str, Any]] = []
        found: dict[tuple[int, date], list[tuple[float, float]]] = {}
        for lane, step in np.argwhere(
            (after.lanes.room != before.lanes.room) | (after.lanes.arrival != before.lanes.arrival)
        ).tolist():
            hub, end = int(before.lanes.origin[lane]), int(before.lanes.destination[lane])
            shut = after.lanes.arrival[lane, step] == CLOSED
            planned = before.lanes.room[lane, step]
            share = 0.0 if shut else 1.0 if planned == 0 else after.lanes.room[lane, step] / planned
            reached, scheduled = after.lanes.arrival[lane, step], before.lanes.arrival[lane, step]
            late = (
                max(float(steps.close[end, reached] - steps.close[end, scheduled]), 0.0)
                if reached > scheduled >= 0
                else 0.0
            )
            found.setdefault((lane, self.layout.date_of(hub, step)), []).append((float(share), late))
        for (lane, when), parts in found.items():
            # a lane has one weather a day: where its departures fare differently, the worst of them counts
            share, late = min(part for part, _ in parts), max(hours for _, hours in parts)
            hours = float(self.layout.arrivals.hours[lane, (when - self.layout.dates[0]).days])
            rows.append(
                {
                    "date": when,
                    "lane_id": self.layout.lane_ids[lane],
                    "speed_factor": hours / (hours + late) if hours + late > 0 and np.isfinite(hours) else 1.0,
                    "capacity_factor": share,
                }
            )
        columns = ["date", "lane_id", "speed_factor", "capacity_factor"]
        weather = self.tables.get("lane_weather", contract("lane_weather").empty()).select(columns)
        if rows:
            struck = pl.DataFrame(rows).cast({name: weather.schema[name] for name in columns})
            weather = (
                pl.concat([weather, struck])
                .group_by("date", "lane_id", maintain_order=True)
                .agg(pl.col("speed_factor").product(), pl.col("capacity_factor").product())
            )
        return {"hub_days": self._join_hub_days(self._list_hub_days(after)), "lane_weather": weather}

    def _join_hub_days(self, struck: list[dict[str, Any]]) -> pl.DataFrame:
        """The plan's own ``hub_days``, and in place of its capacities those of the hubs and dates that are struck."""
        import polars as pl

        from data.contracts import contract

        own = contract("hub_days").arrange(self.tables.get("hub_days", contract("hub_days").empty()))
        if not struck:
            return own
        keys = ["date", "hub_id", "sort_id"]
        rows = contract("hub_days").arrange(pl.DataFrame(struck))
        rooms = own.select(*keys, "buffer_capacity")
        rows = rows.drop("buffer_capacity").join(rooms, on=keys, how="left").select(own.columns)
        return pl.concat([own.join(rows, on=["date", "hub_id"], how="anti"), rows])
