"""Scenarios of ``scenarios.toml`` and of the table ``incidents``."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import RadarError
from data.spelling import ask_near
from routing.stress.incidents import Incident, Scenario, Surroundings, lie_beyond

if TYPE_CHECKING:
    from cli.demand_draws import DemandSource
    from data.workspace import Workspace
    from routing.stress.layout import Layout

# causes that are thrown together are the weather's: a row of the table stands for itself
_FIELDS = tuple(name for name in Incident.__dataclass_fields__ if name != "throw")
_NUMBERS = ("amount", "probability")


def read_table(workspace: Workspace) -> dict[str, Incident]:
    """Read the table ``incidents`` by id."""
    return {
        row["incident_id"]: Incident(**{name: row[name] for name in _FIELDS})
        for row in workspace.read("incidents").sort("incident_id").to_dicts()
    }


def read_scenarios(file: Path, known: dict[str, Incident]) -> tuple[Scenario, ...]:
    """Read scenarios of a TOML file.

    Parameters
    ----------
    file
        Tables ``[[scenario]]`` with ``name``, ``[[scenario.incident]]`` as rows of ``incidents``, and ``incidents``: ids of that table.
    known
        The table's incidents by id.

    Raises
    ------
    RadarError
        When it cannot be read, or says what no incident has.
    """
    try:
        content = tomllib.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise RadarError(
            f"it cannot be read ({error.strerror})", "", "choose another --scenarios", file=file
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RadarError(f"no TOML ({error})", "[[scenario]] tables", "correct it", file=file) from error
    rows = content.get("scenario")
    strange = sorted(set(content) - {"scenario"})
    if strange or not isinstance(rows, list) or not rows:
        raise RadarError(
            f"{strange[0]!r}" if strange else "no scenario", "[[scenario]] tables", "see the how-to page", file=file
        )
    return tuple(_read_scenario(row, at, known, file) for at, row in enumerate(rows, start=1))


def choose_scenarios(workspace: Workspace, file: Path | None, names: list[str] | None) -> tuple[Scenario, ...]:
    """Return the scenarios of a file, or each incident of the table as one; of them those named, ``A+B`` being both at once.

    Raises
    ------
    RadarError
        When the file cannot be read, or a name is none of a scenario.
    """
    table = read_table(workspace)
    cases = (
        tuple(Scenario(name, (incident,)) for name, incident in table.items())
        if file is None
        else read_scenarios(file, table)
    )
    if not names:
        return cases
    known = {case.name: case for case in (*(Scenario(name, (one,)) for name, one in table.items()), *cases)}
    return tuple(_compose(name, known) for name in names)


def _compose(name: str, known: dict[str, Scenario]) -> Scenario:
    """Put scenarios together: a name that stands for one is that one, else its parts between the plus signs."""
    if name in known:
        return known[name]
    parts = [part.strip() for part in name.split("+")]
    for part in parts:
        if part not in known:
            names = ", ".join(list(known)[:5]) or "none yet"
            raise RadarError(f"no scenario {part}", f"one of {names}", ask_near(part, known))
    return Scenario(name, tuple(one for part in parts for one in known[part].incidents))


def describe_surroundings(workspace: Workspace, source: DemandSource, scenarios: tuple[Scenario, ...]) -> Surroundings:
    """Read what the scenarios need beside the plan: regions of hubs, shares of merchants and couriers."""
    kinds = [incident for scenario in scenarios for incident in scenario.incidents]
    hubs = workspace.read("hubs")
    return Surroundings(
        zone=workspace.settings.workspace.zone,
        region_of=dict(zip(hubs["hub_id"].to_list(), hubs["region_id"].to_list(), strict=True)),
        merchant_share=_share_of_merchants(workspace) if any(one.merchant_id for one in kinds) else {},
        courier_share=source.share_of_couriers() if any(one.courier_id for one in kinds) else {},
    )


def warn_of_beyond(layout: Layout, scenarios: Sequence[Scenario]) -> tuple[Scenario, ...]:
    """Name the scenarios that lie outside the days played, whose figures are those without them, and give the others."""
    from cli.console import warn

    names = lie_beyond(layout, scenarios)
    if names:
        first, last = layout.dates[0], layout.dates[-1]
        warn(f"Scenarios that lie outside the days played, {first} to {last}, and change nothing: {', '.join(names)}.")
    return tuple(one for one in scenarios if one.name not in names)


def _read_scenario(row: Any, at: int, known: dict[str, Incident], file: Path) -> Scenario:
    if not isinstance(row, dict):
        raise RadarError(f"scenario {at} that is no table", "[[scenario]]", "correct it", file=file)
    name = row.get("name")
    if not isinstance(name, str) or not name.strip():
        raise RadarError(f"scenario {at} without a name", 'name = "..."', "name it", file=file)
    strange = sorted(set(row) - {"name", "incident", "incidents"})
    if strange:
        raise RadarError(f"{strange[0]!r} in scenario {name}", "name, incident, incidents", "correct it", file=file)
    found = [_read_incident(one, name, file) for one in row.get("incident", [])]
    for incident_id in row.get("incidents", []):
        if incident_id not in known:
            near = ", ".join(list(known)[:5]) or "none, the table is empty"
            raise RadarError(
                f"incident {incident_id!r} in scenario {name}", f"an id of the table incidents: {near}", "", file=file
            )
        found.append(known[incident_id])
    if not found:
        raise RadarError(f"scenario {name} without incidents", "[[scenario.incident]] or incidents", "", file=file)
    return Scenario(name.strip(), tuple(found))


def _read_incident(row: Any, name: str, file: Path) -> Incident:
    if not isinstance(row, dict):
        raise RadarError(f"an incident of scenario {name} that is no table", "[[scenario.incident]]", "", file=file)
    strange = sorted(set(row) - set(_FIELDS))
    if strange:
        raise RadarError(f"{strange[0]!r} in an incident of {name}", ", ".join(_FIELDS), "correct it", file=file)
    values: dict[str, Any] = dict(row)
    for field in ("kind", "starts_at", "ends_at"):
        if field not in values:
            raise RadarError(f"an incident of {name} without {field}", f"{field} = ...", "add it", file=file)
    for field in ("starts_at", "ends_at"):
        values[field] = _read_moment(values[field], field, name, file)
    for field in _NUMBERS:
        value = values.get(field)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise RadarError(f"{field} = {value!r} in an incident of {name}", "a number", "correct it", file=file)
    for field in set(values) - {"starts_at", "ends_at", *_NUMBERS}:
        if not isinstance(values[field], str):
            raise RadarError(f"{field} = {values[field]!r} in an incident of {name}", "a text", "correct it", file=file)
    return Incident(**values)


def _read_moment(value: object, field: str, name: str, file: Path) -> datetime:
    if isinstance(value, str):
        with suppress(ValueError):  # what is no moment is told below
            value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    raise RadarError(
        f"{field} = {value!r} in an incident of {name}", "a moment such as 2025-11-12T06:00:00", "correct it", file=file
    )


def _share_of_merchants(workspace: Workspace) -> dict[str, tuple[str, float]]:
    """Return by merchant the hub it ships from and its share of what that hub sent on the days both tables know."""
    import polars as pl

    sales = workspace.read("sales").with_columns(parcels=pl.coalesce("parcels", "units").cast(pl.Float64))
    merchants = workspace.read("merchants").select("merchant_id", "hub_id")
    sent = workspace.read("route_volumes").group_by("date", hub_id="origin_hub_id").agg(pl.col("parcels").sum())
    days = sales.join(merchants, on="merchant_id").select("date", "hub_id").unique()
    sent = sent.join(days, on=["date", "hub_id"]).group_by("hub_id").agg(sent=pl.col("parcels").sum())
    sold = sales.group_by("merchant_id").agg(sold=pl.col("parcels").sum())
    rows = merchants.join(sold, on="merchant_id", how="left").join(sent, on="hub_id", how="left")
    shares = rows.with_columns(
        share=pl.when(pl.col("sent") > 0).then(pl.col("sold") / pl.col("sent")).fill_null(0.0).clip(0.0, 1.0)
    )
    return {row["merchant_id"]: (row["hub_id"], row["share"] or 0.0) for row in shares.to_dicts()}
