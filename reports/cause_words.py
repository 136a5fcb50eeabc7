"""The causes of weather on a lane, written in the language of a report.

The tables hold them in English in a few fixed forms; a part that follows none of these stays as it stands.
"""

from __future__ import annotations

import re

from reports.messages import Messages

_PLACE = re.compile(
    r"(?P<what>.+) near (?P<latitude>-?[\d.]+), (?P<longitude>-?[\d.]+) at (?P<time>\d\d-\d\d \d\d:\d\d)"
)
_WARNING = re.compile(r"warning (?P<kind>\S+) (?P<severity>\w+) \((?P<name>.*)\)(?P<unknown>, no effect known)?")
_NUMBER = r"(?P<n>-?[\d.]+)"
_FORMS = {
    "snow": re.compile(rf"snow {_NUMBER} mm/h"),
    "snow_before": re.compile("snow of the hours before"),
    "rain": re.compile(rf"rain {_NUMBER} mm/h"),
    "rain_before": re.compile("rain of the hours before"),
    "visibility": re.compile(rf"visibility {_NUMBER} m"),
    "ice": re.compile(rf"freezing rain at {_NUMBER} °C"),
    "wind": re.compile(rf"wind {_NUMBER} m/s"),
    "cold": re.compile(rf"cold {_NUMBER} °C"),
    "closed": re.compile("closed in this scenario"),
}


class CauseWords:
    """Writes causes in the language of the messages."""

    def __init__(self, messages: Messages) -> None:
        self._t = messages

    def __call__(self, cause: str | None) -> str:
        """Write a ``cause`` of ``lane_weather`` or ``outlet_weather`` as plain text."""
        if not cause:
            return ""
        if self._t.language == "en":
            return "; ".join(map(self._name_kind, cause.split("; ")))
        return self._t.plain("word.semicolon").join(self._part(part) for part in cause.split("; "))

    def _name_kind(self, text: str) -> str:
        """Name the kind of a warning in English, whatever its service calls it."""
        warning = _WARNING.fullmatch(text)
        if warning is None:
            return text
        return text.replace(warning["kind"], self._t.term("warning_kind", warning["kind"]), 1)

    def _part(self, text: str) -> str:
        warning = _WARNING.fullmatch(text)
        if warning is not None:
            kind, severity = (
                self._t.term("warning_kind", warning["kind"]),
                self._t.term("severity", warning["severity"]),
            )
            key = "cause.warning_unknown" if warning["unknown"] else "cause.warning"
            return self._t.plain(key).format(kind=kind, severity=severity, name=warning["name"])
        place = _PLACE.fullmatch(text)
        if place is None:
            return self._what(text)
        return self._t.plain("cause.place").format(**{**place.groupdict(), "what": self._what(place["what"])})

    def _what(self, text: str) -> str:
        values = [self._value(value) for value in text.split(", ")]
        return text if None in values else self._t.plain("word.comma").join(map(str, values))

    def _value(self, text: str) -> str | None:
        for name, form in _FORMS.items():
            found = form.fullmatch(text)
            if found is not None:
                return self._t.plain(f"cause.{name}").format(**found.groupdict())
        return None
