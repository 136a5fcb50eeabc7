"""The charts of the reports, as Altair specifications drawn once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from markupsafe import Markup

from reports.drawing import colour, draw, ticks
from reports.formats import Formats
from reports.messages import Messages

if TYPE_CHECKING:
    import altair as alt

_WIDTH, _HEIGHT = 1000, 320
_LABEL_ROW = 17
_Values = list[dict[str, Any]]


@dataclass(frozen=True)
class EventMark:
    """An event on the time axis."""

    label: str
    first: date
    last: date
    peak: date | None


def path_chart(
    ahead: pl.DataFrame,
    past: pl.DataFrame,
    then: pl.DataFrame,
    events: Sequence[EventMark],
    formats: Formats,
    messages: Messages,
) -> Markup:
    """Draw the network's path: the past, the forecast with its bands, the edition before, events.

    Parameters
    ----------
    ahead
        ``date``, ``mean``, ``q10``, ``q25``, ``q75``, ``q90`` [parcels/day], sorted by date.
    past, then
        ``date``, ``parcels``: days before the forecast; days of the edition before, laid over the forecast's days.
    events
        What to mark.
    """
    import altair as alt

    first = min(ahead["date"][0], past["date"][0]) if past.height else ahead["date"][0]
    span = (ahead["date"][-1] - first).days
    highest = max(_top(ahead, "q90"), _top(ahead, "mean"), _top(past, "parcels"), _top(then, "parcels"))
    rows = _label_rows(events, first, span)
    labels_height = _LABEL_ROW * (max(rows, default=-1) + 1)
    scale_y = alt.Scale(domain=[0, ticks(highest)[-1]], nice=False, range=[_HEIGHT, labels_height + 4])
    x = _day_axis(first, span, formats)
    y = _count_axis("v", ticks(highest), scale_y, formats)

    layers: list[alt.Chart] = _event_layers(events, rows, first, span, x)
    layers += [
        _area(ahead, "q10", "q90", first, "band", x, scale_y),
        _area(ahead, "q25", "q75", first, "band-inner", x, scale_y),
        _line(_points(past, "parcels", first), "past", x, y, width=1.6),
        _line(_points(then, "parcels", first), "then", x, y, width=1.6, dash=[5, 4]),
        _line(_points(ahead, "mean", first), "accent", x, y, width=2.6),
    ]
    peak = ahead.sort("mean", descending=True, maintain_order=True).head(1)
    layers.append(
        alt.Chart(alt.InlineData(values=_points(peak, "mean", first)))
        .mark_point(filled=True, size=70, color=colour("accent"), opacity=1)
        .encode(x=x, y=y)
    )
    layers.append(_hover(_day_texts(ahead, past, then, formats, messages), first, x, labels_height))
    chart = alt.layer(*layers).properties(width=_WIDTH, height=_HEIGHT)
    return draw(chart, "path", messages.plain("chart.path"))


def waterfall_chart(steps: Sequence[tuple[str, float, float]], formats: Formats, messages: Messages) -> Markup:
    """Draw how the peak day comes about: baseline, what each factor adds or takes, the forecast."""
    import altair as alt

    final = steps[-1][2]
    bars = [*steps, ("forecast", 0.0, final)]
    marks = ticks(max(max(start, end) for _, start, end in bars))
    width, height = 470, 230
    values: _Values = []
    for number, (name, start, end) in enumerate(bars):
        whole = name in ("baseline", "forecast")
        change = end if whole else end - start
        tone = "past" if name == "baseline" else "accent" if whole else "up" if change >= 0 else "down"
        sign = "" if whole or round(change) == 0 else "+" if change > 0 else ""
        word = messages.plain(f"waterfall.{name}")
        text = f"{sign}{formats.bar_text(change)}"
        values.append(
            {
                "n": number, "name": word, "a": start, "b": end, "top": max(start, end),
                "text": text, "tone": colour(tone), "tip": f"{word}: {sign}{formats.figure_text(change)}",
            }
        )  # fmt: skip
    links: _Values = [{"n": n, "n2": n + 1, "v": step[2]} for n, step in enumerate(bars[:-1])]
    words = {row["n"]: row["name"] for row in values}
    scale_x = alt.Scale(domain=[-0.55, len(bars) - 0.45], nice=False)
    x = alt.X("n:Q", scale=scale_x, axis=_axis(list(words), words))
    y = _count_axis("a", marks, alt.Scale(domain=[0, marks[-1]], nice=False), formats)
    data = alt.InlineData(values=values)
    bar = (
        alt.Chart(data)
        .mark_bar(size=56, cornerRadius=2)
        .encode(x=x, y=y, y2="b:Q", color=alt.Color("tone:N", scale=None), description="tip:N")
    )
    text = (
        alt.Chart(data)
        .mark_text(dy=-9, fontSize=12, fontWeight="bold", color=colour("ink"))
        .encode(x=x, y=alt.Y("top:Q"), text="text:N")
    )
    rule = (
        alt.Chart(alt.InlineData(values=links))
        .mark_rule(color=colour("soft"), strokeDash=[2, 3], opacity=0.7)
        .encode(x=alt.X("n:Q"), x2="n2:Q", y=alt.Y("v:Q"))
    )
    chart = alt.layer(rule, bar, text).properties(width=width, height=height)
    return draw(chart, "waterfall", messages.plain("chart.waterfall"))


def departures_chart(
    days: pl.DataFrame, tones: Mapping[str, str], names: Mapping[str, str], formats: Formats, messages: Messages
) -> Markup:
    """Draw departures by day, stacked by who runs them.

    Parameters
    ----------
    days
        ``date``, ``series``, ``departures``, ``parcels``.
    tones, names
        Colour name and word of each series; their order is the order of the stack, from the ground up.
    """
    import altair as alt

    first: date = min(days["date"])
    span = (max(days["date"]) - first).days
    order = {name: number for number, name in enumerate(tones)}
    stacked = (
        days.with_columns(pl.col("series").replace_strict(order, return_dtype=pl.Int64).alias("place"))
        .sort("date", "place")
        .with_columns(pl.col("departures").cum_sum().over("date").alias("top"))
        .with_columns((pl.col("top") - pl.col("departures")).alias("ground"))
    )
    marks = ticks(_top(stacked, "top"))
    values: _Values = [
        {
            "d": (row["date"] - first).days,
            "a": row["ground"],
            "b": row["top"],
            "tone": colour(tones[row["series"]]),
            "tip": f"{formats.day_text(row['date'], weekday=True)} · {names[row['series']]}: "
            f"{row['departures']:,} {messages.plain('unit.departures')}, "
            f"{row['parcels']:,} {messages.plain('unit.parcels')}",
        }
        for row in stacked.filter(pl.col("departures") > 0).iter_rows(named=True)
    ]
    width = _WIDTH
    chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar(size=max(1, min(44, int(0.66 * width / (span + 1)))))
        .encode(
            x=_day_axis(first, span, formats, pad=0.5),
            y=_count_axis("a", marks, alt.Scale(domain=[0, marks[-1]], nice=False), formats),
            y2="b:Q",
            color=alt.Color("tone:N", scale=None),
            description="tip:N",
        )
    )
    layered = alt.layer(chart).properties(width=width, height=240)
    return draw(layered, "departures", messages.plain("chart.departures"))


def _axis(values: Sequence[float], words: Mapping[Any, str]) -> alt.Axis:
    import json

    import altair as alt

    table = json.dumps({f"{value:g}": words[value] for value in values}, ensure_ascii=False)
    return alt.Axis(values=list(values), labelExpr=f"({table})[format(datum.value, '.6~g')]", title=None)


def _count_axis(field: str, marks: Sequence[float], scale: alt.Scale, formats: Formats) -> alt.Y:
    import altair as alt

    # Large values do not survive as keys of a table of texts; their place in the list does.
    texts = [formats.axis(mark) for mark in marks]
    step = marks[1] - marks[0]
    expression = f"{texts!r}[round(datum.value / {step!r})]"
    axis = alt.Axis(values=list(marks), labelExpr=expression, title=None)
    return alt.Y(f"{field}:Q", scale=scale, axis=axis)


def _day_axis(first: date, span: int, formats: Formats, pad: float = 0.0) -> alt.X:
    import altair as alt

    step = next((days for days in (1, 2, 7, 14, 28, 56) if span / days <= 14), 91)
    # Weekly labels stand on Mondays, as planners count weeks.
    start = (7 - first.weekday()) % 7 if step >= 7 else 0
    days = list(range(start, span + 1, step))
    words = {day: formats.day_text(first + timedelta(days=day)) for day in days}
    return alt.X("d:Q", scale=alt.Scale(domain=[-pad, span + pad], nice=False), axis=_axis(days, words))


def _points(frame: pl.DataFrame, column: str, first: date) -> _Values:
    return [
        {"d": (day - first).days, "v": value}
        for day, value in zip(frame["date"].to_list(), frame[column].to_list(), strict=True)
    ]


def _line(values: _Values, tone: str, x: alt.X, y: alt.Y, *, width: float, dash: Sequence[int] = (1, 0)) -> alt.Chart:
    import altair as alt

    # A day without a row is a gap in the line, not a bridge over it.
    known = {row["d"] for row in values}
    gaps = [{"d": day, "v": None} for day in range(min(known), max(known)) if day not in known] if known else []
    data = sorted([*values, *gaps], key=lambda row: row["d"])
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=data))
        .mark_line(
            color=colour(tone),
            strokeWidth=width,
            strokeDash=list(dash),
            strokeJoin="round",
            invalid="break-paths-show-domains",
        )
        .encode(x=x, y=y)
    )
    return chart


def _area(frame: pl.DataFrame, low: str, high: str, first: date, tone: str, x: alt.X, scale: alt.Scale) -> alt.Chart:
    import altair as alt

    values: _Values = [
        {"d": (row["date"] - first).days, "a": row[low], "b": row[high]} for row in frame.iter_rows(named=True)
    ]
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_area(color=colour(tone), opacity=1)
        .encode(x=x, y=alt.Y("a:Q", scale=scale), y2="b:Q")
    )
    return chart


def _label_rows(events: Sequence[EventMark], first: date, span: int) -> list[int]:
    """Return the line each event's label stands on, so that none runs into the next."""
    ends: list[float] = []
    rows = []
    for event in events:
        start, length = _label_place(event, first, span)
        row = next((number for number, end in enumerate(ends) if end < start), len(ends))
        ends[row:] = [start + length + 12, *ends[row + 1 :]]
        rows.append(row)
    return rows


