"""What stock placed ahead does for a plan's trunk: savings and hub-days relieved; only of a joint plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from reports.formats import Formats
from reports.messages import Messages
from reports.plan_inputs import PlanInputs
from reports.plan_tables import PlanTables


@dataclass(frozen=True)
class PlanAhead:
    """What the section is made of.

    Attributes
    ----------
    writer
        Tables of the page.
    t, f
        Words and numbers of the reader's language.
    """

    inputs: PlanInputs
    writer: PlanTables
    t: Messages
    f: Formats

    def values(self) -> dict[str, object]:
        """Tell what stock placed ahead saves and which hub-days it relieves; only of a joint plan."""
        options = self.inputs.run.options
        rivals = {row["plan"]: row for row in options.get("rivals") or []}
        nothing, best = rivals.get("nothing ahead"), next(iter(rivals.values()), None)
        if nothing is None or best is None:
            return {"ahead_shown": False}
        stock = self.inputs.certificates.filter(pl.col("plan") == "stock")
        saved = nothing["cost"] - best["cost"]
        fewer = nothing["parcels_short"] - best["parcels_short"]
        lead = self.t(
            "ahead.lead",
            units=self.f.count(int(stock["parcels_planned"].sum())),
            moved=self.f.count(int(self.inputs.demand["moved_out"].fill_null(0).sum())),
        )
        gain = self.t(
            "ahead.fewer" if fewer >= 1 else "ahead.saved" if saved > 0 else "ahead.nothing",
            saved=self.f.money(abs(saved)),
            share=self.f.percent(abs(saved) / max(nothing["cost"], 1.0), 1),
            fewer=self.f.count(round(fewer)),
        )
        against = options.get("against")
        tables = {}
        for name in ("relieved", "burdened"):
            days = [{**row, "date": date.fromisoformat(row["date"])} for row in options.get(name) or []]
            tables[f"{name}_table"] = self.writer.hub_days(name, days, against) if days else None
        whole = [] if against is None else self._hold_against(against)
        return {"ahead_shown": True, "ahead_lead": lead, "ahead_gain": gain, "ahead_whole": whole, **tables}

    def _hold_against(self, against: Mapping[str, Any]) -> Sequence[str]:
        """Tell what trunk and stock cost in whole vehicles, beside the bound and the trunk plan with nothing ahead."""
        rows = {row["plan"]: row for row in self.inputs.certificates.iter_rows(named=True)}
        priced = float(self.inputs.run.options.get("short_cost") or 0.0) * rows["joint"]["parcels_short"]
        cost = rows["joint"]["cost"] - priced
        saved = against["cost"] - cost
        sentences = [
            self.t(
                "ahead.whole_saved" if saved >= 0 else "ahead.whole_dearer",
                cost=self.f.money(cost),
                stock=self.f.money(rows["stock"]["cost"]),
                saved=self.f.money(abs(saved)),
                share=self.f.percent(abs(saved) / max(against["cost"], 1.0), 1),
                run=against["run_id"],
            )
        ]
        for key, now in (("short", rows["joint"]["parcels_short"]), ("late", rows["trunk"]["parcels_late"])):
            fewer = (against[f"parcels_{key}"] or 0) - (now or 0)
            if fewer:
                sentences.append(
                    self.t(f"ahead.{'fewer' if fewer > 0 else 'more'}_{key}", parcels=self.f.count(abs(fewer)))
                )
        return sentences
