"""``radar plan joint``: where stock stands and what the trunk carries, decided together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.console import EXIT_INCOMPLETE, known_errors, out_json, out_rows, progress, say, warn, workspace_of
from cli.forecast_basis import ForecastRun, basis_of, tell_basis
from cli.joint_relief import compare_whole, find_nothing_ahead, read_joint, read_joint_terms, tell_saving
from cli.merchant_demand import read_cube, tell_first_editions
from cli.options import Effort, FirstDay, Json, LastDay, Seed, TimeLimit, parse_day
from cli.past_plans import find_sourcing
from cli.plan_beside import Beside, find_beside, read_beside
from cli.plan_demand import TrunkRequest, choose_order
from cli.plan_weather import tell_weather_basis
from cli.stock_facts import tell_on_hand
from cli.trunk_task import TABLES, keep_options, list_hours, read_lane_weather, read_prices, read_rules, set_options

if TYPE_CHECKING:
    import polars as pl

    from data.runs import Run
    from data.workspace import Workspace
    from routing.joint.plan import JointPlan

_RELIEVED_SHOWN = 10
_BURDENED_SHOWN = 3


def register(group: typer.Typer) -> None:
    """Add ``joint`` to the group ``radar plan``."""
    group.command("joint")(plan_joint)


@known_errors
def plan_joint(
    context: typer.Context,
    first: FirstDay = None,
    last: LastDay = None,
    stock_first: Annotated[
        date | None,
        typer.Option(
            "--stock-from", parser=parse_day, metavar="DATE", help="First day of the orders stock is placed for."
        ),
    ] = None,
    stock_last: Annotated[
        date | None,
        typer.Option("--stock-to", parser=parse_day, metavar="DATE", help="Last day of those orders."),
    ] = None,
    as_of: Annotated[
        date | None, typer.Option("--as-of", parser=parse_day, metavar="DATE", help="Last day of sales to use.")
    ] = None,
    service_level: Annotated[
        float | None,
        typer.Option(
            "--service-level",
            help="Quantile of the forecast to carry, else plan.service_level; and to stock for, else the pay-off sets it.",
        ),
    ] = None,
    by: Annotated[
        Literal["sorts", "days"],
        typer.Option("--by", help="sorts: by the hours of hubs that have some; days: whole days."),
    ] = "sorts",
    effort: Effort = None,
    time_limit: TimeLimit = None,
    beside: Beside = None,
    day_cost: Annotated[float, typer.Option(help="Worth of a day on which a buyer waits [CNY/unit].")] = 0.5,
    forecast: ForecastRun = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Plan stock and trunk together: which orders leave from which warehouse, and whole vehicles for what is left to carry.

    It is judged beside nothing ahead and beside stock planned alone, and carries a bound. Exit code 3: parcels are short.

    Example: `radar plan joint --from 2025-11-01 --to 2025-11-16`
    """
    from routing.joint.plan import plan_joint as plan
    from routing.joint.solution import JointInputs
    from routing.stock.options import StockOptions
    from routing.stock.task import CUBE, SOURCING
    from routing.stock.task import TABLES as STOCK_TABLES

    workspace = workspace_of(context)
    settings = workspace.settings.plan
    level = settings.service_level if service_level is None else service_level
    stock_options = StockOptions(
        first=stock_first, last=stock_last, as_of=as_of, service_level=service_level, from_home=True, day_cost=day_cost
    )
    order = choose_order(workspace, TrunkRequest(by=by))
    trunk_options = set_options(workspace.settings, effort=effort, time_limit=time_limit, seed=seed, sort_plan=order)
    others = find_beside(workspace, beside)
    chosen: dict[str, Any] = {"service_level": level, "forecast": forecast, "by": by, "beside": others}
    options: dict[str, Any] = {
        **chosen,
        **{name: None if day is None else day.isoformat() for name, day in (("from", first), ("to", last))},
        **keep_options(trunk_options),
        **{name: getattr(stock_options, name) for name in ("as_of", "day_cost", "putaway_days")},
    }
    with progress("Joint plan") as bar, workspace.run("plan joint", options, seed) as run:
        trunk = {name: run.read(name) for name in (*TABLES, *list_hours(by))}
        under, seen = read_lane_weather(run)
        trunk |= under
        run.options = options = {**options, **seen}
        trunk["route_demand"], hubs = _read_demand(run, first, last, level, forecast)
        trunk |= read_beside(run, trunk, trunk_options, others)
        stock = {name: run.read(name) for name in STOCK_TABLES}
        zone = workspace.settings.workspace.timezone
        if stock["stock_demand"].is_empty():
            stock[CUBE] = read_cube(run, forecast=forecast, as_of=as_of, last=stock_last, timezone=zone)
        begin, end = trunk["route_demand"]["date"].min(), trunk["route_demand"]["date"].max()
        stock_options = _choose_days(stock_options, stock, begin, end)
        stock[SOURCING] = sourcing = find_sourcing(run.reader)
        found = plan(JointInputs(trunk, stock, sourcing, hubs), stock_options, trunk_options, bar)
        run.options = options = {**options, "stock_from": found.first.isoformat(), "stock_to": found.last.isoformat()}
        given = {**stock, **trunk, "sourcing_today": sourcing}
        if hubs is not None:
            run.options = options = {**options, "hub_forecasts_run": hubs["run_id"][0]}
            given["hub_forecasts"] = hubs
        found, broken = _check(found, given, options)
        for name, frame in _tables(found).items():
            run.append(name, frame)
        relief = _hold_against(workspace, run, found, trunk["route_demand"], options)
        run.options = {**options, "rivals": _list_rivals(found), **relief.options()}
        run.outcome = "shortfalls" if found.trunk.short else "done"
        run.message = sum_up(found)
    _print_plan(found, relief, run.run_id, basis_of(workspace, run.run_id), json=json)
    if not json:
        tell_basis(workspace, run.run_id)
        tell_first_editions(stock, found.first, found.last)
        say(tell_weather_basis(workspace, run.run_id))
    if broken:
        warn(f"The checker finds {broken} violations: see `radar verify {run.run_id}`.")
    if found.trunk.short:
        raise typer.Exit(EXIT_INCOMPLETE)


