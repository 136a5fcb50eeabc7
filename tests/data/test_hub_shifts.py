from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from data.checks.hub_shifts import find_hub_shifts
from data.contracts import contract

FIRST = dt.date(2025, 3, 3)
BREAK = FIRST + dt.timedelta(days=60)


def volumes(after: dict[str, int], days: int = 120) -> pl.DataFrame:
    """Hub O sends to A, B and C; from the sixtieth day on in other parts. A trickle goes on, so no route closes."""
    rows = []
    for at in range(days):
        date = FIRST + dt.timedelta(days=at)
        parts = {"A": 5000, "B": 4000, "C": 1000} if date < BREAK else after
        # Every eleventh day the whole network carries three times as much: shares stay.
        factor = 3 if at % 11 == 0 else 1
        rows += [(date, "c", "O", hub, parcels * factor) for hub, parcels in parts.items()]
    names = ["date", "courier_id", "origin_hub_id", "destination_hub_id", "parcels"]
    return pl.DataFrame(rows, schema=names, orient="row")


def changes(hub: str, successor: str | None, days: int) -> pl.DataFrame:
    row = {
        "change_id": "x",
        "date": BREAK + dt.timedelta(days=days),
        "hub_id": hub,
        "change": "moves",
        "successor_hub_id": successor,
        "share": None,
        "reason": None,
    }
    return pl.DataFrame([row], schema_overrides={"share": pl.Float64, "reason": pl.String})


BROKEN = {"A": 5000, "B": 300, "C": 4700}


def test_a_hub_that_hands_most_of_its_parcels_on_is_found_on_its_day() -> None:
    found = find_hub_shifts(volumes(BROKEN), contract("network_changes").empty())
    assert found["kind"].to_list() == ["unannounced hub shift"] * 2
    assert found["subject"].to_list() == ["hub B", "hub C"]
    assert found["date_from"].to_list() == [BREAK, BREAK]
    assert found["detail"][0] == "in: from 40 % to 3 % of the network's parcels"
    # 37 % of the two weeks' parcels, one or two days of them with three times as many.
    assert found["parcels"][0] == pytest.approx(0.37 * 10_000 * 16, rel=0.1)


@pytest.mark.parametrize(("days", "kind"), [(-10, "hub shift"), (10, "hub shift"), (20, "unannounced hub shift")])
def test_a_change_that_planners_wrote_down_is_announced(days: int, kind: str) -> None:
    found = find_hub_shifts(volumes(BROKEN), changes("B", "C", days))
    assert set(found["kind"]) == {kind}


def test_steady_shares_small_shifts_and_no_volumes_give_nothing() -> None:
    nothing = contract("network_changes").empty()
    steady = volumes({"A": 5000, "B": 4000, "C": 1000})
    assert find_hub_shifts(steady, nothing).is_empty()
    assert find_hub_shifts(volumes({"A": 4500, "B": 4300, "C": 1200}), nothing).is_empty()
    assert find_hub_shifts(steady.clear(), nothing).is_empty()
