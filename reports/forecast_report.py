"""The forecast report: from the frames of a forecast to one HTML page."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl
from markupsafe import Markup

from data.closings import Closing
from data.silent_days import Silence
from reports import forecast_figures as figures
from reports import forecast_tables as tables
from reports.charts import EventMark, path_chart, waterfall_chart
from reports.forecast_inputs import RECENT_DAYS, ForecastInputs
from reports.forecast_weather import tell_weather
from reports.formats import Formats, Language
from reports.maps import HubMark, LaneMark, draw_map
from reports.messages import Messages
from reports.page import Figure, Legend, render
from reports.score_figures import network_accuracy
from reports.tables import Names, in_language

_PAST_DAYS = 42
_MAP_ROUTES = 80
_MOST_SPANS = 6
_MOST_PAST = 3


def write_forecast_report(inputs: ForecastInputs, language: Language) -> str:
    """Make the forecast report.

    Parameters
    ----------
    inputs
        Frames of one forecast run with the tables that name and compare them.
    language
        ``"zh"`` or ``"en"``.

    Returns
    -------
    str
        One self-contained HTML page.
    """
    return render("forecast.html.j2", language, inputs.run, _Report(inputs, language).values())


class _Report:
    """Gathers what the template of the forecast report speaks of."""

    def __init__(self, inputs: ForecastInputs, language: Language) -> None:
        hubs, outlets, couriers = (
            in_language(frame, language) for frame in (inputs.hubs, inputs.outlets, inputs.couriers)
        )
        inputs = replace(inputs, hubs=hubs, outlets=outlets, couriers=couriers)
        self.inputs = inputs
        self.language = language
        self.t = Messages(language)
        self.f = Formats(language)
        self.top = figures.headline(inputs.network)
        self.then = figures.last_year(self.top, inputs.history, inputs.events)
        self.hub_rows = figures.hub_ranking(inputs.hubs_ahead, inputs.hubs, inputs.routes_ahead, inputs.limits)
        self.writer = tables.ForecastTables(inputs, self.t, self.f, self.top)

    def values(self) -> dict[str, object]:
        t, f, top, inputs = self.t, self.f, self.top, self.inputs
        steps = figures.waterfall(top.peak)
        routes = self._routes()
        outlets = self._outlets()
        contents = ["path", "waterfall", "hubs", *(["routes"] if routes else []), *(["outlets"] if outlets else [])]
        return {
            "top": top,
            "as_of": inputs.as_of,
            "known": self._known(),
            "closings": self._closings(),
            "contents": [(name, t(f"contents.{name}")) for name in (*contents, "weather", "accuracy", "provenance")],
            "figures": self._figures(),
            "path_drawing": self._path(),
            "path_legend": self._path_legend(),
            "path_caption": self._path_caption(),
            "day_table": self.writer.days(self.then),
            "waterfall_lead": tables.waterfall_sentence(steps, t, f),
            "waterfall_drawing": waterfall_chart(steps, f, t),
            "step_table": self.writer.steps(steps),
            **self._hubs(),
            **routes,
            "route_tables": routes.get("route_tables"),
            **outlets,
            "outlet_table": outlets.get("outlet_table"),
            "weather_lead": None,
            "weather_map": None,
            "weather_table": None,
            **tell_weather(inputs, t, f),
            "accuracy_table": None if inputs.scores.is_empty() else self.writer.scores(),
            "accuracy_lead": self._accuracy_lead(),
            "further_facts": self._further_facts(),
        }

    def _known(self) -> list[Markup]:
        """Tell up to which day volumes are known, and which days before it are not."""
        t, f, history = self.t, self.f, self.inputs.history
        if history is None:
            return []
        sentences = []
        if history.last_day < self.inputs.as_of:
            lag = (self.inputs.as_of - history.last_day).days
            sentences.append(t("known.until", day=f.full_day(history.last_day), lag=f.count(lag)))
        unknown = [run for run in history.silences if run.meaning == "unknown"]
        for scope in ("network", "courier", "hub"):
            runs = [run for run in unknown if run.scope == scope]
            if runs:
                spans = t("word.comma").join(_span(run, f) for run in runs[:_MOST_SPANS])
                days = sum(run.days for run in runs)
                more = t("known.more", n=f.count(len(runs) - _MOST_SPANS)) if len(runs) > _MOST_SPANS else ""
                sentences.append(t(f"known.{scope}", n=f.count(days), spans=spans + more))
        return sentences

    def _closings(self) -> list[Markup]:
        """Tell the closings and openings that were found: which, since when, what it was of the network, the row that would say so."""
        lasting = [one for one in self.inputs.closings if one.until is None]
        past = sorted(
            (one for one in self.inputs.closings if one.until is not None), key=lambda one: one.until or one.date
        )
        sentences = [self._closing(one) for one in (*lasting, *past[::-1][:_MOST_PAST])]
        rest = len(past) - _MOST_PAST
        return [*sentences, self.t("closing.more", n=self.f.count(rest))] if rest > 0 else sentences

    def _closing(self, one: Closing) -> Markup:
        t, f = self.t, self.f
        name = Markup('<span class="name">{}</span>').format
        hub = Names(self.inputs.hubs, "hub_id").text
        if one.hub_id:
            who = t("closing.hub", name=name(hub(one.hub_id)))
        else:
            who = t("closing.route", origin=name(hub(one.origin_hub_id)), destination=name(hub(one.destination_hub_id)))
        kind = "opened" if one.change == "opens" else "past" if one.until else "lasting"
        return t(
            f"closing.{kind}",
            who=who,
            what=t(f"closing.{one.direction or ('both' if one.hub_id else 'carried')}"),
            first=f.full_day(one.date),
            last=f.full_day(one.until or one.date),
            days=f.count(one.days),
            share=f.percent(one.share, 1),
            row=Markup("<code>{}</code>").format(one.row_to_add()),
        )

    def _figures(self) -> list[Figure]:
        t, f, top = self.t, self.f, self.top
        run = self.inputs.run.run_id
        entries = [
            Figure(
                t("figure.peak_day"), f.day(top.peak_date), self._events_of_peak(), f"network_forecasts.date · {run}"
            ),
            Figure(
                t("figure.peak"),
                f.figure(top.peak_mean),
                t("figure.peak_range", low=f.figure(top.q10), high=f.figure(top.q90)),
                f"network_forecasts.mean, q10, q90 · {run}",
            ),
            Figure(
                t("figure.multiple"),
                f.multiple(top.multiple),
                t("figure.normal", normal=f.figure(top.normal)),
                f"network_forecasts.mean, baseline · {run}",
            ),
        ]
        known = self.hub_rows.filter(pl.col("capacity").is_not_null())
        if not known.is_empty():
            over, over_q90 = int(known["days_over"].sum()), int(known["days_over_q90"].sum())
            limits = "hubs" if self.inputs.limits is None else "hubs, hub_sorts, hub_days"
            entries.append(
                Figure(
                    t("figure.hub_days"),
                    f.count(over),
                    t("figure.hub_days_q90", n=f.count(over_q90)),
                    f"hub_forecasts.q50, q90 · {run}; {limits}.sort_capacity",
                    "bad" if over else "",
                )
            )
        accuracy = network_accuracy(self.inputs.scores)
        if accuracy is not None:
            entries.append(
                Figure(
                    t("figure.accuracy"),
                    f.percent(accuracy["accuracy"], 1),
                    t(
                        "figure.accuracy_of",
                        lead=accuracy["lead_days"],
                        window=t.term("window", accuracy["window"]),
                        naive=f.percent(accuracy["naive"], 1),
                    ),
                    f"backtest_scores.accuracy · {self.inputs.scores_run or run}",
                )
            )
        return entries

    def _events_of_peak(self) -> Markup:
        touching = figures.chart_events(self.inputs.events, self.top.peak_date, self.top.peak_date)
        names = [
            Markup('<span class="name">{}</span>').format(self._event_name(row))
            for row in touching.iter_rows(named=True)
        ]
        return self.t("word.comma").join(names) if names else self.t("figure.no_event")

    def _name_of_event(self, event_id: str | None) -> Markup:
        """Write an event by its name; one that the table does not hold by its id."""
        names = {row["event_id"]: self._event_name(row) for row in self.inputs.events.iter_rows(named=True)}
        return Markup('<span class="name">{}</span>').format(names.get(event_id, event_id or ""))

    def _event_name(self, row: dict[str, object]) -> str:
        chinese = row["name_zh"] if self.language == "zh" else None
        return str(chinese or row["name"])

    # ---- path ---------------------------------------------------------------------------------------------------

    def _past(self) -> pl.DataFrame:
        history = self.inputs.history
        if history is None:
            return pl.DataFrame(schema={"date": pl.Date, "parcels": pl.Int64})
        return history.days.filter(pl.col("date") > self.top.first - timedelta(days=_PAST_DAYS + 1))

    def _path(self) -> Markup:
        past = self._past()
        first = past["date"][0] if past.height else self.top.first
        events = [
            EventMark(self._event_name(row), row["date_from"], row["date_to"], row["peak_date"])
            for row in figures.chart_events(self.inputs.events, first, self.top.last).iter_rows(named=True)
        ]
        then = self.then.days if self.then else pl.DataFrame(schema={"date": pl.Date, "parcels": pl.Int64})
        return path_chart(self.inputs.network.sort("date"), past, then, events, self.f, self.t)

    def _path_legend(self) -> list[Legend]:
        t = self.t
        entries = [
            Legend("accent", "line", t("legend.mean")),
            Legend("band-inner", "area", t("legend.half")),
            Legend("band", "area", t("legend.band")),
        ]
        if not self._past().is_empty():
            entries.insert(0, Legend("past", "line", t("legend.past")))
        if self.then is not None:
            entries.append(Legend("then", "dash", t("legend.then")))
        if self.inputs.events.height:
            entries.append(Legend("event", "line", t("legend.event")))
        return entries

    def _path_caption(self) -> Markup:
        if self.then is None:
            return self.t("path.no_then")
        key = "path.then_weekday" if self.then.event is None else "path.then_event"
        return self.t(key, shift=self.f.count(self.then.shift), event=self._name_of_event(self.then.event))

    # ---- hubs ---------------------------------------------------------------------------------------------------

    def _hubs(self) -> dict[str, object]:
        t, f, rows = self.t, self.f, self.hub_rows
        known = rows.filter(pl.col("capacity").is_not_null())
        over = known.filter(pl.col("days_over") > 0).height
        over_q90 = known.filter(pl.col("days_over_q90") > 0).height
        if known.is_empty():
            title, lead = t("hubs.title_plain"), t("hubs.lead_plain")
        else:
            title = t("hubs.title_over", n=f.count(over)) if over else t("hubs.title_fits")
            lead = t("hubs.lead", known=f.count(known.height), all=f.count(rows.height), q90=f.count(over_q90))
        drawing = self._map()
        return {
            "hub_title": title,
            "hub_lead": lead,
            "hub_table": self.writer.hubs(rows),
            "map_drawing": drawing,
            "map_legend": self._map_legend(bool(known.height)) if drawing else [],
            "map_caption": t("map.forecast_caption"),
        }

    def _map(self) -> Markup:
        f, t = self.f, self.t
        placed = self.hub_rows.join(
            self.inputs.hubs.select("hub_id", "latitude", "longitude").drop_nulls(), on="hub_id", how="inner"
        )
        hubs = [
            HubMark(
                row["hub_id"], row["name"], row["latitude"], row["longitude"], row["load"], "bad" if row["days_over"] else _tone(row["share"]),
                bool(row["days_over"]),
                f"{row['name']}: {row['load']:,} · {f.day_text(row['peak_date'], weekday=True)}"
                + (f" · {f.percent_text(row['share'])}" if row["share"] is not None else ""),
            )
            for row in placed.sort("hub_id").iter_rows(named=True)
        ]  # fmt: skip
        names = Names(self.inputs.hubs, "hub_id")
        pair = ["origin_hub_id", "destination_hub_id"]
        flows = (
            self.inputs.routes_ahead.filter(
                (pl.col("date") == self.top.peak_date) & (pl.col(pair[0]) != pl.col(pair[1]))
            )
            .group_by(pair)
            .agg(pl.col("mean").sum())
            .sort(["mean", *pair], descending=[True, False, False])
            .head(_MAP_ROUTES)
        )
        lanes = [
            LaneMark(
                row[pair[0]], row[pair[1]], "road", row["mean"],
                f"{names.text(row[pair[0]])} → {names.text(row[pair[1]])}: {row['mean']:,}",
            )
            for row in flows.iter_rows(named=True)
        ]  # fmt: skip
        return draw_map(hubs, lanes, self.inputs.outlines, t.plain("map.forecast_label"))

    def _map_legend(self, capacities: bool) -> list[Legend]:
        t = self.t
        if not capacities:
            return [Legend("past", "dot", t("legend.hub")), Legend("accent", "line", t("legend.route"))]
        return [
            Legend("accent", "dot", t("legend.hub_fits")),
            Legend("warn", "dot", t("legend.hub_tight")),
            Legend("bad", "dot", t("legend.hub_over")),
            Legend("accent", "line", t("legend.route")),
        ]

    # ---- routes, outlets, accuracy ------------------------------------------------------------------------------

    def _routes(self) -> dict[str, object]:
        if self.inputs.routes_ahead.is_empty():
            return {}
        t, f = self.t, self.f
        routes = figures.route_ranking(self.inputs)
        growing, opened = figures.fastest_growing(routes), figures.newly_opened(routes)
        shown = [(t("routes.largest"), self.writer.routes("routes-largest", routes))]
        if not growing.is_empty():
            shown.append((t("routes.growing"), self.writer.growth("routes-growing", growing)))
        if not opened.is_empty():
            shown.append((t("routes.opened"), self.writer.opened("routes-opened", opened)))
        lead = t("routes.lead", n=f.count(routes.height), opened=f.count(opened.height))
        overall = self._growth_overall()
        if overall is not None:
            lead += Markup(" ") + t("routes.lead_growth", change=f.change(overall), days=RECENT_DAYS)
        return {"route_tables": shown, "route_lead": lead}

    def _growth_overall(self) -> float | None:
        history = self.inputs.history
        if history is None:
            return None
        recent = history.days.filter(pl.col("date") > self.inputs.as_of - timedelta(days=RECENT_DAYS))
        total = float(recent["parcels"].sum())
        return self.top.total / self.top.days / (total / RECENT_DAYS) - 1 if total > 0 else None

    def _outlets(self) -> dict[str, object]:
        if self.inputs.outlets_ahead.is_empty():
            return {}
        t, f = self.t, self.f
        rows = figures.outlet_ranking(self.inputs.outlets_ahead, self.inputs.outlets)
        known = rows.filter(pl.col("capacity").is_not_null())
        over = known.filter(pl.col("days_over") > 0).height
        if known.is_empty():
            title = t("outlets.title_plain")
        elif over:
            title = t("outlets.title_over", n=f.count(over))
        else:
            title = t("outlets.title_fits")
        lead = t("outlets.lead", known=f.count(known.height), all=f.count(rows.height))
        return {"outlet_title": title, "outlet_lead": lead, "outlet_table": self.writer.outlets(rows)}

    def _accuracy_lead(self) -> Markup:
        scores = self.inputs.scores
        if scores.is_empty():
            return Markup("")
        dates = scores["as_of"].unique().sort().to_list()
        return self.t(
            "accuracy.lead",
            n=self.f.count(len(dates)),
            dates=self.t("word.comma").join(map(self.f.full_day, dates)),
        )

    def _further_facts(self) -> list[tuple[Markup, Markup]]:
        facts = [(self.t("provenance.as_of"), self.f.full_day(self.inputs.as_of))]
        if self.inputs.scores_run:
            facts.append((self.t("provenance.scores_run"), Markup("<code>{}</code>").format(self.inputs.scores_run)))
        return facts


def _tone(share: float | None) -> str:
    if share is None:
        return "plain"
    return "bad" if share > 1 else "warn" if share > 0.85 else "good"


def _span(run: Silence, f: Formats) -> Markup:
    first, last = f.full_day(run.date_from), f.full_day(run.date_to)
    days = first if run.date_from == run.date_to else Markup("{}–{}").format(first, last)
    return Markup("{} {}").format(run.subject, days) if run.subject else Markup("{}").format(days)
