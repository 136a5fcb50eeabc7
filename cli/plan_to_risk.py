"""``radar plan trunk --risk``: plan again, for more where hub-days overflow, until few enough futures do; else what it would take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from cli.plan_risk import PlanOnDraws
    from data.progress import Progress
    from data.settings import PlanSettings
    from routing.stress.capacity import Ask, Capacity
    from routing.stress.play import Outcomes
    from routing.stress.probability import Probability
    from routing.trunk.plan import TrunkPlan
    from routing.trunk.task.inputs import TrunkOptions

ROUNDS = 4  # of planning again (judgement: later ones carried no more demand on the sample)
FIT_DRAWS = 500  # futures a plan is made on (judgement)
ASK_DRAWS = 1000  # futures capacity is sought on (fitted: sought on 500 of the sample it left 10.2 % on others)
DEAREST = 0.04  # more expected cost than without a target that a plan which misses it may have (judgement)
FRESH_DRAWS = 2000  # futures it is judged on: half a point at 2 % (judgement)


@dataclass(frozen=True)
class Round:
    """A plan on the way: what it is planned for, and what it comes to on the draws it was made on."""

    number: int
    parcels: int
    probability: float
    low: float
    high: float
    expected_cost: float


@dataclass(frozen=True)
class Reached:
    """Where planning to a target ended.

    Attributes
    ----------
    target
        Share of futures in which a hub may overflow.
    plan, demand
        The best plan, and the demand it is planned for.
    rounds
        Plans on the way.
    fresh
        Its probability on draws it was not made on.
    cost, cost_before
        Mean cost on these, and that of the plan without a target [CNY].
    capacity
        Sorting capacity and vehicles on call that would bring it to the target; None where it is there already.
    """

    target: float
    plan: TrunkPlan
    demand: pl.DataFrame
    rounds: tuple[Round, ...]
    fresh: Probability
    cost: float
    cost_before: float
    capacity: Capacity | None

    @property
    def met(self) -> bool:
        """Whether the upper end of the interval on fresh draws is within the target."""
        return self.fresh.high <= self.target

    @property
    def met_with_capacity(self) -> bool:
        """Whether it is with what is asked for."""
        return self.met or (self.capacity is not None and self.capacity.after.high <= self.target)

    def facts(self) -> dict[str, Any]:
        """What JSON tells of it."""
        return {
            "target": self.target,
            "met": self.met,
            "met_with_capacity": self.met_with_capacity,
            **{f"overflow_{name}": value for name, value in asdict(self.fresh).items()},
            "draws": FRESH_DRAWS,
            "expected_cost": self.cost,
            "expected_cost_before": self.cost_before,
            "rounds": [asdict(one) for one in self.rounds],
            "capacity": None if self.capacity is None else self.capacity.facts(),
        }


@dataclass(frozen=True)
class TargetTask:
    """What planning to a target needs.

    Attributes
    ----------
    tables
        Inputs of the plan by name, ``route_demand`` among them.
    make
        Plans for a demand.
    forecasts
        Gives the forecast table of a level.
    settings, options
        ``[plan]`` of radar.toml; costs and hours the plan is made with.
    target, seed
        Share of futures; seed of the draws.
    """

    tables: Mapping[str, pl.DataFrame]
    make: Callable[[pl.DataFrame], TrunkPlan]
    forecasts: Callable[[str], pl.DataFrame]
    settings: PlanSettings
    options: TrunkOptions
    target: float
    seed: int

    def lay_out(self, plan: TrunkPlan, demand: pl.DataFrame) -> PlanOnDraws:
        """Lay a plan out with its draws, which are the same for all plans, however long their flows take."""
        from cli.plan_risk import MOST_DAYS_BEFORE, lay_out_plan

        tables = {**self.tables, "route_demand": demand, **plan.tables()}
        return lay_out_plan(
            tables, self.forecasts, self.settings, self.options, FIT_DRAWS, self.seed, days_before=MOST_DAYS_BEFORE
        )


def plan_to_target(task: TargetTask, first: TrunkPlan, bar: Progress) -> Reached:
    """Plan to a target.

    Parameters
    ----------
    task
        Inputs, prices, target.
    first
        The plan without a target.
    bar
        Told how far it is.

    Raises
    ------
    RadarError
        When no forecast covers the days.

    Notes
    -----
    Planning for more where hub-days overflow adds vehicles there and spreads what comes over more days; it ends when a plan has become dearer than a plan that
    misses the target may be, as each round adds to the price. What is left is for sorting capacity and vehicles on call, which nobody but the planner can book and
    which are therefore named with their price and what they bring.
    """
    from routing.stress.raising import raise_demand, raise_factors
    from routing.stress.to_tables import summarise_hub_days

    strata = _strata()
    demand = task.tables["route_demand"]
    plan, factors = first, dict[tuple[str, Any], float]()
    found: list[tuple[Round, TrunkPlan, pl.DataFrame, PlanOnDraws]] = []
    for number in range(ROUNDS + 1):
        bar.step(number, ROUNDS + 1, f"--risk {task.target:g}, {number}")
        asked = raise_demand(demand, factors)
        plan = first if number == 0 else task.make(asked)
        ready = task.lay_out(plan, asked)
        outcomes = _play(ready, ready.source.draw(0, FIT_DRAWS))
        probability, cost = _judge(outcomes, strata)
        this_round = Round(
            number, int(asked["parcels"].sum()), probability.value, probability.low, probability.high, cost
        )
        found.append((this_round, plan, asked, ready))
        if probability.high <= task.target or cost > found[0][0].expected_cost * (1.0 + DEAREST):
            break
        raised = raise_factors(factors, summarise_hub_days(ready.layout, "none", "spot", outcomes, strata))
        if raised == factors:
            break
        factors = raised
    best = _choose(found, task.target)
    ready = best[3]
    fresh_draws = ready.source.draw_fresh(FRESH_DRAWS)
    fresh, cost = _judge(_play(ready, fresh_draws), strata)
    _, before = _judge(_play(found[0][3], fresh_draws), strata)
    capacity = None
    if fresh.high > task.target:
        capacity = _ask(ready, fresh_draws, task, strata)
    return Reached(task.target, best[1], best[2], tuple(one[0] for one in found), fresh, cost, before, capacity)


_Found = tuple[Round, "TrunkPlan", "pl.DataFrame", "PlanOnDraws"]


def _choose(found: list[_Found], target: float) -> _Found:
    """Choose the plan that meets the target, else of those that cost little more than the first and leave no more short the one that overflows least."""
    met = [one for one in found if one[0].high <= target]
    if met:
        return met[0]

    def short(one: _Found) -> int:
        return int(one[1].plan_certificates["parcels_short"].sum())

    dearest, most = found[0][0].expected_cost * (1.0 + DEAREST), short(found[0])
    worth = [one for one in found if one[0].expected_cost <= dearest and short(one) <= most]
    return min(worth, key=lambda one: (one[0].probability, one[0].expected_cost))


def tell_reached(reached: Reached) -> list[str]:
    """Tell in sentences what was reached and what it would take."""
    from cli.translation import in_language
    from cli.words import word

    key = "target.met" if reached.met else "target.missed"
    lines = [
        word(
            key,
            target=f"{reached.target:.1%}",
            probability=in_language(reached.fresh.tell()),
            draws=f"{FRESH_DRAWS:,}",
            rounds=len(reached.rounds) - 1,
            change=f"{reached.cost / reached.cost_before - 1:+.1%}" if reached.cost_before else "–",
        )
    ]
    if reached.capacity is not None:
        lines += tell_capacity(reached.capacity, reached.target)
    return lines


def tell_capacity(found: Capacity, target: float) -> list[str]:
    """Tell in sentences what to ask for, what booking it costs, and what it comes to on futures it was not found on."""
    from cli.translation import in_language
    from cli.words import money, word

    after, before = (in_language(one.tell()) for one in (found.after, found.before))
    if not found.asks:
        return [word("target.no_asks", probability=before)]
    asks = word("target.join").join(_tell_ask(ask) for ask in found.asks)
    change = f"{found.cost_after / found.cost_before - 1:+.1%}" if found.cost_before else "–"
    facts = {"probability": after, "before": before, "change": change}
    key = "target.asks_meet" if found.after.high <= target else "target.asks_miss"
    lines = [word("target.asks", asks=asks, price=money(found.price), **facts), word(key, target=f"{target:.1%}")]
    if found.milestones:
        steps = word("target.join").join(
            word("target.step", price=money(one.price), probability=f"{one.probability:.1%}")
            for one in found.milestones
        )
        lines.append(word("target.way", steps=steps))
    return lines


def _tell_ask(ask: Ask) -> str:
    """Tell what one hub is asked for: how much, in which sorts, on which days."""
    from cli.words import word

    days = {"first": f"{ask.first:%m-%d}", "last": f"{ask.last:%m-%d}"}
    if ask.vehicles:
        return word("target.ask_vehicles", hub=ask.hub_id, vehicles=f"{ask.vehicles:,}", **days)
    facts = {"hub": ask.hub_id, "parcels": f"{ask.parcels:,}", "share": f"{ask.share:.0%}", **days}
    if ask.sort_id in ("", "day"):
        return word("target.ask", **facts)
    return word("target.ask_sorts", sorts=word("target.join").join(ask.sort_id.split("|")), **facts)


def _ask(ready: PlanOnDraws, judge: Any, task: TargetTask, strata: int) -> Capacity:
    """Seek the capacity on draws of its own, and judge it on the fresh ones."""
    from routing.stress.capacity import ask_capacity
    from routing.stress.policies import DEFAULT
    from routing.stress.relief import AskPrices

    fit = ready.source.draw_fresh(ASK_DRAWS, turn=2)
    prices = AskPrices(task.settings.extra_sort_cost, task.settings.idle_cost_share)
    fit, judge = (_without_stranded(ready, one) for one in (fit, judge))
    return ask_capacity(ready.layout, fit, judge, DEFAULT, task.target, prices, strata)


def _play(ready: PlanOnDraws, demand: Any) -> Outcomes:
    from routing.stress.play import play_draws
    from routing.stress.policies import DEFAULT, apply_policy

    return play_draws(apply_policy(ready.layout, DEFAULT), _without_stranded(ready, demand))


def _without_stranded(ready: PlanOnDraws, demand: Any) -> Any:
    return demand * ~ready.layout.stranded


def _judge(outcomes: Outcomes, strata: int) -> tuple[Probability, float]:
    from routing.stress.probability import estimate
    from routing.stress.stress import hit

    return estimate(hit(outcomes), strata), float(outcomes.costs.sum(axis=1).mean())


def _strata() -> int:
    from routing.stress.stress import StressOptions

    return StressOptions().strata
