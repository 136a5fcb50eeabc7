"""What the forecasting commands read from the workspace, said once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from data.runs import Run
    from data.settings import Settings
    from forecasting.inputs import ForecastInputs, ForecastSettings


def read_inputs(run: Run, timezone: str = "UTC") -> ForecastInputs:
    """Read every table a forecast is made from, and keep their versions for the lineage.

    Raises
    ------
    RadarError
        When there are neither route volumes nor outlets with volumes.
    """
    from data.errors import RadarError
    from forecasting.inputs import ForecastInputs

    volumes = run.read("route_volumes")
    outlets, of_outlets = run.read("outlets"), run.read("outlet_volumes")
    if volumes.is_empty() and (outlets.is_empty() or of_outlets.is_empty()):
        raise RadarError("the workspace holds no route volumes", action="load route_volumes or waybills first")
    waybills = run.read("waybills")
    overrides = run.read("forecast_overrides")
    lanes = run.read("lanes")
    return ForecastInputs(
        route_volumes=volumes,
        hubs=run.read("hubs"),
        events=run.read("events"),
        network_changes=run.read("network_changes"),
        outlets=outlets,
        outlet_volumes=of_outlets,
        promotions=run.read("promotions"),
        sales=run.read("sales"),
        merchants=run.read("merchants"),
        merchant_plans=run.read("merchant_plans"),
        waybills=None if waybills.is_empty() else waybills,
        overrides=None if overrides.is_empty() else overrides,
        lanes=None if lanes.is_empty() else lanes,
        timezone=timezone,
    )


def settings_of(
    settings: Settings, closed: tuple[tuple[date, date], ...] = (), *, bridge: bool = False
) -> ForecastSettings:
    """Translate ``[forecast]`` and ``[events]`` of radar.toml, with what a command was told of days without rows."""
    from forecasting.inputs import EventPrior, ForecastSettings

    priors = {
        name: EventPrior(multiple=prior.multiple, spread=prior.spread, weight=prior.weight)
        for name, prior in sorted(settings.events.items())
    }
    return ForecastSettings(
        event_priors=priors,
        use_prophet=settings.forecast.prophet,
        closed=closed,
        bridge=bridge,
    )


def silence_options(closed: tuple[tuple[date, date], ...], *, bridge: bool) -> dict[str, object]:
    """Give what a command was told of days without rows as options of its run; nothing where nothing was told."""
    options: dict[str, object] = {}
    if closed:
        options["closed"] = [f"{first}..{last}" for first, last in closed]
    if bridge:
        options["bridge"] = True
    return options
