"""A closure leaves what is learnt, its parcels are spread while it lasts, and what nobody knows widens the band."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from data.closings import Closing
from forecasting.forecast import forecast
from forecasting.history.closure_outcomes import STAYING, chance_to_stay, spread_ahead
from forecasting.history.closures import lay_out, restore
from forecasting.history.known_network import KnownNetwork, know_network
from forecasting.inputs import ForecastInputs, ForecastSettings
from forecasting.results import Forecasts
from forecasting.series.panel import Panel
from tests.forecasting.small_networks import START, WEEK

QUICK = ForecastSettings(use_prophet=False, use_trees=False)
HUBS = ("A", "B", "C", "D")
DAYS = 120
Share = Mapping[str, float]


def day(at: int) -> dt.date:
    return START + dt.timedelta(days=at)


def network(
    closed: tuple[int, int] | None = None, hub: str = "D", to: Share | None = None, noise: bool = False
) -> ForecastInputs:
    """All routes among four hubs; while ``hub`` is closed its parcels go to the hubs of ``to``, or evenly to all others."""
    size = {"A": 400.0, "B": 300.0, "C": 200.0, "D": 100.0}
    takers = to or {name: size[name] for name in HUBS if name != hub}
    takers = {name: part / sum(takers.values()) for name, part in takers.items()}
    random = np.random.default_rng(3)
    rows = []
    for at in range(DAYS):
        mean = {(o, d): size[o] * size[d] / 900.0 * WEEK[at % 7] for o, d in product(HUBS, HUBS)}
        if closed is not None and closed[0] <= at <= closed[1]:
            for taker, part in takers.items():
                for other in HUBS:
                    if other != hub:
                        mean[other, taker] += part * mean[other, hub]
                        mean[taker, other] += part * mean[hub, other]
            mean = {ends: parcels for ends, parcels in mean.items() if hub not in ends}
        rows += [
            (day(at), "c", o, d, int(random.poisson(parcels) if noise else round(parcels)))
            for (o, d), parcels in mean.items()
        ]
    schema = {"date": pl.Date, "courier_id": pl.String, "origin_hub_id": pl.String, "destination_hub_id": pl.String}
    volumes = pl.DataFrame(rows, schema={**schema, "parcels": pl.Int64}, orient="row")
    return ForecastInputs(route_volumes=volumes)


def changes(*rows: tuple[str, int, int | None, str | None]) -> pl.DataFrame:
    """Write closings: hub, first and last day, direction."""
    told = [
        {
            "change_id": f"c{at}",
            "date": day(first),
            "until": None if last is None else day(last),
            "scope": "hub",
            "hub_id": hub,
            "direction": direction,
            "change": "closes",
            "successor_hub_id": None,
            "share": None,
        }
        for at, (hub, first, last, direction) in enumerate(rows)
    ]
    kinds = {"until": pl.Date, "direction": pl.String, "successor_hub_id": pl.String, "share": pl.Float64}
    return pl.DataFrame(told, schema_overrides=kinds)


def routes(found: Forecasts) -> dict[tuple[str, str], float]:
    sums = found.route.group_by("origin_hub_id", "destination_hub_id").agg(pl.col("mean").sum())
    return {(o, d): float(parcels) for o, d, parcels in sums.iter_rows()}


def distance(first: Forecasts, second: Forecasts) -> float:
    one, other = routes(first), routes(second)
    return sum(abs(one.get(ends, 0.0) - other.get(ends, 0.0)) for ends in one | other) / sum(other.values())


def made(inputs: ForecastInputs, as_of: int = DAYS - 1) -> Forecasts:
    return forecast(inputs, day(as_of), 7, settings=QUICK)


@pytest.mark.parametrize("to", [None, {"C": 1.0}], ids=["spread", "one taker"])
@pytest.mark.parametrize("closed", [(100, 109), (106, DAYS - 1)], ids=["past", "until the as-of date"])
def test_after_a_told_closure_the_shares_of_before_return(closed: tuple[int, int], to: Share | None) -> None:
    inputs = network(closed, to=to)
    told = made(replace(inputs, network_changes=changes(("D", *closed, None))))
    assert distance(told, made(network())) < 0.03


@pytest.mark.parametrize("noise", [False, True])
def test_a_past_closure_is_found_by_itself(noise: bool) -> None:
    found = made(network((100, 109), to={"C": 1.0}, noise=noise))
    assert distance(found, made(network(noise=noise))) < (0.06 if noise else 0.04)
    assert any("Hub D sent and received next to nothing" in note for note in found.notes)


def test_a_closure_ahead_is_spread_over_what_stays_open_and_ends_on_its_day() -> None:
    inputs = network()
    open_ = made(inputs)
    shut = made(replace(inputs, network_changes=changes(("D", DAYS + 1, DAYS + 3, None))))
    for found, there in ((open_, [True] * 7), (shut, [True, False, False, False, True, True, True])):
        of_hub = found.hub.filter(pl.col("hub_id") == "D").group_by("date").agg(pl.col("mean").sum()).sort("date")
        assert (of_hub["mean"] > 0).to_list() == there
    np.testing.assert_allclose(shut.network["mean"], open_.network["mean"], atol=1)
    assert any("spread over the other routes" in note for note in shut.notes)


def test_a_hub_that_closed_for_good_without_successor_leaves_the_total_as_it_is() -> None:
    for first in (90, DAYS + 2):
        closed = made(
            replace(
                network((90, DAYS - 1)) if first == 90 else network(), network_changes=changes(("D", first, None, None))
            )
        )
        np.testing.assert_allclose(closed.network["mean"], made(network()).network["mean"], rtol=0.02)
        last = closed.hub.filter(pl.col("hub_id") == "D", pl.col("date") == day(DAYS + 6))
        assert last["mean"].sum() == 0


def test_only_one_direction_is_closed_where_one_is_told() -> None:
    shut = made(replace(network(), network_changes=changes(("D", DAYS, None, "in"))))
    parcels = routes(shut)
    assert sum(n for (_, to), n in parcels.items() if to == "D") == 0
    open_ = routes(made(network()))
    for origin in HUBS:
        sent, usual = (sum(n for (o, _), n in each.items() if o == origin) for each in (parcels, open_))
        assert sent == pytest.approx(usual, rel=0.02)


def test_what_is_found_closed_and_lasts_lies_between_both_outcomes_and_is_unsure() -> None:
    found, open_ = made(network((110, DAYS - 1))), made(network())
    assert any("closed until …?" in note for note in found.notes)

    def of_hub(table: Forecasts) -> pl.DataFrame:
        return table.hub.filter(pl.col("hub_id") == "D", pl.col("direction") == "in").sort("date")

    mean, usual = of_hub(found)["mean"].to_numpy(), of_hub(open_)["mean"].to_numpy()
    # Ten days shut: one day ahead it is open with a chance of 1 in 11, after seven days with 7 in 17.
    np.testing.assert_allclose(mean / usual, np.arange(1, 8) / (10 + np.arange(1, 8)), atol=0.03)
    assert (of_hub(found)["q95"].to_numpy()[3:] > 0.8 * usual[3:]).all()
    np.testing.assert_allclose(found.network["mean"], open_.network["mean"], rtol=0.02)
    width, known = ((each.network["q90"] - each.network["q10"]).to_numpy().sum() for each in (found, open_))
    assert width < 1.5 * known


def test_each_closing_opens_again_by_its_own_days_and_nothing_is_lost() -> None:
    long = replace(closing("D", DAYS - 20, None), days=20)
    short = replace(closing("C", DAYS - 4, None), direction="in", days=4, days_before=6)
    panel = panel_of(network())
    closures = [side for one in (long, short) for side in lay_out(panel, one)]
    mean = panel.parcels[:, -7:].astype(np.float64)
    outcomes = spread_ahead(panel, mean, closures, [{}] * len(closures), DAYS)
    lead = np.arange(1, 8)
    origins, destinations = (panel.routes[f"{end}_hub_id"].to_numpy() for end in ("origin", "destination"))
    only_long, only_short = (origins == "A") & (destinations == "D"), (origins == "A") & (destinations == "C")
    # Twenty days shut; four days, and six of the weeks before.
    np.testing.assert_allclose(outcomes.mean[only_long], mean[only_long] * (lead / (20 + lead)), rtol=0.03)
    np.testing.assert_allclose(outcomes.mean[only_short], mean[only_short] * (lead / (10 + lead)), rtol=0.03)
    np.testing.assert_allclose(outcomes.mean.sum(axis=0), mean.sum(axis=0), rtol=1e-6)
    assert outcomes.doubt is not None
    summed = outcomes.doubt.summed(panel.membership("hub_in"))
    assert summed.chance.shape == (len(HUBS), 7)
    assert ((summed.chance >= 0) & (summed.chance <= 1)).all()


def test_what_faded_before_it_closed_opens_less_likely_than_what_fell_silent_at_once() -> None:
    sudden, faded = (replace(closing("D", DAYS - 6, None), days=6, kept=kept) for kept in (1.0, 0.5))
    lead = np.array([1.0, 6.0, 12.0])
    np.testing.assert_allclose(chance_to_stay(sudden, lead), [6 / 7, 1 / 2, 1 / 3])
    # 85 % never open again: S(12) / S(6) = (.85 + .15 * 3 / 12) / (.85 + .15 * 3 / 6).
    np.testing.assert_allclose(chance_to_stay(faded, lead)[1], 0.8875 / 0.925)
    grades = [float(chance_to_stay(replace(faded, kept=kept), lead)[1]) for kept in np.linspace(1.0, 0.0, 11)]
    assert grades == sorted(grades)
    assert grades[-1] < 1.0
    assert STAYING.whole_fade < STAYING.least_fade


def test_earlier_closings_of_what_is_closed_again_stand_as_seen_while_it_stays_so() -> None:
    once, again = network((95, 102)), network((110, DAYS - 1))
    both = replace(
        once,
        route_volumes=pl.concat(
            [
                once.route_volumes.filter(pl.col("date") < day(105)),
                again.route_volumes.filter(pl.col("date") >= day(105)),
            ]
        ),
    )
    quiet = np.zeros(DAYS, dtype=bool)
    panel = panel_of(both)
    known = know_network(panel, both, day(DAYS + 6), quiet, ForecastSettings())
    assert len({closure.closing.date for closure in known.closures}) == 2
    np.testing.assert_array_equal(known.panel.parcels, panel.parcels)
    assert known.reopened is not None
    into = panel.routes["destination_hub_id"].to_numpy() == "D"
    assert (known.reopened.parcels[into][:, [97, 115]].sum(axis=0) > 20).all()
    # A closing of another hub that is over does not go by it.
    open_again = know_network(panel_of(once), once, day(DAYS + 6), quiet, ForecastSettings())
    assert (open_again.panel.parcels[into][:, 97].sum()) > 20


@pytest.mark.parametrize(("kind", "found"), [("shopping", True), ("holiday", False)])
def test_a_sale_explains_no_closing_and_a_holiday_does(kind: str, found: bool) -> None:
    rows = {"event_id": ["e"], "name": ["Feast"], "name_zh": [None], "kind": [kind], "edition": [None]}
    dates = {"date_from": [day(110)], "date_to": [day(DAYS)], "peak_date": [day(110)]}
    kinds = {"name_zh": pl.String, "edition": pl.String}
    inputs = replace(network((111, DAYS - 1)), events=pl.DataFrame({**rows, **dates}, schema_overrides=kinds))
    assert any("closed until …?" in note for note in made(inputs).notes) == found


def test_a_new_hub_of_ten_days_is_met_and_takes_nothing_from_the_others() -> None:
    whole = network().route_volumes
    young = ForecastInputs(
        route_volumes=whole.filter(
            (pl.col("date") >= day(DAYS - 10))
            | ((pl.col("origin_hub_id") != "D") & (pl.col("destination_hub_id") != "D"))
        )
    )
    found, known = routes(made(young)), routes(made(network()))
    new, usual = (sum(n for ends, n in each.items() if "D" in ends) for each in (found, known))
    assert new == pytest.approx(usual, rel=0.1)
    for ends, parcels in known.items():
        if "D" not in ends:
            assert found[ends] == pytest.approx(parcels, rel=0.04, abs=8)


def panel_of(inputs: ForecastInputs) -> Panel:
    return Panel.from_route_volumes(inputs.route_volumes)


def closing(hub: str, first: int, last: int | None) -> Closing:
    until = None if last is None else day(last)
    return Closing("closes", hub, "", "", None, day(first), until, 0.1, 0 if last is None else last - first + 1)


def test_restored_days_keep_what_every_origin_sends() -> None:
    panel = panel_of(network((100, 109), to={"C": 1.0}))
    told, hidden, taken = restore(panel, lay_out(panel, closing("D", 100, 109)), np.zeros(DAYS, dtype=bool))
    truth = panel_of(network())
    np.testing.assert_allclose(told.parcels, truth.parcels, rtol=0.05, atol=2.5)
    assert not hidden[:, :100].any()
    assert not hidden[:, 110:].any()
    assert [max(part, key=part.__getitem__) for part in taken] == ["C", "C"]
    np.testing.assert_array_equal(told.parcels[:, :100], panel.parcels[:, :100])


def drifting(silent: tuple[str, str], sizes: Mapping[str, float]) -> ForecastInputs:
    """Hubs whose levels wander by a tenth from week to week, and two of them that send nothing for the last six days.

    What the two would send goes to hub A, as a far larger hub's parcels would have to.
    """
    random = np.random.default_rng(5)
    weeks = DAYS // 7 + 1
    levels = {hub: np.repeat(np.exp(random.normal(0.0, 0.1, weeks)), 7) for hub in sizes}
    total = sum(sizes.values())
    rows = []
    for at, origin, destination in product(range(DAYS), sizes, sizes):
        usual = {hub: sizes[hub] * sizes[destination] / total for hub in sizes}
        if at < DAYS - 6 or origin not in silent:
            taken = sum(usual[hub] for hub in silent) if origin == "A" and at >= DAYS - 6 else 0.0
            parcels = int(random.poisson(usual[origin] * levels[origin][at] + taken))
            rows.append((day(at), "c", origin, destination, parcels))
    names = ["date", "courier_id", "origin_hub_id", "destination_hub_id", "parcels"]
    return ForecastInputs(route_volumes=pl.DataFrame(rows, schema=names, orient="row"))


@pytest.mark.parametrize(
    ("silent", "act"), [(("T", "U"), False), (("C", "D"), True)], ids=["two tiny hubs", "two large hubs"]
)
def test_only_what_is_large_enough_to_be_told_from_chance_moves_other_hubs(silent: tuple[str, str], act: bool) -> None:
    sizes = {"A": 8000.0, "B": 8000.0, "C": 3000.0, "D": 3000.0, "E": 8000.0, "F": 8000.0, "T": 40.0, "U": 60.0}
    inputs = drifting(silent, sizes)
    panel = panel_of(inputs)
    quiet = np.zeros(DAYS, dtype=bool)
    known = know_network(panel, inputs, day(DAYS + 6), quiet, ForecastSettings())
    assert {closure.closing.hub_id for closure in known.closures} == set(silent)
    # The second is seen in a history from which the first is taken out, with all that went to hub A.
    assert "A" in known.taken[0] if act else not any(known.taken)
    assert known.reopened is not None
    others = ~np.isin(panel.routes["origin_hub_id"].to_numpy(), silent)
    moved = np.abs(known.reopened.parcels - panel.parcels)[others, -6:].sum() / panel.parcels[others, -6:].sum()
    assert moved > 0.1 if act else moved < 0.01
    assert known.reopened.parcels[~others, -6:].sum(axis=0).min() > 0


def spread(*closings: Closing) -> tuple[NDArray[np.float64], float, Panel]:
    panel = panel_of(network())
    closures = [one for each in closings for one in lay_out(panel, each, announced=True)]
    mean = panel.parcels[:, -7:].astype(np.float64)
    outcomes = spread_ahead(panel, mean, closures, [{}] * len(closures), DAYS)
    return outcomes.mean, outcomes.lost, panel


def test_overlapping_closures_lose_nothing_and_every_hub_closed_loses_all() -> None:
    two, lost, panel = spread(
        closing("D", 100, DAYS + 4), closing("D", 118, DAYS + 6), closing("C", DAYS + 2, DAYS + 3)
    )
    assert lost == 0
    np.testing.assert_allclose(two.sum(axis=0), panel.parcels[:, -7:].sum(axis=0), rtol=1e-6)
    assert (two >= 0).all()
    touches = panel.routes.select(pl.any_horizontal(pl.col("origin_hub_id", "destination_hub_id") == "C")).to_series()
    assert two[touches.to_numpy()][:, 2:4].sum() == 0
    none, lost, panel = spread(*(closing(hub, DAYS - 5, None) for hub in HUBS))
    assert none.sum() == 0
    assert lost == pytest.approx(panel.parcels[:, -7:].sum(), rel=1e-6)


def test_every_hub_closed_is_told_and_forecasts_nothing() -> None:
    found = made(replace(network(), network_changes=changes(*((hub, DAYS, None, None) for hub in HUBS))))
    assert found.network["mean"].sum() == 0
    assert any("parcels are left out" in note for note in found.notes)


def test_changes_that_make_no_sense_are_told_and_left_out() -> None:
    plain = made(network())
    wrong = changes(("X", 100, 109, None), ("D", 109, 100, None))
    found = made(replace(network(), network_changes=wrong))
    assert found.route.equals(plain.route)
    assert any("hub X" in note and "left out" in note for note in found.notes)
    assert any("which is before it" in note for note in found.notes)


def test_while_what_is_closed_stays_so_the_shares_seen_since_are_forecast_and_then_those_of_before() -> None:
    panel = panel_of(network())
    closures = lay_out(panel, closing("D", DAYS - 5, DAYS + 2), announced=True)
    mean = panel.parcels[:, -7:].astype(np.float64)
    as_seen = panel_of(network((DAYS - 7, DAYS - 1), to={"C": 1.0})).parcels[:, -7:].astype(np.float64)
    outcomes = spread_ahead(panel, mean, closures, [{}] * len(closures), DAYS, as_seen)
    np.testing.assert_allclose(outcomes.mean[:, :3], as_seen[:, :3])
    np.testing.assert_allclose(outcomes.mean[:, 3:], mean[:, 3:])
    assert outcomes.doubt is None


def test_a_closing_found_long_after_its_end_is_told_and_leaves_the_history_as_it_was() -> None:
    def known(closed: tuple[int, int]) -> tuple[KnownNetwork, Panel]:
        inputs = network(closed, to={"C": 1.0})
        panel = panel_of(inputs)
        quiet = np.zeros(DAYS, dtype=bool)
        return know_network(panel, inputs, day(DAYS + 6), quiet, ForecastSettings()), panel

    old, panel = known((60, 69))
    assert any("Hub D sent and received next to nothing" in note for note in old.notes)
    np.testing.assert_array_equal(old.panel.parcels, panel.parcels)
    assert old.silent.hidden is None
    recent, panel = known((90, 99))
    assert (recent.panel.parcels != panel.parcels).any()
    assert recent.reopened is None
    present, panel = known((110, DAYS - 1))
    np.testing.assert_array_equal(present.panel.parcels, panel.parcels)
    assert present.reopened is not None
    np.testing.assert_allclose(present.reopened.parcels, panel_of(network()).parcels, rtol=0.05, atol=3)
