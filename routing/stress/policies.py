"""What a dispatcher may do when more comes than planned: nothing, use other lanes, call vehicles, hold back."""

from __future__ import annotations

import numpy as np

from data.errors import RadarError
from routing.stress.layout import Layout
from routing.stress.records import CLOSED, UNBOUNDED, Network

RIGID = "rigid"
ALTERNATES = "alternates"
SPOT = "spot"
GATE = "gate"
UNLIMITED = "unlimited"
DEFAULT_SPOT_SHARE = 0.1  # of a hub's planned departures of the day (judgement; more changes little)


def name_policy(policy: str, spot_share: float = DEFAULT_SPOT_SHARE) -> str:
    """Name a policy as tables do, with its spot share where it is not the usual one."""
    if policy in (SPOT, GATE) and spot_share != DEFAULT_SPOT_SHARE:
        return f"{policy} {spot_share:g}"
    return policy


def apply_policy(layout: Layout, name: str) -> Network:
    """Give a plan's arrays under a policy.

    Parameters
    ----------
    layout
        The plan.
    name
        ``rigid`` (planned vehicles only), ``alternates`` (other lanes the plan uses to the same end), ``spot`` (these, and
        vehicles called up to max(1, a tenth) of a hub's planned departures of the day), ``gate`` (these, and nothing loaded for a
        hub about to overflow), ``unlimited`` (any number of vehicles: what is over then only sorting can mend). ``spot 0.3`` and
        ``gate 0.3`` set the share.

    Raises
    ------
    RadarError
        For another name or a share below 0.
    """
    kind, _, word = name.partition(" ")
    network = layout.network
    if kind not in (RIGID, ALTERNATES, SPOT, GATE, UNLIMITED) or (word and kind not in (SPOT, GATE)):
        raise RadarError(
            f"policy {name!r}",
            "rigid, alternates, spot, gate or unlimited",
            "a share may follow spot and gate, as in 'spot 0.3'",
        )
    if kind == RIGID:
        return network
    if kind == UNLIMITED:
        room = np.where(network.lanes.arrival != CLOSED, UNBOUNDED, 0)
        return network._replace(lanes=network.lanes._replace(room=room))
    rules = network.rules._replace(alternates=True, gate=kind == GATE)
    if kind == ALTERNATES:
        return network._replace(rules=rules)
    try:
        share = float(word) if word else DEFAULT_SPOT_SHARE
    except ValueError:
        share = -1.0
    if not 0 <= share < np.inf:
        raise RadarError(f"a spot share of {word!r}", "0 or more, as in 'spot 0.3'")
    limit = np.maximum(np.floor(layout.planned * share), 1) if share > 0 else np.zeros(layout.planned.shape)
    hubs = network.hubs._replace(spot_limit=limit.astype(np.int64))
    return network._replace(rules=rules, hubs=hubs)
