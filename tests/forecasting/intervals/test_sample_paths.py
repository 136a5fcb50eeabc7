from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from data.errors import RadarError
from data.quantiles import QUANTILE_COLUMNS, QUANTILE_LEVELS
from forecasting.forecast import forecast
from forecasting.inputs import ForecastSettings
from forecasting.intervals.path_rules import PATHS
from forecasting.intervals.sample_paths import PathModel, draw_paths, fit_paths, tabulate_path
from tests.forecasting.small_networks import START
from tests.forecasting.small_networks import network as make_network

DAYS, ROUTES_OF_HUB = 8, 25
FIRST = dt.date(2025, 11, 5)


def table(keys: dict[str, list[str]], mean: float, relative: float, event: NDArray[np.float64]) -> pl.DataFrame:
    """Forecasts with normal quantiles of a relative standard deviation beyond counting noise."""
    dates = pl.DataFrame({"date": [FIRST + dt.timedelta(days=at) for at in range(DAYS)], "event": event})
    frame = pl.DataFrame(keys).join(dates, how="cross")
    spread = np.sqrt(mean + (relative * mean) ** 2)
    quantiles = {
        name: pl.lit(round(max(mean + score * spread, 0.0)))
        for name, score in zip(QUANTILE_COLUMNS, norm.ppf(QUANTILE_LEVELS), strict=True)
    }
    return frame.with_columns(mean=pl.lit(round(mean)), **quantiles)


