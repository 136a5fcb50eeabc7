from __future__ import annotations

from benchmarks.forecast.studies import ALL, MONTHS, OLIST, PEER, RADAR, mean_figures
from benchmarks.forecast.targets import Row, compare


def row(rows: list[Row], figure: str) -> Row:
    (found,) = [one for one in rows if one.figure == figure]
    return found


def results(route: float, bias: float) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    mine = {"route": route, "bias": bias}
    return {
        MONTHS: {
            RADAR: {ALL: mine},
            PEER + "tsb": {ALL: {"route": 0.42, "bias": -0.07}},
            PEER + "theta": {ALL: {"route": 0.45, "bias": 0.02}},
            "member: level-3": {ALL: {"route": 0.1, "bias": 0.0}},
        },
        OLIST: {RADAR: {"normal": mine}},
    }


def test_an_aim_is_judged_by_what_is_shown_with_the_best_peer_of_the_run() -> None:
    met = row(compare(results(0.3904, -0.029), [], []), "route, 11 windows")
    assert (met.peer, met.ours, met.met) == ("0.420 (tsb)", "0.390", True)
    assert row(compare(results(0.3906, 0.0), [], []), "route, 11 windows").verdict == "**missed**"
    bias = row(compare(results(0.4, -0.029), [], []), "bias (the same on every level): Chinese network, 11 windows")
    assert (bias.peer, bias.ours, bias.met) == ("2.0% (theta)", "-2.9%", True)
    # One group stands for all of a study that has no other.
    assert row(compare(results(0.47, 0.0), [], []), "Olist: route").met


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    rows = compare({}, [], [])
    assert {one.verdict for one in rows} == {"not measured"}
    scale = [{"routes": 100_000.0, "rows": 1.0, "wall": 100.0, "cpu": 90.0, "memory": 4.2}]
    assert row(compare({}, scale, []), "100,000 routes × 730 days × 28 ahead").met is False


def test_figures_are_averaged_over_cases_and_missing_ones_left_out() -> None:
    scores = {RADAR: {"a": [{"x": 1.0}, {"x": 3.0, "y": 5.0}], "b": [{"x": float("nan"), "y": 1.0}]}}
    means = mean_figures(scores)[RADAR]
    assert means["a"] == {"x": 2.0, "y": 5.0}
    assert means[ALL] == {"x": 2.0, "y": 3.0}
