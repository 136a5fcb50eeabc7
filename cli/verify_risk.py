"""``radar verify --risk``: the probabilities of a certificate, played again by the checker's own code on the same draws."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from data.workspace import Workspace
    from routing.checker.playback.clock import ClockRules
    from routing.checker.violations import Violation

_BLOCK = 250  # futures played side by side (judgement: what fits a processor's cache)
_FORMER_MOST = 1000  # futures of plans that did not keep how many were asked for
_NEAR = 0.005  # share of futures that may differ: parcels divided to the last one in another order (judgement)


@dataclass(frozen=True)
class Replayed:
    """A probability as stated and as played again.

    Attributes
    ----------
    figure
        Column of the certificate.
    stated, played
        Share of the draws in which a hub overflows.
    draws
        How many.
    """

    figure: str
    stated: float
    played: float
    draws: int

    @property
    def holds(self) -> bool:
        """Whether both are the same but for parcels divided in another order."""
        return abs(self.stated - self.played) <= _NEAR

    def facts(self) -> dict[str, Any]:
        """What JSON tells of it."""
        return asdict(self) | {"holds": self.holds}


def replay_risk(
    workspace: Workspace, run_id: str, tables: dict[str, pl.DataFrame], rules: ClockRules
) -> list[Replayed]:
    """Play a plan on the draws of its certificate by the checker's own code; nothing where it states no probability.

    Raises
    ------
    RadarError
        When the forecast of the draws is no longer there.
    """
    import numpy as np

    from cli.closure_scenarios import lay_weather
    from cli.past_plans import read_run
    from cli.plan_risk import open_draws
    from data.errors import RadarError
    from routing.checker.playback.futures import FREE, RIGID, Freedom, Futures
    from routing.checker.playback.ground import Ground
    from routing.checker.tables import read_tables

    certificate = tables["plan_certificates"].filter(tables["plan_certificates"]["plan"] == "trunk").row(0, named=True)
    if certificate["overflow_probability"] is None:
        return []
    named, count = certificate["draws_run"], certificate["draws"]
    if named not in workspace.writers("route_forecasts", withdrawn=True):
        raise RadarError(f"no forecast {named}, of which the draws are", action="verify without --risk")
    made = read_run(workspace, run_id)
    most = int(made["options"].get("draws") or _FORMER_MOST)
    source = open_draws(tables, lambda level: workspace.results(f"{level}_forecasts", named), most, made["seed"])
    demand = source.draw(0, count)
    ground = Ground(read_tables(lay_weather(workspace, tables))[0], source.routes, rules)
    called = float(certificate["policy"].removeprefix("spot ").removesuffix(" %")) / 100.0
    freedoms = {
        "overflow_probability": Freedom(others=True, called=called),
        "overflow_rigid": RIGID,
        "overflow_floor": FREE,
    }
    blocks = [demand[start : start + _BLOCK] for start in range(0, count, _BLOCK)]
    over = {
        figure: np.concatenate([Futures(ground, freedom, block).play() for block in blocks])
        for figure, freedom in freedoms.items()
    }
    over["overflow_floor"] = np.logical_and.reduce(list(over.values()))
    return [Replayed(figure, certificate[figure], float(hits.mean()), count) for figure, hits in over.items()]


def list_broken(replayed: list[Replayed]) -> list[Violation]:
    """List the figures that do not hold."""
    from routing.checker.violations import Violation

    return [
        Violation(
            rule=f"risk.{one.figure}",
            where="plan",
            date=None,
            found=f"{one.stated:.4f}",
            allowed=f"{one.played:.4f}",
            text=f"The certificate says {one.figure} {one.stated:.1%}; played again on its {one.draws} draws it is {one.played:.1%}.",
        )
        for one in replayed
        if not one.holds
    ]


def tell_replayed(replayed: list[Replayed]) -> str:
    """Say in a sentence whether the certificate's probabilities hold."""
    from cli.words import word

    if not replayed:
        return word("verify.risk_unknown")
    key = "verify.risk_holds" if all(one.holds for one in replayed) else "verify.risk_off"
    stated, played = (
        word("outcome.stop").join(f"{getattr(one, name):.1%}" for one in replayed) for name in ("stated", "played")
    )
    return word(key, draws=f"{replayed[0].draws:,}", stated=stated, played=played)
