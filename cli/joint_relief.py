"""What stock placed ahead saves and which hub-days it relieves, held against a trunk plan of the same parcels with nothing ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.past_plans import read_run
from cli.trunk_task import HOURS, TABLES, read_prices, read_rules

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from data.runs import Run
    from data.workspace import Workspace
    from routing.checker.joint_bound import JointTerms
    from routing.joint.plan import JointPlan

_FREE = (
    "from",
    "to",
    "as_of",
    "forecast",
    "day_cost",
    "putaway_days",
    "time_limit",
    "stock_from",
    "stock_to",
    "hub_forecasts_run",
)  # of the stock, or told by the demand
_ROUTE = ("date", "origin_hub_id", "destination_hub_id")


def find_nothing_ahead(
    workspace: Workspace, run: Run, demand: pl.DataFrame, run_options: dict[str, Any]
) -> dict[str, Any] | None:
    """Find the latest trunk plan of the same parcels on the same tables and options, as the run keeps it; None without one."""
    import polars as pl

    asked = demand.group_by(_ROUTE).agg(pl.col("parcels").sum()).filter(pl.col("parcels") > 0).sort(_ROUTE)
    for name in reversed(workspace.writers("trunk_flows")):
        other = read_run(workspace, name)
        options, versions = other["options"], other["tables_read"]
        if other["command"] != "plan trunk" or options.get("max_changes") is not None:
            continue
        if any(options.get(key) != value for key, value in run_options.items() if key not in _FREE):
            continue
        if any(versions.get(table) != run.versions_read.get(table) for table in (*TABLES, *HOURS)):
            continue
        carried = workspace.results("route_demand", name).group_by(_ROUTE).agg(pl.col("parcels").sum())
        if carried.filter(pl.col("parcels") > 0).sort(_ROUTE).equals(asked):
            row = workspace.results("plan_certificates", name).row(by_predicate=pl.col("plan") == "trunk", named=True)
            return {"run_id": name, **_read_row(row, float(options["short_cost"]))}
    return None


def _read_row(row: dict[str, Any], short_cost: float) -> dict[str, Any]:
    """Cost without the price of short parcels, and parcels short and late, of a certificate."""
    return {
        "cost": row["cost"] - short_cost * row["parcels_short"],
        "parcels_short": row["parcels_short"],
        "parcels_late": row["parcels_late"],
    }


def compare_whole(workspace: Workspace, found: JointPlan, against: dict[str, Any]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Hub-days that the joint plan relieves and burdens against that trunk plan, both in whole vehicles."""
    from routing.joint.relief import list_burdened, list_relieved, measure_use

    name = against["run_id"]
    before = measure_use(workspace.results("hub_loads", name), workspace.results("shortfalls", name))
    after = measure_use(found.trunk.hub_loads, found.trunk.shortfalls)
    return list_relieved(before, after), list_burdened(before, after)


def read_joint(certificates: pl.DataFrame, short_cost: float) -> dict[str, Any]:
    """Read what a joint plan comes to, as :func:`find_nothing_ahead` tells the other."""
    rows = {row["plan"]: row for row in certificates.iter_rows(named=True)}
    own = rows["joint"] | {"parcels_late": rows["trunk"]["parcels_late"]}
    return _read_row(own, short_cost)


def tell_saving(against: dict[str, Any], joint: dict[str, Any]) -> str:
    """Tell what stock ahead saves in whole vehicles, the cost of the stock in it."""
    saved = against["cost"] - joint["cost"]
    share = 100 * abs(saved) / max(against["cost"], 1.0)
    name = against["run_id"]
    if saved >= 0:
        parts = [
            f"Against {name}, the same parcels with nothing ahead, trunk and stock cost {saved:,.0f} CNY less ({share:.1f} %)"
        ]
    else:
        parts = [
            f"Against {name}, the same parcels with nothing ahead, trunk and stock cost {-saved:,.0f} CNY more ({share:.1f} %)"
        ]
    fewer, sooner = ((against[key] or 0) - (joint[key] or 0) for key in ("parcels_short", "parcels_late"))
    if fewer:
        parts.append(f"{fewer:,} parcels fewer are short" if fewer > 0 else f"{-fewer:,} parcels more are short")
    if sooner:
        parts.append(f"{sooner:,} parcels fewer are late" if sooner > 0 else f"{-sooner:,} parcels more are late")
    return "; ".join(parts)


def read_joint_terms(options: dict[str, Any], as_of: date) -> JointTerms:
    """Read what the check of a joint plan has to know from the plan's options."""
    from datetime import date as day

    from routing.checker.bound import Costs
    from routing.checker.joint_bound import JointTerms
    from routing.checker.stock_cost import StockTerms

    prices = read_prices(options)
    return JointTerms(
        stock=StockTerms(options["day_cost"], options["putaway_days"]),
        costs=Costs(prices["hold_cost"], prices["short_cost"], 0.0),
        rules=read_rules(options, str(options["time_zone"])),
        co2_price=prices.get("co2_price", 0.0),
        first=day.fromisoformat(options["stock_from"]),
        last=day.fromisoformat(options["stock_to"]),
        as_of=as_of,
    )
