"""Units that files write in their headers, against those of the contracts: the same, a known multiple, or refused."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from data.contracts import ColumnContract

_BRACKETED = re.compile(r"[(\[【〔{<]\s*(?:(?:单位|units?)\s*[:=]|单位)?\s*([^)\]】〕}>]*?)\s*[)\]】〕}>]")
_SAID_ABOVE = re.compile(r"(?:单位|\bunits?)\s*[:=]\s*([^\s,;。)]+)", re.IGNORECASE)

# Spelling -> (dimension, value in the dimension's own unit). Sources: SI, GB 3100; 里 is 500 m, the market mile.
_BASES: Final[Mapping[str, tuple[str, float]]] = {
    **dict.fromkeys(("件", "票", "单", "包裹", "包", "parcel", "parcels", "pcs", "piece", "pieces", "package", "packages"), ("parcel", 1.0)),
    **dict.fromkeys(("units", "unit", "只", "套", "双", "sku"), ("unit", 1.0)),
    **dict.fromkeys(("个",), ("thing", 1.0)),
    **dict.fromkeys(("辆", "台", "部", "车辆", "vehicle", "vehicles", "truck", "trucks"), ("vehicle", 1.0)),
    **dict.fromkeys(("班", "班次", "车次", "趟", "次", "发车", "departure", "departures", "trip", "trips"), ("departure", 1.0)),
    **dict.fromkeys(("站", "停靠", "stop", "stops"), ("stop", 1.0)),
    **dict.fromkeys(("元", "人民币", "人民币元", "cny", "rmb", "yuan", "¥"), ("money", 1.0)),
    "角": ("money", 0.1),
    **dict.fromkeys(("公里", "千米", "km", "kilometre", "kilometres", "kilometer", "kilometers"), ("length", 1000.0)),
    **dict.fromkeys(("米", "m", "metre", "metres", "meter", "meters"), ("length", 1.0)),
    **dict.fromkeys(("厘米", "cm"), ("length", 0.01)),
    **dict.fromkeys(("毫米", "mm"), ("length", 0.001)),
    **dict.fromkeys(("英里", "mile", "miles", "mi"), ("length", 1609.344)),
    **dict.fromkeys(("英尺", "ft", "feet", "foot"), ("length", 0.3048)),
    **dict.fromkeys(("in", "inch", "inches", "英寸"), ("length", 0.0254)),
    **dict.fromkeys(("里", "华里"), ("length", 500.0)),
    **dict.fromkeys(("小时", "时", "h", "hr", "hrs", "hour", "hours", "钟头"), ("time", 1.0)),
    **dict.fromkeys(("分钟", "min", "mins", "minute", "minutes"), ("time", 1.0 / 60.0)),
    **dict.fromkeys(("秒", "s", "sec", "second", "seconds"), ("time", 1.0 / 3600.0)),
    **dict.fromkeys(("天", "日", "d", "day", "days"), ("time", 24.0)),
    **dict.fromkeys(("%", "percent", "百分比", "百分数"), ("share", 0.01)),
    "‰": ("share", 0.001),
    **dict.fromkeys(("share", "ratio", "比例", "倍", "小数", "1"), ("share", 1.0)),
    **dict.fromkeys(("°c", "℃", "摄氏度", "c", "celsius"), ("temperature", 1.0)),
    **dict.fromkeys(("°", "度", "degree", "degrees", "deg"), ("angle", 1.0)),
    **dict.fromkeys(("年", "year", "years"), ("year", 1.0)),
    **dict.fromkeys(("星期", "周", "week", "weeks"), ("week", 1.0)),
    **dict.fromkeys(("月", "month", "months"), ("month", 1.0)),
    **dict.fromkeys(("violations", "line"), ("thing", 1.0)),
    **dict.fromkeys(("吨", "t", "ton", "tons", "tonne", "tonnes"), ("mass", 1000.0)),
    **dict.fromkeys(("公斤", "千克", "kg"), ("mass", 1.0)),
    **dict.fromkeys(("克", "g"), ("mass", 0.001)),
    "斤": ("mass", 0.5),
    **dict.fromkeys(("方", "立方", "立方米", "m3", "m³", "cbm"), ("volume", 1.0)),
    **dict.fromkeys(("托", "托盘", "pallet", "pallets"), ("pallet", 1.0)),
    **dict.fromkeys(("美元", "usd", "$", "eur", "欧元", "brl", "hkd", "港元"), ("foreign money", 1.0)),
}  # fmt: skip
_SCALES: Final[Mapping[str, float]] = {
    "十万": 1e5, "百万": 1e6, "千万": 1e7, "十亿": 1e9, "百": 1e2, "千": 1e3, "万": 1e4, "亿": 1e8,
    "thousand": 1e3, "million": 1e6, "billion": 1e9, "k": 1e3, "w": 1e4, "mn": 1e6, "mio": 1e6, "bn": 1e9,
}  # fmt: skip
_WHOLE: Final[Mapping[str, tuple[str, float]]] = {
    "km/h": ("speed", 1.0 / 3.6), "kmh": ("speed", 1.0 / 3.6), "kph": ("speed", 1.0 / 3.6), "公里/小时": ("speed", 1.0 / 3.6),
    "m/s": ("speed", 1.0), "米/秒": ("speed", 1.0), "mps": ("speed", 1.0), "mph": ("speed", 0.44704), "kn": ("speed", 1852.0 / 3600.0),
    "knots": ("speed", 1852.0 / 3600.0), "kt": ("speed", 1852.0 / 3600.0), "节": ("speed", 1852.0 / 3600.0),
    "辆天": ("vehicle-day", 1.0), "车天": ("vehicle-day", 1.0), "车日": ("vehicle-day", 1.0), "台班": ("vehicle-day", 1.0), "vehicle-day": ("vehicle-day", 1.0),
}  # fmt: skip
# °F and K are no multiple of °C: value * factor + offset.
_TEMPERATURES: Final[Mapping[str, tuple[float, float]]] = {
    "°f": (5.0 / 9.0, -160.0 / 9.0), "℉": (5.0 / 9.0, -160.0 / 9.0), "f": (5.0 / 9.0, -160.0 / 9.0), "fahrenheit": (5.0 / 9.0, -160.0 / 9.0),
    "华氏度": (5.0 / 9.0, -160.0 / 9.0), "k": (1.0, -273.15), "kelvin": (1.0, -273.15), "开尔文": (1.0, -273.15),
}  # fmt: skip
# Behind a coordinate: other measures of an angle, and the two directions whose degrees are below 0.
_OTHER_ANGLES: Final = frozenset(
    ("rad", "radian", "radians", "弧度", "gon", "s", "south", "南", "南纬", "w", "west", "西", "西经")
)
# 个 counts whatever the column counts.
_COUNTS = ("parcel", "unit", "vehicle", "departure", "stop", "thing")
# What a table's rows stand for anyway: a volume a business date is a volume a day.
_SAID_BY_THE_COLUMN = ("time", "departure", "parcel", "vehicle", "unit")


@dataclass(frozen=True)
class Conversion:
    """How values of a file become the contract's: ``value * factor + offset``."""

    found: str
    expected: str
    factor: float = 1.0
    offset: float = 0.0

    @property
    def changes(self) -> bool:
        """Whether it does anything."""
        return (self.factor, self.offset) != (1.0, 0.0)


