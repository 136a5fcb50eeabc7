"""Plans that name hours: the one on paper passes, its cost to the cent; every way of breaking it is found."""

from __future__ import annotations

import polars as pl
import pytest

from routing.checker.trunk import TrunkCheck, check_trunk
from tests.routing.mutations_by_clock import MUTATIONS_BY_CLOCK
from tests.routing.playback.paper_plan import COST, LATE_COST, paper_plan
from tests.routing.tiny_plan import Tables


def check(tables: Tables) -> TrunkCheck:
    return check_trunk(tables, hold_cost=0.2, short_cost=100.0, late_cost=LATE_COST)


def test_plan_on_paper_breaks_no_rule() -> None:
    found = check(paper_plan())
    assert [violation.text for violation in found.violations] == []
    assert found.cost == pytest.approx(COST)
    assert found.parts["late"] == pytest.approx(20.0)
    assert found.summary["parcels_late"] == 60
    assert "not recomputed" in found.bound.told


@pytest.mark.parametrize("name", MUTATIONS_BY_CLOCK)
def test_broken_plan_by_the_clock_is_found(name: str) -> None:
    rule, mutate = MUTATIONS_BY_CLOCK[name]
    tables = paper_plan()
    mutate(tables)
    found = check(tables).violations
    assert rule in {violation.rule for violation in found}
    assert all(violation.text.endswith(".") and violation.where for violation in found)


def test_waiting_is_priced_by_the_hour() -> None:
    tables = paper_plan()
    # all of the evening's parcels of A leave with the night: sorted then, after waiting eight hours
    tables["hub_sorts"] = tables["hub_sorts"].with_columns(sort_capacity=pl.lit(None, pl.Float64))
    tables["hubs"] = tables["hubs"].with_columns(buffer_capacity=pl.lit(None, pl.Float64))
    flows = tables["trunk_flows"]
    hours = [flows["departs_at"].to_list()[row] for row in (1, 1, 3, 3)]
    done = [flows["completed_at"].to_list()[row] for row in (1, 1, 3, 3)]
    tables["trunk_flows"] = flows.with_columns(
        pl.Series("departs_at", hours, dtype=flows.schema["departs_at"]), pl.Series("completed_at", done)
    )
    assert check(tables).parts["holding"] == pytest.approx(210 * 8 / 24 * 0.2)
