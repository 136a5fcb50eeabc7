"""The map of a network: hubs by load, lanes by parcels, as inline SVG over the outlines of the regions, if there are any."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    import geopandas

_WIDTH = 1000.0
_EDGE = 26.0
_BESIDE = 0.15  # of the map's reach: how far areas beside the hubs are still shown
# of hubs that carry no load on a map of something else
_UNWEIGHED = 6.0
_MOST_LABELS = 26
_LETTER, _WIDE_LETTER, _LINE = 6.7, 12.2, 14.0
_Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class HubMark:
    """A hub on the map.

    Parameters
    ----------
    hub_id, name
        Its id and name.
    latitude, longitude
        Place [degrees, WGS 84].
    load
        Parcels that decide the size of its circle.
    tone
        ``plain`` (no capacity known), ``good``, ``warn`` or ``bad``.
    overloaded
        Marked with a ring.
    tip
        What is said about it.
    """

    hub_id: str
    name: str
    latitude: float
    longitude: float
    load: float
    tone: str
    overloaded: bool
    tip: str


@dataclass(frozen=True)
class LaneMark:
    """A lane on the map: from hub to hub, as wide as its parcels; ``mode`` may carry a tone, as ``road bad``."""

    origin_hub_id: str
    destination_hub_id: str
    mode: str
    parcels: float
    tip: str


@dataclass(frozen=True)
class AreaMark:
    """An area under a warning: GeoJSON text (WGS 84), the tone of its colour (``bad``, ``warn`` or ``accent``) and what is said about it."""

    area: str
    tone: str
    tip: str


def draw_map(
    hubs: Sequence[HubMark],
    lanes: Sequence[LaneMark],
    outlines: str | None,
    label: str,
    areas: Sequence[AreaMark] = (),
) -> Markup:
    """Draw hubs and lanes in an equal-area projection around the network.

    Parameters
    ----------
    hubs
        Hubs with a place; the largest are named.
    lanes
        Lanes between them; others are left out. The two directions bend apart.
    outlines
        GeoJSON text (WGS 84) for the background, or none.
    label
        What a screen reader says of the map.
    areas
        Areas under warnings, drawn below the lanes.

    Returns
    -------
    Markup
        One ``<svg>``; empty when no hub has a place.
    """
    if not hubs:
        return Markup("")
    import geopandas

    points = geopandas.GeoSeries.from_xy(
        [hub.longitude for hub in hubs], [hub.latitude for hub in hubs], crs="EPSG:4326"
    )
    west, south, east, north = points.total_bounds
    projection = f"+proj=laea +lat_0={(south + north) / 2:.4f} +lon_0={(west + east) / 2:.4f} +datum=WGS84 +units=m"
    flat = points.to_crs(projection)
    frame = _Frame.around(_reach_out(flat.total_bounds, areas, projection))
    place = {hub.hub_id: frame.place(point.x, point.y) for hub, point in zip(hubs, flat, strict=True)}
    size = _sizes(hubs)
    parts = [
        Markup('<svg class="map" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">').format(
            _WIDTH, frame.height, label
        ),
        _land(outlines, projection, frame),
        *[_area(area, projection, frame) for area in areas],
        _lanes(lanes, place),
        *[
            _hub(hub, place[hub.hub_id], size[hub.hub_id])
            for hub in sorted(hubs, key=lambda hub: (-hub.load, hub.hub_id))
        ],
        _labels(hubs, place, size, frame),
        Markup("</svg>"),
    ]
    return Markup("").join(parts)


def _reach_out(
    bounds: Sequence[float], areas: Sequence[AreaMark], projection: str
) -> tuple[float, float, float, float]:
    """Bounds of hubs in metres, widened to what lies near them of areas, as far as a share of their reach."""
    west, south, east, north = (float(value) for value in bounds)
    if not areas:
        return west, south, east, north
    import geopandas
    from shapely.geometry import box, shape

    most = _BESIDE * max(east - west, north - south)
    window = box(west - most, south - most, east + most, north + most)
    flat = geopandas.GeoSeries([shape(json.loads(area.area)) for area in areas], crs="EPSG:4326").to_crs(projection)
    near = flat.make_valid().intersection(window)
    near = near[~near.is_empty]
    if near.empty:
        return west, south, east, north
    left, low, right, high = (float(value) for value in near.total_bounds)
    return min(west, left), min(south, low), max(east, right), max(north, high)


@dataclass(frozen=True)
class _Frame:
    """From metres of the projection to the drawing's units."""

    left: float
    top: float
    scale: float
    height: float

    @classmethod
    def around(cls, bounds: Sequence[float]) -> _Frame:
        west, south, east, north = (float(value) for value in bounds)
        # A single hub still needs some land around it.
        reach = max(east - west, north - south, 60_000.0)
        pad = 0.07 * reach
        width = max(east - west, 0.6 * reach) + 2 * pad
        height = max(north - south, 0.45 * reach) + 2 * pad
        scale = (_WIDTH - 2 * _EDGE) / width
        tallest = 0.7 * _WIDTH
        scale = min(scale, (tallest - 2 * _EDGE) / height)
        middle_x, middle_y = (west + east) / 2, (south + north) / 2
        drawn = height * scale + 2 * _EDGE
        return cls(middle_x - _WIDTH / 2 / scale, middle_y + drawn / 2 / scale, scale, drawn)

    def place(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.left) * self.scale, (self.top - y) * self.scale


def _land(outlines: str | None, projection: str, frame: _Frame) -> Markup:
    if not outlines:
        return Markup("")
    import geopandas

    features = json.loads(outlines)["features"]
    land = geopandas.GeoDataFrame.from_features(features, crs="EPSG:4326").geometry
    return Markup('<path class="land" aria-hidden="true" d="{}"/>').format(_outline_of(land, projection, frame))


