"""The tables of the plan report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl
from markupsafe import Markup

from data.contracts.fields import WHOLE_DAY
from data.plan_outcome import PlanOutcome
from reports.cause_words import CauseWords
from reports.fix_words import FixWords
from reports.formats import Formats
from reports.messages import Messages
from reports.plan_figures import Costs
from reports.plan_inputs import PlanInputs
from reports.tables import Column, Names, Row, Table, tabulate

_TOP_LANES, _TOP_GROUPS, _TOP_SHORT, _TOP_WEATHER, _TOP_PRICES, _TOP_HEAT = 15, 20, 20, 15, 15, 30
_TOP_WAITING, _TOP_SORTS, _TOP_RELIEVED = 20, 20, 20
# A pair of less than this of a lane's parcels explains nothing.
_SMALLEST_SHARE = 0.01
# From these utilisations on a cell of the heat map is one shade darker.
_SHADES = (0.5, 0.7, 0.85, 0.95, 0.995)


@dataclass(frozen=True)
class HeatRow:
    """A hub's line in the heat map: its name, then a class and a text for each day."""

    hub: Markup
    mean_use: Markup
    cells: Sequence[tuple[str, Markup, str]]


class PlanTables:
    """Writes the tables of one report in one language."""

    def __init__(self, inputs: PlanInputs, messages: Messages, formats: Formats) -> None:
        self.inputs = inputs
        self.t = messages
        self.f = formats
        self._words = FixWords(messages)
        self.cause = CauseWords(messages)
        self.hub = Names(inputs.hubs, "hub_id")
        self._vehicle = Names(inputs.vehicle_types, "vehicle_type_id")
        ends = zip(*(inputs.lanes[name] for name in ("lane_id", "origin_hub_id", "destination_hub_id")), strict=True)
        self._lane_words = {ident: f"{self.hub.text(a)} → {self.hub.text(b)}" for ident, a, b in ends}

    def costs(self, parts: Costs, outcome: PlanOutcome) -> Table:
        """Write what carrying costs, down to its bound; then, apart, the price put on parcels short. Parts of nothing are left out."""
        t, f = self.t, self.f
        amounts = {
            "transport": parts.transport,
            "sorting": parts.sorting,
            "holding": parts.holding,
            "late": parts.late,
            "other": parts.other,
        }
        rows = [{"part": name, "amount": amount} for name, amount in amounts.items() if amount]
        rows += [{"part": "total", "amount": parts.carrying}, {"part": "bound", "amount": outcome.bound}]
        if parts.short:
            rows += [{"part": "short", "amount": parts.short}, {"part": "certificate", "amount": parts.total}]
        planned = self.inputs.certificate["parcels_planned"]
        columns = [
            Column(t("column.part"), lambda row: t(f"costs.{row['part']}"), numeric=False),
            Column(t("column.cost"), lambda row: f.count(row["amount"])),
            Column(t("column.cost_per_parcel"), lambda row: self._per_parcel(row, planned)),
        ]
        frame = pl.DataFrame(rows, schema={"part": pl.String, "amount": pl.Float64})
        return self._table("cost-table", frame, columns, len(rows), "plan_certificates", t("costs.note"))

    def _per_parcel(self, row: Row, planned: int) -> Markup:
        """Write an amount over every parcel carried; the price of shortage is of parcels that are not."""
        priced = row["part"] in ("short", "certificate") or not planned
        return self.f.decimal(None if priced else row["amount"] / planned)

    def waiting(self, rows: pl.DataFrame) -> Table:
        """Write the hubs in front of which parcels wait, day by day."""
        t, f = self.t, self.f
        columns = [
            Column(t("column.hub"), lambda row: self.hub(row["hub_id"]), numeric=False),
            Column(t("column.date"), lambda row: f.day(row["date"]), numeric=False),
            Column(t("column.short_that_day"), lambda row: f.count(row["short"])),
            Column(
                t("column.waiting"),
                lambda row: Markup('<strong class="alarm">{}</strong>').format(f.count(row["waiting"])),
            ),
        ]
        return self._table("waiting-table", rows, columns, _TOP_WAITING, "shortfalls", t("shortfalls.waiting_note"))

    def days_taken(self, rows: pl.DataFrame) -> Table:
        """Write parcels by days from hand-in to the hub they are delivered from, with a bar for each."""
        t, f = self.t, self.f
        counts = [int(count) for count in rows["parcels"]]
        total, longest = max(sum(counts), 1), max(counts, default=1) or 1

        def bar(row: Row) -> Markup:
            parts = [(tone, row[name] / longest * 100) for tone, name in (("a", "in_time"), ("c", "late")) if row[name]]
            drawn = Markup("").join(Markup('<i class="{}" style="width:{:.2f}%"></i>').format(*part) for part in parts)
            return Markup('<span class="split bar" aria-hidden="true">{}</span>').format(drawn)

        columns = [
            Column(t("column.days_taken"), lambda row: f.count(row["days"])),
            Column(t("column.histogram"), bar, numeric=False),
            Column(t("column.parcels"), lambda row: f.count(row["parcels"])),
            Column(t("column.of_all"), lambda row: f.percent(row["parcels"] / total, 1)),
            Column(t("column.late_parcels"), lambda row: f.count(row["late"])),
        ]
        return self._table("days-table", rows, columns, rows.height, "trunk_flows", t("taken.note"))

    def fleet(self, rows: pl.DataFrame) -> Table:
        """Write departures by mode, ownership and vehicle type."""
        t, f = self.t, self.f
        columns = [
            Column(t("column.mode"), lambda row: t.term("mode", row["mode"] or ""), numeric=False),
            Column(t("column.ownership"), lambda row: t.term("ownership", row["ownership"] or ""), numeric=False),
            Column(t("column.vehicle"), lambda row: _named(row["vehicle"], row["vehicle_type_id"]), numeric=False),
            Column(t("column.departures"), lambda row: f.count(row["departures"])),
            Column(t("column.parcels"), lambda row: f.count(row["parcels"])),
            Column(t("column.fill"), lambda row: f.percent(row["fill"])),
            Column(t("column.cost"), lambda row: f.count(row["cost"])),
            Column(t("column.cost_per_parcel"), lambda row: f.decimal(row["cost_per_parcel"])),
        ]
        return self._table("fleet-table", rows, columns, rows.height, "trunk_departures", t("vehicles.note"))

    def lanes(self, totals: pl.DataFrame, rides: pl.DataFrame) -> Table:
        """Write the busiest lanes and who rides on them."""
        t, f = self.t, self.f
        rows = totals.head(_TOP_LANES).join(rides, on="lane_id", how="left", maintain_order="left")
        columns = [
            Column(t("column.lane"), self._lane, numeric=False),
            Column(t("column.mode"), lambda row: t.term("mode", row["mode"] or ""), numeric=False),
            Column(t("column.distance"), lambda row: f.count(row["distance_km"])),
            Column(t("column.departures"), lambda row: f.count(row["departures"])),
            Column(t("column.parcels"), lambda row: f.count(row["parcels"])),
            Column(t("column.fill"), lambda row: f.percent(row["fill"])),
            Column(t("column.transit_share"), lambda row: f.percent(row["transit_share"])),
            Column(t("column.why"), self._pairs, numeric=False),
        ]
        table = self._table("lane-table", rows, columns, _TOP_LANES, "trunk_departures", t("lanes.note"))
        return replace(table, total=totals.height)

    def shortfall_groups(self, rows: pl.DataFrame) -> Table:
        """Write shortfalls by the fix they share, with what binds."""
        t, f = self.t, self.f
        columns = [
            Column(t("column.binding"), lambda row: self._binding(row["binding"]), numeric=False),
            Column(t("column.parcels"), lambda row: f.count(row["parcels"])),
            Column(t("column.routes"), lambda row: f.count(row["routes"])),
            Column(t("column.days"), lambda row: f.count(row["days"])),
            Column(t("column.reason"), lambda row: _text(self._words.reason(row["reason"])), numeric=False),
            Column(t("column.fix"), lambda row: _text(self._words.fix(row["cheapest_fix"])), numeric=False),
        ]
        return self._table("cause-table", rows, columns, _TOP_GROUPS, "shortfalls", t("shortfalls.note"))

    def shortfalls(self, rows: pl.DataFrame) -> Table:
        """Write the largest single shortfalls."""
        t, f = self.t, self.f
        largest = rows.sort(
            ["parcels", "date", "origin_hub_id", "destination_hub_id"], descending=[True, False, False, False]
        )
        columns = [
            Column(t("column.date"), lambda row: f.day(row["date"]), numeric=False),
            Column(t("column.origin"), lambda row: self.hub(row["origin_hub_id"]), numeric=False),
            Column(t("column.destination"), lambda row: self.hub(row["destination_hub_id"]), numeric=False),
            Column(t("column.parcels"), lambda row: f.count(row["parcels"])),
            Column(t("column.binding"), lambda row: self._binding(row["binding"]), numeric=False),
            Column(t("column.fix"), lambda row: _text(self._words.fix(row["cheapest_fix"])), numeric=False),
        ]
        return self._table("short-table", largest, columns, _TOP_SHORT, "shortfalls", t("shortfalls.rows_note"))

    def weather(self, rows: pl.DataFrame) -> Table:
        """Write the lane-days that weather touches."""
        t, f = self.t, self.f
        columns = [
            Column(t("column.date"), lambda row: f.day(row["date"]), numeric=False),
            Column(t("column.lane"), self._lane, numeric=False),
            Column(t("column.mode"), lambda row: t.term("mode", row["mode"]), numeric=False),
            Column(t("column.severity"), lambda row: t.term("severity", row["severity"]), numeric=False),
            Column(t("column.speed"), lambda row: f.factor(row["speed_factor"])),
            Column(t("column.room"), lambda row: f.factor(row["capacity_factor"])),
            Column(t("column.closure"), lambda row: f.percent(row["closure_probability"])),
            Column(t("column.departures"), lambda row: f.count(row["departures"])),
            Column(t("column.parcels"), lambda row: f.count(row["parcels"])),
            Column(t("column.cause"), lambda row: _text(self.cause(row["cause"])), numeric=False),
        ]
        return self._table("weather-table", rows, columns, _TOP_WEATHER, "lane_weather", t("weather.note"))

    def prices(self, rows: pl.DataFrame) -> Table:
        """Write what one more parcel of sort capacity would save, dearest first."""
        t, f = self.t, self.f
        dear = rows.filter(pl.col("price") > 0).sort(["price", "date", "hub_id"], descending=[True, False, False])
        columns = [
            Column(t("column.hub"), lambda row: self.hub(row["hub_id"]), numeric=False),
            Column(t("column.date"), lambda row: f.day(row["date"]), numeric=False),
            Column(t("column.price"), lambda row: f.decimal(row["price"])),
        ]
        if "sort_id" in dear.columns and (dear["sort_id"] != WHOLE_DAY).any():
            columns.insert(2, Column(t("column.sort"), lambda row: _text(row["sort_id"]), numeric=False))
        return self._table("price-table", dear, columns, _TOP_PRICES, "hub_prices", t("prices.note"))

    def sorts(self, rows: pl.DataFrame) -> Table:
        """Write the sorts of hubs, fullest first."""
        t, f = self.t, self.f
        columns = [
            Column(t("column.hub"), lambda row: self.hub(row["hub_id"]), numeric=False),
            Column(t("column.date"), lambda row: f.day(row["date"]), numeric=False),
            Column(t("column.sort"), lambda row: _text(row["sort_id"]), numeric=False),
            Column(t("column.load"), lambda row: f.count(row["handled"])),
            Column(t("column.capacity"), lambda row: f.count(row["capacity"])),
            Column(t("column.use"), lambda row: f.percent(row["utilisation"])),
            Column(t("column.held_for_next"), lambda row: f.count(row["held"])),
        ]
        return self._table("sort-table", rows, columns, _TOP_SORTS, "hub_loads", t("sorts.note"))

    def capacity(self, rows: pl.DataFrame) -> Table:
        """Write what vehicles the plan's weeks were found to need ahead of contracts."""
        t, f = self.t, self.f
        columns = [
            Column(t("column.week"), lambda row: f.day(row["week"]), numeric=False),
            Column(t("column.vehicle"), lambda row: self._vehicle(row["vehicle_type_id"]), numeric=False),
            Column(t("column.mode"), lambda row: t.term("mode", row["mode"]), numeric=False),
            Column(t("column.ownership"), lambda row: t.term("ownership", row["ownership"]), numeric=False),
            Column(t("column.median_need"), lambda row: f.count(row["q50"])),
            Column(t("column.needed"), lambda row: f.count(row["needed"])),
            Column(t("column.recommended"), lambda row: f.count(row["recommended"])),
            Column(t("column.cost_too_few"), lambda row: f.count(row["cost_too_few"])),
            Column(t("column.cost_too_many"), lambda row: f.count(row["cost_too_many"])),
        ]
        note = t("capacity.note", run=rows["run_id"][0], level=f.percent(rows["service_level"][0]))
        return self._table("capacity-table", rows, columns, rows.height, "capacity_needs", note)

    def hub_days(self, name: str, days: Sequence[dict[str, Any]], against: Mapping[str, Any] | None) -> Table:
        """Write the hub-days that stock placed ahead relieves or burdens (`name`), most first; `against` is the plan they are held against."""
        t, f = self.t, self.f
        columns = [
            Column(t("column.hub"), lambda row: self.hub(row["hub_id"]), numeric=False),
            Column(t("column.date"), lambda row: f.day(row["date"]), numeric=False),
            Column(t("column.nothing_ahead"), lambda row: f.percent(row["before"])),
            Column(t("column.ahead"), lambda row: f.percent(row["after"])),
        ]
        note = t("ahead.note") if against is None else t(f"ahead.note_{name}", run=against["run_id"])
        return self._table(f"{name}-table", pl.DataFrame(days), columns, _TOP_RELIEVED, "hub_loads", note)

    def heat(self, days: pl.DataFrame, summary: pl.DataFrame, dates: Sequence[date]) -> list[HeatRow]:
        """Write the heat map: the tightest hubs, one cell a day."""
        cells = {(row["hub_id"], row["date"]): row for row in days.iter_rows(named=True)}
        return [
            HeatRow(
                self.hub(row["hub_id"]),
                self.f.percent(row["mean_use"]),
                [self._heat_cell(cells.get((row["hub_id"], day))) for day in dates],
            )
            for row in summary.filter(pl.col("utilisation").is_not_null()).head(_TOP_HEAT).iter_rows(named=True)
        ]

    def _heat_cell(self, row: dict[str, Any] | None) -> tuple[str, Markup, str]:
        if row is None or row["utilisation"] is None:
            return "", self.f.percent(None), ""
        shade = sum(row["utilisation"] >= limit for limit in _SHADES)
        alarm = row["overflow"] or row["short"] > 0
        kind = "flood" if alarm else f"u{shade}"
        held = " held" if row["held"] > 0 else ""
        text = self.f.percent(row["utilisation"])
        if alarm:
            text = Markup("▲ ") + text
        tip = (
            f"{self.hub.text(row['hub_id'])} · {self.f.day_text(row['date'], weekday=True)}: {row['handled']:,} / "
            f"{row['capacity']:,} · {self.t.plain('column.held')} {row['held']:,}"
        )
        if row["waiting"]:
            tip += f" · {self.t.plain('column.waiting')} {row['waiting']:,}"
        return f"{kind}{held}", text, tip

    def _lane(self, row: Row) -> Markup:
        if row["origin_hub_id"] is None:
            return self.hub(row["lane_id"])
        ends = (self.hub.text(row["origin_hub_id"]), self.hub.text(row["destination_hub_id"]))
        return Markup('<span class="name" title="{0} → {1}">{0} → {1}</span>').format(*ends)

    def _pairs(self, row: Row) -> Markup:
        pairs = [
            Markup('<span class="pair">{}</span>').format(
                self.t(
                    "lanes.pair",
                    origin=self.hub.text(pair["origin_hub_id"]),
                    destination=self.hub.text(pair["destination_hub_id"]),
                    share=self.f.percent(pair["share"]),
                )
            )
            for pair in row["pairs"] or []
            if pair["share"] >= _SMALLEST_SHARE
        ]
        return Markup('<span class="text">{}</span>').format(self.t("word.comma").join(pairs))

    def _binding(self, binding: str | None) -> Markup:
        """Write ``hub:WUH|lane:A-B`` in words."""
        words = []
        for part in (binding or "").split("|"):
            kind, colon, ident = part.partition(":")
            if not colon:
                words.append(Markup("{}").format(part))
            else:
                name = self._word(kind, ident)
                words.append(
                    Markup('{} <span class="name" title="{}">{}</span>').format(
                        self.t.term("binding", kind), ident, name
                    )
                )
        if not binding:
            return self.f.count(None)
        return Markup('<span class="binds">{}</span>').format(self.t("word.comma").join(words))

    def _word(self, kind: str, ident: str) -> str:
        if kind == "lane":
            return self._lane_words.get(ident, ident)
        return self._vehicle.text(ident) if kind == "fleet" else self.hub.text(ident)

    def _table(
        self, name: str, rows: pl.DataFrame, columns: Sequence[Column], top: int, exported: str, note: Markup
    ) -> Table:
        return tabulate(name, rows, columns, top=top, command=f"radar export {exported} --format xlsx", note=note)


def _named(name: str | None, ident: str) -> Markup:
    if name is None or name == ident:
        return Markup('<span class="name" title="{0}">{0}</span>').format(ident)
    return Markup('<span class="name" title="{0}">{0}</span> <span class="id">{1}</span>').format(name, ident)


def _text(text: str | None) -> Markup:
    if not text:
        return Markup('<span class="none">–</span>')
    return Markup('<span class="text">{}</span>').format(text)
