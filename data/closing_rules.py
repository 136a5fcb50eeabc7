"""Constants of closings and openings that nobody announced."""

from __future__ import annotations

from dataclasses import dataclass

from data.constants import constant


@dataclass(frozen=True)
class ClosingRules:
    """When a share that fell is a closing, and one that rose from nothing an opening."""

    usual_days: int = constant(28, "days", "of work whose mean share is the usual one", "judgement")
    fewest_usual: int = constant(14, "days", "of work before a closing can be seen", "judgement")
    fallen: float = constant(0.1, "1", "of the usual share, under which a hub is closed", "judgement")
    returned: float = constant(0.3, "1", "of the usual share, in the week after, that shows it came back", "judgement")
    fewest_days: int = constant(3, "days", "that a closing lasts at least", "judgement")
    longest: int = constant(56, "days", "after which a closing is the new state of things", "judgement")
    longest_present: int = constant(28, "days", "after which one that still lasts is taken as for good", "judgement")
    hub_share: float = constant(
        0.01, "1", "of the network that a hub has at least; half the mean hub's where that is less", "judgement"
    )
    route_share: float = constant(0.01, "1", "of the network that a route has at least", "judgement")
    slump: float = constant(
        0.5, "1", "of the network's median over eight weeks, under which a day shows no hub's own fate", "judgement"
    )
    fewest_parcels: float = constant(20.0, "parcels/day", "that a closed hub or route had", "judgement")
    habit: int = constant(28, "days", "apart on average, at which closings are a habit and no event", "judgement")
    around_change: int = constant(14, "days", "around a change that is told, in which it is what is seen", "judgement")
    looked_back: int = constant(
        84, "days", "before a closing in which earlier ones say how usual it is for the hub to be shut", "judgement"
    )
    fade_days: int = constant(
        7,
        "days",
        "of work before a closing whose share, against that of the usual days before them, shows whether it faded",
        "judgement",
    )
    new_activity: float = constant(0.8, "1", "of the days since an opening that carry parcels", "judgement")


CLOSING = ClosingRules()
