"""From an Altair chart to a drawing that stands in the page: no script, no font, colours from the page's style sheet.

A drawing is made once, as SVG, so it prints as it looks and opens without a chart engine. Colours are named
(``"accent"``) and become CSS variables, which is how one drawing serves the light and the dark page.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    import altair as alt

# Vega wants real colours; these stand in for the names until the drawing is done.
_NAMES = (
    "ink", "soft", "line", "accent", "band", "band-inner", "past", "then", "event", "shade", "hover",
    "up", "down", "own", "contract", "spot", "rail", "air",
)  # fmt: skip
_STAND_INS = {name: f"#fe{number:02x}a7" for number, name in enumerate(_NAMES)}
_FONT = "Liberation Sans"
_FONT_ATTRIBUTE = re.compile(r' font-family="[^"]*"')
_LOCAL_ID = re.compile(r'(id="|url\(#|href="#)((?:clip|gradient)[\w-]*)')
_SIZE = re.compile(r'^<svg [^>]*?width="([\d.]+)" height="([\d.]+)"[^>]*>')
_BACKGROUND = re.compile(r'^(<svg [^>]*>)<rect width="[^"]*" height="[^"]*" fill="white"/>')


def colour(name: str) -> str:
    """Return the colour that becomes ``var(--name)`` in the page."""
    return _STAND_INS[name]


def draw(chart: alt.LayerChart | alt.FacetChart, name: str, label: str) -> Markup:
    """Draw a chart as inline SVG.

    Parameters
    ----------
    chart
        An Altair chart whose colours come from ``colour``.
    name
        Prefix of the ids inside the drawing: several drawings share one page.
    label
        What a screen reader says of the whole drawing.

    Returns
    -------
    Markup
        One ``<svg>`` element; its marks carry ``aria-label`` where the chart gives them a description.
    """
    import vl_convert

    spec = chart.to_dict() | {"config": _house_style()}
    svg = vl_convert.vegalite_to_svg(spec, vl_version="6.4")
    svg = _BACKGROUND.sub(r"\1", svg)
    width, height = _dimensions(svg)
    opening = (
        f'<svg class="chart" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(label)}" xmlns="http://www.w3.org/2000/svg">'
    )
    svg = _SIZE.sub(lambda _: opening, svg, count=1)
    svg = _FONT_ATTRIBUTE.sub("", svg)
    # The engine numbers its ids on from drawing to drawing; numbered anew, the same chart is the same bytes.
    own: dict[str, str] = {}
    svg = _LOCAL_ID.sub(lambda found: found[1] + own.setdefault(found[2], f"{name}-{len(own) + 1}"), svg)
    for token, stand_in in _STAND_INS.items():
        svg = svg.replace(f'"{stand_in}"', f'"var(--{token})"')
    return Markup(svg)  # noqa: S704  Vega escapes the text of its marks; the tests hold it to that.


def _house_style() -> dict[str, Any]:
    """Thin lines, quiet axes, no frame."""
    axis = {
        "domain": False,
        "ticks": False,
        "labelColor": colour("soft"),
        "labelFontSize": 12,
        "labelPadding": 8,
        "gridColor": colour("line"),
    }
    return {
        "font": _FONT,
        "padding": {"left": 2, "right": 8, "top": 4, "bottom": 2},
        "view": {"stroke": None},
        "axis": axis,
        "axisX": {"grid": False},
    }


def ticks(top: float, most: int = 5) -> list[float]:
    """Return round numbers from 0 to at least ``top``, in steps of 1, 2, 2.5 or 5 times a power of ten."""
    if top <= 0:
        return [0.0, 1.0]
    rough = top / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * unit for unit in (1, 2, 2.5, 5, 10) if power * unit >= rough * (1 - 1e-9))
    count = math.ceil(top / step - 1e-9)
    return [step * number for number in range(count + 1)]


def sparkline(values: Sequence[float], label: str) -> Markup:
    """Draw a path of days as a line of a table cell, its highest day as a dot."""
    if len(values) < 2:
        return Markup("")
    width, height, edge = 96.0, 20.0, 3.0
    top = max(values) or 1.0
    step = (width - 2 * edge) / (len(values) - 1)
    points = [
        (round(edge + number * step, 1), round(height - edge - value / top * (height - 2 * edge), 1))
        for number, value in enumerate(values)
    ]
    path = " ".join(f"{x},{y}" for x, y in points)
    peak_x, peak_y = points[max(range(len(values)), key=lambda number: values[number])]
    return Markup(
        '<svg class="spark" viewBox="0 0 {w:.0f} {h:.0f}" width="{w:.0f}" height="{h:.0f}" role="img" aria-label="{label}">'
        '<polyline points="{path}"/><circle cx="{x}" cy="{y}" r="2.4"/></svg>'
    ).format(w=width, h=height, label=label, path=path, x=peak_x, y=peak_y)


def _dimensions(svg: str) -> tuple[str, str]:
    found = _SIZE.match(svg)
    if found is None:
        raise ValueError("the chart engine returned something that is not an SVG with a size")
    return found[1], found[2]
