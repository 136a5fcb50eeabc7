"""Weather files into tables: which feed reads a file, and which table its rows belong to."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Literal

import polars as pl

from data.errors import RadarError
from data.ingest.rows import require_share
from data.progress import SILENT, Progress
from data.sources.apart import read_apart
from data.sources.limits import LIMITS
from weather.feeds import cap, csv_points, open_meteo, openweather, qweather, station_csv
from weather.feeds.alerts import join_warnings
from weather.feeds.bad_rows import ENTRY, BadRows, join_bad_rows
from weather.feeds.qweather_place import location_of
from weather.feeds.reading import Kind, Place, Reading, join_readings, settle_kind
from weather.feeds.rows import parse_json
from weather.feeds.rules import FEEDS

Provider = Literal["auto", "open-meteo", "csv", "qweather", "openweather", "inmet", "beijing", "cap"]


_TABLES: dict[Kind, str] = {"observations": "weather_observations", "forecasts": "weather_forecasts"}
_WARNINGS = "weather_warnings"


@dataclass(frozen=True)
class Sources:
    """What files cannot tell by themselves.

    Parameters
    ----------
    zone
        Time zone of times without an offset.
    provider
        Who wrote the files; ``auto`` looks at each.
    kind
        Whether they hold observations or forecasts; None lets the answer tell (see ``feeds.reading.settle_kind``).
    issued_at
        When the forecasts were issued.
    place
        Latitude and longitude of files that name none.
    places
        Name of a file (without its ending) or id of a place -> latitude and longitude.
    shapes
        Code or name of a region -> GeoJSON geometry, for warnings that tell their area by code.
    latest
        Last day, in ``zone``, that an observation may be of; None for any.
    """

    zone: tzinfo
    provider: Provider = "auto"
    kind: Kind | None = None
    issued_at: datetime | None = None
    place: Place | None = None
    places: Mapping[str, Place] = field(default_factory=dict)
    shapes: cap.Shapes = field(default_factory=dict)
    latest: date | None = None


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
        First and last hour it speaks of; None where it holds no row.
    issued_at
        When its forecast was issued; None for observations.
    ignored
        Columns without use.
    set_apart
        Warnings that cannot be read, and why.
    entries
        Rows or entries the file holds, those set apart among them.
    bad_rows
        Rows set apart: ``file``, ``row``, ``column``, ``value``, ``rule``.
    """

    file: str
    provider: str
    table: str
    rows: int
    places: int
    first: datetime | None
    last: datetime | None
    issued_at: datetime | None
    ignored: tuple[str, ...]
    set_apart: Mapping[str, str] = field(default_factory=dict)
    entries: int = 0
    bad_rows: pl.DataFrame = field(default_factory=lambda: join_bad_rows([]))

    @property
    def rows_set_apart(self) -> int:
        """Rows or entries set apart; one may break several rules."""
        return self.bad_rows.select("file", "row").n_unique() if self.bad_rows.height else 0

    def rejected(self) -> pl.DataFrame:
        """Return rows and warnings set apart, in the shape of ``bad_rows``."""
        apart = BadRows(self.file)
        for name, reason in self.set_apart.items():
            apart.add(None, None, name, reason)
        return join_bad_rows([self.bad_rows, apart.frame()])


def require_good(files: Sequence[LoadedFile], most: float) -> None:
    """Raise RadarError when more than the share ``most`` of the rows of all files was set apart.

    Warnings do not count: one that cannot be read never keeps the others out.
    """
    require_share(
        join_bad_rows([file.bad_rows for file in files]),
        sum(file.rows_set_apart for file in files),
        sum(file.entries for file in files),
        most,
        "correct the file",
    )