@dataclass(frozen=True)
class _Unit:
    dimension: str
    value: float
    per: str | None = None
    per_value: float = 1.0


def unit_in(header: str) -> str | None:
    """Return what stands in the brackets of a header, None where there are none.

    Examples
    --------
    >>> unit_in("货量（万件）"), unit_in("capacity (t)"), unit_in("货量")
    ('万件', 't', None)
    """
    found = _BRACKETED.findall(unicodedata.normalize("NFKC", header))
    return found[-1].strip() or None if found else None


def unit_above(preamble: tuple[str, ...]) -> str | None:
    """Return the unit that a line above the header names, None where none does.

    Examples
    --------
    >>> unit_above(("单位：万件",)), unit_above(("路线货量（万件）",)), unit_above(("路线货量（试行）",))
    ('万件', '万件', None)
    """
    for cell in preamble:
        found = _SAID_ABOVE.search(unicodedata.normalize("NFKC", cell))
        if found:
            return found[1]
    brackets = [unit for cell in preamble for unit in _BRACKETED.findall(unicodedata.normalize("NFKC", cell))]
    return next((unit for unit in brackets if is_unit(unit)), None)


def is_unit(text: str) -> bool:
    """Whether a cell says a unit and nothing else.

    Examples
    --------
    >>> [is_unit(text) for text in ("万件", "（件/天）", "t", "℃", "km/h", "12", "北京")]
    [True, True, True, True, True, False, False]
    """
    bare = (
        unit_in(text) if unit_in(text) and not _BRACKETED.sub("", unicodedata.normalize("NFKC", text)).strip() else text
    )
    folded = _fold(_SAID_ABOVE.sub(r"\1", unicodedata.normalize("NFKC", bare or "")))
    if any(map(str.isdecimal, folded.replace("m3", ""))):
        return False
    return folded in _SCALES or folded in _TEMPERATURES or _parse(folded) is not None


