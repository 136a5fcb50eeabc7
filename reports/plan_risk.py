"""What a plan risks, for its page: which hub-days lack sorters and which vehicles, and its cost against its risk beside other plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from markupsafe import Markup

from data.hub_lacks import tell_lacks
from reports.formats import Formats
from reports.messages import Messages
from reports.plan_inputs import PlanInputs
from reports.tables import Column, Names, Table, tabulate

_NOTHING_HAPPENS, _RIGID, _UNLIMITED = "none", "rigid", "unlimited"  # as ``stress_results`` names them
_TOP_LACKS, _TOP_RIVALS = 6, 15


class PlanRisk:
    """Writes the section of risk of one report in one language."""

    def __init__(self, inputs: PlanInputs, messages: Messages, formats: Formats) -> None:
        self.inputs = inputs
        self.t = messages
        self.f = formats
        self._hub = Names(inputs.hubs, "hub_id")

    def values(self) -> dict[str, object]:
        """What the template speaks of; nothing is shown of a plan whose risk is not known."""
        certificate = self.inputs.certificate
        if certificate["overflow_probability"] is None:
            return {"risk_shown": False}
        return {
            "risk_shown": True,
            "risk_lead": self._lead(certificate),
            "risk_lacks": [line for line in (self._lack("sorters"), self._lack("vehicles")) if line is not None],
            "risk_calibration": self._calibration(),
            "risk_table": self._frontier(),
        }

    def _lead(self, certificate: dict[str, Any]) -> Markup:
        draws = certificate["draws"]
        return self.t(
            "risk.lead",
            share=self._share(certificate["overflow_probability"], certificate["overflow_high"]),
            low=self.f.percent(certificate["overflow_low"], 1),
            high=self.f.percent(certificate["overflow_high"], 1),
            draws=self.f.count(draws),
            rigid=self.f.percent(certificate["overflow_rigid"], 1),
            floor=self.f.percent(certificate["overflow_floor"], 1),
        )

    def _share(self, value: float, high: float) -> Markup:
        """Write a probability; without a hit only what it lies below is known."""
        if value == 0:
            return self.t("playbook.below", share=self.f.percent(high, 1))
        return self.f.percent(value, 1)

    def _lack(self, what: str) -> Markup | None:
        """Name the hub-days that lack sorters or vehicles, the likeliest first; None where the play of both policies is not kept."""
        rows = self.inputs.stress
        if rows.is_empty():
            return None
        rows = rows.filter(pl.col("scenario") == _NOTHING_HAPPENS)
        if not {_RIGID, _UNLIMITED} <= set(rows["policy"]):
            return None
        lacks = tell_lacks(rows, _RIGID, _UNLIMITED).filter(pl.col("lacks") == what)
        days = lacks.unique(["date", "hub_id"], keep="first", maintain_order=True)
        if days.is_empty():
            return self.t(f"risk.no_{what}")
        named = [
            self.t(
                "risk.hub_day",
                hub=self._hub.text(row["hub_id"]),
                day=self.f.day(row["date"]),
                share=self.f.percent(row["overflow_probability"], 1),
            )
            for row in days.head(_TOP_LACKS).iter_rows(named=True)
        ]
        listed = self.t("risk.join").join(named)
        more = days.height - len(named)
        rest = self.t("risk.more", n=self.f.count(more)) if more else Markup("")
        return self.t(f"risk.{what}", days=listed, rest=rest)

    def _calibration(self) -> Markup | None:
        """Say what backtests saw of the draws, None where they pass."""
        seen = self.inputs.calibration
        if seen is None:
            return self.t("risk.uncalibrated")
        if seen["passes"] or seen["hub_above"] is None or seen["network_within"] is None:
            return None if seen["passes"] else self.t("risk.uncalibrated")
        return self.t(
            "risk.calibration",
            hub=self.f.percent(seen["hub_above"], 1),
            network=self.f.percent(seen["network_within"], 0),
        )

    def _frontier(self) -> Table | None:
        """Write the plans of the same days by what they cost and risk; None where this one stands alone."""
        t, f, own = self.t, self.f, self.inputs.run.run_id
        rows = self.inputs.rivals
        if rows.height < 2:
            return None
        marked = rows.sort("expected_cost", "overflow_probability", "run_id").with_columns(
            best_before=pl.col("overflow_probability").cum_min().shift(1)
        )
        compared = marked.with_columns(
            beaten=(pl.col("best_before") <= pl.col("overflow_probability")).fill_null(False)
        ).drop("best_before")

        def verdict(row: Mapping[str, Any]) -> Markup:
            words = [t("risk.this")] if row["run_id"] == own else []
            words += [t("risk.beaten" if row["beaten"] else "risk.on_frontier")]
            return t("risk.join").join(words)

        columns = [
            Column(t("column.plan"), lambda row: Markup("<code>{}</code>").format(row["run_id"]), numeric=False),
            Column(t("column.expected_cost"), lambda row: f.money(row["expected_cost"])),
            Column(t("column.cost_q90"), lambda row: f.money(row["cost_q90"])),
            Column(
                t("column.overflow_chance"), lambda row: self._share(row["overflow_probability"], row["overflow_high"])
            ),
            Column(t("column.spot_q90"), lambda row: f.count(row["spot_q90"])),
            Column(t("column.frontier"), verdict, numeric=False),
        ]
        command = "radar export plan_certificates --format xlsx"
        return tabulate("risk-table", compared, columns, top=_TOP_RIVALS, command=command, note=t("risk.note"))