def read_weather(
    files: Sequence[Path], sources: Sources, progress: Progress = SILENT
) -> tuple[dict[str, pl.DataFrame], list[LoadedFile]]:
    """Read weather files into rows of ``weather_observations``, ``weather_forecasts`` and ``weather_warnings``.

    Parameters
    ----------
    files
        Answers of providers, station files, CSV files.
    sources
        What they cannot tell by themselves.
    progress
        Told how far the work is.

    Returns
    -------
    tables
        Table -> its rows, for the tables the files speak of.
    files
        What became of each, in the order of ``files``; a file of weather and warnings is told twice.

    Raises
    ------
    RadarError
        When a file cannot be read whole.
    """
    readings = []
    for number, path in enumerate(files, start=1):
        readings.append((path.name, _read_file(path, sources)))
        progress.step(number, len(files), path.name)
    return gather(readings, sources)


def gather(
    readings: Sequence[tuple[str, Reading]], sources: Sources
) -> tuple[dict[str, pl.DataFrame], list[LoadedFile]]:
    """Sort what was read into tables: see ``read_weather``."""
    loaded, frames, warnings = [], {name: list[pl.DataFrame]() for name in _TABLES.values()}, []
    for name, reading in readings:
        if reading.frame.height or reading.bad_rows.height:
            settled, frame = settle_kind(reading, sources.kind, sources.issued_at, file=name)
            bad = reading.bad_rows
            if settled == "observations":
                frame, future = _part_future(frame, sources, name)
                bad = join_bad_rows([bad, future]).sort("file", "row", maintain_order=True)
            frame = frame.drop(ENTRY, strict=False)
            table = _TABLES[settled]
            frames[table].append(frame)
            loaded.append(replace(_describe(name, reading, table, frame), bad_rows=bad))
        if reading.warnings is not None and (reading.warnings.height or reading.set_apart or not reading.frame.height):
            warnings.append(reading.warnings)
            loaded.append(_describe_warnings(name, reading, reading.warnings))
    tables = {table: join_readings(parts) for table, parts in frames.items() if parts}
    if warnings and any(part.height for part in warnings):
        tables[_WARNINGS] = join_warnings(warnings)
    return tables, loaded


def _read_file(path: Path, sources: Sources) -> Reading:
    """Read one file, a large one in a helper process: a parser at work in its own language cannot be interrupted."""
    content = _content(path)
    if len(content) <= LIMITS.small_json_bytes:
        return read_bytes(content, path.name, sources)
    return next(iter(list(read_apart(_readings, content, path.name, sources, name=path.name, kind="weather"))))


def _readings(content: bytes, file: str, sources: Sources) -> Iterator[Reading]:
    yield read_bytes(content, file, sources)


def read_bytes(content: bytes, file: str, sources: Sources) -> Reading:
    """Read the content of one file or answer by the feed that knows it.

    Parameters
    ----------
    content
        The bytes.
    file
        Its name, told in errors; without its ending it is looked up in ``sources.places``.
    sources
        What it cannot tell by itself.

    Raises
    ------
    RadarError
        When no feed knows it, or the feed finds it broken.
    """
    chosen = sources.provider if sources.provider != "auto" else _guess(content)
    place = sources.places.get(Path(file).stem, sources.place)
    if chosen == "cap":
        return cap.parse(content, sources.shapes, file=file)
    if chosen in ("open-meteo", "qweather", "openweather"):
        answer = parse_json(content, file=file)
        if chosen == "open-meteo" and sources.provider == "auto":
            chosen = _whose(answer)
        if chosen == "qweather":
            location = location_of(answer) if isinstance(answer, dict) else None
            return qweather.parse(
                _object(answer, file), sources.places.get(location or "", place), sources.zone, file=file
            )
        if chosen == "openweather":
            return openweather.parse(_object(answer, file), file=file)
        return open_meteo.parse(answer, file=file)
    if chosen == "inmet":
        return station_csv.parse_inmet(csv_points.decode(content, file), file=file)
    if chosen == "beijing":
        stations = _stations(csv_points.decode(content, file), file)
        return station_csv.parse_beijing(
            csv_points.decode(content, file), sources.places.get(stations, place), file=file
        )
    return csv_points.parse(content, sources.zone, place, file=file)


