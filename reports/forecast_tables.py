"""The tables and worded numbers of the forecast report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl
from markupsafe import Markup

from reports.drawing import sparkline
from reports.forecast_figures import Headline, LastYear
from reports.forecast_inputs import ForecastInputs
from reports.formats import Formats
from reports.messages import Messages
from reports.score_figures import published_scores, summary
from reports.tables import Column, Names, Row, Table, meter, tabulate

_TOP_HUBS, _TOP_ROUTES, _TOP_OUTLETS, _TOP_SCORES = 30, 15, 20, 60


class ForecastTables:
    """Writes the tables of one report in one language."""

    def __init__(self, inputs: ForecastInputs, messages: Messages, formats: Formats, top: Headline) -> None:
        self.inputs = inputs
        self.t = messages
        self.f = formats
        self.top = top
        self._hub = Names(inputs.hubs, "hub_id")
        self._courier = Names(inputs.couriers, "courier_id")

    def days(self, then: LastYear | None) -> Table:
        """Write the network day by day."""
        t, f = self.t, self.f
        days = self.inputs.network.sort("date")
        if then is not None:
            days = days.join(then.days.select("date", "parcels"), on="date", how="left")
            days = days.with_columns(
                pl.when(pl.col("parcels") > 0).then(pl.col("mean") / pl.col("parcels") - 1).alias("change")
            )
        columns = [
            Column(t("column.date"), lambda row: f.day(row["date"]), numeric=False),
            Column(t("column.mean"), lambda row: f.count(row["mean"])),
            Column("q10", lambda row: f.count(row["q10"])),
            Column("q50", lambda row: f.count(row["q50"])),
            Column("q90", lambda row: f.count(row["q90"])),
            Column(t("column.multiple"), lambda row: f.multiple(_over(row["mean"], self.top.normal))),
            Column(t("column.baseline"), lambda row: f.count(row["baseline"])),
            Column(t("column.event"), lambda row: f.factor(row["event"])),
            Column(t("column.weather"), lambda row: f.factor(row["weather"])),
            Column(t("column.override"), lambda row: f.factor(row["override"])),
        ]
        if then is not None:
            columns.append(Column(t("column.then"), lambda row: f.count(row["parcels"])))
            columns.append(Column(t("column.change"), lambda row: f.change(row["change"])))
        return self._table("days", days, columns, days.height, "network_forecasts", t("days.note"))

    def steps(self, steps: Sequence[tuple[str, float, float]]) -> Table:
        """Write the parts of the peak day: what each multiplies by, and how many parcels that is."""
        t, f = self.t, self.f
        rows = [
            {
                "name": name,
                "factor": None if name == "baseline" else self.top.peak[name],
                "parcels": end - start,
            }
            for name, start, end in steps
        ]
        rows.append({"name": "forecast", "factor": None, "parcels": steps[-1][2]})
        columns = [
            Column(t("waterfall.step"), lambda row: t(f"waterfall.{row['name']}"), numeric=False),
            Column(t("waterfall.factor"), lambda row: f.decimal(row["factor"], 3)),
            Column(t("waterfall.part"), lambda row: f.count(row["parcels"])),
        ]
        frame = pl.DataFrame(rows, schema={"name": pl.String, "factor": pl.Float64, "parcels": pl.Float64})
        return self._table("step-table", frame, columns, len(rows), "network_forecasts", t("waterfall.caption"))

    def hubs(self, rows: pl.DataFrame) -> Table:
        """Write hubs ranked by their peak load."""
        t, f = self.t, self.f
        columns = [
            Column(t("column.hub"), lambda row: self._hub(row["hub_id"]), numeric=False),
            Column(t("column.peak_day"), lambda row: f.day(row["peak_date"]), numeric=False),
            Column(t("column.out"), lambda row: f.count(row["out"])),
            Column(t("column.in"), lambda row: f.count(row["in"])),
            Column(t("column.load"), lambda row: f.count(row["load"])),
            Column(t("column.multiple"), lambda row: f.multiple(row["multiple"])),
            Column(t("column.path"), self._spark, numeric=True),
        ]
        if rows["capacity"].null_count() < rows.height:
            columns += [
                Column(t("column.capacity"), lambda row: f.count(row["capacity"])),
                Column(t("column.share"), lambda row: meter(row["share"], f.percent(row["share"]), t)),
                Column(t("column.share_q90"), lambda row: f.percent(row["share_q90"])),
                Column(t("column.days_over"), lambda row: f.count(row["days_over"])),
                Column(t("column.days_over_q90"), lambda row: f.count(row["days_over_q90"])),
            ]
        return self._table("hub-table", rows, columns, _TOP_HUBS, "hub_forecasts", t("hubs.note"))

    def routes(self, name: str, rows: pl.DataFrame) -> Table:
        """Write the largest routes."""
        t, f = self.t, self.f
        columns = [
            *self._route_columns(),
            Column(t("column.daily"), lambda row: f.count(row["daily"])),
            Column(t("column.peak_day"), lambda row: f.day(row["peak_date"]), numeric=False),
            Column(t("column.peak"), lambda row: f.count(row["peak"])),
            Column("q90", lambda row: f.count(row["q90"])),
            Column(t("column.multiple"), lambda row: f.multiple(row["multiple"])),
            Column(t("column.path"), self._spark),
        ]
        return self._table(name, rows, columns, _TOP_ROUTES, "route_forecasts", t("routes.note"))

    def growth(self, name: str, rows: pl.DataFrame) -> Table:
        """Write the routes that grow fastest."""
        t, f = self.t, self.f
        columns = [
            *self._route_columns(),
            Column(t("column.recent"), lambda row: f.count(row["recent"])),
            Column(t("column.daily"), lambda row: f.count(row["daily"])),
            Column(t("column.growth"), lambda row: f.change(row["growth"])),
            Column(t("column.peak_day"), lambda row: f.day(row["peak_date"]), numeric=False),
            Column(t("column.peak"), lambda row: f.count(row["peak"])),
            Column(t("column.path"), self._spark),
        ]
        return self._table(name, rows, columns, _TOP_ROUTES, "route_forecasts", t("routes.growing_note"))

    def opened(self, name: str, rows: pl.DataFrame) -> Table:
        """Write the routes that opened lately or are about to."""
        t, f = self.t, self.f
        columns = [
            *self._route_columns(),
            Column(t("column.opened"), lambda row: t.term("opened", row["opened"]), numeric=False),
            Column(t("column.first_date"), lambda row: f.full_day(row["first_date"]), numeric=False),
            Column(t("column.daily"), lambda row: f.count(row["daily"])),
            Column(t("column.peak"), lambda row: f.count(row["peak"])),
            Column("q90", lambda row: f.count(row["q90"])),
            Column(t("column.path"), self._spark),
        ]
        return self._table(name, rows, columns, _TOP_ROUTES, "route_forecasts", t("routes.opened_note"))

    def outlets(self, rows: pl.DataFrame) -> Table:
        """Write outlets by how much of their delivery capacity the peak takes."""
        t, f = self.t, self.f
        outlet = Names(self.inputs.outlets, "outlet_id")
        columns = [
            Column(t("column.outlet"), lambda row: outlet(row["outlet_id"]), numeric=False),
            Column(t("column.courier"), lambda row: self._courier(row["courier_id"]), numeric=False),
            Column(t("column.hub"), lambda row: self._hub(row["hub_id"]), numeric=False),
            Column(t("column.peak_day"), lambda row: f.day(row["peak_date"]), numeric=False),
            Column(t("column.deliveries"), lambda row: f.count(row["load"])),
            Column("q90", lambda row: f.count(row["load_q90"])),
            Column(t("column.delivery_capacity"), lambda row: f.count(row["capacity"])),
            Column(t("column.share"), lambda row: meter(row["share"], f.percent(row["share"]), t)),
            Column(t("column.days_over"), lambda row: f.count(row["days_over"])),
            Column(t("column.path"), self._spark),
        ]
        return self._table("outlet-table", rows, columns, _TOP_OUTLETS, "outlet_forecasts", t("outlets.note"))

    def scores(self) -> Table:
        """Write accuracy with all that an accuracy means nothing without: level, class, lead, window, model."""
        t, f = self.t, self.f
        columns = [
            Column(t("column.level"), lambda row: t.term("level", row["kind"]), numeric=False),
            Column(t("column.class"), lambda row: t.term("class", row["class"]), numeric=False),
            Column(t("column.bucket"), lambda row: t.term("bucket", row["bucket"]), numeric=False),
            Column(t("column.lead"), lambda row: row["lead_days"], numeric=False),
            Column(t("column.window"), lambda row: self._window(row["window"]), numeric=False),
            Column(t("column.model"), lambda row: t.term("model", row["model"]), numeric=False),
            Column(t("column.accuracy"), lambda row: f.percent(row["accuracy"], 1)),
            Column(t("column.naive"), lambda row: f.percent(row["naive"], 1)),
            Column(t("column.bias"), lambda row: f.change(row["bias"])),
            Column("MASE", lambda row: f.decimal(row["mase"])),
            Column(t("column.quantile_loss"), lambda row: f.decimal(row["weighted_quantile_loss"], 3)),
            Column(t("column.coverage_80"), lambda row: f.percent(row["coverage_80"])),
            Column(t("column.coverage_90"), lambda row: f.percent(row["coverage_90"])),
        ]
        every = published_scores(self.inputs.scores)
        table = self._table("score-table", summary(every), columns, _TOP_SCORES, "backtest_scores", t("accuracy.note"))
        return replace(table, total=every.height)

    def _window(self, window: str) -> Markup:
        """Write the days scored: a word, or the name of an event in the report's language."""
        word = self.t.term("window", window)
        if word == window and self.t.language == "zh":
            named = self.inputs.events.filter((pl.col("name") == window) & pl.col("name_zh").is_not_null())
            word = window if named.is_empty() else named["name_zh"][0]
        return Markup('<span class="name">{}</span>').format(word)

    def _route_columns(self) -> list[Column]:
        return [
            Column(self.t("column.courier"), lambda row: self._courier(row["courier_id"]), numeric=False),
            Column(self.t("column.origin"), lambda row: self._hub(row["origin_hub_id"]), numeric=False),
            Column(self.t("column.destination"), lambda row: self._hub(row["destination_hub_id"]), numeric=False),
        ]

    def _spark(self, row: Row) -> Markup:
        return sparkline(row["path"], self.t.plain("chart.spark"))

    def _table(
        self, name: str, rows: pl.DataFrame, columns: Sequence[Column], top: int, exported: str, note: Markup
    ) -> Table:
        return tabulate(name, rows, columns, top=top, command=f"radar export {exported} --format xlsx", note=note)


def waterfall_sentence(steps: Sequence[tuple[str, float, float]], messages: Messages, formats: Formats) -> Markup:
    """Say in words what the waterfall draws; factors that do nothing go unmentioned."""
    sentences = [messages("waterfall.base", parcels=formats.figure(steps[0][2]))]
    for name, start, end in steps[1:]:
        change = end - start
        if round(abs(change)) == 0:
            continue
        key = f"waterfall.{'adds' if change > 0 else 'takes'}"
        share = formats.change(change / start if start > 0 else None)
        word = messages(f"waterfall.the_{name}")
        sentences.append(messages(key, factor=word, parcels=formats.figure(abs(change)), share=share))
    return messages("word.semicolon").join(sentences) + messages("table.stop")


def _over(value: float, base: float) -> float | None:
    return value / base if base > 0 else None
