"""One of a thing: sentences are written for many, and where the number is 1 the noun and the verb beside it follow."""

from __future__ import annotations

import re

_NOUNS = (
    "answer|area|byte|case|cell|change|column|count|courier|cut|day|demand|departure|draw|edit|edition|event|feature|file|flow|"
    "future|gap|hour|hub|id|incident|kind|lane|line|merchant|minute|month|neighbourhood|night|order|outlet|page|parcel|"
    "place|plan|point|promotion|region|result|route|row|rule|run|scenario|second|sheet|shortfall|sort|step|"
    "stop|table|task|time|trip|unit|value|vehicle|version|violation|warehouse|warning|waybill|week|year"
)
_VERBS = {"are": "is", "were": "was", "have": "has", "do": "does"}
_PLAIN_VERBS = "break|count|differ|exceed|hold|keep|lead|leave|lie|need|overflow|stand|stay|wait"
# Not within a number, a date or an id: 2,001 rows, 11-1 rows, A1 rows; a version or day counts nothing.
_ONE = re.compile(
    rf"(?<![\w.,:/%–-])(?P<one>1 (?:(?:more|common|other|different|own|free|whole|earlier|later|weather) )?)"
    rf"(?P<noun>{_NOUNS})s\b(?: (?P<verb>{'|'.join(_VERBS)}|{_PLAIN_VERBS})\b)?"
)


def tell_one(text: str) -> str:
    """Return a sentence in which 1 stands before one thing.

    Examples
    --------
    >>> tell_one("hubs: 1 rows read, 1 taken; 21 rows left, 1 of 20 rows is a sum")
    'hubs: 1 row read, 1 taken; 21 rows left, 1 of 20 rows is a sum'
    >>> tell_one("1 parcels wait and 1 vehicles are away on 2025-11-1 days")
    '1 parcel waits and 1 vehicle is away on 2025-11-1 days'
    """
    return _ONE.sub(_write_one, text) if "1 " in text else text


def _write_one(found: re.Match[str]) -> str:
    verb = found["verb"]
    subject = f"{found['one']}{found['noun']}"
    return subject if verb is None else f"{subject} {_VERBS.get(verb, f'{verb}s')}"
