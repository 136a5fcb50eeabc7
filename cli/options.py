"""Options that several commands share, said once."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from data.engines import Engine
    from data.workspace import Workspace


def parse_day(text: str) -> date:
    """Read a date written as 2025-11-03, 20251103 or 2025/11/3.

    Raises
    ------
    typer.BadParameter
        When it is none of these.
    """
    for form in ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d"):
        try:
            return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 (a date has no zone)
        except ValueError:
            continue
    raise typer.BadParameter(f"{text!r} is no date; write it as 2025-11-03")


def parse_days(text: str) -> list[date]:
    """Read several dates joined by commas."""
    return [parse_day(part) for part in text.split(",") if part.strip()]


def parse_spans(texts: list[str] | None) -> tuple[tuple[date, date], ...]:
    """Read times written as FROM..TO, or as one day, several joined by commas.

    Raises
    ------
    typer.BadParameter
        When a part is no date, or a time ends before it begins.
    """
    spans = []
    for part in (part for text in texts or [] for part in text.split(",") if part.strip()):
        first, _, last = part.partition("..")
        span = (parse_day(first), parse_day(last or first))
        if span[1] < span[0]:
            raise typer.BadParameter(f"{part!r} ends before it begins; write it as 2025-01-28..2025-02-03")
        spans.append(span)
    return tuple(spans)


Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
CertificateDraws = Annotated[
    int,
    typer.Option(
        "--draws",
        metavar="N",
        min=0,
        max=100_000,
        help="Most futures the certificate's probability is played on; 0 plays none and tells none.",
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", help="Seed of everything random: the same seed repeats the run to the byte.")
]
Effort = Annotated[
    float | None,
    typer.Option(
        "--effort",
        metavar="X",
        help="How much is searched, counted in moves: the same seed and effort repeat the plan to the byte. "
        "1 is up to two minutes; else plan.effort.",
    ),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        metavar="SECONDS",
        help="Emergency brake: when it cuts in, the best plan so far is the plan, and it says how many of the moves due "
        "were made; else plan.time_limit_seconds.",
    ),
]
Language = Annotated[
    str | None,
    typer.Option(
        "--lang",
        help="Languages, joined by commas: zh, en; by default that of `radar --lang` or a Chinese locale, else both.",
    ),
]
Closed = Annotated[
    list[str] | None,
    typer.Option(
        "--closed",
        metavar="FROM..TO",
        help="Days on which the whole network rested, so that days without rows mean zero and are not unknown; may be repeated.",
    ),
]
Bridge = Annotated[
    bool,
    typer.Option("--bridge", help="Go on although more than a week before the as-of date holds no rows."),
]


def _require_order(context: typer.Context, option: typer.CallbackParam, day: date | None) -> date | None:
    """Refuse a last day before the first, whichever of the two was typed first."""
    days = {**context.params, option.name: day}
    first, last = days.get("first"), days.get("last")
    if first is not None and last is not None and last < first:
        raise typer.BadParameter(f"--to {last} lies before --from {first}; give the earlier day as --from")
    return day


FirstDay = Annotated[
    date | None,
    typer.Option(
        "--from", parser=parse_day, callback=_require_order, metavar="DATE", help="First day, e.g. 2025-11-03."
    ),
]
LastDay = Annotated[
    date | None, typer.Option("--to", parser=parse_day, callback=_require_order, metavar="DATE", help="Last day.")
]
EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="ENGINE",
        help="Where it is played: local, processes, ray, or ray://HOST:PORT; the same bytes come out. Else stress.engine.",
    ),
]


def engine_of(workspace: Workspace, word: str | None) -> Engine:
    """Return the engine asked for, else that of ``radar.toml``.

    Raises
    ------
    RadarError
        For an engine there is none of.
    """
    from cli.console import warn
    from data.engines import choose_engine

    settings = workspace.settings.stress
    return choose_engine(settings.engine if word is None else word, settings.workers, warn)


def parse_as_of(text: str, zone: ZoneInfo) -> datetime:
    """Read a moment, in a zone where it names none; a date alone is its end."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    if moment is None or len(text.strip()) <= len("2025-11-12"):
        return datetime.combine(parse_day(text) + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
