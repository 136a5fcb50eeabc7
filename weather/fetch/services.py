"""What to ask the weather services for: addresses of Open-Meteo, QWeather, OpenWeather, and an index of CAP alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import urlencode, urljoin

import polars as pl

from data.errors import RadarError
from weather.feeds import cap
from weather.feeds.loading import Provider, Sources, read_bytes
from weather.feeds.reading import Place, Reading
from weather.fetch.fetching import Fetcher

Service = Literal["open-meteo", "qweather", "openweather", "cap"]

BASE_URLS: Final[Mapping[Service, str]] = {
    "open-meteo": "https://api.open-meteo.com",
    "qweather": "https://devapi.qweather.com",
    "openweather": "https://api.openweathermap.org",
    "cap": "",
}
"""Addresses the services publish; ``base_url`` under [weather.services.NAME] replaces them."""

PLACES_A_REQUEST = 50
"""Open-Meteo answers several places at once."""
MOST_ALERTS = 500
"""Alerts of one index that are followed."""

_CAP_TYPE, _PAGE_TYPE = "application/cap+xml", "text/html"
_ATOM = "{http://www.w3.org/2005/Atom}"


@dataclass(frozen=True)
class Account:
    """How a service is reached.

    Parameters
    ----------
    base_url
        Its address.
    key
        Its key, "" where it needs none.
    """

    base_url: str
    key: str = ""


def fetch(
    service: Service, account: Account, places: Sequence[Place], days: int, fetcher: Fetcher, sources: Sources
) -> tuple[list[tuple[str, Reading]], dict[str, str]]:
    """Fetch the weather of places, or the alerts of an index.

    Parameters
    ----------
    service, account
        Whom to ask, and how.
    places
        Latitude and longitude of each place.
    days
        Days ahead.
    fetcher
        Asks.
    sources
        Zone, and shapes of regions for alerts.

    Returns
    -------
    readings
        Name and content of each answer; what does not tell its time of issue is issued when it was fetched.
    set_apart
        Alerts of an index that cannot be fetched or read, and why.

    Raises
    ------
    RadarError
        When the service or an answer fails; nothing is read then.
    """
    if service == "cap":
        return _alerts(account, fetcher, sources)
    readings = []
    for url, at, headers in _requests(service, account, places, days):
        content, fetched = fetcher.get(url, secret=account.key, headers=headers)
        name = f"{service} {at[0]:g},{at[1]:g}"
        try:
            reading = read_bytes(content, name, _sources_at(sources, service, at))
        except RadarError:
            fetcher.forget(url, secret=account.key)
            raise
        if reading.kind != "observations":
            issue = pl.lit(fetched, dtype=pl.Datetime("us", "UTC"))
            frame = reading.frame.with_columns(pl.col("issued_at").fill_null(issue))
            reading = replace(reading, frame=frame, kind="forecasts")
        readings.append((name, reading))
    return readings, {}


def _sources_at(sources: Sources, provider: Provider, at: Place) -> Sources:
    return replace(sources, provider=provider, place=at)


def _requests(
    service: Service, account: Account, places: Sequence[Place], days: int
) -> list[tuple[str, Place, dict[str, str]]]:
    base = account.base_url.rstrip("/")
    if service == "open-meteo":
        asked = []
        for start in range(0, len(places), PLACES_A_REQUEST):
            some = places[start : start + PLACES_A_REQUEST]
            query = {
                "latitude": ",".join(f"{north:g}" for north, _ in some),
                "longitude": ",".join(f"{east:g}" for _, east in some),
                "hourly": "temperature_2m,precipitation,snowfall,wind_speed_10m,visibility",
                "wind_speed_unit": "ms",
                "timezone": "UTC",
                "forecast_days": str(days),
            }
            if account.key:
                query["apikey"] = account.key
            asked.append((f"{base}/v1/forecast?{urlencode(query)}", some[0], dict[str, str]()))
        return asked
    if not account.key:
        raise RadarError(
            f"no key for {service}",
            action=f"put it into an environment variable and name that as key_env under [weather.services.{service}] in radar.toml",
        )
    asked = []
    for at in places:
        if service == "qweather":
            headers = {"X-QW-Api-Key": account.key}
            where = f"{at[1]:.2f},{at[0]:.2f}"  # longitude first
            asked.append((f"{base}/v7/grid-weather/72h?location={where}", at, headers))
            asked.append((f"{base}/v7/warning/now?location={where}", at, headers))
        else:
            query = {"lat": f"{at[0]:g}", "lon": f"{at[1]:g}", "exclude": "minutely", "appid": account.key}
            asked.append((f"{base}/data/3.0/onecall?{urlencode(query)}", at, {}))
    return asked


def _alerts(account: Account, fetcher: Fetcher, sources: Sources) -> tuple[list[tuple[str, Reading]], dict[str, str]]:
    """Follow an Atom or RSS index to its alerts; one that fails is set apart, the others stay."""
    if not account.base_url:
        raise RadarError(
            "no address of an index of alerts", action="give --url, or base_url under [weather.services.cap]"
        )
    content, _ = fetcher.get(account.base_url, secret=account.key)
    try:
        links, alone = _index(content, sources)
    except RadarError:
        fetcher.forget(account.base_url, secret=account.key)
        raise
    if alone is not None:
        return [("index", alone)], {}
    addresses = list(dict.fromkeys(urljoin(account.base_url, link) for link in links))
    readings, apart = [], dict[str, str]()
    for number, address in enumerate(addresses):
        if number >= MOST_ALERTS:
            apart[address] = f"more than {MOST_ALERTS} alerts in the index"
            break
        try:
            content, _ = fetcher.get(address, secret=account.key)
            readings.append((address, cap.parse(content, sources.shapes, file=address)))
        except RadarError as error:
            fetcher.forget(address, secret=account.key)
            apart[address] = str(error)
    return readings, apart


def _index(content: bytes, sources: Sources) -> tuple[list[str], Reading | None]:
    """Return the addresses an index names, one an alert, or what is read where it is one alert itself."""
    root = cap.parse_xml(content, file="index")
    if root.tag == f"{{{cap.NAMESPACE}}}alert":
        return [], cap.parse(content, sources.shapes, file="index")
    if root.tag not in (f"{_ATOM}feed", "rss"):
        raise RadarError(
            "XML that is no index of alerts", "Atom, RSS or a CAP alert", "correct the address", file="index"
        )
    entries = [
        [(link.get("href", ""), link.get("type", "")) for link in entry.iter(f"{_ATOM}link")]
        for entry in root.iter(f"{_ATOM}entry")
    ]
    entries += [
        [((link.text or "").strip(), "") for link in item.iter("link")]
        + [(file.get("url", ""), file.get("type", "")) for file in item.iter("enclosure")]
        for item in root.iter("item")
    ]
    return [address for entry in entries for address in _alert_links(entry)], None


def _alert_links(links: Sequence[tuple[str, str]]) -> list[str]:
    """Return those of an entry's links that hold its alert: those said to be CAP, else those not said to be pages for people."""
    addresses = [address for address, kind in links if address and kind.startswith(_CAP_TYPE)]
    return addresses or [address for address, kind in links if address and not kind.startswith(_PAGE_TYPE)]