def _area(area: AreaMark, projection: str, frame: _Frame) -> Markup:
    import geopandas
    from shapely.geometry import shape

    drawn = _outline_of(geopandas.GeoSeries([shape(json.loads(area.area))], crs="EPSG:4326"), projection, frame)
    return (
        Markup('<path class="area {}" d="{}" data-tip="{}"/>').format(area.tone, drawn, area.tip)
        if drawn
        else Markup("")
    )


def _outline_of(shapes: geopandas.GeoSeries, projection: str, frame: _Frame) -> str:
    """Path of shapes on the drawing, cut to its window."""
    from shapely.affinity import affine_transform
    from shapely.geometry import box

    factor = frame.scale
    drawn = shapes.to_crs(projection).apply(
        lambda shape: affine_transform(shape, [factor, 0, 0, -factor, -frame.left * factor, frame.top * factor])
    )
    window = box(-4, -4, _WIDTH + 4, frame.height + 4)
    return "".join(_ring_paths(drawn.make_valid().simplify(0.5).intersection(window)))


def _ring_paths(shapes: geopandas.GeoSeries) -> list[str]:
    paths = []
    for polygon in shapes.explode(ignore_index=True):
        if polygon is None or polygon.is_empty or polygon.geom_type != "Polygon":
            continue
        for ring in (polygon.exterior, *polygon.interiors):
            points = [f"{x:.1f} {y:.1f}" for x, y in list(ring.coords)[:-1]]
            paths.append(f"M{'L'.join(points)}Z")
    return paths


def _lanes(lanes: Sequence[LaneMark], place: dict[str, tuple[float, float]]) -> Markup:
    most = max((lane.parcels for lane in lanes), default=0.0) or 1.0
    # Many lines must be finer and fainter, or they cover the land they cross.
    crowd = min(1.0, math.sqrt(60 / max(len(lanes), 1)))
    parts = []
    # The busiest come last and lie on top.
    for lane in sorted(lanes, key=lambda lane: (lane.parcels, lane.origin_hub_id, lane.destination_hub_id)):
        if lane.origin_hub_id not in place or lane.destination_hub_id not in place:
            continue
        (x1, y1), (x2, y2) = place[lane.origin_hub_id], place[lane.destination_hub_id]
        share = lane.parcels / most
        bend_x, bend_y = (x1 + x2) / 2 + 0.09 * (y2 - y1), (y1 + y2) / 2 - 0.09 * (x2 - x1)
        parts.append(
            Markup(
                '<path class="lane {}" d="M{:.1f} {:.1f}Q{:.1f} {:.1f} {:.1f} {:.1f}" stroke-width="{:.2f}" '
                'stroke-opacity="{:.2f}" data-tip="{}"/>'
            ).format(
                lane.mode,
                x1,
                y1,
                bend_x,
                bend_y,
                x2,
                y2,
                0.4 + 4.6 * crowd * share,
                crowd * (0.16 + 0.44 * share**0.5),
                lane.tip,
            )
        )
    return Markup("").join(parts)


def _sizes(hubs: Sequence[HubMark]) -> dict[str, float]:
    most = max(hub.load for hub in hubs)
    if not most:
        return {hub.hub_id: _UNWEIGHED for hub in hubs}
    largest = 24.0 * min(1.0, (30 / len(hubs)) ** 0.5)
    return {hub.hub_id: 3.0 + (largest - 3.0) * math.sqrt(hub.load / most) for hub in hubs}


def _hub(hub: HubMark, place: tuple[float, float], radius: float) -> Markup:
    x, y = place
    tone = "" if hub.tone == "good" else f" {hub.tone}"
    circle = Markup('<circle class="hub{}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}" data-tip="{}"/>').format(
        tone, x, y, radius, hub.tip
    )
    if not hub.overloaded:
        return circle
    return circle + Markup('<circle class="ring" cx="{:.1f}" cy="{:.1f}" r="{:.1f}" aria-hidden="true"/>').format(
        x, y, radius + 3.5
    )


def _labels(
    hubs: Sequence[HubMark], place: dict[str, tuple[float, float]], size: dict[str, float], frame: _Frame
) -> Markup:
    """Name the largest hubs, each where its name covers nothing; a hub without room goes unnamed."""
    taken: list[_Box] = [
        (x - r, y - r, x + r, y + r) for (x, y), r in ((place[hub.hub_id], size[hub.hub_id]) for hub in hubs)
    ]
    parts: list[Markup] = []
    for hub in sorted(hubs, key=lambda hub: (not hub.overloaded, -hub.load, hub.hub_id)):
        if len(parts) == _MOST_LABELS:
            break
        x, y = place[hub.hub_id]
        radius = size[hub.hub_id] + (5.0 if hub.overloaded else 0.0)
        name = hub.name if len(hub.name) <= 28 else f"{hub.name[:27]}…"
        length = sum(_WIDE_LETTER if ord(letter) > 0x2E7F else _LETTER for letter in name)
        for anchor, text_x, text_y in (
            ("start", x + radius + 4, y + 4),
            ("end", x - radius - 4, y + 4),
            ("middle", x, y - radius - 5),
            ("middle", x, y + radius + 13),
        ):
            left = text_x - (0 if anchor == "start" else length if anchor == "end" else length / 2)
            box = (left, text_y - _LINE + 3, left + length, text_y + 3)
            inside = box[0] >= 0 and box[2] <= _WIDTH and box[1] >= 0 and box[3] <= frame.height
            if inside and not any(_touch(box, other) for other in taken):
                taken.append(box)
                parts.append(
                    Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
                        text_x, text_y, anchor, name
                    )
                )
                break
    return Markup("").join(parts)


def _touch(a: _Box, b: _Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
