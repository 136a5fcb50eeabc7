"""One cut-off of a backtest: forecasts beside actuals, on the routes of both."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from forecasting.evaluation.backtest_case import NAIVE_MODELS, RADAR, Case
from forecasting.evaluation.scores import Scored
from forecasting.forecast import forecast
from forecasting.history.as_of_view import restrict
from forecasting.inputs import ForecastSettings
from tests.forecasting.small_networks import START, network, table

AS_OF = START + dt.timedelta(days=69)
HORIZON = 7


@pytest.fixture(scope="module")
def case() -> Case:
    """Twelve routes of ten weeks, and one that opens in the week ahead."""
    inputs = network(80)
    opens = table([(AS_OF + dt.timedelta(days=3), "c", "H0", "NEW", 90)])
    inputs = type(inputs)(route_volumes=inputs.route_volumes.vstack(opens), events=inputs.events)
    view = restrict(inputs, AS_OF)
    made = forecast(
        view, AS_OF, HORIZON, settings=ForecastSettings(use_prophet=False, use_trees=False, inner_cutoffs=2)
    )
    return Case(inputs, view, made, AS_OF, HORIZON)


def by_name(case: Case, level: str) -> dict[str, Scored]:
    return {one.model: one for one in case.scored((RADAR, "level-3")) if one.level == level}


def test_every_level_has_the_naive_models_the_member_and_the_published(case: Case) -> None:
    for level in ("network", "hub/out", "hub/in", "route"):
        assert set(by_name(case, level)) == {*NAIVE_MODELS, RADAR, "level-3"}
    # No hub has a region, and no outlet is known: nothing is scored there.
    assert {one.level for one in case.scored((RADAR,))} == {"network", "hub/out", "hub/in", "route"}


def test_a_route_that_opens_in_the_window_counts_as_forecast_nothing(case: Case) -> None:
    published = by_name(case, "route")[RADAR]
    new = np.flatnonzero(published.actual.sum(axis=1) == 90)
    assert published.actual[new].sum() == 90
    assert published.mean[new].sum() == 0


def test_sums_of_the_routes_are_the_levels_above(case: Case) -> None:
    routes, whole = by_name(case, "route")[RADAR], by_name(case, "network")[RADAR]
    np.testing.assert_allclose(routes.mean.sum(axis=0), whole.mean[0])
    np.testing.assert_allclose(routes.actual.sum(axis=0), whole.actual[0])


def test_causes_end_with_what_the_days_noise_leaves(case: Case) -> None:
    causes = case.causes()
    assert causes["as_of"].unique().to_list() == [AS_OF]
    assert causes["accuracy"][-1] >= causes["accuracy"][0]
