"""``radar weather``: feeds in; what they mean for lanes, outlets and forecasts is in ``weather_impact``."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import weather_impact
from cli.console import EXIT_INCOMPLETE, known_errors, progress, say, warn, workspace_of
from cli.load_options import AllowFuture
from cli.options import Json
from cli.weather_tables import (
    KEPT_ANSWERS,
    read_places,
    read_shapes,
    tell_loaded,
    write_weather,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    import polars as pl

    from weather.feeds.reading import Kind


class ProviderName(StrEnum):
    """Who wrote a weather file."""

    auto = "auto"
    open_meteo = "open-meteo"
    qweather = "qweather"
    openweather = "openweather"
    cap = "cap"
    inmet = "inmet"
    beijing = "beijing"
    csv = "csv"


class ServiceName(StrEnum):
    """A weather service to fetch from."""

    open_meteo = "open-meteo"
    qweather = "qweather"
    openweather = "openweather"
    cap = "cap"


class KindName(StrEnum):
    """What a weather file holds."""

    observations = "observations"
    forecasts = "forecasts"


def register(app: typer.Typer) -> None:
    """Add ``radar weather`` and its commands."""
    group = typer.Typer(
        name="weather", help="Weather in, lanes and outlets touched, forecasts adjusted.", no_args_is_help=True
    )
    group.command("load")(load)
    group.command("fetch")(fetch)
    weather_impact.register(group)
    app.add_typer(group)


@known_errors
def load(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Answers of weather services, station files or CSV.")
    ],
    provider: Annotated[
        ProviderName, typer.Option("--provider", help="Who wrote the files; auto looks at each.")
    ] = ProviderName.auto,
    kind: Annotated[
        KindName | None,
        typer.Option("--as", help="What the files hold, where they do not tell."),
    ] = None,
    issued_at: Annotated[
        str | None,
        typer.Option(
            "--issued-at",
            metavar="TIME",
            help="When the forecasts were issued, e.g. 2025-11-08T06:00+08:00, where the files do not tell.",
        ),
    ] = None,
    place: Annotated[
        str | None, typer.Option("--place", metavar="LAT,LON", help="Place of files that name none, e.g. 39.9,116.4.")
    ] = None,
    places: Annotated[
        Path | None,
        typer.Option(
            "--places",
            metavar="FILE",
            help="CSV of places (location_id, latitude, longitude) for answers that carry only the id of theirs.",
        ),
    ] = None,
    allow_future: AllowFuture = False,
    json: Json = False,
) -> None:
    """Load weather files into weather_observations, weather_forecasts and weather_warnings.

    Open-Meteo, QWeather, OpenWeather, CAP 1.2, INMET and plain CSV are told apart by what stands in them. Units are read from
    the files: a measure without a unit is refused. Rows that cannot be read, and observations later than tomorrow, are set apart in
    rejected_rows, and the exit code is 3.

    Example: `radar weather load forecast.json --issued-at 2025-11-08T06:00+08:00`
    """
    from data.ingest.files import begin_watch
    from data.ingest.future import tomorrow
    from data.sources.load_limits import limited
    from weather.feeds.loading import Sources, read_weather, require_good

    workspace = workspace_of(context)
    zone = workspace.settings.workspace.zone
    chosen: Kind | None = None if kind is None else kind.value
    issued = None if issued_at is None else _parse_moment(issued_at, zone)
    at = None if place is None else _parse_place(place)
    sources = Sources(
        zone=zone,
        provider=provider.value,
        kind=chosen,
        issued_at=issued,
        place=at,
        places={} if places is None else read_places(places),
        shapes=read_shapes(workspace),
        latest=None if allow_future else tomorrow(zone),
    )
    # every file is read before anything is written: one broken file leaves the workspace as it was
    with progress("weather load") as bar, limited(begin_watch(workspace)):
        tables, loaded = read_weather(files, sources, bar)
    require_good(loaded, workspace.settings.load.max_rejected_share)
    options: dict[str, object] = {"files": [path.name for path in files], "provider": provider.value}
    options |= {"kind": chosen, "issued_at": issued, "place": at}
    with workspace.run("weather load", options=options) as run:
        write_weather(run, tables, loaded)
    tell_loaded(loaded, zone, json=json)
    if run.outcome == "rejected":
        raise typer.Exit(EXIT_INCOMPLETE)


@known_errors
def fetch(
    context: typer.Context,
    service: Annotated[ServiceName, typer.Argument(help="Whom to ask.")],
    places: Annotated[
        Path | None,
        typer.Option(
            "--places", metavar="FILE", help="CSV of places (location_id, latitude, longitude); by default the hubs."
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="Address of the service, or of an index of CAP alerts.")
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=16, help="Days ahead.")] = 7,
    json: Json = False,
) -> None:
    """Fetch forecasts and warnings over HTTP; the tables stay as they were when anything fails.

    Keys stand in environment variables named by key_env under [weather.services.NAME] in radar.toml, and are shown nowhere.

    Example: `radar weather fetch open-meteo --days 7`
    """
    import os

    from data.errors import RadarError
    from data.ingest.future import tomorrow
    from data.settings import WeatherService
    from weather.feeds.loading import Sources, gather, require_good
    from weather.fetch.fetching import Fetcher
    from weather.fetch.services import BASE_URLS, Account
    from weather.fetch.services import fetch as ask

    workspace = workspace_of(context)
    zone = workspace.settings.workspace.zone
    settings = workspace.settings.weather.services.get(service.value, WeatherService())
    key = os.environ.get(settings.key_env, "") if settings.key_env else ""
    if settings.key_env and not key:
        raise RadarError(
            f"the environment variable {settings.key_env} is empty", action=f"put the key of {service.value} into it"
        )
    at = list(read_places(places).values()) if places else _hub_places(workspace.read("hubs"))
    if not at and service is not ServiceName.cap:
        raise RadarError("no hub with coordinates", "places to ask for", "load hubs, or give --places FILE")
    account = Account(url or settings.base_url or BASE_URLS[service.value], key)
    fetcher = Fetcher(workspace.folder / KEPT_ANSWERS, private=settings.private)
    sources = Sources(zone=zone, shapes=read_shapes(workspace), latest=tomorrow(zone))
    with progress("weather fetch"):
        readings, apart = ask(service.value, account, at, days, fetcher, sources)
    tables, loaded = gather(readings, sources)
    require_good(loaded, workspace.settings.load.max_rejected_share)
    for address, reason in apart.items():
        warn(f"{address} is set apart: {reason.removeprefix(f'{address}: ')}")
    if not loaded and not apart:
        say("The index names no alert.")
    with workspace.run("weather fetch", options={"service": service.value, "places": len(at), "days": days}) as run:
        write_weather(run, tables, loaded)
        if apart:
            run.outcome = "rejected"
    tell_loaded(loaded, zone, json=json)
    if run.outcome == "rejected":
        raise typer.Exit(EXIT_INCOMPLETE)


def _hub_places(hubs: pl.DataFrame) -> list[tuple[float, float]]:
    placed = hubs.select("latitude", "longitude").drop_nulls().unique(maintain_order=True)
    return [(north, east) for north, east in placed.iter_rows()]


def _parse_moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time; write it as 2025-11-08T06:00+08:00") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _parse_place(text: str) -> tuple[float, float]:
    latitude, _, longitude = text.partition(",")
    try:
        return float(latitude), float(longitude)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no place; write it as 39.9,116.4") from error
