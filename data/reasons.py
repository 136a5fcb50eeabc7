"""Why a number stands in a stock plan: its parts, as one sentence a table holds and a report reads back."""

from __future__ import annotations

import re
from dataclasses import dataclass

GIVEN_DAYS = "the days given"
"""What stock is for when a planner gave days on which no event lies."""
_TOO_FAR = "no warehouse reaches these buyers at less than a lost unit costs"
_NUMBER = r"-?[\d,]+(?:\.\d+)?"
_FORM = re.compile(
    rf"^For (?P<event>.*?) (?P<first>\d{{4}}-\d\d-\d\d) to (?P<last>\d{{4}}-\d\d-\d\d): "
    rf"(?P<expected>{_NUMBER}) expected \+ (?P<safety>{_NUMBER}) safety = (?P<units>{_NUMBER}) units; "
    rf"(?P<there>{_NUMBER}) there already, (?P<send>{_NUMBER}) to send\. "
    rf"Expected from (?P<basis>own|category|forecast|given) sales(?: (?P<base>{_NUMBER}))? x growth (?P<growth>{_NUMBER})"
    rf"(?: x venue (?P<venue>{_NUMBER})(?: x price (?P<price>{_NUMBER}))? x lift (?P<lift>{_NUMBER})"
    rf"(?: x weather (?P<weather>{_NUMBER}))?)?, error (?P<error>{_NUMBER}) %(?:, level (?P<level>{_NUMBER}))?\. "
    rf"Buyers in (?P<regions>.*?); (?P<days>{_NUMBER}) days to them, (?P<home_days>{_NUMBER}) from hub (?P<home>.*?)\. "
    rf"Takes (?P<relief>{_NUMBER}) parcels off that hub\. Two days late costs (?P<late>{_NUMBER}) CNY\."
    rf"(?: From here they cost (?P<cost>{_NUMBER}) CNY, from that hub (?P<home_cost>{_NUMBER}) CNY\.)?"
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
        ``forecast`` (the demand cube), ``given`` (the table stock_demand); plans of earlier versions say ``own`` (the last edition) or ``category`` (borrowed).
    base, growth, venue, price, lift, weather
        Units it would sell on as many ordinary days; what the merchant announced and planners corrected; what its venue and its own
        promotions sell over none; what its discount does; what an event sells over other days; the weather [ratios; 1 = no part
        in it]. Their product is `expected`. `base` is None in plans made before it was told.
    error
        Relative error of the expectation [%].
    level
        Probability with which the units suffice [0..1]; None in plans made before it was told.
    regions
        Regions served and their shares, as text.
    days, home_days, home
        Mean days to the buyers from here, and from the hub the merchant ships from today.
    relief
        Parcels this takes off that hub.
    cost, home_cost
        What serving these units from here costs (bringing them in, storage, parcels, the worth of the buyers' wait), and from the hub
        the merchant ships from today [CNY]; None in plans made before it was told.
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
    base: float | None = None
    venue: float = 1.0
    price: float = 1.0
    lift: float = 1.0
    weather: float = 1.0
    level: float | None = None
    cost: float | None = None
    home_cost: float | None = None

    def write(self) -> str:
        """Write the parts as sentences; ``read_reason`` reads them back."""
        missed = f" It should have left by {self.missed}." if self.missed else ""
        why = f"no room or sending capacity left in {self.full}" if self.full else _TOO_FAR
        short = f" Short {self.short:,} units in all: {why}." if self.short else ""
        base = "" if self.base is None else f" {self.base:,.2f}"
        factors = ""
        if self.base is not None:
            factors = f" x venue {self.venue:.4f} x price {self.price:.4f} x lift {self.lift:.4f} x weather {self.weather:.4f}"
        level = "" if self.level is None else f", level {self.level:.2f}"
        costs = ""
        if self.cost is not None and self.home_cost is not None:
            costs = f" From here they cost {self.cost:,.2f} CNY, from that hub {self.home_cost:,.2f} CNY."
        return (
            f"For {self.event} {self.first} to {self.last}: "
            f"{self.expected:,} expected + {self.safety:,} safety = {self.units:,} units; "
            f"{self.there:,} there already, {self.send:,} to send. "
            f"Expected from {self.basis} sales{base} x growth {self.growth:.4f}{factors}, error {self.error:.0f} %{level}. "
            f"Buyers in {self.regions}; {self.days:.1f} days to them, {self.home_days:.1f} from hub {self.home}. "
            f"Takes {self.relief:,} parcels off that hub. Two days late costs {self.late:,.0f} CNY.{costs}{missed}{short}"
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
    real |= {
        name: number(name)
        for name in ("base", "venue", "price", "lift", "weather", "level", "cost", "home_cost")
        if part[name]
    }
    words = {name: part[name] for name in ("event", "first", "last", "basis", "regions", "home", "missed", "full")}
    return StockReason(**words, **whole, **real)  # type: ignore[arg-type]
