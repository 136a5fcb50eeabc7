"""What a trunk plan risks, for its certificate: it is played on draws of the forecast its demand came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from data.errors import RadarError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from cli.demand_draws import DemandSource
    from data.progress import Progress
    from data.runs import Run
    from data.settings import PlanSettings
    from routing.stress.layout import Layout
    from routing.stress.stress import Stressed
    from routing.trunk.task.inputs import TrunkOptions

NOTHING_HIT = 3.84  # published: 0 hits of n lie below 3.84 / (n + 3.84) with 95 %
MOST_DAYS_BEFORE = 7  # days played before the plan's first (judgement: hardly anything is under way for longer)
RISK_COLUMNS = (
    *("overflow_probability", "overflow_low", "overflow_high", "draws", "draws_run", "policy", "overflow_rigid"),
    *("overflow_floor", "expected_overflow", "expected_cost", "cost_q90", "spot_q90", "overflow_reason"),
)


@dataclass(frozen=True)
class PlanOnDraws:
    """A plan laid out, and the source of its draws."""

    layout: Layout
    source: DemandSource
    draws_run: str


def lay_out_plan(
    tables: Mapping[str, pl.DataFrame],
    forecasts: Callable[[str], pl.DataFrame],
    settings: PlanSettings,
    options: TrunkOptions,
    most: int,
    seed: int,
    days_before: int | None = None,
) -> PlanOnDraws:
    """Lay a plan out with the draws of a forecast.

    Parameters
    ----------
    tables
        Inputs and results of the plan.
    forecasts
        Gives the forecast table of a level: network, hub, route.
    settings, options
        ``[plan]`` of radar.toml; costs and hours the plan was made with.
    most, seed
        Draws wanted at most, and their seed.
    days_before
        Days drawn before the plan's first; without, as many as its longest flow takes. Plans are on the same draws only when these are the same.

    Raises
    ------
    RadarError
        When there is no forecast, or none of all days of the plan's demand.
    """
    from routing.stress.layout import Prices, lay_out

    source = open_draws(tables, forecasts, most, seed, days_before)
    cost = Prices(options.hold_cost, options.late_cost, settings.idle_cost_share, options)
    return PlanOnDraws(lay_out(tables, source.routes, cost), source, str(forecasts("route")["run_id"][0]))


def open_draws(
    tables: Mapping[str, pl.DataFrame],
    forecasts: Callable[[str], pl.DataFrame],
    most: int,
    seed: int,
    days_before: int | None = None,
) -> DemandSource:
    """Open the draws of a forecast for the days of a plan and those before it on which parcels may still be under way.

    Raises
    ------
    RadarError
        When there is no forecast, or none of all days of the plan's demand.
    """
    from cli.demand_draws import LEVELS, DemandSource

    found = {level: forecasts(level) for level in LEVELS}
    if found["route"].is_empty():
        raise RadarError("no forecast to draw demand from", action="run `radar forecast` first")
    days = tables["route_demand"]["date"]
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        raise RadarError("a plan without demand", "one of at least one day", "plan again with `radar plan trunk`")
    if days_before is None:
        days_before = _count_days_before(tables)
    return DemandSource.open(found, _begin(days_before, found["route"], first), last, most, seed)


def _count_days_before(tables: Mapping[str, pl.DataFrame]) -> int:
    """Days before the plan's first on which parcels may still be under way when it begins."""
    flows = tables["trunk_flows"]
    longest = (flows["completed_on"] - flows["date"]).dt.total_days().max() if flows.height else 0
    return min(int(longest) if isinstance(longest, int) else 0, MOST_DAYS_BEFORE)


def _begin(days: int, forecast: pl.DataFrame, first: date) -> date:
    """First day to draw: so long before the plan's first that what is handed in then can still be under way, if the forecast has these days."""
    known = forecast["date"].min()
    begin = first - timedelta(days=days)
    return max(begin, known) if isinstance(known, date) and known <= first else first


