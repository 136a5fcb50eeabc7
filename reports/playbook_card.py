"""Cards of a playbook: a sheet a scenario, for the wall of the control room: what happens, what to do first, what it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

import polars as pl
from markupsafe import Markup

from reports.formats import Formats, Language
from reports.messages import Messages
from reports.page import render
from reports.run_facts import RunFacts
from reports.tables import in_language

_SHOWN = 6  # answers on a card


@dataclass(frozen=True)
class Card:
    """A scenario: its name, its incidents as rows of ``incidents``, its answers as rows of ``playbooks``, the best first."""

    name: str
    incidents: Sequence[Mapping[str, Any]]
    answers: Sequence[Mapping[str, Any]]


def write_cards(cards: Sequence[Card], hubs: pl.DataFrame, run: RunFacts, language: Language, zone: tzinfo) -> str:
    """Write the cards of a playbook as one page that prints a card a sheet.

    Parameters
    ----------
    cards
        Scenarios with their ranked answers.
    hubs
        Names of hubs.
    run
        The run that ranked them.
    language
        ``"zh"`` or ``"en"``.
    zone
        Of the plan's days: the clock on the wall beside the cards.
    """
    t, f = Messages(language), Formats(language)
    names = dict(in_language(hubs, language).select("hub_id", "name").iter_rows())
    cards_shown = [
        {
            "anchor": f"card-{number}",
            "name": card.name,
            "happens": [_tell_incident(one, t, names, zone) for one in card.incidents],
            "steps": [_tell_answer(row, t, f, names) for row in card.answers[:_SHOWN]],
            "nothing": _tell_nothing(card, t, f),
        }
        for number, card in enumerate(cards, start=1)
    ]
    contents = [(card["anchor"], card["name"]) for card in cards_shown]
    plan = run.options.get("plan", "")
    values = {"cards": cards_shown, "contents": contents, "further_facts": [], "plan": plan}
    return render("playbook.html.j2", language, run, values)


def _tell_incident(row: Mapping[str, Any], t: Messages, names: Mapping[str, str], zone: tzinfo) -> Markup:
    where = row.get("hub_id") and names.get(row["hub_id"], row["hub_id"])
    places = [where, row.get("lane_id"), row.get("vehicle_type_id"), row.get("region_id"), row.get("merchant_id")]
    place = " ".join(str(one) for one in [*places, row.get("courier_id")] if one) or t.plain("playbook.everywhere")
    starts, ends = (_by_clock(row[name], zone) for name in ("starts_at", "ends_at"))
    shown = ends - timedelta(minutes=1) if (ends.hour, ends.minute) == (0, 0) else ends
    return t(
        f"incident.{row['kind']}",
        place=place,
        start=_moment(starts),
        end=_moment(shown),
        amount="" if row.get("amount") is None else f"{row['amount']:g}",
        percent="" if row.get("amount") is None else f"{row['amount']:.0%}",
    )


def _by_clock(at: datetime, zone: tzinfo) -> datetime:
    """Bring a moment to the zone; one without an offset stands in it already."""
    return at if at.tzinfo is None else at.astimezone(zone)


def _moment(at: datetime) -> str:
    return at.strftime("%m-%d %H:%M")


def _tell_answer(row: Mapping[str, Any], t: Messages, f: Formats, names: Mapping[str, str]) -> dict[str, Any]:
    places = [names.get(one, one) for one in (row["place"] or "").split("|") if one]
    amount = row["amount"]
    days = "" if row["date_from"] is None else f.day_text(row["date_from"])
    if row["date_to"] is not None and row["date_to"] != row["date_from"]:
        days += f" – {f.day_text(row['date_to'])}"
    return {
        "rank": row["rank"],
        "name": t(f"answer.{row['answer']}"),
        "how": t(
            f"answer_how.{row['answer']}",
            place=t.plain("playbook.comma").join(places),
            days=days,
            amount="" if amount is None else f.count(amount),
            percent="" if amount is None else f.percent(amount),
        ),
        "notice": f.count(row["notice_hours"]),
        "overflow": _probability(row, t, f),
        "over": f.figure(row["expected_overflow"]),
        "late": f.percent(row["late"], 1),
        "price": f.money(row["price"]),
        "cost": f.money(row["cost_change"]),
    }


def _tell_nothing(card: Card, t: Messages, f: Formats) -> Markup:
    row = next(one for one in card.answers if one["answer"] == "nothing")
    return t("playbook.nothing", probability=_probability(row, t, f), over=f.figure(row["expected_overflow"]))


def _probability(row: Mapping[str, Any], t: Messages, f: Formats) -> Markup:
    """Write a probability, never as 0 %."""
    if row["overflow_probability"] == 0:
        return t("playbook.below", share=f.percent(row["overflow_high"], 1))
    return f.percent(row["overflow_probability"], 1)
