"""How far a probability on draws can be read as a frequency: what backtests of the forecast saw of its bands."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from data.constants import constant

if TYPE_CHECKING:
    from data.table_reader import TableReader


@dataclass(frozen=True)
class FitDraws:
    """When draws carry a probability without a word beside it."""

    hub_above: float = constant(0.065, "share", "of hub-days above their 95 % quantile, at most", "judgement")
    network_least: float = constant(0.76, "share", "of days within the network's 80 % band, at least", "judgement")
    network_most: float = constant(0.86, "share", "of days within it, at most", "judgement")


FIT_DRAWS = FitDraws()


@dataclass(frozen=True)
class Calibration:
    """What backtests saw.

    Attributes
    ----------
    forecast
        The run they stand in.
    hub_above
        Share of hub-days above the 95 % quantile; a twentieth is what it states.
    network_within
        Share of days within the network's 80 % band.
    """

    forecast: str
    hub_above: float | None
    network_within: float | None

    @property
    def passes(self) -> bool:
        """Whether both are where draws that carry a probability have them; not where nothing is known."""
        hub, network = self.hub_above, self.network_within
        return (
            hub is not None
            and network is not None
            and hub <= FIT_DRAWS.hub_above
            and FIT_DRAWS.network_least <= network <= FIT_DRAWS.network_most
        )

    def facts(self) -> dict[str, Any]:
        """What JSON tells of it."""
        return asdict(self) | {"passes": self.passes}


def find_calibration(reader: TableReader, forecast: str | None) -> Calibration | None:
    """Find what backtests saw of the forecast that draws are of, or of the one it adjusts; None where no run kept it."""
    runs = reader.read("runs")
    basis = dict(runs.select("run_id", "forecast_run").iter_rows())
    writers, seen = set(reader.writers("forecast_calibration", withdrawn=True)), set[str]()
    while forecast is not None and forecast not in writers and forecast not in seen:
        seen.add(forecast)
        forecast = basis.get(forecast)
    if forecast is None or forecast not in writers:
        return None
    rows = reader.results("forecast_calibration", forecast)
    share = {(level, name): part for level, name, part in rows.select("level", "quantile", "seen").iter_rows()}
    hub, low, high = share.get(("hub", "q95")), share.get(("network", "q10")), share.get(("network", "q90"))
    within = None if low is None or high is None else high - low
    return Calibration(forecast, None if hub is None else 1.0 - hub, within)


def tell_calibration(found: Calibration | None) -> str | None:
    """Say what to think of a probability, None where the draws pass."""
    from cli.words import word

    if found is None:
        return word("calibration.unknown")
    if found.passes:
        return None
    parts = []
    if found.hub_above is not None:
        parts.append(word("calibration.hub", share=f"{found.hub_above:.1%}"))
    if found.network_within is not None:
        parts.append(word("calibration.network", share=f"{found.network_within:.0%}"))
    if not parts:
        return word("calibration.unknown")
    return word("calibration.seen", told=word("outcome.stop").join(parts))


def read_calibration(reader: TableReader, forecast: str | None) -> dict[str, Any] | None:
    """What JSON tells of the draws of a forecast, None where there is nothing."""
    found = None if forecast is None else find_calibration(reader, forecast)
    return None if found is None else found.facts()
