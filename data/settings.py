"""What a workspace's ``radar.toml`` may say: every setting with its default and its meaning."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from data.errors import RadarError

FILE_NAME = "radar.toml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class WorkspaceSettings(_Section):
    """[workspace]: time, calendar, waiting."""

    timezone: str = Field("Asia/Shanghai", description="Time zone of business dates and of times without an offset.")
    calendar: str = Field(
        "CN", description="Country whose holidays and shopping events fill the table events: CN, BR or US."
    )
    cutoff_hour: int = Field(
        0,
        ge=0,
        le=23,
        description="Hour at which the business date turns: an order at 23:30 with 22 counts for the next day.",
    )
    lock_wait_seconds: float = Field(30.0, ge=0, description="How long a second writer waits for the first.")

    store: str = Field(
        "",
        pattern=r"^(s3://[^/\s]+/\S.*)?$",
        description="s3://BUCKET/PREFIX of an object store in which the tables are at home; this folder keeps a copy. Empty: this folder.",
    )
    lease_seconds: float = Field(
        30.0, ge=1, description="After how long a writer of an object store that no longer gives a sign counts as dead."
    )

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value} is no known time zone, e.g. Asia/Shanghai")
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The time zone as Python knows it."""
        return ZoneInfo(self.timezone)


class LoadSettings(_Section):
    """[load]: how much may be wrong, and what one load may take."""

    max_rejected_share: float = Field(
        0.05, ge=0, le=1, description="Above this share of bad rows nothing of a file is committed."
    )
    time_limit_seconds: float = Field(
        3600.0, gt=0, description="Longest time of reading one load; past it nothing is committed."
    )
    memory_limit_gib: float = Field(
        0.0, ge=0, description="Most memory one load may take [GiB]; 0 is four fifths of what the machine has free."
    )


class ForecastSettings(_Section):
    """[forecast]: what staffing and intervals stand on."""

    cost_too_few: float = Field(3.0, gt=0, description="Cost of one parcel an outlet was not staffed for [CNY].")
    cost_too_many: float = Field(1.0, gt=0, description="Cost of staff for one parcel that did not come [CNY].")
    prophet: bool = Field(
        True, description="Whether Prophet takes part on the network path, from the 29th day ahead on."
    )


class EventPrior(_Section):
    """[events.NAME]: what a planner expects of an event never seen."""

    multiple: float = Field(gt=0, description="Parcels of the main day over those of a mean normal day.")
    spread: float = Field(0.3, gt=0, description="Standard deviation of the logarithm of the multiple.")
    weight: float = Field(1.0, gt=0, description="How many seen editions this expectation counts for.")


class EffectOverride(_Section):
    """[weather.effects."ID"]: a row of the effect tables as this network knows it; what is not said stays."""

    speed: float | None = Field(None, ge=0, le=1, description="Speed against a fair day.")
    capacity: float | None = Field(None, ge=0, le=1, description="Capacity of the road against a fair day.")
    productivity: float | None = Field(None, ge=0, le=1, description="Work of a courier against a fair day.")
    closure: float | None = Field(None, ge=0, le=1, description="Probability that a lane is closed that day.")


class WeatherService(_Section):
    """[weather.services.NAME]: how open-meteo, qweather, openweather or cap is reached."""

    base_url: str = Field("", description="Its address; empty is the one it publishes.")
    key_env: str = Field("", description="Environment variable that holds its key; the key itself stands in no file.")
    private: bool = Field(False, description="Whether an address of this machine or its network may be asked.")


class WeatherSettings(_Section):
    """[weather]: which effects hold."""

    preset: Literal["planning", "ploughed"] = Field(
        "planning", description="planning, or ploughed (freeways kept clear)."
    )
    radius_km: float = Field(250.0, gt=0, description="How far a weather point speaks for a place [km].")
    neighbours: int = Field(
        1, ge=1, le=8, description="Nearest weather points taken together, weighted by 1 / distance."
    )
    sample_km: float = Field(125.0, gt=1, description="Distance between the places of a lane that are looked at [km].")
    departure_hour: int = Field(
        20,
        ge=0,
        le=23,
        description="Hour at which lanes without lane_departures leave, in the workspace's time zone, where no hub has hub_sorts.",
    )
    work_from_hour: int = Field(8, ge=0, le=23, description="Hour at which couriers start.")
    work_to_hour: int = Field(20, ge=1, le=24, description="Hour at which couriers stop.")
    spare_capacity: float = Field(
        0.15, ge=0, description="Share a courier can work above an ordinary day before parcels wait."
    )
    effects: dict[str, EffectOverride] = Field(
        default_factory=dict, description="Rows of the effect tables, by their id (see `radar weather effects`)."
    )
    services: dict[Literal["open-meteo", "qweather", "openweather", "cap"], WeatherService] = Field(
        default_factory=dict, description="Weather services to fetch from: open-meteo, qweather, openweather, cap."
    )