def _label_place(event: EventMark, first: date, span: int) -> tuple[float, float]:
    day = min(max(((event.peak or event.first) - first).days, 0), span)
    length = sum(12.5 if ord(letter) > 0x2E7F else 6.8 for letter in event.label)
    start = day / max(span, 1) * _WIDTH
    # near the end it stands before its line, which would run through it
    fits = start + length <= _WIDTH
    return (start if fits else max(start - length - 8.0, 0.0)), length


def _event_layers(
    events: Sequence[EventMark], rows: Sequence[int], first: date, span: int, x: alt.X
) -> list[alt.Chart]:
    import altair as alt

    if not events:
        return []
    spans: _Values = []
    peaks: _Values = []
    labels: _Values = []
    for event, row in zip(events, rows, strict=True):
        start, end = (min(max((day - first).days, 0), span) for day in (event.first, event.last))
        if end > start:
            spans.append({"d": start, "e": end})
        if event.peak is not None and first <= event.peak <= first + timedelta(days=span):
            peaks.append({"d": (event.peak - first).days})
        place, _ = _label_place(event, first, span)
        labels.append({"p": place + 4, "q": row * _LABEL_ROW + 8, "text": event.label})
    shade = alt.Chart(alt.InlineData(values=spans)).mark_rect(color=colour("shade"), opacity=1)
    rule = alt.Chart(alt.InlineData(values=peaks)).mark_rule(color=colour("event"), strokeWidth=1.2)
    layers = [
        shade.encode(x=x, x2="e:Q", y=alt.value(0), y2=alt.value(_HEIGHT)),
        rule.encode(x=x, y=alt.value(0), y2=alt.value(_HEIGHT)),
    ]
    for label in labels:
        text = alt.Chart(alt.InlineData(values=[{"text": label["text"]}])).mark_text(
            align="left", baseline="middle", fontSize=12, color=colour("event"), limit=320
        )
        layers.append(text.encode(x=alt.value(label["p"]), y=alt.value(label["q"]), text="text:N"))
    return layers


