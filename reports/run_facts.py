"""Which run a report shows: the facts of its footer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class RunFacts:
    """A row of the table ``runs``, unpacked.

    Parameters
    ----------
    run_id, command, code_version, outcome
        As in the table.
    seed
        Seed of the run, none where chance plays no part.
    options
        Option names with their values.
    tables_read
        Delta version of each table the run read.
    started_at, ended_at
        Start and end [UTC].
    forecast_run, as_of
        Forecast its results stand on and the last day that forecast knew; none of runs before these were kept.
    """

    run_id: str
    command: str
    code_version: str
    outcome: str = "done"
    seed: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    tables_read: Mapping[str, int] = field(default_factory=dict)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    forecast_run: str | None = None
    as_of: date | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> RunFacts:
        """Read a row of ``runs``, whose options and versions are JSON."""
        return cls(
            run_id=row["run_id"],
            command=row["command"],
            code_version=row["code_version"],
            outcome=row["outcome"],
            seed=row["seed"],
            options=json.loads(row["options"] or "{}"),
            tables_read=json.loads(row["tables_read"] or "{}"),
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            forecast_run=row["forecast_run"],
            as_of=row["as_of"],
        )
