"""Hubs and routes that fell silent for a while, or have just opened, and that no network change tells."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from data.checks.coverage import FINDING_SCHEMA
from data.closings import find_closings, leave_out_announced
from data.silent_days import Silence, find_silences


def find_unannounced_closings(
    volumes: pl.DataFrame, changes: pl.DataFrame, silences: Sequence[Silence] | None = None
) -> pl.DataFrame:
    """Find closings, past and present, and recent openings that ``network_changes`` does not tell.

    Parameters
    ----------
    volumes
        ``route_volumes``.
    changes
        ``network_changes``.
    silences
        Of ``volumes``, see ``silent_days.find_silences``; None looks for them.

    Returns
    -------
    pl.DataFrame
        Findings of kinds ``unannounced closing`` and ``unannounced opening``; ``date_to`` is empty while it lasts, ``detail`` holds the row
        to add.
    """
    known = find_silences(volumes) if silences is None else silences
    closings = leave_out_announced(find_closings(volumes, known), changes)
    rows = [
        (
            "unannounced closing" if one.change == "closes" else "unannounced opening",
            "route_volumes",
            one.name,
            one.date,
            one.until,
            None,
            one.tell(),
        )
        for one in closings
    ]
    return pl.DataFrame(rows, schema=FINDING_SCHEMA, orient="row")
