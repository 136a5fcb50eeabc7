"""Numbers as people write them: 1234, 1,234, 1.234,5, 1 234,5, 85 %, １２３, 1.2万."""

from __future__ import annotations

import polars as pl

_GROUPED_POINT = r"^[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?$"
_GROUPED_COMMA = r"^[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?$"
_GROUPED_SPACE = r"^[+-]?\d{1,3}(?:[ '’]\d{3})+(?:[.,]\d+)?$"
_DECIMAL_COMMA = r"^[+-]?\d*,\d+$"
# 1,234 and 1.234 can be read both ways; these cannot.
_SURELY_COMMA = r"^[+-]?(?:\d*,\d{1,2}|\d*,\d{4,}|0,\d+|\d{4,},\d+|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,})$"
_SURELY_POINT = r"^[+-]?(?:\d*\.\d{1,2}|\d*\.\d{4,}|0\.\d+|\d{4,}\.\d+|\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,})$"
_LARGEST = float(2**63 - 1024)
_EVIDENCE_ROWS = 100_000
# Below nothing as book-keepers and their systems write it: (1,234), 1,234-.
_BOOKED = r"^(?:\(\s*(\d[\d.,'’ ]*)\s*\)|(\d[\d.,'’ ]*)\s*-)$"

# Marks of foot notes, and fractions of one letter: 500¹ and 500① are no 5001, 2½ is no 21/2.
RAISED = r"[\x{b2}\x{b3}\x{b9}\x{bc}-\x{be}\x{2070}-\x{209c}\x{2150}-\x{215f}\x{2460}-\x{24ff}\x{2776}-\x{2793}\x{3220}-\x{325f}\x{3280}-\x{32bf}]"
# Marks that set the direction of writing, as copied from a file's properties or a chat.
UNSEEN = r"[\x{ad}\x{61c}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}\x{feff}]"

NOT_A_NUMBER = "is not a number"
NOT_WHOLE = "is not a whole number"
NOT_FINITE = "must be finite"
TOO_LARGE = "is above the largest value allowed"


def uses_decimal_comma(columns: list[pl.Series], default: bool) -> bool:
    """Tell from the numbers of a file whether a comma parts the fraction.

    Parameters
    ----------
    columns
        Text of the columns that hold numbers.
    default
        The answer where nothing speaks for either.
    """
    comma = point = 0
    for column in columns:
        sample = column.head(_EVIDENCE_ROWS).str.strip_chars()
        comma += int(sample.str.contains(_SURELY_COMMA).sum() or 0)
        point += int(sample.str.contains(_SURELY_POINT).sum() or 0)
    return comma > point or (default and comma == point)


def parse_fractions(text: pl.Series, decimal_comma: bool, percent: bool = False) -> tuple[pl.Series, pl.Series]:
    """Read numbers.

    Parameters
    ----------
    text
        Trimmed text; null where empty.
    decimal_comma
        Whether a comma parts the fraction where a value could be read both ways.
    percent
        Whether ``85 %`` may stand for 0.85.

    Returns
    -------
    values
        Float64; null where empty or unreadable.
    rules
        The rule broken, null where none is.
    """
    fast = text.cast(pl.Float64, strict=False)
    if decimal_comma:
        # 1.234 is a thousand here: leave every point to the careful way.
        fast = fast.zip_with(
            ~text.str.contains(".", literal=True).fill_null(False), pl.Series([None], dtype=pl.Float64)
        )
    left = text.is_not_null() & fast.is_null()
    if left.any():
        careful = _parse_carefully(text.filter(left), decimal_comma, percent)
        fast = _fill(fast, left, careful)
    rules = _rule_where(text.is_not_null() & fast.is_null(), NOT_A_NUMBER)
    return fast, rules


def parse_wholes(text: pl.Series, decimal_comma: bool) -> tuple[pl.Series, pl.Series]:
    """Read whole numbers; ``3.0`` and ``1,234`` are whole. See ``parse_fractions``."""
    values = text.cast(pl.Int64, strict=False)
    left = text.is_not_null() & values.is_null()
    if not left.any():
        return values, _rule_where(left, NOT_A_NUMBER)
    fractions, rules = parse_fractions(text.filter(left), decimal_comma)
    wholes, broken = wholes_of(fractions)
    rules = rules.zip_with(rules.is_not_null(), broken)
    return _fill(values, left, wholes), _fill(
        pl.Series([None], dtype=pl.String).new_from_index(0, text.len()), left, rules
    )


def wholes_of(fractions: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Turn Float64 without fraction into Int64; the rest becomes null with the rule it broke."""
    frame = fractions.cast(pl.Float64).alias("x").to_frame()
    x = pl.col("x")
    whole = x.is_finite() & (x == x.round()) & (x.abs() < _LARGEST)
    rule = (
        pl.when(x.is_null() | x.is_nan())
        .then(None)
        .when(x.is_infinite())
        .then(pl.lit(NOT_FINITE))
        .when(x.abs() >= _LARGEST)
        .then(pl.lit(TOO_LARGE))
        .when(~whole)
        .then(pl.lit(NOT_WHOLE))
    )
    out = frame.select(pl.when(whole).then(x).cast(pl.Int64, strict=False).alias("value"), rule.alias("rule"))
    return out["value"], out["rule"]


def _parse_carefully(text: pl.Series, decimal_comma: bool, percent: bool) -> pl.Series:
    text = text.set(text.str.contains(RAISED).fill_null(False), None)
    frame = (
        text.str.replace_all(UNSEEN, "")
        .str.normalize("NFKC")
        .str.strip_chars()
        .str.replace(_BOOKED, "-${1}${2}")
        .alias("t")
        .to_frame()
    )
    t = pl.col("t")
    scale = pl.when(t.str.contains("[万萬]$")).then(1e4).when(t.str.contains("[亿億]$")).then(1e8).otherwise(1.0)
    bare = t.str.strip_chars_end("万萬亿億")
    if percent:
        scale = pl.when(t.str.ends_with("%")).then(0.01).otherwise(scale)
        bare = bare.str.strip_chars_end("%")
    frame = frame.select(bare.str.strip_chars().alias("t"), scale.alias("scale"))
    frame = frame.with_columns(
        pl.when(t.str.contains(_GROUPED_SPACE)).then(t.str.replace_all("[ '’]", "")).otherwise(t).alias("t")
    )
    without_points = t.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    without_commas = t.str.replace_all(",", "", literal=True)
    grouped_comma, grouped_point = t.str.contains(_GROUPED_COMMA), t.str.contains(_GROUPED_POINT)
    if decimal_comma:
        plain = (
            pl.when(grouped_comma | t.str.contains(_DECIMAL_COMMA))
            .then(without_points)
            .when(grouped_point)
            .then(without_commas)
        )
    else:
        plain = (
            pl.when(grouped_point)
            .then(without_commas)
            .when(grouped_comma & t.str.contains(r",|\..*\."))
            .then(without_points)
            .when(t.str.contains(_DECIMAL_COMMA))
            .then(without_points)
        )
    number = plain.otherwise(t).cast(pl.Float64, strict=False)
    return frame.select(number * pl.col("scale")).to_series()


def _fill(values: pl.Series, where: pl.Series, with_: pl.Series) -> pl.Series:
    """Put the values of ``with_`` at the places ``where`` is true, in their order."""
    at = where.arg_true()
    return values.clone().scatter(at, with_) if at.len() else values


def _rule_where(broken: pl.Series, rule: str) -> pl.Series:
    return broken.alias("broken").to_frame().select(pl.when("broken").then(pl.lit(rule)).alias("rule")).to_series()
