"""The planner's sentences about shortfalls, written in the language of a report.

The table ``shortfalls`` holds them in English, in a few fixed forms. What follows none of these forms stays as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from reports.messages import Messages, in_number

_DAY = r"(?P<day>\d{4}-\d{2}-\d{2})"
_SORT = rf"{_DAY}(?: in sort (?P<sort>.+))?"
_ACTIONS = {
    "sort": re.compile(rf"(?P<n>[\d,]+) parcels more sort capacity at (?P<hub>.+?) on {_SORT}"),
    "staging": re.compile(rf"room for (?P<n>[\d,]+) sorted parcels more at (?P<hub>.+?) after {_SORT}"),
    "night": re.compile(rf"room for (?P<n>[\d,]+) parcels more at (?P<hub>.+?) in the night after {_SORT}"),
    "vehicle": re.compile(rf"(?P<n>[\d,]+) more (?P<type>.+?) on (?P<lane>.+) on {_DAY}(?P<back> \(and back\))?"),
    "vehicle_priced": re.compile(
        rf"(?P<n>[\d,]+) more (?P<type>.+?) on (?P<lane>.+) on {_DAY} \((?P<cost>[\d,]+) CNY\)(?P<locked>, beyond departure_locks)?"
    ),
}
_REASONS = {
    "closed_on": re.compile(rf"hub (?P<hub>.+) is closed on {_DAY}"),
    "closed_until": re.compile(rf"hub (?P<hub>.+) is closed until {_DAY}"),
    "none_leaves": re.compile(r"no lane with a vehicle leaves hub (?P<hub>.+)"),
    "none_reaches": re.compile(r"no lane with a vehicle reaches hub (?P<hub>.+)"),
    "no_way": re.compile(rf"no lanes lead from (?P<start>.+) to (?P<end>.+) by {_DAY}"),
    "dear_way": re.compile(r"carrying costs (?P<price>[\d,.]+) CNY a parcel, a shortfall (?P<short>[\d,.]+)"),
    "dear_vehicles": re.compile(
        r"vehicles for them cost (?P<price>[\d,.]+) CNY a parcel, a shortfall (?P<short>[\d,.]+)"
    ),
    "search_ended": re.compile(r"the search ended before it found the room there is"),
    "no_return": re.compile(r"own vehicles \((?P<types>.+)\) cannot return over any lanes from (?P<lanes>.+)"),
}
_REMEDIES = {
    "hand_in_elsewhere": re.compile(r"hand the parcels in at another hub than (?P<hub>.+)"),
    "direct_elsewhere": re.compile(r"direct the parcels to another hub than (?P<hub>.+)"),
    "lane_from": re.compile(r"a lane from (?P<hub>.+)"),
    "lane_to": re.compile(r"a lane to (?P<hub>.+)"),
    "lane_towards": re.compile(r"a lane towards (?P<hub>.+), or a later last day"),
    "short_cost": re.compile(r"a short_cost above (?P<price>[\d,.]+)"),
    "longer": re.compile(r"a longer --time-limit"),
    "hired": re.compile(r"hired vehicles on (?P<lanes>.+), or lanes that lead (?P<types>.+) from (?P<back>.+)"),
    "path_rules": re.compile(
        r"a larger plan\.max_legs, plan\.max_detour_ratio or plan\.max_detour_km, or a lane of its own"
    ),
}
_CLAIM = re.compile(
    r"(?P<actions>.+) carr(?:y|ies) (?P<share>[\d.]+) % of (?:it|the (?P<all>[\d,]+) parcels short here) for (?P<cost>[\d,]+) CNY "
    r"in all, (?P<per>[\d,.]+) CNY a parcel"
)
_MORE = re.compile(r"(?P<actions>.+) carr(?:y|ies) (?P<share>[\d.]+) % for (?P<cost>[\d,]+) CNY")
_UNVERIFIED = " (not verified by planning again)"
_NO_ROOM = "no room on the cheapest way: "
_REFUSED = "only a path no planner accepts: "


class FixWords:
    """Writes fixes and reasons in the language of the messages."""

    def __init__(self, messages: Messages) -> None:
        self._t = messages

    def fix(self, text: str | None) -> str:
        """Write a ``cheapest_fix`` as plain text."""
        if not text:
            return ""
        remedy = _match(_REMEDIES, text.removesuffix(_UNVERIFIED))
        if remedy is not None:
            actions = self._say(f"remedy.{remedy[0]}", **remedy[1])
            return self._say("fix.unverified", actions=actions) if text.endswith(_UNVERIFIED) else actions
        if text.endswith(_UNVERIFIED):
            lacks = [self._action(part) for part in text.removesuffix(_UNVERIFIED).split("; ")]
            return (
                text
                if None in lacks
                else self._say("fix.unverified", actions=self._t.plain("word.comma").join(map(str, lacks)))
            )
        parts = [self._claim(part) for part in text.split("; ")]
        return text if None in parts else self._t.plain("fix.stop").join(map(str, parts))

    def reason(self, text: str) -> str:
        """Write a ``reason`` as plain text; what binds stands in a column of its own."""
        known = next((start for start in (_NO_ROOM, _REFUSED) if text.startswith(start)), None)
        if known is None:
            form = _match(_REASONS, text)
            return self._t.term("reason", text) if form is None else self._say(f"reason_form.{form[0]}", **form[1])
        reason = self._t.term("reason", known.removesuffix(": "))
        # the lanes of a path stand nowhere else
        return reason if known == _NO_ROOM else f"{reason}: {text.removeprefix(known)}"

    def _claim(self, text: str) -> str | None:
        for key, form in (("fix.claim", _CLAIM), ("fix.more", _MORE)):
            found = form.fullmatch(text)
            if found is None:
                continue
            actions = [self._action(part) for part in found["actions"].split(" and ")]
            if None in actions:
                return None
            values = {name: value for name, value in found.groupdict().items() if name not in ("actions", "all")}
            whole = found.groupdict().get("all")
            of = self._say("fix.of_all", n=whole) if whole else self._t.plain("fix.of_it")
            return self._say(key, actions=self._t.plain("fix.and").join(map(str, actions)), of=of, **values)
        return None

    def _action(self, text: str) -> str | None:
        for kind, form in _ACTIONS.items():
            found = form.fullmatch(text)
            if found is None:
                continue
            values = found.groupdict()
            if found.groupdict().get("sort"):
                values["day"] = self._say("fix.in_sort", day=found["day"], sort=found["sort"])
            if kind == "vehicle":
                values["back"] = self._t.plain("fix.back") if found["back"] else ""
            if kind == "vehicle_priced":
                values["locked"] = self._t.plain("fix.locked") if found["locked"] else ""
            return self._say(f"fix.{kind}", **values)
        return None

    def _say(self, key: str, **values: str | None) -> str:
        return in_number(self._t.plain(key), values).format(**values)


def _match(forms: Mapping[str, re.Pattern[str]], text: str) -> tuple[str, dict[str, str]] | None:
    """Find the form a text follows, and what stands in it."""
    for key, form in forms.items():
        found = form.fullmatch(text)
        if found is not None:
            return key, found.groupdict()
    return None
