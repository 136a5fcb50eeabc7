"""The numbers of the forecast report on cases solved by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from data.hub_load import list_end_visits, sum_visits
from reports import forecast_figures as figures
from reports.forecast_inputs import ForecastInputs, RouteHistory, summarise_history
from reports.forecast_report import write_forecast_report
from reports.score_figures import network_accuracy, published_scores, summary
from tests.reports import frames

FIRST = date(2025, 11, 10)


def _network(means: list[int], baseline: float = 100.0) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "date": [FIRST + timedelta(days=number) for number in range(len(means))],
            "mean": means,
            "q10": [value - 10 for value in means],
            "q90": [value + 20 for value in means],
            "baseline": [baseline] * len(means),
        }
    )


def test_headline_finds_the_peak_and_its_multiple_of_a_normal_day() -> None:
    top = figures.headline(_network([100, 250, 250, 120]))
    assert (top.peak_date, top.peak_mean, top.q10, top.q90) == (FIRST + timedelta(days=1), 250, 240, 270)
    assert (top.normal, top.multiple, top.total, top.days) == (100.0, 2.5, 720, 4)


def test_a_dead_network_has_no_multiple() -> None:
    assert figures.headline(_network([0, 0], baseline=0.0)).multiple is None


def test_waterfall_adds_up_to_the_mean() -> None:
    steps = figures.waterfall({"baseline": 100.0, "event": 2.5, "weather": 0.8, "override": 1.1})
    assert steps == [
        ("baseline", 0.0, 100.0),
        ("event", 100.0, 250.0),
        ("weather", 250.0, 200.0),
        ("override", 200.0, pytest.approx(220.0)),
    ]


def _hub_rows(loads: list[tuple[int, int]]) -> pl.DataFrame:
    rows = [
        {
            "date": FIRST + timedelta(days=number), "hub_id": "A", "direction": direction, "mean": load, "q50": load,
            "q90": load * 2, "baseline": 50.0,
        }
        for number, pair in enumerate(loads)
        for direction, load in zip(("out", "in"), pair, strict=True)
    ]  # fmt: skip
    return pl.DataFrame(rows)


def test_hub_ranking_counts_days_over_capacity() -> None:
    hubs = contract("hubs").conform(pl.DataFrame({"hub_id": ["A"], "name": ["Aba"], "sort_capacity": [120]}))
    row = figures.hub_ranking(
        _hub_rows([(20, 30), (60, 60), (100, 50)]), hubs, contract("route_forecasts").empty()
    ).row(0, named=True)
    assert (row["out"], row["in"], row["load"], row["load_q90"]) == (100, 50, 150, 300)
    assert row["peak_date"] == FIRST + timedelta(days=2)
    # 120 of 120 is full, not over; at q90 the second day is over too.
    assert (row["days_over"], row["days_over_q90"]) == (1, 2)
    assert (row["share"], row["share_q90"]) == (1.25, 2.5)
    assert row["multiple"] == 1.5
    assert row["path"] == [50, 120, 150]


def test_days_with_a_capacity_of_their_own_are_held_against_it() -> None:
    hubs = contract("hubs").conform(pl.DataFrame({"hub_id": ["A"], "name": ["Aba"], "sort_capacity": [1000]}))
    # the second day can sort 60, the third nothing, the first is in no table of its own
    days = [FIRST + timedelta(days=number) for number in (1, 2)]
    limits = pl.DataFrame({"date": days, "hub_id": ["A", "A"], "capacity": [60.0, 0.0]})
    loads, none = _hub_rows([(200, 200), (60, 60), (1, 0)]), contract("route_forecasts").empty()
    row = figures.hub_ranking(loads, hubs, none, limits).row(0, named=True)
    assert (row["capacity"], row["share"], row["days_over"]) == (60.0, 2.0, 2)
    unbounded = limits.with_columns(capacity=pl.lit(None, pl.Float64))
    row = figures.hub_ranking(loads, hubs, none, unbounded).row(0, named=True)
    assert (row["capacity"], row["share"], row["days_over"]) == (1000.0, 0.4, 0)


def test_parcels_that_start_and_end_at_one_hub_load_it_once() -> None:
    hubs = contract("hubs").conform(pl.DataFrame({"hub_id": ["A"], "name": ["Aba"], "sort_capacity": [125]}))
    # First day: 40 of what is sent stay at A (two couriers), second day: all of it does.
    pairs = [("A", "A", 30, 0), ("A", "A", 10, 0), ("A", "B", 20, 0), ("B", "A", 10, 0), ("A", "A", 100, 1)]
    routes = pl.DataFrame(
        [
            {"date": FIRST + timedelta(days=day), "origin_hub_id": a, "destination_hub_id": b, "mean": n}
            for a, b, n, day in pairs
        ]
    )
    row = figures.hub_ranking(_hub_rows([(60, 50), (100, 100)]), hubs, routes).row(0, named=True)
    assert row["path"] == [70, 100]
    assert (row["out"], row["in"], row["local"], row["load"]) == (100, 100, 100, 100)
    assert (row["load_q50"], row["load_q90"]) == (100, 200)
    assert (row["share"], row["days_over"], row["days_over_q90"]) == (0.8, 0, 2)


def test_the_loads_told_are_the_visits_of_the_routes_forecast() -> None:
    told = figures.hub_ranking(frames.hub_forecasts(), frames.hubs(), frames.route_forecasts())
    visits = sum_visits(list_end_visits(frames.route_forecasts(), "mean"))
    loads = {row["hub_id"]: row["load"] for row in told.iter_rows(named=True)}
    assert loads == dict(visits.group_by("hub_id").agg(pl.col("load").max()).iter_rows())
    local = frames.route_forecasts().filter(pl.col("origin_hub_id") == pl.col("destination_hub_id"))
    assert local.height > 0


def test_a_hub_without_capacity_has_no_share_and_one_without_a_name_keeps_its_id() -> None:
    row = figures.hub_ranking(_hub_rows([(5, 5)]), contract("hubs").empty(), contract("route_forecasts").empty()).row(
        0, named=True
    )
    assert (row["name"], row["share"], row["days_over"]) == ("A", None, None)


def _history(days: dict[date, int]) -> RouteHistory:
    return RouteHistory(pl.DataFrame({"date": list(days), "parcels": list(days.values())}), pl.DataFrame())


def test_last_year_lays_peak_over_peak() -> None:
    top = figures.headline(_network([100, 250, 120]))
    history = _history({date(2024, 11, 10): 70, date(2024, 11, 11): 180, date(2024, 11, 12): 90})
    then = figures.last_year(top, history, frames.events())
    assert then is not None
    assert (then.shift, then.event) == (365, "d11-2025")
    assert then.days["parcels"].to_list() == [70, 180, 90]


def test_a_holiday_that_moves_is_laid_over_itself() -> None:
    rows = [
        {
            "event_id": f"cny-{year}",
            "name": "Spring Festival",
            "kind": "holiday",
            "date_from": day,
            "date_to": day,
            "edition": year,
        }
        for year, day in ((2025, date(2025, 1, 29)), (2026, date(2026, 2, 17)))
    ]
    days = [date(2026, 2, 16), date(2026, 2, 17)]
    network = _network([100, 40]).with_columns(date=pl.Series(days))
    then = figures.last_year(
        figures.headline(network), _history({date(2025, 1, 29): 30}), contract("events").conform(pl.DataFrame(rows))
    )
    assert then is not None
    assert (then.shift, then.event) == (384, "cny-2026")
    assert then.days.select("date", "parcels").rows() == [(date(2026, 2, 17), 30)]


def test_without_an_event_last_year_is_the_same_weekday() -> None:
    top = figures.headline(_network([100, 250, 120]))
    then = figures.last_year(top, _history({date(2024, 11, 11): 7}), contract("events").empty())
    assert then is not None
    assert (then.shift, then.event) == (364, None)
    assert then.days["date"].to_list() == [date(2025, 11, 10)]


def test_a_short_history_has_nothing_to_compare_with() -> None:
    top = figures.headline(_network([100]))
    assert figures.last_year(top, _history({date(2025, 11, 9): 7}), frames.events()) is None
    assert figures.last_year(top, None, frames.events()) is None


def test_history_stops_at_the_as_of_date() -> None:
    history = summarise_history(frames.route_volumes(60), frames.AS_OF - timedelta(days=10))
    assert history is not None
    assert history.days["date"].max() == frames.AS_OF - timedelta(days=10)
    assert summarise_history(frames.route_volumes(5), date(2020, 1, 1)) is None


def _plain(inputs: ForecastInputs) -> str:
    return " ".join(re.sub("<[^>]+>", "", write_forecast_report(inputs, "en")).split())


def test_days_without_rows_are_told_with_their_span_unless_the_network_rested() -> None:
    volumes = frames.route_volumes(60)
    gap = [frames.AS_OF - timedelta(days=at) for at in (20, 19, 5)]
    some = volumes.filter(~pl.col("date").is_in(gap))
    history = summarise_history(some, frames.AS_OF)
    assert history is not None
    assert [(run.scope, run.date_from, run.days) for run in history.silences if run.scope == "network"] == [
        ("network", gap[0], 2),
        ("network", gap[2], 1),
    ]
    inputs = replace(frames.forecast_inputs(), history=history)
    told = _plain(inputs)
    assert "3 days without any row are taken as unknown, not as zero" in told
    rested = summarise_history(some, frames.AS_OF, [(gap[0], gap[2])])
    assert "taken as unknown" not in _plain(replace(inputs, history=rested))
    early = replace(inputs, history=summarise_history(volumes, gap[2]))
    assert "the 5 days after it are bridged" in _plain(early)


def test_routes_tell_new_from_old_and_growing_from_standing() -> None:
    without_changes = replace(frames.forecast_inputs(), network_changes=contract("network_changes").empty())
    routes = figures.route_ranking(without_changes)
    new = figures.newly_opened(routes)
    assert new.select(*figures.ROUTE_KEY, "opened").rows() == [("C2", "URC", "KMG", "new")]
    growing = figures.fastest_growing(routes)
    assert growing["growth"].is_sorted(descending=True)
    # The generator lets growth rise down the list of hubs; Urumqi, the last, is among the small ones.
    assert growing["destination_hub_id"][0] == "KMG"


def test_routes_of_a_hub_that_opens_in_the_horizon_are_opening() -> None:
    new = figures.newly_opened(figures.route_ranking(frames.forecast_inputs()))
    assert set(new["opened"]) == {"opening"}
    assert all("KMG" in pair for pair in new.select("origin_hub_id", "destination_hub_id").rows())


def test_a_share_is_over_one_exactly_where_a_day_is_over() -> None:
    hubs = frames.hubs()
    rows = figures.hub_ranking(frames.hub_forecasts(), hubs, frames.route_forecasts()).filter(
        pl.col("capacity").is_not_null()
    )
    assert ((rows["share"] > 1) == (rows["days_over"] > 0)).all()
    assert ((rows["share_q90"] > 1) == (rows["days_over_q90"] > 0)).all()


def test_outlets_under_the_greatest_pressure_come_first() -> None:
    rows = figures.outlet_ranking(frames.outlet_forecasts(), frames.outlets())
    shares = rows["share"].to_list()
    assert shares == sorted(shares, reverse=True)
    assert rows.height == 30


def test_scores_are_averaged_over_dates_and_stand_beside_the_naive() -> None:
    rows = published_scores(frames.backtest_scores())
    assert set(rows["model"]) == {"radar"}
    assert rows.filter(pl.col("window") == "all").select("kind", "bucket", "class").unique(
        maintain_order=True
    ).rows() == [
        ("network", "day", "all"),
        ("hub", "day", "out"),
        ("route", "day", "10-100"),
        ("route", "day", "1k-10k"),
        ("route", "day", "10k+"),
        ("route", "week", "all"),
    ]
    assert rows["window"].to_list() == sorted(rows["window"].to_list())
    assert (rows["accuracy"] - rows["naive"]).to_list() == pytest.approx([0.08] * rows.height)


def test_a_headline_quotes_the_published_forecast_only() -> None:
    scores = frames.backtest_scores()
    quoted = network_accuracy(scores)
    assert quoted is not None
    assert (quoted["model"], quoted["lead_days"], quoted["window"]) == ("radar", "1-7", "all")
    assert quoted["accuracy"] == pytest.approx(0.956)
    # A member that does better is not what was published.
    member = scores.filter(pl.col("model") == "radar").with_columns(model=pl.lit("member"), accuracy=pl.lit(0.99))
    assert network_accuracy(pl.concat([scores, member])) == quoted
    assert network_accuracy(member) is None
    assert set(published_scores(member)["model"]) == {"member"}
    assert network_accuracy(contract("backtest_scores").empty()) is None


def test_a_report_shows_the_scores_that_decide() -> None:
    base = {"run_id": "b", "model": "radar", "as_of": frames.AS_OF, "accuracy": 0.9}
    shown = [
        ("network", "1-7", "all"),
        ("network", "1-16", "all"),
        ("hub/in", "1-7", "all"),
        ("route/10-100", "1-7", "all"),
        ("network", "1-16", "Double 11"),
    ]
    hidden = [
        ("network", "1-1", "all"),
        ("hub/in/10k+", "1-7", "all"),
        ("route/10-100", "8-14", "all"),
        ("network", "1-7", "Double 11"),
        ("hub/in", "8-14", "all"),
        ("outlet/pickup", "1-16", "Double 11"),
        ("route/10-100", "1-16", "Double 11"),
    ]
    rows = [base | {"level": a, "lead_days": b, "window": c} for a, b, c in shown + hidden]
    rows.append(base | {"level": "region/out", "lead_days": "1-7", "window": "all", "accuracy": None})
    chosen = summary(published_scores(contract("backtest_scores").conform(pl.DataFrame(rows))))
    assert sorted(chosen.select("level", "lead_days", "window").rows()) == sorted(shown)
    one_day = contract("backtest_scores").conform(
        pl.DataFrame([base | {"level": "network", "lead_days": "1-1", "window": "all"}])
    )
    assert summary(published_scores(one_day)).height == 1


def test_a_report_about_nothing_is_refused() -> None:
    with pytest.raises(RadarError, match="no network forecast"):
        ForecastInputs(run=frames.RUN, network=contract("network_forecasts").empty())
