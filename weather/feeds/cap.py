"""Warnings as CAP 1.2 XML (OASIS Common Alerting Protocol): one alert a file, checked against the schema beside this module.

Format: docs.oasis-open.org/emergency/cap/v1.2. A polygon is ``lat,lon lat,lon …``, a circle ``lat,lon km``: latitude first,
where GeoJSON has longitude first. Entities are never resolved and a document type is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from data.areas import area_text, read_area
from data.errors import RadarError
from weather.feeds.alerts import PART, colour_of, warnings_frame
from weather.feeds.circles import circle_ring
from weather.feeds.reading import Reading, join_readings
from weather.feeds.rules import FEEDS

PROVIDER: Final = "cap"
NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"

FIELDS: Final = (
    ("identifier", "text", "warning_id"),
    ("sent", "time with offset", "issued_at"),
    ("status, msgType, references", "words", "status, message_type, supersedes"),
    ("event", "text", "kind"),
    ("onset, effective, expires", "time with offset", "onset, expires"),
    ("severity, parameter, headline", "words", "severity (colour)"),
    ("polygon", "latitude,longitude pairs", "area (GeoJSON, longitude first)"),
    ("circle", "latitude,longitude and km", "area"),
    ("geocode", "region_id with geometry", "area"),
)
"""Element, its form, and the column of ``weather_warnings`` it becomes."""

_INDEXES = ("feed", "rss", "RDF")
_LANGUAGES = ("zh", "en")
_COLOUR_PARAMETERS = ("color", "colour", "awareness_level", "颜色", "预警颜色", "severitycolor")

Shapes = Mapping[str, Mapping[str, Any]]


def recognises(head: bytes) -> bool:
    """Whether a file's first bytes are XML's."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def parse_xml(content: bytes, *, file: str) -> Any:
    """Parse XML without entities, document type or network.

    Raises
    ------
    RadarError
        When it is no XML, or declares a document type.
    """
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise RadarError(
            f"no readable XML ({str(error)[:160]})", "a CAP 1.2 alert", "fetch it again", file=file
        ) from error
    if root.getroottree().docinfo.doctype:
        raise RadarError("XML with a document type", "a CAP 1.2 alert without one", "name another file", file=file)
    return root


def parse(content: bytes, shapes: Shapes | None = None, *, file: str = "answer") -> Reading:
    """Parse one alert.

    Parameters
    ----------
    content
        The bytes of the file.
    shapes
        Code or name of a region -> GeoJSON geometry, for areas told by geocode.
    file
        Named in errors.

    Returns
    -------
    Reading
        One warning for each ``info`` in Chinese, else in English, else in the first language; its areas are joined.

    Raises
    ------
    RadarError
        When it is no CAP 1.2 alert. A single info that cannot be placed is set apart; the others stay.
    """
    from lxml import etree

    root = parse_xml(content, file=file)
    name = etree.QName(root)
    if name.localname in _INDEXES:
        raise RadarError(
            "an index of alerts", "one CAP 1.2 alert a file", "read it with `radar weather fetch cap`", file=file
        )
    schema = _schema()
    if not schema.validate(root):
        first = schema.error_log[0]
        raise RadarError(
            f"XML that is no CAP 1.2 alert ({first.message[:200]})",
            "an alert by the schema",
            "correct it",
            file=file,
            row=first.line,
        )
    identifier, sender = _text(root, "identifier") or "", _text(root, "sender")
    issued = _moment(root, "sent", file)
    common = {
        "issued_at": issued,
        "status": (_text(root, "status") or "Actual").lower(),
        "source": sender,
    }
    message = (_text(root, "msgType") or "Alert").lower()
    supersedes = "|".join(
        each.split(",")[1] for each in (_text(root, "references") or "").split() if each.count(",") >= 2
    )
    kind = {"update": "update", "cancel": "cancel"}.get(message, "alert")
    if message in ("ack", "error"):
        raise RadarError(f"a message of type {message}", "Alert, Update or Cancel", "leave it out", file=file)
    if kind == "cancel" and not supersedes:
        raise RadarError("a cancellation that names no alert", "references", "correct it", file=file)
    common |= {"message_type": kind if supersedes else "alert", "supersedes": supersedes or None}
    infos = _in_one_language(root.findall(f"{{{NAMESPACE}}}info"))
    rows, apart = [], dict[str, str]()
    for number, info in enumerate(infos, start=1):
        key = identifier if len(infos) == 1 else f"{identifier}{PART}{number}"
        try:
            rows.append(common | _warning(info, key, issued, shapes or {}, file, needs_area=kind != "cancel"))
        except RadarError as error:
            apart[key] = str(error)
    if not infos:
        if kind != "cancel":
            raise RadarError("an alert without info", "at least one", "correct it", file=file)
        rows.append(common | _bare_cancel(identifier, issued))
    return Reading(join_readings([]), PROVIDER, "forecasts", warnings=warnings_frame(rows), set_apart=apart)


