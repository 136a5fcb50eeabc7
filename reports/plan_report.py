"""The plan report: from the frames of a trunk plan to one HTML page."""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl
from markupsafe import Markup

from data.plan_outcome import group_by_fix
from reports import plan_figures as figures
from reports.charts import departures_chart
from reports.formats import Formats, Language
from reports.maps import HubMark, LaneMark, draw_map
from reports.messages import Messages
from reports.page import Legend, render
from reports.plan_ahead import PlanAhead
from reports.plan_headline import Headline
from reports.plan_inputs import PlanInputs
from reports.plan_risk import PlanRisk
from reports.plan_tables import PlanTables
from reports.tables import in_language
from reports.weather_map import WeatherMap, find_worst

_MAP_LANES = 250
# The stack of a day from the ground up, and the colour of each part.
_SERIES = {"own": "own", "contract": "contract", "spot": "spot", "rail": "rail", "air": "air"}
_TIGHT = 0.95
_FULL_SORT = 0.97


def write_plan_report(inputs: PlanInputs, language: Language) -> str:
    """Make the plan report.

    Parameters
    ----------
    inputs
        Frames of one trunk plan with the tables it was made on.
    language
        ``"zh"`` or ``"en"``.

    Returns
    -------
    str
        One self-contained HTML page.
    """
    return render("plan.html.j2", language, inputs.run, _Report(inputs, language).values())