class PlanSettings(_Section):
    """[plan]: what the trunk plan weighs against each other."""

    service_level: float = Field(0.9, gt=0, lt=1, description="Quantile of the forecast that a plan is to carry.")
    effort: float = Field(
        1.0, gt=0, description="How much a plan is searched; counted, so that the same seed and effort repeat it."
    )
    time_limit_seconds: float = Field(
        600.0, gt=0, description="Emergency brake: after this time the best plan so far is the plan, and says so."
    )
    hold_cost: float = Field(0.2, ge=0, description="Cost of one parcel waiting one night at a hub [CNY].")
    late_cost: float = Field(1.0, ge=0, description="Cost of one parcel arriving one day after its promise [CNY].")
    co2_price: float = Field(
        0.0,
        ge=0,
        description="Price of one kilogram of carbon dioxide, of vehicles by vehicle_types.co2_kg_per_km [CNY].",
    )
    short_cost: float = Field(
        10_000.0,
        gt=0,
        description="Cost of one parcel not carried [CNY]; so high that only what cannot be carried is short.",
    )
    idle_cost_share: float = Field(
        0.4,
        ge=0,
        le=1,
        description="Share of a committed vehicle's cost that is paid when it does not run: driver, lease, no fuel, no toll.",
    )
    spot_peak_factor: float = Field(
        1.0, gt=0, description="Prices of hired vehicles in the weeks ahead over those of vehicle_types."
    )
    extra_sort_cost: float = Field(
        0.5,
        ge=0,
        description="Price of sorting one parcel beyond a hub's sort capacity, on top of handling [CNY]: what a fix costs.",
    )
    extra_buffer_cost: float = Field(
        0.3, ge=0, description="Price of room for one parcel beyond a hub's buffer [CNY/night]: what a fix costs."
    )
    most_extra_share: float = Field(
        0.25, ge=0, description="Most a fix may add to a sort, as a share of its sort capacity: what a hub can do."
    )
    default_promise_days: int | None = Field(
        None,
        ge=0,
        le=30,
        description="Days on top of the shortest way by road that routes without a promise of their own are promised.",
    )
    max_legs: int = Field(
        4, ge=0, le=50, description="Most lanes of a parcel's path, which then passes no hub twice; 0 lifts the bound."
    )
    max_detour_ratio: float = Field(
        2.0,
        ge=0,
        description="A path may be this many times as long as the shortest way by road (0: no bound) ...",
    )
    max_detour_km: float = Field(300.0, ge=0, description="... or this many kilometres longer, whichever is more [km].")
    unload_hours: float = Field(
        0.0,
        ge=0,
        lt=24,
        description="Hours from the arrival of a vehicle until its parcels are at hand, where hub_sorts do not say.",
    )
    turn_round_hours: float = Field(
        0.0, ge=0, lt=24, description="Hours from the arrival of an own vehicle until it can leave again."
    )
    day_cut_off_hours: float = Field(
        0.0,
        ge=0,
        lt=24,
        description="Hours before midnight at which a hub without sorts of its own takes its last arrivals.",
    )


class StressSettings(_Section):
    """[stress]: where plans are played on many futures."""

    engine: str = Field(
        "local",
        pattern=r"^(local|processes|ray|ray://\S+)$",
        description="local (this process), processes (one a processor), ray (a cluster of its own) or ray://HOST:PORT.",
    )
    workers: int = Field(0, ge=0, le=1024, description="Processes of the engine processes; 0 is one a processor.")


class Settings(_Section):
    """All of ``radar.toml``; a section that is not there keeps its defaults."""

    workspace: WorkspaceSettings = WorkspaceSettings()
    load: LoadSettings = LoadSettings()
    forecast: ForecastSettings = ForecastSettings()
    events: dict[str, EventPrior] = Field(
        default_factory=dict, description="What planners expect of events, by the name in the table events."
    )
    weather: WeatherSettings = WeatherSettings()
    plan: PlanSettings = PlanSettings()
    stress: StressSettings = StressSettings()


def read_settings(path: Path) -> Settings:
    """Read ``radar.toml``.

    Raises
    ------
    RadarError
        When the file is no TOML, or holds a setting that is unknown or out of its range.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise RadarError("text in another encoding", "UTF-8", "save it as UTF-8", file=path) from error
    except tomllib.TOMLDecodeError as error:
        raise RadarError(
            f"no valid TOML ({error})", action="correct the line or make the file anew with `radar init`", file=path
        ) from error
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise RadarError(
                f"unknown setting {name}", action="`radar init` writes a file with every setting", file=path
            ) from error
        raise RadarError(
            f"setting {name} = {first['input']!r}: {first['msg'].removeprefix('Value error, ')}",
            action="correct it",
            file=path,
        ) from error


def write_template(calendar: str = "CN", store: str = "") -> str:
    """Return the text of a ``radar.toml`` in which every setting stands with its meaning and default."""
    zones = {"CN": "Asia/Shanghai", "BR": "America/Sao_Paulo", "US": "America/New_York"}
    lines = ["# Settings of this ParcelRadar workspace. A line that is commented out shows the default."]
    for name, field in Settings.model_fields.items():
        if name == "events":
            lines += ["", "# What you expect of a shopping event, by its name in the table events:"]
            lines += ['# [events."Black Friday"]', "# multiple = 5.0", "# spread = 0.3"]
            continue
        section = field.default
        lines += ["", f"[{name}]"]
        for key, setting in type(section).model_fields.items():
            value = getattr(section, key)
            if key == "services":
                lines += [f"# {setting.description}", f"# [{name}.{key}.qweather]", '# key_env = "QWEATHER_KEY"']
                continue
            if value is None:
                lines += [f"# {setting.description}", f"# {key} = {(setting.examples or [1])[0]}"]
                continue
            if isinstance(value, dict):
                lines += [f"# {setting.description}", f'# [{name}.{key}."snow.heavy"]', "# speed = 0.75"]
                continue
            chosen = {"calendar": calendar, "timezone": zones.get(calendar, value), "store": store or None}.get(key)
            lines.append(f"# {setting.description}")
            lines.append(f"{key} = {_toml(chosen)}" if chosen is not None else f"# {key} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return str(value)