def _guess(content: bytes) -> Provider:
    head = content[:4096]
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in (b"{", b"["):
        return "open-meteo"
    if cap.recognises(head):
        return "cap"
    known = station_csv.recognises(head.decode("utf-8-sig", errors="replace"))
    return "inmet" if known == station_csv.INMET else "beijing" if known == station_csv.BEIJING else "csv"


def _whose(answer: object) -> Provider:
    """Which provider a JSON answer is of."""
    if qweather.recognises(answer):
        return "qweather"
    return "openweather" if openweather.recognises(answer) else "open-meteo"


def _object(answer: object, file: str) -> dict[str, object]:
    if not isinstance(answer, dict):
        raise RadarError(f"a {type(answer).__name__}", "an object", "fetch it again", file=file)
    return answer


def _stations(text: str, file: str) -> str:
    """Name of the station a file is of, "" where it tells none."""
    lines = text.splitlines()[:2]
    header = [each.strip().lower() for each in lines[0].split(",")]
    values = lines[1].split(",") if len(lines) > 1 else []
    at = header.index("station") if "station" in header else len(values)
    return values[at].strip() if at < len(values) else Path(file).stem


def _content(path: Path) -> bytes:
    if path.is_dir():
        raise RadarError("a folder", "a file", "name the files in it", file=path.name)
    try:
        size = path.stat().st_size
        if size > FEEDS.largest_file:
            raise RadarError(f"{size:,} bytes", f"at most {FEEDS.largest_file:,}", "split the file", file=path.name)
        return _unpacked(path.read_bytes(), path.name)
    except OSError as error:
        raise RadarError(
            f"cannot be read ({error.strerror})", action="name an existing file", file=path.name
        ) from error


def _unpacked(content: bytes, name: str) -> bytes:
    """Return what a gzip file holds, any other as it is; RadarError for a broken one, or one that grows too large."""
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        unpacked = gzip.GzipFile(fileobj=io.BytesIO(content)).read(FEEDS.largest_file + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RadarError(f"a broken gzip file ({error})", "a whole one", "copy it again", file=name) from error
    if len(unpacked) > FEEDS.largest_file:
        raise RadarError(
            f"more than {FEEDS.largest_file:,} bytes unpacked",
            f"at most {FEEDS.largest_file:,}",
            "split the file",
            file=name,
        )
    return unpacked


def _describe(name: str, reading: Reading, table: str, frame: pl.DataFrame) -> LoadedFile:
    first, last, issued = frame.select(
        first=pl.col("valid_at").min(), last=pl.col("valid_at").max(), issued=pl.col("issued_at").max()
    ).row(0)
    places = frame.select("latitude", "longitude").n_unique()
    loaded = LoadedFile(name, reading.provider, table, frame.height, places, first, last, issued, reading.ignored)
    return replace(loaded, entries=reading.entries)


def _part_future(frame: pl.DataFrame, sources: Sources, name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part observations of days after ``sources.latest`` from the others: they are mistyped, or made up."""
    bad = BadRows(name)
    if sources.latest is not None:
        rule = f"lies in the future (after {sources.latest}); --allow-future takes it"
        late = pl.col("valid_at").dt.convert_time_zone(str(sources.zone)).dt.date() > sources.latest
        for row in frame.filter(late).iter_rows(named=True):
            bad.add(row.get(ENTRY), "valid_at", row["valid_at"].astimezone(sources.zone).isoformat(), rule)
        frame = frame.filter(~late)
    return frame, bad.frame()


def _describe_warnings(name: str, reading: Reading, warnings: pl.DataFrame) -> LoadedFile:
    first, last, issued = warnings.select(
        first=pl.col("onset").min(), last=pl.col("expires").max(), issued=pl.col("issued_at").max()
    ).row(0)
    count = warnings["area"].n_unique()
    loaded = LoadedFile(name, reading.provider, _WARNINGS, warnings.height, count, first, last, issued, ())
    return replace(loaded, set_apart=dict(reading.set_apart))
