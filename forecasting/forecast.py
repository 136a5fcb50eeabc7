"""The whole forecast as one pure function: tables in, tables out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.closings import Closing
from data.errors import RadarError
from data.progress import SILENT, Progress
from data.silent_days import find_gap
from data.threads import one_thread
from forecasting.events.phases import place_phases, read_waves
from forecasting.events.uplift import plain_name
from forecasting.history.as_of_view import restrict
from forecasting.history.cleaning import CleanHistory, clean_history
from forecasting.history.hub_promotions import free_of_promotions
from forecasting.history.known_network import KnownNetwork, find_unannounced, know_network
from forecasting.history.network_changes import read_changes
from forecasting.history.silent_history import fill_silent_days
from forecasting.inputs import ForecastInputs, ForecastSettings
from forecasting.intervals.calibration import calibrate_intervals
from forecasting.intervals.interval_model import IntervalModel
from forecasting.intervals.spread import Doubt, EventDays, Parts, Spread
from forecasting.intervals.to_tables import publish_routes, publish_sums
from forecasting.merchants.cube import forecast_merchants, merchant_inputs
from forecasting.merchants.demand_profile import sum_hubs
from forecasting.merchants.route_moves import move_routes
from forecasting.outlets.beside_routes import OwnDays, choose_ages, forecast_own_days, pull_hubs
from forecasting.outlets.outlet_forecast import forecast_outlets
from forecasting.outlets.sums_of_outlets import forecast_from_outlets
from forecasting.results import Forecasts, RouteForecast
from forecasting.routes.inner_backtests import recent_volume, sample_errors
from forecasting.routes.network_errors import sample_network_errors
from forecasting.routes.route_forecaster import RouteModel, fit_routes
from forecasting.series.panel import Membership, Panel, days_from, to_date
from forecasting.series.rounding import round_coherently

LONGEST_HORIZON = 370
"""Days ahead beyond which daily routes are no forecast any more."""

MOST_BRIDGED = 7
"""Days without any row just before the as-of date that a forecast bridges unasked."""


def forecast(
    inputs: ForecastInputs,
    as_of: dt.date,
    horizon: int,
    seed: int = 0,
    settings: ForecastSettings | None = None,
    progress: Progress = SILENT,
) -> Forecasts:
    """Forecast every level for the days after ``as_of``.

    Parameters
    ----------
    inputs
        The tables; what lies after ``as_of`` is left out first (:func:`forecasting.history.as_of_view.restrict`).
    as_of
        Last day whose volumes count as known.
    horizon
        Days ahead; the first is the day after ``as_of``.
    seed
        Seed of the sampling inside the tree member.
    settings
        See :class:`ForecastSettings`.
    progress
        Told how far the work is.

    Returns
    -------
    Forecasts
        Sums agree on every level; nothing is negative; all counts are whole.

    Raises
    ------
    RadarError
        When nothing is known up to ``as_of``, or the horizon makes no sense.
    """
    chosen = settings or ForecastSettings()
    if not 1 <= horizon <= LONGEST_HORIZON:
        raise RadarError(f"a horizon of {horizon} days", f"1 to {LONGEST_HORIZON}", "choose another --horizon")
    # Many small systems and sums: more threads wait for each other, and take a fifth more CPU for the same numbers.
    with one_thread("blas"):
        return _forecast(inputs, as_of, horizon, seed, chosen, progress)


def _forecast(
    inputs: ForecastInputs, as_of: dt.date, horizon: int, seed: int, chosen: ForecastSettings, progress: Progress
) -> Forecasts:
    known = restrict(inputs, as_of)
    if inputs.route_volumes.is_empty() and not (inputs.outlet_volumes.is_empty() or inputs.outlets.is_empty()):
        _refuse_gap(known.outlet_volumes, as_of, chosen, outlets=True)
        return forecast_from_outlets(known, as_of, horizon, chosen.closed)
    notes: list[str] = []
    panel, lag = _read_panel(known, as_of, inputs.route_volumes, chosen)
    if lag:
        notes.append(f"Route volumes end on {panel.dates[-1]}, {lag} days before {as_of}; the forecast bridges them.")
    eventful = place_phases(read_waves(known.events), panel.dates).touched()
    ahead = horizon + lag
    last_date = as_of + dt.timedelta(days=horizon)
    network = know_network(panel, known, last_date, eventful, chosen)
    panel = network.panel
    notes += network.notes
    if not known.events.is_empty() and not _calendar_reaches(known.events, last_date):
        notes.append(f"The table events ends before {last_date}; days after it are forecast as days without event.")
    notes += [
        f"The expectation of {name} took no part: the table events has no event of that name."
        for name in sorted(chosen.event_priors)
        if plain_name(name) not in {plain_name(known_name) for known_name in known.events["name"]}
    ]
    hubs = (panel.membership("hub_out"), panel.membership("hub_in"))

    def clean_of(history: Panel) -> CleanHistory:
        return _clean(history, known, ahead, hubs, network, chosen)

    clean = clean_of(panel)
    progress.step(1, 10, "events")
    model = fit_routes(panel, clean, ahead, seed, chosen, progress)
    notes += model.notes
    intervals = _calibrate(panel, clean, ahead, model, any(_region_of_hub(known.hubs).values()))
    progress.step(8, 10, "intervals")
    reopened = None
    if network.reopened is not None:
        without_closures = clean_of(network.reopened)
        reopened = _with_events(without_closures, model.forecast_other(network.reopened, without_closures))
    ages = choose_ages([clean.known + lag - cutoff for cutoff in model.inner_forecasts])
    by_themselves = forecast_own_days(known, as_of, horizon, (panel.dates[0], clean.multiple), ages)
    own, pull = _pull_hubs(panel, clean, model, by_themselves, lag)
    matrices, lost = _assemble(panel, network, clean, model, (reopened, pull), known, lag, horizon)
    if not known.outlets.is_empty():
        earlier = _earlier_forecasts(clean, model, [clean.known + lag - age for age in ages])
        matrices = replace(matrices, earlier={clean.known + lag - at: made for at, made in earlier.items()})
    plain = sum_hubs(matrices)
    if not known.merchant_plans.is_empty():
        merchants = forecast_merchants(merchant_inputs(known, plain), as_of, horizon)
        notes += merchants.notes
        mean = move_routes(matrices.mean, panel, matrices.dates, merchants.moves, _region_of_hub(known.hubs))
        matrices = replace(matrices, mean=mean)
    if lost >= 1:
        notes.append(f"{lost:,.0f} parcels are left out: all routes that could take them are closed.")
    published = _publish(known, network, clean, matrices, intervals, own, lag, plain)
    return replace(published, notes=tuple(notes))


def _clean(
    history: Panel,
    known: ForecastInputs,
    ahead: int,
    hubs: tuple[Membership, Membership],
    network: KnownNetwork,
    chosen: ForecastSettings,
) -> CleanHistory:
    """Free a history of its events and promotions."""
    without_events = clean_history(
        history.parcels,
        history.dates,
        ahead,
        known.events,
        chosen.event_priors,
        hubs,
        chosen.pooling,
        network.silent,
    )
    regions = _region_of_hub(known.hubs)
    return free_of_promotions(without_events, hubs[0], regions, known.promotions, known.events, history.dates)


def find_closings_taken(
    inputs: ForecastInputs, as_of: dt.date, last_date: dt.date, settings: ForecastSettings | None = None
) -> tuple[Closing, ...]:
    """Find the closings and openings nobody announced that a forecast from this day takes as such, as a page tells them.

    Parameters
    ----------
    inputs, as_of, settings
        See :func:`forecast`.
    last_date
        Last day of the forecast: a change told for a day up to it is none that was found.

    Returns
    -------
    tuple of Closing
        By date; none where only outlets have volumes, or nothing is known up to the day.
    """
    chosen = settings or ForecastSettings()
    known = restrict(inputs, as_of)
    if known.route_volumes.is_empty():
        return ()
    panel = Panel.from_route_volumes(known.route_volumes)
    eventful = place_phases(read_waves(known.events), panel.dates).touched()
    panel, silent = fill_silent_days(panel, known.route_volumes, eventful, chosen.closed)
    changes = read_changes(known.network_changes, last_date, set(panel.hub_ids))
    announced = [closing for closing, _, _ in changes.closings]
    return tuple(find_unannounced(known, silent, announced, panel))


def _read_panel(
    known: ForecastInputs, as_of: dt.date, everything: pl.DataFrame, chosen: ForecastSettings
) -> tuple[Panel, int]:
    """Spread the volumes out, and say how many days lie between their last day and the as-of date."""
    if known.route_volumes.is_empty():
        if everything.is_empty():
            raise RadarError(
                "no route volumes to forecast from", action="load route_volumes or waybills first (`radar load`)"
            )
        raise RadarError(
            f"an as-of date of {as_of}, before the first route volumes",
            f"a day from {everything['date'].min()!s} on",
            "choose a later --as-of",
        )
    _refuse_gap(known.route_volumes, as_of, chosen)
    panel = Panel.from_route_volumes(known.route_volumes)
    return panel, (as_of - to_date(panel.dates[-1])).days


def _refuse_gap(volumes: pl.DataFrame, as_of: dt.date, chosen: ForecastSettings, outlets: bool = False) -> None:
    """Refuse to go on where more than a week before the as-of date, or before a few days in front of it, holds no rows."""
    gap = None if chosen.bridge else find_gap(volumes, as_of, MOST_BRIDGED, chosen.closed)
    if gap is not None:
        what = "outlet volumes" if outlets else "route volumes"
        gap_text = f"no {what} on the {gap.days} days before the as-of date {as_of}: the last day known before it is {gap.last}"
        if gap.alone > 1:
            gap_text = f"{what} of {gap.alone} days up to the as-of date {as_of} that stand alone: the {gap.days} days before them hold none, the last day known before is {gap.last}"
        raise RadarError(
            gap_text,
            f"at most {MOST_BRIDGED} days without any row",
            "load those days, correct --as-of, or take out rows of a wrong date (`radar remove`); --bridge goes on all the same",
        )


def _calendar_reaches(events: pl.DataFrame, last_date: dt.date) -> bool:
    latest = events["date_to"].max()
    return isinstance(latest, dt.date) and latest + dt.timedelta(days=120) >= last_date


def _region_of_hub(hubs: pl.DataFrame) -> dict[str, str | None]:
    if "region_id" not in hubs.columns:
        return {}
    return dict(zip(hubs["hub_id"].to_list(), hubs["region_id"].to_list(), strict=True))


def _with_events(clean: CleanHistory, baseline: NDArray[np.float32]) -> NDArray[np.float64]:
    """Put the events on a [routes x horizon] baseline."""
    days = np.arange(clean.known, clean.known + baseline.shape[1])
    return np.asarray(baseline.astype(np.float64) * clean.route_multiples(days, baseline))


def _earlier_forecasts(
    clean: CleanHistory, model: RouteModel, cutoffs: Iterable[int]
) -> dict[int, NDArray[np.float64]]:
    """Return for each cut-off, in known days, the [routes x days] forecast it would have made, with events, as far as days are known."""
    earlier = {}
    for cutoff in cutoffs:
        days = np.arange(cutoff, min(cutoff + model.inner_forecasts[cutoff].shape[1], clean.known))
        known = model.inner_forecasts[cutoff][:, : days.size]
        earlier[cutoff] = known.astype(np.float64) * clean.route_multiples(days, known)
    return earlier


def _pull_hubs(
    panel: Panel, clean: CleanHistory, model: RouteModel, own: Mapping[str, OwnDays], lag: int
) -> tuple[Mapping[str, OwnDays], NDArray[np.float64]]:
    """Return the [routes x days ahead] factor by which outlets' pick-ups pull what their hubs send, and outlets that know how far.

    Days that bridge to the as-of date have no factor.
    """
    factor = np.ones(model.baseline.shape)
    if "pickup" not in own:
        return own, factor
    earlier = _earlier_forecasts(clean, model, model.inner_forecasts)
    out = panel.membership("hub_out")
    mean = _with_events(clean, model.baseline)[:, lag:]
    pull = pull_hubs(own["pickup"], panel, lag, mean, earlier, out)
    factor[:, lag:] = pull.factor[out.index]
    return {**own, "pickup": replace(own["pickup"], pull=pull.share)}, factor


def _calibrate(panel: Panel, clean: CleanHistory, horizon: int, model: RouteModel, with_regions: bool) -> IntervalModel:
    levels: dict[str, list[Membership]] = {side: [panel.membership(side)] for side in ("hub_out", "hub_in")}
    if with_regions:
        # Regions are few: their errors are taken for those of their hubs.
        levels |= {side.replace("hub", "region"): memberships for side, memberships in levels.items()}
    samples = sample_errors(clean, panel.parcels, model.inner_forecasts, horizon, levels)
    samples += sample_network_errors(clean, panel.parcels, panel.dates, horizon)
    return calibrate_intervals(samples)


def _assemble(
    panel: Panel,
    network: KnownNetwork,
    clean: CleanHistory,
    model: RouteModel,
    beside: tuple[NDArray[np.float64] | None, NDArray[np.float64]],
    known: ForecastInputs,
    lag: int,
    horizon: int,
) -> tuple[RouteForecast, float]:
    """Put events, outlets, changes, closures and overrides on the routes' baseline; gives the parcels nothing can carry beside.

    ``beside`` is the forecast without closures, where something is closed, and the factor of the outlets.
    """
    reopened, pull = beside
    multiple = clean.route_multiples(np.arange(clean.known, clean.known + model.baseline.shape[1]), model.baseline)
    mean = model.baseline.astype(np.float64) * multiple * pull
    outcomes = network.apply_ahead(mean, None if reopened is None else reopened * pull)
    mean, doubt = outcomes.mean, outcomes.doubt
    mean, event = np.maximum(mean[:, lag:], 0.0), multiple[:, lag:].astype(np.float64)
    dates = days_from(panel.dates[-1], 1 + lag + horizon)[1 + lag :]
    override = np.ones_like(mean)
    if known.overrides is not None and not known.overrides.is_empty():
        from forecasting.history.overrides import override_factors

        override = override_factors(known.overrides, panel.routes, dates, _region_of_hub(known.hubs))
        mean = mean * override
    if doubt is not None:
        doubt = Doubt(doubt.swing[:, lag:] * override, doubt.chance[:, lag:])
    members = {name: member[:, lag:] for name, member in model.members.items()}
    return RouteForecast(panel, dates, mean, event, override, members, doubt), outcomes.lost


def _publish(
    known: ForecastInputs,
    network: KnownNetwork,
    clean: CleanHistory,
    matrices: RouteForecast,
    intervals: IntervalModel,
    own: Mapping[str, OwnDays],
    lag: int,
    plain: pl.DataFrame,
) -> Forecasts:
    panel = network.panel
    as_of = to_date(matrices.dates[0]) - dt.timedelta(days=1)
    out, into = panel.membership("hub_out"), panel.membership("hub_in")
    whole = round_coherently(matrices.mean, out.index, into.index)
    carried = panel.parcels > 0
    first = np.where(carried.any(axis=1), carried.argmax(axis=1), panel.dates.size)
    parts = Parts(
        whole,
        matrices.mean,
        matrices.event,
        matrices.override,
        network.inherit(recent_volume(clean.parcels)),
        network.inherit_days((panel.dates.size - first).astype(float)),
        matrices.doubt,
    )
    ahead = clean.known + lag
    events = EventDays(clean.touched[ahead:], np.expm1(clean.uplift.log_sd[ahead:] ** 2))
    regions = _region_of_hub(known.hubs)
    region_sides = [
        ("out", panel.membership("region_out", regions)),
        ("in", panel.membership("region_in", regions)),
    ]
    shared = (parts, as_of, matrices.dates, intervals, events)
    matrices = replace(matrices, mean=np.asarray(matrices.mean))
    hub = publish_sums("hub", "hub_id", [("out", out), ("in", into)], *shared)
    # merchants follow what their hub sends without their plans, and are as unsure as it is
    profile = plain.drop("q10", "q90").join(
        hub.select("date", "hub_id", "direction", "q10", "q90"), on=("date", "hub_id", "direction")
    )
    return Forecasts(
        as_of=as_of,
        network=publish_sums("network", None, [("", panel.membership("network"))], *shared),
        region=publish_sums("region", "region_id", region_sides, *shared),
        hub=hub,
        route=publish_routes(panel, *shared),
        outlet=forecast_outlets(known, as_of, matrices, whole, events, own),
        merchant=forecast_merchants(merchant_inputs(known, profile), as_of, len(matrices.dates)).table,
        matrices=matrices,
        spread=Spread(parts, intervals, events),
    )