def tables(
    network: float = 0.05,
    hub: float = 0.1,
    route: float = 0.3,
    inflow: float = 0.21,
    event: NDArray[np.float64] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    factor = np.ones(DAYS) if event is None else event
    ends_in = [f"d{at:02}" for at in range(ROUTES_OF_HUB)]
    ends = [(origin, f"d{at:02}") for origin in ("A", "B") for at in range(ROUTES_OF_HUB)]
    routes = {
        "courier_id": ["c"] * len(ends),
        "origin_hub_id": [origin for origin, _ in ends],
        "destination_hub_id": [destination for _, destination in ends],
    }
    return (
        table({"level": ["network"]}, 2000.0 * ROUTES_OF_HUB, network, factor),
        pl.concat(
            [
                table({"hub_id": ["A", "B"], "direction": ["out", "out"]}, 1000.0 * ROUTES_OF_HUB, hub, factor),
                table({"hub_id": ends_in, "direction": ["in"] * ROUTES_OF_HUB}, 2000.0, inflow, factor),
            ]
        ),
        table(routes, 1000.0, route, factor),
    )


def drawn(model: PathModel, draws: int = 600) -> NDArray[np.int64]:
    return np.stack(list(draw_paths(model, draws, 3)))


def relative(sample: NDArray[np.int64]) -> float:
    return float((sample.std(axis=0) / sample.mean(axis=0)).mean())


def test_sums_have_the_spread_of_their_own_interval() -> None:
    paths = drawn(fit_paths(*tables()))
    assert paths.mean() == pytest.approx(1000, rel=0.02)
    assert relative(paths) == pytest.approx(0.3, rel=0.15)
    # Two hubs of a tenth each would give the network 7 %; its own interval says 5 %, and then each hub has 9 %.
    assert relative(paths.sum(axis=1)) == pytest.approx(0.05, rel=0.1)
    assert relative(paths[:, :ROUTES_OF_HUB].sum(axis=1)) == pytest.approx(0.085, rel=0.15)


@pytest.mark.parametrize("network", [0.05, 0.2])
def test_the_networks_own_distribution_is_drawn(network: float) -> None:
    given = tables(network=network, hub=0.2, inflow=0.25)
    total = drawn(fit_paths(*given), 1500).sum(axis=1)
    for name, level in zip(QUANTILE_COLUMNS, QUANTILE_LEVELS, strict=True):
        below = (total <= given[0].sort("date")[name].to_numpy()).mean()
        assert below == pytest.approx(level, abs=0.03), name


def test_a_part_of_what_moves_a_hub_lasts() -> None:
    hub = drawn(fit_paths(*tables(hub=0.3)))[:, :ROUTES_OF_HUB].sum(axis=1)
    near, far = (float(np.corrcoef(hub[:, 0], hub[:, day])[0, 1]) for day in (1, DAYS - 1))
    assert near > far > 0.15


def test_a_hub_of_one_route_is_that_route_and_keeps_its_parcels() -> None:
    """A route that carries nothing on a fifth of its days is all its hub sends: what the hub draws goes on it."""
    network, hub, route = tables()
    alone = pl.col("origin_hub_id") == "B", pl.col("destination_hub_id") == "d00"
    seldom = {name: pl.lit(0) for name in ("q05", "q10")}
    route = pl.concat([route.filter(~alone[0]), route.filter(*alone).with_columns(**seldom)])
    paths = drawn(fit_paths(network, hub, route))
    assert paths[:, -1].mean() == pytest.approx(1000.0 * ROUTES_OF_HUB, rel=0.05)
    assert paths[:, -1].min() > 0


def test_hubs_have_the_spread_of_their_own_inflow() -> None:
    # Two routes of 30 % each that share nothing of a destination make 21 %; an interval of 28 % says they share most.
    def inflow(of_hub: float) -> float:
        paths = drawn(fit_paths(*tables(inflow=of_hub)))
        return relative(paths[:, :ROUTES_OF_HUB] + paths[:, ROUTES_OF_HUB:])

    assert inflow(0.21) == pytest.approx(0.21, rel=0.12)
    assert inflow(0.28) == pytest.approx(0.28, rel=0.12)


def test_draws_agree_with_the_published_quantiles_and_their_sums_with_the_published_sums() -> None:
    days = 300
    # Days on which the whole network carries a fifth more or less: what its sums must share.
    shocks = np.exp(np.random.default_rng(2).normal(0.0, 0.2, days))
    factor = {START + dt.timedelta(days=at): float(value) for at, value in enumerate(shocks)}
    inputs = make_network(days, routes=30, level=150.0, seed=4, factor=factor)
    settings = ForecastSettings(use_prophet=False, use_trees=False)
    found = forecast(inputs, START + dt.timedelta(days=days - 1), 14, settings=settings)
    model = fit_paths(found.network, found.hub, found.route)
    paths = np.stack(list(draw_paths(model, 500, 0)))
    table = found.route.sort("courier_id", "origin_hub_id", "destination_hub_id", "date")
    for name, level in zip(QUANTILE_COLUMNS, QUANTILE_LEVELS, strict=True):
        published = table[name].to_numpy().reshape(model.routes.height, 14)
        # Between the shares below and at or below: published quantiles are whole parcels.
        below, at = (paths < published).mean(), (paths <= published).mean()
        assert below - 0.04 < level < at + 0.04, name
    sums = [(found.network, np.ones((1, model.routes.height)))]
    for direction, end in (("out", "origin_hub_id"), ("in", "destination_hub_id")):
        hubs = sorted(set(model.routes[end]))
        side = found.hub.filter(pl.col("direction") == direction).sort("hub_id", "date")
        sums.append((side, np.array([(model.routes[end] == name).to_numpy() for name in hubs], dtype=float)))
    for side, summing in sums:
        totals = np.einsum("gr,drt->dgt", summing, paths)
        low, high, mean = (side[name].to_numpy().reshape(len(summing), 14) for name in ("q10", "q90", "mean"))
        inside = ((totals >= low) & (totals <= high)).mean()
        assert inside == pytest.approx(0.8, abs=0.08)
        assert totals.mean() == pytest.approx(mean.mean(), rel=0.02)


def test_routes_move_together_when_the_network_is_unsure() -> None:
    def together(network: float) -> float:
        paths = drawn(fit_paths(*tables(network=network, hub=max(network, 0.1), route=0.3)))
        return float(np.corrcoef(paths[:, 0, 3], paths[:, -1, 3])[0, 1])

    assert together(0.25) > 0.4
    assert abs(together(0.0)) < 0.15


def test_days_of_one_event_share_its_shock() -> None:
    event = np.array([1.0, 1.0, 2.0, 2.5, 2.0, 1.0, 1.0, 1.0])
    calm = tables(network=0.02, hub=0.02, route=0.05, inflow=0.03, event=event)
    unsure = tables(network=0.3, hub=0.3, route=0.31, inflow=0.3, event=event)
    on_event = pl.col("event") > 1.0
    network, hub, route = (
        pl.concat([usual.filter(~on_event), peak.filter(on_event)]) for usual, peak in zip(calm, unsure, strict=True)
    )
    model = fit_paths(network, hub, route)
    assert model.event_run.tolist() == [-1, -1, 0, 0, 0, -1, -1, -1]
    total = drawn(model).sum(axis=1)
    assert np.corrcoef(total[:, 2], total[:, 4])[0, 1] > 0.65
    assert np.corrcoef(total[:, 0], total[:, 4])[0, 1] < 0.45
    assert total[:, 3].std() / total[:, 3].mean() == pytest.approx(0.3, rel=0.15)
    assert total[:, 0].std() / total[:, 0].mean() < 0.06


def test_the_same_seed_gives_the_same_paths_and_more_draws_begin_alike() -> None:
    model = fit_paths(*tables())
    few, more = list(draw_paths(model, 2, 7)), list(draw_paths(model, 4, 7))
    assert all(np.array_equal(a, b) for a, b in zip(few, more, strict=False))
    assert not np.array_equal(more[0], more[1])
    assert not np.array_equal(few[0], next(draw_paths(model, 1, 8)))


def test_a_path_as_rows_holds_every_parcel() -> None:
    model = fit_paths(*tables())
    path = next(draw_paths(model, 1, 0))
    path[0, :] = 0
    rows = tabulate_path(model, path)
    assert rows["parcels"].sum() == path.sum()
    assert rows.height == path.size - DAYS
    assert rows.columns == ["date", "courier_id", "origin_hub_id", "destination_hub_id", "parcels"]


def test_what_cannot_be_drawn_is_said() -> None:
    network, hub, route = tables()
    with pytest.raises(RadarError, match="No forecast"):
        fit_paths(network.clear(), hub, route)
    with pytest.raises(RadarError, match="different days"):
        fit_paths(network.head(3), hub, route)
    with pytest.raises(RadarError, match="0 draws"):
        next(draw_paths(fit_paths(network, hub, route), 0, 0))


def test_what_lasts_and_what_is_shared_are_shares() -> None:
    shares = [value for name, value in vars(PATHS).items() if name.endswith(("_lasting", "_persistence", "_share"))]
    assert len(shares) >= 6
    assert all(0.0 <= share < 1.0 for share in shares)
