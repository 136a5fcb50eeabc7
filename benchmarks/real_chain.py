"""The whole chain on two real data sets: seconds a command, accuracy beside the naive forecasts, the plan's verdict."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.chain import Chain, run_courier_network, run_order_network
from benchmarks.machine import describe_machine, shared_folder

CUT_OFFS = "2022-06-07,2022-08-31,2022-09-09"
_SCORES = """
SELECT level, model, round(avg(accuracy), 3) AS accuracy, round(avg(bias), 3) AS bias
FROM backtest_scores
WHERE level IN ('network', 'hub/out', 'hub/in', 'route', 'route_weekly') AND "window" = 'all' AND lead_days = '1-14'
GROUP BY level, model ORDER BY level, accuracy DESC
"""


def main() -> int:
    """Print the figures; 0 when the real data are there."""
    shared = shared_folder()
    if shared is None:
        print("skipped: no folder with real data (set PARCELRADAR_SHARED)")
        return 0
    print(describe_machine())
    with tempfile.TemporaryDirectory() as scratch:
        courier = run_courier_network(Path(scratch) / "courier", shared)
        courier.radar("backtest", "--as-of", CUT_OFFS, "--horizon", "14", name="backtest")
        _print_seconds("courier network, 934 routes, 14 days from 2022-06-07", courier)
        _print_rows(f"backtest over {CUT_OFFS}", courier.query(_SCORES))
        orders = run_order_network(Path(scratch) / "orders", shared)
        _print_seconds("orders by state, Black Friday 2017 from 2017-11-09", orders)
        peak = "SELECT date, mean, q10, q90 FROM network_forecasts WHERE date BETWEEN '2017-11-23' AND '2017-11-27' ORDER BY date"
        _print_rows("network forecast around the day (24 November brought 1,174 parcels)", orders.query(peak))
        _print_rows("trunk plan of 20 to 26 November", orders.query("SELECT * FROM plan_certificates"))
    return 0


def _print_seconds(title: str, chain: Chain) -> None:
    taken = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in chain.seconds.items() if name != "sql")
    print(f"\n{title}: {taken}")


def _print_rows(title: str, rows: list[dict[str, object]]) -> None:
    print(f"\n{title}")
    for row in rows:
        print("  " + "  ".join(f"{name}={value}" for name, value in row.items()))


if __name__ == "__main__":
    sys.exit(main())
