"""The chain on real data through the installed command: it runs, it is quick enough to be used, it beats the naive forecasts."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.chain import run_courier_network, run_order_network

NAIVE = ("seasonal_naive", "day_of_week_mean")
CUT_OFFS = "2022-06-07,2022-08-31,2022-09-09"


@pytest.mark.slow
def test_courier_network_from_chinese_headers_to_scores(shared: Path, tmp_path: Path) -> None:
    chain = run_courier_network(tmp_path / "courier", shared)
    routes = chain.query("SELECT count(DISTINCT origin_hub_id || '>' || destination_hub_id) AS n FROM route_volumes")
    assert routes == [{"n": 934}]
    sums = chain.query(
        "SELECT count(*) AS days FROM network_forecasts AS n JOIN "
        "(SELECT date, sum(mean) AS mean FROM route_forecasts GROUP BY date) AS r USING (date) WHERE n.mean = r.mean"
    )
    assert sums == [{"days": 14}]
    chain.radar("backtest", "--as-of", CUT_OFFS, "--horizon", "14")
    scores = chain.query(
        "SELECT level, model, avg(accuracy) AS accuracy FROM backtest_scores "
        "WHERE \"window\" = 'all' AND lead_days = '1-14' GROUP BY ALL"
    )
    by_name = {(row["level"], row["model"]): float(str(row["accuracy"])) for row in scores}
    for level in ("network", "hub/out", "hub/in"):
        for naive in NAIVE:
            assert by_name[level, "radar"] > by_name[level, naive], (level, naive, by_name)


@pytest.mark.slow
def test_orders_by_state_become_a_network_and_a_verified_peak_plan(shared: Path, tmp_path: Path) -> None:
    chain = run_order_network(tmp_path / "orders", shared)
    certificate = chain.query("SELECT * FROM plan_certificates WHERE plan = 'trunk'")[0]
    assert certificate["violations"] == 0
    assert certificate["parcels_planned"] == certificate["parcels_demanded"]
    assert float(str(certificate["lower_bound"])) <= float(str(certificate["cost"]))
    peak = chain.query("SELECT date, mean FROM network_forecasts ORDER BY mean DESC LIMIT 1")[0]
    assert str(peak["date"]) == "2017-11-24"
