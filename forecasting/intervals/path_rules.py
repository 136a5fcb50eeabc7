"""Constants of sample paths: what lasts, what is shared, how far tails reach."""

from __future__ import annotations

from dataclasses import dataclass

from data.constants import constant


@dataclass(frozen=True)
class PathRules:
    """How sample paths read published quantiles, and what moves series together."""

    network_lasting: float = constant(
        0.3,
        "1",
        "part of the variance of the network's score that lasts all days",
        "fitted: 8 cut-offs of the Chinese network",
    )
    network_persistence: float = constant(
        0.5, "1", "correlation of the rest from one day to the next", "fitted: 8 cut-offs of the Chinese network"
    )
    hub_lasting: float = constant(
        0.35,
        "1",
        "part of the variance of a hub's own score that lasts all days",
        "fitted: 8 cut-offs of the Chinese network",
    )
    hub_persistence: float = constant(
        0.35, "1", "correlation of the rest from one day to the next", "fitted: 8 cut-offs of the Chinese network"
    )
    route_lasting: float = constant(
        0.35,
        "1",
        "part of the variance of a route's own score that lasts all days",
        "fitted: 8 cut-offs of the Chinese network",
    )
    route_persistence: float = constant(
        0.2, "1", "correlation of the rest from one day to the next", "fitted: 8 cut-offs of the Chinese network"
    )
    most_shared: float = constant(0.95, "1", "part of a hub's variance that is the network's, at most", "judgement")
    least_own: float = constant(0.1, "1", "part of a variance that is a series' own, at least", "judgement")
    event_step: float = constant(0.05, "1", "by which an event factor leaves 1 on an event day", "judgement")
    event_share: float = constant(
        0.5, "1", "part of the variance of the network's score that all days of one event share", "judgement"
    )
    furthest: float = constant(4.0, "normal score", "to which the outer slopes are carried on", "judgement")
    heavier: float = constant(
        1.3,
        "1",
        "factor on the slope of the logarithm beyond the highest quantile: tails are heavier than a log-normal's",
        "fitted: 8 cut-offs of the Chinese network",
    )
    steepest: float = constant(
        1.2, "log a normal score", "slope of the upper tail, at most: an unknown route may be anything", "judgement"
    )
    rounds: int = constant(3, "rounds", "in which the routes of a path are brought to its hubs' sums", "judgement")
    nodes: int = constant(41, "levels", "at which a distribution's mean is read", "judgement")
    largest_correction: float = constant(
        1.25, "1", "of the network's distribution towards the published mean of a day", "judgement"
    )
    least_share: float = constant(
        0.02, "1", "of a route's middle parcels that it has at least, for its hubs' sums to act on", "judgement"
    )
    most_raking: float = constant(100.0, "1", "factor of one round on a hub's routes, up or down, at most", "judgement")


PATHS = PathRules()
