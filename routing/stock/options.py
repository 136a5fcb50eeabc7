"""What a planner sets for a stock plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from data.errors import RadarError
from routing.stock.costs import COSTS


@dataclass(frozen=True, slots=True)
class StockOptions:
    """What a planner sets for a stock plan.

    Attributes
    ----------
    first, last
        Days to stock for; None takes the shopping events that begin within 30 days.
    as_of
        Last day of sales that is known; None takes the last in the table.
    on_shelf
        Day by which goods can be sold; None takes the first day to stock for.
    confidence
        Probability with which goods are there in time, lead times as waybills show them; None takes the lanes' hours.
    service_level
        Probability with which the stock of an item suffices; None takes what the pay-off of a unit sets.
    from_home
        Whether units leave from home as today where that costs less or there is no room.
    short_cost
        Price put on a unit for which there is no room [CNY/unit].
    day_cost
        Worth of a day on which a buyer waits [CNY/unit/day].
    putaway_days
        Days a warehouse needs from arrival until stock can be sold [days].
    most_zones
        Buyers' zones at most; more regions are gathered.
    effort
        How much is searched, in nodes of branch and bound; 1 is the ordinary one.
    time_limit
        Emergency brake: seconds after which the best plan so far is the plan, and said to be cut short.
    """

    first: date | None = None
    last: date | None = None
    as_of: date | None = None
    on_shelf: date | None = None
    confidence: float | None = None
    service_level: float | None = 0.9
    from_home: bool = False
    short_cost: float = 20.0
    day_cost: float = 0.5
    putaway_days: int = 2
    most_zones: int = COSTS.most_zones
    effort: float = 1.0
    time_limit: float = 600.0

    def __post_init__(self) -> None:
        if self.service_level is not None and not 0 < self.service_level < 1:
            raise RadarError(f"service level {self.service_level}", "a share between 0 and 1", "set --service-level")
        if self.confidence is not None and not 0 < self.confidence < 1:
            raise RadarError(f"a confidence of {self.confidence}", "a share between 0 and 1", "set --confidence")
        if not self.time_limit > 0:
            raise RadarError(f"a time limit of {self.time_limit} s", "more than 0 seconds", "set --time-limit")
        if not 0 < self.effort < float("inf"):
            raise RadarError(f"an effort of {self.effort}", "a number above 0; 1 is the ordinary one", "set --effort")
        for name in ("short_cost", "day_cost", "putaway_days", "most_zones"):
            if getattr(self, name) < (1 if name == "most_zones" else 0):
                raise RadarError(f"{name} {getattr(self, name)}", "no negative number", f"correct {name}")