class _Report:
    """Gathers what the template of the plan report speaks of."""

    def __init__(self, inputs: PlanInputs, language: Language) -> None:
        hubs, types = (in_language(frame, language) for frame in (inputs.hubs, inputs.vehicle_types))
        inputs = replace(inputs, hubs=hubs, vehicle_types=types)
        self.inputs = inputs
        self.t = Messages(language)
        self.f = Formats(language)
        self.certificate = inputs.certificate
        self.named = figures.departures_named(inputs)
        self.balance = figures.balance(inputs)
        self.costs = figures.costs(inputs)
        self.outcome = inputs.read_outcome()
        self.hub_days = figures.hub_days(inputs)
        self.summary = figures.hub_summary(self.hub_days, inputs.hubs)
        self.lanes = figures.lane_totals(inputs, self.named)
        self.writer = PlanTables(inputs, self.t, self.f)

    def values(self) -> dict[str, object]:
        sections = {
            **self._vehicles(),
            **self._utilisation(),
            **self._sorts(),
            **PlanRisk(self.inputs, self.t, self.f).values(),
            **self._lanes(),
            **self._shortfalls(),
            **self._weather(),
            **self._prices(),
            **self._capacity(),
            **PlanAhead(self.inputs, self.writer, self.t, self.f).values(),
            **self._taken(),
        }
        shown = ["shortfalls"] if sections["shortfalls_shown"] else []
        shown += ["balance", "taken", "utilisation"]
        shown += [*(["risk"] if sections["risk_shown"] else []), "vehicles", "costs", "lanes"]
        shown += [name for name in ("ahead", "prices") if sections[f"{name}_shown"]]
        shown += ["weather", *(["capacity"] if sections["capacity_shown"] else [])]
        days = self.inputs.days
        return {
            **sections,
            "certificate": self.certificate,
            "costs": self.costs,
            "outcome": self.outcome,
            "short_hubs": self.outcome.waiting["hub_id"].n_unique(),
            "short_from": self.outcome.waiting["date"].min(),
            "forecast": self.inputs.forecast,
            "ended": self._ended(),
            "cost_table": self.writer.costs(self.costs, self.outcome),
            "balance": self.balance,
            "split": self._split(),
            "split_legend": self._split_legend(),
            "first": days[0] if days else None,
            "last": days[-1] if days else None,
            "lanes_used": self.lanes.height,
            "departures": int(self.named["departures"].sum()),
            "contents": [(name, self.t(f"contents.{name}")) for name in (*shown, "provenance")],
            "figures": self._headline().figures(),
            "further_facts": self._further_facts(),
        }

    def _headline(self) -> Headline:
        overflows = int(self.hub_days["overflow"].sum())
        return Headline(self.inputs, self.costs, self.outcome, overflows, self.t, self.f)

    # ---- parcels ------------------------------------------------------------------------------------------------

    def _split(self) -> list[tuple[str, str]]:
        parts = (self.balance.direct, self.balance.held, self.balance.short)
        total = sum(parts)
        return [(tone, f"{part / total * 100:.3f}") for tone, part in zip("abc", parts, strict=True) if total and part]

    def _split_legend(self) -> list[Legend]:
        names = (("accent", "direct"), ("spot", "held"), ("bad", "short"))
        return [Legend(tone, "box", self.t(f"legend.{name}")) for tone, name in names]

    # ---- vehicles -----------------------------------------------------------------------------------------------

    def _vehicles(self) -> dict[str, object]:
        t, f, named = self.t, self.f, self.named
        if named.is_empty():
            return {"fleet_table": None, "departures_drawing": "", "departures_legend": [], "vehicles_lead": ""}
        known = named.with_columns(pl.col("series").fill_null("spot"))
        present = set(known["series"])
        tones = {name: tone for name, tone in _SERIES.items() if name in present}
        names = {name: self._series_word(name) for name in tones}
        by_day = known.group_by("date", "series").agg(pl.col("departures", "parcels").sum()).sort("date", "series")
        own = int(named.filter(pl.col("ownership") == "own")["departures"].sum())
        room = int(named["room"].sum())
        total = int(named["departures"].sum())
        return {
            "fleet_table": self.writer.fleet(figures.fleet(named)),
            "departures_drawing": departures_chart(by_day, tones, names, f, t),
            "departures_legend": [
                Legend(tone, "box", Markup("{}").format(names[name])) for name, tone in tones.items()
            ],
            "vehicles_lead": t(
                "vehicles.lead",
                departures=f.count(total),
                fill=f.percent(int(named["parcels"].sum()) / room if room else None),
                own=f.percent(own / total if total else None),
            ),
        }

    def _series_word(self, name: str) -> str:
        if name in ("rail", "air"):
            return self.t.term("mode", name)
        return f"{self.t.term('mode', 'road')} · {self.t.term('ownership', name)}"

    # ---- hubs ---------------------------------------------------------------------------------------------------

    def _utilisation(self) -> dict[str, object]:
        t, f = self.t, self.f
        overflows = int(self.hub_days["overflow"].sum())
        title = t("utilisation.title_over", n=f.count(overflows))
        if not overflows:
            hubs = self.outcome.waiting["hub_id"].n_unique()
            title = t("utilisation.title_short", n=f.count(hubs)) if hubs else t("utilisation.title_fits")
        known = self.hub_days.filter(pl.col("utilisation").is_not_null())
        lead = t("utilisation.lead_idle" if self.hub_days.is_empty() else "utilisation.lead_plain")
        if not known.is_empty():
            top = known.sort(["utilisation", "date", "hub_id"], descending=[True, False, False]).row(0, named=True)
            lead = t(
                "utilisation.lead",
                share=f.percent(top["utilisation"]),
                hub=self.writer.hub.text(top["hub_id"]),
                day=f.full_day(top["date"]),
            )
        dates = known["date"].unique().sort().to_list()
        rows = self.writer.heat(self.hub_days, self.summary, dates)
        return {
            "utilisation_title": title,
            "utilisation_lead": lead,
            "heat_dates": dates,
            "heat_rows": rows,
            "heat_total": self.summary.filter(pl.col("utilisation").is_not_null()).height,
            **self._map(),
        }

    def _sorts(self) -> dict[str, object]:
        rows = figures.busiest_sorts(self.inputs)
        if rows.is_empty():
            return {"sorts_shown": False}
        full = rows.filter(pl.col("utilisation") >= _FULL_SORT).height
        lead = self.t("sorts.lead", sorts=self.f.count(rows.height), full=self.f.count(full))
        return {"sorts_shown": True, "sorts_lead": lead, "sort_table": self.writer.sorts(rows)}

    def _map(self) -> dict[str, object]:
        t, f = self.t, self.f
        placed = self.summary.join(
            self.inputs.hubs.select("hub_id", "latitude", "longitude").drop_nulls(), on="hub_id", how="inner"
        )
        hubs = [
            HubMark(
                row["hub_id"], row["name"], row["latitude"], row["longitude"], row["handled"],
                _tone(row["utilisation"], row["overflows"] or row["short"]),
                bool(row["overflows"] or row["short"]),
                f"{row['name']}: {row['handled']:,}"
                + (f" · {f.percent_text(row['utilisation'])}" if row["utilisation"] is not None else "")
                + (f" · {t.plain('column.held')} {row['held']:,}" if row["held"] else ""),
            )
            for row in placed.sort("hub_id").iter_rows(named=True)
        ]  # fmt: skip
        known = self.lanes.filter(pl.col("origin_hub_id").is_not_null())
        lanes = [
            LaneMark(
                row["origin_hub_id"], row["destination_hub_id"], row["mode"], row["parcels"],
                f"{self.writer.hub.text(row['origin_hub_id'])} → {self.writer.hub.text(row['destination_hub_id'])} · "
                f"{t.term('mode', row['mode'])}: {row['parcels']:,} {t.plain('unit.parcels')}, "
                f"{row['departures']:,} {t.plain('unit.departures')}",
            )
            for row in known.head(_MAP_LANES).iter_rows(named=True)
        ]  # fmt: skip
        modes = set(known["mode"])
        legend = [
            Legend("accent", "dot", t("legend.hub_fits")),
            Legend("warn", "dot", t("legend.hub_full")),
            Legend("bad", "ring", t("legend.hub_overflow")),
            Legend("accent", "line", t("legend.lane_road")),
            *[Legend(mode, "line", t(f"legend.lane_{mode}")) for mode in ("rail", "air") if mode in modes],
        ]
        return {
            "map_drawing": draw_map(hubs, lanes, self.inputs.outlines, t.plain("map.plan_label")),
            "map_legend": legend,
            "map_caption": t("map.plan_caption", shown=f.count(len(lanes)), total=f.count(known.height)),
        }

    # ---- lanes, shortfalls, weather, prices -----------------------------------------------------------------------

    def _lanes(self) -> dict[str, object]:
        rides = figures.riders(self.inputs, self.lanes["lane_id"].head(50).to_list())
        half = figures.lanes_with_half(self.lanes)
        lead = self.t("lanes.lead", top=self.f.count(half), all=self.f.count(self.lanes.height))
        lead = lead if self.lanes.height else self.t("lanes.lead_idle")
        return {"lane_table": self.writer.lanes(self.lanes, rides), "lane_lead": lead}

    def _shortfalls(self) -> dict[str, object]:
        rows = self.inputs.shortfalls
        if rows.is_empty():
            return {"shortfalls_shown": False}
        causes = rows.select("binding", "reason").n_unique()
        lead = self.t(
            "shortfalls.lead",
            parcels=self.f.count(int(rows["parcels"].sum())),
            routes=self.f.count(rows.select("origin_hub_id", "destination_hub_id").n_unique()),
            causes=self.f.count(causes),
        )
        return {
            "shortfalls_shown": True,
            "shortfall_lead": lead,
            "waiting_table": self.writer.waiting(self.outcome.waiting),
            "cause_table": self.writer.shortfall_groups(group_by_fix(rows)),
            "short_table": self.writer.shortfalls(rows),
        }

    def _taken(self) -> dict[str, object]:
        t, f = self.t, self.f
        rows = figures.days_taken(self.inputs.flows)
        late, carried = int(rows["late"].sum()), int(rows["parcels"].sum())
        promised = int(self.inputs.flows.filter(pl.col("late_days").is_not_null())["parcels"].sum())
        if late:
            lead = t(
                "taken.lead_late", late=f.count(late), promised=f.count(promised), share=f.percent(late / promised, 1),
                days=f.count(figures.sum_late_days(self.inputs.flows)), cost=f.money(self.costs.late),
            )  # fmt: skip
        else:
            lead = t("taken.lead_in_time", promised=f.count(promised)) if promised else t("taken.lead_none")
        mean = float((rows["days"] * rows["parcels"]).sum()) / carried if carried else None
        legend = [Legend("accent", "box", t("legend.in_time")), Legend("bad", "box", t("legend.late"))]
        return {
            "taken_lead": lead,
            "taken_mean": None if mean is None else f.decimal(mean, 2),
            "taken_table": self.writer.days_taken(rows),
            "taken_legend": legend if late else legend[:1],
        }

    def _ended(self) -> Markup:
        """Tell what ended the search: its effort, or the clock or the planner, and how many of the moves due were made."""
        end, _, undone = str(self.certificate["ended_by"] or "").partition(": ")
        if not end:
            return Markup("")
        parts = [self._made(part) for part in undone.split(", ")] if undone else []
        return self.t(f"ended.{end.replace(' ', '_')}", undone=self.t("word.comma").join(parts))

    def _made(self, part: str) -> Markup:
        """Tell a part of ``ended_by`` such as ``40 of 100 moves made`` or ``bound and annealing cut short``."""
        found = re.fullmatch(r"([\d,]+) of ([\d,]+) (.+) made", part)
        if found is None:
            cut = part.removesuffix(" cut short").split(" and ")
            return self.t("ended.cut_short", part=self.t("word.and").join(self.t.term("search", one) for one in cut))
        return self.t("ended.made", made=found[1], due=found[2], kind=self.t.term("search", found[3]))

    def _further_facts(self) -> list[tuple[Markup, Markup]]:
        t = self.t
        facts = [(t("provenance.status"), Markup("{}").format(t.term("status", self.certificate["status"])))]
        if self.inputs.forecast is not None:
            run_id, as_of = self.inputs.forecast
            facts.append((t("provenance.forecast_run"), Markup("<code>{}</code>").format(run_id)))
            facts.append((t("provenance.as_of"), self.f.full_day(as_of)))
        return facts

    def _weather(self) -> dict[str, object]:
        rows = figures.weather_rows(self.inputs, self.named)
        notes = self.inputs.weather_basis.tell(self.inputs.time_zone, self.t, self.f)
        if self.inputs.reference is not None:
            near, changed = self.inputs.reference
            notes.append(self.t("weather.replanned", run=near, n=self.f.count(changed)))
        if rows.is_empty():
            unknown = dict.fromkeys(("weather_lead", "weather_cost", "weather_map", "weather_table"))
            return {**unknown, "weather_notes": notes}
        lead = self.t("weather.lead", days=self.f.count(rows.height), parcels=self.f.count(int(rows["parcels"].sum())))
        return {
            "weather_lead": lead,
            "weather_cost": self._weather_cost(),
            "weather_notes": notes,
            "weather_table": self.writer.weather(rows),
            **self._weather_map(),
        }

    def _weather_cost(self) -> Markup | None:
        """Tell what the weather costs beside the plan made without it; None where that is not known."""
        found = self.inputs.weather_cost
        if found is None:
            return None
        moved = self.t("weather.moved", parcels=self.f.count(found["parcels_moved"]))
        if found.get("fair_run") is None:
            return moved if found["parcels_moved"] else None
        more = {name: found[f"{name}_with"] - found[f"{name}_without"] for name in ("cost", "late", "short")}
        plus, nothing = Markup("+"), Markup("")
        sign = {name: plus if amount >= 0 else nothing for name, amount in more.items()}
        beside = self.t(
            "weather.cost",
            run=found["fair_run"],
            cost=sign["cost"] + self.f.money(more["cost"]),
            late=sign["late"] + self.f.count(more["late"]),
            short=sign["short"] + self.f.count(more["short"]),
        )
        return moved + Markup(" ") + beside

    def _weather_map(self) -> dict[str, object]:
        """Draw the lanes that the weather touches, each by its worst day, over the areas under warnings."""
        seen = self.inputs
        worst = find_worst(seen.lane_weather, seen.lanes, seen.days)
        none = pl.DataFrame(schema={"hub_id": pl.String, "severity": pl.String, "outlets": pl.UInt32})
        return WeatherMap(worst, seen.warnings, seen.hubs, seen.outlines, none).draw(self.t, self.f)

    def _prices(self) -> dict[str, object]:
        prices = self.inputs.hub_prices
        if prices is None or prices.filter(pl.col("price") > 0).is_empty():
            return {"prices_shown": False}
        return {"prices_shown": True, "price_table": self.writer.prices(prices)}

    def _capacity(self) -> dict[str, object]:
        needs = self.inputs.capacity_needs
        if needs.is_empty():
            return {"capacity_shown": False}
        contracts = needs.filter(pl.col("ownership") == "contract")
        lead = self.t(
            "capacity.lead",
            recommended=self.f.count(_most_of_a_week(contracts, "recommended")),
            needed=self.f.count(_most_of_a_week(contracts, "needed")),
        )
        return {"capacity_shown": True, "capacity_lead": lead, "capacity_table": self.writer.capacity(needs)}


def _most_of_a_week(needs: pl.DataFrame, column: str) -> int:
    """Vehicles of the week that wants most."""
    return max(needs.group_by("week").agg(pl.col(column).sum())[column].to_list(), default=0)


def _tone(utilisation: float | None, overflows: int) -> str:
    if overflows:
        return "bad"
    if utilisation is None:
        return "plain"
    return "warn" if utilisation >= _TIGHT else "good"
