"""What a dispatcher may do when more comes than planned: nothing, use other lanes, call vehicles, hold back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.constants import constant
from data.errors import RadarError
from routing.stress.layout import Layout
from routing.stress.records import CLOSED, UNBOUNDED, Network

KINDS = ("rigid", "alternates", "spot", "gate", "unlimited")
CALLING = ("spot", "gate")


@dataclass(frozen=True)
class PolicyRules:
    """What a policy allows unless told otherwise."""

    spot_share: float = constant(
        0.1, "1", "of a hub's planned departures of the day that may be called", "judgement: more changes little"
    )


POLICIES = PolicyRules()


@dataclass(frozen=True)
class Policy:
    """What dispatchers may do.

    Attributes
    ----------
    kind
        ``rigid``: planned vehicles only. ``alternates``: other lanes the plan uses to the same end as well. ``spot``: these, and
        vehicles called. ``gate``: these, and nothing loaded for a hub about to overflow. ``unlimited``: any number of vehicles, so
        that what is over then only sorting can mend.
    spot_share
        Vehicles a hub may call in a day: max(1, this share of its planned departures of the day), none at 0.
    """

    kind: str
    spot_share: float = POLICIES.spot_share

    @classmethod
    def parse(cls, word: str) -> Policy:
        """Read ``rigid``, ``spot``, or with a share ``spot:0.3``.

        Raises
        ------
        RadarError
            For another kind, or a share that is no number of at least 0.

        Examples
        --------
        >>> Policy.parse("spot:0.3").name
        'spot 30 %'
        """
        kind, colon, share = word.partition(":")
        if kind not in KINDS:
            raise RadarError(
                f"policy {word!r}", f"one of {', '.join(KINDS)}", "a share may follow spot and gate: spot:0.3"
            )
        if not colon:
            return cls(kind)
        try:
            number = float(share)
        except ValueError:
            number = -1.0
        if kind not in CALLING or not 0 <= number < float("inf"):
            raise RadarError(f"policy {word!r}", "a share of 0 or more after spot or gate, as in spot:0.3")
        return cls(kind, number)

    @property
    def name(self) -> str:
        """The name as tables write it."""
        return f"{self.kind} {100 * self.spot_share:g} %" if self.kind in CALLING else self.kind


RIGID, DEFAULT, UNLIMITED = Policy("rigid"), Policy("spot"), Policy("unlimited")


def apply_policy(layout: Layout, policy: Policy) -> Network:
    """Give a plan's arrays under a policy."""
    network = layout.network
    if policy.kind == "rigid":
        return network
    if policy.kind == "unlimited":
        room = np.where(network.lanes.arrival != CLOSED, UNBOUNDED, 0)
        return network._replace(lanes=network.lanes._replace(room=room))
    rules = network.rules._replace(alternates=True, gate=policy.kind == "gate")
    if policy.kind == "alternates" or policy.spot_share == 0:
        return network._replace(rules=rules)
    limit = np.maximum(np.floor(layout.planned * policy.spot_share), 1).astype(np.int64)
    return network._replace(rules=rules, hubs=network.hubs._replace(spot_limit=limit))