def _warning(info: Any, key: str, issued: datetime, shapes: Shapes, file: str, *, needs_area: bool) -> dict[str, Any]:
    onset = _moment(info, "onset", file, "effective") if _text(info, "onset") or _text(info, "effective") else issued
    expires = _moment(info, "expires", file) if _text(info, "expires") else onset + timedelta(hours=FEEDS.without_end)
    if expires < onset:
        raise RadarError(f"warning {key} that ends before it begins", "expires after onset", "correct it", file=file)
    event = _text(info, "event")
    fields = {
        (_text(each, "valueName") or "").lower(): _text(each, "value") or ""
        for each in info.findall(f"{{{NAMESPACE}}}parameter")
    }
    colour = next((fields[name] for name in _COLOUR_PARAMETERS if name in fields), "")
    # Meteoalarm writes "3; orange; Severe"
    colour = next((part.strip() for part in colour.split(";") if not part.strip().isdigit()), "")
    words = " ".join(_text(info, name) or "" for name in ("headline", "event"))
    try:
        area = _area(info, shapes, file)
    except RadarError:
        if needs_area:
            raise
        area = _NOWHERE
    return {
        "warning_id": key,
        "kind": event,
        "severity": colour_of(colour, _text(info, "severity") or "", words),
        "onset": onset,
        "expires": expires,
        "area": area,
        "source": _text(info, "senderName"),
        "certainty": (_text(info, "certainty") or "").lower() or None,
        "urgency": (_text(info, "urgency") or "").lower() or None,
        "text": _text(info, "description") or _text(info, "headline"),
    }


# the area of a message that acts nowhere: a cancellation that repeats no area
_NOWHERE = '{"type":"Polygon","coordinates":[[[0,0],[0.0001,0],[0,0.0001],[0,0]]]}'


def _bare_cancel(identifier: str | None, issued: datetime) -> dict[str, Any]:
    return {
        "warning_id": identifier,
        "kind": "cancellation",
        "severity": "blue",
        "onset": issued,
        "expires": issued + timedelta(hours=1),
        "area": _NOWHERE,
    }


def _area(info: Any, shapes: Shapes, file: str) -> str:
    """The areas of an info as one GeoJSON text, longitude first."""
    import shapely

    parts, missing = [], []
    for area in info.findall(f"{{{NAMESPACE}}}area"):
        drawn = [_polygon(text, file) for text in _texts(area, "polygon")]
        drawn += [ring for ring in (_circle(text, file) for text in _texts(area, "circle")) if ring]
        parts += [read_area(json.dumps({"type": "Polygon", "coordinates": [ring]})).shape for ring in drawn]
        if drawn:
            continue
        codes = [_text(each, "value") or "" for each in area.findall(f"{{{NAMESPACE}}}geocode")]
        known = [shapes[each] for each in (*codes, _text(area, "areaDesc") or "") if each in shapes]
        parts += [read_area(json.dumps(shape)).shape for shape in known[:1]]
        if not known:
            missing.append(", ".join(filter(None, codes)) or _text(area, "areaDesc") or "no name")
    if not parts:
        named = "; ".join(missing)[:160] or "nothing"
        raise RadarError(
            f"an area told only as {named}",
            "a polygon, a circle, or a geocode that is a region_id with geometry",
            "`radar load regions FILE.geojson` with these codes",
            file=file,
        )
    return area_text(shapely.union_all(parts))


def _polygon(text: str, file: str) -> list[list[float]]:
    """Latitude,longitude pairs as a ring of (longitude, latitude)."""
    ring = [[longitude, latitude] for latitude, longitude in (_pair(each, file) for each in text.split())]
    return ring if ring and ring[0] == ring[-1] else [*ring, *ring[:1]]


def _circle(text: str, file: str) -> list[list[float]]:
    centre, _, radius = text.strip().partition(" ")
    latitude, longitude = _pair(centre, file)
    try:
        size = float(radius)
    except ValueError as error:
        raise RadarError(f"circle {text[:60]!r}", "lat,lon and a radius in km", "correct it", file=file) from error
    if not 0.0 <= size <= 5000.0:
        raise RadarError(f"circle of {size:g} km", "0 to 5,000 km", "correct it", file=file)
    return circle_ring(latitude, longitude, [size] * 32) if size > 0.0 else []


def _pair(text: str, file: str) -> tuple[float, float]:
    first, _, second = text.partition(",")
    try:
        latitude, longitude = float(first), float(second)
    except ValueError as error:
        raise RadarError(f"{text[:60]!r}", "latitude,longitude", "correct the alert", file=file) from error
    if not (abs(latitude) <= 90.0 and abs(longitude) <= 180.0):
        swapped = ": CAP has latitude first" if abs(longitude) <= 90.0 else ""
        raise RadarError(
            f"latitude {latitude:g}, longitude {longitude:g}{swapped}", "degrees", "correct the alert", file=file
        )
    return latitude, longitude


def _in_one_language(infos: list[Any]) -> list[Any]:
    """The infos of one language: an alert repeats them in each."""
    languages = [(_text(info, "language") or "en-US").lower() for info in infos]
    for start in (*_LANGUAGES, *languages[:1]):
        chosen = [info for info, language in zip(infos, languages, strict=True) if language.startswith(start)]
        if chosen:
            return chosen
    return infos


@lru_cache(maxsize=1)
def _schema() -> Any:
    from lxml import etree

    return etree.XMLSchema(etree.parse(str(Path(__file__).with_name("cap12.xsd"))))


def _texts(node: Any, name: str) -> list[str]:
    return [(child.text or "").strip() for child in node.findall(f"{{{NAMESPACE}}}{name}")]


def _text(node: Any, name: str) -> str | None:
    found = _texts(node, name)
    return found[0] if found and found[0] else None


def _moment(node: Any, name: str, file: str, other: str | None = None) -> datetime:
    text = _text(node, name) or (_text(node, other) if other else None)
    try:
        moment = datetime.fromisoformat(str(text))
        if moment.tzinfo is None:
            raise ValueError("no offset")
    except ValueError as error:
        raise RadarError(f"{name} {str(text)[:40]!r}", "a time with offset", "correct the alert", file=file) from error
    return moment
