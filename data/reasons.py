"""Why a number stands in a stock plan: its parts, as one sentence a table holds and a report reads back."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOO_FAR = "no warehouse reaches these buyers at less than a lost unit costs"
_NUMBER = r"-?[\d,]+(?:\.\d+)?"
_FORM = re.compile(
    rf"^For (?P<event>.*?) (?P<first>\d{{4}}-\d\d-\d\d) to (?P<last>\d{{4}}-\d\d-\d\d): "
    rf"(?P<expected>{_NUMBER}) expected \+ (?P<safety>{_NUMBER}) safety = (?P<units>{_NUMBER}) units; "
    rf"(?P<there>{_NUMBER}) there already, (?P<send>{_NUMBER}) to send\. "
    rf"Expected from (?P<basis>own|category) sales x growth (?P<growth>{_NUMBER}), error (?P<error>{_NUMBER}) %\. "
    rf"Buyers in (?P<regions>.*?); (?P<days>{_NUMBER}) days to them, (?P<home_days>{_NUMBER}) from hub (?P<home>.*?)\. "
    rf"Takes (?P<relief>{_NUMBER}) parcels off that hub\. Two days late costs (?P<late>{_NUMBER}) CNY\."
    rf"(?: It should have left by (?P<missed>\d{{4}}-\d\d-\d\d)\.)?"
    rf"(?: Short (?P<short>{_NUMBER}) units in all: (?:no room or sending capacity left in (?P<full>.*?)|{_TOO_FAR})\.)?$",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class StockReason:
    """Parts of an allocation of stock; `expected` + `safety` = `units`, and `units` - `there` = `send` or nothing.

    Attributes
    ----------
    event, first, last
        What the stock is for, and its days (ISO 8601).
    expected, safety, units
        Units expected to be ordered, kept for safety, and to stand there in all.
    there, send
        Units that stand there already, and that are to be sent.
    basis
        ``own`` (the last edition of the merchant's own) or ``category`` (borrowed: a wider range).
    growth
        Growth put on the last edition [ratio].
    error
        Relative error of the expectation [%].
    regions
        Regions served and their shares, as text.
    days, home_days, home
        Mean days to the buyers from here, and from the hub the merchant ships from today.
    relief
        Parcels this takes off that hub.
    late
        Cost of stock that stands there two days late [CNY].
    missed
        Day by which it should have left, when that is past; else empty.
    short, full
        Units of the merchant and category for which there is no place, and the warehouses that are full; empty when none is
        full but none pays either.
    """

    event: str
    first: str
    last: str
    expected: int
    safety: int
    units: int
    there: int
    send: int
    basis: str
    growth: float
    error: float
    regions: str
    days: float
    home_days: float
    home: str
    relief: int
    late: float
    missed: str = ""
    short: int = 0
    full: str = ""

    def write(self) -> str:
        """Write the parts as sentences; ``read_reason`` reads them back."""
        missed = f" It should have left by {self.missed}." if self.missed else ""
        why = f"no room or sending capacity left in {self.full}" if self.full else _TOO_FAR
        short = f" Short {self.short:,} units in all: {why}." if self.short else ""
        return (
            f"For {self.event} {self.first} to {self.last}: "
            f"{self.expected:,} expected + {self.safety:,} safety = {self.units:,} units; "
            f"{self.there:,} there already, {self.send:,} to send. "
            f"Expected from {self.basis} sales x growth {self.growth:.2f}, error {self.error:.0f} %. "
            f"Buyers in {self.regions}; {self.days:.1f} days to them, {self.home_days:.1f} from hub {self.home}. "
            f"Takes {self.relief:,} parcels off that hub. Two days late costs {self.late:,.0f} CNY.{missed}{short}"
        )


def read_reason(text: str) -> StockReason | None:
    """Read the parts back from a sentence of ``StockReason.write``; None for any other text."""
    match = _FORM.match(text)
    if match is None:
        return None
    part = {name: value or "" for name, value in match.groupdict().items()}

    def number(name: str) -> float:
        return float(part[name].replace(",", "") or 0)

    whole = {name: int(number(name)) for name in ("expected", "safety", "units", "there", "send", "relief", "short")}
    real = {name: number(name) for name in ("growth", "error", "days", "home_days", "late")}
    words = {name: part[name] for name in ("event", "first", "last", "basis", "regions", "home", "missed", "full")}
    return StockReason(**words, **whole, **real)  # type: ignore[arg-type]
