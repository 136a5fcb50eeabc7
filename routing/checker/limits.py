"""What the checker grants: float noise, differences of what is told, and how far its calendars reach."""

from __future__ import annotations

from dataclasses import dataclass

from data.constants import constant


@dataclass(frozen=True)
class CheckerLimits:
    """Tolerances and reaches of the independent checker."""

    noise: float = constant(
        1e-9, "1", "days, departures or parcels that are whole but for float noise count as whole", "judgement"
    )
    tolerance: float = constant(1e-6, "1", "by which a share told may differ from the one recomputed", "judgement")
    parcels: float = constant(1e-6, "parcels", "of float noise in a sum of parcels", "judgement")
    optimal_gap: float = constant(1e-4, "1", "gap up to which a plan may call itself optimal", "judgement")
    kilograms: float = constant(0.01, "kg", "by which carbon told and recomputed may differ", "judgement")
    kilometres: float = constant(1e-3, "km", "by which a path may exceed its detour", "judgement")
    busy: float = constant(0.85, "1", "of its sort capacity, from which a hub-day counts as busy", "judgement")
    most_days: int = constant(1_000, "days", "from a plan's first demand to its last that are looked at", "judgement")
    days_before: int = constant(120, "days", "without parcels that a plan may begin with", "judgement")
    days_after: int = constant(
        60, "days", "a plan may end after its last demand, where its tables do not say", "judgement"
    )
    zones: int = constant(
        50, "zones", "of buyers at most, as many as the stock plan may gather", "judgement: the plan's own limit"
    )


LIMITS = CheckerLimits()


@dataclass(frozen=True)
class PlaybackRules:
    """How a plan is played by the clock."""

    days_played: int = constant(7, "days", "after the plan's last, for what is late", "judgement")
    waves_after: int = constant(3, "days", "after the last sorts within which each hub has its next wave", "judgement")
    days_before: int = constant(
        2, "days", "before the plan's first whose last sorts may still reach into it", "judgement"
    )
    waits: int = constant(24, "h", "what has missed its vehicle waits for another planned one of its lane", "judgement")
    detour: float = constant(2.0, "1", "of its hours that another path of the plan may take", "judgement")
    called_at: float = constant(0.5, "1", "of a vehicle that has to be filled before one is called", "judgement")


PLAYBACK = PlaybackRules()
