"""Weather files into tables: which feed reads a file, and which table its rows belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl

from data.errors import RadarError
from data.progress import SILENT, Progress
from weather.feeds import csv_points, open_meteo
from weather.feeds.reading import Kind, Reading, join_readings, settle_kind

Provider = Literal["auto", "open-meteo", "csv"]

_TABLES: dict[Kind, str] = {"observations": "weather_observations", "forecasts": "weather_forecasts"}


@dataclass(frozen=True)
class LoadedFile:
    """What became of one file.

    Parameters
    ----------
    file, provider, table
        Where it came from, who read it, where its rows went.
    rows, places
        How many rows and places it holds.
    first, last
        First and last hour it speaks of.
    issued_at
        When its forecast was issued; None for observations.
    ignored
        Columns without use.
    """

    file: str
    provider: str
    table: str
    rows: int
    places: int
    first: datetime
    last: datetime
    issued_at: datetime | None
    ignored: tuple[str, ...]


def read_weather(
    files: Sequence[Path],
    zone: ZoneInfo,
    provider: Provider = "auto",
    *,
    kind: Kind | None = None,
    issued_at: datetime | None = None,
    place: tuple[float, float] | None = None,
    progress: Progress = SILENT,
) -> tuple[dict[str, pl.DataFrame], list[LoadedFile]]:
    """Read weather files into rows of ``weather_observations`` and ``weather_forecasts``.

    Parameters
    ----------
    files
        Answers of Open-Meteo or CSV files.
    zone
        Time zone of times without an offset.
    provider
        Who wrote them; ``auto`` looks at each file.
    kind
        Whether they hold observations or forecasts; None lets the file tell (see ``feeds.reading.settle_kind``).
    issued_at
        When the forecasts were issued; None takes the time each file was last written.
    place
        Latitude and longitude of a CSV without them.
    progress
        Told how far the work is.

    Returns
    -------
    tables
        Table -> its rows, for the tables the files speak of.
    files
        What became of each, in the order of ``files``.

    Raises
    ------
    RadarError
        When a file cannot be read whole.
    """
    loaded, frames = [], {name: list[pl.DataFrame]() for name in _TABLES.values()}
    for number, path in enumerate(files, start=1):
        reading = _read(path, provider, zone, place)
        written = datetime.fromtimestamp(int(path.stat().st_mtime), tz=UTC)
        settled, frame = settle_kind(reading, kind, issued_at or written)
        table = _TABLES[settled]
        frames[table].append(frame)
        loaded.append(_describe(path, reading, table, frame))
        progress.step(number, len(files), path.name)
    return {table: join_readings(parts) for table, parts in frames.items() if parts}, loaded


def _read(path: Path, provider: Provider, zone: ZoneInfo, place: tuple[float, float] | None) -> Reading:
    if path.is_dir():
        raise RadarError("a folder", "a file", "name the files in it", file=path.name)
    chosen = _guess(path) if provider == "auto" else provider
    if chosen == "open-meteo":
        return open_meteo.read_file(path)
    return csv_points.read_file(path, zone, place)


def _guess(path: Path) -> Provider:
    try:
        with path.open("rb") as file:
            head = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError as error:
        raise RadarError(
            f"cannot be read ({error.strerror})", action="name an existing file", file=path.name
        ) from error
    return "open-meteo" if head[:1] in (b"{", b"[") or path.suffix == ".json" else "csv"


def _describe(path: Path, reading: Reading, table: str, frame: pl.DataFrame) -> LoadedFile:
    first, last, issued = frame.select(
        first=pl.col("valid_at").min(), last=pl.col("valid_at").max(), issued=pl.col("issued_at").max()
    ).row(0)
    places = frame.select("latitude", "longitude").n_unique()
    return LoadedFile(path.name, reading.provider, table, frame.height, places, first, last, issued, reading.ignored)
