"""Sheets for the floor of a hub: where each sort loads which destination, and what leaves and arrives when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from markupsafe import Markup

from reports.formats import NOTHING, Formats, Language
from reports.messages import Messages
from reports.page import render
from reports.run_facts import RunFacts
from reports.tables import Cell, Column, Row, Table, in_language, tabulate

_ALL = 1_000_000  # rows of a sheet: it is for people who need every one


@dataclass(frozen=True)
class SheetInputs:
    """What sheets are made from.

    Attributes
    ----------
    run
        Run of the plan.
    hubs, lanes, vehicle_types
        Reference tables.
    departures, sort_plans
        ``trunk_departures`` and ``sort_plans`` of the run; the latter has no rows where no lanes were ordered.
    chosen
        Hubs that get sheets.
    time_zone
        Of hubs that name none.
    """

    run: RunFacts
    hubs: pl.DataFrame
    lanes: pl.DataFrame
    vehicle_types: pl.DataFrame
    departures: pl.DataFrame
    sort_plans: pl.DataFrame
    chosen: Sequence[str]
    time_zone: str


def write_sheets(inputs: SheetInputs, language: Language) -> str:
    """Write the sheets of hubs as one page that prints a sheet a page: for each hub its sorts, then departures and arrivals.

    Parameters
    ----------
    language
        ``"zh"`` or ``"en"``.
    """
    maker = _Sheets(inputs, language)
    sheets = [sheet for hub in inputs.chosen for sheet in maker.of_hub(hub)]
    contents = [(sheet["anchor"], sheet["short"]) for sheet in sheets]
    return render("sheets.html.j2", language, inputs.run, {"sheets": sheets, "contents": contents, "further_facts": []})


class _Sheets:
    def __init__(self, inputs: SheetInputs, language: Language) -> None:
        self.t, self.f = Messages(language), Formats(language)
        self.inputs = inputs
        names = in_language(inputs.hubs, language)
        self.names: dict[str, str] = dict(names.select("hub_id", "name").iter_rows())
        self.types: dict[str, str] = dict(
            in_language(inputs.vehicle_types, language).select("vehicle_type_id", "name").iter_rows()
        )
        ends = inputs.lanes.select("lane_id", "origin_hub_id", "destination_hub_id")
        self.ends = {lane: (start, end) for lane, start, end in ends.iter_rows()}
        zones = inputs.hubs.select("hub_id", pl.col("time_zone").fill_null(inputs.time_zone))
        self.zones: dict[str, str] = dict(zones.iter_rows())
        self.departures = inputs.departures.join(ends, on="lane_id", how="left")

    def of_hub(self, hub: str) -> list[dict[str, Any]]:
        """Sheets of a hub: one a sort, one of departures, one of arrivals."""
        mine = self.inputs.sort_plans.filter(pl.col("hub_id") == hub)
        sheets = [self._sort(hub, sort, mine) for sort in mine["sort_id"].unique().sort().to_list()]
        return [*sheets, self._movements(hub, "departures"), self._movements(hub, "arrivals")]

    def _sheet(self, hub: str, kind: str, title: Markup, table: Table) -> dict[str, Any]:
        anchor = f"sheet-{self.inputs.chosen.index(hub) + 1}-{kind}"
        short = Markup("{} {}").format(
            self.names.get(hub, hub), kind if table.name == "sort" else self.t(f"sheets.{kind}")
        )
        return {"anchor": anchor, "short": short, "title": title, "table": table}

    def _sort(self, hub: str, sort: str, plan: pl.DataFrame) -> dict[str, Any]:
        rows = plan.filter(pl.col("sort_id") == sort).sort("date_from", "destination_hub_id")
        columns = [
            Column(self.t("sheets.dates"), self._dates, numeric=False),
            Column(self.t("sheets.destination"), lambda row: self._hub(row["destination_hub_id"]), numeric=False),
            Column(self.t("sheets.lane"), lambda row: self._lane(row["lane_id"]), numeric=False),
            Column(self.t("sheets.share"), lambda row: self.f.percent(row["share"])),
            Column(self.t("sheets.alternate"), lambda row: self._lane(row["alternate_lane_id"]), numeric=False),
        ]
        title = self.t("sheets.sort_title", hub=self.names.get(hub, hub), sort=sort)
        return self._sheet(hub, sort, title, tabulate("sort", rows, columns, top=_ALL, command=""))

    def _movements(self, hub: str, kind: str) -> dict[str, Any]:
        """Sheet of what leaves a hub, or of what arrives there, by the hour of its own clock."""
        leaves = kind == "departures"
        own, other, at = (
            ("origin_hub_id", "destination_hub_id", "leaves_at")
            if leaves
            else ("destination_hub_id", "origin_hub_id", "arrives_at")
        )
        rows = self.departures.filter(pl.col(own) == hub).sort(at, "date", "lane_id", "vehicle_type_id")
        columns = [
            Column(self.t("sheets.when"), lambda row: self._moment(row[at], hub, row["date"] if leaves else None), numeric=False),
            Column(self.t("sheets.to" if leaves else "sheets.from"), lambda row: self._hub(row[other]), numeric=False),
            Column(self.t("sheets.lane"), lambda row: str(row["lane_id"]), numeric=False),
            Column(self.t("sheets.vehicle"), self._vehicle, numeric=False),
            Column(self.t("sheets.vehicles"), lambda row: self.f.count(row["departures"])),
            Column(self.t("sheets.parcels"), lambda row: self.f.count(row["parcels"])),
        ]  # fmt: skip
        title = self.t(f"sheets.{kind}_title", hub=self.names.get(hub, hub))
        return self._sheet(hub, kind, title, tabulate(kind, rows, columns, top=_ALL, command=""))

    def _hub(self, hub: str) -> str:
        return self.names.get(hub, hub)

    def _vehicle(self, row: Row) -> str:
        kind = str(row["vehicle_type_id"])
        return self.types.get(kind) or kind

    def _lane(self, lane: str | None) -> Cell:
        """Lane with the hub it leads to."""
        if lane is None:
            return NOTHING
        end = self.ends.get(lane, ("", lane))[1]
        return Markup("<strong>{}</strong> · {}").format(self._hub(end), lane)

    def _dates(self, row: Row) -> Cell:
        first, last = self.f.day(row["date_from"]), self.f.day(row["date_to"])
        return first if row["date_from"] == row["date_to"] else Markup("{} – {}").format(first, last)

    def _moment(self, at: datetime | None, hub: str, day: Any) -> Cell:
        """Date and hour by the hub's clock; the date alone where a plan names no hours."""
        if at is None:
            return self.f.day(day)
        local = at.astimezone(ZoneInfo(self.zones[hub]))
        return Markup("{} {}").format(self.f.day(local.date()), f"{local:%H:%M}")