def judge_risk(
    tables: Mapping[str, pl.DataFrame],
    forecasts: Callable[[str], pl.DataFrame],
    settings: PlanSettings,
    options: TrunkOptions,
    seed: int,
    bar: Progress,
    draws: int,
) -> tuple[dict[str, Any], Stressed | None]:
    """Play a plan for its certificate.

    Returns
    -------
    dict, Stressed or None
        The values of ``RISK_COLUMNS``, and what was found; null with the reason, and None, where no forecast covers the plan or no
        draws are asked for.
    """
    from routing.stress.incidents import Surroundings
    from routing.stress.stress import StressOptions, stress_plan

    empty: dict[str, Any] = dict.fromkeys(RISK_COLUMNS)
    try:
        if draws == 0:
            raise RadarError("no draws asked for", action="plan with --draws 250 to be told")
        plan = lay_out_plan(tables, forecasts, settings, options, draws, seed)
    except RadarError as error:
        return empty | {"overflow_reason": str(error)}, None
    asked = StressOptions(draws=draws, seed=seed)
    found = stress_plan(plan.layout, plan.source.draw, asked, Surroundings(), bar)
    return empty | read_risk(found, asked.policies[0].name, plan.draws_run), found


def forecasts_of(run: Run) -> Callable[[str], pl.DataFrame]:
    """Give the tables of the forecast a plan stands on by level, of the latest for given demand, which stands on none."""
    writers = run.reader.writers("route_forecasts")
    wanted = run.forecast_run or (writers[-1] if writers else None)

    def read(level: str) -> pl.DataFrame:
        # Through the reader: drawing from a forecast does not make a plan of given demand stand on it.
        return run.reader.results(f"{level}_forecasts", wanted)

    return read


def add_risk(certificates: pl.DataFrame, risk: Mapping[str, Any]) -> pl.DataFrame:
    """Write what a plan risks into its certificate."""
    import polars as pl

    return certificates.with_columns(pl.lit(value).alias(name) for name, value in risk.items())


def tell_risk(certificate: Mapping[str, Any]) -> str:
    """Say what a plan risks in a sentence, or why nothing is known."""
    from cli.translation import in_language
    from cli.words import word
    from routing.stress.probability import Probability

    def tell(value: float) -> str:
        return in_language(Probability(value, 0.0, NOTHING_HIT / (certificate["draws"] + NOTHING_HIT)).tell_value())

    if certificate["overflow_probability"] is None:
        return word("risk.unknown", reason=certificate["overflow_reason"])
    ends = (certificate["overflow_probability"], certificate["overflow_low"], certificate["overflow_high"])
    return word(
        "risk.known",
        probability=in_language(Probability(*ends).tell()),
        draws=certificate["draws"],
        policy=in_language(certificate["policy"]),
        rigid=tell(certificate["overflow_rigid"]),
        floor=tell(certificate["overflow_floor"]),
    )


def read_risk(found: Stressed, policy: str, draws_run: str) -> dict[str, Any]:
    """Read the certificate's columns off a stress test that played the default policy, rigid and unlimited vehicles."""
    import numpy as np

    from routing.stress.incidents import BASE
    from routing.stress.policies import RIGID, UNLIMITED
    from routing.stress.stress import hit

    key = (BASE.name, policy)
    probability, outcomes = found.probabilities[key], found.outcomes[key]
    cost = outcomes.costs.sum(axis=1)
    # vehicles without limit bring parcels sooner, and may fill a hub that waits for them otherwise: only sorters mend what is over either way
    over = [hit(found.outcomes[BASE.name, name]) for name in (policy, RIGID.name, UNLIMITED.name)]
    return {
        "overflow_probability": probability.value,
        "overflow_low": probability.low,
        "overflow_high": probability.high,
        "draws": found.draws,
        "draws_run": draws_run,
        "policy": policy,
        "overflow_rigid": found.probabilities[BASE.name, RIGID.name].value,
        "overflow_floor": float(np.logical_and.reduce(over).mean()),
        "expected_overflow": float(outcomes.over.max(axis=2).sum(axis=1).mean()),
        "expected_cost": float(cost.mean()),
        "cost_q90": float(np.quantile(cost, 0.9)),
        "spot_q90": float(np.quantile(outcomes.spot, 0.9)),
    }