def _read_demand(
    run: Run, first: date | None, last: date | None, level: float, forecast: str | None
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Demand before stock is placed ahead, and the forecast of the hubs it stands on."""
    from cli.plan_demand import read_demand

    demand = read_demand(run, TrunkRequest(first=first, last=last, forecast=forecast), level)
    if not run.reader.writers("route_forecasts"):
        return demand, None
    routes = run.results("route_forecasts", forecast)
    return demand, run.results("hub_forecasts", routes["run_id"][0])


def _choose_days(options: Any, stock: dict[str, pl.DataFrame], begin: Any, end: Any) -> Any:
    """Days the stock is for: those given, else the shopping events within the trunk's days, else all of these."""
    from datetime import timedelta

    import polars as pl

    if options.first is not None and options.last is not None:
        return options
    known = options.as_of or stock["sales"].select(pl.col("date").max()).item()
    as_of = known or begin - timedelta(days=1)
    events = stock["events"].filter(
        (pl.col("kind") == "shopping")
        & (pl.col("date_to") >= begin)
        & (pl.col("date_from") <= end)
        & (pl.col("date_to") > as_of)
    )
    low, high = max(begin, as_of + timedelta(days=1)), end
    if events.height:
        low = max(low, events.select(pl.col("date_from").min()).item())
        high = min(high, events.select(pl.col("date_to").max()).item())
    return replace(options, first=options.first or low, last=options.last or high)


def _check(found: JointPlan, given: dict[str, pl.DataFrame], options: dict[str, Any]) -> tuple[JointPlan, int]:
    """Count what the independent checker finds, and write it into the certificates."""
    import polars as pl

    from routing.checker.joint import check_joint
    from routing.checker.joint_bound import check_joint_bound
    from routing.checker.trunk import check_trunk
    from routing.checker.violations import count_broken

    tables = {**given, **_tables(found)}
    rules = read_rules(options, str(options["time_zone"]))
    of_trunk = count_broken(check_trunk(tables, **read_prices(options), rules=rules).violations)
    terms = read_joint_terms(options, found.as_of)
    of_bound = check_joint_bound(tables, terms)[1]
    of_joint = count_broken(check_joint(tables, as_of=found.as_of, terms=terms.stock, of_bound=of_bound))
    counts = pl.col("plan").replace_strict({"trunk": of_trunk, "joint": of_joint}, default=0, return_dtype=pl.Int64)
    certificates = found.certificates.with_columns(violations=counts)
    return replace(found, certificates=certificates), of_trunk + of_joint


def _tables(found: JointPlan) -> dict[str, pl.DataFrame]:
    return {
        **found.trunk.tables(),
        "hub_prices": found.trunk.hub_prices,
        "route_demand": found.whole.demand,
        "route_prices": found.route_prices,
        "bound_prices": found.bound_prices,
        "stock_allocations": found.whole.allocations,
        "sourcing": found.whole.sourcing,
        "plan_certificates": found.certificates,
    }


def sum_up(found: JointPlan) -> str:
    """Tell a joint plan in a sentence: cost and bound, what it saves, what stays short."""
    row = found.certificates.filter(found.certificates["plan"] == "joint").row(0, named=True)
    nothing = next(rival for rival in found.rivals if rival.name == "nothing ahead")
    best = found.rivals[0]
    saved = nothing.cost - best.cost
    priced = found.short_price * found.trunk.short
    parts = [f"{row['cost'] - priced:,.0f} CNY for trunk and stock, no joint plan below {row['lower_bound']:,.0f}"]
    if found.trunk.short:
        parts = [
            f"{row['cost'] - priced:,.0f} CNY for trunk and stock beside what is short",
            f"with that at {found.short_price:,.0f} CNY a parcel {row['cost']:,.0f}, and no joint plan below {row['lower_bound']:,.0f}",
        ]
    fewer = nothing.short - best.short
    if fewer > 0.5:
        parts.append(f"placing {found.whole.units:,} units ahead keeps {fewer:,.0f} parcels from staying short")
    if saved > 0:
        parts.append(
            f"saves {saved:,.0f} CNY ({100 * saved / max(nothing.cost, 1.0):.1f} %) against nothing ahead, both in parts of vehicles"
        )
    if found.trunk.short:
        parts.append(f"{found.trunk.short:,} parcels short, {found.least_short:,.0f} of them whatever is moved")
    return "; ".join(parts)


def _list_rivals(found: JointPlan) -> list[dict[str, Any]]:
    return [{"plan": rival.name, "cost": rival.cost, "parcels_short": rival.short} for rival in found.rivals]


@dataclass(frozen=True, slots=True)
class _Relief:
    """What stock ahead does to the hubs: against a trunk plan in whole vehicles, or, without one, in parts of vehicles.

    Attributes
    ----------
    relieved, burdened
        Hub-days, the most first; those burdened are told of whole vehicles alone.
    against
        The trunk plan with nothing ahead it is held against; None without one.
    saving
        What is saved against it, as a sentence.
    """

    relieved: pl.DataFrame
    burdened: pl.DataFrame
    against: dict[str, Any] | None
    saving: str | None

    def options(self) -> dict[str, Any]:
        """As the run keeps it for report, advice and check."""
        days = {"relieved": self.relieved, "burdened": self.burdened}
        rows = {
            name: [{**row, "date": row["date"].isoformat()} for row in frame.to_dicts()] for name, frame in days.items()
        }
        return {**rows, "against": self.against}


def _hold_against(
    workspace: Workspace, run: Run, found: JointPlan, demand: pl.DataFrame, options: dict[str, Any]
) -> _Relief:
    """Hold the joint plan against the trunk plan of the same parcels with nothing ahead, if there is one."""
    against = find_nothing_ahead(workspace, run, demand, options)
    if against is None:
        return _Relief(found.relieved, found.relieved.clear(), None, None)
    relieved, burdened = compare_whole(workspace, found, against)
    saving = tell_saving(against, read_joint(found.certificates, found.short_price))
    return _Relief(relieved, burdened, against, saving)


def tell_hub_days(days: pl.DataFrame) -> list[str]:
    """Tell the first of the hub-days, one a line."""
    return [
        f"{row['hub_id']} on {row['date']:%d %B} {100 * row['before']:.0f} % -> {100 * row['after']:.0f} %"
        for row in days.head(_RELIEVED_SHOWN).iter_rows(named=True)
    ]


def _print_plan(found: JointPlan, relief: _Relief, run_id: str, basis: dict[str, object], *, json: bool) -> None:
    import polars as pl

    if json:
        out_json(
            {
                "run_id": run_id,
                **basis,
                "from": found.first,
                "to": found.last,
                "certificates": found.certificates.to_dicts(),
                "rivals": _list_rivals(found),
                "units_ahead": found.whole.units,
                "parcels_moved": found.whole.moved,
                "parcels_movable": found.movable,
                "parcels_beyond_routes": found.cut,
                "parcels_short_at_least": found.least_short,
                "warehouses_full": list(found.full),
                "relieved": relief.relieved.to_dicts(),
                "burdened": relief.burdened.to_dicts(),
                "against": relief.against,
                "shortfalls": found.trunk.shortfalls.to_dicts(),
            }
        )
        return
    say(f"{run_id}: {sum_up(found)}.")
    rows = [
        {"plan": rival.name, "cost": round(rival.cost), "parcels_short": round(rival.short)} for rival in found.rivals
    ]
    out_rows(pl.DataFrame(rows), json=False, title="Through one programme, vehicles in parts")
    say(
        f"{found.whole.moved:,} of {found.movable:,.0f} parcels leave from a warehouse elsewhere, {found.whole.units:,} units stand ahead "
        f"for {found.first} to {found.last}."
    )
    tell_on_hand(found.on_hand, found.first, found.full)
    if found.cut >= 0.5:
        warn(f"{found.cut:,.0f} parcels that merchants are to sell exceed their routes' demand and are not moved.")
    if relief.saving is not None:
        say(f"{relief.saving}.")
    elif relief.relieved.height:
        say(
            "Hub-days relieved, vehicles in parts; with a `radar plan trunk` of the same parcels before it they are told in whole vehicles."
        )
    for line in tell_hub_days(relief.relieved):
        say(f"Relieved: {line}.")
    for line in tell_hub_days(relief.burdened.head(_BURDENED_SHOWN)):
        say(f"Fuller: {line}.")
    sites = found.whole.allocations.group_by("warehouse_id").agg(
        merchants=pl.col("merchant_id").n_unique(), units=pl.col("units").sum(), ship_on=pl.col("ship_on").min(),
        sellable_on=pl.col("sellable_on").max(),
    )  # fmt: skip
    out_rows(sites.sort("warehouse_id"), json=False, title=run_id)