def find_conversion(found: str, column: ColumnContract) -> Conversion | None:
    """Say how values in a unit become those of a column; None where the unit is no known multiple of the column's.

    A rate by the hour is none of a rate by the day: who knows how many hours a hub sorts. Brackets behind a latitude mostly hold
    no unit (WGS84, 北纬); units of something else, radians, south and west are refused.

    Parameters
    ----------
    found
        Unit as a header writes it.
    column
        Contract of a numeric column.

    Examples
    --------
    >>> from data.contracts import contract
    >>> find_conversion("万件", contract("route_volumes").column("parcels")).factor
    10000.0
    """
    expected = column.unit or ""
    folded = _fold(found)
    if folded == _fold(expected):
        return Conversion(found, expected)
    if expected == "degrees":
        named = _parse(folded)
        other = folded in _OTHER_ANGLES or (named is not None and named.dimension != "angle")
        return None if other else Conversion(found, expected)
    target = _parse(_fold(expected))
    if target is None:
        return None
    if target.dimension == "temperature" and folded in _TEMPERATURES:
        return Conversion(found, expected, *_TEMPERATURES[folded])
    unit = _parse(folded)
    if unit is None:
        return _scale_alone(found, folded, expected, target)
    if unit.dimension != target.dimension and not (unit.dimension == "thing" and target.dimension in _COUNTS):
        return None
    factor = unit.value / target.value
    if unit.per == target.per and (unit.per != "time" or unit.per_value == target.per_value):
        return Conversion(found, expected, factor * target.per_value / unit.per_value)
    if unit.per is None or (target.per is None and unit.per in _SAID_BY_THE_COLUMN and _is_one_row(unit)):
        return Conversion(found, expected, factor)
    return None


def _is_one_row(unit: _Unit) -> bool:
    """Whether a "per" says no more than that the number is a row's: 件/天, not 件/小时."""
    return unit.per != "time" or unit.per_value == 24.0


def _scale_alone(found: str, folded: str, expected: str, target: _Unit) -> Conversion | None:
    """A bare 万 or k in brackets counts in the column's own unit."""
    if folded in _SCALES and target.dimension in (*_COUNTS, "money"):
        return Conversion(found, expected, _SCALES[folded])
    return None


def _fold(unit: str) -> str:
    folded = re.sub(r"\s+", "", unicodedata.normalize("NFKC", unit.replace("℃", "°C").replace("℉", "°F")).casefold())
    return folded.replace("每", "/").replace("per", "/") if "/" not in folded and "percent" not in folded else folded


def _parse(folded: str) -> _Unit | None:
    if folded in _WHOLE:
        return _Unit(*_WHOLE[folded])
    top, *below = folded.split("/")
    counted = _count(top)
    if counted is None:
        return None
    if not below:
        return _Unit(*counted)
    if len(below) == 1:
        per = _WHOLE.get(below[0]) or ({"车": ("departure", 1.0)}.get(below[0]) or _count(below[0]))
        return None if per is None else _Unit(*counted, *per)
    parts = [_count(part) for part in below]
    if None in parts:
        return None
    return _Unit(*counted, "/".join(part[0] for part in parts if part), 1.0)


def _count(text: str) -> tuple[str, float] | None:
    if text in _BASES:
        return _BASES[text]
    for scale, factor in _SCALES.items():
        base = _BASES.get(text.removeprefix(scale)) if text.startswith(scale) else None
        if base is not None and base[0] in (*_COUNTS, "money"):
            return base[0], base[1] * factor
    return None