def _hover(texts: Mapping[date, str], first: date, x: alt.X, top: int) -> alt.Chart:
    """Lay an invisible bar over each day that tells its numbers."""
    import altair as alt

    values: _Values = [
        {"d": (day - first).days - 0.5, "e": (day - first).days + 0.5, "tip": text} for day, text in texts.items()
    ]
    mark = alt.Chart(alt.InlineData(values=values)).mark_rect(color=colour("hover"), clip=True)
    chart: alt.Chart = mark.encode(x=x, x2="e:Q", y=alt.value(top), y2=alt.value(_HEIGHT), description="tip:N")
    return chart


def _day_texts(
    ahead: pl.DataFrame, past: pl.DataFrame, then: pl.DataFrame, formats: Formats, messages: Messages
) -> dict[date, str]:
    texts: dict[date, str] = {}
    for row in past.iter_rows(named=True):
        texts[row["date"]] = f"{formats.day_text(row['date'], weekday=True)}: {row['parcels']:,}"
    before = dict(zip(then["date"].to_list(), then["parcels"].to_list(), strict=True))
    for row in ahead.iter_rows(named=True):
        text = f"{formats.day_text(row['date'], weekday=True)}: {row['mean']:,} ({row['q10']:,}–{row['q90']:,})"
        if row["date"] in before:
            text += f" · {messages.plain('chart.then')} {before[row['date']]:,}"
        texts[row["date"]] = text
    return texts


def _top(frame: pl.DataFrame, column: str) -> float:
    value = frame[column].max()
    return float(value) if isinstance(value, int | float) else 0.0
